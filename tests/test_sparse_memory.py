"""Memory of sparse derivatives: what is given stays, what is handed out is the caller's, no index is trusted."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sparse_examples import jacobian_of_tridiagonal, patterns, tridiagonal, weighted

import fastgrad as fg
from fastgrad.sparse import kernels

FORMATS = ("csr", "csc", "coo", "bsr", "dia", "lil", "dok")
X = np.array([0.3, 0.5, 0.7, 0.9])


def state(matrix):
    """All that a sparse matrix or an array is: numbers, types, layouts, flags, and attributes that scipy adds."""
    if isinstance(matrix, np.ndarray):
        return type(matrix), matrix.dtype, matrix.shape, matrix.strides, str(matrix.flags), repr(matrix.tolist())
    if sparse.issparse(matrix):
        return {name: state(part) for name, part in vars(matrix).items()}
    return [state(part) for part in matrix] if isinstance(matrix, tuple | list) else repr(matrix)


def shuffled(pattern, kind, dtype, index, rng):
    """A pattern by rows or columns as nobody would write it: unsorted, with duplicates and explicit zeros."""
    lines = pattern if kind == "csr" else pattern.T
    indices = [np.repeat(rng.permutation(np.flatnonzero(line)), rng.integers(1, 3)) for line in lines]
    starts = np.concatenate([[0], np.cumsum([each.size for each in indices])]).astype(index)
    columns = np.concatenate(indices).astype(index)
    data = rng.integers(0, 2, columns.size).astype(dtype)
    made = sparse.csr_array if kind == "csr" else sparse.csc_array
    found = made(pattern.shape, dtype=dtype)
    found.data, found.indices, found.indptr = data, columns, starts
    return found


def given_as(pattern, kind, dtype, index, rng):
    """A pattern in any format that users have."""
    if kind in ("csr", "csc"):
        return shuffled(pattern, kind, dtype, index, rng)
    if kind == "coo":
        rows, columns = np.nonzero(pattern)
        order = rng.permutation(np.tile(np.arange(rows.size), 2))
        where = rows[order].astype(index), columns[order].astype(index)
        return sparse.coo_array((np.ones(order.size, dtype=dtype), where), shape=pattern.shape)
    if kind in FORMATS:
        options = {"blocksize": (1, 1)} if kind == "bsr" else {}
        return getattr(sparse, f"{kind}_array")(pattern.astype(dtype), **options)
    return pattern.astype(dtype).view(np.matrix) if kind == "matrix" else pattern.astype(dtype)


@settings(max_examples=80)
@given(
    patterns(),
    st.sampled_from([*FORMATS, "matrix", "array"]),
    st.sampled_from([bool, np.int8, np.int64, np.float32, float]),
    st.sampled_from([np.int32, np.int64]),
    st.integers(0, 99),
)
def test_a_given_pattern_stays_as_it_is(pattern, kind, dtype, index, seed):
    given = given_as(pattern, kind, dtype, index, np.random.default_rng(seed))
    before = state(given)
    f, exact = weighted(pattern)
    x = np.linspace(0.3, 1.1, pattern.shape[1])
    found = fg.jacobian(f, x, sparsity=given)
    plan = fg.plan_jacobian(f, x, sparsity=given)
    assert state(given) == before
    np.testing.assert_allclose(found.toarray(), exact(x), atol=1e-9)
    # Explicit zeros are entries, also in Hessians.
    assert (plan.pattern.toarray() == pattern).all()


@pytest.mark.parametrize("kind", [*FORMATS, "matrix", "array"])
def test_a_hessians_pattern_stays_as_it_is(kind):
    pattern = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]], dtype=bool)
    given = given_as(pattern, kind, float, np.int64, np.random.default_rng(0))
    before = state(given)
    exact = np.array([[2.0, 3.0, 0.0], [3.0, 0.0, 0.0], [0.0, 0.0, 4.0]])
    f = lambda x: x[0] ** 2 + 3 * x[0] * x[1] + 2 * x[2] ** 2  # noqa: E731
    for grad in (None, lambda x: exact @ x):
        found = fg.hessian(f, X[:3], grad=grad, sparsity=given)
        np.testing.assert_allclose(found.toarray(), exact, atol=1e-6)
        changed(found)
    assert state(given) == before


def changed(matrix):
    """A matrix after every method of scipy.sparse that changes it in place, and with new numbers in all its arrays."""
    matrix.data[::2] = 0.0
    matrix.eliminate_zeros()
    matrix.indices[:] = matrix.shape[1] - 1 - matrix.indices
    matrix.has_sorted_indices = matrix.has_canonical_format = False
    matrix.sum_duplicates()
    matrix.sort_indices()
    matrix.setdiag(7)
    matrix[0, 0] = 3
    matrix.resize(1, 2)
    matrix.prune()
    for part in (matrix.data, matrix.indices, matrix.indptr):
        part[:] = 1


@settings(max_examples=40)
@given(patterns(), st.booleans(), st.booleans())
def test_what_a_plan_hands_out_can_be_changed(pattern, vectorized, is_given):
    weights, exact = weighted(pattern)
    f = (lambda X: weights(X.T).T) if vectorized else weights
    x = np.linspace(0.3, 1.1, pattern.shape[1])
    given = sparse.csr_array(pattern)
    before = state(given)
    plan = fg.plan_jacobian(f, x, sparsity=given if is_given else "detect", vectorized=vectorized)
    kept = plan(x)
    for handed_out in (plan(x), plan.pattern, fg.jacobian(f, x, sparsity=given, vectorized=vectorized)):
        changed(handed_out)
    plan.colours[:] = -1
    np.testing.assert_allclose(plan(2 * x).toarray(), exact(2 * x), atol=1e-8)
    np.testing.assert_allclose(kept.toarray(), exact(x), atol=1e-8)
    np.testing.assert_array_equal(plan.pattern.toarray(), pattern)
    assert plan.colours.min(initial=0) == 0
    assert state(given) == before


def test_a_clean_up_leaves_the_plan_its_entries():
    n = 1000
    x = np.arange(1.0, n + 1)
    plan = fg.plan_jacobian(lambda x: x**2 + np.concatenate([[0.0], x[:-1] ** 2]), x)
    some = np.where(np.arange(n) < n - 10, 0.0, x)
    cleaned = plan(some)
    cleaned.eliminate_zeros()
    assert cleaned.nnz == 19  # of ten rows, and the first has no neighbour
    exact = sparse.diags_array([2 * x, 2 * x[:-1]], offsets=[0, -1]).toarray()
    for _ in range(3):
        np.testing.assert_allclose(plan(x).toarray(), exact, rtol=1e-8)


def test_a_plan_cannot_be_changed():
    x = X.copy()
    pattern = jacobian_of_tridiagonal(x)
    options = {"typical_x": np.ones(4), "bounds": (np.zeros(4), np.ones(4))}
    plan = fg.plan_jacobian(tridiagonal, x, sparsity=pattern, **options)
    same = fg.plan_jacobian(tridiagonal, X, sparsity=pattern.copy(), typical_x=1.0, bounds=(0.0, 1.0))
    pickled = pickle.dumps((plan.pattern, plan.colours))
    x[:] = 9.0
    pattern.data[:], pattern.indices[:] = 0, 0
    options["typical_x"][:] = 1e6
    for bound in options["bounds"]:
        bound[:] = 0.5
    np.testing.assert_array_equal(plan(X).toarray(), same(X).toarray())
    assert pickle.dumps((plan.pattern, plan.colours)) == pickled
    for name in ("pattern", "colours", "n_colours"):
        with pytest.raises(AttributeError):
            setattr(plan, name, getattr(plan, name))
    changed(copy.deepcopy(plan).pattern)
    changed(pickle.loads(pickle.dumps(plan._entries)).pattern)
    np.testing.assert_array_equal(plan(X).toarray(), same(X).toarray())


def broken(kind, **parts):
    """A pattern (4, 4) with other index arrays than fit it."""
    found = sparse.csr_array(jacobian_of_tridiagonal(X)).asformat(kind)
    for name, part in parts.items():
        setattr(found, name, np.array(part))
    return found


BROKEN = {
    "an index too large": broken("csr", indices=[0, 1, 0, 1, 2, 1, 2, 3, 2, 10**6]),
    "an index below 0": broken("csc", indices=[0, 1, 0, 1, 2, 1, 2, -1, 2, 3]),
    "an index that wraps to 0": broken("csr", indices=[0, 1, 0, 1, 2, 1, 2, 3, 2, 2**32]),
    "starts that fall": broken("csr", indptr=[0, 2, 9, 8, 10]),
    "starts beyond the end": broken("csr", indptr=[0, 2, 5, 8, 10**6]),
    "starts that begin late": broken("csc", indptr=[3, 3, 5, 8, 10]),
    "starts too few": broken("csr", indptr=[0, 2, 5, 10]),
    "blocks outside": broken("bsr", indices=[0, 10**6]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_pattern_is_an_error(name):
    with pytest.raises(ValueError, match="sparsity pattern"):
        fg.jacobian(tridiagonal, X, sparsity=BROKEN[name])


def test_a_broken_list_of_entries_is_an_error():
    given = sparse.coo_array(jacobian_of_tridiagonal(X))
    given.row[3] = 10**6
    with pytest.raises(ValueError, match="index arrays do not fit its shape"):
        fg.jacobian(tridiagonal, X, sparsity=given)


def test_spare_room_behind_the_entries_is_not_read():
    given = jacobian_of_tridiagonal(X)
    given.indices = np.append(given.indices, 10**6)
    np.testing.assert_allclose(fg.jacobian(tridiagonal, X, sparsity=given).diagonal(), 3 - 4 * X, atol=1e-9)


# Two rows and three columns with three entries, in two groups.
PATTERN = {"m": 2, "n": 3, "row_starts": [0, 2, 3], "columns": [0, 2, 1]}
GROUPS = {
    "outputs": 2,
    "groups": [0, 1, 2],
    "group_starts": [0, 2, 3],
    "entries": [0, 2, 1],
    "entry_starts": [0, 2, 3],
    "entry_rows": [0, 1, 0],
    "entry_columns": [0, 1, 2],
}


@pytest.mark.parametrize(
    "parts",
    [
        {"row_starts": [0, 2, 4]},
        {"row_starts": [1, 2, 3]},
        {"row_starts": [0, 4, 3]},
        {"row_starts": [0, -1, 3]},
        {"row_starts": [0, 3]},
        {"row_starts": []},
        {"columns": [0, 3, 1]},
        {"columns": [0, -1, 1]},
        {"columns": [0, 2**32, 1]},
        {"columns": [[0], [2], [1]]},
        {"columns": [0.5, 2, 1]},
        {"m": -1, "row_starts": []},
        {"n": -1, "row_starts": [0, 0, 0], "columns": []},
        {"n": 2**31},
    ],
)
def test_the_kernels_refuse_a_pattern_that_does_not_fit(parts):
    kernels.Pattern(**PATTERN)
    with pytest.raises(ValueError, match=r"rise from 0|outside of|indices that fit|beyond 32 bits"):
        kernels.Pattern(**PATTERN | parts)


def test_a_star_colouring_needs_a_square_pattern():
    with pytest.raises(ValueError, match="square"):
        kernels.Pattern(**PATTERN).colours(star=True)


@pytest.mark.parametrize(
    "parts",
    [
        {"groups": [0, 1, 3]},
        {"groups": [0, -1, 2]},
        {"group_starts": [0, 4, 3]},
        {"group_starts": [0, 2]},
        {"group_starts": []},
        {"entries": [0, 2, 3]},
        {"entries": [0, 2]},
        {"entry_starts": [0, 2, 4]},
        {"entry_starts": [0, 3]},
        {"entry_rows": [0, 2, 0]},
        {"entry_rows": [0, 1]},
        {"entry_columns": [0, 1, 3]},
        {"outputs": 1},
    ],
)
def test_the_kernels_refuse_groups_that_do_not_fit(parts):
    kernels.Compression(**GROUPS)
    with pytest.raises(ValueError, match=r"rise from 0|outside of|fit together"):
        kernels.Compression(**GROUPS | parts)


def test_the_kernels_keep_indices_of_their_own():
    given = {name: np.array(part, dtype=np.int32) for name, part in GROUPS.items() if name != "outputs"}
    by = kernels.Compression(2, **given)
    for part in given.values():
        part[:] = 10**6
    found = np.empty(3)
    zero, one = np.zeros((2, 2)), np.ones((2, 2))
    by.scatter(one, zero, np.zeros(3), np.full(3, 0.5), np.zeros(3), found)
    assert found.tolist() == [2.0, 2.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        by.groups[0] = 1
    for values in (np.ones((2, 3)), np.ones((1, 2))):
        with pytest.raises(ValueError, match="do not fit together"):
            by.scatter(values, values, np.zeros(3), np.ones(3), np.zeros(3), found)
    with pytest.raises(ValueError, match="array of 3 numbers"):
        by.scatter(one, zero, np.zeros(3), np.ones(3), np.zeros(3), np.empty(2))
