from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..evaluate.border import Scheme
from ..evaluate.compiled import CompiledFunction

RUNNING: int
CONVERGED: int
NOT_FINITE: int

def norm(gradient: NDArray[np.float64]) -> float: ...

class Direction:
    count: int
    done: int
    whole: bool
    memory: NDArray[np.float64]
    def __init__(self, method: str, count: int, momentum: float, decay: float, epsilon: float) -> None: ...
    def keep(self) -> None: ...
    def back(self) -> None: ...
    def of(self, gradient: NDArray[np.float64], iteration: int) -> NDArray[np.float64]: ...
    def follow(
        self,
        x: NDArray[np.float64],
        gradient: NDArray[np.float64],
        last: NDArray[np.float64],
        last_gradient: NDArray[np.float64],
        rates: NDArray[np.float64],
        iteration: int,
        gtol: float,
        ftol: float,
        fun: float,
        bounds: tuple[NDArray[np.float64], NDArray[np.float64]] | None,
        calls: Calls,
        record: NDArray[np.float64] | None,
        path: NDArray[np.float64] | None,
        best: tuple[NDArray[np.float64], NDArray[np.float64]],
    ) -> int: ...

class Calls:
    n_values: int
    def __init__(
        self,
        f: Callable[..., Any],
        grad: Callable[..., Any],
        args: tuple[Any, ...],
        like: NDArray[np.float64],
        convert: Callable[[Any], NDArray[np.float64]],
        count_values: bool = True,
    ) -> None: ...

def descend(
    f: CompiledFunction,
    direction: Direction,
    scheme: Scheme,
    relative: float,
    x: NDArray[np.float64],
    last: NDArray[np.float64],
    memory: NDArray[np.float64],
    status: NDArray[np.intc],
    njev: NDArray[np.intp],
    rates: NDArray[np.float64],
    iteration: int,
    gtol: float,
    absolute: NDArray[np.float64] | None = None,
    typical: NDArray[np.float64] | None = None,
    bounds: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None,
) -> None: ...
