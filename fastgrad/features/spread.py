"""The spread and range of features, and how each is changed."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.given import floats, shown
from .frames import Rows

_STEP = 0.008  # the first of a derivative, in spreads of the feature


class Spread:
    """Each feature's spread, range, and how it is changed."""

    @np.errstate(all="ignore")
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
        given = floats(step, "step")
        try:
            self.steps = np.broadcast_to(given, self.sd.shape).copy()
        except ValueError as error:
            raise ValueError(f"step has shape {given.shape}, but there are {self.sd.size} features") from error
        if not ((self.steps > 0) & np.isfinite(self.steps)).all():
            raise ValueError(f"step is {shown(step)}; expected positive, finite numbers")
        self.kinds = ["constant" if kind == "constant" else "derivative" for kind in self.kinds]

    def take_standard_deviations(self) -> None:
        """Differences over a standard deviation instead of derivatives."""
        self.kinds = ["sd step" if kind == "derivative" else kind for kind in self.kinds]
