"""Jacobians of models drawn at random, and with one bug each."""

from dataclasses import replace

import numpy as np
from _check_cases import Case, in_turn, with_bug
from problems import BOXBOD, MISRA, RAT42


def _case(f, jacobian, x):
    """A case of a function and its exact Jacobian, (outputs, n)."""
    exact = np.array(jacobian(x))
    return Case(f, exact, x, exact=exact, jacobian=True)


def exponential_sums(rng):
    t, terms = np.linspace(0, rng.uniform(1, 10), int(rng.integers(5, 80))), int(rng.integers(1, 4))
    a, b = rng.normal(size=terms) * 10 ** rng.uniform(-2, 2), rng.uniform(0.05, 3, terms)

    def f(p):
        return np.exp(-np.outer(t, p[terms:])) @ p[:terms]

    def jacobian(p):
        e = np.exp(-np.outer(t, p[terms:]))
        return np.hstack([e, -t[:, None] * p[:terms] * e])

    return _case(f, jacobian, np.concatenate([a, b]))


def damped_oscillations(rng):
    t = np.linspace(0, 10, 500)

    def f(p):
        return p[0] * np.exp(-p[1] * t) * np.cos(p[2] * t + p[3])

    def jacobian(p):
        e, c, s = np.exp(-p[1] * t), np.cos(p[2] * t + p[3]), np.sin(p[2] * t + p[3])
        return np.stack([e * c, -t * p[0] * e * c, -t * p[0] * e * s, -p[0] * e * s], axis=1)

    return _case(f, jacobian, np.array([2.0, 0.3, 4.0, 0.5]) * rng.uniform(0.7, 1.3, 4))


def waves(rng):
    m, n = int(rng.integers(2, 40)), int(rng.integers(1, 10))
    A = 5 * rng.normal(size=(m, n))
    return _case(lambda x: np.sin(A @ x), lambda x: np.cos(A @ x)[:, None] * A, rng.normal(size=n))


def gaussian_peaks(rng):
    t, peaks = np.linspace(-5, 5, int(rng.integers(20, 200))), int(rng.integers(1, 4))
    x = np.stack([10 ** rng.uniform(-1, 2, peaks), rng.uniform(-3, 3, peaks), rng.uniform(0.2, 1.5, peaks)], 1).ravel()

    def parts(p):
        a, c, w = p[::3], p[1::3], p[2::3]
        z = (t[:, None] - c) / w
        return a, w, z, np.exp(-z * z / 2)

    def f(p):
        a, _, _, e = parts(p)
        return e @ a

    def jacobian(p):
        a, w, z, e = parts(p)
        return np.stack([e, a * e * z / w, a * e * z**2 / w], axis=2).reshape(t.size, -1)

    return _case(f, jacobian, x)


def rational_functions(rng):
    t, k, q = np.linspace(0.1, 3, int(rng.integers(8, 60))), int(rng.integers(1, 4)), int(rng.integers(1, 3))
    up, down = t[:, None] ** np.arange(k + 1), t[:, None] ** np.arange(1, q + 1)

    def f(p):
        return up @ p[: k + 1] / (1 + down @ p[k + 1 :])

    def jacobian(p):
        bottom = 1 + down @ p[k + 1 :]
        return np.hstack([up / bottom[:, None], -(up @ p[: k + 1] / bottom**2)[:, None] * down])

    return _case(f, jacobian, np.concatenate([rng.normal(size=k + 1), rng.uniform(0.1, 2, q)]))


def saturation(data, starts, power):
    """NIST's y = b1 (1 - exp(-b2 t)), and with (1 + b2 t / 2)^-2 for the exponential."""
    y, t = np.array(data).T

    def f(b):
        return y - b[0] * (1 - (np.exp(-b[1] * t) if power is None else (1 + b[1] * t / 2) ** power))

    def jacobian(b):
        e = np.exp(-b[1] * t) if power is None else (1 + b[1] * t / 2) ** power
        slope = -t * e if power is None else power * t / 2 * (1 + b[1] * t / 2) ** (power - 1)
        return np.stack([e - 1, b[0] * slope], axis=1)

    return f, jacobian, starts


def growth(data, starts):
    y, t = np.array(data).T

    def f(b):
        return y - b[0] / (1 + np.exp(b[1] - b[2] * t))

    def jacobian(b):
        e = np.exp(b[1] - b[2] * t)
        return np.stack([-1 / (1 + e), b[0] * e / (1 + e) ** 2, -b[0] * t * e / (1 + e) ** 2], axis=1)

    return f, jacobian, starts


