"""What a descent returns."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic

import numpy as np
from numpy.typing import NDArray

from ..core.given import said, words
from ..core.point import Point, as_point
from ..evaluate.functions import Evaluation, Vectorized, as_function, callable_or_error
from .record import Record, T
from .show import axes_or_new, html_table, html_verdict, label, printable

CONVERGED, LIMIT, NO_LOWER_POINT, NOT_FINITE, RAISED, INTERRUPTED, STOPPED = range(7)
_STARTS = 10  # of many starts, so many are shown
_GRID = 60  # contours are drawn from so many values along each axis


@dataclass(frozen=True, eq=False, repr=False)
class DescentResult(Record, Generic[T]):
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

    x: T
    fun: Any
    jac: T
    nit: Any
    nfev: int
    njev: Any
    success: Any
    status: Any
    message: str
    history: dict[str, NDArray[Any]]
    exception: BaseException | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "exception": _carried(self.exception)}

    @property
    def _is_of_many(self) -> bool:
        return isinstance(self.status, np.ndarray)

    def __repr__(self) -> str:
        if self._is_of_many:
            ended = f"{self.status.size} starts, {np.count_nonzero(self.success)} converged, lowest {self._lowest()}"
            return f"DescentResult({ended}, nfev={self.nfev})"
        return (
            f"DescentResult(fun={self.fun:.6g}, nit={self.nit}, nfev={self.nfev}, njev={self.njev}, "
            f"status={self.status}, success={self.success})"
        )

    def __str__(self) -> str:
        message = printable(self.message)
        if self._is_of_many:
            return f"{message}: {f'lowest {self._lowest()}' if self.fun.size else 'no starts'}, {self.nfev} evaluations"
        return f"{message}: f = {self.fun:.6g} after {self.nit} iterations, {self.nfev} evaluations"

    def _lowest(self) -> str:
        return f"f = {np.fmin.reduce(self.fun, initial=np.inf):.6g}"

    def _repr_html_(self) -> str:
        if self._is_of_many:
            order = np.argsort(self.fun)[:_STARTS]
            rows = [
                (str(k), f"{self.fun[k]:.6g}", *(str(column[k]) for column in (self.nit, self.njev, self.status)))
                for k in order
            ]
            table = html_table(("start", "f", "iterations", "gradients", "status"), rows)
            all_converged = bool(self.success.all())
        else:
            head = ("f", "iterations", "evaluations of f", "gradients", "status")
            table = html_table(head, [(f"{self.fun:.6g}", *map(str, (self.nit, self.nfev, self.njev, self.status)))])
            all_converged = bool(self.success)
        kind = "right" if all_converged else "undecided"
        return html_verdict("", "converged" if all_converged else "not converged", str(self), kind) + table

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
        plain["exception"] = None if self.exception is None else words(self.exception)
        return plain

    def plot(
        self,
        axes: Any = None,
        f: Callable[..., Any] | None = None,
        *,
        args: tuple[Any, ...] = (),
        vectorized: Vectorized = False,
    ) -> Any:
        """Draw the loss curve, on a logarithmic scale where it fits; for two coordinates also the path.

        Parameters
        ----------
        axes : matplotlib Axes or sequence of Axes, optional
            Where to draw: the curve, and the path if there is one; new ones by default.
        f : callable, optional
            The loss, ``f(x, *args)``: contours of it are drawn below the path, from 3600 evaluations.
        args : tuple, optional
            Further arguments of f.
        vectorized : {False, True, "rows", "columns"}, optional
            Whether f takes many points, as for `gradient`.

        Returns
        -------
        axes : Axes, or list of them

        Raises
        ------
        ImportError
            Matplotlib is missing (extra ``plot``).
        TypeError
            f is no function.
        ValueError
            There is no history.

        Examples
        --------
        >>> import fastgrad as fg, numpy as np
        >>> f = lambda x: (x[0] - 1) ** 2 + 10 * x[1] ** 2
        >>> curve, path = fg.gradient_descent(f, np.array([0.0, 2.0])).plot(f=f)  # doctest: +SKIP
        """
        fun = self.history.get("fun", np.empty(0))
        if not fun.size:
            raise ValueError("there is no loss curve: it was a descent with history=False, or of many starts")
        path = self.history.get("x")
        if path is None:
            return _draw_curve(axes_or_new(axes), fun)
        axes = np.atleast_1d(axes_or_new(axes, 2)).tolist()
        _draw_curve(axes[0], fun)
        if len(axes) > 1:
            point = as_point(self.x)
            if f is not None:
                callable_or_error(f)
                _draw_contours(axes[1], path, f, args, point, Evaluation(vectorized))
            _draw_path(axes[1], path, point)
        return axes


def _carried(error: BaseException | None) -> BaseException | None:
    """An exception as pickle can carry it: itself, or its words where its class cannot be made anew."""
    if error is None:
        return None
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__qualname__}: {said(error)}")
    return error


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


def _draw_contours(
    axes: Any, path: NDArray[Any], f: Callable[..., Any], args: tuple[Any, ...], point: Point, how: Evaluation
) -> None:
    low, high = path.min(axis=0), path.max(axis=0)
    margin = 0.15 * np.maximum(high - low, 1e-3 * (1 + np.abs(low)))
    u, v = (np.linspace(a, b, _GRID) for a, b in zip(low - margin, high + margin, strict=True))
    points = np.stack(np.meshgrid(u, v), axis=-1).reshape(-1, 2)
    with as_function(f, args, point, how) as function:
        function.tolerate(True)  # beyond the edge of f's domain: left white
        heights = function.at_points(points).reshape(_GRID, _GRID)
    finite = heights[np.isfinite(heights)]
    levels = np.unique(np.quantile(finite, np.linspace(0, 1, 20))) if finite.size else None
    axes.contour(u, v, heights, levels=levels, linewidths=0.6)


def _draw_path(axes: Any, path: NDArray[Any], point: Point) -> None:
    axes.plot(path[:, 0], path[:, 1], ".-", color="gray", linewidth=0.8, markersize=3)
    axes.plot(*path[-1], "o", color="tab:red")
    axes.set(xlabel=label(point.name(0)), ylabel=label(point.name(1)))
