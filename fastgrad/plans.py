"""Sparse Jacobians: the plan of one, which evaluates it many times."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _kernels, stencils
from ._compiled import compiled_parts
from ._fixed import FixedStep, base_values, checked_bounds, checked_steps, fixed_or_error, relative
from ._functions import Evaluation, Vectorized, Workers, as_function, callable_or_error, evaluation
from ._plotting import axes_or_new
from ._points import Array, Point, as_array
from ._sparsity import as_kernel, coloured, detected, given_pattern, sparse
from .derivatives import make_method
from .stencils import FLOAT32, FLOAT64, Stencil

__all__ = ["JacobianPlan", "plan_jacobian"]


class JacobianPlan:
    """A Jacobian's pattern, colours and steps, made once; calling it gives the Jacobian at a point.

    Attributes
    ----------
    pattern : scipy.sparse.csr_array
        Where the Jacobian may not be zero.
    colours : ndarray
        (n,): columns of one colour are perturbed together.
    n_colours : int
    evaluations : int
        Evaluations of f for one Jacobian.
    nfev : int
        Evaluations of f so far.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        point: Point,
        args: tuple[Any, ...],
        how: Evaluation,
        chosen: FixedStep,
        sparsity: Any,
    ) -> None:
        self._f, self._args, self._how, self._point = f, args, how, point
        self._complex = chosen.imaginary
        self._stencil = chosen.stencil or stencils.stencil("central", 2)
        if self._complex and (how.workers is not None or compiled_parts(f) is not None):
            raise ValueError('a sparse Jacobian by method="complex" takes a Python function, and no workers')
        self._step = checked_steps(chosen.step, point, "step")
        self._typical = checked_steps(chosen.typical_x, point, "typical_x")
        self._bounds, self._noise = chosen.bounds, chosen.noise
        self.nfev = 0
        self._relative_noise = FLOAT64
        self._outputs = outputs_of(f, args, point, how)
        self.nfev += 1
        room = None if chosen.bounds is None else self._room(point.flat.ravel())
        if isinstance(sparsity, str):
            if sparsity not in ("detect", "nan"):
                raise ValueError(f'sparsity={sparsity!r}; expected "detect", "nan" or a pattern')
            with self._function(args) as function:
                self.pattern = detected(
                    lambda x: function.at_points(x.reshape(1, -1))[0], point.flat.ravel(), room, sparsity == "nan"
                )
                self.nfev += function.nfev
        else:
            self.pattern = given_pattern(sparsity, self._outputs, point.n)
        self._verified = False

    @property
    def evaluations(self) -> int:
        """Evaluations of f for one Jacobian."""
        if self._complex:
            return self.n_colours
        needs_base = self._bounds is not None or self._noise is not None or not self._stencil.is_central
        return self._stencil.evaluations * self.n_colours + needs_base

    def __str__(self) -> str:
        m, n = self.pattern.shape
        return (
            f"Jacobian of {m} rows and {n} columns with {self.pattern.nnz} entries: {self.n_colours} colours, "
            f"{self.evaluations} evaluations instead of {n * (1 if self._complex else self._stencil.evaluations)}"
        )

    def __repr__(self) -> str:
        return f"<{self}>"

    def __call__(self, x: ArrayLike, *args: Any) -> Any:
        """The Jacobian at x.

        Parameters
        ----------
        x : array_like
            (n,).
        *args
            Further arguments of f; by default those of the plan.

        Returns
        -------
        jacobian : scipy.sparse.csr_array
            (m, n), with the plan's pattern, whose index arrays it shares.

        Raises
        ------
        ValueError
            The pattern lacks an entry (looked at once, by a random product): which row and column; x has another size.
        """
        at = np.ascontiguousarray(x, dtype=np.float64).ravel()
        if at.size != self._point.n:
            raise ValueError(f"x has {at.size} coordinates, but the plan is for {self._point.n}")
        if not _kernels.is_plain(at):
            i = int(np.argmin(np.isfinite(at)))
            raise ValueError(f"{self._point.name(i)} is {at[i]}; derivatives need finite coordinates")
        args = args or self._args
        with self._function(args) as function:
            function.expect(self.evaluations)
            data = self._entries(function, at, args)
            found = sparse().csr_array((data, self.pattern.indices, self.pattern.indptr), shape=self.pattern.shape)
            if not self._verified:
                self._verify(function, at, found)
                self._verified = True
            self.nfev += function.nfev
        return found

    def dense(self, x: ArrayLike, *args: Any) -> Array:
        """The Jacobian at x as an ndarray (m, n), at the same cost: for those who take no sparse one."""
        return np.asarray(self(x, *args).toarray())

    def plot(self, axes: Any = None) -> Any:
        """Draw the pattern, a dot an entry, coloured by the group that its column is perturbed with.

        Parameters
        ----------
        axes : matplotlib Axes, optional
            Where to draw; new ones by default.

        Returns
        -------
        axes : matplotlib Axes

        Raises
        ------
        ImportError
            Matplotlib is missing (extra ``plot``).
        """
        axes = axes_or_new(axes)
        entries = self.pattern.tocoo()
        rows, columns = entries.coords
        m, n = self.pattern.shape
        size = min(100.0, max(1.0, (300.0 / max(m, n)) ** 2))
        axes.scatter(columns, rows, c=self.colours[columns], s=size, marker="s", cmap="tab20", linewidths=0)
        axes.set(xlim=(-0.5, n - 0.5), ylim=(m - 0.5, -0.5), aspect="equal")
        axes.set(xlabel="column", ylabel="row", title=f"{self.n_colours} colours, {self.pattern.nnz} entries")
        return axes

    # --- Evaluation --------------------------------------------------------------------------------------------

    def _function(self, args: tuple[Any, ...]) -> _kernels.Function:
        return as_function(self._f, args, self._point, self._how, outputs=self._outputs)

    def _room(self, x: Array) -> Array:
        lower, upper = checked_bounds(self._bounds, self._point, x)
        return np.stack([x - lower, upper - x])

    def _steps(self, x: Array, stencil: Stencil) -> Array:
        h = stencil.relative_step(self._relative_noise)
        return _kernels.steps(x, x.size, h, self._step, self._typical)

    def take(self, pattern: Any, colours: NDArray[np.int32], count: int) -> None:
        """Evaluate the entries of a pattern by these colours of its columns."""
        self.pattern, self.colours, self.n_colours = pattern, colours, count
        self._by = _kernels.Compression(as_kernel(pattern), colours, count)

    def _entries(self, function: _kernels.Function, x: Array, args: tuple[Any, ...]) -> Array:
        """The entries at x, in the order of the pattern; with longer steps once f is seen to compute in float32."""
        data = self._data(function, x, args)
        if function.float32 and self._relative_noise < FLOAT32 and self._step is None and self._noise is None:
            self._relative_noise = FLOAT32
            data = self._data(function, x, args)
        return data

    def _data(self, function: _kernels.Function, x: Array, args: tuple[Any, ...]) -> Array:
        if self._complex:
            return self._by_complex_step(x, args)
        base = None
        if self._noise is not None or self._bounds is not None or not self._stencil.is_central:
            base = base_values(function, self._point, x)[0]
            if self._noise is not None:
                self._relative_noise = relative(self._noise, base)
        h = self._steps(x, self._stencil)
        if not self._stencil.is_central:
            assert base is not None
            return self._forward(function, x, h, base)
        if self._bounds is None:
            return self._central(function, x, h)
        room = self._room(x)
        sided = np.flatnonzero((room < self._stencil.reach * h).any(axis=0))
        if not sided.size:
            return self._central(function, x, h)
        assert base is not None
        return self._beside_bounds(function, x, h, base, sided, room)

    def _central(self, function: _kernels.Function, x: Array, h: Array) -> Array:
        """Σ c_s [f(x + s h) - f(x - s h)] / 2 s h over the stencil's offsets s."""
        terms = []
        for s, w in zip(self._stencil.offsets[::2], self._stencil.weights[::2], strict=True):
            data, move = np.empty(self.pattern.nnz), h if s == 1 else s * h
            if isinstance(function, _kernels.PythonFunction):
                _kernels.compressed(function, self._by, x, move, data)
            else:
                rights, lefts = self._values(function, x, move), self._values(function, x, -move)
                self._by.scatter(rights, lefts, x, move, -move, data)
            if self._stencil.order == 2:
                return data
            terms.append(2 * w * s * data)
        return np.asarray(sum(terms))

    def _beside_bounds(
        self, function: _kernels.Function, x: Array, h: Array, base: Array, sided: NDArray[np.intp], room: Array
    ) -> Array:
        """Columns at a bound take the one-sided stencil of the same order, in the same evaluations as the others."""
        central, one_sided = self._stencil, stencils.one_sided(self._stencil.order)
        up = room[1, sided] >= room[0, sided]
        # A hair less than the room, so that x + reach * h cannot round to beyond the bound.
        reach = np.nextafter(np.where(up, room[1, sided], room[0, sided]) / one_sided.reach, 0.0)
        step = np.where(up, 1.0, -1.0) * np.minimum(self._steps(x, one_sided)[sided], reach)
        columns = self.pattern.indices
        weight, rise = np.empty(x.size), np.empty(self.pattern.nnz)
        data = np.zeros(self.pattern.nnz)
        unmoved = np.ascontiguousarray(np.broadcast_to(base, (self.n_colours, base.size)))
        inside = zip(central.offsets, central.weights, strict=True)
        beside = list(zip(one_sided.offsets, one_sided.weights, strict=True))[1:]
        with np.errstate(invalid="ignore", divide="ignore"):
            for (s, w), (t, u) in zip(inside, beside, strict=True):
                moves = s * h
                moves[sided], weight[:], weight[sided] = t * step, s * w, t * u
                self._by.scatter(self._values(function, x, moves), unmoved, x, moves, np.zeros_like(moves), rise)
                data += weight[columns] * rise
        # A coordinate that its bounds fix has no derivative.
        data[np.asarray(room.max(axis=0) == 0)[columns]] = np.nan
        return data

    def _by_complex_step(self, x: Array, args: tuple[Any, ...]) -> Array:
        """Imaginary parts of f where the columns of a colour have one (Squire and Trapp, SIAM Rev. 40 (1998) 110)."""
        h = stencils.COMPLEX_STEP * np.maximum(np.abs(x), 1.0)
        points = x + 1j * self._by.moved(np.zeros_like(x), h)
        if self._how.vectorized is False:
            values = np.array([np.ravel(self._f(point.reshape(self._point.shape), *args)) for point in points])
        else:
            columns = self._how.vectorized == "columns"
            values = np.asarray(self._f(points.T.copy() if columns else points, *args))
            values = values.T if columns else values
        if values.dtype.kind != "c":
            raise TypeError(f'method="complex" needs an f that computes with complex numbers; it gave {values.dtype}')
        data, imaginary = np.empty(self.pattern.nnz), np.ascontiguousarray(values.imag)
        # Written as differences from 0 over the imaginary distance.
        self._by.scatter(imaginary, np.zeros_like(imaginary), np.zeros_like(h), h, np.zeros_like(h), data)
        self.nfev += self.n_colours
        return data

    def _forward(self, function: _kernels.Function, x: Array, h: Array, base: Array) -> Array:
        if self._bounds is not None:
            room = self._room(x)
            h = np.where(room[1] >= h, h, np.where(room[0] >= h, -h, np.where(room[1] >= room[0], room[1], -room[0])))
        values, data = self._values(function, x, h), np.empty(self.pattern.nnz)
        unmoved = np.ascontiguousarray(np.broadcast_to(base, values.shape))
        self._by.scatter(values, unmoved, x, h, np.zeros_like(h), data)
        return data

    def _values(self, function: _kernels.Function, x: Array, moves: Array) -> Array:
        """F with the columns of each colour moved: (colours, outputs)."""
        return function.at_points(self._by.moved(x, moves))

    def verified(self, pattern: Any, complete: Callable[[Array], Array]) -> Any:
        """A larger matrix at the plan's point, whose entries follow from the plan's own; compared with f."""
        x = self._point.flat.ravel()
        with self._function(self._args) as function:
            data = complete(self._entries(function, x, self._args))
            found = sparse().csr_array((data, pattern.indices, pattern.indptr), shape=pattern.shape)
            self._verify(function, x, found)
            self.nfev += function.nfev
        return found

    # --- Verification ------------------------------------------------------------------------------------------

    def _verify(self, function: _kernels.Function, x: Array, found: Any) -> None:
        """A product with a random direction, by differences of f: entries that the pattern lacks show there."""
        rng = np.random.default_rng(1)
        h = self._steps(x, stencils.stencil("central", 2))
        v = h * rng.uniform(0.5, 1.0, x.size) * rng.choice([-1.0, 1.0], x.size)
        points = [x + v, x - v]
        if self._bounds is not None:
            room = self._room(x)
            v = np.where(room[1] >= room[0], np.minimum(np.abs(v), room[1]), -np.minimum(np.abs(v), room[0]))
            points = [x + v, x]
        values = function.at_points(np.stack(points))
        seen = values[0] - values[1]
        expected = found @ (points[0] - points[1])
        # Generous: an entry that is missing is nowhere near.
        terms = abs(found) @ np.abs(points[0] - points[1])
        rounding = 8 * self._relative_noise * np.abs(values).max(axis=0)
        with np.errstate(invalid="ignore"):
            off = np.abs(seen - expected) - (1e-3 * terms + rounding * (1 + 0.5 * np.diff(found.indptr)))
        worst = int(np.argmax(np.nan_to_num(off, nan=-np.inf)))
        if off[worst] > 0:
            column = self._missing(function, x, v, found, worst)
            raise ValueError(
                f"the sparsity pattern is wrong: f[{worst}] depends on {column}, which the pattern does not have"
            )

    def _missing(self, function: _kernels.Function, x: Array, v: Array, found: Any, row: int) -> str:
        """The column that a row's pattern lacks, by halving."""
        known = found.indices[found.indptr[row] : found.indptr[row + 1]]
        columns = np.setdiff1d(np.arange(x.size), known)
        at_x = function.at_points(x.reshape(1, -1))[0, row]
        while columns.size > 1:
            half = columns[: columns.size // 2]
            moved = x.copy()
            moved[half] += v[half]
            changed = function.at_points(moved.reshape(1, -1))[0, row] != at_x
            columns = half if changed else columns[columns.size // 2 :]
        if columns.size:
            moved = x.copy()
            moved[columns] += v[columns]
            if function.at_points(moved.reshape(1, -1))[0, row] != at_x:
                return self._point.name(int(columns[0]))
        return "coordinates in a way that its entries do not give"


def summed_gradient(
    f: Callable[..., Any], x: Any, args: tuple[Any, ...], chosen: Any, sparsity: Any, how: Evaluation
) -> Array:
    """The gradient of the sum of f's values; options as for `gradient`."""
    point = array_point(x)
    if sparsity is None:
        return np.asarray(chosen.gradient(_sum_of(f, how), args, point.flat, how)[0]).reshape(np.shape(x))
    plan = _planned(f, point, args, how, fixed_or_error(chosen), sparsity)
    return np.asarray(plan(point.flat).sum(axis=0)).reshape(np.shape(x))


def _sum_of(f: Callable[..., Any], how: Evaluation) -> Callable[..., Any]:
    axis = {False: None, True: 1, "rows": 1, "columns": 0}[how.vectorized]
    return lambda x, *args: np.sum(f(x, *args), axis=axis)


def array_point(x: ArrayLike) -> Point:
    """X as an array, whatever it is."""
    flat = as_array(x, "x")
    return Point(flat if flat.ndim else flat.reshape(1))


def outputs_of(f: Callable[..., Any], args: tuple[Any, ...], point: Point, how: Evaluation) -> int:
    """How many values f has: it is called once to see."""
    callable_or_error(f)
    if compiled_parts(f) is not None:
        return 1
    x = point.flat.copy()
    if how.vectorized is not False:
        x = x.reshape((-1, 1) if how.vectorized == "columns" else (1, -1))
    return int(np.size(f(x, *args)))


def plan_jacobian(
    f: Callable[..., Any],
    x: ArrayLike,
    *,
    sparsity: Any = "detect",
    args: tuple[Any, ...] = (),
    method: str = "central",
    order: int | None = None,
    step: Any = None,
    typical_x: Any = None,
    bounds: Any = None,
    noise: float | None = None,
    vectorized: Vectorized = False,
    workers: Workers = None,
    progress: bool = False,
    retries: int = 0,
) -> JacobianPlan:
    """Plan a sparse Jacobian, which is then evaluated at many points.

    Parameters
    ----------
    f : callable
        ``f(x, *args) -> (m,)``.
    x : array_like
        A typical point, (n,): where the pattern is detected.
    sparsity : {"detect", "nan"} or pattern, optional
        Where the Jacobian may not be zero: a `scipy.sparse` matrix or a boolean array, (m, n); or found by perturbing
        blocks of coordinates (some hundred evaluations at any n if rows have few entries), or by making them NaN,
        which NumPy code carries on: a superset, with no tolerance.
    args, method, order, step, typical_x, bounds, noise, vectorized, workers, progress, retries
        As for `jacobian`.

    Returns
    -------
    plan : JacobianPlan
        ``plan(x)`` is the Jacobian at x, a `scipy.sparse.csr_array`; ``print(plan)`` says colours and evaluations. It
        fits ``jac=`` of `scipy.optimize.least_squares` and `scipy.integrate.solve_ivp`, ``plan.dense`` that of `root`.

    Raises
    ------
    ImportError
        scipy is missing.
    TypeError, ValueError
        As for `jacobian`; the pattern has another shape; f is not deterministic.

    Notes
    -----
    Columns that share no row have one colour and are perturbed together (Curtis, Powell and Reid, IMA J. Appl. Math. 13
    (1974) 117-119): two evaluations a colour. The first Jacobian is compared with f along a random direction, so that a
    wrong pattern is an error.

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> f = lambda x: np.concatenate([[x[0] - 1], x[1:] - x[:-1] ** 2])
    >>> plan = fg.plan_jacobian(f, np.ones(1000))
    >>> print(plan)
    Jacobian of 1000 rows and 1000 columns with 1999 entries: 2 colours, 4 evaluations instead of 2000
    >>> plan(np.full(1000, 3.0)).toarray()[:2, :2].round(6)
    array([[ 1.,  0.],
           [-6.,  1.]])
    """
    callable_or_error(f)
    how = evaluation(vectorized, workers, progress, retries)
    chosen = fixed_or_error(make_method(method, order, step, typical_x, bounds, noise))
    return _planned(f, array_point(x), args, how, chosen, sparsity)


def _planned(
    f: Callable[..., Any], point: Point, args: tuple[Any, ...], how: Evaluation, chosen: FixedStep, sparsity: Any
) -> JacobianPlan:
    plan = JacobianPlan(f, point, args, how, chosen, sparsity)
    plan.take(plan.pattern, *coloured(as_kernel(plan.pattern)))
    return plan