# Both of NIST's starting points, and the certified parameters.
NIST = (
    saturation(MISRA, [(500, 1e-4), (250, 5e-4), (238.94212918, 5.5015643181e-4)], None),
    saturation(MISRA, [(500, 1e-4), (300, 2e-4), (337.99746163, 3.9039091287e-4)], -2),
    saturation(BOXBOD, [(1, 1), (100, 0.75), (213.80940889, 0.54723748542)], None),
    growth(RAT42, [(100, 1, 0.1), (75, 2.5, 0.07), (72.462237576, 2.6180768402, 0.067359200066)]),
)


def nist(rng):
    f, jacobian, starts = NIST[rng.integers(len(NIST))]
    x = np.array(starts[rng.integers(3)], dtype=float)
    return _case(f, jacobian, x if rng.random() < 0.2 else x * rng.uniform(0.8, 1.2, x.size))


def networks(rng):
    """Outputs of a small network, of many samples, as a function of its weights."""
    inputs, units, outputs, samples = (int(rng.integers(1, most)) for most in (4, 6, 4, 12))
    X = rng.normal(size=(samples, inputs))
    cut = units * inputs

    def parts(p):
        h = np.tanh(X @ p[:cut].reshape(inputs, units) + p[cut : cut + units])
        return h, p[cut + units :].reshape(units, outputs)

    def f(p):
        h, V = parts(p)
        return (h @ V).ravel()

    def jacobian(p):
        h, V = parts(p)
        slope = (1 - h * h)[:, None, :] * V.T[None]  # sample, output, unit
        by_weights = X[:, None, :, None] * slope[:, :, None, :]
        by_last = h[:, None, :, None] * np.eye(outputs)[None, :, None, :]
        m = samples * outputs
        return np.hstack([by_weights.reshape(m, -1), slope.reshape(m, -1), by_last.reshape(m, -1)])

    return _case(f, jacobian, rng.normal(size=cut + units + units * outputs))


def kinetics(rng):
    """A to B to C, of first order; rates are k exp(-E (1/T - 1/T0)) at several temperatures."""
    t = np.linspace(0.1, 5, int(rng.integers(5, 30)))
    inverse = rng.uniform(-1, 1, 3)
    k = np.array([rng.uniform(0.5, 3), 0, rng.uniform(0.3, 2), rng.uniform(0.3, 2), rng.uniform(0.5, 2)])
    k[1] = k[0] * rng.uniform(1.3, 3)

    def rates(p, v):
        return p[0] * np.exp(-p[2] * v), p[1] * np.exp(-p[3] * v)

    def f(p):
        parts = []
        for v in inverse:
            a, b = rates(p, v)
            parts += [p[4] * np.exp(-a * t), p[4] * a / (b - a) * (np.exp(-a * t) - np.exp(-b * t))]
        return np.concatenate(parts)

    def jacobian(p):
        rows = []
        for v in inverse:
            a, b = rates(p, v)
            A, B = np.exp(-a * t), np.exp(-b * t)
            q, zero = a / (b - a), np.zeros_like(t)
            by_a = p[4] * (b / (b - a) ** 2 * (A - B) - q * t * A)
            by_b = p[4] * (-a / (b - a) ** 2 * (A - B) + q * t * B)
            rows.append(np.stack([-p[4] * t * A * a / p[0], zero, p[4] * t * A * a * v, zero, A], 1))
            rows.append(np.stack([by_a * a / p[0], by_b * b / p[1], -by_a * a * v, -by_b * b * v, q * (A - B)], 1))
        return np.vstack(rows)

    return _case(f, jacobian, k)


def enzymes(rng):
    """Michaelis and Menten's law with competitive inhibition."""
    s, i = 10 ** rng.uniform(-1, 2, (2, int(rng.integers(6, 40))))

    def f(p):
        return p[0] * s / (p[1] * (1 + i / p[2]) + s)

    def jacobian(p):
        bottom = p[1] * (1 + i / p[2]) + s
        top = p[0] * s / bottom**2
        return np.stack([s / bottom, -top * (1 + i / p[2]), top * p[1] * i / p[2] ** 2], axis=1)

    return _case(f, jacobian, 10 ** rng.uniform(-0.5, 1, 3))


def kernels(rng):
    """A Gaussian kernel's matrix as a function of log length scales."""
    points, n = int(rng.integers(3, 8)), int(rng.integers(1, 4))
    X = rng.normal(size=(points, n))
    D = ((X[:, None, :] - X[None, :, :]) ** 2).reshape(-1, n)

    def f(p):
        return np.exp(-0.5 * (D * np.exp(-2 * p)).sum(axis=1))

    return _case(f, lambda p: f(p)[:, None] * D * np.exp(-2 * p), rng.uniform(-1, 1, n))


