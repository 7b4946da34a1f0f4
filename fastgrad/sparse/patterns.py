"""Sparsity patterns: given, or found by asking f."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.given import array_of
from ..core.point import Array
from . import kernels

Evaluate = Callable[[Array], Array]
"""Values (outputs,) at a point (n,)."""

_SHORTER = (-1.0, 1e-3, -1e-3, 1e-6, -1e-6)
"""Moves beyond an edge of f's domain are tried again so many times as long."""


def sparse() -> Any:
    """``scipy.sparse``, imported only here."""
    try:
        import scipy.sparse
    except ImportError as error:
        raise ImportError("sparsity= needs scipy: pip install scipy") from error
    return scipy.sparse


def given_pattern(pattern: Any, m: int, n: int) -> Any:
    """A pattern that the user passed, as a csr_array of booleans that shares no memory with it.

    Raises
    ------
    ValueError
        It has another shape than (m, n), or index arrays that do not fit its shape.
    """
    module = sparse()
    if not module.issparse(pattern):
        pattern = array_of(pattern, "sparsity")
        if pattern.ndim != 2 or pattern.dtype.kind not in "biuf":
            raise TypeError('sparsity is "detect", "nan", or a pattern: scipy.sparse or an array with two axes')
    if pattern.shape != (m, n):
        raise ValueError(f"the sparsity pattern has shape {pattern.shape}; expected {(m, n)}: a row a value of f")
    found = _entries(pattern, module) if module.issparse(pattern) else module.csr_array(pattern != 0)
    found.sum_duplicates()
    return found


def _entries(given: Any, module: Any) -> Any:
    """Which entries a sparse matrix has, explicit zeros too, as a csr_array.

    scipy's own conversions sort the arrays of what they are given, and trust them: copies are made, and looked at,
    before scipy's compiled code sees them.
    """
    if given.format in ("csr", "csc"):
        by_rows = given.format == "csr"
        starts, indices = np.array(given.indptr), np.array(given.indices)
        lines, limit = given.shape if by_rows else given.shape[::-1]
        _check_indices(starts, indices, lines, limit)
        indices = indices[: starts[-1]]
        kind = module.csr_array if by_rows else module.csc_array
        return kind((np.ones(indices.size, dtype=bool), indices, starts), shape=given.shape).tocsr()
    try:
        entries = given if given.format == "coo" else given.tocoo()
        where = np.array(entries.row), np.array(entries.col)
        return module.csr_array((np.ones(where[0].size, dtype=bool), where), shape=given.shape)
    except (ValueError, IndexError) as error:
        raise ValueError(f"the sparsity pattern's index arrays do not fit its shape {given.shape}: {error}") from error


def _check_indices(starts: NDArray[Any], indices: NDArray[Any], lines: int, limit: int) -> None:
    """A ValueError unless index arrays are those of so many rows, or columns, of this length."""
    fine = starts.shape == (lines + 1,) and indices.ndim == 1
    fine = fine and starts[0] == 0 and bool((starts[1:] >= starts[:-1]).all()) and starts[-1] <= indices.size
    if not fine:
        raise ValueError(f"the sparsity pattern is broken: its indptr does not rise from 0 to {indices.size}")
    used = indices[: starts[-1]]
    if used.min(initial=0) < 0 or used.max(initial=-1) >= limit:
        raise ValueError(f"the sparsity pattern is broken: it has indices outside of 0 to {limit - 1}")


def as_kernel(pattern: Any) -> kernels.Pattern:
    """A csr_array as the kernels read it."""
    m, n = pattern.shape
    return kernels.Pattern(m, n, pattern.indptr, pattern.indices)


def coloured(pattern: kernels.Pattern, star: bool = False) -> tuple[NDArray[np.int32], int]:
    """Colours by the natural order and smallest-last, the better of both."""
    natural = pattern.colours(False, star)
    # A row's entries all differ: no colouring has fewer than the fullest row.
    if not star and natural[1] == int(np.diff(pattern.row_starts).max(initial=0)):
        return natural
    other = pattern.colours(True, star)
    return other if other[1] < natural[1] else natural


