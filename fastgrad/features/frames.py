"""Rows of features, whatever they came in: arrays, or DataFrames through Narwhals (extra ``frames``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.dataframes import load_narwhals
from ..core.given import array_of, attribute, floats, shown, words
from ..core.point import Array


class Rows:
    """Rows of which some numeric columns are varied; all others stay as they are.

    Attributes
    ----------
    names : list of str
        The varied columns.
    values : ndarray
        (b, n): them.
    integer : list of bool
        Which of them hold integers by their type.
    """

    def __init__(self, X: Any, features: Sequence[Any] | None, name: str = "X") -> None:
        self._name = name
        self._frame = None
        self._array = X if isinstance(X, np.ndarray) else None
        if self._array is None and attribute(X, "columns") is None:
            self._array = array_of(X, name)
        if self._array is not None:
            self._from_array(features)
        else:
            self._from_frame(X, features)

    def _from_array(self, features: Sequence[Any] | None) -> None:
        array = self._array
        assert array is not None
        if array.ndim != 2:
            raise ValueError(f"{self._name} has shape {array.shape}; expected (rows, features)")
        if array.dtype.kind not in "biuf":
            what = f"{self._name} is an array of {array.dtype}"
            raise TypeError(f"{what}; pass numbers, or a DataFrame: its other columns are held")
        chosen = list(range(array.shape[1])) if features is None else [self._place(k) for k in features]
        self.names, self._columns = [f"x{k}" for k in chosen], chosen
        self.values = array[:, chosen].astype(np.float64)
        self.integer = [array.dtype.kind in "biu"] * len(chosen)

    def _place(self, k: Any) -> int:
        assert self._array is not None
        count = self._array.shape[1]
        if not isinstance(k, (int, np.integer)) or not -count <= k < count:
            raise ValueError(f"features has {shown(k)}, but X has columns 0 to {count - 1} and no names")
        place: int = int(k) % count
        return place

    def _from_frame(self, X: Any, features: Sequence[Any] | None) -> None:
        narwhals = load_narwhals()
        self._frame = frame = narwhals.from_native(X, eager_only=True)
        numeric = [name for name, kind in frame.schema.items() if kind.is_numeric() or kind == narwhals.Boolean]
        chosen = numeric if features is None else list(features)
        for name in chosen:
            if name not in frame.columns:
                raise ValueError(f"features has {shown(name)}, but X has {', '.join(map(shown, frame.columns))}")
            if name not in numeric:
                raise TypeError(f"column {shown(name)} is {frame.schema[name]}; only numeric columns can be varied")
        self.names, self._names_in_frame = [name if type(name) is str else words(name, str) for name in chosen], chosen
        self.integer = [not frame.schema[name].is_float() for name in chosen]
        columns = [floats(frame[name].to_numpy(), f"column {shown(name)}") for name in chosen]
        self.values = np.column_stack(columns) if columns else np.empty((len(frame), 0))

    def __len__(self) -> int:
        return len(self.values)

    def _is_whole(self) -> bool:
        return self._array is not None and self._columns == list(range(self._array.shape[1]))

    def points(self) -> Array:
        """The rows as the predictor takes them: the number of the row comes last where other columns come from it."""
        return self.values if self._is_whole() else np.column_stack([self.values, np.arange(len(self))])

    def predictor(self, predict: Callable[..., Any]) -> Callable[[Array], Any]:
        """What predicts from `points`: values of the varied columns and, where it is there, the row of the others."""
        if self._array is not None:
            every, columns = self._array, self._columns
            dtype = every.dtype if every.dtype.kind == "f" else np.dtype(np.float64)
            if self._is_whole():
                return lambda points: _numbers(predict(points.astype(dtype, copy=False)), len(points))

            def of_arrays(points: Array) -> Any:
                rows = every[points[:, -1].astype(np.intp)].astype(dtype)
                rows[:, columns] = points[:, :-1]
                return _numbers(predict(rows), len(points))

            return of_arrays
        return _OfFrames(self._frame, self._names_in_frame, self.integer, predict)

    @property
    def library(self) -> str:
        """The library whose DataFrame came in, such as "pandas"; "" if it was an array."""
        return "" if self._frame is None else str(self._frame.implementation.value)


class _OfFrames:
    """Predicts from a frame's rows with some columns replaced."""

    def __init__(self, frame: Any, columns: list[str], integer: list[bool], predict: Callable[..., Any]) -> None:
        self.frame, self.columns, self.integer, self.predict = frame, columns, integer, predict

    def __call__(self, points: Array) -> Any:
        narwhals = load_narwhals()
        rows = self.frame[points[:, -1].astype(np.intp)]
        backend = narwhals.get_native_namespace(self.frame)
        replaced = []
        for k, name in enumerate(self.columns):
            values = np.ascontiguousarray(points[:, k])
            whole = self.integer[k] and bool((values == np.rint(values)).all())
            series = narwhals.new_series(name, values, backend=backend)
            replaced.append(series.cast(self.frame.schema[name]) if whole else series)
        # pandas aligns by index.
        native = narwhals.maybe_reset_index(rows).with_columns(*replaced)
        return _numbers(self.predict(narwhals.to_native(native)), len(points))


def _numbers(result: Any, rows: int) -> Any:
    """What a model returned for so many rows, if it is numbers."""
    if isinstance(result, (list, tuple)):
        raise TypeError("predict returned a list of arrays, one for each target; pass a function that returns one")
    array = array_of(result, "what predict returned")
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"predict returned {array.dtype}: labels have no derivative; pass predict_proba or decision_function"
        )
    if array.ndim not in (1, 2) or len(array) != rows:
        raise ValueError(
            f"predict returned shape {array.shape} for {rows} rows; expected ({rows},) or ({rows}, outputs)"
        )
    return array.astype(np.float64) if array.dtype.kind != "f" else array
