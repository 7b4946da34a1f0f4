"""Checks of Jacobians, and of products with them."""

import zlib

import numpy as np
import pytest
from scipy import sparse

import fastgrad as fg


def residuals(x):
    return np.array([x[0] * x[1], np.sin(x[2]), x[0] ** 2, x[1] * x[2]])


def jacobian(x):
    return np.array([[x[1], x[0], 0], [0, 0, np.cos(x[2])], [2 * x[0], 0, 0], [0, x[2], x[1]]])


def test_jacobian():
    x = np.array([1.0, 2.0, 0.5])
    assert fg.check_jacobian(residuals, jacobian, x)
    assert fg.check_jacobian(residuals, sparse.csr_array(jacobian(x)), x)
    assert fg.check_jacobian(residuals, x=x, jvp=lambda x, v: jacobian(x) @ v)
    assert fg.check_jacobian(residuals, x=x, vjp=lambda x, u: u @ jacobian(x))
    wrong = jacobian(x)
    wrong[1, 2] *= -1
    check = fg.check_jacobian(residuals, wrong, x)
    assert [m.path for m in check.wrong] == ["J[1, 2]"]
    missing = jacobian(x)
    missing[3, 1] = 0
    check = fg.check_jacobian(residuals, sparse.csr_array(missing), x)
    assert [m.path for m in check.wrong] == ["J[3, 1]"]
    assert "missing from the pattern" in check.explanation
    with pytest.raises(ValueError, match=r"shape \(3, 4\); expected \(4, 3\)"):
        fg.check_jacobian(residuals, jacobian(x).T, x)
    with pytest.raises(TypeError, match="one of jac"):
        fg.check_jacobian(residuals, x=x)


def big_residuals(x):
    return np.concatenate([np.sin(x[:-1]) * x[1:], [x[0] * x[-1]]])


def big_jacobian(x):
    n = x.size
    found = sparse.diags_array([np.append(np.cos(x[:-1]) * x[1:], 0.0), np.sin(x[:-1])], offsets=[0, 1]).tolil()
    found[n - 1, 0], found[n - 1, n - 1] = x[-1], x[0]
    return found.tocsr()


@pytest.mark.parametrize("how", ["jac", "jvp", "vjp"])
def test_wrong_entries_of_a_large_jacobian_are_found_by_halving(how):
    x = np.random.default_rng(3).uniform(0.5, 1.5, 2000)
    jac = big_jacobian(x)

    def check():
        if how == "jac":
            return fg.check_jacobian(big_residuals, jac, x)
        if how == "jvp":
            return fg.check_jacobian(big_residuals, x=x, jvp=lambda x, v: jac @ v)
        return fg.check_jacobian(big_residuals, x=x, vjp=lambda x, u: jac.T @ u)

    right = check()
    assert right, str(right)
    jac[700, 701] *= 1.01
    jac[1500, 1500] = 0.0
    wrong = check()
    assert {m.path for m in wrong.wrong} == {"J[700, 701]", "J[1500, 1500]"}
    assert wrong.nfev <= 2 * 2 * 11 * 6 + 60  # two entries of 2000 columns; 6 evaluations a test
    if right.nfev > 12:
        pytest.xfail(f"{right.nfev} evaluations for a right Jacobian; 12 are the bound: a line was asked")


def test_what_no_look_can_tell_is_not_right():
    """Values that differ from call to call by more than the function varies."""
    noise = np.random.default_rng(0)
    check = fg.check_jacobian(lambda x: np.array([x[0] + 1e3 * noise.normal()]), np.array([[5.0]]), np.array([0.7]))
    assert check.verdict != "wrong"
    # 1000 times the noise of the slope's own size: only a bar of that size makes it right.
    assert check.verdict == "undecided" or 1e2 < check.resolution < np.inf


TIMES = np.linspace(0, 10, 500)


def oscillation(p):
    return p[0] * np.exp(-p[1] * TIMES) * np.cos(p[2] * TIMES + p[3])


