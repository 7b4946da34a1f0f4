"""A hundred smooth functions for figures to quote: no constant was chosen by them, and none was left out by results.

As in `heldout`, a formula is written once, for ``math`` and for ``mpmath``; exact gradients are made when asked for.
Nothing here may be used to choose anything. Who has looked at how single ones do replaces those by others.
"""

import functools
import itertools

from heldout import call_price, lgamma, normal_probability, problems_at, runge_kutta


def dot(a, b):
    return sum(p * q for p, q in zip(a, b, strict=True))


def sigmoid(v, m):
    return 1 / (1 + m.exp(-v))


GAUSS_LEGENDRE = (
    (-0.906179845938664, 0.2369268850561891), (-0.5384693101056831, 0.4786286704993665), (0.0, 0.5688888888888889),
    (0.5384693101056831, 0.4786286704993665), (0.906179845938664, 0.2369268850561891),
)  # fmt: skip


def integral(f, low, high, parts):
    """By five nodes in each part."""
    half, total = (high - low) / (2 * parts), 0
    for k in range(parts):
        total = total + sum(w * f(low + half * (2 * k + 1 + t)) for t, w in GAUSS_LEGENDRE)
    return total * half


# Physics.


def peng_robinson(x, m):
    temperature, volume = x
    b = 0.0778 * 8.314 * 304.13 / 7.3773e6
    kappa = 0.37464 + 1.54226 * 0.2239 - 0.26992 * 0.2239**2
    alpha = (1 + kappa * (1 - m.sqrt(temperature / 304.13))) ** 2
    a = 0.45724 * (8.314 * 304.13) ** 2 / 7.3773e6 * alpha
    return 8.314 * temperature / (volume - b) - a / (volume * volume + 2 * b * volume - b * b)


def eccentric_anomaly(mean, eccentricity, m, count=6):
    angle = mean + eccentricity * m.sin(mean)
    for _ in range(count):
        slope = 1 - eccentricity * m.cos(angle)
        angle = angle - (angle - eccentricity * m.sin(angle) - mean) / slope
    return angle


def orbit_of_a_comet(x, m):
    angle = eccentric_anomaly(x[0], x[1], m)
    return x[2] * (m.cos(angle) - x[1]) + x[2] * m.sqrt(1 - x[1] * x[1]) * m.sin(angle) / 3


def hohmann_transfer(x, m):
    inner, outer, pull = x
    first = m.sqrt(pull / inner) * (m.sqrt(2 * outer / (inner + outer)) - 1)
    return first + m.sqrt(pull / outer) * (1 - m.sqrt(2 * inner / (inner + outer)))


def eccentricity_of_a_state(x, m):
    p, q, u, v = x
    energy = (u * u + v * v) / 2 - 398.6004 / m.sqrt(p * p + q * q)
    return m.sqrt(1 + 2 * energy * ((p * v - q * u) / 398.6004) ** 2)


def etalon(x, m):
    index, thickness, wavelength, angle = x
    inside = m.sqrt(1 - (m.sin(angle) / index) ** 2)
    half = 2 * m.pi * index * thickness * inside / wavelength
    reflected = ((index - 1) / (index + 1)) ** 2
    return 1 / (1 + 4 * reflected / (1 - reflected) ** 2 * m.sin(half) ** 2)


def prism(x, m):
    incidence, apex, index = x
    return incidence + m.asin(index * m.sin(apex - m.asin(m.sin(incidence) / index))) - apex


def resonant_circuit(x, m):
    resistance, inductance, capacity, frequency = x
    rate = 2 * m.pi * frequency
    return m.sqrt(resistance * resistance + (rate * inductance - 1 / (rate * capacity)) ** 2)


def diode_and_resistor(x, m):
    source, resistance, ideality, saturation = x
    thermal = ideality * 0.02585
    volts = thermal * m.log(source / (resistance * saturation))
    for _ in range(4):
        current = saturation * (m.exp(volts / thermal) - 1)
        excess = current - (source - volts) / resistance
        volts = volts - excess / ((current + saturation) / thermal + 1 / resistance)
    return (source - volts) / resistance


def bethe_bloch(x, m):
    speed, excitation = x
    square = speed * speed
    return 0.307 * 0.48 / square * (m.log(2 * 0.511 * square / (1 - square) / excitation) - square)


def ising_chain(x, m):
    coupling, field, temperature = x
    up, down = m.exp(coupling / temperature), m.exp(-coupling / temperature)
    root = m.sqrt((up * m.sinh(field / temperature)) ** 2 + down * down)
    return -temperature * m.log(up * m.cosh(field / temperature) + root)


def period_by_means(x, m):
    a, g = 1, m.cos(x[0] / 2)
    for _ in range(5):
        a, g = (a + g) / 2, m.sqrt(a * g)
    return 2 * m.pi * m.sqrt(x[1] / 9.81) / a


def fermi_integral(x, m):
    return integral(lambda t: 2 * t * t / (m.exp((t * t - x[0]) / x[1]) + 1), 0, 4, 6)


def helmholtz_coils(x, m):
    radius, apart, place, current = x
    square = radius * radius
    fields = [(square + (place + s * apart / 2) ** 2) ** (-1.5) for s in (-1, 1)]
    return 0.6283 * current * square * sum(fields)


