from typing import Any

import numpy as np
from numpy.typing import NDArray

STREAMS: int

class Weights:
    least: int

    def __init__(
        self,
        kind: str,
        derivative: int,
        least: int,
        interior: NDArray[np.float64],
        edge_rows: NDArray[np.intp],
        edge_weights: NDArray[np.float64],
        around_nan: bool,
    ) -> None: ...

class Axis:
    def __init__(
        self,
        weights: Weights,
        length: int,
        stride: int,
        step: float,
        coordinates: NDArray[np.float64] | None = None,
        table: NDArray[np.float64] | None = None,
    ) -> None: ...

class Outputs:
    def __init__(
        self,
        outputs: list[tuple[NDArray[Any], list[tuple[NDArray[Any], Axis, float]]]],
        slab: int,
        magnitude: bool = False,
    ) -> None: ...
    def write(self, threads: int) -> int: ...
    def help(self, ended: object) -> None: ...

def small_gradient(
    values: Any, spacing: tuple[Any, ...], w: Weights | None
) -> NDArray[Any] | list[NDArray[Any]] | None: ...
def even_step(x: NDArray[np.float64]) -> float: ...
def weights(at: float, x: NDArray[np.float64], derivative: int) -> NDArray[np.float64]: ...
def weight_table(x: NDArray[np.float64], taps: int, derivative: int) -> NDArray[np.float64]: ...
