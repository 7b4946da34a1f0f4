"""How each feature moves a model's prediction: partial derivatives of any predictor at every row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from ..core import options as checks
from ..core.point import Array, Point
from ..evaluate import border
from ..evaluate.functions import as_function, evaluation
from ..evaluate.results import fits_float32
from ..features.frames import Rows
from ..methods.seven import OTHERS, POINTS
from ..records.sensitivity import Sensitivity
from ..stencils import FLOAT32, FLOAT64
from .signatures import WorkerOptions, checked, with_options

__all__ = ["Sensitivity", "sensitivity"]

_STEP = 0.008  # of a derivative's points, in spreads of the feature
# How far off a piecewise-constant model is looked at, likewise: less than the jumps of a large forest are apart, but
# more than what rounding hides.
_PROBE, _PROBE_FLOAT32 = 1e-6, 1e-4
_PROBED_ROWS = 32
_CONSTANT = 0.75  # of the probes that see no change, in each feature, for a model to be piecewise constant
_CHUNK = 1 << 20


@with_options(WorkerOptions)
def sensitivity(
    predict: Callable[..., Any],
    X: Any,
    *,
    features: Sequence[Any] | None = None,
    outputs: Sequence[str] | None = None,
    step: Any = "auto",
    reference: Any = None,
    extrapolate: bool = False,
    **options: Unpack[WorkerOptions],
) -> Sensitivity:
    """How each feature moves a model's prediction, at every row.

    Parameters
    ----------
    predict : callable
        ``predict(X) -> (b,)`` or ``(b, k)``: any model's ``predict``, ``predict_proba`` or ``decision_function``.
    X : array_like or DataFrame
        (b, n), one row a sample. Of a DataFrame (extra ``frames``), numeric columns are varied, by name; others held.
    features : sequence, optional
        Which columns are varied: names, or places in an array.
    outputs : sequence of str, optional
        Names of the outputs. By default the classes, where the model tells them.
    step : {"auto", "sd"} or array_like, optional
        Derivatives, and for piecewise-constant models (trees and their ensembles, recognised), whose derivative is 0
        almost everywhere, differences over one standard deviation of the feature; "sd" takes these for every model. Or
        steps of derivatives, one a feature, in its units.
    reference : array_like or DataFrame, optional
        Where the features' spread and range come from: the training data. X by default.
    extrapolate : bool, optional
        Whether the model may be asked beyond each feature's range; by default differences become one-sided.
    **options
        Those of `WorkerOptions`.

    Returns
    -------
    Sensitivity
        ``values``, ``error``, summaries, ``print``, ``plot``, ``to_frame``.

    Raises
    ------
    TypeError
        predict returned labels; X has no numbers; a feature is not numeric.
    ValueError
        X has no rows, or one and no reference; a name or shape does not fit.
    ImportError
        X is a DataFrame and narwhals is missing.

    Notes
    -----
    A derivative takes 6 evaluations a row and feature: values at equal steps give it to order 6, its truncation error
    from how the orders differ, and the noise of the model from their sixth difference (docs/sensitivity.md), so that
    models which compute in float32 or have kinks get longer bars. Steps follow the feature's spread, not its size.
    Features that hold whole numbers are changed by one, (f(x + 1) - f(x - 1)) / 2, as far as their range goes; those
    with two values from one to the other. Rows with NaN are skipped and counted.

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> X = np.random.default_rng(0).normal(size=(50, 2)) * [1.0, 10.0]
    >>> found = fg.sensitivity(lambda X: 3 * X[:, 0] + 0.5 * X[:, 1], X)
    >>> found.mean.round(9)
    array([3. , 0.5])
    >>> found.ranking
    ['x1', 'x0']
    """
    if not callable(predict):
        hint = "; pass its predict method" if hasattr(predict, "predict") else ""
        raise TypeError(f"predict is {type(predict).__name__}, which cannot be called{hint}")
    how = evaluation(checked(sensitivity, options) | {"vectorized": "rows"})
    extrapolate = checks.flag("extrapolate", extrapolate)
    checks.optional(checks.names)("features", features)
    checks.optional(checks.names)("outputs", outputs)
    if not isinstance(step, str):
        checks.sizes("step", step)
    elif step not in ("auto", "sd"):
        raise ValueError(f'step is {step!r}; expected "auto", "sd" or steps')
    rows = Rows(X, features)
    if not len(rows):
        raise ValueError("X has no rows")
    others = None if reference is None else Rows(reference, features, "reference")
    spread = _Spread(others or rows, rows, extrapolate, others is not None)
    kept = np.isfinite(rows.values).all(axis=1)
    if not kept.any():
        raise ValueError(f"each of the {len(rows)} rows of X has a feature that is not finite")
    if not isinstance(step, str):
        spread.set_steps(step)
    f = rows.predictor(predict)
    points = rows.points()[kept]
    with as_function(f, (), Point(points[0].copy()), how, outputs=None) as function:
        base = np.concatenate([function.value(points[0])[None], function.at_points(points[1:])])
        count = base.shape[1]
        work = _Work(function, points, base, spread)
        piecewise = isinstance(step, str) and step == "auto" and work.is_piecewise_constant()
        if step == "sd" or piecewise:
            spread.take_standard_deviations()
        function.expect(work.evaluations())
        found, errors = work.run()
        nfev = function.nfev
    values, error = (np.full((len(rows), count, len(rows.names)), np.nan) for _ in range(2))
    values[kept], error[kept] = found, errors
    single = count == 1
    return Sensitivity(
        values[:, 0] if single else values,
        error[:, 0] if single else error,
        rows.names,
        [] if single else _output_names(outputs, predict, count),
        spread.kinds,
        spread.sd,
        piecewise,
        int((~kept).sum()),
        nfev,
        rows.library,
    )


class _Spread:
    """Each feature's spread, range, and how it is changed."""

    def __init__(self, reference: Rows, rows: Rows, extrapolate: bool, given: bool) -> None:
        if reference.names != rows.names:
            raise ValueError(f"reference has the columns {reference.names}, but X has {rows.names}")
        data = reference.values[np.isfinite(reference.values).all(axis=1)]
        if len(data) < 2:
            raise ValueError(
                f"{'reference' if given else 'X'} has {len(data)} finite rows, which show no spread of the features: "
                "pass reference=, the training data"
            )
        self.sd = data.std(axis=0)
        self.ends = lower, upper = data.min(axis=0), data.max(axis=0)
        whole = np.array(rows.integer, dtype=bool) | (data == np.rint(data)).all(axis=0)
        two = ((data == lower) | (data == upper)).all(axis=0)
        kinds = np.where(whole, "unit step", np.where(two, "two values", "derivative"))
        # The mean's rounding gives a constant column a spread.
        self.kinds = np.where(lower == upper, "constant", kinds).tolist()
        inside = np.where(np.isfinite(rows.values), rows.values, lower)
        self.lower = np.minimum(lower, inside.min(axis=0)) if not extrapolate else np.full(lower.size, -np.inf)
        self.upper = np.maximum(upper, inside.max(axis=0)) if not extrapolate else np.full(upper.size, np.inf)
        self.steps = _STEP * self.sd

    def set_steps(self, step: Any) -> None:
        """Steps that the user chose."""
        try:
            self.steps = np.broadcast_to(np.asarray(step, dtype=np.float64), self.sd.shape).copy()
        except ValueError as error:
            raise ValueError(f"step has shape {np.shape(step)}, but there are {self.sd.size} features") from error
        if not ((self.steps > 0) & np.isfinite(self.steps)).all():
            raise ValueError(f"step is {step!r}; expected positive, finite numbers")
        self.kinds = ["constant" if kind == "constant" else "derivative" for kind in self.kinds]

    def take_standard_deviations(self) -> None:
        """Differences over a standard deviation instead of derivatives."""
        self.kinds = ["sd step" if kind == "derivative" else kind for kind in self.kinds]


