"""How far a descent goes along its direction."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..core.point import Array

SUFFICIENT = 1e-4
REMEMBERED = 10  # values of f that a step of Barzilai and Borwein may exceed the last of
_MOST_TRIES = 60


@np.errstate(all="ignore")
def spectral(moved: Array, turned: Array, otherwise: float) -> float:
    """The step length of Barzilai and Borwein (IMA J. Numer. Anal. 8 (1988) 141-148, eq. 5).

    moved, turned: by how much x and the gradient changed; where f does not curve upwards, `otherwise` it is.
    """
    curved = float(moved @ turned)
    rate = float(moved @ moved) / curved if curved > 0 else 0.0
    return rate if 0 < rate < math.inf else otherwise


@np.errstate(all="ignore")
def first_guess(x: Array, direction: Array) -> float:
    """A step length that moves coordinates by a tenth of the largest."""
    largest = float(np.abs(direction).max())
    return 0.1 * max(1.0, float(np.abs(x).max())) / largest if largest else 1.0


class Step(NamedTuple):
    """Where a search ended."""

    x: Array
    fun: float
    rate: float


def backtrack(
    trial: Callable[[float], tuple[Array, float]],
    x: Array,
    fun: float,
    slope: Array,
    highest: float,
    rate: float,
    expand: bool,
    spent: Callable[[], bool],
) -> Step | None:
    """Shorter steps until f falls enough (Armijo, Pac. J. Math. 16 (1966) 1-3); None: it does not.

    Parameters
    ----------
    trial : callable
        The point that a step length leads to, and f there.
    x, fun, slope
        Where it starts, f and the gradient there.
    highest : float
        Enough is below this: fun itself, or the highest of the last values (Raydan, SIAM J. Optim. 7 (1997) 26-33).
    rate : float
        The first guess.
    expand : bool
        Whether longer steps are tried if the first is good.
    spent : callable
        Whether no more evaluations may be done.
    """
    for tries in range(_MOST_TRIES):
        there, lower = trial(rate)
        with np.errstate(all="ignore"):
            fall = float(slope @ (x - there))
        # Far below the rounding of f, "enough" is nothing: then it must at least be lower.
        if lower <= highest - SUFFICIENT * fall and fall > 0 and lower < highest:
            found = Step(there, lower, rate)
            return _expanded(trial, found) if expand and tries == 0 else found
        if np.array_equal(there, x) or spent():
            return None
        # The minimum of the parabola through both values and the slope, or a tenth.
        curved = lower - fun + fall
        rate *= min(max(0.5 * fall / curved, 0.1), 0.5) if 0 < curved < math.inf else 0.1
    return None


def _expanded(trial: Callable[[float], tuple[Array, float]], found: Step) -> Step:
    """Twice the step, as long as f falls."""
    while True:
        there, lower = trial(2.0 * found.rate)
        if not lower < found.fun:
            return found
        found = Step(there, lower, 2.0 * found.rate)
