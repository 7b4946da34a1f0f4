"""Derivatives from seven equally spaced values, with error bars: exact where they must be, honest elsewhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastgrad.evaluate.border import seven_bars, seven_values
from fastgrad.methods.seven import CENTRAL, OTHERS

coefficients = st.lists(st.floats(-5, 5), min_size=7, max_size=7)


@given(st.integers(0, 6), coefficients, st.floats(0.01, 100))
def test_first_derivatives_are_exact_for_polynomials_of_degree_six(place, coefficients, h):
    """At any of the seven points, for two values at a time."""
    polynomial = np.polynomial.Polynomial(coefficients)
    both = np.array([1.0, -2.0])
    values = np.multiply.outer(polynomial(OTHERS[place]), both)
    value, bar, truncation, noise = seven_values(polynomial(0) * both[None], values[None], [h], [place])[:, 0]
    exact = polynomial.deriv()(0.0) / h * both
    np.testing.assert_allclose(value, exact, rtol=0, atol=1e-12 * (np.abs(values).max() + abs(coefficients[0])) / h)
    assert (bar >= 4 * truncation).all()
    assert (noise >= 0).all()


@given(coefficients, st.floats(0.01, 100))
def test_second_derivatives_are_exact_for_polynomials_of_degree_seven(coefficients, h):
    polynomial = np.polynomial.Polynomial([*coefficients, 1.5])
    values = polynomial(CENTRAL)
    value, bar, _, _ = seven_values([[polynomial(0)]], values.reshape(1, 6, 1), [h], deriv=2)[:, 0, 0]
    exact = polynomial.deriv(2)(0.0) / h**2
    assert abs(value - exact) <= 1e-12 * (np.abs(values).max() + abs(coefficients[0])) / h**2
    assert bar > 0


@pytest.mark.parametrize("noise", [0.0, 1e-6, 1e-3])
@pytest.mark.parametrize(("place", "deriv"), [*((place, 1) for place in range(7)), (3, 2)])
def test_bars_hold(place, deriv, noise):
    """On waves of many lengths, whose derivatives are known; the noise of f is what it is found to be."""
    rng = np.random.default_rng(10 * place + deriv)
    x, k, h = rng.uniform(-2, 2, 4000), np.exp(rng.uniform(-2, 1.5, 4000)), np.full(4000, 0.03)
    at = x[:, None] + OTHERS[place] * 0.03
    others = np.sin(k[:, None] * at) + np.exp(0.3 * at) + noise * rng.standard_normal(at.shape)
    base = np.sin(k * x) + np.exp(0.3 * x) + noise * rng.standard_normal(x.size)
    exact = k * np.cos(k * x) + 0.3 * np.exp(0.3 * x) if deriv == 1 else 0.09 * np.exp(0.3 * x) - k**2 * np.sin(k * x)
    places = None if deriv == 2 else np.full(x.size, place)
    value, bar, truncation, seen = seven_values(base[:, None], others[:, :, None], h, places, deriv)
    error = np.abs(value[:, 0] - exact)
    if not noise:
        assert (error <= bar[:, 0]).mean() > 0.99
        assert np.median(bar[:, 0] / np.abs(exact)) < 1e-6
        return
    # One sixth difference is one number, half of them below 0.6745 deviations, and now and then near 0.
    assert np.median(seen) == pytest.approx(0.6745 * noise, rel=0.1)
    assert (error <= bar[:, 0]).mean() > 0.8
    known = seven_bars(truncation, np.maximum(seen, noise), h, places, deriv)
    assert (known >= bar).all()
    assert (error <= known[:, 0]).mean() > 0.99
    norm = {0: 12.6, 1: 3.4, 2: 1.6, 3: 1.08 if deriv == 1 else 3.46}[min(place, 6 - place)]
    assert np.median(known) < 10 * norm * noise / 0.03**deriv


def test_a_bar_holds_where_two_orders_agree_by_accident():
    """Of x + a x^3 + b x^5 + c x^7 at steps of 1, orders 4 and 6 are off by 36 c and little more, order 2 by 0.1."""
    c, apart = 1e-4, 2e-3
    polynomial = np.polynomial.Polynomial([0, 1, 0, 0.1 + 49 * c, 0, -14 * c + apart / 4, 0, c])
    value, bar, truncation, _ = seven_values([[0.0]], polynomial(CENTRAL).reshape(1, 6, 1), [1.0])[:, 0, 0]
    assert value - 1.0 == pytest.approx(36 * c, rel=1e-9)
    assert bar >= 4 * truncation
    assert 36 * c <= bar <= 20 * c + 4 * apart


def test_precision_is_seen_in_the_values():
    at = 0.3 + 0.01 * np.append(CENTRAL, 0.0)
    wide, narrow = np.sin(at), np.sin(at).astype(np.float32).astype(np.float64)
    noises = [seven_values([[v[6]]], v[:6].reshape(1, 6, 1), [0.01])[3, 0, 0] for v in (wide, narrow)]
    assert noises[0] < 1e-14
    assert 1e-8 < noises[1] < 1e-6
    # Rounding at least, also where values lie on a line by accident; a constant tells nothing of its precision.
    for value, least in ((np.linspace(1, 2.5, 7), 2.0**-23), (np.ones(7), 2.0**-52)):
        noise = seven_values([[value[3]]], np.delete(value, 3).reshape(1, 6, 1), [0.01])[3, 0, 0]
        assert noise == 0.5 * least * value.max()
    # NaN says nothing of precision.
    values = np.stack([narrow[:6], np.full(6, np.nan)])[:, :, None]
    found = seven_values([[narrow[6]]], values, [0.01, 0.01])
    assert found[3, 0, 0] == noises[1]
    assert np.isnan(found[0, 1, 0])
    assert found[1, 1, 0] == np.inf


def test_rows_take_bases_in_turn():
    x = np.array([0.3, 1.1])
    h = np.array([0.01, 0.02, 0.03, 0.04])
    values = np.stack([np.exp(x[r % 2] + CENTRAL * h[r]) for r in range(4)])[:, :, None]
    found = seven_values(np.exp(x)[:, None], values, h)
    np.testing.assert_allclose(found[0, :, 0], np.exp(x)[[0, 1, 0, 1]], rtol=1e-9)


def test_values_that_are_not_finite_give_no_derivative():
    for bad in (np.nan, np.inf, -np.inf, 1e308):
        for k in range(6):
            values = np.exp(0.01 * CENTRAL)
            values[k] = bad
            if bad == 1e308:
                values[5 - k] = -bad
            value, bar, _, noise = seven_values([[1.0]], values.reshape(1, 6, 1), [1e-9])[:, 0, 0]
            assert np.isnan(value)
            assert bar == np.inf
            assert noise == 0


def test_what_does_not_fit_is_said():
    values = np.zeros((2, 6, 1))
    with pytest.raises(ValueError, match="3 steps for values of shape"):
        seven_values([[0.0]], values, np.ones(3))
    with pytest.raises(ValueError, match="do not fit together"):
        seven_values([[0.0, 0.0]], values, np.ones(2))
    with pytest.raises(IndexError, match="a place is in 0"):
        seven_values([[0.0]], values, np.ones(2), [0, 7])
    with pytest.raises(ValueError, match="1 places for 2 rows"):
        seven_values([[0.0]], values, np.ones(2), [0])
    with pytest.raises(ValueError, match="at the middle point"):
        seven_values([[0.0]], values, np.ones(2), [0, 3], deriv=2)
    with pytest.raises(ValueError, match="do not fit together"):
        seven_bars(np.zeros((2, 1)), np.zeros((1, 2)), np.ones(2))
    assert seven_values(np.zeros((0, 1)), np.zeros((0, 6, 1)), np.ones(0)).shape == (4, 0, 1)
