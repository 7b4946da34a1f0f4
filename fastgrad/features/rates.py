"""How fast predictions change with each feature, at rows of features: derivatives, or differences over larger steps."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..core.point import Array
from ..evaluate import border
from ..evaluate.results import fits_float32
from ..methods.adaptive import KINK, NOISY, SIZE_OF_STEP
from .spread import Spread

# How far off a piecewise-constant model is looked at, in spreads of the feature: less than the jumps of a large forest
# are apart, but more than what rounding hides.
_PROBE, _PROBE_FLOAT32 = 1e-6, 1e-4
_PROBED_ROWS = 32
_CONSTANT = 0.75  # of the probes that see no change, in each feature, for a model to be piecewise constant
_CHUNK = 1 << 20  # numbers at a time
_ENTRIES = 1 << 15  # derivatives at a time: the adaptive method keeps some 500 bytes of each

# A slope that is so good is good enough, of a model; and where f is noisy, or has kinks, it may cost so much. The first
# is less than two pairs are believed for (src_c/adaptive/constants.h): bars are shown, and theirs are wide.
_TOLERANCE, _MOST = 5e-8, 24


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
        each = {"derivative": 7, "constant": 0}
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
        slopes = [j for j, kind in enumerate(self.spread.kinds) if kind == "derivative"]
        relative = self._noise(slopes) if slopes else None
        noise = np.zeros(self.base.shape)
        block = max(1, (_ENTRIES if slopes else _CHUNK // 2) // (outputs * self.n))
        for start in range(0, len(self.rows), block):
            part = slice(start, start + block)
            found[part], error[part], noise[part] = self._block(self.rows[part], self.base[part], slopes, relative)
        if slopes and relative is None:
            error[:, :, slopes] *= self._pooled(noise)[:, :, None]
        return found, error

    @np.errstate(all="ignore")
    def _pooled(self, noise: Array) -> Array:
        """By how much the rounding of each row is below that of all rows: few values tell it roughly."""
        size = np.abs(self.base)
        typical = np.nanmedian(np.where(noise > 0, noise / size, np.nan), axis=0) if noise.any() else 0.0
        return np.asarray(np.fmax(1.0, np.where(noise > 0, typical * size / noise, 1.0)))

    def _block(self, rows: Array, base: Array, slopes: list[int], relative: Array | None) -> tuple[Array, Array, Array]:
        """Values and errors (b, outputs, n); the noise (b, outputs)."""
        kinds = self.spread.kinds
        finite = [j for j, kind in enumerate(kinds) if kind not in ("derivative", "constant")]
        ends = [self._ends(rows[:, j], j, self._reach(j)) for j in finite]
        found, error = (np.full((*base.shape, self.n), np.nan) for _ in range(2))
        noise = np.zeros(base.shape)
        if slopes:
            known = np.flatnonzero(np.isfinite(base).all(axis=1))
            levels = None if relative is None else relative * np.abs(base[known])
            parts = self._derivatives(slopes, rows[known], base[known], levels, _MOST)
            noise[known] = parts[3]
            for whole, part in zip((found, error), parts[:2], strict=True):
                whole[np.ix_(known, np.arange(base.shape[1]), np.array(slopes))] = part
        with np.errstate(all="ignore"):
            values = self._moved(rows, base, finite, ends)
            for j, (low, high), two in zip(finite, (end.T for end in ends), values, strict=True):
                distance = (high - low)[:, None]
                found[:, :, j] = (two[:, 1] - two[:, 0]) / distance
                error[:, :, j] = np.finfo(np.float64).eps * np.abs(two).max(axis=1) / distance
        return found, error, noise

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

    def _noise(self, slopes: list[int]) -> Array | None:
        """The noise of each output, of its size, where some rows show any: asked for once, not at each row."""
        known = np.flatnonzero(np.isfinite(self.base).all(axis=1))
        if not known.size:
            return None
        some = np.unique(known[np.linspace(0, known.size - 1, _PROBED_ROWS).astype(np.intp)])
        _, _, noisy, levels = self._derivatives(slopes, self.rows[some], self.base[some], None, 40)
        if 2 * np.count_nonzero(noisy) < noisy.size:
            return None
        with np.errstate(all="ignore"):
            ratios = np.where(self.base[some] == 0, 0.0, levels / np.abs(self.base[some]))
        return np.asarray(np.median(ratios, axis=0))

    def _derivatives(
        self, columns: list[int], rows: Array, base: Array, levels: Array | None, most: int
    ) -> tuple[Array, Array, NDArray[np.bool_], Array]:
        """Derivatives, bars, and whether they are noisy (rows, outputs, columns); the noise (rows, outputs)."""
        spread, shape = self.spread, (base.shape[1], *rows.shape)
        sizes, room = np.ones(rows.shape), np.zeros((2, *rows.shape))  # what does not vary has no room
        sizes[:, columns] = SIZE_OF_STEP * spread.steps[columns]
        with np.errstate(all="ignore"):
            room[0][:, columns] = rows[:, columns] - spread.lower[columns]
            room[1][:, columns] = spread.upper[columns] - rows[:, columns]
        found, flags, noise = self.function.adaptive(rows, base, sizes, room, levels, tolerance=_TOLERANCE, most=most)
        value, error, _, left, right = found.reshape(5, *shape)[..., columns].swapaxes(1, 2)
        flags = flags.reshape(shape)[..., columns].swapaxes(0, 1)
        with np.errstate(all="ignore"):
            # At a kink any value between both slopes is right.
            kink = flags & KINK != 0
            value = np.where(kink, 0.5 * (left + right), value)
            error = np.where(kink, np.fmax(error, 0.5 * np.abs(left - right)), error)
        return value, error, flags & NOISY != 0, noise.reshape(base.shape)