def van_der_pol(x, m):
    state = runge_kutta(lambda s: [s[1], x[2] * (1 - s[0] * s[0]) * s[1] - s[0]], list(x[:2]), 0.1, 9)
    return state[0] * state[1] + state[1]


# Statistics.

LIFETIMES = ((3.1, 1), (7.4, 1), (12.0, 0), (5.6, 1), (9.9, 1), (12.0, 0), (1.8, 1))
VISITS = ((0, -1.2), (3, 0.4), (1, -0.3), (7, 1.1), (0, 0.2), (11, 1.6))
SHARES = ((0.12, -0.7), (0.48, 0.3), (0.33, 0.1), (0.81, 1.4), (0.56, 0.6))
SERIES = (0.31, 1.12, 0.84, -0.27, -1.43, -0.66, 0.58, 0.93, 1.71, 0.22)


def censored_weibull(x, m):
    shape, scale = x
    total = 0
    for t, seen in LIFETIMES:
        total = total + (t / scale) ** shape - seen * (m.log(shape / scale) + (shape - 1) * m.log(t / scale))
    return total


def negative_binomial(x, m):
    size, total = m.exp(x[2]), 0
    for count, z in VISITS:
        mean = m.exp(x[0] + x[1] * z)
        total = total - lgamma(count + size, m) + lgamma(size, m) + (count + size) * m.log(size + mean)
        total = total - size * x[2] - count * m.log(mean)
    return total


def zero_inflated(x, m):
    zero, total = sigmoid(x[0], m), 0
    for count, z in VISITS:
        mean = m.exp(x[1] + x[2] * z)
        chance = (1 - zero) * m.exp(-mean) * mean**count
        total = total - m.log(chance + (zero if count == 0 else 0))
    return total


def beta_regression(x, m):
    total = 0
    for share, z in SHARES:
        mean = sigmoid(x[0] + x[1] * z, m)
        a, b = mean * x[2], (1 - mean) * x[2]
        total = total + lgamma(a, m) + lgamma(b, m) - lgamma(x[2], m)
        total = total - (a - 1) * m.log(share) - (b - 1) * m.log(1 - share)
    return total


def ordered_logit(x, m):
    slope, low, gap = x
    total = 0
    for level, z in ((0, -1.1), (1, -0.2), (2, 0.9), (1, 0.5), (0, 0.1), (2, 1.7)):
        below, above = sigmoid(low - slope * z, m), sigmoid(low + m.exp(gap) - slope * z, m)
        total = total - m.log((below, above - below, 1 - above)[level])
    return total


def proportional_hazards(x, m):
    rows, total = ((0.3, -1.1), (1.2, 0.4), (-0.7, 0.9), (0.1, 0.2), (-1.4, -0.6)), 0
    for k, row in enumerate(rows):
        total = total + m.log(sum(m.exp(dot(x, other)) for other in rows[k:])) - dot(x, row)
    return total


def autoregression(x, m):
    share, centre, log = x
    spread = m.exp(log)
    values = [v - centre for v in SERIES]
    total = m.log(spread * spread / (1 - share * share)) / 2 + values[0] ** 2 * (1 - share * share) / (2 * spread**2)
    for last, v in itertools.pairwise(values):
        total = total + log + (v - share * last) ** 2 / (2 * spread * spread)
    return total


def garch(x, m):
    base, news, memory = x
    variance, total = 0.8, 0
    for v in SERIES:
        total = total + m.log(variance) / 2 + v * v / (2 * variance)
        variance = base + news * v * v + memory * variance
    return total


def local_level(x, m):
    moved, seen = m.exp(x[0]), m.exp(x[1])
    level, doubt, total = x[2], 4.0, 0
    for v in SERIES:
        doubt = doubt + moved
        spread = doubt + seen
        total = total + m.log(spread) / 2 + (v - level) ** 2 / (2 * spread)
        level = level + doubt / spread * (v - level)
        doubt = doubt * seen / spread
    return total


def cholesky(rows, m):
    lower = [[0] * len(rows) for _ in rows]
    for i, row in enumerate(rows):
        for j in range(i):
            lower[i][j] = (row[j] - dot(lower[i][:j], lower[j][:j])) / lower[j][j]
        lower[i][i] = m.sqrt(row[i] - dot(lower[i][:i], lower[i][:i]))
    return lower


def gaussian_process(x, m):
    length, size, noise = x
    times, values = (0.0, 0.7, 1.1, 2.4), (0.3, 1.2, 0.9, -0.8)
    rows = [[size * m.exp(-(((s - t) / length) ** 2) / 2) + (noise if s == t else 0) for t in times] for s in times]
    lower, solved, total = cholesky(rows, m), [], 0
    for k, v in enumerate(values):
        solved.append((v - dot(lower[k][:k], solved)) / lower[k][k])
        total = total + solved[k] ** 2 / 2 + m.log(lower[k][k])
    return total


