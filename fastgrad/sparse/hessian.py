"""Sparse Hessians: from differences of a gradient, or entry by entry from values of f."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.point import Array, Point
from ..evaluate.functions import Evaluation
from ..evaluate.problem import Problem
from ..methods.fixed import FixedStep
from ..methods.second import hessian_entries
from .compressed import Compressed
from .patterns import as_kernel, coloured, given_pattern, sparse


def by_gradient(
    grad: Callable[..., Any], point: Point, args: tuple[Any, ...], how: Evaluation, chosen: FixedStep, sparsity: Any
) -> Any:
    """Differences of the gradient, columns of a colour of the star colouring at a time; a csr_array."""
    gradient = Compressed(grad, point, how, chosen)
    with gradient.problem(args) as problem:
        return _symmetric(gradient, problem, sparsity)


def _symmetric(gradient: Compressed, problem: Problem, sparsity: Any) -> Any:
    """The Hessian from a gradient: entries alone in their row and colour, the others being their mirror images."""
    point = gradient.point
    pattern = _symmetric_pattern(gradient.found_pattern(problem, sparsity))
    colours, count = coloured(as_kernel(pattern), star=True)
    rows = np.repeat(np.arange(point.n), np.diff(pattern.indptr))
    columns = pattern.indices
    # An entry is alone in its row and colour, or else its mirror image is.
    _, place, members = np.unique(rows * np.int64(count) + colours[columns], return_inverse=True, return_counts=True)
    alone = members[place] == 1
    module = sparse()
    order = np.arange(1, pattern.nnz + 1)
    mirror = module.csr_array((order, columns, pattern.indptr), shape=pattern.shape).T.tocsr()
    mirror.sort_indices()
    starts = np.concatenate([[0], np.cumsum(alone)])[pattern.indptr]
    ones = np.ones(int(alone.sum()), dtype=bool)
    gradient.set_groups(module.csr_array((ones, columns[alone], starts), shape=pattern.shape), colours, count)

    data = np.empty(pattern.nnz)
    data[alone], near = gradient.entries(problem)
    data[~alone] = data[mirror.data[~alone] - 1]
    found = module.csr_array((data, columns, pattern.indptr), shape=pattern.shape)
    entry = gradient.compared(problem, found, near).lacking
    if entry is not None:
        raise gradient.error_of(entry)
    return (0.5 * (found + found.T)).tocsr()


def by_entries(problem: Problem, chosen: FixedStep, sparsity: Any) -> Any:
    """Second differences of f for the entries of a pattern; a csr_array."""
    rows, columns = upper_entries(sparsity, problem.point.n)
    found = hessian_entries(problem, chosen, rows, columns)
    return symmetric(rows, columns, found.mixed, found.diagonal)


def upper_entries(sparsity: Any, n: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of a pattern's entries above the diagonal."""
    rows, columns = _symmetric_pattern(given_pattern(sparsity, n, n)).tocoo().coords
    upper = rows < columns
    return rows[upper].astype(np.intp), columns[upper].astype(np.intp)


def symmetric(rows: NDArray[np.intp], columns: NDArray[np.intp], upper: Array, diagonal: Array) -> Any:
    """The symmetric matrix of a diagonal and entries above it; a csr_array."""
    n = diagonal.size
    along = np.arange(n)
    data = np.concatenate([upper, upper, diagonal])
    where = (np.concatenate([rows, columns, along]), np.concatenate([columns, rows, along]))
    return sparse().csr_array((data, where), shape=(n, n))


def _symmetric_pattern(pattern: Any) -> Any:
    """The pattern with its mirror image and the diagonal."""
    module = sparse()
    if pattern.shape[0] != pattern.shape[1]:
        raise ValueError(f"a Hessian is square, but the gradient has {pattern.shape[0]} values of {pattern.shape[1]}")
    ones = pattern.astype(np.int8)
    found = module.csr_array(ones + ones.T + module.eye_array(pattern.shape[0], dtype=np.int8)).astype(bool)
    found.sort_indices()
    return found
