"""Checks of hand-coded gradients: are they right, and if not, where are they wrong, and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Unpack

import numpy as np

from ..check.gradient import GradientAtPoint
from ..check.jacobian import JacobianAtPoint, products
from ..core import options as checks
from ..core.coordinates import checked_bounds
from ..core.given import held
from ..core.point import Array, Point, as_point
from ..evaluate.functions import callable_or_error, evaluation
from ..evaluate.pointers import compiled_parts
from ..evaluate.problem import Problem
from ..methods.adaptive import Adaptive
from ..records.check import GradientCheck, Mismatch
from .signatures import GradientCheckOptions, JacobianCheckOptions, checked, with_options

__all__ = ["GradientCheck", "Mismatch", "check_grad"]


@with_options(GradientCheckOptions)
def check_grad(
    f: Callable[..., Any],
    grad: Any,
    x: Any,
    *,
    args: tuple[Any, ...] = (),
    exhaustive: bool | None = None,
    max_evals: int | None = None,
    near: int = 0,
    **options: Unpack[GradientCheckOptions],
) -> GradientCheck:
    """Check a user-coded gradient against differences that know their own errors.

    Parameters
    ----------
    f : callable
        ``f(x, *args) -> float``.
    grad : callable, or array_like or pytree
        ``grad(x, *args)``, of x's shape and structure, or a pair (value, gradient) or (gradient, value); or its value
        at x. It is called twice: a difference is noted, and that it writes to x.
    x : number, array_like or pytree
        Where to check.
    args : tuple, optional
        Further arguments of f and grad.
    exhaustive : bool, optional
        True: every entry by itself. False: a search. By default, a search beyond 300 entries, unless there are bounds.
    max_evals : int, optional
        Evaluations that a search may spend on finding entries, 600 by default; what it has found so far is reported.
    near : int, optional
        Check also at so many points drawn near x, within bounds. grad must be callable.
    **options
        Those of `GradientCheckOptions`.

    Returns
    -------
    check : GradientCheck
        verdict, wrong entries with their paths, explanation.

    Raises
    ------
    TypeError
        grad's result is not numbers.
    ValueError
        grad's result has another shape or structure than x; x has no entries, so that there is nothing to
        compare; f is NaN or infinite at x.

    Notes
    -----
    Up to 300 entries, each is compared with its derivative by the adaptive method (see `differentiate`). An entry
    beyond one and a half error bars is wrong if a second difference, with another step, agrees with the first and
    excludes it too. At a kink any value between the one-sided slopes is right. Where an error bar is too large for
    agreement to mean anything, the verdict is "undecided".

    Beyond that, f is differentiated along a random direction that moves all entries at once, in proportion to the
    size of their leaf, and compared with the gradient's product with it; where they differ, halves of the entries
    are tested, down to single ones (generalised binary splitting, Hwang, J. Amer. Stat. Assoc. 67 (1972) 605-608).
    `resolution` and `leaves` say what error would have gone unseen.

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> f = lambda x: x[0] ** 2 * x[1]
    >>> wrong = lambda x: np.array([2 * x[0] * x[1], 2 * x[0] ** 2])
    >>> check = fg.check_grad(f, wrong, np.array([3.0, 4.0]))
    >>> check.verdict, check.explanation
    ('wrong', '1 of 2 entries is wrong: x[1] has 2 times its value')
    """
    callable_or_error(f, args)
    given = checked(check_grad, options)
    near = checks.count("near", near)
    exhaustive = checks.optional(checks.flag)("exhaustive", exhaustive)
    max_evals = checks.optional(checks.count)("max_evals", max_evals)
    if near and not callable(grad):
        raise TypeError("near= needs a gradient that can be called at other points")
    how, bounds, seed = evaluation(given), given["bounds"], given["seed"]
    if exhaustive is False and bounds is not None:
        raise ValueError("exhaustive=False moves all coordinates at once and knows no bounds; use exhaustive=True")
    grad = held(grad)
    point, method = as_point(x), Adaptive(given["typical_x"], bounds, scale=given["scale"])
    method.check(point, point.flat)
    if not point.n:
        raise ValueError("x has no entries: there is nothing to compare")

    def at(point: Point) -> GradientCheck:
        with Problem.of(f, args, point, how) as problem:
            work = GradientAtPoint(problem, grad, args, given["rtol"], method)
            return work.check(exhaustive, max_evals, seed)

    check = at(point)
    for k in range(near):
        if not check:
            break
        other = _near(point, bounds, np.random.default_rng([seed, k]))
        check = at(as_point(other))
        check.notes.append(f"at point {k + 1} of {near} near x, seed {seed}")
    return check


@with_options(JacobianCheckOptions)
def check_jacobian(
    f: Callable[..., Any],
    jac: Any = None,
    x: Any = None,
    *,
    args: tuple[Any, ...] = (),
    jvp: Callable[[Array, Array], Any] | None = None,
    vjp: Callable[[Array, Array], Any] | None = None,
    **options: Unpack[JacobianCheckOptions],
) -> GradientCheck:
    """Check a user-coded Jacobian, or products with it, against differences.

    Parameters
    ----------
    f : callable
        ``f(x, *args) -> (m,)``.
    jac : callable, array_like or sparse matrix, optional
        ``jac(x, *args)``, or its value at x: (m, n), dense or of `scipy.sparse`.
    x : array_like
        Where to check, (n,).
    args : tuple, optional
        Further arguments of f and jac.
    jvp, vjp : callable, optional
        Instead of jac: ``jvp(x, v)`` is J v, ``vjp(x, u)`` is u J.
    **options
        Those of `JacobianCheckOptions`.

    Returns
    -------
    check : GradientCheck
        Entries are named ``J[i, j]``, index i * n + j.

    Raises
    ------
    TypeError, ValueError
        The Jacobian has the wrong shape; none, or more than one, of jac, jvp and vjp is given.

    Notes
    -----
    One product with a random direction sees all rows at once, and says which are wrong. The columns of the wrong
    entries are found by halving: products with a part of the direction. An entry missing from a sparse pattern is
    found like any other. jac and jvp are only multiplied with vectors. vjp is checked as the gradient of u·f for a
    random u, by `check_grad`; the rows are then found by halving u.

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> f = lambda x: np.array([x[0] * x[1], np.sin(x[1])])
    >>> check = fg.check_jacobian(f, lambda x: [[x[1], x[0]], [0.0, np.sin(x[1])]], np.array([2.0, 3.0]))
    >>> check.verdict, check.wrong[0].path
    ('wrong', 'J[1, 1]')
    """
    callable_or_error(f, args)
    given = checked(check_jacobian, options)
    if sum(each is not None for each in (jac, jvp, vjp)) != 1:
        raise TypeError("check_jacobian takes one of jac, jvp= and vjp=")
    for name, product in (("jvp", jvp), ("vjp", vjp)):
        if product is not None:
            callable_or_error(product, name=name)
    point = as_point(x)
    if point.is_tree or len(point.shape) != 1 or not point.n:
        what = "is a pytree" if point.is_tree else f"has shape {point.shape}"
        raise ValueError(f"x {what}; expected an array or Series (n,) with n > 0")
    if not callable(f) or compiled_parts(f) is not None:
        raise TypeError("a compiled function has one value: its derivative is a gradient, see check_grad")
    jac = held(jac)
    with Problem.of(f, args, point, evaluation(given), outputs=None) as problem:
        work = JacobianAtPoint(problem, given["rtol"], given["seed"])
        if vjp is not None:
            return work.by_rows(vjp)
        return work.by_columns(*products(jac, jvp, problem, args))


def _near(point: Point, bounds: Any, rng: np.random.Generator) -> Any:
    flat = point.flat.ravel()
    moved = flat + 0.05 * np.where(flat == 0, 1.0, np.abs(flat)) * rng.uniform(-1, 1, flat.size)
    if bounds is not None:
        moved = np.clip(moved, *checked_bounds(bounds, point, point.flat))
    return point.argument(moved)
