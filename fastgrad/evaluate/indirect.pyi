import numpy as np
from numpy.typing import NDArray

from ..core.point import Point
from .border import Function
from .pool import Pool

class PooledFunction(Function):
    def __init__(self, point: Point, pool: Pool, outputs: int = 1) -> None: ...
    @property
    def shape(self) -> tuple[int, ...] | None: ...

class ComposedFunction(Function): ...

class LineFunction(ComposedFunction):
    def __init__(
        self, inner: Function, x: NDArray[np.float64], direction: NDArray[np.float64], point: Point
    ) -> None: ...

class PairsFunction(ComposedFunction):
    def __init__(
        self,
        inner: Function,
        x: NDArray[np.float64],
        pairs: NDArray[np.intp],
        moves: NDArray[np.float64],
        point: Point,
    ) -> None: ...

class SumFunction(ComposedFunction):
    def __init__(self, inner: Function, point: Point) -> None: ...
