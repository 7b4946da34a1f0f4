"""The adaptive method: a step of its own for each component, and an honest error bar on each."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _kernels
from ._fixed import base_values, checked_bounds, checked_steps
from ._functions import Vectorized, Workers, as_function, callable_or_error, evaluation
from ._method import Method
from ._plotting import axes_or_new
from ._points import Array, Point, as_point
from ._values import ReturnedShapeError
from .stencils import FLOAT64, stencil

FLAGS = ("kink", "jump", "flat", "noisy", "edge", "nonfinite")
"""Names of the flags, from the lowest bit on (``FG_KINK`` ... in src_c/fastgrad.h)."""

KINK = 1 << FLAGS.index("kink")
NOISY = 1 << FLAGS.index("noisy")


class Adaptive(Method):
    """Derivatives by the adaptive method.

    Parameters
    ----------
    typical_x, bounds, noise
        As for `differentiate`.
    """

    __slots__ = ("bounds", "noise", "typical_x")

    imaginary = False

    def __init__(self, typical_x: Any = None, bounds: Any = None, noise: float | None = None) -> None:
        self.typical_x = typical_x
        self.bounds = bounds
        self.noise = noise

    def __repr__(self) -> str:
        return "adaptive"

    def evaluations(self, components: int) -> int:
        """As for `Method`."""
        return 8 * components

    def derivatives(
        self,
        function: _kernels.Function,
        point: Point,
        x: Array,
        relative_noise: float = FLOAT64,
        only: int | None = None,
        out: Array | None = None,
    ) -> tuple[Array, float]:
        """As for `Method`; a warning names components without a derivative."""
        found, flags, levels, base = self.components(function, point, x, relative_noise)
        if not _kernels.is_plain(found[0]):
            undetermined = ~np.isfinite(found[0])
            c = int(np.argmax(undetermined))
            warnings.warn(
                f"no derivative by {point.name(c)} ({flag_names(flags[c])}; {undetermined.sum()} such components): "
                "nan; fastgrad.differentiate shows more",
                RuntimeWarning,
                stacklevel=4,
            )
        known = max([v / abs(b) for v, b in zip(levels.tolist(), base.tolist(), strict=True) if b], default=0.0)
        values = found[0]
        return (values.reshape(x.shape) if only is None else values[[only], None]), max(known, 2 * FLOAT64)

    def components(
        self, function: _kernels.Function, point: Point, x: Array, relative_noise: float = FLOAT64
    ) -> tuple[Array, NDArray[np.intc], Array, Array]:
        """Rows value, error, step, left and right slope (5, x.size); flags; noise and f at each point of x."""
        if not function.n:
            return np.empty((5, 0)), np.empty(0, dtype=np.intc), np.zeros(1), np.empty(0)
        points = x.reshape(-1, function.n)
        base = base_values(function, point, points).ravel()
        room = None
        if self.bounds is not None:
            lower, upper = checked_bounds(self.bounds, point, points)
            room = np.stack([(points - lower).ravel(), (upper - points).ravel()])
        level = self.noise
        if level is not None and not (level > 0 and math.isfinite(level)):
            raise ValueError(f"noise is {level}; expected a positive number, the absolute noise of f")
        if level is None and relative_noise > FLOAT64:
            level = relative_noise * float(np.abs(base).max(initial=0.0))
        function.tolerate(True)
        found, flags, levels = function.adaptive(points, base, scales(self.typical_x, point, points), room, level)
        return found, flags, levels, base


def scales(typical_x: Any, point: Point, points: Array) -> Array:
    """The sizes of coordinates that steps are relative to: |x|, at least typical_x; 1 where that is 0."""
    sizes = np.abs(points)
    typical = checked_steps(typical_x, point, "typical_x")
    if typical is not None:
        sizes = np.maximum(sizes, typical)
    if not sizes.all():
        sizes[sizes == 0.0] = 1.0
    return sizes


def flag_names(bits: int) -> str:
    """The names of flags, with commas between; "" where there is none."""
    return ",".join(name for k, name in enumerate(FLAGS) if bits >> k & 1) if bits else ""


@dataclass(frozen=True)
class Derivative:
    """A gradient with its errors; see `differentiate`.

    Attributes
    ----------
    value : float, ndarray or pytree
        The derivative, in x's shape and structure; nan where it is undetermined.
    error : float, ndarray or pytree
        Error bars: ``abs(value - exact) <= error``, see `differentiate`; inf where nothing is known.
    step : float, ndarray or pytree
        The step that each component was taken with.
    flags : str, ndarray or pytree
        What is to be said of each component, "" where nothing is.
    nfev : int
        Evaluations of f.
    noise : float
        The standard deviation of the noise of one evaluation of f.
    left, right : float, ndarray or pytree
        One-sided slopes at a kink, else nan.
    """

    value: Any
    error: Any
    step: Any
    flags: Any
    nfev: int
    noise: float
    left: Any
    right: Any
    _flat: Array = field(repr=False, compare=False)
    _bits: NDArray[np.intc] = field(repr=False, compare=False)
    _point: Point = field(repr=False, compare=False)
    _function: Callable[[], _kernels.Function] = field(repr=False, compare=False)

    def __repr__(self) -> str:
        flagged = int(np.count_nonzero(self._bits))
        worst = float(np.max(self._flat[1], initial=0.0))
        return (
            f"Derivative({self._bits.size} components, largest error {worst:.2g}, {flagged} flagged, "
            f"nfev={self.nfev}, noise={self.noise:.2g})"
        )

    def __str__(self) -> str:
        return self.table()

    def table(self, most: int = 40) -> str:
        """A readable table of at most `most` components: flagged ones first, then those of the largest error."""
        size = self._bits.size
        rows = np.arange(size)
        if size > most:
            relative = self._flat[1] / np.maximum(np.abs(self._flat[0]), 1e-300)
            rows = np.sort(np.lexsort((-relative, self._bits == 0))[:most])
        lines = [("", "derivative", "error", "step", "")]
        for c in rows:
            value, error, step, left, right = self._flat[:, c]
            note = flag_names(self._bits[c])
            if self._bits[c] & KINK:
                note += f": slopes {left:.6g} and {right:.6g}"
            lines.append((self._point.name(int(c)), *known_digits(value, error), f"{step:.1e}", note))
        widths = [max(len(line[k]) for line in lines) for k in range(4)]
        text = [
            f"{a:<{widths[0]}}  {b:>{widths[1]}}   {c:<{widths[2]}}  {d:>{widths[3]}}  {e}".rstrip()
            for a, b, c, d, e in lines
        ]
        if size > most:
            text.append(f"... {size - most} more components")
        text.append(f"{self.nfev} evaluations; noise of f about {self.noise:.1e}")
        return "\n".join(text)

    def to_dict(self) -> dict[str, Any]:
        """Plain Python values, ready for JSON: one entry a component, in the order of the coordinates."""
        value, error, step, left, right = self._flat.tolist()
        return {
            "names": [self._point.name(c) for c in range(self._bits.size)],
            "value": value,
            "error": error,
            "step": step,
            "flags": [flag_names(bits) for bits in self._bits],
            "left": left,
            "right": right,
            "nfev": self.nfev,
            "noise": self.noise,
        }

    def plot(self, components: Iterable[Any] = (0,), axes: Any = None) -> Any:
        """Draw how the errors of central differences depend on the step; f is evaluated anew.

        Parameters
        ----------
        components : iterable of int, tuple or str
            The components, by flat index, index tuple or path.
        axes : matplotlib Axes, optional
            Where to draw; new ones by default.

        Returns
        -------
        axes : matplotlib Axes

        Raises
        ------
        ImportError
            Matplotlib is missing (extra ``plot``).
        """
        axes = axes_or_new(axes)
        for wanted in components:
            self._draw(axes, self._point.component(wanted))
        axes.set(xscale="log", yscale="log", xlabel="step", ylabel="distance from the derivative found")
        axes.legend(fontsize="small")
        return axes

    def _draw(self, axes: Any, c: int) -> None:
        value, error, step = self._flat[:3, c]
        name, x = self._point.name(c), self._point.flat.ravel()
        scale = max(abs(x[c]), step, 1e-300)
        steps = np.geomspace(1e-12 * scale, scale, 73)
        steps = (x[c] + steps) - x[c]
        steps = steps[steps > 0]
        function = self._function()
        for order, marker in ((2, "."), (6, "+")):
            scheme = stencil("central", order)
            values = function.at_shifts(x, np.full(steps.size, c), steps, np.array(scheme.offsets, dtype=float))
            with np.errstate(invalid="ignore", over="ignore"):
                found = (values[:, :, 0] - values[:, :1, 0]) @ np.array(scheme.weights) / steps
                axes.plot(steps, np.abs(found - value), marker, label=f"{name}, order {order}")
        axes.plot([step], [error], "v", color="black", label=f"{name}: step chosen, error bar")
        if self.noise > 0:
            axes.plot(steps, self.noise / steps, "--", linewidth=0.8, label="noise / step")


def known_digits(value: float, error: float) -> tuple[str, str]:
    """A value with only the digits that are known, and its error: ("0.540302", "± 2e-06")."""
    if not math.isfinite(value):
        return "undetermined", ""
    if not math.isfinite(error):
        return f"{value:.1g}", "± inf"
    if error == 0.0:
        return repr(float(value)), "exact"
    if abs(value) < error:
        return "0", f"± {error:.1e}"
    digits = math.floor(math.log10(abs(value))) - math.floor(math.log10(error)) + 1
    return f"{value:.{min(max(digits, 1), 17)}g}", f"± {error:.1e}"


def differentiate(
    f: Callable[..., Any],
    x: Any,
    *,
    deriv: int = 1,
    args: tuple[Any, ...] = (),
    typical_x: Any = None,
    bounds: Any = None,
    noise: float | None = None,
    vectorized: Vectorized = False,
    workers: Workers = None,
    progress: bool = False,
    retries: int = 0,
) -> Derivative:
    """Gradient, Jacobian or Hessian, each entry with its own step and an error bar.

    For those who cannot choose a step, and functions that are noisy, computed in float32, badly scaled, or have an
    edge in their domain.

    Parameters
    ----------
    f : callable
        ``f(x, *args) -> float``; or, for an array x, a vector: then the derivative is the Jacobian (m, n).
    x : number, array_like or pytree
        The point.
    deriv : {1, 2}, optional
        2: the Hessian (n, n) of a scalar f at an array x.
    args : tuple, optional
        Further arguments of f.
    typical_x : array_like, optional
        Typical sizes of the coordinates, where ``abs(x)`` does not tell. Only a start: steps are found by looking.
    bounds : (lower, upper), optional
        Where f may be evaluated. A coordinate with lower == upper is undetermined, with the flag "edge".
    noise : float, optional
        The standard deviation of the noise of one evaluation, if known; estimated by default.
    vectorized, workers, progress, retries
        As for `gradient`.

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
    Each round takes f at x ± h, ± 2h and ± 3h; the differences of order 2, 4 and 6 from these give the derivative and
    its truncation error, and f on a short line through x the noise (Moré and Wild, SIAM J. Sci. Comput. 33 (2011)
    1292-1314). The error bar is their sum with safety factors, which hold for 99 of 100 components of a wide collection
    of problems, see docs/adaptive.md. It cannot hold where f hides something between the points that it was asked at,
    and is inf where no step converged.

    It costs 6 evaluations a component and 4 to 8 for the noise, more where the first step does not fit, 40 at most.

    Jacobians and Hessians take the best of up to five steps for each entry: 6 to 30 evaluations a column, or a line
    e_i, e_i + e_j; neither bounds, noise nor flags but "nonfinite". Their bars hold less often on noisy Jacobians, see
    docs/adaptive.md.

    Flags: "kink" (the one-sided slopes differ; `value` is their mean), "jump", "flat" (constant, at least in pieces),
    "noisy" (noise well above float64 rounding), "edge" (at an edge of the domain: one-sided, of the same order),
    "nonfinite".

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> d = fg.differentiate(lambda x: np.sin(x[0]) + abs(x[1]), np.array([1.0, 0.0]))
    >>> bool(abs(d.value[0] - np.cos(1.0)) <= d.error[0] < 1e-11)
    True
    >>> d.flags.tolist(), d.left.round(6).tolist(), d.right.round(6).tolist()
    (['', 'kink'], [nan, -1.0], [nan, 1.0])
    """
    callable_or_error(f)
    how = evaluation(vectorized, workers, progress, retries)
    if deriv not in (1, 2):
        raise ValueError(f"deriv is {deriv!r}; expected 1 or 2")
    if deriv == 2:
        if bounds is not None or noise is not None:
            raise ValueError("second derivatives take neither bounds= nor noise=")
        from ._matrix_derivative import hessian_derivative

        return hessian_derivative(f, x, args, typical_x, how)
    point = as_point(x)
    method = Adaptive(typical_x, bounds, noise)
    try:
        with as_function(f, args, point, how) as function:
            function.expect(method.evaluations(point.n))
            found, bits, levels, _ = method.components(function, point, point.flat)
    except ReturnedShapeError:
        from .plans import outputs_of

        if point.make is not None or bounds is not None or noise is not None or outputs_of(f, args, point, how) == 1:
            raise
        from ._matrix_derivative import jacobian_derivative

        return jacobian_derivative(f, x, args, typical_x, how)

    def again() -> _kernels.Function:
        made = as_function(f, args, point, evaluation(vectorized, None, False, 0))
        made.tolerate(True)
        return made

    names = np.array([flag_names(flag) for flag in bits.tolist()]) if bits.any() else np.zeros(bits.size, dtype="<U1")
    return Derivative(
        value=point.restore(found[0]),
        error=point.restore(found[1]),
        step=point.restore(found[2]),
        flags=point.restore(names),
        nfev=function.nfev,
        noise=float(levels[0]),
        left=point.restore(found[3]),
        right=point.restore(found[4]),
        _flat=found,
        _bits=bits,
        _point=point,
        _function=again,
    )


def noise_level(
    f: Callable[..., Any],
    x: Any,
    *,
    args: tuple[Any, ...] = (),
    typical_x: Any = None,
    vectorized: Vectorized = False,
    workers: Workers = None,
    progress: bool = False,
    retries: int = 0,
) -> float:
    """The standard deviation of the noise of one evaluation of f near x.

    Noise is what keeps f from being smooth at a small scale: rounding, the tolerance of a solver, random numbers.

    Parameters
    ----------
    f, x, args, typical_x, vectorized, workers, progress, retries
        As for `differentiate`.

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
    f is taken at 5 to 9 equally spaced points of a line through x; differences of order 3 and up are free of its slope
    and curvature (Moré and Wild, SIAM J. Sci. Comput. 33 (2011) 1292-1314). Where they look too large, closer points
    tell whether it is noise. At most 25 evaluations.

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> rng = np.random.default_rng(0)
    >>> level = fg.noise_level(lambda x: np.sin(x).sum() + 1e-6 * rng.standard_normal(), np.ones(10))
    >>> 3e-7 < level < 3e-6
    True
    """
    callable_or_error(f)
    point = as_point(x)
    if not point.n:
        return 0.0
    points = point.flat.reshape(1, -1)
    with as_function(f, args, point, evaluation(vectorized, workers, progress, retries)) as function:
        base = base_values(function, point, points).ravel()
        function.tolerate(True)
        return float(function.noise(points, base, scales(typical_x, point, points))[0])