def many_rows(rng):
    """A curve fit with 10 000 rows."""
    t, b = np.sort(rng.uniform(0, 5, 10_000)), rng.uniform(0.3, 3, 4)

    def f(b):
        return b[0] * np.exp(-b[1] * t) + b[2] * np.sin(b[3] * t)

    def jacobian(b):
        e = np.exp(-b[1] * t)
        return np.stack([e, -b[0] * t * e, np.sin(b[3] * t), b[2] * t * np.cos(b[3] * t)], axis=1)

    return _case(f, jacobian, b)


def stationary_rows(rng):
    """Some rows are at, or close to, a minimum: their entries are 0, or nearly."""
    m, n = int(rng.integers(3, 30)), int(rng.integers(1, 6))
    x, A = rng.normal(size=n), rng.normal(size=(m, n))
    away = rng.choice([0.0, 1e-9, 1e-6, 1e-3, 1.0], m) * rng.uniform(0.5, 2, m)
    phase = A @ x - away
    bowl = rng.random(m) < 0.5

    def f(p):
        z = A @ p - phase
        return np.where(bowl, z * z, np.cos(z))

    def jacobian(p):
        z = A @ p - phase
        return np.where(bowl, 2 * z, -np.sin(z))[:, None] * A

    return _case(f, jacobian, x)


FAMILIES = {
    "exponential sums": exponential_sums,
    "damped oscillations": damped_oscillations,
    "sin(5 A x)": waves,
    "Gaussian peaks": gaussian_peaks,
    "rational functions": rational_functions,
    "NIST": nist,
    "networks": networks,
    "kinetics": kinetics,
    "enzymes": enzymes,
    "kernel matrices": kernels,
    "stationary rows": stationary_rows,
}


def _many_rows_at_times(families, every=8):
    """Curve fits with 10 000 rows are slow: fewer of them."""

    def rarely(rng):
        if rng.integers(every):
            return replace(exponential_sums(rng), family="exponential sums")
        return replace(many_rows(rng), family="10 000 rows")

    return families | {"exponential sums, or 10 000 rows": rarely}


def noisy(case, rng, level=1e-6):
    """The case with noise in f, relative to the outputs' root mean square."""
    with np.errstate(all="ignore"):
        size = level * float(np.sqrt(np.mean(np.square(case.f(case.x)))))
    stream = np.random.default_rng(rng.integers(2**32))
    outputs = len(case.exact)

    def f(x):
        return case.f(x) + size * stream.standard_normal(outputs)

    return replace(case, noisy=f)


def _entry(change):
    def bug(J, rng):
        if J.any():
            i, j = np.unravel_index(int(rng.choice(np.flatnonzero(J))), J.shape)
            J[i, j] = change(J[i, j])

    return bug


def _column(J, rng):
    J[:, rng.integers(J.shape[1])] *= rng.choice([5.0, -1.0, 0.5])


def _row(J, rng):
    J[rng.integers(J.shape[0])] *= rng.choice([5.0, -1.0, 0.5])


def _block(J, rng):
    """A square block of two or three rows and columns is transposed; of one column, two rows are exchanged."""
    size = min(3, *J.shape)
    i, j = rng.integers(J.shape[0] - size + 1), rng.integers(J.shape[1] - size + 1)
    if size > 1:
        J[i : i + size, j : j + size] = J[i : i + size, j : j + size].T.copy()
    elif J.shape[0] > 1:
        J[[0, -1]] = J[[-1, 0]]


BUGS = {
    "entry doubled": _entry(lambda v: 2 * v),
    "entry's sign": _entry(lambda v: -v),
    "entry missing": _entry(lambda v: 0.0),
    "entry 1% off": _entry(lambda v: 1.01 * v),
    "column": _column,
    "row": _row,
    "block transposed": _block,
}


def right(level):
    def made(draw):
        return lambda rng: noisy(draw(rng), rng, level) if level else draw(rng)

    families = {name: made(draw) for name, draw in _many_rows_at_times(FAMILIES).items()}
    return in_turn(families, f"jacobians {level}")


def bugs():
    def made(draw, name):
        def one(rng):
            J = case = None
            while case is None or np.array_equal(J, case.exact):  # such as a symmetric block
                case = draw(rng)
                J = case.exact.copy()
                BUGS[name](J, rng)
            if rng.random() < 0.5:
                case = noisy(case, rng)
            return with_bug(case, J, name, family=name)

        return one

    families = _many_rows_at_times(FAMILIES)
    return in_turn({f"{bug}: {name}": made(draw, bug) for name, draw in families.items() for bug in BUGS}, "bugs")
