"""The rules of the adaptive method, one by one: what each is for, on functions where it decides."""

import math

import numpy as np
import pytest

import fastgrad as fg

POINTS = np.linspace(0.3, 3.0, 60)


def held(f, slopes, n=1, points=POINTS, **options):
    """How many bars hold, and the median relative bar, of ``f`` of n coordinates at many points."""
    holds, bars = [], []
    for first in points:
        x = first + 0.1 * np.arange(n)
        d = fg.differentiate(f, x, **options)
        exact = slopes(x)
        holds += (np.abs(d.value - exact) <= d.error).tolist()
        bars += (d.error / np.abs(exact)).tolist()
    return np.mean(holds), np.median(bars)


@pytest.mark.parametrize("n", [1, 2, 5, 9])
def test_smooth_functions(n):
    holds, bar = held(lambda x: np.exp(x).sum(), np.exp, n)
    assert holds >= 0.99
    assert bar < 3e-12
    assert max(fg.differentiate(lambda x: np.exp(x).sum(), np.full(n, x)).nfev for x in POINTS) <= 9 * n


@pytest.mark.parametrize("n", [2, 9])
def test_rounding_of_arguments(n):
    """Of sin(wx), that of wx: far more than that of the sine."""
    w = 1e4 / 3
    holds, bar = held(lambda x: np.sin(w * x).sum(), lambda x: w * np.cos(w * x), n)
    assert holds >= 0.95
    if holds < 0.97:
        pytest.xfail(f"bars hold for {holds:.1%}, 97% wanted")
    assert bar < 1e-8


def test_rounding_that_values_do_not_show():
    """Where f loses digits inside, values close to x tell."""
    holds, bar = held(lambda x: (np.sin(x) + 30).sum() - 270, np.cos, 9)
    assert holds >= 0.9
    assert bar < 1e-10


def test_rounding_a_thousand_times_what_is_expected():
    """A line tells how much it is."""
    holds, bar = held(lambda x: (np.sin(x) + 3e4).sum() - 27e4, np.cos, 9)
    assert holds >= 0.97
    assert bar < 1e-7


def holds_of(cases):
    """How many bars of functions of one number hold: each is drawn as f, x and its slope there."""
    held = []
    for f, x, slope in cases:
        d = fg.differentiate(lambda z, f=f: f(z[0]), np.array([x]))
        held.append(abs(d.value[0] - slope) <= d.error[0] + np.spacing(abs(slope)))
    return np.mean(held)


def power_and_sine(rng):
    a, k, d, x = 10 ** rng.uniform(0, 6), rng.uniform(3, 50), int(rng.integers(2, 6)), rng.uniform(0.7, 1.6)
    return lambda v: a * v**d + math.sin(k * v), x, a * d * x ** (d - 1) + k * math.cos(k * x)


def unlike_residuals(rng):
    w, k, x = 10 ** rng.uniform(0, 4), rng.uniform(5, 40), rng.uniform(0.9, 1.1)
    rest = math.expm1(k - k / x)
    slope = 2 * w * w * (x - 1) + 2 * rest * (rest + 1) * k / x**2
    return lambda v: (w * (v - 1)) ** 2 + (math.exp(k - k / v) - 1) ** 2, x, slope


def wave_at_zero(rng):
    a, b, c, d = rng.uniform(-2, 2, 4)
    slope = a * b * math.cos(c) + 0.5 * d
    return lambda v: a * math.sin(b * v + c) + d * math.exp(0.5 * v) - c, rng.choice([0.0, 1e-50, 1e-300]), slope


@pytest.mark.parametrize("draw", [power_and_sine, unlike_residuals, wave_at_zero])
def test_few_samples_of_rounding(draw):
    """Of functions of one number, a fast part beside a large one, and two residuals near their minimum."""
    rng = np.random.default_rng(5)
    holds = holds_of([draw(rng) for _ in range(400)])
    assert holds >= 0.97
    if holds < 0.985:
        pytest.xfail(f"bars hold for {holds:.1%}; 98.5% is the bound")


