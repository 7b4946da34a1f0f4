"""What is known of a descent under way, and what is kept of it: in a checkpoint, in the result."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.point import Array, Point
from ..evaluate.border import Function
from ..records.descent import CONVERGED, INTERRUPTED, DescentResult
from ..stencils import FLOAT64
from . import directions
from .archive import LARGEST, MANY, Entry
from .checkpoint import Checkpoint
from .gradients import Slopes
from .line_search import REMEMBERED
from .stopping import Ending, Stopping

FIRST_LOOK = 16


@dataclass(frozen=True)
class Rules:
    """Everything that a run's path and end follow from, besides f and its gradient."""

    method: str
    learning_rate: Any
    momentum: float
    decay: float
    bounds: tuple[Array, Array] | None
    stopping: Stopping
    history: bool
    callback: Callable[[DescentResult], object] | None

    @property
    def looks(self) -> bool:
        """Whether f itself is asked at every iterate."""
        return self.history or self.learning_rate == "auto"


class State:
    """A descent under way: between iterations, f (where it is looked at) and the gradient are known at x.

    Parameters
    ----------
    loss : Function
        f, one point at a time.
    calls : Calls
        f and the gradient for iterations in C.
    slopes : Slopes
    point : Point
        Gives the shape of x and the names of its coordinates.
    rules : Rules
    """

    def __init__(self, loss: Function, calls: directions.Calls, slopes: Slopes, point: Point, rules: Rules) -> None:
        self.loss = loss
        self.calls = calls
        self.slopes = slopes
        self.point = point
        self.rules = rules
        self.direction = directions.Direction(rules.method, point.n, rules.momentum, rules.decay, 1e-8)
        self.checkpoint: Checkpoint | None = None
        self.options: dict[str, Any] = {}
        self.shown: Any = None
        self.x = point.flat.ravel().copy()
        self.last_x, self.last_slope = self.x.copy(), np.zeros(point.n)
        self.iteration = self.njev = 0
        self.rate = 0.0
        self.failure: BaseException | None = None  # what f raised at a trial step
        self.earlier_nfev, self.earlier_seconds = 0, 0.0
        self.look_at, self.look_interval, self.look_norm = FIRST_LOOK, FIRST_LOOK, math.inf
        self.pace = math.inf  # seconds an iteration
        self._undo: Callable[[], None] | None = None  # for an iteration that is broken off
        self.started = time.perf_counter()
        self.rows: list[Array] = []  # of fun, grad_norm, step, nfev, time
        self.path: list[Array] = []
        self.recent: list[float] = []  # f at the last points
        self.fun, self.before, self.slope, self.norm = math.nan, math.nan, np.zeros(point.n), math.inf
        self.best_x, self.best_fun = self.x.copy(), np.array([math.inf])

    @property
    def nfev(self) -> int:
        """Evaluations of f so far."""
        return self.earlier_nfev + self.loss.nfev + self.calls.n_values + self.slopes.nfev

    @property
    def seconds(self) -> float:
        """Time spent so far."""
        return self.earlier_seconds + time.perf_counter() - self.started

    def value(self, x: Array) -> float:
        """F at x."""
        return float(self.loss.at_points(x.reshape(1, -1))[0, 0])

    def measure(self) -> None:
        """The norm of the gradient at x."""
        self.norm = self.reach(self.slope)

    @np.errstate(all="ignore")
    def reach(self, slope: Array, x: Array | None = None) -> float:
        """The norm of a gradient at x, by default where the run is.

        With bounds it is that of how far x would go by the gradient: coordinates that they hold do not count.
        """
        if self.rules.bounds is not None:
            x = self.x if x is None else x
            slope = x - np.clip(x - slope, *self.rules.bounds)
        return directions.norm(slope)

    def row(self, x: Array, fun: float, norm: float, step: float) -> tuple[list[Array], list[Array]]:
        """What an iterate adds to `rows` and `path`."""
        if not self.rules.history:
            return [], []
        path = [x.reshape(1, 2).copy()] if self.point.n == 2 else []
        return [np.array([[fun, norm, step, self.nfev, self.seconds]])], path

    # --- What is kept ------------------------------------------------------------------------------------------

    _NUMBERS = ("fun", "before", "iteration", "njev", "rate", "look_at", "look_interval", "look_norm")
    _ARRAYS = ("x", "slope", "last_x", "last_slope", "best_x", "best_fun")

    def entries(self) -> dict[str, Entry]:
        """What a checkpoint of this run has, and what each must be: all that is checked of a file."""
        n = self.point.n
        bounds = self.rules.bounds
        lower, upper = (-LARGEST, LARGEST) if bounds is None else np.clip(bounds, -LARGEST, LARGEST)
        iterates = range(1, MANY) if self.rules.history else range(1)
        return {
            "x": Entry((n,), lower, upper),
            "slope": Entry((n,)),
            "last_x": Entry((n,), lower, upper),
            "last_slope": Entry((n,)),
            "best_x": Entry((n,), lower, upper),
            "best_fun": Entry((1,), high=math.inf),
            "memory": Entry((self.direction.memory.size,)),
            "fun": Entry(nan=not self.rules.looks),
            "before": Entry(nan=True),
            "recent": Entry((range(REMEMBERED + 1),)),
            "rate": Entry(low=0.0),
            "iteration": Entry(low=0, high=MANY, kind=int),
            "njev": Entry(low=0, high=MANY, kind=int),
            "nfev": Entry(low=0, high=MANY, kind=int),
            "seconds": Entry(low=0.0),
            "look_at": Entry(low=0, high=MANY, kind=int),
            "look_interval": Entry(low=FIRST_LOOK, high=MANY, kind=int),
            "look_norm": Entry(low=0.0, high=math.inf),
            "stage": Entry(low=0, high=self.slopes.last_stage, kind=int),
            "relative_noise": Entry(low=FLOAT64),
            "rows": Entry(
                (iterates, 5),
                np.array([-LARGEST, 0.0, 0.0, 0.0, 0.0]),
                np.array([LARGEST, math.inf, math.inf, MANY, LARGEST]),
            ),
            "path": Entry((iterates if n == 2 else range(1), 2)),
        }

    def state(self) -> dict[str, Any]:
        """Everything that the rest of the run follows from."""
        kept: dict[str, Any] = {name: getattr(self, name) for name in (*self._NUMBERS, *self._ARRAYS)}
        return kept | {
            "memory": self.direction.memory,
            "nfev": self.nfev,
            "seconds": self.seconds,
            "recent": np.array(self.recent),
            "stage": self.slopes.stage,
            "relative_noise": self.slopes.relative_noise,
            "rows": np.concatenate(self.rows) if self.rows else np.empty((0, 5)),
            "path": np.concatenate(self.path) if self.path else np.empty((0, 2)),
        }

    def restore(self, kept: dict[str, Any]) -> None:
        """Go on from a state."""
        for name in (*self._NUMBERS, *self._ARRAYS):
            setattr(self, name, kept[name])
        self.direction.memory[:] = kept["memory"]
        self.earlier_nfev, self.earlier_seconds = kept["nfev"], kept["seconds"]
        self.recent = kept["recent"].tolist()
        self.slopes.stage, self.slopes.relative_noise = kept["stage"], kept["relative_noise"]
        self.rows, self.path = [[kept[name]] if len(kept[name]) else [] for name in ("rows", "path")]
        self.measure()

    def save(self) -> None:
        """Write the checkpoint."""
        assert self.checkpoint is not None
        self.checkpoint.save(self.entries(), self.state(), self.options)

    def result(self, ending: Ending, best: bool = True) -> DescentResult:
        """The result if it ended here: at the lowest point seen, or at the last."""
        x, fun, slope = self.x, self.fun, self.slope
        if math.isnan(fun) and ending.status != INTERRUPTED:
            fun = self._safely(self.value, x, math.nan)
        # Where it converged, the gradient has the last word: f may be flat to its rounding.
        if best and ending.status != CONVERGED and self.best_fun[0] < fun:
            x, fun = self.best_x, float(self.best_fun[0])
            unknown = np.full(self.point.n, math.nan)
            slope = unknown if ending.status == INTERRUPTED else self._safely(self.slopes.at, x, unknown)
        return DescentResult(
            self.point.restore(x.copy()),
            fun,
            self.point.restore(slope.copy()),
            self.iteration,
            self.nfev,
            self.njev,
            ending.status == CONVERGED,
            ending.status,
            ending.message,
            self._history(),
            ending.exception,
        )

    @staticmethod
    def _safely(function: Callable[[Array], Any], x: Array, otherwise: Any) -> Any:
        """What a function gives at a point where it was asked before; the result is not lost if it raises now."""
        try:
            return function(x)
        except Exception:
            return otherwise

    def _history(self) -> dict[str, NDArray[Any]]:
        if not self.rows:
            return {}
        rows = np.concatenate(self.rows)
        history: dict[str, NDArray[Any]] = {
            name: rows[:, k].copy() for k, name in enumerate(("fun", "grad_norm", "step", "nfev", "time"))
        }
        history["nfev"] = history["nfev"].astype(np.int64)
        if self.path:
            history["x"] = np.concatenate(self.path)
        return history
