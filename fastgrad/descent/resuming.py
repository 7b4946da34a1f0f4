"""Whether f, and a gradient of the user's, are still those of the run that a checkpoint is of."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator

import numpy as np

from ..core.point import Array
from ..evaluate.results import fits_float32
from ..stencils import FLOAT32, FLOAT64
from .gradients import UserSlopes
from .state import State

_ROUNDING = {FLOAT64: 1024 * FLOAT64, FLOAT32: 32 * FLOAT32}
"""By this share values differ where sums are taken in another order, as on another machine."""
_SCATTERS = 10.0
"""By so many times its own scatter a value may differ: the run kept it because it was low."""


def compare(run: State, noise: float | None) -> None:
    """F, and a gradient of the user's, once more at the x of a run that goes on.

    Parameters
    ----------
    run : State
        As it was kept.
    noise : float or None
        The noise of f, where it is declared.

    Raises
    ------
    ValueError
        One of them is not what it was, by more than its noise.
    """
    if not math.isnan(run.fun):
        _expect(run, "f", np.array([run.fun]), lambda x: np.array([run.value(x)]), noise or 0.0)
    if isinstance(run.slopes, UserSlopes) or math.isnan(run.fun):
        # What differences learn of f's precision is learnt as if they had not been asked.
        believed = run.slopes.relative_noise
        _expect(run, "the gradient", run.slope, lambda x: _slope(run, x), 0.0)
        run.slopes.relative_noise = believed


def _slope(run: State, x: Array) -> Array:
    run.njev += 1
    return np.array(run.slopes.at(x.copy()))


def _expect(run: State, what: str, kept: Array, function: Callable[[Array], Array], noise: float) -> None:
    """One value as it was kept: to rounding, or else to its noise at four points so near that nothing else changes."""
    found = function(run.x)
    epsilon = FLOAT32 if fits_float32(found) and fits_float32(kept) else FLOAT64
    distance = float(np.linalg.norm(found - kept))
    if distance <= _ROUNDING[epsilon] * float(np.linalg.norm(kept)):
        return
    values = []
    for x in _beside(run, epsilon):
        # f need not be defined there.
        with contextlib.suppress(Exception):
            values.append(function(x))
    scatter = max((float(np.linalg.norm(value - found)) for value in values), default=0.0)
    if not distance <= _SCATTERS * max(scatter, noise):
        i = int(np.argmax(np.where(found == kept, 0.0, np.abs(np.nan_to_num(found - kept, nan=np.inf)))))
        of = "" if what == "f" else f" for {run.point.name(i)}"
        path = "the checkpoint" if run.checkpoint is None else run.checkpoint.path
        raise ValueError(
            f"{path} is of another function: at its x, {what} is {found[i]}{of}, but was {kept[i]}; pass the same "
            "f, grad and args, delete the file to start anew, or give another path"
        )


def _beside(run: State, epsilon: float) -> Iterator[Array]:
    """Points within rounding of x, and within bounds."""
    sizes = np.abs(run.x)
    sizes[sizes == 0] = sizes.max() or 1.0
    for k in (1.0, -1.0, 2.0, -2.0):
        x = run.x + k * epsilon * sizes
        yield x if run.rules.bounds is None else np.clip(x, *run.rules.bounds)
