"""The search among very many entries: what it names, what it costs, what it says that it cannot see."""

import zlib

import numpy as np
import pytest

import fastgrad as fg


def big_problem(n=10**6):
    rng = np.random.default_rng(11)
    half = n // 2
    x = {"W1": rng.normal(size=(half // 100, 100)), "b": rng.normal(size=100), "W2": rng.normal(size=n - half - 100)}

    def f(p):
        return float(np.sum(np.sin(p["W1"])) + np.sum(p["b"] ** 3) + np.sum(np.cos(p["W2"])))

    def g(p):
        return {"W1": np.cos(p["W1"]), "b": 3 * p["b"] ** 2, "W2": -np.sin(p["W2"])}

    return f, g, x


def test_search_right():
    f, g, x = big_problem()
    check = fg.check_grad(f, g, x)
    assert check.verdict == "right"
    assert check.nfev <= 10
    assert check.n_compared == 10**6
    assert set(check.leaves) == {"W1", "b", "W2"}
    assert 0 < check.resolution < 1e-2


@pytest.mark.parametrize(
    ("leaf", "index", "change", "path"),
    [
        ("W1", (1234, 56), lambda v: -v, "W1[1234, 56]"),
        ("b", 17, lambda v: 2 * v, "b[17]"),
        ("W2", 400_000, lambda v: 0.0, "W2[400000]"),
    ],
)
def test_search_names_the_one_wrong_entry_of_a_million(leaf, index, change, path):
    f, g, x = big_problem()
    d = g(x)
    d[leaf][index] = change(d[leaf][index])
    check = fg.check_grad(f, d, x)
    assert check.verdict == "wrong"
    assert [m.path for m in check.wrong] == [path]
    assert check.nfev <= 120


def test_search_names_several_and_repeats():
    f, g, x = big_problem(20_000)
    d = g(x)
    d["W1"][3, 4] += 1
    d["W2"][77] *= -3
    d["W2"][9000] += 0.1
    check = fg.check_grad(f, d, x)
    assert {m.path for m in check.wrong} == {"W1[3, 4]", "W2[77]", "W2[9000]"}
    assert fg.check_grad(f, d, x).to_dict() == check.to_dict()
    few = fg.check_grad(f, d, x, max_evals=20)
    assert few.verdict == "wrong"
    assert few.nfev <= 40
    assert any("max_evals" in note for note in few.notes)
    # About 2 k log2(n / k) tests of 2 evaluations.
    assert check.nfev <= 2 * 3 * np.log2(20_000 / 3) * 4


@pytest.mark.parametrize("k", [1, 5, 20])
def test_search_names_exactly_the_wrong_entries(k):
    n = 100_000
    rng = np.random.default_rng(k)
    x = rng.uniform(0.5, 1.5, n)
    d = np.cos(x)
    wrong = rng.choice(n, k, replace=False)
    d[wrong] += rng.choice([-1, 1], k) * rng.uniform(0.1, 1, k)
    check = fg.check_grad(lambda x: np.sin(x).sum(), d, x, max_evals=5000)
    assert {m.index for m in check.wrong} == set(wrong.tolist())
    # 4 evaluations a halving of one entry's way, and a look at the end for errors that cancelled.
    assert check.nfev <= 1.3 * 2 * k * np.log2(n / k) * 2 + 30


def test_everything_wrong_is_noticed_at_once():
    f, g, x = big_problem(20_000)
    check = fg.check_grad(f, {k: v + 1 for k, v in g(x).items()}, x, max_evals=10)
    assert check.verdict == "wrong"
    assert check.nfev <= 20
    assert "along a random direction the claimed slope" in check.explanation


def test_a_new_leaf_changes_no_other_direction():
    from fastgrad.check.search import Search
    from fastgrad.core.point import as_point
    from fastgrad.evaluate.functions import as_function
    from fastgrad.evaluate.problem import Problem

    directions = []
    for x in ({"b": np.ones(3), "w": np.arange(4.0)}, {"a": np.ones(2), "b": np.ones(3), "w": np.arange(4.0)}):
        point = as_point(x)
        function = as_function(lambda p: 0.0, (), point)
        search = Search(Problem(function, point), np.zeros(point.n), 0.0, 5, 10)
        directions.append(dict(zip((point.name(i) for i in range(point.n)), search.direction, strict=True)))
    assert all(directions[1][name] == value for name, value in directions[0].items())


def test_search_says_when_a_whole_leaf_is_wrong():
    f, g, x = big_problem(20_000)
    d = g(x)
    d["W1"] *= 2
    check = fg.check_grad(f, d, x)
    assert check.verdict == "wrong"
    assert "W1 is 2.000 times too large" in check.explanation
    assert "of 10000" in check.explanation


def test_a_leaf_is_told_from_the_others_before_it_is_halved():
    """A wrong scale beside 100,000 weights: the first cut is where one leaf ends and the other begins."""
    x = {"scale": np.array([2.0]), "weights": np.linspace(0.5, 1.5, 100_000)}

    def f(p):
        return float(p["scale"][0] ** 3 + np.sum(p["weights"] ** 2))

    right = {"scale": 3 * x["scale"] ** 2, "weights": 2 * x["weights"]}
    assert fg.check_grad(f, right, x).verdict == "right"
    check = fg.check_grad(f, right | {"scale": np.array([6.0])}, x)
    assert [m.path for m in check.wrong] == ["scale[0]"]
    # The direction, one cut, and a look at the entry and what is left; 17 cuts would take 68 by themselves.
    assert check.nfev <= 40


@pytest.mark.parametrize("factor", [1.0, -1.0])
def test_a_search_that_noise_makes_blind_is_undecided(factor):
    """The noise is as large as f's terms are together: neither the gradient nor its opposite is right or wrong."""
    x = np.linspace(0.1, 0.9, 1000)

    def f(x):
        return float(np.sin(x).sum()) + 500.0 * zlib.crc32(x.tobytes()) / 2**32

    check = fg.check_grad(f, factor * np.cos(x), x)
    assert check.verdict == "undecided"
    assert "too inaccurate" in check.explanation


def test_halves_are_moved_and_all_else_stays_at_x():
    """The slope along a part depends on where the other coordinates are: here each term takes all of them."""
    x = np.linspace(0.1, 0.9, 1000)
    weights = np.linspace(-1.0, 1.0, 1000) + 2.0

    def f(x):
        return float(weights @ x) ** 2

    claimed = 2 * float(weights @ x) * weights
    assert fg.check_grad(f, claimed, x).verdict == "right"
    claimed[[77, 800]] *= [1.5, -1.0]
    assert {m.index for m in fg.check_grad(f, claimed, x).wrong} == {77, 800}


def test_networks_with_kinks_are_searched():
    """A line through thousands of kinks: the slope at x is that between the nearest two."""
    verdicts, named = [], 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        inputs, target = rng.normal(size=(64, 20)), rng.normal(size=64)
        x = {"W": rng.normal(size=(20, 40)) / 4, "v": rng.normal(size=40) / 6}

        def f(p, inputs=inputs, target=target):
            return float(0.5 * np.mean((np.maximum(inputs @ p["W"], 0) @ p["v"] - target) ** 2))

        hidden = inputs @ x["W"]
        off = (np.maximum(hidden, 0) @ x["v"] - target) / 64
        claimed = {"W": inputs.T @ (np.outer(off, x["v"]) * (hidden > 0)), "v": np.maximum(hidden, 0).T @ off}
        verdicts.append(fg.check_grad(f, claimed, x, seed=seed).verdict)
        claimed["W"][3, seed] += 0.1
        named += [m.path for m in fg.check_grad(f, claimed, x, seed=seed).wrong] == [f"W[3, {seed}]"]
    assert "wrong" not in verdicts
    assert verdicts.count("right") >= 5
    assert named >= 5


def test_search_and_all_agree():
    f, g, x = big_problem(1000)
    d = g(x)
    d["b"][5] = 0.0
    for exhaustive in (True, False):
        assert [m.path for m in fg.check_grad(f, d, x, exhaustive=exhaustive).wrong] == ["b[5]"]


def test_search_explains_a_gradient_of_the_last_iterate():
    old = np.random.default_rng(0).uniform(0.5, 1.5, 2000)
    x = old - 0.1 * np.cos(old)
    check = fg.check_grad(lambda x: np.sin(x).sum(), np.cos(old), x)
    assert check.verdict == "wrong"
    assert "right at x + 0.1·gradient: evaluated at a stale point?" in check.explanation


def test_errors_that_cancel_along_one_direction_are_found_along_another():
    """Two neighbours whose errors cancel along the first direction, to the last bit or nearly; a third shows itself."""
    x = np.random.default_rng(0).uniform(0.5, 1.5, 1000)
    seen = []

    def f(x):
        seen.append(x.copy())
        return float(np.sin(x).sum())

    fg.check_grad(f, np.cos(x), x, exhaustive=False)
    moved = next(point for point in seen if (point != x).all())
    direction = (moved - x) / np.abs(moved - x).max()
    claimed = np.cos(x)
    claimed[100] += 1.0
    claimed[600] += 1.0 / direction[600]
    claimed[601] -= 1.0 / direction[601]
    check = fg.check_grad(f, claimed, x, exhaustive=False)
    assert {m.index for m in check.wrong} == {100, 600, 601}