def detected(
    evaluate: Evaluate,
    x: Array,
    room: Array | None = None,
    nan: bool = False,
    points: int = 2,
    base: Array | None = None,
) -> Any:
    """The pattern of f's Jacobian, by perturbing blocks of coordinates together: a csr_array of booleans.

    A block whose rows are known is halved; blocks that share no row are perturbed together, so that a pattern with few
    entries a row takes a number of evaluations that grows with the logarithm of n.

    Parameters
    ----------
    evaluate : callable
        Values of f at a point.
    x : ndarray
        (n,).
    room : ndarray, optional
        (2, n): how far coordinates may move down and up.
    nan : bool
        Coordinates become NaN instead of moving: what is NaN then depends on them. A superset, with no tolerance.
    points : int
        Around how many points f is asked; an entry that is zero at one of them by chance is not lost.
    base : ndarray, optional
        The values at x, where they are known.
    """
    rng = np.random.default_rng(0)
    bases = [(x, evaluate(x) if base is None else base)]
    size = np.where(x == 0, 1.0, np.abs(x))
    with np.errstate(all="ignore"):
        moves = 1e-3 * size * rng.uniform(0.5, 1.0, x.size) * rng.choice([-1.0, 1.0], x.size)
        if room is not None:
            moves = np.where(moves > 0, np.minimum(moves, room[1]), np.maximum(moves, -room[0]))
            moves = np.where(moves == 0, np.where(room[1] > 0, np.minimum(1e-3 * size, room[1]), -room[0]), moves)
    for _ in range(0 if nan else points - 1):
        with np.errstate(all="ignore"):
            other = x + moves * rng.uniform(0.2, 0.8, x.size)
        values = evaluate(other)
        if not np.array_equal(values, evaluate(other), equal_nan=True):
            raise ValueError("f is not deterministic: its pattern cannot be detected; pass sparsity= as a pattern")
        if np.isfinite(values).all():
            bases.append((other, values))

    def changed(where: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Rows that change with these coordinates."""
        found = np.zeros(bases[0][1].size, dtype=bool)
        for base, values in bases:
            moved = base.copy()
            # The second point lies within the first move: both stay in the room.
            moved[where] = np.nan if nan else x[where] + moves[where]
            seen = evaluate(moved)
            if not nan and not np.isfinite(seen).all():
                seen = _closer(evaluate, x, where, moves, room, seen)
            found |= np.isnan(seen) if nan else seen != values
        return found

    return _halved(changed, bases[0][1].size, x.size)


def _closer(
    evaluate: Evaluate, x: Array, where: NDArray[np.intp], moves: Array, room: Array | None, seen: Array
) -> Array:
    """Values of f where coordinates have moved beyond an edge of its domain: where they move the other way, or less.

    What is not finite however little they move depends on them: as far as can be seen.
    """
    for shorter in _SHORTER:
        step = shorter * moves[where]
        if room is not None:
            step = np.clip(step, -room[0][where], room[1][where])
        moved = x.copy()
        moved[where] += step
        closer = evaluate(moved)
        seen = np.where(np.isfinite(seen), seen, closer)
        if np.isfinite(seen).all():
            break
    return seen


def _halved(changed: Callable[[NDArray[np.intp]], NDArray[np.bool_]], m: int, n: int) -> Any:
    module = sparse()
    starts = np.array([0, n])
    # The coarse pattern: entries (row, block). One block of one coordinate would never be asked about.
    rows = np.flatnonzero(changed(np.arange(1))) if n == 1 else np.arange(m)
    blocks = np.zeros(rows.size, dtype=np.intp)
    while (np.diff(starts) > 1).any():
        count = starts.size - 1
        coarse = module.csr_array((np.ones(rows.size, dtype=bool), (rows, blocks)), shape=(m, count))
        colour = coloured(as_kernel(coarse))[0]
        middle = (starts[:-1] + starts[1:] + 1) // 2
        found_rows, found_blocks = [], []
        by_colour = np.argsort(colour[blocks], kind="stable")
        ends = np.searchsorted(colour[blocks][by_colour], np.arange(colour.max(initial=-1) + 2))
        for c in range(ends.size - 1):
            entries = by_colour[ends[c] : ends[c + 1]]
            if not entries.size:
                continue
            members = np.flatnonzero(colour == c)
            for half in (0, 1):
                low, high = (starts[members], middle[members]) if half == 0 else (middle[members], starts[members + 1])
                where = _ranges(low, high)
                if not where.size:
                    continue
                hit = entries[changed(where)[rows[entries]]]
                found_rows.append(rows[hit])
                found_blocks.append(2 * blocks[hit] + half)
        starts = np.append(np.column_stack([starts[:-1], middle]).ravel(), n)
        rows = np.concatenate(found_rows) if found_rows else np.empty(0, dtype=np.intp)
        blocks = np.concatenate(found_blocks) if found_blocks else np.empty(0, dtype=np.intp)
        # Halves of blocks of one coordinate are empty: their numbers close up.
        kept = np.diff(starts) > 0
        renumbered = np.cumsum(kept) - 1
        starts = np.append(starts[:-1][kept], n)
        blocks = renumbered[blocks]
    found = module.csr_array((np.ones(rows.size, dtype=bool), (rows, blocks)), shape=(m, n))
    found.sum_duplicates()
    found.sort_indices()
    return found


def _ranges(low: NDArray[np.intp], high: NDArray[np.intp]) -> NDArray[np.intp]:
    """All integers of the ranges low[k] ... high[k] - 1."""
    sizes = high - low
    total = int(sizes.sum())
    if not total:
        return np.empty(0, dtype=np.intp)
    offsets = np.repeat(low - np.concatenate([[0], np.cumsum(sizes)[:-1]]), sizes)
    return np.asarray(np.arange(total) + offsets)