def oscillation_jacobian(p):
    e = np.exp(-p[1] * TIMES)
    c, s = e * np.cos(p[2] * TIMES + p[3]), e * np.sin(p[2] * TIMES + p[3])
    return np.stack([c, -TIMES * p[0] * c, -TIMES * p[0] * s, -p[0] * s], axis=1)


def test_of_many_rows_some_bars_are_too_short():
    """500 rows whose arguments round inside f: a damped oscillation's right Jacobian is not wrong, and one entry is."""
    verdicts = []
    for seed in range(6):
        p = np.array([2.0, 0.3, 4.0, 0.5]) * np.random.default_rng(seed).uniform(0.7, 1.3, 4)
        claimed = oscillation_jacobian(p)
        verdicts.append(fg.check_jacobian(oscillation, claimed, p).verdict)
        claimed[100, 2] += 1e-3
        wrong = fg.check_jacobian(oscillation, claimed, p)
        assert "J[100, 2]" in {m.path for m in wrong.wrong}
        assert len(wrong.wrong) <= 2
    assert "wrong" not in verdicts
    assert verdicts.count("right") >= 4


def test_products_of_wrong_shape_are_named():
    x = np.ones(3)
    with pytest.raises(ValueError, match=r"jvp returned shape \(3,\); expected \(4,\)"):
        fg.check_jacobian(residuals, x=x, jvp=lambda x, v: v)
    with pytest.raises(ValueError, match=r"vjp returned shape \(4,\); expected \(3,\)"):
        fg.check_jacobian(residuals, x=x, vjp=lambda x, u: u)


@pytest.mark.parametrize("factor", [1e-4, 0.1])
def test_what_rtol_accepts_is_right_where_terms_cancel(factor):
    # Along a direction the terms of some rows nearly cancel: their sum does not say what an entry may be off by.
    rng = np.random.default_rng(0)
    A = rng.normal(size=(200, 40))
    claimed = A * (1 + factor * rng.choice([-1.0, 1.0], A.shape))
    accepted = fg.check_jacobian(lambda x: A @ x, claimed, np.ones(40), rtol=2 * factor)
    assert accepted.verdict == "right", str(accepted)
    assert fg.check_jacobian(lambda x: A @ x, claimed, np.ones(40)).verdict == "wrong"


@pytest.mark.parametrize("how", ["jac", "jvp"])
def test_what_is_five_error_bars_off_is_wrong(how):
    def f(x):
        noise = zlib.crc32(x.tobytes()) / 2**32 - 0.5  # another one at each x, and always the same
        return np.array([3.0 * x[0] + 1e-7 * noise])

    def check(slope):
        given = {"jac": np.array([[slope]])} if how == "jac" else {"jvp": lambda x, v: slope * v}
        return fg.check_jacobian(f, x=np.array([0.7]), **given)

    # How long the bar is shows where the claim is far off.
    bar = check(4.0).wrong[0].error
    assert 1e-7 < bar < 1e-3
    assert check(3.0).verdict == "right"
    for sign in (-1, 1):
        assert check(3.0 + sign * 5 * bar).verdict == "wrong"


def test_every_entry_is_compared_by_itself():
    """A coordinate that is 0 but for rounding: a direction that moves it by its size does not see its column."""
    for tiny in (0.0, 1e-3, 1e-9, 1e-13, np.sin(np.pi), 1e-20):
        x = np.array([tiny, 1.0, 2.0])

        def f(x):
            return np.array([np.exp(x[0]) + x[1], x[1] * x[2]])

        right = np.array([[np.exp(tiny), 1, 0], [0, 2.0, 1.0]])
        wrong = right * [[5.0, 1, 1], [1, 1, 1]]
        assert fg.check_jacobian(f, right, x)
        for given in (
            {"jac": wrong},
            {"jvp": lambda x, v, wrong=wrong: wrong @ v},
            {"vjp": lambda x, u, wrong=wrong: u @ wrong},
        ):
            check = fg.check_jacobian(f, x=x, **given)
            assert [row.path for row in check.wrong] == ["J[0, 0]"]