def test_terms_that_vanish():
    """The odd ones of order 3 to 7: even ones say how fast terms grow."""
    for scale in np.geomspace(1, 1e4, 60):
        f = lambda x, scale=scale: (t := scale * (x - 1.0)) + t**6 + t**8 + t**9  # noqa: E731
        d = fg.differentiate(f, 1.0)
        assert abs(d.value - scale) <= d.error <= 1e-7 * scale


def test_small_waves_on_a_slope():
    """A window wider than the waves sees them as noise, or as a polynomial that does not converge."""
    for amplitude in (1e-3, 1e-6):
        f = lambda x, a=amplitude: (x + a * np.sin(1000 * x)).sum()  # noqa: E731
        slopes = lambda x, a=amplitude: 1 + 1000 * a * np.cos(1000 * x)  # noqa: E731
        holds, bar = held(f, slopes, 2)
        assert holds >= 0.98
        assert bar < 1e-6


@pytest.mark.parametrize("n", [1, 3, 8])
@pytest.mark.parametrize("level", [1e-4, 1e-8])
def test_noise(n, level):
    """Few degrees of freedom: Student's factor."""
    rng = np.random.default_rng(n)
    holds, bar = held(lambda x: float(np.sin(x).sum()) + level * rng.standard_normal(), np.cos, n, POINTS[::2])
    assert holds >= 0.97
    assert bar < 3e3 * level


def test_noise_of_second_derivatives():
    rng = np.random.default_rng(2)
    holds = []
    for x in POINTS:
        d = fg.differentiate(lambda x: math.sin(x) + 1e-6 * rng.standard_normal(), x, deriv=2)
        holds.append(abs(d.value.item() + math.sin(x)) <= d.error.item() < 0.5)
    assert np.mean(holds) >= 0.97


def test_printed_values():
    """With six decimals: the spacing of what is printed is the noise, and no line is asked."""
    holds, bar = held(lambda x: round(float(np.sin(x).sum()), 6), np.cos, 2)
    assert holds == 1.0
    assert bar < 1e-3
    nfev = []
    d = fg.differentiate(lambda x: nfev.append(1) or round(float(np.sin(x).sum()), 6), np.array([1.0, 2.0]))
    assert (d.flags == "noisy").all()
    assert 3e-8 < d.noise < 1e-6
    if len(nfev) > 36:
        pytest.xfail(
            f"{len(nfev)} evaluations of two components; 36 are the bound: the grid is seen after the first windows"
        )


def test_few_digits_by_chance():
    """Values at x and next to it have four, all others do not."""
    d = fg.differentiate(lambda x: 0.5001 + (x[0] - 1) ** 3 + 0.25 * x[1] ** 3, np.array([1.0, 0.0]))
    assert (np.abs(d.value) <= d.error).all()
    assert (d.error < 1e-10).all()
    assert (d.flags == "").all()
    d = fg.differentiate(lambda x: 0.5001 + (x - 1) ** 3 + (x - 1), 1.0)
    assert abs(d.value - 1.0) <= d.error < 1e-10


def test_constant_nearby_and_not_farther_away():
    for width in (1e-2, 1e-3):
        d = fg.differentiate(lambda x, width=width: 5.0 + max(0.0, x - 1.0 - width), 1.0)
        assert d.flags == "flat"
        assert d.value == 0.0
        assert d.error < 1e-9


def test_a_rounded_corner_is_no_kink():
    """From afar it looks like one."""
    for width in (1e-3, 2e-4, 1e-4, 5e-5):
        d = fg.differentiate(lambda x, width=width: math.hypot(x - 1.0, width) + x, 1.0)
        assert d.flags == ""
        assert abs(d.value - 1.0) <= d.error < 1e-8


def test_constant_but_not_far_away():
    """The first windows see nothing; a wider one does."""
    d = fg.differentiate(lambda x: 1.0 + 1e-18 * x, 1.0)
    assert abs(d.value - 1e-18) <= d.error < 1e-21


