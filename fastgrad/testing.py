"""For test suites."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .verbs.checks import check_grad


def assert_grad(f: Callable[..., Any], grad: Any, x: Any, **options: Any) -> None:
    """Raise an AssertionError with the report of `check_grad` unless the gradient is right.

    Parameters
    ----------
    f, grad, x, **options
        As for `fastgrad.check_grad`.

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
    check = check_grad(f, grad, x, **options)
    if not check:
        raise AssertionError(str(check))
