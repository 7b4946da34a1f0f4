"""The method that options name."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from .. import stencils
from .fixed import FixedStep
from .method import Method


def make_method(
    method: str = "central",
    order: int | None = None,
    step: Any = None,
    typical_x: Any = None,
    bounds: Any = None,
    noise: float | None = None,
    scale: Any = None,
    check: bool | None = None,
) -> Method:
    """The method that these options name; a ValueError where they do not fit together.

    Parameters
    ----------
    method, order, step, typical_x, bounds, noise, scale, check
        As for `fastgrad.gradient`, checked one by one.
    """
    if step is typical_x is bounds is noise is scale is None:
        return _plain(method, order, check)
    return _made(method, order, step, typical_x, bounds, noise, scale, check)


@lru_cache
def _plain(method: str, order: int | None, check: bool | None) -> Method:
    return _made(method, order, None, None, None, None, None, check)


def _made(
    method: str,
    order: int | None,
    step: Any,
    typical_x: Any,
    bounds: Any,
    noise: float | None,
    scale: Any,
    check: bool | None,
) -> Method:
    if method == "adaptive":
        from .adaptive import Adaptive

        if order is not None or step is not None:
            raise ValueError('method="adaptive" chooses order and step itself; scale= says where it starts')
        return Adaptive(typical_x, bounds, noise, scale=scale)
    if method == "complex":
        if order is not None:
            raise ValueError('method="complex" has no order: it is exact to rounding')
        return FixedStep(None, step, typical_x, bounds, None, scale, check)
    return FixedStep(stencils.stencil(method, order), step, typical_x, bounds, noise, scale, check)


CENTRAL = FixedStep(stencils.stencil("central", 2))
