"""Checks of hand-coded derivatives: whether they are right, and if not, where they are wrong, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Unpack

import numpy as np

from ..check.claims import considered
from ..check.gradient import GradientAtPoint
from ..check.hessian import MOST_COORDINATES
from ..check.hessian import checked as second_entries
from ..check.jacobian import JacobianAtPoint
from ..check.matrix_claims import claimed_by
from ..check.tolerance import Accepted, by_coordinate
from ..core import options as checks
from ..core.coordinates import checked_bounds
from ..core.given import held
from ..core.point import Array, Point, as_point
from ..evaluate.functions import callable_or_error, evaluation, flat_gradient
from ..evaluate.pointers import compiled_parts
from ..evaluate.problem import Problem
from ..methods.adaptive import Adaptive
from ..records.check import GradientCheck, Mismatch
from .signatures import GradientCheckOptions, JacobianCheckOptions, checked, with_options

__all__ = ["GradientCheck", "Mismatch", "check_grad", "check_hessian", "check_jacobian"]


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
    skip: Any = None,
    only: Any = None,
    **options: Unpack[GradientCheckOptions],
) -> GradientCheck:
    """Check a user-coded gradient against finite differences with error bars.

    Parameters
    ----------
    f : callable
        ``f(x, *args) -> float``.
    grad : callable, or array_like or pytree
        ``grad(x, *args)`` returns the gradient, of x's shape and structure, or a pair (value, gradient) or (gradient,
        value). Or the gradient at x itself. A function is called twice, and a note says if the results differ, or if
        it writes to x.
    x : number, array_like or pytree
        Where to check.
    args : tuple, optional
        Further arguments of f and grad.
    exhaustive : bool, optional
        True: every entry is compared. False: a search. By default a search beyond 300 entries, unless there are bounds.
    max_evals : int, optional
        Evaluations that a search may spend on finding entries, 600 by default; entries found by then are reported.
    near : int, optional
        Check also at this many points drawn near x, within bounds. grad must be callable.
    skip, only : str or list, optional
        Names of leaves of x, or of single coordinates: `skip` lists those that are not compared, `only` the only ones
        that are. grad may omit leaves that are not compared, or return None for them: frozen parameters have no
        gradient.
    **options
        Those of `GradientCheckOptions`.

    Returns
    -------
    check : GradientCheck
        The verdict, the wrong entries with their paths, and an explanation.

    Raises
    ------
    TypeError
        The result of grad is not numeric.
    IndexError
        x has no leaf or coordinate with a name in skip or only.
    ValueError
        The shape or structure of grad's result is not that of x; x has no entries, so that there is nothing to
        compare; f is NaN or infinite at x.

    Notes
    -----
    Up to 300 entries, each is compared with a derivative by the adaptive method (see `differentiate`). An entry that
    differs by more than one and a half error bars (more where there are many entries) is compared again, with other
    steps. It is wrong if the weighted mean excludes it, and the later comparisons alone exclude it too. At a kink any
    value between the one-sided slopes is right. Where an error bar is too large for agreement to mean anything, beyond
    1% of the entry and 1e-5 of the largest one, the verdict is "undecided", unless atol or rtol accept as much.

    Beyond 300 entries, f is differentiated along a random direction that moves all entries at once, in proportion to
    the size of their leaf, and the result is compared with the product of the gradient and the direction. Where they
    differ, halves of the entries are tested, down to single ones (generalised binary splitting, Hwang, J. Amer. Stat.
    Assoc. 67 (1972) 605-608). `resolution` and `leaves` say what error would have gone unseen.

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
        raise ValueError("exhaustive=False moves all coordinates at once and ignores bounds; use exhaustive=True")
    grad = held(grad)
    point, method = as_point(x), Adaptive(given["typical_x"], bounds, scale=given["scale"])
    method.check(point, point.flat)
    if not point.n:
        raise ValueError("x has no entries: there is nothing to compare")
    accepted, which = (
        _accepted(given, point),
        considered(checks.coordinates("skip", skip), checks.coordinates("only", only), point.layout),
    )

    def at(point: Point) -> GradientCheck:
        with Problem.of(f, args, point, how) as problem:
            work = GradientAtPoint(problem, grad, args, accepted, method, which)
            return work.check(exhaustive, max_evals, seed)

    return _here_and_near(at, point, near, bounds, seed)