class _Work:
    """The evaluations: of rows (b, n), or (b, n + 1) with the row's number."""

    def __init__(self, function: border.Function, rows: Array, base: Array, spread: _Spread) -> None:
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
        # At the ends of its range a feature does not move: the prediction is known.
        values = base[components // rows.shape[1]]
        moving = np.flatnonzero(steps)
        values[moving] = self.function.at_shifts(rows, components[moving], steps[moving], np.ones(1))[:, 0]
        sizes = np.cumsum([move.size for move in moves])[:-1]
        parts = np.split(values, sizes)
        return [part.reshape(*move.shape, -1) for part, move in zip(parts, moves, strict=True)]

    def _reach(self, j: int) -> float:
        return {"unit step": 1.0, "two values": np.inf}.get(self.spread.kinds[j], 0.5 * float(self.spread.sd[j]))

    def _ends(self, x: Array, j: int, reach: float) -> Array:
        """Moves (rows, 2) of a feature down and up by so much, as far as its range goes."""
        spread = self.spread
        lower, upper = spread.ends if np.isinf(reach) else (spread.lower, spread.upper)
        return np.stack([np.maximum(x - reach, lower[j]) - x, np.minimum(x + reach, upper[j]) - x], axis=1)

    def _places(self, x: Array, j: int) -> NDArray[np.intp]:
        """Which of its seven points each x is: fewer lie below it near the range's lower end, more near the upper."""
        middle, h = POINTS // 2, self.spread.steps[j]
        below = np.minimum(np.floor((x - self.spread.lower[j]) / h), middle)
        above = np.minimum(np.floor((self.spread.upper[j] - x) / h), middle)
        places: NDArray[np.intp] = (
            np.where(below < middle, below, POINTS - 1 - above).clip(0, POINTS - 1).astype(np.intp)
        )
        return places

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
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = np.where(size > 0, noise / size, 0.0)
        typical = np.maximum(np.median(ratio, axis=1, keepdims=True), np.median(ratio, axis=0))
        noise = np.maximum(noise, 1.5 * typical * size)
        error = [border.seven_bars(*parts) for parts in zip(truncation, noise, steps, places, strict=True)]
        return np.moveaxis(found, 0, -1), np.moveaxis(np.where(np.isnan(found), np.nan, error), 0, -1)


def _output_names(outputs: Sequence[str] | None, predict: Any, count: int) -> list[str]:
    if outputs is None:
        classes = getattr(getattr(predict, "__self__", None), "classes_", ())
        outputs = [str(c) for c in classes] if np.ndim(classes) == 1 and len(classes) == count else None
    names = [f"output {k}" for k in range(count)] if outputs is None else list(map(str, outputs))
    if len(names) != count:
        raise ValueError(f"outputs has {len(names)} names, but predict has {count} outputs")
    return names
