"""What `bench/accuracy.py --kinds` draws: the exact derivatives are right, and bars are counted as it says."""

import _bars
import _kinds
import accuracy
import numpy as np
import pytest
from _kinds.grid import bfloat16, with_digits
from _smooth import M, numbers, rounded

DRAWS = [
    pytest.param(kind, index, id=f"{kind}: {_kinds.named(families[index % len(families)])} {index}")
    for kind, families in _kinds.KINDS.items()
    for index in range(2 * len(families))
]


def values(case, x):
    """What is meant at x: a list, of one for a number."""
    found = case.meant(x)
    return found if isinstance(found, list) else [found]


def quotients(case, points, weights, divisor):
    """The weighted sum of values at points, over the divisor, of each output."""
    columns = zip(*(values(case, point) for point in points), strict=True)
    return [M.fdot(zip(weights, column, strict=True)) / divisor for column in columns]


def first(case, i, h, back=1):
    """Difference quotients of what is meant along coordinate i; one-sided where `back` is 0."""
    x, h = numbers(case.x), M.mpf(float(case.lengths[i])) * h
    ends = [[v + sign * h * (k == i) for k, v in enumerate(x)] for sign in (1, -back)]
    return quotients(case, ends, (1, -1), (1 + back) * h)


def second(case, i, j, h):
    x, a, b = numbers(case.x), *(M.mpf(float(case.lengths[k])) * h for k in (i, j))
    corners = [(p, q) for p in (1, -1) for q in (1, -1)]
    points = [[v + p * a * (k == i) + q * b * (k == j) for k, v in enumerate(x)] for p, q in corners]
    return quotients(case, points, [p * q for p, q in corners], 4 * a * b)[0]


def differences(case):
    """The derivative by differences with very small steps, in the shape of the exact one; infinite ones left out."""
    n, h = case.x.size, M.mpf(10) ** -110
    if case.deriv == 2:
        return [[second(case, i, j, h) for j in range(n)] for i in range(n)]
    slopes = [first(case, i, h) for i in range(n)]
    return list(zip(*slopes, strict=True)) if case.exact.ndim == 2 else [slope for (slope,) in slopes]


def steep(case):
    """Which coordinates have an infinite slope."""
    return np.isinf(case.exact if case.exact.ndim == 1 else case.exact.sum(axis=0))


@pytest.mark.parametrize(("kind", "index"), DRAWS)
def test_the_exact_derivative_is_that_of_what_is_meant(kind, index):
    case = _kinds.case(kind, index)
    with M.workdps(400):
        if kind == "infinite-slope":
            found = case.exact.copy()
            for i in np.flatnonzero(~steep(case)):
                column = [float(v) for v in first(case, i, M.mpf(10) ** -110)]
                found[..., i] = np.reshape(column, found[..., i].shape)
        else:
            found = rounded(differences(case))
    lengths = case.lengths if case.deriv == 1 else np.multiply.outer(case.lengths, case.lengths)
    least = 1e-20 * (1 + np.max(np.abs(case.f(case.x.copy())))) / lengths  # of what is zero but for the step
    finite = np.isfinite(case.exact)
    assert found.shape == case.exact.shape
    np.testing.assert_allclose(found[~finite], case.exact[~finite])
    bound = np.broadcast_to(least, found.shape)[finite] + 1e-12 * np.abs(case.exact[finite])
    assert (np.abs(found[finite] - case.exact[finite]) <= bound).all()


@pytest.mark.parametrize("index", range(2 * len(_kinds.KINDS["infinite-slope"])))
def test_infinite_slopes_are_infinite(index):
    """The slope to a neighbour grows without end as it comes closer, on the side that f has."""
    case = _kinds.case("infinite-slope", index)
    with M.workdps(400):
        for i in np.flatnonzero(steep(case)):
            far, near = (first(case, i, M.mpf(10) ** -k, back=0)[0] for k in (20, 40))
            sign = np.sign(np.atleast_2d(case.exact)[0, i])
            assert sign * near > sign * far + 10


@pytest.mark.parametrize("index", [5, 6, 12, 13])
def test_slopes_at_knots(index):
    case = _kinds.case("curvature-jump", index)
    assert "knot" in case.family
    value = (case.f(case.x + 1e-6) - case.f(case.x - 1e-6)) / 2e-6
    assert value == pytest.approx(case.exact[0], abs=1e-4)


@pytest.mark.parametrize(("kind", "index"), DRAWS)
def test_f_is_what_is_meant_but_for_its_grain(kind, index):
    case = _kinds.case(kind, index)
    inward = 1 if kind == "infinite-slope" else -1  # from the edge
    for x in (case.x, case.x + inward * 0.03 * case.lengths):
        with np.errstate(invalid="ignore"):
            try:
                value = np.array(case.f(x.copy()), float)
            except ValueError:
                continue
        meant = np.array([float(v) for v in values(case, numbers(x))]).reshape(value.shape)
        off = np.abs(value - meant) / (1e-11 * np.abs(meant) + case.grain)
        assert (off[np.isfinite(value)] <= 1).all() if value.ndim else off <= 1
        assert np.isfinite(value).any()


