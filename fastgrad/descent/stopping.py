"""When a descent stops, and how that is said."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..records.descent import CONVERGED, LIMIT


@dataclass(frozen=True)
class Ending:
    """How a run ended."""

    status: int
    message: str
    exception: BaseException | None = None


@dataclass(frozen=True)
class Stopping:
    """The tests that need no look at the gradient's own error."""

    gtol: float
    ftol: float
    maxiter: int
    max_evals: float
    max_time: float

    @property
    def is_limited(self) -> bool:
        """Whether evaluations or time are."""
        return self.max_evals < math.inf or self.max_time < math.inf

    def ending(self, before: float, fun: float, iteration: int, nfev: int, seconds: float) -> Ending | None:
        """Whether f no longer falls, or a limit is reached. before, fun: f at the last two points."""
        if self.ftol > 0 and abs(before - fun) <= self.ftol * abs(before):
            return Ending(CONVERGED, f"converged: f changes by less than {self.ftol:.2g} of itself")
        if iteration >= self.maxiter:
            return Ending(LIMIT, f"stopped after maxiter={self.maxiter} iterations")
        if nfev >= self.max_evals:
            return Ending(LIMIT, f"stopped after max_evals={self.max_evals:g} evaluations")
        if seconds >= self.max_time:
            return Ending(LIMIT, f"stopped after max_time={self.max_time:g} seconds")
        return None
