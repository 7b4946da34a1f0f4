"""Checks of hand-coded gradients: are they right, and if not, where are they wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import stencils
from ._fixed import base_values, checked_steps
from ._functions import Vectorized, as_function, callable_or_error
from ._kernels import Function, steps
from ._points import Array, Point, as_point
from .stencils import FLOAT32, FLOAT64

_ROWS = 10


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One entry of the claimed gradient that is wrong, or could not be decided.

    Attributes
    ----------
    path : str
        Its name, such as ``"W1[3, 2]"``.
    index : int
        Its flat index.
    claimed, numeric : float
        The entry, and the derivative by differences.
    error : float
        The error bar of `numeric`.
    flag : str
        ``"wrong"``, ``"nonfinite"`` or ``"undecided"``.
    """

    path: str
    index: int
    claimed: float
    numeric: float
    error: float
    flag: str = "wrong"


@dataclass(frozen=True, slots=True)
class GradientCheck:
    """What `check_grad` found; ``bool(check)`` is whether the gradient is right.

    Attributes
    ----------
    verdict : {"right", "wrong", "undecided"}
    wrong : list of Mismatch
        Worst first.
    explanation : str
        One sentence.
    n_compared : int
        Entries compared.
    nfev : int
        Evaluations of f.
    resolution : float
        The largest error that could have gone unseen in an entry.
    seed : int or None
        None: nothing was drawn at random.
    rows : list of Mismatch
        The entries with the largest differences, right or wrong, worst first.
    """

    verdict: str
    wrong: list[Mismatch]
    explanation: str
    n_compared: int
    nfev: int
    resolution: float
    seed: int | None = None
    rows: list[Mismatch] = field(default_factory=list, repr=False)

    def __bool__(self) -> bool:
        return self.verdict == "right"

    def __str__(self) -> str:
        width = max([len("entry"), *(len(row.path) for row in self.rows)])
        lines = [f"gradient is {self.verdict.upper()}: {self.explanation}"]
        if self.rows:
            lines.append(f"  {'entry':<{width}} {'claimed':>14} {'numeric':>14} {'± error':>9} {'difference':>11}")
        for row in self.rows:
            lines.append(
                f"  {row.path:<{width}} {row.claimed:>14.7g} {row.numeric:>14.7g} {row.error:>9.1e} "
                f"{row.claimed - row.numeric:>11.2e}  {row.flag}".rstrip()
            )
        lines.append(f"  {self.n_compared} entries compared, {self.nfev} evaluations of f")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Plain Python values, ready for JSON."""
        return asdict(self)


def check_grad(
    f: Callable[..., Any],
    grad: Any,
    x: Any,
    *,
    args: tuple[Any, ...] = (),
    rtol: float = 0.0,
    typical_x: Any = None,
    vectorized: Vectorized = False,
) -> GradientCheck:
    """Check a user-coded gradient against differences, entry by entry.

    Parameters
    ----------
    f : callable
        ``f(x, *args) -> float``.
    grad : callable, or array_like or pytree
        ``grad(x, *args)``, of x's shape and structure; or its value at x.
    x : number, array_like or pytree
        Where to check.
    args : tuple, optional
        Further arguments of f and grad.
    rtol : float, optional
        Relative error that is accepted, on top of the error bar of the differences.
    typical_x : array_like, optional
        Typical sizes of the coordinates, see `gradient`.
    vectorized : bool or {"rows", "columns"}, optional
        Whether f takes many points at a time, see `gradient`.

    Returns
    -------
    check : GradientCheck

    Raises
    ------
    TypeError
        grad's result is not numbers.
    ValueError
        grad's result has another shape or structure than x; x has no entries, so that there is nothing to
        compare; f is NaN or infinite near x.

    Notes
    -----
    Each entry is compared with a difference of order 4 from steps h and 2h. Its error bar is the sum of
    |D(h) - D(2h)| / 3 and the rounding error of the differences. An entry that differs by more than three error
    bars and what `rtol` accepts is suspect: it is differenced with six steps, a factor of 1e7 apart. It is
    wrong only if two of them give the same other value and none agrees with it, and it is not a subgradient
    between the one-sided slopes of a kink. Where three error bars exceed 1e-3 of the entry (or 1e-6 of
    the largest), agreement says nothing, and the verdict is "undecided".

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> f = lambda x: x[0] ** 2 * x[1]
    >>> wrong = lambda x: np.array([2 * x[0] * x[1], 2 * x[0] ** 2])
    >>> check = fg.check_grad(f, wrong, np.array([3.0, 4.0]))
    >>> check.verdict, check.wrong[0].path
    ('wrong', 'x[1]')
    """
    callable_or_error(f)
    point = as_point(x)
    if not point.n:
        raise ValueError("x has no entries: there is nothing to compare")
    argument = point.restore(point.flat) if point.make is not None else point.flat.copy()
    claimed = _claimed(grad(argument, *args) if callable(grad) else grad, point)
    function = as_function(f, args, point, vectorized)
    differencer = _Differencer(function, point, typical_x)
    return _judge(differencer, claimed, rtol)


@dataclass(slots=True)
class _Differences:
    """Derivatives of order 4 from steps h and 2h, their error bars, and the one-sided slopes at h."""

    numeric: Array
    bar: Array
    right: Array
    left: Array


class _Differencer:
    """Takes differences of f around x with steps of any size."""

    def __init__(self, function: Function, point: Point, typical_x: Any) -> None:
        self.function = function
        self.point = point
        self.x = point.flat.ravel()
        self.noise = FLOAT64
        self.typical = checked_steps(typical_x, point, "typical_x")
        self.base = float(base_values(function, point, point.flat)[0, 0])

    def _values(self, components: Any, factor: float) -> tuple[Array, Array]:
        relative_step = stencils.stencil("central", 4).relative_step(self.noise)
        h = steps(self.x, self.point.n, factor * relative_step, None, self.typical)[components]
        return h, self.function.at_shifts(self.x, components, h, np.array([1.0, -1.0, 2.0, -2.0]))[:, :, 0]

    def at(self, components: Any, factor: float = 1.0) -> _Differences:
        """Differences with steps `factor` times those that suit a function of scale max(|x|, typical_x)."""
        h, values = self._values(components, factor)
        if self.noise == FLOAT64 and self._is_narrow(values):
            self.noise = FLOAT32
            h, values = self._values(components, factor)
        x = self.x[components]
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            near = (values[:, 0] - values[:, 1]) / ((x + h) - (x - h))
            far = (values[:, 2] - values[:, 3]) / ((x + 2 * h) - (x - 2 * h))
            rounding = 1.5 * self.noise * np.abs(values).max(axis=1) / h
            right, left = (values[:, 0] - self.base) / h, (self.base - values[:, 1]) / h
            return _Differences((4 * near - far) / 3, np.abs(near - far) / 3 + rounding, right, left)

    def _is_narrow(self, values: Array) -> bool:
        with np.errstate(over="ignore"):
            return self.function.float32 or bool((values == values.astype(np.float32)).all() and np.ptp(values) > 0)


# Steps far apart: a derivative that only one of them shows is a property of the step, not of f.
_FACTORS = (10.0, 1.0, 0.1, 1e-2, 1e-4, 1e-6)


def _confirmed(differencer: _Differencer, components: Any, claimed: Array) -> NDArray[np.bool_]:
    """Which of these entries are wrong beyond doubt.

    Two steps must give the same derivative, within their error bars, which excludes the claimed one; no step
    may agree with it; and it must not lie between one-sided slopes that stay apart, as at a kink.
    """
    found = [differencer.at(components, factor) for factor in _FACTORS]
    off = [np.abs(d.numeric - claimed) for d in found]
    sharp = [3 * d.bar < 0.3 * o for o, d in zip(off, found, strict=True)]
    proved = np.zeros(len(components), dtype=bool)
    distance = np.zeros(len(components))
    for i, first in enumerate(found):
        for j, second in enumerate(found[:i]):
            same = np.abs(first.numeric - second.numeric) <= 3 * (first.bar + second.bar)
            pair = same & sharp[i] & sharp[j]
            proved |= pair
            distance = np.where(pair, np.maximum(distance, off[i]), distance)
    for d, o in zip(found, off, strict=True):
        proved &= ~((o <= 3 * d.bar) & (3 * d.bar < distance))
    wide, tight = found[1], found[2]
    gap = [np.abs(d.right - d.left) for d in (wide, tight)]
    between = (np.minimum(tight.right, tight.left) - tight.bar <= claimed) & (
        claimed <= np.maximum(tight.right, tight.left) + tight.bar
    )
    kink = between & (gap[1] > 0.5 * gap[0]) & (gap[1] > 10 * tight.bar)
    return np.asarray(proved & ~kink)


def _claimed(gradient: Any, point: Point) -> Array:
    """The claimed gradient, flat; an error if it is not of x's shape and structure."""
    from ._points import Tree, per_coordinate

    if gradient is None:
        raise TypeError("grad returned None; does it lack a return statement?")
    if isinstance(point, Tree):
        if np.isscalar(gradient) or isinstance(gradient, np.ndarray):
            raise ValueError(f"grad returned {type(gradient).__name__}, but x is a pytree; return x's structure")
        flat = per_coordinate(gradient, point, "grad's result")
        assert flat is not None
        return flat
    array = np.asarray(gradient)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"grad returned dtype {array.dtype}; expected real numbers")
    if array.shape != point.shape and not (point.n == 1 and array.size == 1):
        raise ValueError(f"grad returned shape {array.shape}, but x has shape {point.shape}")
    return np.asarray(array, dtype=np.float64).ravel()