@with_options(JacobianCheckOptions)
def check_jacobian(
    f: Callable[..., Any],
    jac: Any = None,
    x: Any = None,
    *,
    args: tuple[Any, ...] = (),
    jvp: Callable[[Array, Array], Any] | None = None,
    vjp: Callable[[Array, Array], Any] | None = None,
    exhaustive: bool | None = None,
    max_evals: int | None = None,
    near: int = 0,
    **options: Unpack[JacobianCheckOptions],
) -> GradientCheck:
    """Check a user-coded Jacobian, or products with it, against finite differences with error bars.

    Parameters
    ----------
    f : callable
        ``f(x, *args) -> (m,)``.
    jac : callable, array_like, sparse matrix or pytree, optional
        ``jac(x, *args)``, or its value at x: (m, n), dense or of `scipy.sparse`; for a pytree x also in the form that
        `jacobian` returns, with leaves ``(m, *shape)``.
    x : number, array_like or pytree
        Where to check; n coordinates.
    args : tuple, optional
        Further arguments of f and jac.
    jvp, vjp : callable, optional
        Instead of jac: ``jvp(x, v)`` is J v, ``vjp(x, u)`` is u J.
    exhaustive : bool, optional
        True: every entry is compared. False: products with random directions are. By default every entry, unless x has
        more than 300 coordinates, or the Jacobian more than 200,000 entries, or f more than 300 values where vjp is
        given.
    max_evals : int, optional
        Evaluations that may be spent on finding the columns of wrong entries along directions, 600 by default.
    near : int, optional
        Check also at this many points drawn near x, within bounds. jac must be callable.
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
    Each entry is judged as in `check_grad`, with some 7 evaluations of f per column for all rows. jvp and vjp are
    called with unit vectors.

    A product with a random direction tests all rows at once, and shows which are wrong. The columns of the wrong
    entries are found by halving, with products with parts of the direction. An entry missing from a sparsity pattern
    is found like any other. vjp is checked as the gradient of u·f for a random u, by `check_grad`; the rows are then
    found by halving u.

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
    work = _Matrix(check_jacobian, x, given, exhaustive, max_evals, near, jac)
    if not callable(f) or compiled_parts(f) is not None:
        raise TypeError("a compiled function has one value: its derivative is a gradient, see check_grad")
    jac = held(jac)

    def at(point: Point) -> GradientCheck:
        with Problem.of(f, args, point, work.how, outputs=None) as problem:
            claimed = claimed_by(jac, jvp, vjp, problem, args)
            check = JacobianAtPoint(problem, claimed, work.accepted, work.method, work.seed)
            return check.check(work.exhaustive, work.max_evals)

    return work.run(at)


@with_options(JacobianCheckOptions)
def check_hessian(
    f: Callable[..., Any],
    hess: Any = None,
    x: Any = None,
    *,
    grad: Callable[..., Any] | None = None,
    hvp: Callable[[Array, Array], Any] | None = None,
    args: tuple[Any, ...] = (),
    exhaustive: bool | None = None,
    max_evals: int | None = None,
    near: int = 0,
    **options: Unpack[JacobianCheckOptions],
) -> GradientCheck:
    """Check a user-coded Hessian, or products with it, against differences of a gradient or of f.

    Parameters
    ----------
    f : callable
        ``f(x, *args) -> float``.
    hess : callable, array_like or sparse matrix, optional
        ``hess(x, *args)``, or its value at x: (n, n), dense or of `scipy.sparse`.
    x : number, array_like or pytree
        Where to check; n coordinates.
    grad : callable, optional
        ``grad(x, *args)``, a gradient that is known to be right: the Hessian is its Jacobian, which is cheaper and
        more accurate than second differences of f, and has no limit of n.
    hvp : callable, optional
        Instead of hess: ``hvp(x, v)`` is H v.
    args : tuple, optional
        Further arguments of f, hess and grad.
    exhaustive, max_evals, near
        As for `check_jacobian`.
    **options
        Those of `JacobianCheckOptions`.

    Returns
    -------
    check : GradientCheck
        Entries are named ``H[i, j]``, index i * n + j.

    Raises
    ------
    TypeError
        Neither or both of hess and hvp are given.
    ValueError
        The Hessian has the wrong shape; x has more than 60 coordinates, and no grad is given.

    Notes
    -----
    With grad, this is ``check_jacobian(grad, hess, x)``. Without grad, every entry is compared with a second derivative
    by the adaptive method (see `differentiate`, deriv=2), with some 12 evaluations of f per entry of one triangle.

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> f = lambda x: x[0] ** 2 * x[1]
    >>> hess = lambda x: np.array([[2 * x[1], 2 * x[0]], [2 * x[0], 1.0]])
    >>> check = fg.check_hessian(f, hess, np.array([3.0, 4.0]))
    >>> check.verdict, check.wrong[0].path
    ('wrong', 'H[1, 1]')
    """
    callable_or_error(f, args)
    given = checked(check_hessian, options)
    if (hess is None) == (hvp is None):
        raise TypeError("check_hessian takes one of hess and hvp=")
    for name, function in (("grad", grad), ("hvp", hvp)):
        if function is not None:
            callable_or_error(function, name=name)
    work = _Matrix(check_hessian, x, given, exhaustive, max_evals, near, hess)
    hess = held(hess)
    if grad is None and work.point.n > MOST_COORDINATES:
        raise ValueError(
            f"x has {work.point.n} coordinates: beyond {MOST_COORDINATES} check_hessian needs grad=, of which the "
            "Hessian is the Jacobian"
        )

    def at(point: Point) -> GradientCheck:
        of = f if grad is None else flat_gradient(grad, point, work.how)
        with Problem.of(of, args, point, work.how, outputs=1 if grad is None else None) as problem:
            claimed = claimed_by(hess, hvp, None, problem, args, point.n)
            if grad is None:
                return second_entries(problem, claimed, work.accepted, work.method)
            check = JacobianAtPoint(problem, claimed, work.accepted, work.method, work.seed, "Hessian")
            return check.check(work.exhaustive, work.max_evals)

    return work.run(at)


class _Matrix:
    """The arguments that checks of Jacobians and Hessians have in common, checked."""

    def __init__(
        self,
        verb: Callable[..., Any],
        x: Any,
        given: Mapping[str, Any],
        exhaustive: bool | None,
        max_evals: int | None,
        near: int,
        matrix: Any,
    ) -> None:
        self.near = checks.count("near", near)
        self.exhaustive = checks.optional(checks.flag)("exhaustive", exhaustive)
        self.max_evals = checks.optional(checks.count)("max_evals", max_evals)
        if self.near and matrix is not None and not callable(matrix):
            raise TypeError("near= needs a matrix that can be called at other points")
        self.how, self.bounds, self.seed = evaluation(given), given["bounds"], given["seed"]
        if self.exhaustive is False and self.bounds is not None:
            raise ValueError("exhaustive=False moves all coordinates at once and ignores bounds; use exhaustive=True")
        self.point, self.method = as_point(x), Adaptive(given["typical_x"], self.bounds, scale=given["scale"])
        self.method.check(self.point, self.point.flat)
        if not self.point.n:
            raise ValueError(f"x has no entries: {verb.__name__} has nothing to compare")
        self.accepted = _accepted(given, self.point)

    def run(self, at: Callable[[Point], GradientCheck]) -> GradientCheck:
        """The check at x, and near it."""
        return _here_and_near(at, self.point, self.near, self.bounds, self.seed)


def _accepted(given: Mapping[str, Any], point: Point) -> Accepted:
    return Accepted(*(by_coordinate(given[name], name, point.layout) for name in ("atol", "rtol")))


def _here_and_near(
    at: Callable[[Point], GradientCheck], point: Point, near: int, bounds: Any, seed: int
) -> GradientCheck:
    """The check at a point and, as long as the verdict is "right", at points drawn near it."""
    check = at(point)
    for k in range(near):
        if not check:
            break
        other = _near(point, bounds, np.random.default_rng([seed, k]))
        check = at(as_point(other))
        check.notes.append(f"at point {k + 1} of {near} near x, seed {seed}")
    return check


def _near(point: Point, bounds: Any, rng: np.random.Generator) -> Any:
    flat = point.flat.ravel()
    moved = flat + 0.05 * np.where(flat == 0, 1.0, np.abs(flat)) * rng.uniform(-1, 1, flat.size)
    if bounds is not None:
        moved = np.clip(moved, *checked_bounds(bounds, point, point.flat))
    return point.argument(moved)
