import numpy as np
from numpy.typing import ArrayLike, NDArray

from .progress import Progress

SEEN_NONFINITE: int
SEEN_DOUBLE: int
SEEN_CHANGE: int

def arithmetic() -> int: ...
def build() -> tuple[str, str, str]: ...
def is_plain(x: object) -> bool: ...
def sizes(x: ArrayLike, n: int, typical: ArrayLike | None = None) -> NDArray[np.float64]: ...
def steps(
    x: ArrayLike,
    n: int,
    relative: float,
    absolute: ArrayLike | None = None,
    typical: ArrayLike | None = None,
) -> NDArray[np.float64]: ...
def product_sums(a: NDArray[np.float64], b: NDArray[np.float64]) -> tuple[float, float]: ...
def random_direction(out: NDArray[np.float64], seed: int, scale: float) -> None: ...

class Scheme:
    def __init__(self, form: str, offsets: list[float], coefficients: list[float]) -> None: ...
    @property
    def width(self) -> int: ...
    @property
    def needs_base(self) -> bool: ...

class Doubt:
    mask: NDArray[np.bool_] | None
    def __init__(self, span: float, least: float) -> None: ...

class Function:
    n: int
    nfev: int
    float32: bool
    domain_error: BaseException | None
    domain_errors: tuple[type[Exception], ...]
    @property
    def outputs(self) -> int | None: ...
    @property
    def sees_double(self) -> bool: ...
    @property
    def sees_change(self) -> bool: ...
    def __enter__(self) -> Function: ...
    def __exit__(self, kind: object, error: object, trace: object) -> None: ...
    def show(self, progress: Progress) -> None: ...
    def expect(self, count: int) -> None: ...
    def tolerate(self, tolerant: bool) -> None: ...
    def value(self, x: NDArray[np.float64]) -> NDArray[np.float64]: ...
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
        doubt: Doubt | None = None,
    ) -> tuple[NDArray[np.float64], int]: ...
    def differences(
        self,
        x: NDArray[np.float64],
        scheme: Scheme,
        components: ArrayLike,
        h: ArrayLike,
        base: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]: ...
    def adaptive(
        self,
        x: NDArray[np.float64],
        base: NDArray[np.float64],
        sizes: NDArray[np.float64],
        room: NDArray[np.float64] | None = None,
        levels: NDArray[np.float64] | None = None,
        deriv: int = 1,
        tolerance: float = 0.0,
        most: int = 40,
        axes: int | None = None,
    ) -> tuple[NDArray[np.float64], NDArray[np.intc], NDArray[np.float64]]: ...
    def noise(
        self,
        x: NDArray[np.float64],
        base: NDArray[np.float64],
        sizes: NDArray[np.float64],
        room: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]: ...
    def at_shifts(
        self, x: NDArray[np.float64], components: ArrayLike, h: ArrayLike, offsets: ArrayLike, imaginary: bool = False
    ) -> NDArray[np.float64]: ...
    def on_line(
        self, x: NDArray[np.float64], direction: NDArray[np.float64], begin: int, end: int, t: float
    ) -> float: ...
    def at_points(self, points: NDArray[np.float64] | NDArray[np.complex128]) -> NDArray[np.float64]: ...

def capsule_parts(capsule: object) -> tuple[str, int, int]: ...
