"""How each feature moves a model's prediction: partial derivatives of any predictor at every row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Unpack

import numpy as np

from ..core import options as checks
from ..core.given import array_of, attribute, shown, words
from ..core.point import Point
from ..evaluate.functions import as_function, evaluation
from ..features.frames import Rows
from ..features.rates import Rates
from ..features.spread import Spread
from ..records.sensitivity import Sensitivity
from .signatures import WorkerOptions, checked, with_options

__all__ = ["Sensitivity", "sensitivity"]


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
        the steps with which derivatives begin, one a feature, in its units.
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
    A derivative takes 6 evaluations a row and feature, and 1 to 4 a row, by the adaptive method (see `differentiate`):
    more where the model has kinks nearby, or is noisy or computes in float32. Steps follow the feature's spread, not
    its size.
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
    features = checks.optional(checks.names)("features", features)
    outputs = checks.optional(checks.names)("outputs", outputs)
    if not isinstance(step, str):
        checks.sizes("step", step)
    elif step not in ("auto", "sd"):
        raise ValueError(f'step is {shown(step)}; expected "auto", "sd" or steps')
    rows = Rows(X, features)
    if not len(rows):
        raise ValueError("X has no rows")
    if not rows.names:
        raise ValueError(f"{'X has no numeric columns' if features is None else 'features is empty'}: nothing can vary")
    others = None if reference is None else Rows(reference, features, "reference")
    spread = Spread(others or rows, rows, extrapolate, others is not None)
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
        names = _output_names(outputs, predict, count)
        rates = Rates(function, points, base, spread)
        piecewise = isinstance(step, str) and step == "auto" and rates.is_piecewise_constant()
        if step == "sd" or piecewise:
            spread.take_standard_deviations()
        function.expect(rates.evaluations())
        found, errors = rates.run()
        nfev = function.nfev
    values, error = (np.full((len(rows), count, len(rows.names)), np.nan) for _ in range(2))
    values[kept], error[kept] = found, errors
    single = count == 1
    return Sensitivity(
        values[:, 0] if single else values,
        error[:, 0] if single else error,
        rows.names,
        [] if single else names,
        spread.kinds,
        spread.sd,
        piecewise,
        int((~kept).sum()),
        nfev,
        rows.library,
    )


def _output_names(outputs: Sequence[Any] | None, predict: Any, count: int) -> list[str]:
    if outputs is None:
        classes = attribute(attribute(predict, "__self__"), "classes_")
        classes = np.empty(0) if classes is None else array_of(classes, "classes_")
        outputs = classes.tolist() if classes.shape == (count,) else None
    if outputs is None:
        outputs = [f"output {k}" for k in range(count)]
    names = [name if type(name) is str else words(name, str) for name in outputs]
    if len(names) != count:
        raise ValueError(f"outputs has {len(names)} names, but predict has {count} outputs")
    return names
