from collections.abc import Callable
from typing import Any

from ..core.point import Point
from .border import Function

class VectorizedFunction(Function):
    def __init__(
        self,
        f: Callable[..., Any],
        args: tuple[Any, ...],
        point: Point,
        outputs: int = 1,
        columns: bool = False,
    ) -> None: ...
