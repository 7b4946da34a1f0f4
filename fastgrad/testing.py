"""For test suites."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

from .verbs.checks import check_grad
from .verbs.signatures import GradientCheckOptions, checked, with_options


@with_options(GradientCheckOptions)
def assert_grad(
    f: Callable[..., Any],
    grad: Any,
    x: Any,
    *,
    args: tuple[Any, ...] = (),
    exhaustive: bool | None = None,
    max_evals: int | None = None,
    near: int = 0,
    **options: Unpack[GradientCheckOptions],
) -> None:
    """Raise an AssertionError with the report of `check_grad` unless the gradient is right.

    Parameters
    ----------
    f, grad, x, args, exhaustive, max_evals, near
        As for `fastgrad.check_grad`.
    **options
        Those of `GradientCheckOptions`.

    Raises
    ------
    AssertionError
        The verdict is "wrong" or "undecided".

    Examples
    --------
    >>> from fastgrad.testing import assert_grad
    >>> assert_grad(lambda x: x**3, lambda x: 3 * x**2, 2.0)
    """
    __tracebackhide__ = True
    checked(assert_grad, options)
    check = check_grad(f, grad, x, args=args, exhaustive=exhaustive, max_evals=max_evals, near=near, **options)
    if not check:
        raise AssertionError(str(check))
