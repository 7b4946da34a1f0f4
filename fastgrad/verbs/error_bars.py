"""The verbs that give error bars: `differentiate`, and `noise_level`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Unpack, overload

from numpy.typing import NDArray

from ..core.coordinates import Coordinates
from ..core.layout import Layout
from ..core.matrix_layout import HessianLayout, JacobianLayout
from ..core.options import among
from ..core.point import Array, as_point
from ..evaluate.functions import callable_or_error
from ..evaluate.problem import Problem
from ..evaluate.results import ReturnedShapeError
from ..methods.adaptive import Adaptive, Components
from ..records.derivative import Derivative
from .signatures import AdaptiveOptions, NoiseLevelOptions, checked, evaluation_of, with_options

__all__ = ["Derivative", "differentiate", "noise_level"]


@overload
def differentiate(
    f: Callable[..., Any],
    x: float,
    *,
    deriv: Literal[1, 2] = 1,
    args: tuple[Any, ...] = (),
    **options: Unpack[AdaptiveOptions],
) -> Derivative[float]: ...
@overload
def differentiate(
    f: Callable[..., Any],
    x: NDArray[Any],
    *,
    deriv: Literal[1, 2] = 1,
    args: tuple[Any, ...] = (),
    **options: Unpack[AdaptiveOptions],
) -> Derivative[Array]: ...
@overload
def differentiate(
    f: Callable[..., Any],
    x: Any,
    *,
    deriv: Literal[1, 2] = 1,
    args: tuple[Any, ...] = (),
    **options: Unpack[AdaptiveOptions],
) -> Derivative[Any]: ...
@with_options(AdaptiveOptions)
def differentiate(
    f: Callable[..., Any],
    x: Any,
    *,
    deriv: Literal[1, 2] = 1,
    args: tuple[Any, ...] = (),
    **options: Unpack[AdaptiveOptions],
) -> Derivative[Any]:
    """Gradient, Jacobian or Hessian, each entry with its own step and an error bar.

    For those who cannot choose a step, and functions that are noisy, computed in float32, badly scaled, or have an
    edge in their domain.

    Parameters
    ----------
    f : callable
        ``f(x, *args) -> float``; or a vector: then the derivative is the Jacobian, as of `jacobian`.
    x : number, array_like or pytree
        The point.
    deriv : {1, 2}, optional
        2: the Hessian of a scalar f, as of `hessian`.
    args : tuple, optional
        Further arguments of f.
    typical_x : array_like, optional
        Typical sizes of the coordinates, where ``abs(x)`` does not tell. Only a start: steps are found by looking.
    bounds : (lower, upper), optional
        Where f may be evaluated. A coordinate with lower == upper is undetermined, with the flag "edge".
    noise : float, optional
        The standard deviation of the noise of one evaluation, if known; estimated by default.
    **options
        Those of `AdaptiveOptions`.

    Returns
    -------
    derivative : Derivative
        value, error, step, flags, nfev, noise.

    Raises
    ------
    TypeError, ValueError
        As for `gradient`.

    See Also
    --------
    gradient : with ``method="adaptive"``, the values alone.
    noise_level : the noise of f alone.

    Notes
    -----
    Each component has windows of 3 or 4 pairs of values, x ± s, ± 2s, ± 4s, ± 8s: interpolation gives Taylor
    coefficients, the last ones the truncation error. Points very close to x show rounding. Where it is larger than
    expected, a short line through x shows the noise (Moré and Wild, SIAM J. Sci. Comput. 33 (2011) 1292-1314); then
    more pairs are averaged, and bars follow Student's distribution. They hold for 99 of 100 components of a wide
    collection of problems, see docs/adaptive.md. They cannot where f hides something between the points that it was
    asked at.

    It costs 6 evaluations a component, 4 where ``tol`` is loose, and 1 to 4 for all together; more where the first
    window does not fit, some 20 a component under noise; ``max_evals`` at most. A Jacobian costs about what its hardest
    output does; a Hessian that for each line e_i and e_i ± e_j.

    Flags: "kink" (the one-sided slopes differ; `value` is their mean), "jump", "flat" (constant, at least in pieces),
    "noisy" (noise well above float64 rounding), "edge" (at an edge of the domain or a bound: one-sided; the bar is inf
    where the slope is, and `value` nan where no step converged), "nonfinite", "steps" (f climbs in steps: `value` is
    the slope of its course, and `error` reaches to the slope between steps), "undetermined" (values contradict each
    other, or a second derivative jumps:
    `error` is inf).

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> d = fg.differentiate(lambda x: np.sin(x[0]) + abs(x[1]), np.array([1.0, 0.0]))
    >>> bool(abs(d.value[0] - np.cos(1.0)) <= d.error[0] < 1e-11)
    True
    >>> d.flags.tolist(), d.left.round(6).tolist(), d.right.round(6).tolist()
    (['', 'kink'], [nan, -1.0], [nan, 1.0])
    """
    callable_or_error(f, args)
    given = checked(differentiate, options)
    second = among("deriv", deriv, (1, 2)) == 2
    point = as_point(x)
    method = Adaptive(
        given["typical_x"], given["bounds"], given["noise"], given["tol"], given["max_evals"], given["scale"]
    )
    method.check(point, point.flat)
    with Problem.of(f, args, point, evaluation_of(given, options), outputs=None) as problem:
        outputs = problem.outputs
        if outputs == 0:
            raise ReturnedShapeError("f returned no values; expected a number, or an array of them")
        lines = point.n * (point.n + 1) // 2 if second else point.n
        problem.function.expect(method.evaluations(lines))
        if second:
            return _derivative(problem, method.hessian(problem), HessianLayout(point.layout))
        if outputs > 1:
            layout = JacobianLayout(outputs, point.layout)
            return _derivative(problem, method.components(problem), layout)
        return _derivative(problem, method.components(problem), point.layout, problem.x.ravel())


def _derivative(problem: Problem, found: Components, layout: Layout, x: Array | None = None) -> Derivative[Any]:
    return Derivative(problem.nfev, max(found.noise.tolist()), layout, found.numbers, found.flags, x)


@with_options(NoiseLevelOptions)
def noise_level(
    f: Callable[..., Any],
    x: Any,
    *,
    args: tuple[Any, ...] = (),
    **options: Unpack[NoiseLevelOptions],
) -> float:
    """The standard deviation of the noise of one evaluation of f near x.

    Noise is what keeps f from being smooth at a small scale: rounding, the tolerance of a solver, random numbers.

    Parameters
    ----------
    f : callable
        ``f(x, *args) -> float``.
    x : number, array_like or pytree
        The point.
    args : tuple, optional
        Further arguments of f.
    **options
        Those of `NoiseLevelOptions`.

    Returns
    -------
    level : float
        In the units of f. 0 where f is constant.

    Raises
    ------
    TypeError, ValueError
        As for `gradient`.

    Notes
    -----
    f is taken at 9 equally spaced points of a line through x; differences of order 3 and up are free of its slope and
    curvature (Moré and Wild, SIAM J. Sci. Comput. 33 (2011) 1292-1314). Where they look too large, closer points tell
    whether it is noise. At most 25 evaluations.

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> rng = np.random.default_rng(0)
    >>> level = fg.noise_level(lambda x: np.sin(x).sum() + 1e-6 * rng.standard_normal(), np.ones(10))
    >>> 3e-7 < level < 3e-6
    True
    """
    callable_or_error(f, args)
    given = checked(noise_level, options)
    point = as_point(x)
    if not point.n:
        return 0.0
    sizes = Coordinates(point, point.flat.reshape(1, -1), typical_x=given["typical_x"], scale=given["scale"]).sizes()
    with Problem.of(f, args, point, evaluation_of(given, options)) as problem:
        base = problem.values.ravel()
        problem.function.tolerate(True)
        return float(problem.function.noise(problem.points, base, sizes)[0, 0])
