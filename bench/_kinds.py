"""Functions of the kinds that mislead differences, drawn at random, with exact derivatives; a kind has families."""

import itertools
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from _smooth import M, Smooth, drawn, logistic, numbers, point, power_of_ten, rounded, signs
from scipy.interpolate import Akima1DInterpolator, PchipInterpolator
from scipy.special import erf, log_ndtr, xlogy

KINDS: dict[str, list[Callable[[np.random.Generator], "Case"]]] = {}


@dataclass
class Case:
    """A function at a point; `fair` are the entries of whose derivative nobody could say anything.

    `meant` is the smooth function that f rounds or disturbs, by at most about `grain`, for numbers of mpmath; `lengths`
    is how far each coordinate moves until it is another.
    """

    f: Callable[..., Any]
    x: np.ndarray
    exact: np.ndarray
    lengths: np.ndarray
    meant: Callable[[list[Any]], Any]
    grain: Any
    deriv: int = 1
    fair: Any = False
    options: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    family: str = ""


def family(kind):
    """Add a function that draws a case to a kind."""

    def add(draw):
        KINDS.setdefault(kind, []).append(draw)
        return draw

    return add


def named(draw):
    """The name of a family."""
    return draw.__name__.replace("_", " ")


def case(kind, index, seed=0):
    """The case of this index: families take turns, and no case depends on another."""
    families = KINDS[kind]
    draw = families[index % len(families)]
    return replace(draw(np.random.default_rng([seed, zlib.crc32(kind.encode()), index])), family=named(draw))


def size_of(rng, most=6):
    """How many coordinates: often one, which no other helps to tell noise from what f does."""
    return 1 if rng.random() < 0.3 else int(rng.integers(1, most + 1))


def spacing(value):
    """Between neighbouring float64 of this size."""
    return float(np.spacing(abs(value)))


def beside(smooth, x):
    """Points one length away along each coordinate, and x itself."""
    moves = np.diag(smooth.lengths)
    return [x, *(x + moves), *(x - moves)]


def hidden(case, quantum):
    """The case, in which no bar is fair for what moves values by less than four quanta over a length."""
    reach = np.abs(case.exact) * case.lengths
    if case.deriv == 2:
        reach = reach * case.lengths[:, None] / 4
    return replace(
        case, fair=reach < 4 * np.reshape(quantum, np.shape(quantum) + (1,) * (reach.ndim - np.ndim(quantum)))
    )


def each(change):
    """What becomes of many values, each by itself."""
    return lambda values: np.array([change(value) for value in values])


def of_smooth(parts, x, change, grain, deriv=1, **parameters):
    """A case of one smooth function, or of several as the outputs of one; `change` is what becomes of the value(s)."""
    if isinstance(parts, Smooth):
        exact = parts.hessian(x) if deriv == 2 else parts.gradient(x)
        return Case(
            lambda p: change(parts(p)), x, exact, parts.lengths, parts.exactly, grain, deriv, parameters=parameters
        )
    return Case(
        lambda p: change([part(p) for part in parts]),
        x,
        np.array([part.gradient(x) for part in parts]),
        np.min([part.lengths for part in parts], axis=0),
        lambda p: [part.exactly(p) for part in parts],
        grain,
        parameters=parameters,
    )


# Values on a grid