def test_noise_that_hides_an_entry_is_said():
    rng = np.random.default_rng(0)
    A, x = rng.normal(size=(4, 6)), rng.normal(size=6)
    claimed = np.where(np.arange(24).reshape(4, 6) == 7, 0, A)
    for seed in range(5):
        noise = np.random.default_rng(seed)
        check = fg.check_jacobian(lambda x, noise=noise: A @ x + 0.1 * noise.normal(size=4), claimed, x)
        assert check.verdict != "right"


@pytest.mark.parametrize("seed", range(8))
def test_fast_oscillations_are_right(seed):
    rng = np.random.default_rng(seed)
    A, x = rng.normal(size=(30, 4)), rng.normal(size=4)
    exact = 5 * np.cos(5 * A @ x)[:, None] * A
    assert fg.check_jacobian(lambda x: np.sin(5 * A @ x), exact, x)
    wrong = exact.copy()
    wrong[17, 2] *= 1.001
    assert [row.path for row in fg.check_jacobian(lambda x: np.sin(5 * A @ x), wrong, x).wrong] == ["J[17, 2]"]


def test_patterns_bounds_points_nearby_and_tolerances():
    A = np.random.default_rng(0).normal(size=(3, 3))
    x = np.array([0.5, 1.0, 1.5])
    seen = []

    def f(x):
        seen.append(x.copy())
        return A @ np.exp(x)

    def jac(x):
        return A * np.exp(x)

    assert fg.check_jacobian(f, jac, x, bounds=([0.5, 0.9, 0.0], [2.0, 1.1, 1.5]), near=2)
    assert (np.array(seen) >= [0.5, 0.9, 0.0]).all()
    assert (np.array(seen) <= [2.0, 1.1, 1.5]).all()
    assert "looks transposed" in fg.check_jacobian(f, lambda x: jac(x).T, x).explanation
    assert "has the wrong sign" in fg.check_jacobian(f, lambda x: -jac(x), x).explanation
    assert fg.check_jacobian(f, lambda x: 1.01 * jac(x), x, rtol=0.02)
    assert fg.check_jacobian(f, lambda x: jac(x) + 0.1, x, atol=0.2)
    with pytest.raises(TypeError, match="near="):
        fg.check_jacobian(f, jac(x), x, near=1)


def test_pytrees():
    x = {"a": np.array([1.0, 2.0]), "b": 3.0}

    def f(p):
        return np.array([p["a"] @ p["a"], p["b"] * p["a"][0]])

    def jac(p):
        return {"a": np.array([2 * p["a"], [p["b"], 0.0]]), "b": np.array([0.0, p["a"][0]])}

    assert fg.check_jacobian(f, jac, x)
    assert fg.check_jacobian(f, fg.jacobian(f, x), x, rtol=1e-6)
    assert fg.check_jacobian(f, np.array([[2.0, 4.0, 0.0], [3.0, 0.0, 1.0]]), x)
    check = fg.check_jacobian(f, lambda p: jac(p) | {"b": np.array([0.0, 2.0])}, x)
    assert [row.path for row in check.wrong] == ["J[1, b]"]


@pytest.mark.parametrize("how", ["jac", "jvp", "vjp"])
def test_lines_see_what_entries_do(how):
    x = np.random.default_rng(3).uniform(0.5, 1.5, 40)
    claimed = big_jacobian(x).toarray()
    claimed[7, 8] *= 1.5

    def check(matrix):
        given = {
            "jac": {"jac": matrix}, "jvp": {"jvp": lambda x, v: matrix @ v}, "vjp": {"vjp": lambda x, u: u @ matrix}
        }[how]  # fmt: skip
        return fg.check_jacobian(big_residuals, x=x, exhaustive=False, **given)

    assert check(big_jacobian(x).toarray())
    assert [row.path for row in check(claimed).wrong] == ["J[7, 8]"]
