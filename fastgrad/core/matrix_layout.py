"""Which entries a Jacobian or a Hessian has, and what they are called."""

from __future__ import annotations

from typing import Any, ClassVar

from numpy.typing import NDArray

from .layout import Array, Layout


class JacobianLayout(Layout):
    """The entries of a Jacobian: values of f by coordinates of x."""

    __slots__ = ("of", "outputs")

    letter: ClassVar[str] = "J"

    def __init__(self, outputs: int, of: Layout) -> None:
        self.outputs = outputs
        self.of = of

    @property
    def shape(self) -> tuple[int, ...]:
        """(m, n), or (m,) where x is a number."""
        return (self.outputs, self.of.n) if self.of.shape else (self.outputs,)

    def restore(self, values: NDArray[Any]) -> Any:
        """As for `Layout`: with the structure of x in the place of the columns."""
        return self.of.restore_columns(values.reshape(self.outputs, self.of.n))

    def values(self, claimed: Any, name: str) -> Array:
        """A Jacobian that a user gives, as a matrix (m, n).

        Raises
        ------
        ValueError
            It has not the shape or structure of one.
        """
        return self.of.columns_of(claimed, self.outputs, name)

    def label(self, component: int) -> str:
        """As for `Layout`: that of ``J[0, 3]`` or ``J[0, W1[3, 2]]``."""
        i, j = divmod(component, self.of.n)
        return _joined(str(i), self.of.column(j))

    def component(self, index: Any) -> int:
        """As for `Layout`; of a tuple, the second may be the name of a coordinate."""
        if not isinstance(index, tuple):
            return Layout.component(self, index)
        i, j = _pair(index, self)
        return self.wrapped((i,), (self.outputs,))[0] * self.of.n + self.of.component(j)


class HessianLayout(Layout):
    """The entries of a Hessian: coordinates of x by coordinates of x."""

    __slots__ = ("of",)

    letter: ClassVar[str] = "H"

    def __init__(self, of: Layout) -> None:
        self.of = of

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, n), or () where x is a number."""
        return (self.of.n, self.of.n) if self.of.shape else ()

    def restore(self, values: NDArray[Any]) -> Any:
        """As for `Layout`: with the structure of x in the place of the rows, and of the columns."""
        return self.of.restore_square(values.reshape(self.of.n, self.of.n))

    def label(self, component: int) -> str:
        """As for `Layout`: that of ``H[0, 3]`` or ``H[a[0], b]``."""
        i, j = divmod(component, self.of.n)
        return _joined(self.of.column(i), self.of.column(j))

    def component(self, index: Any) -> int:
        """As for `Layout`; of a tuple, both may be names of coordinates."""
        if not isinstance(index, tuple):
            return Layout.component(self, index)
        i, j = _pair(index, self)
        return self.of.component(i) * self.of.n + self.of.component(j)


def _pair(index: tuple[Any, ...], layout: Layout) -> tuple[Any, Any]:
    """Row and column, from an index tuple of a matrix."""
    if len(index) != len(layout.shape):
        raise IndexError(f"index {index} has {len(index)} entries, but {layout.letter} has shape {layout.shape}")
    row, column = (*index, 0, 0)[:2]
    return row, column


def _joined(*labels: str) -> str:
    return ", ".join(filter(None, labels))
