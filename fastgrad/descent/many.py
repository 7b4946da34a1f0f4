"""Descents from many starts at once: blocks of points; starts that have ended leave them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.coordinates import flat_bounds
from ..core.given import floats, number
from ..core.point import Array, Point, as_array
from ..evaluate.border import Function
from ..evaluate.compiled import CompiledFunction
from ..evaluate.functions import Evaluation, as_function
from ..evaluate.problem import Problem
from ..methods.fixed import FixedStep
from ..methods.method import Method
from ..methods.named import make_method
from ..records.descent import CONVERGED, LIMIT, NO_LOWER_POINT, NOT_FINITE, DescentResult
from . import directions
from .line_search import REMEMBERED, SUFFICIENT
from .state import Rules

_RUNNING = -1
_CHUNK = 1 << 17
_GRAD = "grad's result"


def descend_many(
    f: Any,
    x0: Any,
    grad: Callable[..., Any] | str | None,
    args: tuple[Any, ...],
    rules: Rules,
    known: dict[str, Any],
    how: Evaluation,
) -> DescentResult:
    """Descents from each row of x0; options as for `gradient_descent`, `known` those of `make_method`."""
    starts = as_array(x0, "x0")
    if starts.ndim != 2 or not starts.size:
        raise ValueError(f"x0 has shape {starts.shape}; with batch=True it is (m, n), one start a row")
    point = Point(starts[0].copy())
    name = "central" if grad is None or callable(grad) else grad
    chosen = make_method(name, **known)
    chosen.check(point, starts)
    limits = None if known["bounds"] is None else flat_bounds(known["bounds"], point, starts)
    with (
        as_function(f, args, point, how._replace(progress=False)) as loss,
        Problem.of(f, args, point, how._replace(progress=False)) as differenced,
    ):
        loss.tolerate(True)
        slopes = _UserSlopes(grad, args, how, point.n) if callable(grad) else _Differences(differenced, chosen, limits)
        many = _Starts(loss, slopes, starts, replace(rules, bounds=limits))
        if how.progress:
            from ..evaluate.progress import Iterations

            many.shown = Iterations(rules.stopping.maxiter, 0)
        try:
            if isinstance(differenced.function, CompiledFunction) and many.fits_c(slopes):
                many.go_in_c(differenced, chosen)
            else:
                many.go()
        except KeyboardInterrupt:
            many.message = "interrupted; "
        finally:
            if many.shown is not None:
                many.shown.close()
        return many.result()


class _UserSlopes:
    """The user's gradient at each of some points."""

    nfev = 0

    def __init__(self, grad: Callable[..., Any], args: tuple[Any, ...], how: Evaluation, n: int) -> None:
        self.grad, self.args, self.vectorized, self.n = grad, args, how.vectorized, n

    def at(self, x: Array, fun: Array) -> Array:
        if self.vectorized is False:
            found = np.array([floats(self.grad(row.copy(), *self.args), _GRAD) for row in x])
        elif self.vectorized == "columns":
            found = np.ascontiguousarray(floats(self.grad(x.T.copy(), *self.args), _GRAD).T)
        else:
            found = np.array(floats(self.grad(x.copy(), *self.args), _GRAD))
        if found.shape != x.shape:
            raise ValueError(f"grad returned shape {found.shape} for points of shape {x.shape}")
        return found