def tobit(x, m):
    total = 0
    for v, z in ((0.0, -0.8), (1.4, 0.9), (0.0, 0.1), (0.6, 0.3), (2.2, 1.5)):
        gap = (v - x[0] - x[1] * z) / x[2]
        total = total + (gap * gap / 2 + m.log(x[2]) if v else -m.log(normal_probability(gap, m)))
    return total


def extreme_values(x, m):
    centre, width, shape = x
    total = 0
    for v in (2.9, 3.4, 3.8, 4.7, 6.1):
        t = 1 + shape * (v - centre) / width
        total = total + m.log(width) + (1 + 1 / shape) * m.log(t) + t ** (-1 / shape)
    return total


def dirichlet_multinomial(x, m):
    total = 0
    for counts in ((3, 1, 0), (2, 4, 1), (0, 5, 2)):
        total = total - lgamma(sum(x), m) + lgamma(sum(x) + sum(counts), m)
        total = total + sum(lgamma(a, m) - lgamma(a + k, m) for a, k in zip(x, counts, strict=True))
    return total


def hidden_markov(x, m):
    stay, leave = sigmoid(x[0], m), sigmoid(x[1], m)
    first, second, total = 0.5, 0.5, 0
    for v in SERIES:
        first, second = first * stay + second * leave, first * (1 - stay) + second * (1 - leave)
        first, second = first * m.exp(-((v - x[2]) ** 2) / 2), second * m.exp(-((v - x[3]) ** 2) / 2)
        whole = first + second
        first, second, total = first / whole, second / whole, total - m.log(whole)
    return total


def nested_logit(x, m):
    shared = sigmoid(x[3], m)
    inner = m.log(m.exp(x[0] / shared) + m.exp(x[1] / shared))
    return m.log(m.exp(shared * inner) + m.exp(x[2])) - shared * inner + inner - x[0] / shared


def clayton_copula(x, m):
    total = 0
    for u, v in ((0.2, 0.31), (0.74, 0.55), (0.9, 0.83), (0.41, 0.12)):
        inner = u ** (-x[0]) + v ** (-x[0]) - 1
        total = total - m.log(1 + x[0]) + (1 + x[0]) * m.log(u * v) + (2 + 1 / x[0]) * m.log(inner)
    return total


def random_intercept(x, m):
    nodes = ((-2.0201828704560856, 0.0199532420590459), (-0.9585724646138185, 0.3936193231522412),
             (0.0, 0.9453087204829419), (0.9585724646138185, 0.3936193231522412),
             (2.0201828704560856, 0.0199532420590459))  # fmt: skip
    total = 0
    for wins, tries, z in ((3, 4, 0.5), (1, 5, -0.8), (4, 6, 0.1)):
        chances = [(w, sigmoid(x[0] + x[1] * z + x[2] * m.sqrt(2) * t, m)) for t, w in nodes]
        total = total - m.log(sum(w * p**wins * (1 - p) ** (tries - wins) for w, p in chances))
    return total


def holt_smoothing(x, m):
    level, trend, total = 0.3, 0.1, 0
    for v in SERIES:
        gap = v - level - trend
        total = total + gap * gap
        level, trend = level + trend + x[0] * gap, trend + x[0] * x[1] * gap
    return total


# Machine learning.

PAIRS = ((0.4, -1.1, 0.7), (-0.9, 0.3, -0.2), (1.3, 0.8, 1.1), (-0.2, -0.5, 0.4))


def two_units(activation):
    """Two inputs, two units of the activation, one output without an offset, squared error."""

    def f(x, m):
        units = x[0:3], x[3:6]
        total = 0
        for a, b, wanted in PAIRS:
            out = dot(x[6:8], [activation(w[0] * a + w[1] * b + w[2], m) for w in units])
            total = total + (out - wanted) ** 2
        return total / len(PAIRS)

    return f


def attention(x, m):
    keys, values = ((0.3, -0.8), (1.1, 0.4), (-0.6, 0.9)), (1.7, -0.4, 0.6)
    queries = (x[0] * 0.9 + x[1] * 0.2, x[2] * 0.9 + x[3] * 0.2)
    weights = [m.exp(dot(queries, key) / m.sqrt(2)) for key in keys]
    return dot(weights, values) / sum(weights)


def layer_norm(x, m):
    centre = sum(x) / len(x)
    spread = m.sqrt(sum((v - centre) ** 2 for v in x) / len(x) + 1e-5)
    return dot([m.tanh((v - centre) / spread) for v in x], (0.8, -1.3, 0.5, 0.9, -0.4, 1.1, -0.7))


def contrastive(x, m):
    others = ((0.9, 0.4, -0.2), (-0.5, 0.8, 0.3), (0.1, -0.7, 1.0))
    size = m.sqrt(dot(x[:3], x[:3]))
    alike = [dot(x[:3], v) / (size * m.sqrt(dot(v, v))) / x[3] for v in others]
    return m.log(sum(m.exp(v) for v in alike)) - alike[0]


def memory_cell(x, m):
    """A cell with gates for what comes in, what stays and what goes out."""
    cell, out = 0, 0
    for v in SERIES[:6]:
        enters, stays, leaves = (sigmoid(x[k] * v + x[k + 1] * out, m) for k in (0, 2, 4))
        cell = stays * cell + enters * m.tanh(x[6] * v + x[7] * out)
        out = leaves * m.tanh(cell)
    return (out - 0.25) ** 2


