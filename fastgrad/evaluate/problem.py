"""A function at points: what every verb asks of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..core.point import Array, Point
from ..stencils import FLOAT32, FLOAT64, stencil
from . import border
from .functions import SERIAL, Evaluation, as_function

T = TypeVar("T")

_MOST_NOISE = 1e-2
"""The relative noise of a function: where it is more at a point, f is near 0 there, and larger elsewhere."""


class Problem:
    """A function at one point or many: its values there, asked for once, and the precision that it computes in.

    Parameters
    ----------
    function : Function
    point : Point
        Gives the names and shape of the coordinates.
    x : ndarray, optional
        One point, of any shape, or points (b, n); `point` itself by default.
    relative_noise : float, optional
        The precision that f is believed to compute in.
    values : ndarray, optional
        f at the first points, or at all, (points, outputs), where it is known.

    Attributes
    ----------
    points : ndarray
        x as points (points, n).
    raw : bool
        Whether values and derivatives that are not finite stay so, with nothing said: at shifts of the user's point.
    trusted : bool
        Whether steps are not doubted for what second differences of f show: in descents, at whose end these are large.
    lower : ndarray or None
        The last derivatives, of two orders less, where their values held them.
    curved : ndarray or None
        (x.size,): coordinates along which f changes so fast that the last derivatives by them are suspect, if any.
    near : ndarray or None
        (x.size,): coordinates so near an edge that the last derivatives by them took other steps, if any.
    """

    __slots__ = (
        "_checked", "_known", "_some", "curved", "declared", "function", "lower", "near", "point", "points", "raw",
        "relative_noise", "trusted", "x",
    )  # fmt: skip

    def __init__(
        self,
        function: border.Function,
        point: Point,
        x: Array | None = None,
        relative_noise: float = FLOAT64,
        values: Array | None = None,
    ) -> None:
        self.function = function
        self.point = point
        # A point holds its own values; of others, f may write to the array that the user holds.
        self.x = point.flat if x is None else x.copy()
        n = function.n
        self.points = self.x.reshape(-1, n) if n else self.x.reshape(1, 0)
        self.relative_noise = relative_noise
        self.declared = self.raw = self.trusted = False
        self.lower: Array | None = None
        self.near: NDArray[np.bool_] | None = None
        self.curved: NDArray[np.bool_] | None = None
        self._known = values  # f at the first points
        self._checked = False
        self._some: dict[int, Array] = {}  # f at others

    @classmethod
    def of(
        cls,
        f: Callable[..., Any],
        args: tuple[Any, ...],
        point: Point,
        how: Evaluation = SERIAL,
        outputs: int | None = 1,
        values: Array | None = None,
    ) -> Problem:
        """The problem of f(x, *args) at a point; a context, which ends what belongs to it."""
        return cls(as_function(f, args, point, how, outputs), point, values=values)

    def __enter__(self) -> Problem:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.function.__exit__(kind, error, trace)

    @property
    def values(self) -> Array:
        """F at the points, (points, outputs); raises a ValueError where it is not finite, unless it is raw."""
        known = self._known
        if self._checked and known is not None:
            return known
        function, points = self.function, self.points
        if known is None:
            known = function.value(points[0]).reshape(1, -1)
        if len(known) < len(points):
            known = np.concatenate([known, function.at_points(points[len(known) :])])
        self._known, self._checked = known if self.raw else _finite(known, self.point, points), True
        return known

    def values_at(self, points: NDArray[np.intp]) -> Array:
        """F at some of the points, (points, outputs), as `values`: the others are not asked for."""
        if self._checked or not self.function.n:
            return self.values[points]
        which, places = np.unique(points, return_inverse=True)
        new = np.array([p for p in which.tolist() if p not in self._some], dtype=np.intp)
        if new.size:
            first = 0 if self._known is None else len(self._known)
            asked = new[new >= first]
            values = [] if self._known is None else [self._known[new[new < first]]]
            if asked.size:
                values.append(self.function.at_points(self.points[asked]))
            found = np.concatenate(values)
            found = found if self.raw else _finite(found, self.point, self.points[new])
            self._some.update(zip(new.tolist(), found, strict=True))
        return np.stack([self._some[p] for p in which.tolist()])[places]

    @property
    def known(self) -> Array | None:
        """F at the points, as `values`, where it needs no evaluation; else None."""
        return self.values if self._known is not None and len(self._known) == len(self.points) else None

    def values_where(self, points: NDArray[np.intp]) -> Array | None:
        """F, (points, outputs): at all where it is known there, else at some, and NaN at others; None for no points."""
        if not points.size or self.known is not None:
            return self.known
        if len(self.points) == 1:
            return self.values
        found = np.full((len(self.points), self.outputs), np.nan)
        found[points] = self.values_at(points)
        return found

    @property
    def outputs(self) -> int:
        """How many values f has; where that is not known, f is asked at the first point."""
        known = self.function.outputs
        if known is None:
            self._known = self.function.value(self.points[0]).reshape(1, -1)
            known = self._known.shape[1]
        return known

    @property
    def nfev(self) -> int:
        """Evaluations of f so far."""
        return self.function.nfev

    def at(self, x: Array, values: Array | None = None) -> Problem:
        """The same function at other points, of which it is believed what was learnt here."""
        known = self._known
        if values is None and known is not None and np.array_equal(self.points[0], x.reshape(-1)[: self.point.n]):
            values = known[:1]
        return Problem(self.function, self.point, x, self.relative_noise, values)

    # --- Precision -------------------------------------------------------------------------------------------------

    def declare(self, noise: float | None) -> None:
        """The user knows the absolute noise of an evaluation; None: does not."""
        if noise is None:
            return
        size = float(np.abs(self.values).max(initial=0.0))
        # Beside a zero of f, its size is not that of its values.
        self.relative_noise = max(noise / size, FLOAT64) if noise < _MOST_NOISE * size else _MOST_NOISE
        self.declared = True

    def settled(self, take: Callable[[float], T], found: T | None = None, room: Array | None = None) -> T:
        """What `take` gives for the noise that f has: once more where its values show another one than was believed.

        Parameters
        ----------
        take : callable
            ``take(relative_noise)``: derivatives by steps for that noise.
        found : optional
            What it gave for the noise that was believed, where that is known.
        room : ndarray, optional
            How far each coordinate may move down and up, (2, x.size), where that is bounded.
        """
        if found is None:
            found = take(self.relative_noise)
        seen = self.relative_noise if self.declared or not self.function.n else self._seen(room)
        if seen != self.relative_noise:
            self.relative_noise = seen
            found = take(seen)
        return found

    def _seen(self, room: Array | None) -> float:
        """The precision that the values of f show."""
        function = self.function
        if function.float32:
            return FLOAT32
        if function.sees_double or not (function.sees_change or self._changes(room)):
            return FLOAT64
        return FLOAT64 if function.sees_double else FLOAT32

    def _changes(self, room: Array | None) -> bool:
        """Whether f changes at all: a constant looks like float32, and two points farther apart tell."""
        first = self.points[:1]
        h = border.steps(first, self.function.n, stencil("central", 2).relative_step(FLOAT32))
        try:
            down, up = (h, h) if room is None else np.minimum(h, room[:, : self.function.n])
            self.function.at_points(np.concatenate([first + up, first - down]))
        except Exception:
            return False
        return self.function.sees_change


def _finite(values: Array, point: Point, points: Array) -> Array:
    """Values (points, outputs) that are finite."""
    if not border.is_plain(values):
        finite = np.isfinite(values).all(axis=1)
        if not finite.all():
            row = int(np.argmin(finite))
            raise ValueError(
                f"f is {values[row][~np.isfinite(values[row])][0]} at x itself ({point.at(points[row])}); "
                "a derivative needs a finite value there"
            )
    return values
