"""How fast predictions change with each feature, at rows of features: derivatives, or differences over larger steps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..core.point import Array
from ..evaluate import border
from ..evaluate.results import fits_float32
from ..methods.seven import OTHERS, POINTS
from ..stencils import FLOAT32, FLOAT64
from .spread import Spread

# How far off a piecewise-constant model is looked at, in spreads of the feature: less than the jumps of a large forest
# are apart, but more than what rounding hides.
_PROBE, _PROBE_FLOAT32 = 1e-6, 1e-4
_PROBED_ROWS = 32
_CONSTANT = 0.75  # of the probes that see no change, in each feature, for a model to be piecewise constant
_CHUNK = 1 << 20


class Rates:
    """Derivatives and differences at rows (b, n), or (b, n + 1) with the row's number.

    Parameters
    ----------
    function : Function
        The predictor.
    rows, base : ndarray
        The rows, and the predictions there (b, outputs).
    spread : Spread
        How each feature is changed.
    """

    def __init__(self, function: border.Function, rows: Array, base: Array, spread: Spread) -> None:
        self.function, self.rows, self.base, self.spread = function, rows, base, spread
        self.n = len(spread.kinds)

    def evaluations(self) -> int:
        """How many are to be done, about."""
        each = {"derivative": POINTS - 1, "constant": 0}
        return len(self.rows) * (1 + sum(each.get(kind, 2) for kind in self.spread.kinds))

    def is_piecewise_constant(self) -> bool:
        """Whether small changes of each feature change nothing as a rule, but large ones do."""
        columns = [j for j, kind in enumerate(self.spread.kinds) if kind == "derivative"]
        if not columns:
            return False
        chosen = np.unique(np.linspace(0, len(self.rows) - 1, _PROBED_ROWS).astype(np.intp))
        some = self.rows[chosen]
        base = self.base[chosen]
        probe = _PROBE_FLOAT32 if fits_float32(base) else _PROBE
        reaches = [(j, size * self.spread.sd[j]) for j in columns for size in (probe, 1.0)]
        ends = [self._ends(some[:, j], j, reach) for j, reach in reaches]
        values = self._moved(some, base, [j for j, _ in reaches], ends)
        same = np.array([(value == base[:, None]).all(axis=(1, 2)) for value in values])
        return bool((same[::2].mean(axis=1) >= _CONSTANT).all() and not same[1::2].all())

    def run(self) -> tuple[Array, Array]:
        """Values and errors (b, outputs, n)."""
        outputs = self.base.shape[1]
        found, error = (np.full((len(self.rows), outputs, self.n), np.nan) for _ in range(2))
        block = max(1, _CHUNK // (POINTS * outputs * self.n))
        for start in range(0, len(self.rows), block):
            part = slice(start, start + block)
            found[part], error[part] = self._block(self.rows[part], self.base[part])
        return found, error

    def _block(self, rows: Array, base: Array) -> tuple[Array, Array]:
        kinds = self.spread.kinds
        slopes = [j for j, kind in enumerate(kinds) if kind == "derivative"]
        finite = [j for j, kind in enumerate(kinds) if kind not in ("derivative", "constant")]
        places = [self._places(rows[:, j], j) for j in slopes]
        moves = [OTHERS[place] * self.spread.steps[j] for j, place in zip(slopes, places, strict=True)]
        ends = [self._ends(rows[:, j], j, self._reach(j)) for j in finite]
        values = self._moved(rows, base, slopes + finite, moves + ends)
        found, error = (np.full((*base.shape, self.n), np.nan) for _ in range(2))
        if slopes:
            found[:, :, slopes], error[:, :, slopes] = self._derivatives(slopes, places, values[: len(slopes)], base)
        with np.errstate(all="ignore"):
            for j, (low, high), two in zip(finite, (end.T for end in ends), values[len(slopes) :], strict=True):
                distance = (high - low)[:, None]
                found[:, :, j] = (two[:, 1] - two[:, 0]) / distance
                error[:, :, j] = np.finfo(np.float64).eps * np.abs(two).max(axis=1) / distance
        return found, error

    def _moved(self, rows: Array, base: Array, columns: list[int], moves: list[Array]) -> list[Array]:
        """For each column, values (rows, moves, outputs) where it is moved by so much (rows, moves): one request."""
        starts = np.arange(len(rows))[:, None] * rows.shape[1]
        places = [np.broadcast_to(starts + j, move.shape).ravel() for j, move in zip(columns, moves, strict=True)]
        if not places:
            return []
        components, steps = np.concatenate(places), np.concatenate([move.ravel() for move in moves])
        values = self._shifted(rows, base, components, steps)
        sizes = np.cumsum([move.size for move in moves])[:-1]
        parts = np.split(values, sizes)
        return [part.reshape(*move.shape, -1) for part, move in zip(parts, moves, strict=True)]

    def _shifted(self, rows: Array, base: Array, components: NDArray[np.intp], steps: Array) -> Array:
        """Values (components, outputs) where one coordinate of a row moves by a step."""
        # At the ends of its range a feature does not move: the prediction is known.
        moving, values = steps != 0.0, np.empty((len(steps), base.shape[1]))
        values[moving] = self.function.at_shifts(rows, components[moving], steps[moving], np.ones(1))[:, 0]
        values[~moving] = base[components[~moving] // rows.shape[1]]
        return values

    def _reach(self, j: int) -> float:
        return {"unit step": 1.0, "two values": np.inf}.get(self.spread.kinds[j], 0.5 * float(self.spread.sd[j]))

    @np.errstate(all="ignore")
    def _ends(self, x: Array, j: int, reach: float) -> Array:
        """Moves (rows, 2) of a feature down and up by so much, as far as its range goes."""
        spread = self.spread
        lower, upper = spread.ends if np.isinf(reach) else (spread.lower, spread.upper)
        return np.stack([np.maximum(x - reach, lower[j]) - x, np.minimum(x + reach, upper[j]) - x], axis=1)

    @np.errstate(all="ignore")
    def _places(self, x: Array, j: int) -> NDArray[np.intp]:
        """Which of its seven points each x is: fewer lie below it near the range's lower end, more near the upper."""
        middle, h = POINTS // 2, self.spread.steps[j]
        below = np.minimum(np.floor((x - self.spread.lower[j]) / h), middle)
        above = np.minimum(np.floor((self.spread.upper[j] - x) / h), middle)
        places: NDArray[np.intp] = (
            np.where(below < middle, below, POINTS - 1 - above).clip(0, POINTS - 1).astype(np.intp)
        )
        return places

    @np.errstate(all="ignore")
    def _derivatives(
        self, columns: list[int], places: list[NDArray[np.intp]], values: list[Array], base: Array
    ) -> tuple[Array, Array]:
        """Derivatives and their bars (rows, outputs, columns)."""
        epsilon = FLOAT32 if all(map(fits_float32, values)) and np.ptp(base) else FLOAT64
        steps = [np.full(len(base), self.spread.steps[j]) for j in columns]
        estimates = [
            border.seven_values(base, others, h, place, epsilon=epsilon)
            for others, h, place in zip(values, steps, places, strict=True)
        ]
        found, _, truncation, noise = np.stack(estimates, axis=1)
        # Seven values tell their noise within a factor of some: those of a row, or of a feature, tell it better.
        size = np.abs(base)
        with np.errstate(all="ignore"):
            ratio = np.where(size > 0, noise / size, 0.0)
        typical = np.maximum(np.median(ratio, axis=1, keepdims=True), np.median(ratio, axis=0))
        noise = np.maximum(noise, 1.5 * typical * size)
        error = [border.seven_bars(*parts) for parts in zip(truncation, noise, steps, places, strict=True)]
        return np.moveaxis(found, 0, -1), np.moveaxis(np.where(np.isnan(found), np.nan, error), 0, -1)