def _judge(differencer: _Differencer, claimed: Array, rtol: float) -> GradientCheck:
    point = differencer.point
    first_look = differencer.at(np.arange(point.n))
    numeric, bar = first_look.numeric, first_look.bar
    with np.errstate(invalid="ignore"):
        difference = np.abs(claimed - numeric)
    size = np.maximum(np.abs(claimed), np.abs(numeric))
    # A float32 gradient carries its own rounding.
    own = FLOAT32 if (claimed == claimed.astype(np.float32)).all() and np.any(claimed % 1 != 0) else 0.0
    broken = ~np.isfinite(claimed)
    suspect = ~(difference <= 3 * bar + (rtol + own) * size)
    wrong = broken.copy()
    doubtful = np.flatnonzero(suspect & ~broken)
    if doubtful.size:
        wrong[doubtful] = _confirmed(differencer, doubtful, claimed[doubtful])
    vague = ~wrong & (
        suspect | (3 * bar > np.maximum(1e-3 * size, 1e-6 * np.abs(numeric[np.isfinite(numeric)]).max(initial=0)))
    )
    flags = np.where(broken, "nonfinite", np.where(wrong, "wrong", np.where(vague, "undecided", "")))
    with np.errstate(divide="ignore", invalid="ignore"):
        severity = np.nan_to_num(difference / (bar + np.finfo(float).tiny), posinf=np.finfo(float).max)
    worst = np.lexsort((-severity, flags == "undecided", ~wrong & ~vague))

    def rows(indices: Any) -> list[Mismatch]:
        return [
            Mismatch(point.name(i), i, float(claimed[i]), float(numeric[i]), float(bar[i]), str(flags[i]))
            for i in map(int, indices)
        ]

    count = int(wrong.sum())
    found = rows([i for i in worst if wrong[i]])
    if count:
        verdict = "wrong"
        are = "entry is" if count == 1 else "entries are"
        explanation = f"{count} of {point.n} {are} wrong, the worst {found[0].path}"
    elif vague.any():
        verdict = "undecided"
        first = int(np.argmax(vague))
        explanation = (
            f"differences cannot tell for {int(vague.sum())} of {point.n} entries, the first {point.name(first)} "
            f"(± {bar[first]:.1e}): a kink, noise, or a scale that the steps miss; typical_x= with the scale on "
            "which f varies would decide the last"
        )
    else:
        verdict, explanation = "right", "every entry agrees within the error of its difference"
    resolution = float((3 * bar).max())
    nfev = differencer.function.nfev
    return GradientCheck(verdict, found, explanation, point.n, nfev, resolution, None, rows(worst[:_ROWS]))


__all__ = ["GradientCheck", "Mismatch", "check_grad"]