@pytest.mark.parametrize("kind", list(_kinds.KINDS))
def test_a_case_is_drawn_again_by_its_index(kind):
    for index in (0, 7, 23):
        one, other = _kinds.case(kind, index), _kinds.case(kind, index)
        np.testing.assert_array_equal(one.x, other.x)
        np.testing.assert_array_equal(one.exact, other.exact)
        np.testing.assert_array_equal(one.f(one.x.copy()), other.f(other.x.copy()))
    others = [_kinds.case(kind, index, seed=1) for index in range(len(_kinds.KINDS[kind]))]
    same = [_kinds.case(kind, index) for index in range(len(_kinds.KINDS[kind]))]
    assert [case.family for case in others] == [case.family for case in same]
    assert any(not np.array_equal(one.x, other.x) for one, other in zip(same, others, strict=True))


def test_values_on_grids_are_rounded_as_they_say():
    assert bfloat16(1 + 2**-8) == 1  # ties to even
    assert bfloat16(1 + 3 * 2**-8) == 1 + 2**-6
    assert bfloat16(-3.14159265) == -3.140625
    change, quantum = with_digits(3)
    assert (change(1234.5), quantum(1234.5)) == (1230.0, 10.0)
    assert (change(0.0098765), quantum(0.0098765)) == (0.00988, pytest.approx(1e-5))


def outcome(exact, value, error, fair=False, flags=""):
    exact, value, error = (np.array(v, float) for v in (exact, value, error))
    n = exact.size
    case = _kinds.Case(lambda x: float(x.sum()), np.ones(n), exact, np.ones(n), sum, 0.0, fair=np.array(fair))
    return _bars.Outcome(case, value, error, np.full(n, flags), 12)


def test_bars_that_hold_are_counted():
    row = _bars.figures([outcome([1, 2], [1.1, 2.5], [0.2, 0.1]), outcome([3], [3], [0])])
    assert row["holds %"] == 75
    assert row["whole %"] == 50
    assert row["off by"] == pytest.approx(5)
    assert row["no bar %"] == 0


def test_no_bar_is_fair_only_where_nothing_can_be_said():
    inf, nan = np.inf, np.nan
    row = _bars.figures([outcome([1, inf], [nan, nan], [inf, inf], [False, True], "noisy")])
    assert (row["holds %"], row["no bar %"], row["whole %"]) == (52, 50, 0)  # 2% may have none
    assert _bars.figures([outcome([inf], [1e6], [1e5], True, "edge")])["holds %"] == 0
    assert _bars.figures([outcome([0], [0], [inf], True)])["holds %"] == 100
    assert _bars.figures([outcome([1], [nan], [0.1])])["holds %"] == 2


def test_flat_and_sure_is_silent_only_without_a_flag():
    assert _bars.figures([outcome([1], [0], [0])])["silent %"] == 100
    assert _bars.figures([outcome([1], [0], [0], flags="flat")])["silent %"] == 0
    assert _bars.figures([outcome([1], [1.5], [1])])["silent %"] == 0


def test_a_bar_as_wide_as_f_is_steep_knows_nothing():
    row = _bars.figures([outcome([1], [1], [1]), outcome([1], [1], [0.5])])
    assert row["wide %"] == 50
    assert _bars.figures([outcome([1], [1], [9], True)])["wide %"] == 0
    assert _bars.figures([outcome([1], [1], [1e-3])])["known"] == pytest.approx(3)
    assert _bars.figures([outcome([0], [0], [1e-3])])["known"] == pytest.approx(3)  # f rises by 1 over a length


def test_an_exception_of_differentiate_is_a_miss():
    case = _kinds.Case(lambda x: "text", np.ones(1), np.ones(1), np.ones(1), sum, 0.0, fair=True)
    found = _bars.outcome(case)
    assert found.raised.startswith("TypeError")
    assert not found.held.any()
    assert any("TypeError" in line for line in _bars.missed("a kind", [found]))


def test_the_option_prints_a_row_for_each_kind(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["accuracy.py", "--kinds", "--count", "3"])
    accuracy.main()
    lines = capsys.readouterr().out.splitlines()
    assert "holds %" in lines[0]
    assert [line.split()[0] for line in lines[1:]] == list(_kinds.KINDS)
    assert len(_kinds.KINDS) == 11


def test_families_have_rows_and_misses_can_be_drawn_again(monkeypatch, capsys):
    options = ["--kinds", "--kind", "offsets", "--count", "8", "--families", "--verbose", "--seed", "2"]
    monkeypatch.setattr("sys.argv", ["accuracy.py", *options])
    accuracy.main()
    text = capsys.readouterr().out
    assert all(f"\n  {_kinds.named(draw)} " in text for draw in _kinds.KINDS["offsets"])
    case = _kinds.case("offsets", 2, seed=2)
    found = _bars.Outcome(case, case.exact * 2 + 1, case.exact * 0, np.full(case.exact.shape, "noisy"), 7)
    lines = "\n".join(_bars.missed("offsets", [found]))
    assert f"{case.family}: x={case.x.tolist()}" in lines
    assert "flags 'noisy', nfev 7" in lines
