"""What a user's gradient may return, and what is said of it besides its entries."""

from collections import OrderedDict

import numpy as np
import pytest

import fastgrad as fg

TREE = {"W": np.arange(1.0, 7.0).reshape(2, 3), "b": np.array([0.5, 0.7, -0.2]), "c": 2.0}


def f(p):
    return float((p["W"] ** 2).sum() * p["c"] + (p["b"] ** 3).sum())


def slopes(p):
    return {"W": 2 * p["W"] * p["c"], "b": 3 * p["b"] ** 2, "c": float((p["W"] ** 2).sum())}


@pytest.mark.parametrize(
    "claimed",
    [
        lambda p: (f(p), slopes(p)),
        lambda p: (np.array(f(p)), slopes(p)),
        lambda p: (slopes(p), f(p)),
        lambda p: slopes(p) | {"c": np.array((p["W"] ** 2).sum())},
        lambda p: OrderedDict(reversed(slopes(p).items())),
    ],
    ids=["value first", "an array as value", "value last", "an array without axes", "another order"],
)
def test_pairs_and_gradients_of_a_dict(claimed):
    check = fg.check_grad(f, claimed, TREE)
    assert check.verdict == "right"
    assert check.notes == []


def test_the_value_of_a_pair_is_compared():
    for claimed in (lambda p: (f(p) + 1, slopes(p)), lambda p: (np.nan, slopes(p)), lambda p: (slopes(p), 0.0)):
        check = fg.check_grad(f, claimed, TREE)
        assert check
        assert "beside the gradient is" in check.notes[0]


@pytest.mark.parametrize("make", [tuple, list])
def test_a_tuple_of_two_may_be_the_gradient(make):
    """Of an x with two entries, or of a tuple of two."""
    check = fg.check_grad(lambda x: x[0] ** 2 * x[1], lambda x: make((2 * x[0] * x[1], x[0] ** 2)), [3.0, 4.0])
    assert check
    assert check.notes == []
    x = make((2.0, np.ones(3)))
    check = fg.check_grad(lambda p: p[0] * p[1].sum(), lambda p: (p[1].sum(), np.full(3, p[0])), x)
    assert check
    assert check.notes == []
    check = fg.check_grad(lambda x: x @ x, lambda x: (x @ x, (2 * x[0], 2 * x[1])), np.array([1.0, 2.0]))
    assert check
    assert fg.check_grad(lambda x: x**3, lambda x: (x**3, 3 * x**2), 2.0).notes == []


@pytest.mark.parametrize(
    ("claimed", "words"),
    [
        ({"b": np.ones((3, 1))}, [r"\(3, 1\)", r"\(3,\)"]),
        ({"b": np.ones((1, 3))}, [r"\(1, 3\)", r"\(3,\)"]),
        ({"b": 2.0}, [r"shape \(\)", r"\(3,\)"]),
        ({"W": np.ones((3, 2))}, [r"\(3, 2\)", r"\(2, 3\)"]),
        ({"c": np.ones(2)}, [r"\(2,\)", r"\(\)"]),
    ],
)
@pytest.mark.parametrize("paired", [False, True])
def test_leaves_of_another_shape_are_refused(claimed, words, paired):
    wrong = slopes(TREE) | claimed
    for word in words:
        with pytest.raises(ValueError, match=word):
            fg.check_grad(f, lambda p: (f(p), wrong) if paired else wrong, TREE)


def test_arrays_of_another_shape_are_refused():
    for claimed in (np.ones((3, 1)), 2.0, (1.0, np.ones((3, 1))), (1.0, 2.0)):
        with pytest.raises(ValueError, match=r"but x has shape \(3,\)"):
            fg.check_grad(lambda x: x @ x, lambda x, claimed=claimed: claimed, np.ones(3))


def test_a_gradient_that_differs_from_call_to_call_is_noted():
    rng = np.random.default_rng(0)

    def dropout(p):
        return slopes(p) | {"b": 3 * p["b"] ** 2 * rng.integers(0, 2, 3)}

    notes = fg.check_grad(f, dropout, TREE).notes
    assert len(notes) == 1
    assert notes[0].startswith("grad is not deterministic: b[")
    assert notes[0].endswith("at the same x; dropout, or another random sample?")


def test_rounding_is_no_difference():
    """Threads add in another order each time."""
    calls = []

    def grad(x):
        calls.append(x)
        return 2 * x * (1 + len(calls) * 2.0**-52)

    assert fg.check_grad(lambda x: x @ x, grad, np.arange(1.0, 9.0)).notes == []
    assert len(calls) == 2


def test_nan_twice_is_no_difference():
    check = fg.check_grad(lambda x: x @ x, lambda x: np.array([np.nan, np.inf, 2.0]), np.ones(3))
    assert check.verdict == "wrong"
    assert check.notes == []


def test_what_grad_raises_when_it_is_called_again_comes_out():
    given = [np.array([2.0, 4.0])]
    with pytest.raises(IndexError):
        fg.check_grad(lambda x: x @ x, lambda x: given.pop(), np.array([1.0, 2.0]))


def doubled(x):
    x *= 2
    return x


def doubled_leaf(p):
    p["b"][...] *= 3 * p["b"]
    return slopes(TREE) | {"b": p["b"]}


def replaced_leaf(p):
    p["b"] = 3 * p["b"] ** 2
    return slopes(TREE) | {"b": p["b"]}


def emptied(p):
    found = slopes(p)
    p.clear()
    return found


def test_a_gradient_that_writes_to_x_is_noted():
    check = fg.check_grad(lambda x: x @ x, doubled, np.array([1.0, 2.0]))
    assert check  # what it returned counts
    assert check.notes == ["grad overwrites its argument"]
    for grad in (doubled_leaf, replaced_leaf, emptied):
        check = fg.check_grad(f, grad, TREE)
        assert check, grad
        assert check.notes == ["grad overwrites its argument"]
    assert np.array_equal(TREE["b"], [0.5, 0.7, -0.2])


def test_a_gradient_of_very_many_is_called_twice_too():
    calls = []

    def grad(x):
        calls.append(1)
        return 2 * x

    check = fg.check_grad(lambda x: x @ x, grad, np.ones(100_000))
    assert check
    assert len(calls) == 2
    assert check.notes == []