def test_second_derivatives():
    holds = []
    for x in POINTS:
        d = fg.differentiate(math.exp, x, deriv=2)
        holds.append(abs(d.value.item() - math.exp(x)) <= d.error.item() < 1e-10 * math.exp(x))
    assert np.mean(holds) >= 0.98


def test_a_value_apart_at_a_bound():
    """A step just there: its values on one side say nothing of a slope."""
    d = fg.differentiate(lambda x: math.sin(x) + (x > 1.0), 1.0, bounds=(1.0, 5.0))
    assert not d.error < 1.0
    d = fg.differentiate(lambda x: math.sin(x), 1.0, bounds=(1.0, 5.0))
    assert abs(d.value - math.cos(1.0)) <= d.error < 1e-8
    assert d.flags == "edge"


@pytest.mark.parametrize("most", [8, 12, 20, 40])
@pytest.mark.parametrize("level", [0.0, 1e-6])
@pytest.mark.parametrize("n", [1, 3, 10])
def test_max_evals(n, level, most):
    """Never more; and bars that hold, or are infinite."""
    rng = np.random.default_rng(most)
    x, calls = 0.3 + 0.2 * np.arange(n), []

    def f(x):
        calls.append(1)
        return float(np.sin(3 * x).sum()) * (1 + level * rng.standard_normal())

    d = fg.differentiate(f, x, max_evals=most)
    assert len(calls) == d.nfev <= most * n
    assert (np.abs(d.value - 3 * np.cos(3 * x)) <= d.error)[np.isfinite(d.value)].all()
    if level == 0.0 and most >= 20:
        assert (d.error < 1e-9).all()


def test_tol():
    x = np.linspace(0.5, 1.5, 10)
    f = lambda x: float(np.exp(20 * x).sum())  # noqa: E731
    well, roughly = fg.differentiate(f, x), fg.differentiate(f, x, tol=1e-3)
    assert roughly.nfev < well.nfev
    for d in (well, roughly):
        assert (np.abs(d.value - 20 * np.exp(20 * x)) <= d.error).all()
    assert (roughly.error <= 1e-3 * roughly.value).all()


@pytest.mark.parametrize("x", [1.14003, 1.22003, 1.44003, 1.52003])
def test_f_climbs_in_steps(x):
    """Between steps its slope is another one than that of its course, and the bar has room for both."""
    d = fg.differentiate(lambda x: math.floor(math.exp(x) * 1e6) * 1e-6 + 1e-3 * x, x)
    assert "steps" in d.flags
    assert d.value == pytest.approx(math.exp(x), rel=1e-2)
    assert d.error >= d.value - 1e-3


def test_periods_that_fit_the_steps():
    """Values at all the distances of the first windows are whole periods of a sine apart."""
    seen = []
    fg.differentiate(lambda x: seen.append(x - 1.0) or math.exp(x), 1.0)
    period = min(abs(move) for move in seen if abs(move) > 1e-6)
    for share in (1.0, 0.5):
        w = 2 * math.pi / (share * period)
        d = fg.differentiate(lambda x, w=w: x + math.sin(w * (x - 1.0)), 1.0)
        assert abs(d.value - (1.0 + w)) <= d.error <= 1e-2 * w
        if d.error > 1e-3 * w:
            pytest.xfail(f"the bar is {d.error / w:.6f} of the slope; 0.001 is the bound")


def test_scales_below_the_close_points():
    """Steps are shorter than the distance of the values that should check them."""
    x = np.zeros(5)
    scales = np.array([1e-9, 3e-9, 1e-8, 1e-5, 1.0])
    d = fg.differentiate(lambda x: np.sin(x / scales).sum(), x)
    assert (np.abs(d.value - 1 / scales) <= d.error).all()
    assert (d.error < 1e-5 / scales).all()


def test_a_single_step_does_not_bend_what_is_close():
    """A jump at some distance: the slope at x is that of the smooth part."""
    for apart in (1e-2, 1e-4, 1e-6):
        d = fg.differentiate(lambda x, apart=apart: math.sin(x) + (x > 1.0 + apart), 1.0)
        assert abs(d.value - math.cos(1.0)) <= d.error < 1e-3