def radial_features(x, m):
    total = 0
    for a, b, wanted in PAIRS:
        out = x[0] * m.exp(-((a - x[1]) ** 2 + (b - x[2]) ** 2) / x[3]) - x[4]
        total = total + m.log(m.cosh(3 * (out - wanted)))
    return total


def unrolled_momentum(x, m):
    rate, momentum, p, q = x
    u, v = 0, 0
    for _ in range(6):
        u, v = momentum * u - rate * (4 * p + m.sin(3 * q)), momentum * v - rate * (q + 3 * p * m.cos(3 * q))
        p, q = p + u, q + v
    return 2 * p * p + p * m.sin(3 * q) + q * q / 2


def neighbour_embedding(x, m):
    places, wanted = (x[0:2], x[2:4], x[4:6]), (0.55, 0.3, 0.15)
    near = [
        1 / (1 + (places[i][0] - places[j][0]) ** 2 + (places[i][1] - places[j][1]) ** 2)
        for i, j in ((0, 1), (0, 2), (1, 2))
    ]
    return sum(p * m.log(p * sum(near) / v) for p, v in zip(wanted, near, strict=True))


# Chemistry and biology.


def gompertz(x, m):
    seen = ((1.0, 0.9), (3.0, 2.6), (6.0, 7.1), (10.0, 12.8), (15.0, 16.2))
    return sum((m.log(v / x[0]) + x[1] * m.exp(-x[2] * t)) ** 2 for t, v in seen)


def bateman(x, m):
    dose, volume, enters, leaves, time = x
    return dose * enters / (volume * (enters - leaves)) * (m.exp(-leaves * time) - m.exp(-enters * time))


def epidemic(x, m):
    healthy, ill, most = 0.98, x[2], 0
    for _ in range(12):
        new = x[0] * healthy * ill
        healthy, ill = healthy - new, ill + new - x[1] * ill
        most = most + ill * ill
    return m.log(most)


def predator_and_prey(x, m):
    state = runge_kutta(lambda s: [s[0] * (x[0] - x[1] * s[1]), s[1] * (x[2] * s[0] - x[3])], [1.4, 0.8], 0.125, 8)
    return state[0] - 2 * state[1]


def allosteric(x, m):
    a, constant, ratio = x
    c = a * ratio
    return (a * (1 + a) ** 3 + constant * c * (1 + c) ** 3) / ((1 + a) ** 4 + constant * (1 + c) ** 4)


def membrane_potential(x, m):
    outside = x[0] + 0.045 * x[1] + 0.45 * x[2]
    return 26.7 * m.log(outside / (x[3] + 0.045 * x[4] + 0.45 * x[5]))


def potassium_gate(x, m):
    v = x[0] + x[1]
    opens = 0.01 * v / (1 - m.exp(-v / 10))
    return opens / (opens + 0.125 * m.exp(-(v - 10) / 80))


def progress_of_an_enzyme(x, m):
    """What is left of the substrate, by Newton steps on the logarithm."""
    start, constant, speed, time = x
    log = m.log(start) - speed * time / (start + constant)
    for _ in range(6):
        left = m.exp(log)
        log = log - (constant * log + left - constant * m.log(start) - start + speed * time) / (constant + left)
    return m.exp(log)


def titration(x, m):
    """The pH of a weak acid with some base, by Newton steps."""
    acid, base, strength = x
    log = m.log(acid / base - 1) - 2.302585 * strength
    for _ in range(4):
        h, k = m.exp(log), m.exp(-2.302585 * strength)
        charge = h + base - 1e-14 / h - acid * k / (k + h)
        log = log - charge / (h + 1e-14 / h + acid * k * h / (k + h) ** 2)
    return -log / 2.302585


def bubble_pressure(x, m):
    share, a, b = x
    rest = 1 - share
    first = m.exp(rest * rest * (a + 2 * (b - a) * share))
    return 52.3 * share * first + 18.7 * rest * m.exp(share * share * (b + 2 * (a - b) * rest))


# Finance.


def bond(x, m):
    rate, coupon, growth = x
    return sum((coupon * (1 + growth) ** k + (100 if k == 10 else 0)) / (1 + rate / 2) ** k for k in range(1, 11))


def yield_of_a_bond(x, m):
    price, coupon = x
    v = 0.05
    for _ in range(5):
        payments = [coupon] * 7 + [coupon + 100]
        value = sum(p * m.exp(-v * k) for k, p in enumerate(payments, 1))
        v = v + (value - price) / sum(k * p * m.exp(-v * k) for k, p in enumerate(payments, 1))
    return v


def implied_deviation(x, m):
    price, rate, years = x
    spot, strike, v = 101.3, 98.7, 0.3
    for _ in range(5):
        d = (m.log(spot / strike) + (rate + v * v / 2) * years) / (v * m.sqrt(years))
        slope = spot * m.sqrt(years) * m.exp(-d * d / 2) / m.sqrt(2 * m.pi)
        v = v - (call_price((spot, strike, rate, v, years), m) - price) / slope
    return v


