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
from .line_search import REMEMBERED, backtrack, first_guess, spectral
from .state import FIRST_LOOK, State
from .stopping import Ending

_BURST_SECONDS = 0.05


LearningRate = float | str | Callable[[int], float]


def _rate(rate: Any, iteration: int) -> float:
    return number(rate(iteration) if callable(rate) else rate, f"learning_rate at iteration {iteration}")


class Run(State):
    """A descent under way: its iterations, and what ends them."""

    def begin(self) -> None:
        """F and the gradient where it starts; an exception there is the user's to see."""
        if self.rules.history or self.rules.learning_rate == "auto":
            self.fun = self.value(self.x)
            if not math.isfinite(self.fun):
                raise ValueError(f"f is {self.fun} at x0 ({self.point.at(self.x)})")
            self.best_fun[0] = self.fun
        self._renew()
        if not math.isfinite(self.norm):
            i = int(np.argmin(np.isfinite(self.slope)))
            raise ValueError(f"the gradient is {self.slope[i]} at x0, for {self.point.name(i)}")
        self.record(0.0)

    def _renew(self) -> None:
        """The gradient at x."""
        self.slope = np.array(self.slopes.at(self.x, self.fun))
        self.njev += 1
        self.measure()

    # --- The loop ----------------------------------------------------------------------------------------------

    def go(self) -> Ending:
        """Iterations until one of the tests says stop; no work is lost whatever happens."""
        try:
            while True:
                ending = self._tested() or self._advanced() or self._watched()
                if ending is not None:
                    return ending
        except KeyboardInterrupt:
            return Ending(INTERRUPTED, "interrupted; the best point so far is returned")
        except Exception as error:
            return Ending(RAISED, f"ended by {type(error).__name__}: {said(error)}", error)

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
        if not (np.isfinite(rates).all() and (rates > 0).all()):
            raise ValueError(f"learning_rate gave {rates[~(rates > 0)][0]} at iteration {self.iteration}")
        record = np.empty((rates.size, 4)) if rules.history else None
        path = np.empty((rates.size, 2)) if rules.history and self.point.n == 2 else None
        before = time.perf_counter()
        # The next step length of "bb" follows from these, should this iteration be broken off.
        earlier = (self.last_x.copy(), self.last_slope.copy()) if rules.method == "bb" else None
        try:
            status = self.direction.follow(
                self.x, self.slope, self.last_x, self.last_slope, rates, self.iteration,
                rules.stopping.gtol if rules.bounds is None else -1.0, rules.stopping.ftol, self.fun, rules.bounds,
                self.calls, record, path, (self.best_x, self.best_fun),
            )  # fmt: skip
        except BaseException:
            self._entered(record, path, self.direction.done)
            self._back(earlier)
            raise
        self._entered(record, path, self.direction.done)
        self.pace = (time.perf_counter() - before) / rates.size
        self.rate = float(rates[-1])
        if status == directions.NOT_FINITE:
            bad = "its gradient" if not np.isfinite(self.slope).all() else "f"
            self._back(earlier)
            text = f"{bad} is not finite after iteration {self.iteration}; a smaller learning_rate may help"
            return Ending(NOT_FINITE, text)
        self.measure()
        if rules.bounds is not None and self.rows:
            self.rows[-1][-1, 1] = self.norm  # of the projected gradient
        return None

    def _back(self, earlier: tuple[Array, Array] | None) -> None:
        """The last point where all was known: an iteration was broken off. earlier: where that point came from."""
        self.x, self.slope = self.last_x.copy(), self.last_slope.copy()
        if earlier is not None:
            self.last_x, self.last_slope = earlier
        self.direction.back()

    def _burst(self) -> int:
        """How many iterations may go without a look at anything else."""
        rules = self.rules
        # The projected gradient, and the evaluations that differences take, are looked at each time.
        looks = rules.bounds is not None or self.slopes.nfev > 0
        if looks or rules.callback is not None or rules.method == "bb":
            return 1
        left = min(rules.stopping.maxiter - self.iteration, rules.stopping.max_evals - self.nfev)
        return int(max(1, min(left, _BURST_SECONDS / self.pace if self.pace else 1 << 16, 1 << 16)))

    def _entered(self, record: Array | None, path: Array | None, done: int) -> None:
        """Writes down the iterations that follow() did."""
        self.iteration += done
        self.njev += done
        if record is None or not done:
            return
        rows = np.empty((done, 5))
        rows[:, :3] = record[:done, :3]
        # In a burst every iteration takes one evaluation of f.
        rows[:, 3] = self.nfev - np.arange(done)[::-1]
        rows[:, 4] = record[:done, 3] - self.started + self.earlier_seconds
        self.before = float(rows[-2, 0]) if done > 1 else self.fun
        self.fun = float(rows[-1, 0])
        self.rows.append(rows)
        if path is not None:
            self.path.append(path[:done])

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
        try:
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
            slope = self.slope if found is None else np.array(self.slopes.at(found.x, found.fun))
        except BaseException:
            self.direction.back()
            raise
        if found is None:
            self.direction.back()
            return self._stuck(falls * min(guess, 2.0 * self.rate or guess))
        self.njev += 1
        if not np.isfinite(slope).all():
            return Ending(NOT_FINITE, f"the gradient is not finite after iteration {self.iteration}")
        norm, step = self.reach(slope, found.x), float(np.linalg.norm(found.x - self.x))
        best = (found.x, found.fun) if found.fun < self.best_fun[0] else (self.best_x, self.best_fun[0])
        # Ctrl-C is seen at calls: between these there is none that leaves half of an iteration.
        self.last_x, self.last_slope, self.before = self.x, self.slope, self.fun
        self.x, self.fun, self.rate = found
        self.slope, self.norm = slope, norm
        self.iteration += 1
        self.best_x, self.best_fun[0] = best
        self.record(step)
        self.recent = [*(self.recent or [self.before]), self.fun][-REMEMBERED:]
        return None

    # --- What the gradient's own error allows -------------------------------------------------------------------

    def _stuck(self, expected: float) -> Ending | None:
        """No lower point was found along the gradient: a more accurate one, or why not. expected: the fall of f."""
        if self.nfev >= self.rules.stopping.max_evals:
            return None
        if self.slopes.tighten():
            self.direction.memory[:] = 0.0
            self._renew()
            return None
        ending = self._compared()
        if ending is not None:
            return ending
        points = self.x.reshape(1, -1)
        sizes = Coordinates(self.point, points).sizes()
        level = float(self.loss.noise(points, np.array([self.fun]), sizes)[0])
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
        if self.slopes.tighten():
            self._renew()
            return None
        return Ending(
            CONVERGED,
            f"converged to the accuracy of the gradient: its norm is {self.norm:.2g} by the differences that were "
            f"asked for, and {norm:.2g} by more accurate ones",
        )

    def _looked(self) -> Ending | None:
        """Now and then: whether a gradient that no longer gets smaller is all error."""
        stalled = self.norm > 0.9 * self.look_norm
        self.look_norm = min(self.look_norm, self.norm)
        self.look_interval = FIRST_LOOK if not stalled else 2 * self.look_interval
        self.look_at = self.iteration + self.look_interval
        return self._compared() if stalled else None

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
        if float(np.linalg.norm(exact - self.slope)) > 0.5 * norm and self.slopes.tighten():
            self.direction.memory[:] = 0.0
            self._renew()
        return None
