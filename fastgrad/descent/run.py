"""One descent: direction, step length and stopping test, an iteration after the other."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.coordinates import Coordinates
from ..core.given import number, said
from ..core.point import Array
from ..records.descent import CONVERGED, INTERRUPTED, NO_LOWER_POINT, NOT_FINITE, RAISED, STOPPED
from . import directions
from .line_search import REMEMBERED, Step, backtrack, first_guess, spectral
from .state import FIRST_LOOK, State
from .stopping import Ending
from .termination import ENDING, RUNNING, Terminated

_BURST_SECONDS = 0.05


LearningRate = float | str | Callable[[int], float]


def _rate(rate: Any, iteration: int) -> float:
    return number(rate(iteration) if callable(rate) else rate, f"learning_rate at iteration {iteration}")


class Run(State):
    """A descent under way: its iterations, and what ends them."""

    def begin(self) -> None:
        """F and the gradient where it starts; an exception there is the user's to see."""
        if self.rules.looks:
            self.fun = self.value(self.x)
            if not math.isfinite(self.fun):
                raise ValueError(f"f is {self.fun} at x0 ({self.point.at(self.x)})")
            self.best_fun[0] = self.fun
        self.slope = np.array(self.slopes.at(self.x, self.fun))
        self.njev += 1
        self.measure()
        if not math.isfinite(self.norm):
            i = int(np.argmin(np.isfinite(self.slope)))
            raise ValueError(f"the gradient is {self.slope[i]} at x0, for {self.point.name(i)}")
        self.rows, self.path = self.row(self.x, self.fun, self.norm, 0.0)

    def _tightened(self) -> bool:
        """Whether there was a more accurate way to take the gradient at x: then it is that from now on."""
        stage = self.slopes.stage
        if not self.slopes.tighten():
            return False
        try:
            slope = np.array(self.slopes.at(self.x, self.fun))
            norm = self.reach(slope)
        except BaseException:
            self.slopes.stage = stage
            raise
        self.slope, self.norm = slope, norm
        self.njev += 1
        return True

    # --- The loop ----------------------------------------------------------------------------------------------

    def go(self) -> Ending:
        """Iterations until one of the tests says stop; no work is lost whatever happens."""
        try:
            ending = self._iterated()
            self._interruptible(False)
            return ending
        except KeyboardInterrupt:
            self._interruptible(False)
            self._take_back()
            return Ending(INTERRUPTED, "interrupted; the best point so far is returned")
        except Terminated:
            self._take_back()
            return Ending(INTERRUPTED, "ended by SIGTERM; the best point so far is returned")

    def _iterated(self) -> Ending:
        try:
            self._interruptible(True)
            while True:
                ending = self._tested() or self._advanced() or self._watched()
                if ending is not None:
                    return ending
        except Exception as error:
            self._take_back()
            return Ending(RAISED, f"ended by {type(error).__name__}: {said(error)}", error)

    def _interruptible(self, interruptible: bool) -> None:
        """From now on SIGTERM breaks iterations off, or waits until the run is kept."""
        if self.checkpoint is not None:
            self.checkpoint.termination.phase = RUNNING if interruptible else ENDING

    def _take_back(self) -> None:
        """What is left of an iteration that was broken off."""
        if self._undo is not None:
            self._undo()
            self._undo = None

    def keep(self, ending: Ending) -> Ending:
        """The last write of the checkpoint; broken off by Ctrl-C, it is done once more."""
        if self.checkpoint is None:
            return ending
        try:
            self.save()
        except KeyboardInterrupt:
            self.save()
            return Ending(INTERRUPTED, f"interrupted at its end ({ending.message})")
        return ending

    def _tested(self) -> Ending | None:
        stopping = self.rules.stopping
        if self.norm <= stopping.gtol:
            return self._confirmed()
        return stopping.ending(self.before, self.fun, self.iteration, self.nfev, self.seconds)

    def _advanced(self) -> Ending | None:
        if self.iteration >= self.look_at:
            ending = self._looked()
            if ending is not None or self.norm <= self.rules.stopping.gtol:
                return ending
        return self._searched() if self.rules.learning_rate == "auto" else self._followed()

    def _watched(self) -> Ending | None:
        """Callback, progress and checkpoint."""
        if self.shown is not None:
            self.shown.show(self.iteration, self.fun, self.norm)
        if self.checkpoint is not None and time.monotonic() >= self.checkpoint.due:
            self.save()
        if self.rules.callback is not None and self.rules.callback(self.result(Ending(STOPPED, "under way"), False)):
            return Ending(STOPPED, "stopped by the callback")
        return None

    # --- Step length: given rates ------------------------------------------------------------------------------

    def _followed(self) -> Ending | None:
        """Some iterations with the given rates, in C."""
        rules, rate = self.rules, self.rules.learning_rate
        count = self._burst()
        if rules.method == "bb":
            rates = np.array([self._spectral(_rate(rate, 0))])
        elif callable(rate):
            rates = np.array([_rate(rate, self.iteration + k) for k in range(count)])
        else:
            rates = np.full(count, float(rate))
        wrong = ~(np.isfinite(rates) & (rates > 0))
        if wrong.any():
            raise ValueError(f"learning_rate gave {rates[wrong][0]} at iteration {self.iteration}")
        record = np.empty((rates.size, 4)) if rules.history else None
        path = np.empty((rates.size, 2)) if rules.history and self.point.n == 2 else None
        before = time.perf_counter()
        # The next step length of "bb" follows from these, should this iteration be broken off.
        earlier = (self.last_x.copy(), self.last_slope.copy()) if rules.method == "bb" else None
        self._undo = lambda: self._enter(rates, record, path, earlier)
        status = self.direction.follow(
            self.x, self.slope, self.last_x, self.last_slope, rates, self.iteration,
            rules.stopping.gtol if rules.bounds is None else -1.0, rules.stopping.ftol, self.fun, rules.bounds,
            self.calls, record, path, (self.best_x, self.best_fun),
        )  # fmt: skip
        bad = "its gradient" if not np.isfinite(self.slope).all() else "f"
        self._enter(rates, record, path, earlier)
        self.pace = (time.perf_counter() - before) / rates.size
        if status == directions.NOT_FINITE:
            text = f"{bad} is not finite after iteration {self.iteration}; a smaller learning_rate may help"
            return Ending(NOT_FINITE, text)
        return None

    def _burst(self) -> int:
        """How many iterations may go without a look at anything else."""
        rules = self.rules
        # The projected gradient, and the evaluations that differences take, are looked at each time.
        looks = rules.bounds is not None or self.slopes.nfev > 0
        if looks or rules.callback is not None or rules.method == "bb":
            return 1
        left = min(rules.stopping.maxiter - self.iteration, rules.stopping.max_evals - self.nfev)
        return int(max(1, min(left, _BURST_SECONDS / self.pace if self.pace else 1 << 16, 1 << 16)))

    def _enter(
        self, rates: Array, record: Array | None, path: Array | None, earlier: tuple[Array, Array] | None
    ) -> None:
        """Writes down the iterations that the last follow() did; one that was broken off is taken back.

        earlier: where the last point came from.
        """
        done, rows, points = self.direction.done, [], []
        before, fun, x, slope = self.before, self.fun, self.x, self.slope
        last = self.last_x, self.last_slope
        if not self.direction.whole:
            x, slope, last = self.last_x.copy(), self.last_slope.copy(), earlier or last
            self.direction.back()
        norm, rate = self.reach(slope, x), float(rates[done - 1]) if done else self.rate
        if record is not None and done:
            rows, points = self._rows(record[:done]), [] if path is None else [path[:done]]
            before, fun = float(rows[0][-2, 0]) if done > 1 else self.fun, float(rows[0][-1, 0])
            if self.rules.bounds is not None:
                rows[0][-1, 1] = norm  # of the projected gradient
        # Signals are seen at calls: from here on there is none, so that all of it is written down or nothing.
        self.x, self.slope, self.norm, self.rate, self.before, self.fun = x, slope, norm, rate, before, fun
        self.last_x, self.last_slope = last
        self.iteration += done
        self.njev += done
        self.rows += rows
        self.path += points
        self._undo = None

    def _rows(self, record: Array) -> list[Array]:
        """Rows of the history, of a record of follow()."""
        rows = np.empty((len(record), 5))
        rows[:, :3] = record[:, :3]
        # In a burst every iteration takes one evaluation of f.
        rows[:, 3] = self.nfev - np.arange(len(record))[::-1]
        rows[:, 4] = record[:, 3] - self.started + self.earlier_seconds
        return [rows]

    # --- Step length: found by looking -------------------------------------------------------------------------

    def _spectral(self, otherwise: float) -> float:
        """Barzilai's and Borwein's step length; before there is one, or where it fails, twice the last."""
        if self.rate > 0:
            otherwise = 2.0 * self.rate
        with np.errstate(all="ignore"):
            moved, turned = self.x - self.last_x, self.slope - self.last_slope
        return spectral(moved, turned, otherwise)

    def _trial(self, direction: Array, rate: float) -> tuple[Array, float]:
        """A point, and f there; infinite where it is not defined."""
        with np.errstate(all="ignore"):
            x = self.x - rate * direction
        if self.rules.bounds is not None:
            x = np.clip(x, *self.rules.bounds)
        try:
            fun = self.value(x)
        except Exception as error:
            self.failure = error
            return x, math.inf
        return x, fun if math.isfinite(fun) else math.inf

    def _searched(self) -> Ending | None:
        """An iteration with backtracking."""
        # In this order: a signal may come in each of these calls.
        self.direction.keep()
        self._undo = self.direction.back
        direction = self.direction.of(self.slope, self.iteration)
        with np.errstate(all="ignore"):
            falls = float(self.slope @ direction)
            if not falls > 0:
                self.direction.memory[:] = 0.0
                direction, falls = self.slope, float(self.slope @ self.slope)
        guess = first_guess(self.x, direction)
        if self.rules.method in ("gd", "bb"):
            guess = self._spectral(guess)
        elif self.rate > 0:
            guess = 2.0 * self.rate
        self.failure = None
        found = backtrack(
            lambda rate: self._trial(direction, rate),
            self.x,
            self.fun,
            self.slope,
            max(self.recent or [self.fun]) if self.rules.method == "bb" else self.fun,
            guess,
            self.iteration == 0,
            lambda: self.nfev >= self.rules.stopping.max_evals,
        )
        if found is None:
            self._take_back()
            return self._stuck(float(self.slope @ direction) * min(guess, 2.0 * self.rate or guess))
        return self._arrived(found)

    def _arrived(self, found: Step) -> Ending | None:
        """The gradient where a search ended, which is an iteration if that is finite."""
        slope = np.array(self.slopes.at(found.x, found.fun))
        self.njev += 1
        if not np.isfinite(slope).all():
            self._take_back()
            return Ending(NOT_FINITE, f"the gradient is not finite after iteration {self.iteration}")
        norm, step = self.reach(slope, found.x), float(np.linalg.norm(found.x - self.x))
        best = (found.x, found.fun) if found.fun < self.best_fun[0] else (self.best_x, self.best_fun[0])
        rows, path = self.row(found.x, found.fun, norm, step)
        # Signals are seen at calls: from here on there is none, so that all of it is written down or nothing.
        self.last_x, self.last_slope, self.before = self.x, self.slope, self.fun
        self.x, self.fun, self.rate = found
        self.slope, self.norm = slope, norm
        self.iteration += 1
        self.best_x, self.best_fun[0] = best
        self.recent = [*(self.recent or [self.before]), self.fun][-REMEMBERED:]
        self.rows += rows
        self.path += path
        self._undo = None
        return None

    # --- What the gradient's own error allows -------------------------------------------------------------------

    def _stuck(self, expected: float) -> Ending | None:
        """No lower point was found along the gradient: a more accurate one, or why not. expected: the fall of f."""
        if self.nfev >= self.rules.stopping.max_evals:
            return None
        if self._tightened():
            self.direction.memory[:] = 0.0
            return None
        ending = self._compared()
        if ending is not None:
            return ending
        points = self.x.reshape(1, -1)
        sizes = Coordinates(self.point, points).sizes()
        level = float(self.loss.noise(points, np.array([self.fun]), sizes)[0, 0])
        if expected <= 20.0 * max(level, 2e-16 * abs(self.fun)):
            return Ending(
                CONVERGED,
                f"converged to the accuracy of f: its noise of {level:.1e} hides a lower point "
                f"(the gradient's norm is {self.norm:.2g})",
            )
        if self.failure is not None:
            error = self.failure
            return Ending(RAISED, f"f raises {type(error).__name__} all along the gradient: {said(error)}", error)
        hint = "" if self.slopes.nfev else "; is grad the gradient of f? fastgrad.check_grad(f, grad, x) tells"
        return Ending(NO_LOWER_POINT, f"no lower point along the gradient, of norm {self.norm:.2g}{hint}")

    def _confirmed(self) -> Ending | None:
        """The gradient is as small as was asked for: if that is by differences, a more accurate one must agree."""
        found = self.slopes.accurate(self.x, self.fun)
        if found is None:
            return Ending(CONVERGED, f"converged: the gradient's norm is {self.norm:.2g}")
        exact, error = found
        norm = self.reach(exact)
        if not norm > self.rules.stopping.gtol + error:
            return Ending(CONVERGED, f"converged: the gradient's norm is {norm:.2g}, its error {error:.1e}")
        if self._tightened():
            return None
        return Ending(
            CONVERGED,
            f"converged to the accuracy of the gradient: its norm is {self.norm:.2g} by the differences that were "
            f"asked for, and {norm:.2g} by more accurate ones",
        )

    def _looked(self) -> Ending | None:
        """Now and then: whether a gradient that no longer gets smaller is all error."""
        stalled = self.norm > 0.9 * self.look_norm
        look_norm = min(self.look_norm, self.norm)
        ending = self._compared() if stalled else None
        if ending is not None:
            return ending
        # Only then: what was broken off is compared when the run goes on, and what has ended ends again.
        self.look_norm, self.look_interval = look_norm, FIRST_LOOK if not stalled else 2 * self.look_interval
        self.look_at = self.iteration + self.look_interval
        return None

    def _compared(self) -> Ending | None:
        """Compare the gradient with one that knows its error."""
        found = self.slopes.accurate(self.x, self.fun)
        if found is None:
            return None
        exact, error = found
        norm = self.reach(exact)
        if norm <= error and math.isfinite(error):
            return Ending(
                CONVERGED, f"converged to the accuracy of the gradient: its norm is {norm:.2g}, its error {error:.1e}"
            )
        if float(np.linalg.norm(exact - self.slope)) > 0.5 * norm and self._tightened():
            self.direction.memory[:] = 0.0
        return None
