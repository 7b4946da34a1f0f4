"""What a descent returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .show import axes_or_new

CONVERGED, LIMIT, NO_LOWER_POINT, NOT_FINITE, RAISED, INTERRUPTED, STOPPED = range(7)


@dataclass(frozen=True, slots=True)
class DescentResult:
    """Where a descent ended, with scipy's field names.

    Attributes
    ----------
    x : number, ndarray or pytree
        Where it converged, else the best point seen; of x0's shape and structure, with ``batch=True`` one a row.
    fun : float or ndarray
        f there.
    jac : number, ndarray or pytree
        The gradient there.
    nit, njev : int or ndarray
        Iterations; gradients taken.
    nfev : int
        Evaluations of f, those of differences included.
    success : bool or ndarray
        Whether it converged.
    status : int or ndarray
        0 converged, 1 a limit was reached (maxiter, max_evals, max_time), 2 no lower point found, 3 f or its gradient
        not finite, 4 f or grad raised, 5 interrupted, 6 stopped by the callback.
    message : str
        What happened.
    history : dict of ndarray
        ``fun``, ``grad_norm``, ``step`` (how far x moved), ``nfev`` and ``time`` (seconds), an entry an iterate: the
        loss curve. For two coordinates also ``x``, the path.
    exception : BaseException or None
        What f or grad raised.

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> result = fg.gradient_descent(lambda x: ((x - 1) ** 2).sum(), np.zeros(3))
    >>> result.success, result.x.round(6).tolist(), bool(result.history["fun"][-1] < 1e-12)
    (True, [1.0, 1.0, 1.0], True)
    """

    x: Any
    fun: Any
    jac: Any
    nit: Any
    nfev: int
    njev: Any
    success: Any
    status: Any
    message: str
    history: dict[str, NDArray[Any]] = field(repr=False)
    exception: BaseException | None = None
    _f: Callable[[NDArray[Any]], float] | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        if isinstance(self.status, np.ndarray):
            best = f"lowest f = {np.nanmin(self.fun):.6g}" if self.fun.size else "no starts"
            return f"{self.message}: {best}, {self.nfev} evaluations"
        return f"{self.message}: f = {self.fun:.6g} after {self.nit} iterations, {self.nfev} evaluations"

    def to_dict(self) -> dict[str, Any]:
        """Plain Python values, ready for JSON, where x is arrays.

        Returns
        -------
        plain : dict
            The attributes by their names, arrays as lists; without the exception.
        """
        names = ("x", "fun", "jac", "nit", "nfev", "njev", "success", "status", "message")
        plain = {name: _plain(getattr(self, name)) for name in names}
        plain["history"] = {name: values.tolist() for name, values in self.history.items()}
        plain["exception"] = None if self.exception is None else repr(self.exception)
        return plain

    def plot(self, axes: Any = None) -> Any:
        """Draw the loss curve, on a logarithmic scale where it fits; for two coordinates also the path over contours.

        Parameters
        ----------
        axes : matplotlib Axes or sequence of Axes, optional
            Where to draw: the curve, and the path if there is one; new ones by default.

        Returns
        -------
        axes : Axes, or list of them

        Raises
        ------
        ImportError
            Matplotlib is missing (extra ``plot``).
        ValueError
            There is no history.
        """
        fun = self.history.get("fun", np.empty(0))
        if not fun.size:
            raise ValueError("there is no loss curve: it was a descent with history=False, or of many starts")
        path = self.history.get("x")
        if path is None or self._f is None:
            return _draw_curve(axes_or_new(axes), fun)
        axes = np.atleast_1d(axes_or_new(axes, 2)).tolist()
        _draw_curve(axes[0], fun)
        if len(axes) > 1:
            _draw_path(axes[1], path, self._f)
        return axes


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return value


def _draw_curve(axes: Any, fun: NDArray[Any]) -> Any:
    axes.plot(np.arange(fun.size), fun)
    finite = fun[np.isfinite(fun)]
    if finite.size and finite.min() > 0 and finite.max() > 30 * finite.min():
        axes.set_yscale("log")
    axes.set(xlabel="iteration", ylabel="loss")
    return axes


def _draw_path(axes: Any, path: NDArray[Any], f: Callable[[NDArray[Any]], float]) -> None:
    low, high = path.min(axis=0), path.max(axis=0)
    margin = 0.15 * np.maximum(high - low, 1e-3 * (1 + np.abs(low)))
    grids = [np.linspace(a, b, 60) for a, b in zip(low - margin, high + margin, strict=True)]
    heights = np.full((60, 60), np.nan)
    for j, v in enumerate(grids[1]):
        for i, u in enumerate(grids[0]):
            try:
                heights[j, i] = f(np.array([u, v]))
            except (ValueError, ArithmeticError):
                continue  # beyond the edge of f's domain: left white
    finite = heights[np.isfinite(heights)]
    levels = np.unique(np.quantile(finite, np.linspace(0, 1, 20))) if finite.size else None
    axes.contour(*grids, heights, levels=levels, linewidths=0.6)
    axes.plot(path[:, 0], path[:, 1], ".-", color="black", linewidth=0.8, markersize=3)
    axes.plot(*path[-1], "o", color="tab:red")
    axes.set(xlabel="x[0]", ylabel="x[1]")
