"""Sparse Jacobians: the plan of one, which evaluates it many times."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from typing import Any, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core import options as checks
from ..core.given import floats
from ..core.point import Array, Point, array_point, as_point
from ..core.warnings import warn
from ..evaluate import border
from ..evaluate.functions import Evaluation, callable_or_error
from ..evaluate.indirect import SumFunction
from ..evaluate.problem import Problem
from ..methods.fixed import FixedStep, fixed_or_error
from ..methods.method import Method
from ..records.record import Record
from ..records.show import axes_or_new, html_paragraph, html_table
from ..sparse.comparison import SEVERAL, Comparisons, Lacking
from ..sparse.compressed import Compressed
from ..sparse.patterns import as_kernel, coloured
from .signatures import Options, Sparsity, choose, with_options

__all__ = ["JacobianPlan", "plan_jacobian"]


class JacobianPlan(Record):
    """A Jacobian's pattern, colours and steps, made once; calling it gives the Jacobian at a point.

    It pickles and compares where f does.

    What it hands out is a copy. A pattern that was found grows where f turns out to have more entries.

    Attributes
    ----------
    pattern : scipy.sparse.csr_array
        Where the Jacobian may not be zero.
    colours : ndarray
        (n,): columns of one colour are perturbed together.
    n_colours : int
    """

    def __init__(self, entries: Compressed, args: tuple[Any, ...], pattern: Any, sparsity: Any) -> None:
        self._entries, self._args = entries, args
        entries.set_groups(pattern, *coloured(as_kernel(pattern)))
        self._detects = sparsity if isinstance(sparsity, str) else None
        self._comparisons = Comparisons()
        self._nfev, self._lock = 0, Lock()

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        del state["_lock"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state | {"_lock": Lock()})

    @property
    def pattern(self) -> Any:
        """Where the Jacobian may not be zero: a copy."""
        return self._entries.pattern.copy()

    @property
    def colours(self) -> NDArray[np.int32]:
        """The colour of each column: a copy."""
        return self._entries.colours.copy()

    @property
    def n_colours(self) -> int:
        """How many colours there are."""
        return self._entries.count

    @property
    def evaluations(self) -> int:
        """Evaluations of f for one Jacobian."""
        return self._entries.evaluations

    @property
    def nfev(self) -> int:
        """Evaluations of f so far."""
        return self._nfev

    @property
    def _size(self) -> tuple[tuple[int, int], int]:
        pattern = self._entries.pattern
        return pattern.shape, pattern.nnz

    def __str__(self) -> str:
        (m, n), size = self._size
        return (
            f"Jacobian of {m} rows and {n} columns with {size} entries: {self.n_colours} colours, "
            f"{self.evaluations} evaluations instead of {n * self._entries.per_group}"
        )

    def __repr__(self) -> str:
        shape, size = self._size
        return f"JacobianPlan({shape}, {size} entries, {self.n_colours} colours, {self.evaluations} evaluations)"

    def _repr_html_(self) -> str:
        (m, n), size = self._size
        head = ("rows", "columns", "entries", "colours", "evaluations of f for one Jacobian", "so far")
        row = (m, n, size, self.n_colours, self.evaluations, self.nfev)
        return html_paragraph(str(self)) + html_table(head, [list(map(str, row))])

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
            (m, n), with the plan's pattern; its arrays are its own.

        Raises
        ------
        ValueError
            A pattern that was given lacks an entry: which row and column; x has another size.

        Warns
        -----
        RuntimeWarning
            A pattern that was found lacks an entry here: which. The plan has it from then on.
        """
        at, point = np.ascontiguousarray(floats(x, "x")).ravel(), self._entries.point
        if at.size != point.n:
            raise ValueError(f"x has {at.size} coordinates, but the plan is for {point.n}")
        if not border.is_plain(at):
            i = int(np.argmin(np.isfinite(at)))
            raise ValueError(f"{point.name(i)} is {at[i]}; derivatives need finite coordinates")
        with self._entries.problem(args or self._args, at) as problem:
            problem.function.expect(self.evaluations)
            found = self._at(problem)
            self._add(problem.nfev)
        return found

    def _add(self, evaluations: int) -> None:
        """Add to the evaluations so far; threads may share a plan, and += alone would lose some."""
        with self._lock:
            self._nfev += evaluations

    def _at(self, problem: Problem) -> Any:
        """The Jacobian at a problem's point, compared with f where that is due."""
        entries, x = self._entries, problem.x.ravel()
        data, near = entries.entries(problem)
        found = entries.matrix(data)
        if not self._comparisons.is_due(x, entries.evaluations):
            return found
        searched = np.array_equal(x, entries.point.flat.ravel())
        compared = entries.compared(problem, found, near)
        while (entry := compared.lacking) is not None:
            if self._detects is None or entry.column == SEVERAL:
                raise entries.error_of(entry)
            if not searched:
                warn(f"{entries.named(entry)} here, as it did not where the pattern was found: entries are added")
            entries = self._extended(entries, entry, None if searched else problem)
            searched = True
            data, near = entries.entries(problem)
            found = entries.matrix(data)
            compared = entries.compared(problem, found, near)
        if compared.off.size:
            found = entries.looked_at(problem, found, near, compared.off)
        self._comparisons.note(x)
        return found

    def _extended(self, entries: Compressed, entry: Lacking, problem: Problem | None) -> Compressed:
        """The plan's entries and one more, and with a problem those that are found at its point."""
        pattern = entries.pattern.tolil()
        pattern[entry.row, entry.column] = True
        pattern = pattern.tocsr()
        if problem is not None:
            pattern = (pattern + entries.found_pattern(problem, self._detects)).astype(bool)
        pattern.sort_indices()
        # At once, for threads that are on their way with the old ones.
        self._entries = entries.with_groups(pattern, *coloured(as_kernel(pattern)))
        return self._entries

    def dense(self, x: ArrayLike, *args: Any) -> Array:
        """The Jacobian at x as an ndarray, at the same cost: for those who take no sparse one.

        Parameters
        ----------
        x, *args
            As for calling the plan.

        Returns
        -------
        jacobian : ndarray
            (m, n).

        Examples
        --------
        >>> import fastgrad as fg, numpy as np
        >>> fg.plan_jacobian(lambda x: x**2, np.ones(2)).dense([1.0, 3.0]).round(6)
        array([[2., 0.],
               [0., 6.]])
        """
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
            Rows of the matrix go down.

        Raises
        ------
        ImportError
            Matplotlib is missing (extra ``plot``).
        """
        axes = axes_or_new(axes)
        (m, n), entries = self._size
        rows, columns = self._entries.pattern.tocoo().coords
        size = min(100.0, max(1.0, (300.0 / max(m, n)) ** 2))
        axes.scatter(columns, rows, c=self.colours[columns], s=size, marker="s", cmap="tab20", linewidths=0)
        axes.set(xlim=(-0.5, n - 0.5), ylim=(m - 0.5, -0.5), aspect="equal")
        axes.set(xlabel="column", ylabel="row", title=f"{self.n_colours} colours, {entries} entries")
        return axes


@with_options(Options)
def plan_jacobian(
    f: Callable[..., Any],
    x: ArrayLike,
    *,
    sparsity: Sparsity = "detect",
    args: tuple[Any, ...] = (),
    **options: Unpack[Options],
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
        which NumPy code carries on: a superset, with no tolerance, of what f computes at x. It does not see branches
        that f does not take there (NaN is never greater: ``np.where(x > 0, ...)`` takes the second one), nor what
        functions such as ``np.fmax`` or ``np.nan_to_num`` and conversions to integers do away with.
    args : tuple, optional
        Further arguments of f.
    vectorized : bool or {"rows", "columns"}, optional
        As for `jacobian`.
    **options
        Those of `Options`.

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
    (1974) 117-119): two evaluations a colour. The first Jacobian is compared with f along a random direction, by two
    evaluations, and later ones where x has jumped, and of others as many as cost little. A row that turns
    out to depend on a coordinate outside its pattern is an error where the pattern was given; one that was found gets
    the entry, with a warning.

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
    callable_or_error(f, args)
    method, how = choose(plan_jacobian, options)
    # What is changed after the plan was made does not change the plan.
    point, chosen = array_point(x), fixed_or_error(method)
    return _planned(_compressed(f, point, chosen, sparsity, how), args, sparsity)[0]


def _compressed(f: Callable[..., Any], point: Point, chosen: FixedStep, sparsity: Any, how: Evaluation) -> Compressed:
    """The entries of f's Jacobian; the options are compared with the point, before f is called."""
    checks.sparsity("sparsity", sparsity)
    chosen.check(point, point.flat)
    return Compressed(f, point, how, chosen)