def jumps(x, m):
    spot, deviation, rate, size = x
    total, weight = 0, m.exp(-rate)
    for k in range(6):
        total = total + weight * call_price((spot, 95.0, 0.03, m.sqrt(deviation * deviation + k * size * size), 1.0), m)
        weight = weight * rate / (k + 1)
    return total


def svensson(x, m):
    total = 0
    for t, seen in ((0.5, 0.021), (1.0, 0.024), (3.0, 0.031), (7.0, 0.036), (15.0, 0.039)):
        u, v = t / x[4], t / x[5]
        hump = (1 - m.exp(-u)) / u
        found = x[0] + x[1] * hump + x[2] * (hump - m.exp(-u)) + x[3] * ((1 - m.exp(-v)) / v - m.exp(-v))
        total = total + (found - seen) ** 2
    return total


def vasicek(x, m):
    rate, pull, centre, spread, years = x
    b = (1 - m.exp(-pull * years)) / pull
    far = centre - spread * spread / (2 * pull * pull)
    return m.exp((b - years) * far - spread * spread * b * b / (4 * pull) - b * rate)


def sharpe_ratio(x, m):
    rows = ((0.040, 0.006, -0.004, 0.002), (0.006, 0.090, 0.012, 0.003), (-0.004, 0.012, 0.160, 0.010),
            (0.002, 0.003, 0.010, 0.023))  # fmt: skip
    return dot(x, (0.05, 0.08, 0.11, 0.03)) / m.sqrt(sum(v * dot(row, x) for v, row in zip(x, rows, strict=True)))


# Engineering.


def colebrook(x, m):
    inverse = 7.0
    for _ in range(8):
        inverse = -2 * m.log(x[1] / 3.7 + 2.51 * inverse / x[0]) / m.log(10)
    return 1 / (inverse * inverse)


def secant_column(x, m):
    load, area, offset, length = x
    return load / area * (1 + offset / m.cos(length / 2 * m.sqrt(load / (area * 2.1e5))))


def step_response(x, m):
    damping, rate, time = x
    root = m.sqrt(1 - damping * damping)
    return 1 - m.exp(-damping * rate * time) * m.sin(rate * root * time + m.acos(damping)) / root


def open_loop_gain(x, m):
    gain, integral_time, rate, rate_time = x
    controller = gain * gain * (1 + (rate * rate_time - 1 / (rate * integral_time)) ** 2)
    return 10 * m.log(controller / ((1 + 0.09 * rate * rate) * (1 + 4 * rate * rate))) / m.log(10)


def nozzle_area(x, m):
    mach, gamma = x
    inner = 2 / (gamma + 1) * (1 + (gamma - 1) / 2 * mach * mach)
    return inner ** ((gamma + 1) / (2 * (gamma - 1))) / mach


def riccati(x, m):
    factor, control, price = x
    cost = 1.0
    for _ in range(12):
        cost = 1 + factor * factor * cost - (factor * control * cost) ** 2 / (price + control * control * cost)
    return cost


def equivalent_stress(x, m):
    a, b, c, ab, bc, ca = x
    return m.sqrt(((a - b) ** 2 + (b - c) ** 2 + (c - a) ** 2) / 2 + 3 * (ab * ab + bc * bc + ca * ca))


# Geometry.


def spherical_excess(x, m):
    half = sum(x) / 2
    product = m.tan(half / 2)
    for v in x:
        product = product * m.tan((half - v) / 2)
    return 4 * m.atan(m.sqrt(product))


def bearing(x, m):
    apart = x[3] - x[1]
    across = m.sin(apart) * m.cos(x[2])
    return m.atan(across / (m.cos(x[0]) * m.sin(x[2]) - m.sin(x[0]) * m.cos(x[2]) * m.cos(apart)))


def camera(x, m):
    """A point in the picture of a camera that is turned, moved and has a lens that distorts."""
    turn, moved, focal, bend = x[:3], x[3:6], x[6], x[7]
    point, angle = (0.7, -0.4, 2.1), m.sqrt(dot(x[:3], x[:3]))
    k = [v / angle for v in turn]
    cross = (k[1] * point[2] - k[2] * point[1], k[2] * point[0] - k[0] * point[2], k[0] * point[1] - k[1] * point[0])
    along, c, s = dot(k, point) * (1 - m.cos(angle)), m.cos(angle), m.sin(angle)
    seen = [p * c + q * s + v * along + t for p, q, v, t in zip(point, cross, k, moved, strict=True)]
    u, v = seen[0] / seen[2], seen[1] / seen[2]
    return focal * (1 + bend * (u * u + v * v)) * (u + v / 2)


def circumradius(x, m):
    (a, b), (c, d), (e, g) = x[0:2], x[2:4], x[4:6]
    sides = m.sqrt(((a - c) ** 2 + (b - d) ** 2) * ((c - e) ** 2 + (d - g) ** 2) * ((e - a) ** 2 + (g - b) ** 2))
    return sides / (2 * ((c - a) * (g - b) - (e - a) * (d - b)))


