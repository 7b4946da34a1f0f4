"""What bench/accuracy.py measures against is right, and it says where a figure misses what is wanted."""

import math
import sys

import _matrices
import _optimagic
import _special
import _wanted
import accuracy
import fresh
import heldout
import mpmath
import numpy as np
import pytest
from problems import PROBLEMS
from rosenbrock import rosenbrock_hessian
from scipy import special
from study import KINDS, digits, narrow, noisy, study

import fastgrad as fg

NAMED = {problem.name: problem for problem in PROBLEMS}
CLOSED = {
    "tan": lambda v: 1 / math.cos(v) ** 2,
    "acosh": lambda v: 1 / math.sqrt((v - 1) * (v + 1)),
    "erf": lambda v: 2 / math.sqrt(math.pi) * math.exp(-v * v),
    "gamma": lambda v: math.gamma(v) * special.digamma(v),
    "log of gamma": special.digamma,
    "digamma": lambda v: special.polygamma(1, v),
    "j0": lambda v: -special.j1(v),
    "y0": lambda v: -special.y1(v),
    "i0e": lambda v: special.i1e(v) - special.i0e(v),
    "k0": lambda v: -special.k1(v),
    "Airy's Ai": lambda v: special.airy(v)[1],
    "Lambert's W": lambda v: 1 / (v + math.exp(special.lambertw(v).real)),
    "elliptic K": lambda m: (special.ellipe(m) / (1 - m) - special.ellipk(m)) / (2 * m),
}


@pytest.mark.parametrize("name", CLOSED)
def test_derivatives_of_special_functions_are_those_of_their_closed_forms(name):
    for case in _special.cases(5, [name]):
        assert case.gradient[0] == pytest.approx(CLOSED[name](case.point[0]), rel=1e-11), case.name


def test_every_special_function_has_the_derivative_of_what_is_differentiated():
    """In float64 and in mpmath it is the same function: the same slope over a short distance."""
    cases = _special.cases(2)
    assert len(cases) == 2 * len(_special.FUNCTIONS) == 50
    for case in cases:
        exact = case.gradient[0]
        d = fg.differentiate(case.f, case.point)
        assert abs(d.value[0] - exact) <= max(1e-5 * abs(exact), d.error[0]), case.name


@pytest.mark.parametrize("name", _special.FUNCTIONS)
def test_points_are_as_many_as_asked_for_and_in_the_domain(name):
    function = _special.FUNCTIONS[name]
    for count in (3, _special.COUNT):
        points = function.points(count)
        assert len(set(points)) == count
        assert all(math.isfinite(function.double(float(v))) for v in points)


@pytest.fixture
def benchmark_problems():
    pytest.importorskip("optimagic")


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("rosenbrock_good_start", "rosenbrock"),
        ("freudenstein_roth_good_start", "freudenstein and roth"),
        ("bard_good_start", "bard"),
        ("kowalik_osborne", "kowalik and osborne"),
        ("brown_dennis_good_start", "brown and dennis"),
        ("powell_singular_good_start", "powell singular"),
    ],
)
def test_complex_steps_give_the_gradients_of_mpmath(benchmark_problems, theirs, ours):
    """The same problems are in tests/problems.py, with gradients by differences in 120 digits."""
    [(case, _)], left_out = _optimagic.cases("starts", names=[theirs])
    assert not left_out
    np.testing.assert_array_equal(case.point, NAMED[ours].point)
    np.testing.assert_allclose(case.gradient, NAMED[ours].gradient, rtol=3e-15)
    assert case.f(case.point) == pytest.approx(NAMED[ours].f(case.point), rel=1e-13)


@pytest.mark.parametrize(
    "name", ["hydcar6", "mancino_8", "methanb8", "osborne_two_good_start", "heart_eight_bad_start"]
)
def test_complex_steps_agree_with_differences(benchmark_problems, name):
    """Of code with loops, of compiled code, and of code that fills arrays of float64."""
    for which in ("starts", "moved"):
        [(case, scale)], _ = _optimagic.cases(which, names=[name])
        assert (scale >= np.abs(case.gradient)).all()
        found = fg.gradient(case.f, case.point, order=4)
        np.testing.assert_allclose(found, case.gradient, rtol=1e-6, atol=1e-8 * np.abs(case.gradient).max())


def test_kinds_of_points(benchmark_problems):
    name = "linear_rank_one_good_start"  # without a known solution
    at = {which: _optimagic.cases(which, names=[name])[0][0] for which in _optimagic.POINTS}
    start, moved, solution = (at[which][0] for which in _optimagic.POINTS)
    assert (start.point == 1).all()
    assert (moved.point != start.point).all()
    assert (np.abs(moved.point / start.point - 1) <= 0.15).all()
    assert np.abs(solution.gradient).max() < 1e-10 * np.abs(start.gradient).max()
    assert (at["solutions"][1] > 1e3 * np.abs(solution.gradient)).all()
    again = _optimagic.cases("solutions", names=[name])[0][0][0]
    np.testing.assert_array_equal(again.point, solution.point)