@pytest.mark.parametrize("x", [1.0, 3.7])
def test_windows_that_contradict_each_other(x):
    """The second derivative jumps at x, by a part of the slope: a window says so only beside a closer one."""
    for jump in np.geomspace(3e-3, 1.0, 12):
        d = fg.differentiate(lambda v, jump=jump: math.sin(v) + jump * max(0.0, v - x) ** 2, x)
        assert abs(d.value - math.cos(x)) <= d.error


IN_STEP = 56755 / 65536
"""Distances of windows are multiples of it, and of powers of two: steps of f that fit them are seen from afar."""


def test_steps_that_are_wide():
    """The first windows lie within one step, and one farther away climbs many."""
    step = 1.01 * 2.0**-10 * IN_STEP
    d = fg.differentiate(lambda x: math.floor(x / step + 0.5) * step + 0.1 * math.sin(x), 1.00003)
    assert "steps" in d.flags
    assert d.error >= abs(d.value - 0.1 * math.cos(1.00003))


def test_fits_that_contradict_all_others():
    """No bar, and the flag that says so."""
    step = 2.0**-17 * IN_STEP
    d = fg.differentiate(lambda x: math.floor(x / step + 0.5) * step + 0.1 * math.sin(x), 1.7)
    assert "undetermined" in d.flags
    assert d.error == math.inf


@pytest.mark.parametrize("room", np.geomspace(1e-3, 0.1, 9).tolist())
def test_bounds_close_to_the_first_windows(room):
    def f(x):
        assert abs(x - 1.0) <= room
        return math.exp(x)

    d = fg.differentiate(f, 1.0, bounds=(1.0 - room, 1.0 + room))
    assert abs(d.value - math.e) <= d.error < 1e-8


def fits_of_saturation(count):
    """Sums of squares of b0 (1 - exp(-b1 t)) less data: the function, b, and the gradient in extended precision."""
    rng = np.random.default_rng(8)
    for _ in range(count):
        last = 10 ** rng.uniform(-6, 6)
        times, b = np.linspace(last / 15, last, 14), np.array([239.0, 0.4 / last]) * rng.uniform(0.6, 1.5, 2)
        data = b[0] * (1 - np.exp(-b[1] * times)) * (1 + 0.02 * rng.normal(size=14))
        long, parameters = times.astype(np.longdouble), b.astype(np.longdouble)
        fall = np.exp(-parameters[1] * long)
        left = parameters[0] * (1 - fall) - data
        exact = np.array([np.sum(2 * left * (1 - fall)), np.sum(2 * left * parameters[0] * long * fall)], float)
        yield lambda p, t=times, d=data: float(np.sum((p[0] * (1 - np.exp(-p[1] * t)) - d) ** 2)), b, exact


def test_rounding_that_one_coordinate_does_not_show():
    """Along b0 f is a parabola, whose windows show only how sums are rounded; along b1 exponentials are."""
    holds = []
    for f, b, exact in fits_of_saturation(200):
        d = fg.differentiate(f, b)
        holds.extend(np.abs(d.value - exact) <= d.error)
    assert np.mean(holds) >= 0.99


@pytest.mark.parametrize("x", [-1.5e-12, 2e-14, 1.3e-13, 5e-12, -6e-11])
def test_a_tiny_coordinate_where_rounding_inside_f_is_all_that_close_values_show(x):
    phases = np.array([2.0, 3.4, 4.0, 5.9])
    d = fg.differentiate(lambda p: np.sin(1.1 * p[0] + phases) + 0.3 * np.exp(0.7 * p[0]), np.array([x]))
    exact = 1.1 * np.cos(1.1 * x + phases) + 0.21 * math.exp(0.7 * x)
    error = np.ravel(d.error)
    assert np.all(np.abs(np.ravel(d.value) - exact) <= error)
    assert np.all(error < 1e-11)