def solid_angle(x, m):
    """Of a rectangle, from a point beside its middle."""
    total = 0
    for a in (x[0] + x[2], x[0] - x[2]):
        for b in (x[1] + x[3], x[1] - x[3]):
            total = total + m.atan(a * b / (x[4] * m.sqrt(a * a + b * b + x[4] * x[4])))
    return total


def length_of_a_curve(x, m):
    """A cubic by its four points."""
    p, q = x[::2], x[1::2]

    def speed(t):
        weights = (-3 * (1 - t) ** 2, 3 * (1 - t) * (1 - 3 * t), 3 * t * (2 - 3 * t), 3 * t * t)
        return m.sqrt(dot(weights, p) ** 2 + dot(weights, q) ** 2)

    return integral(speed, 0, 1, 2)


def circle_near_its_fit(x, m):
    points = ((3.14, 0.92), (1.97, 2.11), (0.06, 1.03), (1.08, -0.94), (2.72, -0.41))
    return sum((m.sqrt((p - x[0]) ** 2 + (q - x[1]) ** 2) - x[2]) ** 2 for p, q in points)


# Classical constructions.


def tangent_by_fraction(x, m):
    square, value = x[0] * x[0], 15
    for k in range(13, 0, -2):
        value = k - square / value
    return x[0] / value * x[1]


def henon(x, m):
    a, b, p, q = x
    for _ in range(6):
        p, q = 1 - a * p * p + q, b * p
    return p + q


def standard_map(x, m):
    angle, momentum, kick = x
    for _ in range(7):
        momentum = momentum + kick * m.sin(angle)
        angle = angle + momentum
    return m.cos(angle) + momentum / 10


def product_for_sine(x, m):
    value = x[0]
    for k in range(1, 30):
        value = value * (1 - (x[0] / k) ** 2)
    return value


def clenshaw(x, m):
    later, last = 0, 0
    for c in (0.021, -0.13, 0.34, -0.08, 0.57, -0.91):
        later, last = last, 2 * x[0] * last - later + c
    return x[1] + x[0] * last - later


def halley_for_a_root(x, m):
    v = 1.3
    for _ in range(4):
        cube = v * v * v
        v = v * (cube + 2 * x[0]) / (2 * cube + x[0])
    return v - x[1] * m.log(v)


def escaping_orbit(x, m):
    p, q = 0, 0
    for _ in range(7):
        p, q = p * p - q * q + x[0], 2 * p * q + x[1]
    return m.log(1 + p * p + q * q)


def voigt(x, m):
    def under(t):
        return m.exp(-((t / x[1]) ** 2) / 2) * x[2] / ((x[0] - t) ** 2 + x[2] * x[2])

    return integral(under, -6, 6, 8) / (x[1] * m.pi * m.sqrt(2 * m.pi))


def theta_series(x, m):
    return 1 + 2 * sum(x[0] ** (k * k) * m.cos(2 * k * x[1]) for k in range(1, 8))


def rough_cosines(x, m):
    return sum(x[1] ** k * m.cos(3**k * x[0]) for k in range(6))


def barycentric(x, m):
    nodes = ((0.0, 1.0, 0.7), (1.0, -4.0, 1.4), (2.0, 6.0, -0.3), (3.0, -4.0, 0.8), (4.0, 1.0, x[1]))
    return sum(w * v / (x[0] - t) for t, w, v in nodes) / sum(w / (x[0] - t) for t, w, _ in nodes)


def hypergeometric(x, m):
    a, b, c, z = x
    total, term = 1, 1
    for k in range(40):
        term = term * (a + k) * (b + k) / ((c + k) * (k + 1)) * z
        total = total + term
    return total


def remainder_of_stirling(x, m):
    v = x[0]
    return lgamma(v, m) - (v - 0.5) * m.log(v) + v - m.log(2 * m.pi) / 2


def gram_determinant(x, m):
    rows = [[1 / (v + w) for w in x] for v in x]
    product = 1
    for k, row in enumerate(cholesky(rows, m)):
        product = product * row[k] * row[k]
    return product


def expanded_quintic(x, m):
    v = x[0]
    return ((((v - 5.5) * v + 12.1) * v - 13.31) * v + 7.3205) * v - 1.61051 + x[1]


# Unlike scales, offsets, small values.


def velocity_at_a_date(x, m):
    date, period, eccentricity, size = x
    mean = 2 * m.pi * (date - 58849.37) / period
    angle = eccentric_anomaly(mean, eccentricity, m)
    return size * m.sqrt(1 - eccentricity**2) * m.cos(angle) / (1 - eccentricity * m.cos(angle))


def binding(x, m):
    """By a rate of 1e6 and a concentration of 1e-6."""
    joins, parts, amount, time = x
    rate = joins * amount + parts
    return joins * amount / rate * (1 - m.exp(-rate * time))


def interferometer(x, m):
    arm, moved, wavelength = x
    difference = m.sqrt(arm * arm + moved * moved) - arm
    return 1 + m.cos(2 * m.pi * difference / wavelength)


