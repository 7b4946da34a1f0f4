"""The weights of the windows of the adaptive method, found again exactly; and its table of Student's distribution."""

import math
import re
from fractions import Fraction
from pathlib import Path

import pytest
from scipy.stats import t

FOLDER = Path(__file__).parents[1] / "src_c" / "adaptive"
SOURCE = (FOLDER / "weights.c").read_text(encoding="utf-8")


def solve(rows, right):
    """The x with rows x = right, by Gauss and Jordan."""
    a = [[*map(Fraction, row), Fraction(b)] for row, b in zip(rows, right, strict=True)]
    for k in range(len(a)):
        pivot = next(i for i in range(k, len(a)) if a[i][k])
        a[k], a[pivot] = a[pivot], a[k]
        a[k] = [value / a[k][k] for value in a[k]]
        for i in range(len(a)):
            if i != k:
                a[i] = [value - a[i][k] * other for value, other in zip(a[i], a[k], strict=True)]
    return [row[-1] for row in a]


def coefficients(points):
    """Weights of f(points) - f(0) for each Taylor coefficient from the first on."""
    count = len(points)
    powers = [[Fraction(point) ** (k + 1) for point in points] for k in range(count)]
    return [solve(powers, [int(k == order) for k in range(count)]) for order in range(count)]


def norm(weights):
    """The noise of a sum of values less f(0), for noise 1 of each of them, and of f(0)."""
    return math.sqrt(float(sum(w**2 for w in weights) + sum(weights) ** 2))


def written(name):
    """What the source gives a name: numbers, exactly."""
    text = re.search(rf"\b{name}\b[^=;]*=\s*(\{{.*?\}});|\b{name} = ([^,;]+)", SOURCE, re.S)
    return numbers(text.group(1) or text.group(2))


def numbers(text):
    found = re.findall(r"(-?[\d.]+)(?: / (\d+))?", text)
    return [Fraction(a) / int(b or 1) for a, b in found]


def field(window, name):
    """A field of a struct in the source."""
    text = re.search(rf"{window} = \{{(.*?)\n\}};", SOURCE, re.S).group(1)
    return numbers(re.search(rf"\.{name} = (.*?),(?=\n    \.|$)", text, re.S).group(1))


@pytest.mark.parametrize(("window", "pairs"), [("fg_two_pairs", 2), ("fg_three_pairs", 3), ("fg_four_pairs", 4)])
def test_weights_of_pairs(window, pairs):
    points = [side * 2**k for k in range(pairs) for side in (1, -1)]
    wanted = coefficients(points)
    odd = field(window, "odd")
    assert len(odd) == pairs**2
    for i in range(pairs):
        for k in range(pairs):
            # Of half a difference, and of half a sum: the same, over the pair's distance.
            assert odd[i * pairs + k] == 2 * wanted[2 * i][2 * k] == -2 * wanted[2 * i][2 * k + 1]
            assert odd[i * pairs + k] / 2**k == 2 * wanted[2 * i + 1][2 * k] == 2 * wanted[2 * i + 1][2 * k + 1]
    assert [float(n) for n in field(window, "norms")] == pytest.approx([norm(w) for w in wanted], rel=1e-13)
    assert field(window, "product") == [math.prod(4**k for k in range(pairs))]


def test_weights_of_one_side():
    wanted = coefficients([2**k for k in range(6)])
    assert written("fg_one_sided") == [w for row in wanted for w in row]
    assert [float(n) for n in written("fg_one_sided_norms")] == pytest.approx([norm(w) for w in wanted], rel=1e-13)


def test_products_of_one_side():
    """The error of order 7 in what is left: coefficients of t and t^2 in t (t - 1) (t - 2) ... (t - 32)."""
    polynomial = [0, 1]
    for root in [2**k for k in range(6)]:
        shifted = [0, *polynomial]
        polynomial = [a - root * b for a, b in zip(shifted, [*polynomial, 0], strict=True)]
    assert written("fg_one_sided_product") == [abs(polynomial[1])]
    assert written("fg_one_sided_product_of_second") == [abs(polynomial[2])]


def test_quantiles_of_student():
    """Two-sided, 99%: to three digits."""
    table = re.findall(r"\{(\d+), ([\d.]+)\}", (FOLDER / "line.c").read_text(encoding="utf-8"))
    assert len(table) > 10
    for degrees, quantile in table:
        assert float(quantile) == pytest.approx(t.ppf(0.995, int(degrees)), rel=2e-3)