def test_a_gradient_that_complex_steps_get_wrong_is_left_out():
    x = np.array([0.5, 2.0])

    def smooth(x):
        return np.array([x[0] * x[1], np.sign(x[1]) * x[0], np.abs(x[1])])

    def blind(x):
        return np.array([x[0].real + x[1]])

    gradient, scale = _optimagic.exact_gradient(smooth, x)
    np.testing.assert_allclose(gradient, [2 * 0.5 * 4 + 2 * 0.5, 2 * 0.25 * 2 + 2 * 2.0], rtol=1e-15)
    np.testing.assert_allclose(scale, np.maximum(gradient, 2 * np.array([4 + 1, 0.25 + 1]) * x), rtol=1e-15)
    assert _optimagic.exact_gradient(blind, x) is None


def test_the_rows_of_optimagic(benchmark_problems, monkeypatch):
    names = ["rosenbrock_good_start", "bard_good_start"]
    text = accuracy.optimagic(["starts", "solutions"], names=names)
    assert [line.split()[1] for line in text.splitlines() if line.startswith("exact")] == [
        "starts", "solutions", "of", "all",
    ]  # fmt: skip
    assert text.count("wanted") == 4
    assert text.endswith("left out: 0")
    monkeypatch.setattr(_optimagic, "exact_gradient", lambda residuals, x: (x, x) if x.size > 2 else None)
    assert "left out at starts: 1 (rosenbrock_good_start)" in accuracy.optimagic(["starts"], names=names)


def test_optimagic_is_optional(monkeypatch):
    monkeypatch.setitem(sys.modules, "optimagic.benchmarking.get_benchmark_problems", None)
    assert accuracy.optimagic() == "optimagic is absent"


def test_the_row_of_special_functions():
    _, row, wanted = accuracy.special(count=3, names=("exp", "j0")).splitlines()
    assert row.startswith("exact    2 functions")
    assert float(row.split()[3]) > 11
    assert wanted.split()[0] == "wanted"


def test_residuals_and_gradients_are_of_one_function():
    """The gradient of a sum of squares is twice J^T r."""
    problems = [NAMED[name] for name in ("rosenbrock", "bard", "wood", "exp")]
    found = _matrices.residuals(problems)
    assert len(found) == 3
    for matrix, problem in zip(found, problems[:3], strict=True):
        values = matrix.f(matrix.point)
        jacobian = matrix.gradient.reshape(len(values), -1)
        np.testing.assert_allclose(2 * values @ jacobian, problem.gradient, rtol=1e-12)


def test_stacks_have_the_jacobian_of_what_they_are():
    found = {matrix.name: matrix for matrix in _matrices.stacked(PROBLEMS[:12])}
    assert "stack of 2" in found
    for matrix in found.values():
        jacobian = fg.jacobian(matrix.f, matrix.point, order=4)
        scale = np.abs(jacobian).max(axis=1, keepdims=True)
        np.testing.assert_allclose(jacobian / scale, matrix.gradient.reshape(jacobian.shape) / scale, atol=1e-7)


def test_the_entries_of_a_hessian_are_one_triangle():
    [matrix] = _matrices.hessians([NAMED["rosenbrock"]])
    exact = rosenbrock_hessian(matrix.point)
    np.testing.assert_allclose(matrix.gradient, [exact[0, 0], exact[0, 1], exact[1, 1]], rtol=1e-15)
    value, error, flagged, cost = _matrices.entries(matrix.f, matrix.point, deriv=2)
    assert (np.abs(value - matrix.gradient) <= error).all()
    assert not flagged.any()
    assert cost == fg.differentiate(matrix.f, matrix.point, deriv=2).nfev / 3
    one = _matrices.one_output([NAMED["rosenbrock"]])[0]
    assert _matrices.entries(one.f, one.point)[3] == fg.differentiate(one.f, one.point).nfev / 2


def test_the_rows_of_matrices():
    text = accuracy.matrices(kinds=("exact", "float32"), problems=PROBLEMS[:3])
    rows = [line for line in text.splitlines() if line.startswith(("exact", "float32"))]
    assert len(rows) == 12
    assert sum("Hessian" in row for row in rows) == 2
    assert text.count("wanted") == 8
    found = _matrices.table(("exact",), PROBLEMS[:3])
    bounds = _wanted.of_matrices(found)["exact"]
    assert bounds["Hessian"]["digits"] == found["exact"]["gradient"]["digits"] - 0.5
    assert "gradient" not in bounds