def bfloat16(value):
    """The nearest bfloat16, ties to even."""
    bits = int(np.float32(value).view(np.uint32))
    return float(np.uint32((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).view(np.float32))


def exponent(value, base=10.0):
    return math.floor(math.log(abs(value), base)) if value else -300


def with_digits(k):
    return (lambda v: float(f"{v:.{k}g}")), (lambda v: 10.0 ** (exponent(v) - k + 1))


def with_decimals(k):
    return (lambda v: round(v, k)), (lambda v: 10.0**-k)


def on_grid(parts, x, rounding, deriv=1, **parameters):
    """A case whose values are rounded: (the rounding, the distance of neighbouring values)."""
    change, quantum = rounding
    several = [parts] if isinstance(parts, Smooth) else parts
    if several is parts:
        change = each(change)
    quanta = np.array([max(quantum(part(p)) for p in beside(part, x)) for part in several])
    quanta = float(quanta[0]) if isinstance(parts, Smooth) else quanta
    return hidden(of_smooth(parts, x, change, quanta, deriv, **parameters), quanta)


@family("grid")
def digits_of_text(rng):
    n, k = size_of(rng), int(rng.integers(2, 11))
    scales = power_of_ten(rng, -3, 3)
    smooth = drawn(rng, n, scales, power_of_ten(rng, -6, 6))
    return on_grid(smooth, point(rng, n, scales), with_digits(k), digits=k, scales=scales)


@family("grid")
def decimals(rng):
    n, k = size_of(rng), int(rng.integers(2, 11))
    return on_grid(drawn(rng, n), point(rng, n), with_decimals(k), decimals=k)


@family("grid")
def cents(rng):
    n, scales = size_of(rng, 4), power_of_ten(rng, -2, 3)
    smooth = drawn(rng, n, scales, power_of_ten(rng, 1, 5))
    return on_grid(smooth, point(rng, n, scales), with_decimals(2), scales=scales)


@family("grid")
def half_precision(rng):
    n = size_of(rng)
    brain = bool(rng.integers(2))
    rounding = (bfloat16, lambda v: 2.0 ** (exponent(v, 2) - 7)) if brain else (
        lambda v: np.float16(v), lambda v: float(np.spacing(np.float16(abs(v))))
    )  # fmt: skip
    return on_grid(drawn(rng, n, size=power_of_ten(rng, -1, 2)), point(rng, n), rounding, bfloat16=brain)


@family("grid")
def tail_of_erf(rng):
    x, root = np.array([rng.uniform(-7.0, -2.0)]), math.sqrt(2)
    return hidden(Case(
        lambda p: 0.5 * (1 + float(erf(p[0] / root))), x, rounded([M.npdf(v) for v in numbers(x)]), 1 / np.abs(x),
        lambda p: M.ncdf(p[0]), 2.0**-53,
    ), 2.0**-54)  # fmt: skip


@family("grid")
def indicators(rng):
    """The share of fixed draws below a threshold: its steps need not carry a slope."""
    n, count = size_of(rng, 3), int(power_of_ten(rng, 3, 5))
    sample = np.sort(rng.normal(size=count))
    weights = signs(rng, n) * rng.uniform(0.5, 1.5, n) / math.sqrt(n)
    x = point(rng, n) / 2
    z = M.fdot(zip(numbers(weights), numbers(x), strict=True))
    return Case(
        lambda p: float(np.searchsorted(sample, weights @ p) / count), x,
        rounded([M.npdf(z) * w for w in numbers(weights)]), 1 / np.abs(weights),
        lambda p: M.ncdf(M.fdot(zip(numbers(weights), p, strict=True))), 3 / math.sqrt(count), fair=True,
        parameters={"draws": count},
    )  # fmt: skip


@family("grid")
def digits_of_many_outputs(rng):
    n, k = size_of(rng), int(rng.integers(2, 11))
    parts = [drawn(rng, n, size=power_of_ten(rng, -2, 2)) for _ in range(rng.integers(2, 5))]
    return on_grid(parts, point(rng, n), with_digits(k), digits=k)


@family("grid")
def digits_of_a_hessian(rng):
    n, k = size_of(rng, 3), int(rng.integers(2, 11))
    return on_grid(drawn(rng, n), point(rng, n), with_decimals(k), deriv=2, decimals=k)


# Small by cancellation


@family("cancellation")
def constant_and_back(rng):
    n, constant = size_of(rng), power_of_ten(rng, 0, 8)
    scales = power_of_ten(rng, -3, 3)
    smooth = drawn(rng, n, scales, size=power_of_ten(rng, -3, 2))
    quantum = spacing(2 * constant)
    made = of_smooth(smooth, point(rng, n, scales), lambda v: (constant + v) - constant, quantum, constant=constant)
    return hidden(replace(made, parameters={"constant": constant, "scales": scales}), quantum)


@family("cancellation")
def constant_and_back_of_one_coordinate(rng):
    constant, x = power_of_ten(rng, 0, 8), rng.uniform(0.2, 3, 1)
    name, g, many, slope = [
        ("sine", math.sin, M.sin, M.cos),
        ("exponential", math.exp, M.exp, M.exp),
        ("square", lambda v: v * v, lambda v: v * v, lambda v: 2 * v),
        ("root", math.sqrt, M.sqrt, lambda v: 1 / (2 * M.sqrt(v))),
    ][rng.integers(4)]
    made = of_separate([(lambda v: (constant + g(v)) - constant, many, slope)], x, x / 3, spacing(2 * constant))
    return hidden(replace(made, parameters={"constant": constant, "g": name}), spacing(2 * constant))


@family("cancellation")
def just_above_one(rng):
    n, size = size_of(rng), power_of_ten(rng, -11, -5)
    made = of_smooth(drawn(rng, n, size=size), point(rng, n), lambda v: (1.0 + v) - 1.0, 2.0**-52, size=size)
    return hidden(made, 2.0**-53)


def softmax_slopes(x, winner):
    shares = [M.exp(v) for v in numbers(x)]
    total = M.fsum(shares)
    return rounded([share / total - (k == winner) for k, share in enumerate(shares)])


def certain(rng):
    """Logits of which one is well above the rest."""
    n = int(rng.integers(2, 7))
    x, winner = rng.normal(size=n), int(rng.integers(n))
    x[winner] = x.max() + rng.uniform(8, 34)
    return x, winner, lambda p: M.log(M.fsum(M.exp(v - p[winner]) for v in p))


@family("cancellation")
def log_softmax(rng):
    x, winner, meant = certain(rng)

    def f(p):
        shares = np.exp(p - p.max())
        return float(-np.log(shares[winner] / shares.sum()))

    return hidden(Case(f, x, softmax_slopes(x, winner), np.ones(x.size), meant, 2.0**-51), 2.0**-53)


@family("cancellation")
def log_sum_less_logit(rng):
    x, winner, meant = certain(rng)
    quantum = spacing(2 * x.max())
    exact = softmax_slopes(x, winner)
    made = Case(lambda p: float(np.log(np.exp(p).sum()) - p[winner]), x, exact, np.ones(x.size), meant, 4 * quantum)
    return hidden(made, quantum)


@family("cancellation")
def log_of_sigmoid(rng):
    x = np.array([rng.uniform(5, 35)])
    return hidden(Case(
        lambda p: float(-np.log(1 / (1 + np.exp(-p[0])))), x, rounded([-logistic(-v) for v in numbers(x)]), np.ones(1),
        lambda p: M.log1p(M.exp(-p[0])), 2.0**-51,
    ), 2.0**-53)  # fmt: skip


@family("cancellation")
def trained_loss(rng):
    """Cross-entropy of a logistic model that knows all its data."""
    n = int(rng.integers(2, 6))
    X, w = rng.normal(size=(int(rng.integers(8, 21)), n)), rng.normal(size=n)
    X = X * np.sign(X @ w)[:, None]
    w = w * rng.uniform(6, 20) / (X @ w).min()
    rows = [numbers(row) for row in X]
    chances = [logistic(-M.fdot(zip(row, numbers(w), strict=True))) for row in rows]
    exact = rounded([-M.fdot(zip(chances, column, strict=True)) / len(X) for column in zip(*rows, strict=True)])
    return hidden(Case(
        lambda p: float(np.mean(-np.log(1 / (1 + np.exp(-(X @ p)))))), w, exact, 1 / np.abs(X).max(axis=0),
        lambda p: M.fsum(M.log1p(M.exp(-M.fdot(zip(row, p, strict=True)))) for row in rows) / len(X), 2.0**-51,
        parameters={"loss": float(max(chances))},
    ), 2.0**-53)  # fmt: skip


@family("cancellation")
def expanded_squares(rng):
    """|y - X b|² multiplied out, near the fit."""
    n = size_of(rng)
    X, x = rng.normal(size=(12, n)), point(rng, n)
    y = X @ x + power_of_ten(rng, -6, -2) * rng.normal(size=12)
    G, v, yy = X.T @ X, X.T @ y, float(y @ y)
    rows, vector = [numbers(row) for row in G], numbers(v)

    def meant(p):
        return M.mpf(yy) + M.fsum(p[i] * (M.fdot(zip(rows[i], p, strict=True)) - 2 * vector[i]) for i in range(n))

    exact = rounded([2 * (M.fdot(zip(row, numbers(x), strict=True)) - w) for row, w in zip(rows, vector, strict=True)])
    grain = 20 * spacing(yy)
    made = Case(lambda p: yy - 2 * float(v @ p) + float(p @ G @ p), x, exact, np.sqrt(yy / np.diag(G)), meant, grain)
    return hidden(replace(made, parameters={"yy": yy}), grain)


# x rounded inside f


@family("inner-rounding")
def phases(rng):
    """Sines of ω t + φ, the phases far from zero."""
    n = size_of(rng, 4)
    rates, shift = power_of_ten(rng, -2, 3), power_of_ten(rng, 1, 7)
    smooth = drawn(rng, n, 1 / rates, shape="sin")
    smooth.b = smooth.b + shift * signs(rng, smooth.b.size)
    grain = 4 * np.abs(smooth.c).sum() * spacing(shift)
    return hidden(
        of_smooth(smooth, point(rng, n, 1 / rates), float, grain, rates=rates, shift=shift), np.float64(grain)
    )


@family("inner-rounding")
def sine_of_a_sum(rng):
    origin = power_of_ten(rng, 0.5, 7)
    smooth, x = Smooth("sin", np.ones(1), np.ones((1, 1)), np.array([origin])), rng.uniform(0.2, 1.5, 1)
    return of_smooth(smooth, x, float, 2 * spacing(origin), origin=origin)


@family("inner-rounding")
def origin_and_shift(rng):
    """g(t0 + x): the sum is rounded."""
    n, origin = size_of(rng, 4), power_of_ten(rng, 1, 9)
    scales = power_of_ten(rng, -1, 2)
    smooth, x = drawn(rng, n, scales), point(rng, n, scales)
    # What g sees lies as far from t0 as x does.
    made = of_smooth(smooth, x, float, 20 * spacing(origin) / scales, origin=origin, scales=scales)
    return replace(made, f=lambda p: smooth((origin + p) - origin))


DATES = {
    "Julian day": (2457958.0, 0.02, 30),
    "modified Julian day": (57958.0, 0.01, 30),
    "Unix time": (1.7e9, 300.0, 1e5),
}


def date(rng):
    """A date, the name of its calendar, and over what time things change."""
    name = str(rng.choice(list(DATES)))
    origin, least, most = DATES[name]
    return origin, name, power_of_ten(rng, math.log10(least), math.log10(most))


@family("inner-rounding")
def cycles_of_a_date(rng):
    """The phase 2 π x / P of a date x, as it is often computed."""
    origin, name, scale = date(rng)
    smooth = Smooth("sin", rng.uniform(0.5, 2, 1), np.array([[2 * math.pi / scale]]), rng.normal(size=1))
    x = origin + point(rng, 1, scale)
    grain = 8 * smooth.c[0] * spacing(2 * math.pi * origin / scale)
    return of_smooth(smooth, x, float, grain, calendar=name, scale=scale)


@family("inner-rounding")
def date_beside_others(rng):
    """Squares of residuals of a dip in time: its date, depth and log width."""
    origin, name, scale = date(rng)
    times = origin + scale * np.linspace(-4, 4, 15)
    x = np.array([origin + scale * rng.uniform(-0.5, 0.5), rng.uniform(0.1, 1.0), rng.normal() / 4])
    data = np.exp(-0.5 * ((times - origin) / scale) ** 2) + 0.05 * rng.normal(size=15)
    pairs = list(zip(numbers(times), numbers(data), strict=True))

    def f(p):
        return float(np.sum((p[1] * np.exp(-0.5 * ((times - p[0]) / (scale * np.exp(p[2]))) ** 2) - data) ** 2))

    def meant(p):
        width = M.mpf(float(scale)) * M.exp(p[2])
        return M.fsum((p[1] * M.exp(-(((t - p[0]) / width) ** 2) / 2) - y) ** 2 for t, y in pairs)

    place, depth, log = numbers(x)
    width, slopes = M.mpf(float(scale)) * M.exp(log), [M.mpf(0)] * 3
    for t, y in pairs:
        z = (t - place) / width
        dip = M.exp(-z * z / 2)
        rows = depth * dip * z / width, dip, depth * dip * z * z
        slopes = [s + 2 * (depth * dip - y) * row for s, row in zip(slopes, rows, strict=True)]
    return Case(f, x, rounded(slopes), np.array([scale, 1.0, 1.0]), meant, 1e-12 + spacing(origin) / scale,
                parameters={"calendar": name, "scale": scale})  # fmt: skip


@family("inner-rounding")
def frequency(rng):
    """A sum of sines as a function of their one frequency, at late times."""
    late = power_of_ten(rng, 2, 6)
    times, c = late * (1 + rng.uniform(0, 0.2, 5)), rng.normal(size=5)
    smooth = Smooth("sin", c, 2 * math.pi * times[:, None], rng.normal(size=5))
    x = np.array([rng.uniform(0.5, 20)])
    return of_smooth(smooth, x, float, 8 * np.abs(c).sum() * spacing(2 * math.pi * late * x[0]), late=late)


# A large smooth part beside a fast one


def of_separate(terms, x, lengths, grain, **parameters):
    """A case of a sum over coordinates of terms (in float64, to many digits, the slope)."""

    def meant(p):
        return M.fsum(term[1](v) for term, v in zip(terms, p, strict=True))

    exact = rounded([term[2](v) for term, v in zip(terms, numbers(x), strict=True)])

    def f(p):
        return float(sum(term[0](v) for term, v in zip(terms, p, strict=True)))

    return Case(f, x, exact, lengths, meant, grain, parameters=parameters)


def power_and(large, degree, fast, kind):
    """A power, large x^degree, beside a sine, a bell or an exponential: in float64, to many digits, the slope."""
    a, k = M.mpf(large), M.mpf(fast)
    slope = lambda x: a * degree * x ** (degree - 1)  # noqa: E731
    return {
        "sine": (
            lambda x: large * x**degree + math.sin(fast * x),
            lambda x: a * x**degree + M.sin(k * x),
            lambda x: slope(x) + k * M.cos(k * x),
        ),
        "bell": (
            lambda x: large * x**degree + math.exp(-((fast * (x - 1)) ** 2) / 2),
            lambda x: a * x**degree + M.exp(-((k * (x - 1)) ** 2) / 2),
            lambda x: slope(x) - k * k * (x - 1) * M.exp(-((k * (x - 1)) ** 2) / 2),
        ),
        "growth": (
            lambda x: large * x**degree + math.exp(fast * (x - 1.5)),
            lambda x: a * x**degree + M.exp(k * (x - 1.5)),
            lambda x: slope(x) + k * M.exp(k * (x - 1.5)),
        ),
    }[kind]


@family("large-beside-fast")
def powers(rng):
    n, degree, kind = size_of(rng, 3), int(rng.integers(1, 6)), str(rng.choice(["sine", "bell", "growth"]))
    large, fast = power_of_ten(rng, 0, 6), float(rng.uniform(3, 50 if kind != "growth" else 20))
    x = rng.uniform(0.7, 1.6, n)
    return of_separate([power_and(large, degree, fast, kind)] * n, x, np.full(n, 1 / fast), 1e-13 * large,
                       degree=degree, kind=kind, large=large, fast=fast)  # fmt: skip


@family("large-beside-fast")
def cubic_and_sine(rng):
    large, fast = power_of_ten(rng, 0, 6), float(rng.uniform(3, 50))
    x = rng.uniform(0.5, 2, 1)
    return of_separate(
        [power_and(large, 3, fast, "sine")], x, np.full(1, 1 / fast), 1e-13 * large, large=large, fast=fast
    )


@family("large-beside-fast")
def probit(rng):
    """The log-likelihood of 30 answers, its columns of unlike sizes."""
    n = int(rng.integers(2, 6))
    X = np.column_stack([np.ones(30), rng.normal(rng.uniform(-3, 20, n - 1), rng.uniform(0.3, 4, n - 1), (30, n - 1))])
    centred = X - X.mean(axis=0)
    w = rng.normal(size=n) / np.abs(X).max(axis=0)
    w[0] = -float(X[:, 1:].mean(axis=0) @ w[1:])
    X = X * np.where(centred @ w + rng.normal(size=30) > 0, 1.0, -1.0)[:, None]
    w = w + rng.normal(size=n) * 0.3 / np.abs(X).max(axis=0)
    rows = [numbers(row) for row in X]
    at = [M.fdot(zip(row, numbers(w), strict=True)) for row in rows]
    mills = [M.npdf(z) / M.ncdf(z) for z in at]
    exact = rounded([M.fdot(zip(mills, column, strict=True)) for column in zip(*rows, strict=True)])
    return Case(
        lambda p: float(np.sum(log_ndtr(X @ p))), w, exact, 1 / np.abs(X).max(axis=0),
        lambda p: M.fsum(M.log(M.ncdf(M.fdot(zip(row, p, strict=True)))) for row in rows), 1e-10,
    )  # fmt: skip


# name: model in float64 or mpmath (`exp` is passed), its slopes by each parameter, sizes of the parameters, last time
CURVES = {
    "decay": (
        lambda b, t, m: b[0] * m.exp(-b[1] * t),
        lambda b, t, m: [m.exp(-b[1] * t), -b[0] * t * m.exp(-b[1] * t)],
        (80.0, 0.7), 5.0,
    ),
    "decay and wave": (
        lambda b, t, m: b[0] * m.exp(-b[2] * t) + b[1] * m.sin(t),
        lambda b, t, m: [m.exp(-b[2] * t), m.sin(t), -b[0] * t * m.exp(-b[2] * t)],
        (80.0, 60.0, 0.7), 5.0,
    ),
    "saturation": (
        lambda b, t, m: b[0] * (1 - m.exp(-b[1] * t)),
        lambda b, t, m: [1 - m.exp(-b[1] * t), b[0] * t * m.exp(-b[1] * t)],
        (239.0, 5.5e-4), 760.0,
    ),
    "logistic growth": (
        lambda b, t, m: b[0] / (1 + m.exp(b[1] - b[2] * t)),
        lambda b, t, m: [
            1 / (1 + m.exp(b[1] - b[2] * t)),
            -b[0] * m.exp(b[1] - b[2] * t) / (1 + m.exp(b[1] - b[2] * t)) ** 2,
            b[0] * t * m.exp(b[1] - b[2] * t) / (1 + m.exp(b[1] - b[2] * t)) ** 2,
        ],
        (700.0, 5.0, 0.8), 14.0,
    ),
}  # fmt: skip


@dataclass
class Fit:
    """Sum of squares of a curve and its data, of which float64 has the rounded ones."""

    curve: str
    times: np.ndarray
    data: list[Any]

    def __call__(self, b):
        residuals = CURVES[self.curve][0](b, self.times, np) - self.rounded
        return float(residuals @ residuals)

    def __post_init__(self):
        self.rounded = rounded(self.data)

    def exactly(self, b):
        model, times = CURVES[self.curve][0], numbers(self.times)
        return M.fsum((model(b, t, M) - y) ** 2 for t, y in zip(times, self.data, strict=True))

    def gradient(self, b):
        model, slopes = CURVES[self.curve][:2]
        b = numbers(b)
        pairs = [(model(b, t, M) - y, slopes(b, t, M)) for t, y in zip(numbers(self.times), self.data, strict=True)]
        return rounded([2 * M.fsum(r * s[i] for r, s in pairs) for i in range(len(b))])


def curve(rng):
    """A curve by name, its parameters and times."""
    name = str(rng.choice(list(CURVES)))
    _, _, sizes, last = CURVES[name]
    return name, np.array(sizes) * rng.uniform(0.6, 1.5, len(sizes)), np.linspace(0, last, int(rng.integers(8, 25)))


def fit_case(name, times, data, b, **parameters):
    fit = Fit(name, times, data)
    grain = 1e-13 * (1 + float(fit.rounded @ fit.rounded))
    return Case(fit, b, fit.gradient(b), np.abs(b) / 5, fit.exactly, grain, parameters={"curve": name, **parameters})


@family("large-beside-fast")
def least_squares(rng):
    name, b, times = curve(rng)
    data = CURVES[name][0](b, times, np) * (1 + 0.1 * rng.normal(size=times.size))
    return fit_case(name, times, numbers(data), b * (1 + 0.2 * rng.normal(size=b.size)))


@family("large-beside-fast")
def stiff_and_steep(rng):
    """(w (x - 1))² + (exp(k - k / x) - 1)²: two residuals of unlike speeds."""
    w, k = power_of_ten(rng, 0, 4), float(rng.uniform(5, 40))
    W, K, x = M.mpf(w), M.mpf(k), rng.uniform(0.9, 1.1, 1)
    term = (
        lambda v: (w * (v - 1)) ** 2 + (math.exp(k - k / v) - 1) ** 2,
        lambda v: (W * (v - 1)) ** 2 + (M.exp(K - K / v) - 1) ** 2,
        lambda v: 2 * W * W * (v - 1) + 2 * (M.exp(K - K / v) - 1) * M.exp(K - K / v) * K / v**2,
    )
    return of_separate([term], x, np.full(1, 1 / k), 1e-12 * (w + math.exp(k / 4)), w=w, k=k)


# A second derivative that jumps at x


def positive(v):
    return v if v > 0 else v * 0


@family("curvature-jump")
def two_curvatures(rng):
    """A smooth function and a max(0, x - x0)², at x0."""
    scale = power_of_ten(rng, -3, 3)
    smooth, x = drawn(rng, 1, scale, rng.choice([0.01, 1.0, 10.0])), point(rng, 1, scale)
    a = rng.normal() / scale**2
    made = of_smooth(smooth, x, float, 1e-13, a=a, scale=scale)
    return replace(made, f=lambda p: smooth(p) + a * max(0.0, p[0] - x[0]) ** 2,
                   meant=lambda p: smooth.exactly(p) + a * positive(p[0] - M.mpf(x[0])) ** 2)  # fmt: skip


@family("curvature-jump")
def other_powers(rng):
    """A line beside a max(0, x - x0)^p: the second derivative is infinite at x0, or the third jumps."""
    p, (x, a, b) = float(rng.choice([1.25, 1.5, 2.5, 3.0])), rng.normal(size=3)
    return Case(
        lambda v: b * v[0] + a * max(0.0, v[0] - x) ** p, np.array([x]), np.array([b]), np.ones(1),
        lambda v: b * v[0] + a * positive(v[0] - M.mpf(x)) ** p, 1e-14, parameters={"p": p, "a": a, "b": b},
    )  # fmt: skip


def of_residuals(rng, n, loss, slope, corner):
    """A sum of losses of y - X b and a little of |b|², of which one residual is at the corner."""
    X, x = rng.normal(size=(int(rng.integers(1, 15)), n)), point(rng, n)
    y = X @ x + 2 * rng.normal(size=len(X))
    y[0] = X[0] @ x + corner
    rows, ridge = [numbers(row) for row in X], power_of_ten(rng, -3, 0)
    pairs = list(zip(rows, numbers(y), strict=True))

    def residuals(p):
        return [(row, t - M.fdot(zip(row, p, strict=True))) for row, t in pairs]

    slopes = [(row, slope(r)) for row, r in residuals(numbers(x))]
    exact = rounded([2 * M.mpf(ridge) * v - M.fsum(s * row[i] for row, s in slopes) for i, v in enumerate(numbers(x))])
    return Case(
        lambda p: float(np.sum(loss(y - X @ p)) + ridge * (p @ p)), x, exact, 0.1 / np.abs(X).max(axis=0),
        lambda p: M.fsum(loss(r) for _, r in residuals(p)) + ridge * M.fsum(v * v for v in p), 1e-11,
        parameters={"ridge": ridge, "rows": len(X)},
    )  # fmt: skip


@family("curvature-jump")
def hinge_squared(rng):
    loss = lambda r: np.maximum(r, 0.0) ** 2 if isinstance(r, np.ndarray) else positive(r) ** 2  # noqa: E731
    return of_residuals(rng, size_of(rng, 5), loss, lambda r: 2 * positive(r), 0.0)


@family("curvature-jump")
def huber(rng):
    def loss(r):
        if isinstance(r, np.ndarray):
            return np.where(np.abs(r) <= 1, r * r / 2, np.abs(r) - 0.5)
        return r * r / 2 if abs(r) <= 1 else abs(r) - 0.5

    return of_residuals(
        rng, size_of(rng, 5), loss, lambda r: r if abs(r) <= 1 else M.sign(r), float(rng.choice([-1, 1]))
    )


@family("curvature-jump")
def contact(rng):
    """The energy of a spring, and of a wall that it touches: k d² / 2, or Hertz's 2 k d^2.5 / 5."""
    x, (soft, hertz) = point(rng, 1), (float(rng.uniform(0.5, 2)), bool(rng.integers(2)))
    hard, p, rest = power_of_ten(rng, 0, 4), 2.5 if hertz else 2.0, float(rng.normal())
    factor = hard * (0.4 if hertz else 0.5)
    return Case(
        lambda v: soft * (v[0] - rest) ** 2 + factor * max(0.0, v[0] - x[0]) ** p, x,
        rounded([2 * M.mpf(soft) * (v - M.mpf(rest)) for v in numbers(x)]), np.full(1, 0.1),
        lambda v: soft * (v[0] - M.mpf(rest)) ** 2 + factor * positive(v[0] - M.mpf(x[0])) ** p, 1e-12 * (1 + hard),
        parameters={"hard": hard, "hertz": hertz},
    )  # fmt: skip


def at_knot(rng, interpolator):
    """An interpolating cubic in pieces, at one of its knots."""
    knots = np.cumsum(rng.uniform(0.2, 1.5, 12)) - 5
    spline = interpolator(knots, rng.normal(size=12))
    at = float(knots[rng.integers(2, 9)])
    places, heights, slopes = (numbers(v) for v in (knots, spline(knots), spline(knots, 1)))

    def meant(p):
        """Hermite's form, whose pieces meet exactly: those of float64 do but for rounding."""
        k = next(k for k in range(10, -1, -1) if k == 0 or p[0] >= places[k])
        width = places[k + 1] - places[k]
        t = (p[0] - places[k]) / width
        return (
            heights[k] * (1 + 2 * t) * (1 - t) ** 2
            + heights[k + 1] * t * t * (3 - 2 * t)
            + width * t * (1 - t) * (slopes[k] * (1 - t) - slopes[k + 1] * t)
        )

    exact = np.array([float(spline(at, 1))])
    return Case(lambda p: float(spline(p[0])), np.array([at]), exact, np.full(1, 0.05), meant, 1e-13)


@family("curvature-jump")
def pchip_knot(rng):
    return at_knot(rng, PchipInterpolator)


@family("curvature-jump")
def akima_knot(rng):
    return at_knot(rng, Akima1DInterpolator)


# f = 0 at the minimum


@family("zero-minimum")
def exact_fit(rng):
    """The data are the curve at b to the last bit, as they are or beside a constant that both have."""
    name, b, times = curve(rng)
    constant = float(rng.choice([0.0, 0.0, 1e5]))
    made = fit_case(name, times, [CURVES[name][0](numbers(b), t, M) for t in numbers(times)], b, constant=constant)
    data = CURVES[name][0](b, times, np) + constant

    def f(p):
        residuals = CURVES[name][0](p, times, np) + constant - data
        return float(residuals @ residuals)

    return replace(made, f=f, exact=np.zeros(b.size), grain=made.grain + 1e-8 * (constant > 0))


@family("zero-minimum")
def found_fit(rng):
    """As a least-squares solver finds it: nearly at the minimum."""
    name, b, times = curve(rng)
    near = power_of_ten(rng, -12, -5)
    data = CURVES[name][0](b, times, np)
    return fit_case(name, times, numbers(data), b * (1 + near * rng.normal(size=b.size)), near=near)


@family("zero-minimum")
def rosenbrock(rng):
    n, weight = int(rng.integers(2, 7)), float(rng.choice([1.0, 100.0, 1e4]))

    def f(p):
        return sum(weight * (b - a * a) ** 2 + (1 - a) ** 2 for a, b in itertools.pairwise(p))

    return Case(
        lambda p: float(f(p)), np.ones(n), np.zeros(n), np.full(n, 0.1), f, 1e-14, parameters={"weight": weight}
    )


@family("zero-minimum")
def noiseless_regression(rng):
    n, scales = size_of(rng), power_of_ten(rng, -4, 4)
    X, x = rng.normal(size=(20, n)) / scales, point(rng, n, scales)
    y = X @ x
    rows = [numbers(row) for row in X]
    data = [M.fdot(zip(row, numbers(x), strict=True)) for row in rows]  # which float64 rounds
    return Case(
        lambda p: float(np.sum((X @ p - y) ** 2)), x, np.zeros(n), np.full(n, scales),
        lambda p: M.fsum((M.fdot(zip(row, p, strict=True)) - t) ** 2 for row, t in zip(rows, data, strict=True)), 1e-13,
        parameters={"scales": scales},
    )  # fmt: skip


@family("zero-minimum")
def sum_of_powers(rng):
    """Sums of w (x - c)^p at c, p = 2 or 4, or of 1 - cos."""
    n, p, scale = size_of(rng), int(rng.choice([2, 4])), power_of_ten(rng, -3, 3)
    x = np.where(rng.integers(0, 3, n) == 0, 0.0, point(rng, n, scale))
    w, centre = power_of_ten(rng, -3, 3) * rng.uniform(0.5, 2, n), numbers(x)
    return Case(
        lambda v: float(w @ ((v - x) / scale) ** p), x, np.zeros(n), np.full(n, scale),
        lambda v: M.fsum(a * ((b - c) / M.mpf(scale)) ** p for a, b, c in zip(numbers(w), v, centre, strict=True)),
        1e-12,
        parameters={"p": p, "scale": scale},
    )  # fmt: skip


@family("zero-minimum")
def one_less_cosine(rng):
    n = size_of(rng)
    w = rng.uniform(0.5, 2, n)
    return Case(
        lambda v: float(w @ (1 - np.cos(v))), np.zeros(n), np.zeros(n), np.ones(n),
        lambda v: M.fsum(a * (1 - M.cos(b)) for a, b in zip(numbers(w), v, strict=True)), 1e-15,
    )  # fmt: skip


# Coordinates that are zero but for rounding, and very large and small ones


def nearly_zero(rng):
    return float(rng.choice([0.0, 1e-300, 1e-50, 1.2246e-16, power_of_ten(rng, -20, -6)])) * rng.choice([-1.0, 1.0])


def with_tiny(rng, n):
    """A point of which some coordinates are nearly zero."""
    x = point(rng, n)
    tiny = rng.random(n) < 0.5
    tiny[rng.integers(n)] = True
    return np.array([nearly_zero(rng) if small else v for small, v in zip(tiny, x, strict=True)])


@family("scales")
def tiny_coordinates(rng):
    n, scales = size_of(rng), power_of_ten(rng, -1, 1)
    return of_smooth(drawn(rng, n, scales), with_tiny(rng, n), float, 1e-13)


@family("scales")
def tiny_coordinate_alone(rng):
    return of_smooth(drawn(rng, 1), with_tiny(rng, 1), float, 1e-13)


@family("scales")
def tiny_in_many_outputs(rng):
    n = size_of(rng, 4)
    return of_smooth([drawn(rng, n) for _ in range(rng.integers(2, 5))], with_tiny(rng, n), np.array, 1e-13)


@family("scales")
def tiny_in_a_hessian(rng):
    n = size_of(rng, 3)
    return of_smooth(drawn(rng, n), with_tiny(rng, n), float, 1e-13, deriv=2)


@family("scales")
def of_many_magnitudes(rng):
    """Each coordinate of another power of ten, up to 1e±290."""
    n = size_of(rng, 5)
    scales = 10.0 ** rng.uniform(-290, 290, n)
    return of_smooth(drawn(rng, n, scales), point(rng, n, scales), float, 1e-13, scales=scales)


@family("scales")
def products_of_magnitudes(rng):
    """A product of powers of coordinates, in units of their own."""
    n = size_of(rng, 4)
    scales = 10.0 ** rng.uniform(-290, 290, n)
    x, powers = np.abs(point(rng, n, scales)), rng.uniform(0.3, 3, n) * signs(rng, n)
    units, p = numbers(scales), numbers(powers)

    def meant(v):
        return M.fprod((b / u) ** q for b, u, q in zip(v, units, p, strict=True))

    exact = rounded([meant(numbers(x)) * q / v for q, v in zip(p, numbers(x), strict=True)])
    return Case(lambda v: float(np.prod((v / scales) ** powers)), x, exact, x / 3, meant, 1e-9,
                parameters={"scales": scales, "powers": powers})  # fmt: skip


@family("scales")
def unlike_parameters(rng):
    """A fit whose parameters are of unlike sizes."""
    last = power_of_ten(rng, -6, 6)
    times, b = np.linspace(last / 15, last, 14), np.array([239.0, 0.4 / last]) * rng.uniform(0.6, 1.5, 2)
    data = CURVES["saturation"][0](b, times, np) * (1 + 0.02 * rng.normal(size=14))
    return fit_case("saturation", times, numbers(data), b, last=last)


# Beside an edge


def raising(f):
    """The function with a ValueError where it would be NaN, as of `math.log`."""

    def strict(p):
        value = f(p)
        if np.isnan(value).any():
            raise ValueError("math domain error")
        return value

    return strict


def edge_mode(rng, made):
    """The case as it is, with NaN beyond the edge, or with an exception there."""
    if not rng.integers(2):
        return made
    return replace(made, f=raising(made.f), parameters=made.parameters | {"raises": True})


def beside_edge(rng, n):
    """Coordinates below their edges, by 1e-6 to 0.3 of them, and their distances."""
    edges = rng.uniform(0.5, 2, n)
    x = edges * (1 - 10.0 ** rng.uniform(-6, -0.5, n))
    return edges, x, edges - x


@family("edges")
def log_barrier(rng):
    n = size_of(rng, 4)
    edges, x, gaps = beside_edge(rng, n)
    a, e = rng.uniform(0.5, 2, n), numbers(edges)
    return edge_mode(rng, Case(
        lambda p: float(a @ np.log(edges - p)), x,
        rounded([-w / (u - v) for w, u, v in zip(numbers(a), e, numbers(x), strict=True)]), gaps / 3,
        lambda p: M.fsum(w * M.log(u - v) for w, u, v in zip(numbers(a), e, p, strict=True)), 1e-9,
        parameters={"gaps": gaps},
    ))  # fmt: skip


@family("edges")
def log_hessian(rng):
    n = size_of(rng, 3)
    edges, x, gaps = beside_edge(rng, n)
    smooth, e = drawn(rng, n), numbers(edges)
    exact = smooth.hessian(x) - np.diag(rounded([1 / (u - v) ** 2 for u, v in zip(e, numbers(x), strict=True)]))
    return edge_mode(rng, Case(
        lambda p: float(np.log(edges - p).sum()) + smooth(p), x, exact, gaps / 3,
        lambda p: M.fsum(M.log(u - v) for u, v in zip(e, p, strict=True)) + smooth.exactly(p), 1e-9, deriv=2,
        parameters={"gaps": gaps},
    ))  # fmt: skip


@family("edges")
def simplex_hessian(rng):
    """Counts times the logs of chances, of which the last is what the others leave."""
    n = int(rng.integers(1, 4))
    x = rng.dirichlet(np.full(n + 1, 0.7))[:n] * 0.999 + 1e-4
    counts = rng.uniform(1, 50, n + 1)
    c, p = numbers(counts), numbers(x)
    rest = 1 - M.fsum(p)
    exact = rounded([[-c[-1] / rest**2 - (i == j) * c[i] / p[i] ** 2 for j in range(n)] for i in range(n)])
    return edge_mode(rng, Case(
        lambda v: float(counts[:n] @ np.log(v) + counts[n] * np.log(1 - v.sum())), x, exact,
        np.minimum(x, float(rest)) / 3,
        lambda v: M.fdot(zip(c[:n], [M.log(q) for q in v], strict=True)) + c[-1] * M.log(1 - M.fsum(v)), 1e-9, deriv=2,
        parameters={"rest": float(rest)},
    ))  # fmt: skip


@family("edges")
def correlation_hessian(rng):
    """The likelihood of a correlation near 1."""
    gap = power_of_ten(rng, -3, -1)
    x, (a, b, d) = np.array([1 - gap]), rng.uniform(100, 300, 3)
    b = min(b, 0.95 * math.sqrt(a * d))
    A, B, r, one = M.mpf(a) + M.mpf(d), M.mpf(b), M.mpf(float(x[0])), M.mpf(1)
    s, top = one - r * r, A - 2 * r * B
    second = -200 * (1 + r * r) / s**2 - 4 * B * r / s**2 + top * (1 + 3 * r * r) / s**3
    return edge_mode(rng, Case(
        lambda p: float(100 * np.log(1 - p[0] ** 2) + (a - 2 * p[0] * b + d) / (2 * (1 - p[0] ** 2))), x,
        rounded([[second]]), np.full(1, gap / 3),
        lambda p: 100 * M.log(1 - p[0] ** 2) + (A - 2 * p[0] * B) / (2 * (1 - p[0] ** 2)), 1e-6, deriv=2,
        parameters={"gap": gap},
    ))  # fmt: skip


@family("edges")
def logs_among_outputs(rng):
    """log(e - x) or a root of it, beside smooth outputs."""
    n = size_of(rng, 4)
    edges, x, gaps = beside_edge(rng, n)
    smooth, e, root = drawn(rng, n), numbers(edges), bool(rng.integers(2))
    rows = [[1 / (u - v) if k == i else M.mpf(0) for k in range(n)] for i, (u, v) in
            enumerate(zip(e, numbers(x), strict=True))]  # fmt: skip
    if root:
        rows = [[-v / 2 * M.sqrt(u - w) for v in row] for row, u, w in zip(rows, e, numbers(x), strict=True)]
    else:
        rows = [[-v for v in row] for row in rows]
    function, many = (np.sqrt, M.sqrt) if root else (np.log, M.log)
    return edge_mode(rng, Case(
        lambda p: np.append(function(edges - p), smooth(p)), x, np.vstack([rounded(rows), smooth.gradient(x)]),
        gaps / 3,
        lambda p: [*(many(u - v) for u, v in zip(e, p, strict=True)), smooth.exactly(p)], 1e-9,
        parameters={"gaps": gaps, "root": root},
    ))  # fmt: skip


@family("edges")
def at_the_edge_of_outputs(rng):
    """Smooth outputs, of which some or all are undefined on one side of x."""
    n, above = size_of(rng, 3), bool(rng.integers(2))
    parts, x = [drawn(rng, n) for _ in range(2)], point(rng, n)
    everywhere = bool(rng.integers(2))
    made = of_smooth(parts, x, np.array, 1e-13, above=above, everywhere=everywhere)

    def f(p):
        values = np.array([part(p) for part in parts])
        if p[0] > x[0] if above else p[0] < x[0]:
            values[: 2 if everywhere else 1] = np.nan
        return values

    return edge_mode(rng, replace(made, f=f))


# Offsets, as one output of many and as a Hessian


@family("offsets")
def dip_in_time(rng):
    """A light curve: many outputs, of which most do not see the date of the dip."""
    origin, name, scale = date(rng)
    count, reach = int(rng.integers(10, 31)), float(rng.choice([4, 20]))
    times = origin + scale * reach * np.linspace(-1, 1, count)
    x = np.array([origin + scale * rng.uniform(-0.5, 0.5), power_of_ten(rng, -3, 0)])
    place, depth = numbers(x)
    width, rows = M.mpf(float(scale)), []
    for t in numbers(times):
        z = (t - place) / width
        rows.append([-depth * z / width * M.exp(-z * z / 2), -M.exp(-z * z / 2)])
    return Case(
        lambda p: 1 - p[1] * np.exp(-0.5 * ((times - p[0]) / scale) ** 2), x, rounded(rows), np.array([scale, 1.0]),
        lambda p: [1 - p[1] * M.exp(-(((t - p[0]) / width) ** 2) / 2) for t in numbers(times)], 1e-14,
        parameters={"calendar": name, "scale": scale},
    )  # fmt: skip


def shifted(rng, outputs, n, deriv=1):
    """Smooth functions of x - x0, x far from zero."""
    origins = power_of_ten(rng, 2, 9) * rng.uniform(0.5, 2, n) * signs(rng, n)
    scales = np.maximum(10.0 ** rng.uniform(-2, 2, n), 1e-9 * np.abs(origins))
    far = rng.random(n) < 0.7
    far[rng.integers(n)] = True
    origins, scales = np.where(far, origins, 0.0), np.where(far, scales, 1.0)
    parts = [drawn(rng, n, scales) for _ in range(outputs)]
    x = origins + point(rng, n, scales)
    near, parts = x - origins, parts[0] if outputs == 1 else parts
    made = of_smooth(parts, near, float if outputs == 1 else np.array, 1e-13, deriv, origins=origins, scales=scales)
    inner, many, shift = made.f, made.meant, numbers(origins)
    return replace(made, x=x, f=lambda p: inner(p - origins),
                   meant=lambda p: many([v - o for v, o in zip(p, shift, strict=True)]))  # fmt: skip


@family("offsets")
def shifted_outputs(rng):
    return shifted(rng, int(rng.integers(2, 6)), size_of(rng, 4))


@family("offsets")
def shifted_hessian(rng):
    return shifted(rng, 1, size_of(rng, 3), deriv=2)


@family("offsets")
def hessian_of_a_date(rng):
    """cos(2 π (x - x0) / P) and a date's square, or with another coordinate."""
    origin, name, scale = date(rng)
    n = size_of(rng, 2)
    A = np.array([[2 * math.pi / scale, 1.0][:n]])
    smooth = Smooth("sin", rng.uniform(0.5, 2, 1), A, np.array([math.pi / 2]))
    x = np.array([origin + scale * rng.uniform(-0.5, 0.5), rng.normal()][:n])
    shift = np.array([origin, 0.0][:n])
    made = of_smooth(smooth, x - shift, float, 1e-13, 2, calendar=name, scale=scale)
    return replace(made, x=x, f=lambda p: smooth(p - shift),
                   meant=lambda p: smooth.exactly([v - o for v, o in zip(p, numbers(shift), strict=True)]))  # fmt: skip


# Noise


def noise(rng, level):
    """A draw of noise of this standard deviation, from a stream of its own."""
    stream = np.random.default_rng(int(rng.integers(2**32)))
    law = str(rng.choice(["normal", "uniform", "discrete"]))
    draw = {
        "normal": lambda: level * stream.standard_normal(),
        "uniform": lambda: level * math.sqrt(3) * stream.uniform(-1, 1),
        "discrete": lambda: level * math.sqrt(1.5) * stream.integers(-1, 2),
    }[law]
    return draw, law


def noisy(rng, outputs=1, deriv=1, most=6, exact_ones=0):
    """Smooth functions under noise, of which the first outputs have none."""
    n, level = size_of(rng, most), float(rng.choice([1e-10, 1e-6, 1e-3]))
    scales, size = power_of_ten(rng, -2, 2), power_of_ten(rng, -3, 3)
    parts, x = [drawn(rng, n, scales, size) for _ in range(outputs)], point(rng, n, scales)
    (draw, law), relative = noise(rng, level), bool(rng.integers(2))

    def disturbed(value):
        return value * (1 + draw()) if relative else value + size * draw()

    def change(values):
        return np.array([*values[:exact_ones], *map(disturbed, values[exact_ones:])])

    spread = np.array([level * (abs(part(x)) if relative else size) for part in parts])
    spread[:exact_ones] = 1e-15 * size
    parameters = {"level": level, "law": law, "relative": relative, "scales": scales}
    if outputs == 1:
        spread = float(spread[0])
        made = of_smooth(parts[0], x, disturbed, 8 * spread, deriv, **parameters)
    else:
        made = of_smooth(parts, x, change, 8 * spread, **parameters)
    return hidden(made, spread)


@family("noise")
def noisy_value(rng):
    return noisy(rng)


@family("noise")
def noisy_value_of_one_coordinate(rng):
    return noisy(rng, most=1)


@family("noise")
def noisy_outputs(rng):
    return noisy(rng, int(rng.integers(2, 6)), most=4)


@family("noise")
def noisy_output_beside_exact_ones(rng):
    outputs = int(rng.integers(2, 6))
    return noisy(rng, outputs, most=4, exact_ones=outputs - 1)


# Infinite slopes at an edge


ROOTS = {
    "root": (lambda d, p: d**p, lambda d, p: d**p, 1),
    "x log x": (lambda d, p: -xlogy(d, d), lambda d, p: -d * M.log(d) if d else M.mpf(0), 1),
    "arc cosine": (lambda d, p: np.arccos(1 - d), lambda d, p: M.acos(1 - d), 1),
}


def steep(rng, n):
    """A steep function of x0 - e at e, and a smooth one of all coordinates: f, what is meant, x, exact slopes."""
    name = str(rng.choice(list(ROOTS)))
    function, many, sign = ROOTS[name]
    p, weight = float(rng.uniform(0.2, 0.8)), float(rng.uniform(0.3, 3) * rng.choice([-1, 1]))
    smooth, x = drawn(rng, n, size=0.5), point(rng, n)
    x[0] = edge = float(rng.choice([0.0, 0.0, 1.0]))
    exact = smooth.gradient(x)
    exact[0] = sign * weight * np.inf
    return (
        lambda v: float(weight * function(v[0] - edge, p)) + smooth(v),
        lambda v: weight * many(v[0] - M.mpf(edge), M.mpf(p)) + smooth.exactly(v),
        x, exact, smooth, {"name": name, "p": p, "edge": edge},
    )  # fmt: skip


@family("infinite-slope")
def within_bounds(rng):
    n = size_of(rng, 3)
    f, meant, x, exact, smooth, parameters = steep(rng, n)
    bounds = (np.append(x[0], np.full(n - 1, -np.inf)), np.append(x[0] + 1, np.full(n - 1, np.inf)))
    return Case(f, x, exact, smooth.lengths, meant, 1e-13, fair=np.isinf(exact), options={"bounds": bounds},
                parameters=parameters)  # fmt: skip


@family("infinite-slope")
def without_bounds(rng):
    f, meant, x, exact, smooth, parameters = steep(rng, size_of(rng, 3))
    return Case(f, x, exact, smooth.lengths, meant, 1e-13, fair=np.isinf(exact), parameters=parameters)


@family("infinite-slope")
def entropy(rng):
    """Of chances some of which are zero."""
    n = int(rng.integers(1, 5))
    x = rng.uniform(0.05, 0.9, n)
    x[: rng.integers(1, n + 1)] = 0.0
    exact = np.where(x == 0, np.inf, rounded([-M.log(v) - 1 if v else M.mpf(0) for v in numbers(x)]))
    return Case(lambda p: float(-xlogy(p, p).sum()), x, exact, np.full(n, 0.02),
                lambda p: -M.fsum(v * M.log(v) if v else M.mpf(0) for v in p), 1e-14, fair=x == 0,
                options={"bounds": (0.0, 1.0)})  # fmt: skip


@family("infinite-slope")
def among_outputs(rng):
    n = size_of(rng, 3)
    f, meant, x, exact, smooth, parameters = steep(rng, n)
    other = drawn(rng, n)
    exact = np.array([exact, other.gradient(x)])
    return Case(lambda v: np.array([f(v), other(v)]), x, exact, smooth.lengths, lambda v: [meant(v), other.exactly(v)],
                1e-13, fair=np.isinf(exact), parameters=parameters)  # fmt: skip


@family("infinite-slope")
def finite_slopes_at_an_edge(rng):
    """What has no infinite slope must not be taken for it."""
    n = size_of(rng, 3)
    smooth, x = drawn(rng, n), point(rng, n)
    made = of_smooth(smooth, x, float, 1e-13)
    return replace(made, options={"bounds": (x, x + 1)})
