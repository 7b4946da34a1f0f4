"""x as a Series or DataFrame of pandas or polars: f gets one with the same labels, and so are the results."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .given import words
from .layout import Array, Layout


class LabelledLayout(Layout):
    """x is a Series or DataFrame.

    Attributes
    ----------
    kind : type
        Its class.
    axes : tuple
        The labels of each axis: indexes of pandas, or sequences.
    title : object
        The name of a Series.
    """

    __slots__ = ("axes", "kind", "title")

    def __init__(self, kind: type, axes: tuple[Any, ...], title: Any = None) -> None:
        self.kind = kind
        self.axes = axes
        self.title = title

    @property
    def shape(self) -> tuple[int, ...]:
        """As for `Layout`."""
        return tuple(map(len, self.axes))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, LabelledLayout)
            and (self.kind, self.shape, self.title) == (other.kind, other.shape, other.title)
            and all(map(_same_labels, self.axes, other.axes))
            and list(map(_names, self.axes)) == list(map(_names, other.axes))
        )

    def __hash__(self) -> int:
        return hash((self.kind, self.shape))

    def restore(self, values: NDArray[Any]) -> Any:
        """As for `Layout`."""
        if _is_polars(self.kind):
            return self._of_polars(values.reshape(self.shape))
        if len(self.axes) == 1:
            return self.kind(values, index=self.axes[0], name=self.title, copy=False)
        return self.kind(values.reshape(self.shape), index=self.axes[0], columns=self.axes[1], copy=False)

    def _of_polars(self, values: NDArray[Any]) -> Any:
        if len(self.axes) == 1:
            return self.kind(self.title, values)
        return self.kind(values, schema=list(self.axes[1]), orient="row")

    def restore_columns(self, matrix: NDArray[Any]) -> Any:
        """As for `Layout`: with pandas, a DataFrame whose columns have the labels of x."""
        return self._labelled(matrix, None)

    def restore_square(self, matrix: NDArray[Any]) -> Any:
        """As for `Layout`: with pandas, a DataFrame with the labels of x on both axes."""
        return self._labelled(matrix, self._labels())

    def _labelled(self, matrix: NDArray[Any], index: Any) -> Any:
        columns = self._labels()
        if columns is None:
            return matrix
        return _module("pandas").DataFrame(matrix, index=index, columns=columns, copy=False)

    def _labels(self) -> Any:
        """One index for the coordinates in C order; None with polars, which has no index."""
        if _is_polars(self.kind):
            return None
        return self.axes[0] if len(self.axes) == 1 else _module("pandas").MultiIndex.from_product(self.axes)

    def label(self, component: int) -> str:
        """As for `Layout`, such as ``'a'`` or ``'row', 'column'``."""
        places = np.unravel_index(component, self.shape)
        return ", ".join(_text(axis[int(k)]) for axis, k in zip(self.axes, places, strict=True))

    def column(self, component: int) -> str:
        """As for `Layout`: its label, those of several axes in parentheses."""
        label = self.label(component)
        return f"({label})" if ", " in label else label

    def component(self, index: Any) -> int:
        """As for `Layout`; text is a name, or a label by itself; in tuples, integers are places, and text is labels."""
        if isinstance(index, tuple):
            places = (self._place(axis, entry) for axis, entry in enumerate(index[: len(self.axes)]))
            return Layout.component(self, (*places, *index[len(self.axes) :]))
        if isinstance(index, str) and len(self.axes) == 1 and index in list(self.axes[0]):
            return int(self._place(0, index))
        return Layout.component(self, index)

    def _place(self, axis: int, entry: Any) -> Any:
        """Where a label is along an axis; a place as it is."""
        if not isinstance(entry, str):
            return entry
        labels = list(self.axes[axis])
        if entry not in labels:
            raise IndexError(f"x has no label {entry!r} along axis {axis}")
        return labels.index(entry)

    def flat_values(self, value: Any, name: str, exact: bool = False) -> Array:
        """As for `Layout`; what has labels must have those of x, in the same order."""
        if is_labelled(value):
            other, values = read(value, name)
            if other.shape != self.shape or not all(map(_same_labels, self.axes, other.axes)):
                raise ValueError(f"{name} has other labels than x, or in another order: reindex it like x")
            return values.ravel()
        return Layout.flat_values(self, value, name, exact)

    def gradient_values(self, result: Any, absent: Collection[str] = ()) -> Array:
        """As for `Layout`; what has labels must have those of x."""
        found = Layout.gradient_values(self, result)
        return self.flat_values(result, "grad's result") if is_labelled(result) else found


def is_labelled(x: Any) -> bool:
    """Whether x is a Series or DataFrame; pandas and polars are not imported to find out."""
    for library in ("pandas", "polars"):
        module = sys.modules.get(library)
        if module is not None and isinstance(x, (module.Series, module.DataFrame)):
            return True
    return False


def read(x: Any, name: str) -> tuple[LabelledLayout, Array]:
    """The layout and values of a Series or DataFrame.

    Raises
    ------
    TypeError
        It, or a column, holds no real numbers; the error calls x `name`.
    ValueError
        A value is missing, NaN or infinite.
    """
    layout = _layout(x)
    values = np.empty(layout.shape)
    if values.ndim == 1:
        values[:] = _numbers(x, name)
    else:
        columns = x.get_columns() if _is_polars(layout.kind) else [x.iloc[:, k] for k in range(x.shape[1])]
        for k, column in enumerate(columns):
            values[:, k] = _numbers(column, f"column {words(column.name)} of {name}")
    if not np.isfinite(values).all():
        first = int(np.argmin(np.isfinite(values)))
        label, value = layout.label(first), values.flat[first]
        raise ValueError(f"{name}[{label}] is {value}; derivatives need finite coordinates")
    return layout, values


def _layout(x: Any) -> LabelledLayout:
    if not _is_polars(type(x)):
        if x.ndim == 1:
            return LabelledLayout(_module("pandas").Series, (x.index,), x.name)
        return LabelledLayout(_module("pandas").DataFrame, (x.index, x.columns))
    if len(x.shape) == 1:
        return LabelledLayout(_module("polars").Series, (range(len(x)),), x.name)
    return LabelledLayout(_module("polars").DataFrame, (range(len(x)), tuple(x.columns)))


def _numbers(column: Any, name: str) -> Array:
    """A column as float64; what is missing is NaN."""
    dtype = column.dtype
    if _is_polars(type(column)):
        polars = _module("polars")
        if dtype.is_numeric() or dtype == polars.Boolean:
            return np.asarray(column.cast(polars.Float64).to_numpy(), dtype=np.float64)
    elif getattr(dtype, "kind", "O") in "fiub":
        return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)
    raise TypeError(f"{name} has dtype {dtype}; expected real numbers")


def _same_labels(one: Any, other: Any) -> bool:
    return bool(one.equals(other) if hasattr(one, "equals") else one == other)


def _names(axis: Any) -> Any:
    return getattr(axis, "names", None)


def _text(label: Any) -> str:
    """A label in a name: text in quotes, the parts of a MultiIndex's one by one."""
    if isinstance(label, tuple):
        return ", ".join(map(_text, label))
    return words(label, repr if isinstance(label, str) else str)


def _is_polars(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == "polars"


def _module(name: str) -> Any:
    return importlib.import_module(name)