def test_noise_of_outputs_is_their_own():
    matrix = _matrices.residuals([NAMED["bard"]])[0]
    ratios = noisy(1e-3)(matrix)(matrix.point) / matrix.f(matrix.point)
    assert len(set(ratios)) == len(ratios) == 15
    assert (np.abs(ratios - 1) < 5e-3).all()
    values = narrow(matrix)(matrix.point)
    assert values.dtype == float
    np.testing.assert_array_equal(values, values.astype(np.float32))


def test_what_digits_are_relative_to():
    value, exact, error = np.array([1.001, 1e-3]), np.array([1.0, 0.0]), np.array([1e-2, 1e-2])
    np.testing.assert_allclose(digits(value, exact, error), [3, 16], rtol=1e-9)
    np.testing.assert_allclose(digits(value, exact, error, np.array([10.0, 1.0])), [4, 3], rtol=1e-9)
    zero = _matrices.Matrix("a zero", lambda x, m: [x[0] * x[0], 0 * x[0] + 1e-3 * x[0] ** 3], (0.0,), np.zeros(2))
    other = _matrices.one_output([NAMED["sin"]])[0]
    counted = study(KINDS["exact"], _matrices.entries, [other])
    assert study(KINDS["exact"], _matrices.entries, [zero, other], zeros=False)["digits"] == counted["digits"]
    assert study(KINDS["exact"], _matrices.entries, [zero, other])["digits"] >= counted["digits"]


def test_a_bound_that_is_missed_is_marked():
    row = {"digits": 13.2, "worst": 9.99, "most": 30, "covered": None, "evaluations": 7.51, "bar/error": math.nan}
    bounds = {"digits": 13.2, "worst": 10, "covered": 0.99, "evaluations": 7.5, "bar/error": 9}
    assert _wanted.cells(row, bounds) == [">= 13.2", "! >= 10", "", "", "! <= 7.5", "! <= 9"]
    text = accuracy.shown({"exact": {"a method": row, "other": row}}, bounds={"exact": {"other": bounds}})
    assert text.count("wanted") == 1
    assert text.splitlines()[-1].split()[0] == "wanted"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_noise_has_bounds(kind):
    bounds = _wanted.WANTED["collection"][kind]
    assert {"digits", "evaluations", "covered", "bar/error", "silent"} <= set(bounds)


def test_the_collection_may_be_moved_by_several_seeds(monkeypatch, capsys):
    seen = []
    monkeypatch.setattr(accuracy, "moved", lambda seed: seen.append(seed) or PROBLEMS[:2])
    monkeypatch.setattr("sys.argv", ["accuracy.py", "--own", "--moved", "1", "2"])
    accuracy.main()
    text = capsys.readouterr().out
    assert seen == [1, 2]
    assert text.count("wanted") == len(KINDS)


def test_a_hundred_fresh_functions_of_their_own():
    names = [name for name, _, _ in fresh.TABLE]
    assert len(names) == len(set(names)) == 100
    assert not set(names) & {*NAMED, *(name for name, _, _ in heldout.TABLE)}
    assert {len(x) for _, _, x in fresh.TABLE} == set(range(1, 9))


@pytest.mark.parametrize(("formula", "x"), [row[1:] for row in fresh.TABLE], ids=[row[0] for row in fresh.TABLE])
def test_fresh_functions_are_the_same_in_float64_and_in_mpmath(formula, x):
    with mpmath.workdps(40):
        exact = formula([mpmath.mpf(v) for v in x], mpmath)
    assert formula(list(x), math) == pytest.approx(float(exact), rel=1e-9, abs=0)


def test_the_rows_of_fresh_functions(monkeypatch, capsys):
    """By a method that knows nothing: nobody is to see how the real one does when tests run."""
    asked = []

    def stub(f, x):
        asked.append(f(x))
        return np.zeros(x.size), np.full(x.size, np.inf), np.ones(x.size, bool), 2.0

    monkeypatch.setattr(accuracy, "adaptive", stub)
    monkeypatch.setattr("sys.argv", ["accuracy.py", "--fresh"])
    accuracy.main()
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[1:]]
    assert [row[0] for row in rows] == [word for kind in KINDS for word in (kind, "wanted")]
    assert {row[1] for row in rows[::2]} == {"differentiate"}
    assert 4 * 100 < len(asked) < 5 * 100  # float32 does not hold all numbers
    assert np.isfinite(asked).all()


def test_gradients_of_fresh_functions():
    for problem in fresh.fresh():
        assert (problem.gradient != 0).all(), problem.name
        for i, exact in enumerate(problem.gradient):
            with mpmath.workdps(40):
                h, sides = mpmath.mpf(10) ** -12 * abs(problem.x[i]), []
                for sign in (1, -1):
                    moved = [mpmath.mpf(v) for v in problem.x]
                    moved[i] += sign * h
                    sides.append(problem.formula(moved, mpmath))
                slope = float((sides[0] - sides[1]) / (2 * h))
            assert exact == pytest.approx(slope, rel=1e-12), problem.name
