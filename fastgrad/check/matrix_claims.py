"""A claimed Jacobian or Hessian: a matrix, a function that returns one, or products with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..core.given import attribute, floats
from ..core.matrix_layout import JacobianLayout
from ..core.point import Array, Point
from ..evaluate.problem import Problem
from .entries import Claim

Product = Callable[[Array], Array]


class Claimed(NamedTuple):
    """A claimed Jacobian (m, n)."""

    product: Product | None  # v -> J v
    rows: Product | None  # u -> u J
    sizes: Product | None  # v -> |J| v, where the entries of J are known
    matrix: Callable[[], Array]  # the whole matrix
    at: Claim | None  # the whole matrix at another point
    sparse: bool


def claimed_by(
    jac: Any, jvp: Any, vjp: Any, problem: Problem, args: tuple[Any, ...], rows: int | None = None
) -> Claimed:
    """The claims of a Jacobian, or of products with it, at the problem's point; rows: those of a Hessian."""
    point = problem.point
    rows = problem.outputs if rows is None else rows
    layout, shape = JacobianLayout(rows, point.layout), (rows, point.n)
    if jvp is not None or vjp is not None:
        return _by_products(jvp, vjp, point, shape)

    def ask(x: Array) -> Any:
        return jac(point.argument(x), *args) if callable(jac) else jac

    def matrix_of(found: Any) -> Array:
        return layout.values(found.toarray() if attribute(found, "toarray") else found, "the Jacobian")

    found = ask(problem.x.ravel().copy())
    if attribute(found, "tocsr") is None:
        matrix = matrix_of(found).copy()
        times, sizes = _times(matrix), _times(np.abs(matrix))
    else:
        # This is a copy, because abs of a scipy matrix sums duplicates in place.
        found = found.tocsr().copy()
        if found.shape != shape:
            raise ValueError(f"the Jacobian has shape {found.shape}; expected {shape}: outputs by coordinates")
        times, sizes = _times(found), _times(abs(found))
    at = (lambda x: matrix_of(ask(x))) if callable(jac) else None
    sparse = attribute(found, "tocsr") is not None
    return Claimed(times, None, sizes, lambda: matrix_of(found).copy(), at, sparse)


def _by_products(jvp: Any, vjp: Any, point: Point, shape: tuple[int, int]) -> Claimed:
    m, n = shape
    here = point.flat.ravel()

    def times(v: Array, x: Array = here) -> Array:
        found = floats(jvp(point.argument(x.copy()), point.argument(v.copy())), "what jvp returned")
        if found.size != m:
            raise ValueError(f"jvp returned shape {found.shape}; expected {(m,)}, that of f's outputs")
        return found.ravel()

    def rows(u: Array, x: Array = here) -> Array:
        return point.layout.product_values(vjp(point.argument(x.copy()), u.copy()), "what vjp returned")

    def matrix(x: Array = here) -> Array:
        if jvp is not None:
            return np.stack([times(v, x) for v in np.eye(n)], axis=1)
        return np.stack([rows(u, x) for u in np.eye(m)])

    if jvp is not None:
        return Claimed(times, None, None, matrix, matrix, False)
    return Claimed(None, rows, None, matrix, matrix, False)


def _times(matrix: Any) -> Product:
    """The product of a matrix with a vector."""

    def product(v: Array) -> Array:
        with np.errstate(all="ignore"):
            return np.asarray(matrix @ v)

    return product
