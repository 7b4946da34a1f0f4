from collections.abc import Callable
from typing import Any

from ..core.point import Point
from .border import Doubt, Function, Scheme

def at_array(
    f: Callable[..., Any],
    args: tuple[Any, ...],
    x: object,
    scheme: Scheme,
    relative: float,
    as_point: Callable[[Any], Point],
    least: float = 0.0,
    value: float | None = None,
    doubt: Doubt | None = None,
) -> Any: ...

class PythonFunction(Function):
    shape: tuple[int, ...] | None
    def __init__(
        self,
        f: Callable[..., Any],
        args: tuple[Any, ...],
        point: Point,
        outputs: int = 1,
    ) -> None: ...
    @property
    def overwrites(self) -> bool: ...