class _Differences:
    """Differences of f at each of some points."""

    def __init__(self, problem: Problem, method: Method, limits: Any) -> None:
        self.problem, self.method = problem, method
        self.fixed = np.zeros(problem.point.n, dtype=bool) if limits is None else limits[0] == limits[1]

    @property
    def nfev(self) -> int:
        return self.problem.nfev

    def at(self, x: Array, fun: Array) -> Array:
        found = np.empty_like(x)
        rows = max(1, _CHUNK // self.problem.point.n)
        for start in range(0, len(x), rows):
            part = x[start : start + rows]
            # What no finite f is around has no gradient: that start ends, the others go on.
            values = fun[start : start + rows, None]
            unknown = np.isnan(values[:, 0])
            values[unknown] = self.problem.function.at_points(part[unknown])
            finite = np.isfinite(values).all(axis=1)
            found[start : start + rows][~finite] = np.nan
            if finite.any():
                there = self.problem.at(np.ascontiguousarray(part[finite]), values[finite])
                there.trusted = True
                slopes = self.method.derivatives(there)
                slopes[:, self.fixed] = 0.0
                found[start : start + rows][finite] = slopes
        return found


class _Starts:
    """Many descents under way; arrays have a row, or an entry, a start."""

    def __init__(
        self,
        loss: Function,
        slopes: Any,
        starts: Array,
        rules: Rules,
    ) -> None:
        self.loss, self.slopes, self.rules = loss, slopes, rules
        self.m, self.n = starts.shape
        self.x = starts.copy()
        self.slope = np.full(starts.shape, np.nan)
        self.fun = np.full(self.m, np.nan)
        self.best_x, self.best_fun = self.x.copy(), np.full(self.m, np.inf)
        self.nit, self.njev = np.zeros(self.m, dtype=np.intp), np.zeros(self.m, dtype=np.intp)
        self.status = np.full(self.m, _RUNNING)
        self.started = time.perf_counter()
        self.shown: Any = None
        self.message = ""

    def fits_c(self, slopes: Any) -> bool:
        """Whether the iterations can be done in C."""
        chosen = slopes.method if isinstance(slopes, _Differences) else None
        fixed = self.rules.learning_rate != "auto" and self.rules.method != "bb"
        watched = self.rules.stopping.ftol > 0 or self.rules.bounds is not None
        return fixed and not watched and isinstance(chosen, FixedStep) and chosen.simple

    def _spent(self) -> bool:
        stopping, evaluations = self.rules.stopping, self.loss.nfev + self.slopes.nfev
        return evaluations >= stopping.max_evals or time.perf_counter() - self.started >= stopping.max_time

    def _rate(self, iteration: int) -> float:
        rate = self.rules.learning_rate
        return number(rate(iteration) if callable(rate) else rate, f"learning_rate at iteration {iteration}")

    def direction(self, starts: int) -> directions.Direction:
        """The state of the method for so many starts."""
        rules = self.rules
        return directions.Direction(rules.method, starts * self.n, rules.momentum, rules.decay, 1e-8)

    def _shows(self, iteration: int) -> None:
        if self.shown is not None:
            known = self.fun[np.isfinite(self.fun)]
            self.shown.show(iteration, float(known.min()) if known.size else math.nan, math.nan)

    # --- In C: compiled functions, given rates -----------------------------------------------------------------

    def go_in_c(self, problem: Problem, chosen: Method) -> None:
        """Iterations in parts, so that limits are kept; a part does not change the path."""
        assert isinstance(chosen, FixedStep)
        assert chosen.stencil is not None
        direction = self.direction(1)
        memory = np.zeros(direction.memory.size * self.m)
        status, last = np.zeros(self.m, dtype=np.intc), self.x.copy()
        # Whether f computes in float32 shows at one start.
        function, first = problem.function, problem.at(self.x[:1])
        assert isinstance(function, CompiledFunction)
        chosen.derivatives(first)
        h = chosen.stencil.relative_step(first.relative_noise)
        done, count = 0, 1
        try:
            while done < self.rules.stopping.maxiter and not self._spent() and (status == directions.RUNNING).any():
                rates = np.array([self._rate(k) for k in range(done, min(done + count, self.rules.stopping.maxiter))])
                before = time.perf_counter()
                directions.descend(
                    function,
                    direction,
                    chosen.stencil.scheme,
                    h,
                    self.x,
                    last,
                    memory,
                    status,
                    self.njev,
                    rates,
                    done,
                    self.rules.stopping.gtol,
                )
                done += rates.size
                pace = (time.perf_counter() - before) / rates.size
                # One start's share bounds how long Ctrl-C waits; all of them, how late a limit is seen.
                watched = self.shown is not None or self.rules.stopping.is_limited
                count = int(np.clip(0.02 / pace * (1 if watched else self.m), 1, 1 << 16))
                self._shows(done)
        finally:
            self.nit = self.njev - (status != directions.RUNNING)
            self.status[status == directions.CONVERGED] = CONVERGED
            self.status[status == directions.NOT_FINITE] = NOT_FINITE

    # --- In blocks: any function ------------------------------------------------------------------------------

    def go(self) -> None:
        """Iterations of all that still run."""
        self.fun = self.loss.at_points(self.x)[:, 0].copy()
        self.status[~np.isfinite(self.fun)] = NOT_FINITE
        self.best_fun[:] = self.fun
        live = np.flatnonzero(self.status == _RUNNING)
        state = _Block(self, live)
        for iteration in range(self.rules.stopping.maxiter):
            state.tested()
            if not state.live.size or self._spent():
                return
            if self.rules.learning_rate == "auto":
                state.search(iteration)
            else:
                state.follow(iteration, self._rate(iteration))
            self._shows(iteration + 1)
        state.tested()

    def _take_best(self) -> None:
        """Starts that have not converged are where f was lowest, as a single run is."""
        better = (self.status != CONVERGED) & (self.best_fun < self.fun)
        self.x[better], self.fun[better], self.slope[better] = self.best_x[better], self.best_fun[better], np.nan

    def result(self) -> DescentResult:
        """What is known of all starts."""
        self._take_best()
        if not np.isfinite(self.fun).all():
            self.fun = self.loss.at_points(self.x)[:, 0].copy()
        if not np.isfinite(self.slope).all() and self.message == "":
            self.slope = self.slopes.at(self.x, self.fun)
        self.status[self.status == _RUNNING] = LIMIT
        converged = int((self.status == CONVERGED).sum())
        lost = int((self.status == NOT_FINITE).sum())
        message = f"{self.message}{converged} of {self.m} starts converged"
        message += f", {lost} left where f is finite" if lost else ""
        return DescentResult(
            self.x, self.fun, self.slope, self.nit, self.loss.nfev + self.slopes.nfev, self.njev,
            self.status == CONVERGED, self.status, message, {},
        )  # fmt: skip


class _Block:
    """The starts that still run, in one block of points."""

    def __init__(self, of: _Starts, live: NDArray[np.intp]) -> None:
        self.of, self.live = of, live
        self.direction = of.direction(live.size)
        self.last_x, self.last_slope = of.x[live].copy(), np.zeros((live.size, of.n))
        self.rate = np.zeros(live.size)
        self.recent = of.fun[live][:, None]  # f at the last points
        self.renew()

    def renew(self) -> None:
        """The gradients where the starts are."""
        if self.live.size:
            self.of.slope[self.live] = self.of.slopes.at(self.of.x[self.live], self.of.fun[self.live])
            self.of.njev[self.live] += 1

    def keep(self, kept: NDArray[np.bool_]) -> None:
        """Only these starts go on."""
        if kept.all():
            return
        of = self.of
        old = self.direction.memory.reshape(-1, self.live.size, of.n)
        self.live = self.live[kept]
        self.direction = of.direction(self.live.size)
        self.direction.memory[:] = old[:, kept].ravel()
        self.last_x, self.last_slope, self.rate = self.last_x[kept], self.last_slope[kept], self.rate[kept]
        self.recent = self.recent[kept]

    def tested(self) -> None:
        """Starts that have converged, or whose gradient is not finite, leave."""
        of = self.of
        slope, x = of.slope[self.live], of.x[self.live]
        finite = np.isfinite(slope).all(axis=1)
        of.x[self.live[~finite]] = self.last_x[~finite]
        of.status[self.live[~finite]] = NOT_FINITE
        reached = slope if of.rules.bounds is None else x - np.clip(x - slope, *of.rules.bounds)
        with np.errstate(all="ignore"):
            small = finite & (np.linalg.norm(reached, axis=1) <= of.rules.stopping.gtol)
        of.status[self.live[small]] = CONVERGED
        self.keep(finite & ~small)

    def moved(self, rate: Array | float, direction: Array) -> Array:
        """Points along the directions, within bounds."""
        x = self.of.x[self.live] - np.reshape(rate, (-1, 1)) * direction
        return x if self.of.rules.bounds is None else np.clip(x, *self.of.rules.bounds)

    def follow(self, iteration: int, given: float) -> None:
        """An iteration with a given rate."""
        of = self.of
        direction = self.direction.of(of.slope[self.live], iteration)
        rate = self.spectral(np.full(self.live.size, given)) if of.rules.method == "bb" else given
        x = self.moved(rate, direction)
        self.last_x, self.last_slope = of.x[self.live].copy(), of.slope[self.live].copy()
        of.x[self.live] = x
        of.nit[self.live] += 1
        if of.rules.stopping.ftol > 0:
            before, of.fun[self.live] = of.fun[self.live], of.loss.at_points(x)[:, 0]
            self._leave_where_flat(before)
        else:
            of.fun[self.live] = np.nan
        self.renew()

    def _leave_where_flat(self, before: Array) -> None:
        """Starts where f hardly changed in the last iteration have converged."""
        of = self.of
        with np.errstate(all="ignore"):
            flat = np.abs(before - of.fun[self.live]) <= of.rules.stopping.ftol * np.abs(before)
        ended = self.live[flat]
        of.status[ended] = CONVERGED
        of.slope[ended] = np.nan
        self.keep(~flat)

    def spectral(self, first: Array) -> Array:
        """Step lengths of Barzilai and Borwein."""
        s, y = self.of.x[self.live] - self.last_x, self.of.slope[self.live] - self.last_slope
        with np.errstate(all="ignore"):
            curved = (s * y).sum(axis=1)
            found = (s * s).sum(axis=1) / curved
        otherwise = np.where(self.rate > 0, 2 * self.rate, first)
        self.rate = np.where((curved > 0) & np.isfinite(found) & (found > 0), found, otherwise)
        return self.rate

    def _trial(self, x: Array, direction: Array, rate: Array) -> tuple[Array, Array]:
        """Points along the directions, within bounds, and f there: infinite where it is not finite."""
        of = self.of
        there = x - rate[:, None] * direction
        if of.rules.bounds is not None:
            there = np.clip(there, *of.rules.bounds)
        value = of.loss.at_points(there)[:, 0]
        return there, np.where(np.isfinite(value), value, np.inf)

    def _expand(self, rows: NDArray[np.intp], x0: Array, direction: Array, x: Array, fun: Array, rate: Array) -> None:
        """Twice the step, as long as f falls."""
        while rows.size:
            there, value = self._trial(x0[rows], direction[rows], 2.0 * rate[rows])
            lower = value < fun[rows]
            rows = rows[lower]
            x[rows], fun[rows] = there[lower], value[lower]
            rate[rows] *= 2.0

    def search(self, iteration: int) -> None:
        """An iteration with backtracking until f falls enough, each start by itself."""
        of = self.of
        slope, x0, fun0 = of.slope[self.live], of.x[self.live], of.fun[self.live]
        direction = self.direction.of(slope, iteration)
        uphill = ~((slope * direction).sum(axis=1) > 0)
        direction[uphill] = slope[uphill]
        self.direction.memory.reshape(-1, self.live.size, of.n)[:, uphill] = 0.0
        largest = np.abs(direction).max(axis=1)
        first = 0.1 * np.maximum(1.0, np.abs(x0).max(axis=1)) / np.where(largest > 0, largest, 1.0)
        along = of.rules.method in ("gd", "bb")
        rate = self.spectral(first) if along else np.where(self.rate > 0, 2 * self.rate, first)
        x, fun = x0.copy(), fun0.copy()
        highest = self.recent.max(axis=1) if of.rules.method == "bb" else fun0
        searching = np.ones(self.live.size, dtype=bool)
        for tries in range(60):
            rows = np.flatnonzero(searching)
            if not rows.size:
                break
            trial, value = self._trial(x0[rows], direction[rows], rate[rows])
            fall = (slope[rows] * (x0[rows] - trial)).sum(axis=1)
            good = (value <= highest[rows] - SUFFICIENT * fall) & (fall > 0) & (value < highest[rows])
            x[rows[good]], fun[rows[good]] = trial[good], value[good]
            still = (trial == x0[rows]).all(axis=1)
            with np.errstate(all="ignore"):
                shrink = np.clip(0.5 * fall / (value - fun0[rows] + fall), 0.1, 0.5)
            rate[rows[~good]] *= np.nan_to_num(shrink[~good], nan=0.1)
            searching[rows[good | still]] = False
            if iteration == 0 and tries == 0:
                self._expand(rows[good], x0, direction, x, fun, rate)
        stuck = (x == x0).all(axis=1)
        self.rate = rate
        self.last_x, self.last_slope = x0, slope
        of.x[self.live], of.fun[self.live] = x, fun
        lower = self.live[fun < of.best_fun[self.live]]
        of.best_x[lower], of.best_fun[lower] = of.x[lower], of.fun[lower]
        self.recent = np.column_stack([self.recent[:, 1 - REMEMBERED :], fun])
        of.nit[self.live[~stuck]] += 1
        of.status[self.live[stuck]] = NO_LOWER_POINT
        self.keep(~stuck)
        if of.rules.stopping.ftol > 0:
            self._leave_where_flat(fun0[~stuck])
        self.renew()
