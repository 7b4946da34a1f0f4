from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.point import Point
from .pool import Pool
from .progress import Progress

SEEN_NONFINITE: int
SEEN_DOUBLE: int
SEEN_CHANGE: int

def build() -> tuple[str, str, str]: ...
def is_plain(x: object) -> bool: ...
def steps(
    x: ArrayLike,
    n: int,
    relative: float,
    absolute: ArrayLike | None = None,
    typical: ArrayLike | None = None,
) -> NDArray[np.float64]: ...
def product_sums(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float]: ...
def seven_values(
    base: NDArray[np.float64],
    others: NDArray[np.float64],
    h: NDArray[np.float64],
    place: NDArray[np.intp] | None = None,
    deriv: int = 1,
    epsilon: float = 0.0,
) -> NDArray[np.float64]: ...
def seven_bars(
    truncation: NDArray[np.float64],
    noise: NDArray[np.float64],
    h: NDArray[np.float64],
    place: NDArray[np.intp] | None = None,
    deriv: int = 1,
) -> NDArray[np.float64]: ...
def random_direction(out: NDArray[np.float64], seed: int, scale: float) -> None: ...
def at_array(f: Callable[..., Any], args: tuple[Any, ...], x: object, scheme: Scheme, relative: float) -> Any: ...

class Scheme:
    def __init__(self, form: str, offsets: list[float], coefficients: list[float]) -> None: ...
    @property
    def width(self) -> int: ...
    @property
    def needs_base(self) -> bool: ...

class Function:
    n: int
    nfev: int
    float32: bool
    domain_error: BaseException | None
    @property
    def outputs(self) -> int: ...
    def __enter__(self) -> Function: ...
    def __exit__(self, kind: object, error: object, trace: object) -> None: ...
    def show(self, progress: Progress) -> None: ...
    def expect(self, count: int) -> None: ...
    def tolerate(self, tolerant: bool) -> None: ...
    def derivatives(
        self,
        x: NDArray[np.float64],
        scheme: Scheme,
        relative: float,
        absolute: NDArray[np.float64] | None = None,
        typical: NDArray[np.float64] | None = None,
        base: NDArray[np.float64] | None = None,
        first: int = 0,
        count: int = -1,
        out: NDArray[np.float64] | None = None,
    ) -> tuple[NDArray[np.float64], int]: ...
    def adaptive(
        self,
        x: NDArray[np.float64],
        base: NDArray[np.float64],
        scale: NDArray[np.float64],
        room: NDArray[np.float64] | None = None,
        level: float | None = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.intc], NDArray[np.float64]]: ...
    def noise(
        self, x: NDArray[np.float64], base: NDArray[np.float64], scale: NDArray[np.float64]
    ) -> NDArray[np.float64]: ...
    def at_shifts(
        self, x: NDArray[np.float64], components: ArrayLike, h: ArrayLike, offsets: ArrayLike
    ) -> NDArray[np.float64]: ...
    def on_line(
        self, x: NDArray[np.float64], direction: NDArray[np.float64], begin: int, end: int, t: float
    ) -> float: ...
    def at_points(self, points: NDArray[np.float64]) -> NDArray[np.float64]: ...

class PythonFunction(Function):
    def __init__(
        self,
        f: Callable[..., Any],
        args: tuple[Any, ...],
        point: Point,
        imaginary: bool = False,
        outputs: int = 1,
    ) -> None: ...
    @property
    def overwrites(self) -> bool: ...

class VectorizedFunction(Function):
    def __init__(
        self,
        f: Callable[..., Any],
        args: tuple[Any, ...],
        point: Point,
        imaginary: bool = False,
        outputs: int = 1,
        columns: bool = False,
    ) -> None: ...

class CompiledFunction(Function):
    def __init__(self, f: object, point: Point, address: int, data: int, columns: bool, threads: int = 1) -> None: ...
    def descend(
        self,
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

class PooledFunction(Function):
    def __init__(self, point: Point, pool: Pool, outputs: int = 1) -> None: ...
    @property
    def shape(self) -> tuple[int, ...] | None: ...

RUNNING: int
CONVERGED: int
NOT_FINITE: int

class Direction:
    count: int
    done: int
    memory: NDArray[np.float64]
    def __init__(self, method: str, count: int, momentum: float, decay: float, epsilon: float) -> None: ...
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

class Pattern:
    row_starts: NDArray[np.int32]
    columns: NDArray[np.int32]
    column_starts: NDArray[np.int32]
    rows: NDArray[np.int32]
    def __init__(
        self, m: int, n: int, row_starts: ArrayLike, columns: ArrayLike, column_starts: ArrayLike, rows: ArrayLike
    ) -> None: ...
    def colours(self, smallest_last: bool = False, star: bool = False) -> tuple[NDArray[np.int32], int]: ...

class Compression:
    groups: NDArray[np.int32]
    group_starts: NDArray[np.int32]
    entries: NDArray[np.int32]
    entry_starts: NDArray[np.int32]
    entry_rows: NDArray[np.int32]
    entry_columns: NDArray[np.int32]
    count: int
    def __init__(
        self,
        row_starts: NDArray[np.int32],
        columns: NDArray[np.int32],
        colours: NDArray[np.int32],
        count: int,
    ) -> None: ...
    def moved(self, x: NDArray[np.float64], moves: NDArray[np.float64]) -> NDArray[np.float64]: ...
    def scatter(
        self,
        rights: NDArray[np.float64],
        lefts: NDArray[np.float64],
        x: NDArray[np.float64],
        first: NDArray[np.float64],
        second: NDArray[np.float64],
        data: NDArray[np.float64],
    ) -> None: ...

def compressed(
    f: Function,
    by: Compression,
    x: NDArray[np.float64],
    h: NDArray[np.float64],
    data: NDArray[np.float64],
) -> None: ...
def capsule_parts(capsule: object) -> tuple[str, int, int]: ...
