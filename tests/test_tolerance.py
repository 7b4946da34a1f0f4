"""A relative error that is enough, ``tol=``: fewer evaluations, and error bars that hold all the same."""

import math

import numpy as np
import pytest
from study import KINDS, moved, study

import fastgrad as fg

TEN = np.linspace(0.5, 1.5, 10)


def waves(x):
    return float(np.sin(x).sum() + np.exp(x / 2).prod())


def slopes_of_waves(x):
    return np.cos(x) + np.exp(x / 2).prod() / 2


def loosely(tol):
    def method(f, x):
        d = fg.differentiate(f, x, tol=tol)
        return d.value, d.error, d.flags != "", d.nfev / x.size

    return method


@pytest.mark.parametrize(("tol", "pairs"), [(1e-2, 2), (1e-4, 2), (1e-9, 3)])
def test_pairs_that_are_asked(tol, pairs):
    d = fg.differentiate(waves, TEN, tol=tol)
    assert d.nfev == 1 + 4 + 2 * pairs * 10
    off = np.abs(d.value - slopes_of_waves(TEN))
    assert (off <= d.error).all()
    assert (d.error <= tol * np.abs(d.value)).all()


def test_a_number():
    d = fg.differentiate(math.exp, 1.0, tol=1e-3)
    assert d.nfev == 1 + 1 + 4
    assert abs(d.value - math.e) <= d.error <= 1e-3 * math.e


def test_matrices_take_fewer():
    def outputs(x):
        return np.sin(x + 2 * x[0])

    x = TEN[:4]
    assert fg.differentiate(outputs, x, tol=1e-2).nfev == 1 + 2 + 4 * 4
    loose, tight = (fg.differentiate(waves, x, deriv=2, tol=tol) for tol in (1e-2, 1e-8))
    assert loose.nfev < tight.nfev
    grown = np.exp(x / 2).prod() / 4
    assert (np.abs(loose.value - (np.full((4, 4), grown) - np.diag(np.sin(x)))) <= loose.error).all()


@pytest.mark.parametrize("tol", [1e-2, 1e-3, 1e-4])
def test_a_collection(tol):
    figures = study(KINDS["exact"], loosely(tol), moved(1))
    assert figures["covered"] >= 0.99
    assert figures["evaluations"] <= 5.0
    assert figures["silent"] == 0


def test_noise_is_seen():
    figures = study(KINDS["1e-6"], loosely(1e-3), moved(1))
    assert figures["covered"] >= 0.99


@pytest.mark.parametrize("digits", [3, 5, 7])
def test_printed_values(digits):
    held = 0
    for x in np.linspace(0.4, 2.6, 40):
        d = fg.differentiate(lambda t: float(f"{math.exp(t):.{digits}g}"), float(x), tol=1e-2)
        held += abs(d.value - math.exp(x)) <= d.error
    assert held >= 39


@pytest.mark.parametrize("x", [0.3, 1.0, 7.0, 200.0])
def test_a_second_derivative_that_jumps(x):
    d = fg.differentiate(lambda t: t + max(0.0, t - x) ** 2 / x, x, tol=1e-2)
    assert abs(d.value - 1.0) <= d.error


def test_a_kink_beside_two_pairs():
    # Two pairs look within 1/128 of x: what lies beyond is not theirs, what lies within is seen.
    d = fg.differentiate(lambda t: t + 20 * abs(t - 1.005), 1.0, tol=1e-2)
    assert abs(d.value + 19.0) <= d.error