TABLE = [
    ("peng-robinson", peng_robinson, (312.4, 2.37e-4)),
    ("orbit of a comet", orbit_of_a_comet, (1.137, 0.642, 5.31)),
    ("hohmann transfer", hohmann_transfer, (6678.3, 42164.8, 398600.4)),
    ("eccentricity of a state", eccentricity_of_a_state, (7.012, 1.184, -0.931, 7.842)),
    ("etalon", etalon, (1.463, 0.612, 0.5324, 0.317)),
    ("prism", prism, (0.753, 0.617, 1.523)),
    ("resonant circuit", resonant_circuit, (4.73, 2.31e-3, 4.7e-8, 15170.0)),
    ("diode and resistor", diode_and_resistor, (5.13, 982.4, 1.87, 2.31e-9)),
    ("bethe and bloch", bethe_bloch, (0.716, 1.66e-4)),
    ("ising chain", ising_chain, (0.871, 0.213, 1.364)),
    ("period by arithmetic and geometric means", period_by_means, (1.283, 0.746)),
    ("fermi integral", fermi_integral, (1.713, 0.684)),
    ("helmholtz coils", helmholtz_coils, (0.1513, 0.1547, 0.0214, 2.37)),
    ("schwarzschild near its circular orbit", lambda x, m: (1 - 2 * x[0] / x[2]) * (1 + (x[1] / x[2]) ** 2),
     (1.013, 4.31, 14.47)),
    ("van der pol", van_der_pol, (1.37, -0.62, 1.81)),
    ("censored weibull", censored_weibull, (1.43, 8.72)),
    ("negative binomial", negative_binomial, (0.412, 0.937, 0.583)),
    ("zero-inflated poisson", zero_inflated, (-0.873, 0.641, 0.788)),
    ("beta regression", beta_regression, (-0.417, 0.963, 6.37)),
    ("ordered logit", ordered_logit, (0.847, -0.512, 0.383)),
    ("proportional hazards", proportional_hazards, (0.437, -0.284)),
    ("autoregression", autoregression, (0.583, 0.217, -0.342)),
    ("garch", garch, (0.174, 0.231, 0.617)),
    ("local level", local_level, (-1.274, -0.583, 0.431)),
    ("gaussian process", gaussian_process, (0.913, 1.274, 0.0873)),
    ("tobit", tobit, (0.218, 0.874, 0.763)),
    ("extreme values", extreme_values, (3.27, 0.876, 0.163)),
    ("dirichlet and multinomial", dirichlet_multinomial, (0.837, 2.143, 0.614)),
    ("hidden markov", hidden_markov, (1.137, -0.873, 0.914, -0.487)),
    ("nested logit", nested_logit, (0.613, -0.274, 0.381, 0.447)),
    ("clayton copula", clayton_copula, (1.273,)),
    ("random intercept", random_intercept, (0.341, 0.782, 0.913)),
    ("holt smoothing", holt_smoothing, (0.617, 0.243)),
    ("swish units", two_units(lambda v, m: v * sigmoid(v, m)), (0.83, -0.41, 0.12, -0.57, 0.94, 0.31, 1.17, -0.68)),
    ("gelu units", two_units(lambda v, m: v * normal_probability(v, m)),
     (-0.63, 0.72, 0.27, 1.14, 0.38, -0.19, 0.87, 1.31)),
    ("mish units", two_units(lambda v, m: v * m.tanh(m.log(1 + m.exp(v)))),
     (0.47, 1.06, -0.33, -0.91, 0.26, 0.58, -0.74, 0.49)),
    ("attention", attention, (0.73, -0.41, 1.12, 0.64)),
    ("layer norm", layer_norm, (0.314, -0.872, 1.436, 0.671, -0.243, 1.128, -1.374)),
    ("contrastive loss", contrastive, (0.73, 0.28, -0.54, 0.217)),
    ("memory cell", memory_cell, (0.62, -0.31, 0.44, 0.87, -0.53, 0.28, 1.13, -0.47)),
    ("radial features", radial_features, (1.243, 0.614, -0.283, 1.871, 0.147)),
    ("unrolled momentum", unrolled_momentum, (0.0843, 0.712, 0.931, -0.647)),
    ("neighbour embedding", neighbour_embedding, (0.31, -0.64, 1.23, 0.47, -0.82, 1.06)),
    ("hill with an inhibitor", lambda x, m: x[0] * x[1] ** x[2] / ((x[3] * (1 + x[4] / 0.83)) ** x[2] + x[1] ** x[2]),
     (14.37, 2.713, 2.43, 1.876, 0.614)),
    ("gompertz growth", gompertz, (18.37, 3.214, 0.2173)),
    ("bateman", bateman, (250.0, 31.7, 1.273, 0.1873, 3.614)),
    ("epidemic", epidemic, (0.613, 0.187, 0.0231)),
    ("predator and prey", predator_and_prey, (1.137, 0.743, 0.614, 0.872)),
    ("allosteric protein", allosteric, (1.374, 827.3, 0.0137)),
    ("membrane potential", membrane_potential, (5.37, 143.2, 11.6, 138.4, 12.7, 108.3)),
    ("potassium gate", potassium_gate, (-62.7, 55.3)),
    ("progress of an enzyme", progress_of_an_enzyme, (4.137, 1.263, 0.874, 3.142)),
    ("titration", titration, (0.0834, 0.0317, 4.756)),
    ("bubble pressure", bubble_pressure, (0.374, 0.913, 0.647)),
    ("growing bond", bond, (0.0437, 2.613, 0.0173)),
    ("yield of a bond", yield_of_a_bond, (96.37, 4.613)),
    ("implied deviation", implied_deviation, (11.37, 0.0187, 0.874)),
    ("option with jumps", jumps, (98.43, 0.187, 0.413, 0.263)),
    ("svensson", svensson, (0.0413, -0.0217, -0.0134, 0.0087, 1.873, 5.214)),
    ("vasicek", vasicek, (0.0317, 0.2473, 0.0518, 0.0134, 6.37)),
    ("sharpe ratio", sharpe_ratio, (0.413, 0.247, 0.186, 0.154)),
    ("colebrook", colebrook, (137400.0, 2.37e-4)),
    ("secant column", secant_column, (143700.0, 3143.0, 0.374, 87.3)),
    ("beam", lambda x, m: 5 * x[0] * x[1] ** 4 / (384 * x[2] * x[3]) * (1 + 4.8 * x[4] / x[1] ** 2),
     (4137.0, 6.43, 2.07e11, 8.37e-6, 0.143)),
    ("step response", step_response, (0.347, 2.613, 1.874)),
    ("open-loop gain", open_loop_gain, (2.374, 1.413, 0.987, 0.264)),
    ("nozzle area", nozzle_area, (1.274, 1.387)),
    ("riccati", riccati, (1.137, 0.643, 0.874)),
    ("equivalent stress", equivalent_stress, (143.7, -37.4, 21.3, 48.6, -13.9, 27.2)),
    ("spherical excess", spherical_excess, (0.713, 0.847, 0.924)),
    ("bearing", bearing, (0.713, -0.214, 0.897, 0.463)),
    ("camera", camera, (0.143, -0.274, 0.317, 0.214, -0.163, 3.47, 812.3, -0.137)),
    ("circumradius", circumradius, (0.137, -0.243, 3.214, 0.347, 1.476, 2.813)),
    ("solid angle", solid_angle, (1.437, 0.913, 0.342, 0.187, 1.713)),
    ("length of a curve", length_of_a_curve, (0.13, -0.27, 1.14, 2.31, 2.87, 1.93, 3.42, -0.64)),
    ("circle near its fit", circle_near_its_fit, (1.564, 0.523, 1.603)),
    ("tangent by a continued fraction", tangent_by_fraction, (1.173, 0.874)),
    ("henon map", henon, (1.137, 0.2714, 0.413, 0.187)),
    ("standard map", standard_map, (1.374, 0.613, 0.847)),
    ("product for the sine", product_for_sine, (2.437,)),
    ("clenshaw", clenshaw, (0.6137, 0.413)),
    ("halley for a root", halley_for_a_root, (2.713, 0.437)),
    ("escaping orbit", escaping_orbit, (-0.513, 0.547)),
    ("voigt profile", voigt, (0.743, 0.937, 0.613)),
    ("theta series", theta_series, (0.4137, 0.763)),
    ("rough cosines", rough_cosines, (0.2137, 0.513)),
    ("barycentric", barycentric, (1.437, -0.613)),
    ("hypergeometric", hypergeometric, (0.713, 1.347, 2.163, 0.437)),
    ("remainder of stirling", remainder_of_stirling, (9.743,)),
    ("sine of a tangent", lambda x, m: m.sin(m.tan(x[0])) - m.tan(m.sin(x[0])), (0.6137,)),
    ("gram determinant", gram_determinant, (0.513, 1.347, 2.874)),
    ("expanded quintic", expanded_quintic, (1.374, 0.0137)),
    ("nested roots", lambda x, m: m.sqrt(x[0] + m.sqrt(x[1] + m.sqrt(x[2] + m.sqrt(x[3])))), (1.37, 0.243, 2.61, 7.43)),
    ("velocity at a date", velocity_at_a_date, (59871.3417, 47.137, 0.2874, 31.42)),
    ("binding", binding, (1.374e6, 0.813, 2.713e-6, 0.2143)),
    ("leaking capacitor", lambda x, m: x[0] * (x[1] * m.exp(-x[3] / (x[2] * x[0]))) ** 2 / 2,
     (2.237e-6, 412.3, 1.374e6, 1.913)),
    ("interferometer", interferometer, (12.03, 0.1734, 6.328e-4)),
    ("barometer over a small height", lambda x, m: x[1] - x[1] * (1 - 0.0065 * x[0] / x[2]) ** 5.25588,
     (3.137, 101325.0, 288.15)),
    ("kinetic energy less the classical", lambda x, m: x[0] * (1 / m.sqrt(1 - x[1] * x[1]) - 1 - x[1] * x[1] / 2),
     (938.272, 0.0437)),
    ("energy above a large offset", lambda x, m: 76043.0 + x[0] * m.cosh(x[1]) - x[2] * m.sqrt(x[1]),
     (1.374, 0.613, 2.147)),
]  # fmt: skip


@functools.lru_cache(maxsize=1)
def fresh():
    """Each at its point, with exact gradients."""
    return problems_at(TABLE, 1)
