"""Where f changes over far less than a coordinate's size, or over far more: derivatives of dates, phases and zeros."""

import math

import numpy as np
import pytest

import fastgrad as fg


@pytest.mark.parametrize(
    ("date", "period"), [(2457958.37, 1.7), (2457958.37, 0.13), (57958.213, 0.31), (1.7e9 + 0.3, 5000.0)]
)
def test_a_phase_of_a_date(date, period):
    rate = 2 * math.pi / period
    # The date that f sees is that of a phase which was rounded.
    phase = math.fmod(date, period) * rate
    d = fg.differentiate(lambda x: math.sin(rate * x), date)
    grain = 4 * np.spacing(rate * date) * rate
    assert abs(d.value - rate * math.cos(phase)) <= d.error + grain
    assert d.error <= 1e-5 * rate
    assert d.nfev <= 41


@pytest.mark.parametrize(("date", "scale"), [(2457958.5, 0.25), (57958.125, 4.0), (1.7e9, 4096.0)])
def test_a_hessian_by_a_date(date, scale):
    def f(x):
        z = (x[0] - date) / scale
        return math.cos(z + x[1])

    x = np.array([date + 0.125 * scale, 0.3])
    exact = -math.cos(0.425) * np.array([[1 / scale**2, 1 / scale], [1 / scale, 1.0]])
    d = fg.differentiate(f, x, deriv=2)
    assert np.all(np.abs(d.value - exact) <= d.error + 1e-15 * np.abs(exact))
    assert np.all(np.diag(d.error) <= 1e-6 * np.abs(np.diag(exact)))


@pytest.mark.parametrize("tiny", [1e-300, -1.2246e-16, 1e-12])
def test_coordinates_that_are_zero_but_for_rounding(tiny):
    x = np.array([tiny, 0.7])
    inside = tiny + 0.7 + 0.4
    d = fg.differentiate(lambda x: math.sin(x[0] + x[1] + 0.4), x)
    assert np.all(np.abs(d.value - math.cos(inside)) <= d.error)
    assert np.all(d.error <= 1e-9)
    d = fg.differentiate(lambda x: math.sin(x[0] + x[1] + 0.4), x, deriv=2)
    assert np.all(np.abs(d.value + math.sin(inside)) <= d.error)
    assert np.all(d.error <= 1e-6)


def test_a_coordinate_whose_scale_is_tiny_indeed():
    x = np.array([3e-12, 0.7])
    d = fg.differentiate(lambda x: math.sin(1e12 * x[0]) * x[1], x)
    exact = np.array([0.7e12 * math.cos(3.0), math.sin(3.0)])
    assert np.all(np.abs(d.value - exact) <= d.error)
    assert np.all(d.error <= 1e-9 * np.abs(exact))


def test_an_output_that_looks_constant_from_afar():
    def f(x):
        return np.array([math.sin(x[0] - 2457958.0), math.exp(-0.5 * (x[0] - 2457958.0) ** 2) / 8])

    d = fg.differentiate(f, np.array([2457960.5]))
    exact = np.array([[math.cos(2.5)], [-2.5 * math.exp(-0.5 * 2.5**2) / 8]])
    assert np.all(np.abs(d.value - exact) <= d.error)


def test_a_bend_between_lines_is_no_kink_at_a_date():
    d = fg.differentiate(lambda x: math.log1p(math.exp(x - 2457958.0)), 2457958.25)
    assert "kink" not in d.flags
    assert abs(d.value - 1 / (1 + math.exp(-0.25))) <= d.error <= 1e-6
    d = fg.differentiate(lambda x: abs(x - 2457958.25), 2457958.25)
    assert "kink" in d.flags


@pytest.mark.parametrize("date", [57957.97, 2457957.5])
@pytest.mark.parametrize("period", [0.5, 1.0, 2.0, 7.0, 24.0, 365.25])
def test_periods_of_whole_days(date, period):
    """No distance of a window is a whole number of them."""
    rate = 2 * math.pi / period

    def f(t):
        return math.cos(rate * (t - date)) + 0.1 * math.sin(rate * (t - date))

    d = fg.differentiate(f, date)
    assert abs(d.value - 0.1 * rate) <= d.error <= 1e-4 * rate
    d = fg.differentiate(f, date, deriv=2)
    assert abs(d.value + rate**2) <= d.error <= 1e-2 * rate**2
    d = fg.differentiate(lambda x: np.array([f(x[0]), x[1] ** 2 * x[0]]), [date, 0.7])
    assert abs(d.value[0, 0] - 0.1 * rate) <= d.error[0, 0] <= 1e-4 * rate