def _planned(
    entries: Compressed, args: tuple[Any, ...], sparsity: Any, at_once: bool = False
) -> tuple[JacobianPlan, Any]:
    """A plan, and if it is wanted at once the Jacobian at the point that it was made at."""
    with entries.problem(args) as problem:
        plan = JacobianPlan(entries, args, entries.found_pattern(problem, sparsity), sparsity)
        found = plan._at(problem) if at_once else None
        plan._add(problem.nfev)
    return plan, found


def sparse_jacobian(
    f: Callable[..., Any], point: Point, args: tuple[Any, ...], chosen: FixedStep, sparsity: Any, how: Evaluation
) -> Any:
    """The Jacobian at a point, by a plan that is made there: f at x is asked once for both."""
    return _planned(_compressed(f, point, chosen, sparsity, how), args, sparsity, at_once=True)[1]


def summed_gradient(
    f: Callable[..., Any], x: Any, args: tuple[Any, ...], chosen: Method, sparsity: Any, how: Evaluation
) -> Any:
    """The gradient of the sum of f's values; options as for `gradient`."""
    point = as_point(x)
    if sparsity is not None:
        terms = sparse_jacobian(f, array_point(x), args, fixed_or_error(chosen), sparsity, how)
        found = np.asarray(terms.sum(axis=0))
    else:
        chosen.check(point, point.flat)
        with Problem.of(f, args, point, how, outputs=None) as terms:
            terms.function.expect(1 + chosen.evaluations(point.n))
            total = np.array([[terms.values.sum()]])
            found = chosen.checked(Problem(SumFunction(terms.function, point), point, values=total))
    return point.restore(found)
