"""Right gradients that rounding, float32 or a minimum make hard to see, and what noise must not clear."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from _check_cases import Case, in_turn, with_bug
from _check_cases import flat as entries

import fastgrad as fg

EPS = 2.0**-52


def _case(f, gradient, x, **more):
    exact = gradient(x)
    return Case(f, exact, x, exact=exact, **more)


# Small by cancellation.


def softmax_at_certainty(rng):
    """The mean of log-sum-exp minus a score, where each sample is classified by a wide margin."""
    samples, inputs, outputs = int(rng.integers(2, 10)), int(rng.integers(2, 5)), int(rng.integers(2, 5))
    margin = rng.uniform(5, 33)
    y = rng.integers(outputs, size=samples)
    centres = np.eye(outputs, max(inputs, outputs))
    X = centres[y] + 0.05 * rng.normal(size=(samples, centres.shape[1]))
    W = margin * centres.T + 0.3 * rng.normal(size=(centres.shape[1], outputs))
    rows = np.arange(samples)

    def f(W):
        z = X @ W
        top = z.max(axis=1)
        return (top + np.log(np.exp(z - top[:, None]).sum(axis=1)) - z[rows, y]).mean()

    def gradient(W):
        z = X @ W
        others = np.exp(z - z[rows, y][:, None])
        others[rows, y] = 0
        total = others.sum(axis=1)
        p = others / (1 + total)[:, None]
        p[rows, y] = -total / (1 + total)  # not a difference from 1
        return X.T @ p / samples

    return _case(f, gradient, W, hidden=1e3 * EPS * margin)


def beside_one(rng):
    """(c + w(x)) - c, whose values are multiples of the spacing of c."""
    n, c, size = int(rng.integers(1, 11)), 10 ** rng.uniform(-1, 2), 10 ** rng.uniform(-12, -3)
    x = rng.normal(size=n)

    def w(x):
        return size * np.exp(np.sin(x).sum())

    return _case(lambda x: (c + w(x)) - c, lambda x: w(x) * np.cos(x), x, hidden=1e3 * EPS * c)


def trained(rng):
    """A network whose loss of 1e-5 is what is left of log probabilities, computed as scores minus log-sum-exp."""
    inputs, units, samples = 3, int(rng.integers(3, 6)), 6
    X, y = rng.normal(size=(samples, inputs)), rng.choice([-1.0, 1.0], samples)
    x = {"W": rng.normal(size=(inputs, units)), "b": rng.normal(size=units), "u": np.zeros(units)}
    h = np.tanh(X @ x["W"] + x["b"])
    x["u"] = np.linalg.lstsq(h, y * rng.uniform(9, 13), rcond=None)[0]
    size = 1e3 * EPS * 15

    def scores(p):
        h = np.tanh(X @ p["W"] + p["b"])
        return h, y * (h @ p["u"])

    def f(p):
        z = scores(p)[1] / 2
        return (np.log(np.exp(z) + np.exp(-z)) - z).mean()

    def gradient(p):
        h, z = scores(p)
        e = -y / (1 + np.exp(z)) / samples
        d = np.outer(e, p["u"]) * (1 - h * h)
        return {"W": X.T @ d, "b": d.sum(axis=0), "u": h.T @ e}

    return _case(f, gradient, x, hidden=size)


def recurrent(rng):
    """A recurrent network that remembers its first input almost perfectly: a loss of 1e-5 as 1 minus a square."""
    steps, units = 5, 3
    target = rng.uniform(-1, 1, 4)
    x = {"A": 0.95 * np.eye(units) + 0.02 * rng.normal(size=(units, units)), "B": rng.normal(size=(1, units)) / 3}

    def states(p):
        h, all_states = np.tanh(target[:, None] @ p["B"]), []
        all_states.append(h)
        for _ in range(steps):
            h = np.tanh(h @ p["A"])
            all_states.append(h)
        return all_states

    size = 10 ** rng.uniform(-6, -3)

    def f(p):
        return (1 + size * states(p)[-1] ** 2).sum() - states(p)[-1].size

    def gradient(p):
        s = states(p)
        d = 2 * size * s[-1]
        by_a = np.zeros_like(p["A"])
        for before, after in zip(s[-2::-1], s[:0:-1], strict=True):
            inner = d * (1 - after * after)
            by_a += before.T @ inner
            d = inner @ p["A"].T
        return {"A": by_a, "B": target[None] @ (d * (1 - s[0] ** 2))}

    return _case(f, gradient, x, hidden=1e3 * EPS * 4)


def log_of_sigmoid(rng):
    """-log(sigmoid(z)) as written, at z up to 34."""
    n = int(rng.integers(1, 6))
    x = rng.uniform(5, 34, n)
    return _case(
        lambda z: -np.log(1 / (1 + np.exp(-z))).sum(), lambda z: -np.exp(-z) / (1 + np.exp(-z)), x, hidden=1e3 * EPS
    )


CANCELLATION = {
    "softmax at certainty": softmax_at_certainty,
    "(c + w) - c": beside_one,
    "trained": trained,
    "recurrent": recurrent,
    "log of sigmoid": log_of_sigmoid,
}


def seen(case):
    """Undecided is fair where the largest entry is below a thousand roundings of f."""
    if np.abs(entries(case.exact)).max() > case.hidden:
        return case
    return replace(case, wanted=("right", "undecided"))


def cancellation():
    return in_turn({name: lambda rng, draw=draw: seen(draw(rng)) for name, draw in CANCELLATION.items()}, "cancelled")


class Flat(NamedTuple):
    """What a derivative with error bars says: "wrong" if it is 0 and its bar excludes the truth."""

    verdict: str
    nfev: int
    explanation: str
    resolution: float = 0.0


def flat():
    """The derivatives of the same functions."""

    def look(case):
        def verb(f, claimed, x):
            derivative = fg.differentiate(f, x)
            value, bar = entries(derivative.value), entries(derivative.error)
            off = np.abs(entries(case.exact) - value) > bar
            verdict = "wrong" if (off & (value == 0)).any() else "undecided" if off.any() else "right"
            return Flat(verdict, derivative.nfev, f"{int(off.sum())} of {off.size} bars do not hold")

        return replace(case, verb=verb, wanted=("right", "undecided"))

    return in_turn({name: lambda rng, draw=draw: look(draw(rng)) for name, draw in CANCELLATION.items()}, "cancelled")


# float32 inside.


def _single(rng, depth, wide):
    """A network that computes in float32, and so does its backpropagation; its parameters are float64 or float32."""
    inputs, samples = int(rng.integers(3, 9)), int(rng.integers(8, 40))
    sizes = [inputs, *rng.integers(3, 10, depth).tolist(), 1]
    X, y = rng.normal(size=(samples, inputs)).astype("f4"), rng.normal(size=(samples, 1)).astype("f4")
    x = {}
    for k in range(depth + 1):
        x[f"W{k}"] = rng.normal(size=sizes[k : k + 2]) / np.sqrt(sizes[k])
        x[f"b{k}"] = rng.normal(size=sizes[k + 1]) / 5
    if not wide:
        x = {name: leaf.astype("f4") for name, leaf in x.items()}
    else:
        x = {name: leaf.astype("f4").astype(float) for name, leaf in x.items()}

    def layers(p, kind):
        h = [X.astype(kind)]
        for k in range(depth + 1):
            z = h[-1] @ p[f"W{k}"].astype(kind) + p[f"b{k}"].astype(kind)
            h.append(np.tanh(z) if k < depth else z)
        return h

    def f(p):
        # In longdouble, it is what float32 rounds.
        kind = np.longdouble if p["W0"].dtype == np.longdouble else np.float32
        return ((layers(p, kind)[-1] - y) ** 2).mean()

    def gradient(p, kind=np.float32):
        h, found = layers(p, kind), {}
        e = (2 / kind(samples) * (h[-1] - y)).astype(kind)
        for k in range(depth, -1, -1):
            found[f"W{k}"], found[f"b{k}"] = h[k].T @ e, e.sum(axis=0)
            e = e @ p[f"W{k}"].astype(kind).T * (1 - h[k] * h[k])
        return {name: found[name] for name in x}

    exact = gradient({name: leaf.astype("f4") for name, leaf in x.items()}, np.float64)
    return Case(f, gradient(x), x, exact=exact)


TOLERANCES = {
    "float32 inside": lambda rng: _single(rng, 1, True),
    "float32 parameters": lambda rng: _single(rng, 1, False),
    "two layers": lambda rng: _single(rng, 2, True),
}


def tolerances():
    return in_turn(TOLERANCES, "float32")


def tolerances_bugs():
    """The largest entry of a leaf, or all of the leaf, is 1% off."""

    def made(draw):
        def one(rng):
            case = draw(rng)
            wrong = {name: leaf.copy() for name, leaf in case.claimed.items()}
            leaf = wrong[str(rng.choice(list(wrong)))].reshape(-1)
            if rng.random() < 0.5:
                leaf *= leaf.dtype.type(1.01)
            else:
                leaf[np.abs(leaf).argmax()] *= leaf.dtype.type(1.01)
            found = with_bug(replace(case, exact=case.claimed), wrong, "1%")
            return replace(found, exact=case.exact, strict=True)

        return one

    return in_turn({name: made(draw) for name, draw in TOLERANCES.items()}, "float32 bugs")


# Minima.


def rosenbrock(rng):
    n, size = 2 * int(rng.integers(1, 6)), 10 ** rng.uniform(-3, 3)

    def f(x):
        return size * (100 * (x[1::2] - x[::2] ** 2) ** 2 + (1 - x[::2]) ** 2).sum()

    def gradient(x):
        d, r = np.empty_like(x), x[1::2] - x[::2] ** 2
        d[::2], d[1::2] = -400 * x[::2] * r - 2 * (1 - x[::2]), 200 * r
        return size * d

    return f, gradient, np.ones(n)


def regression(rng):
    """At the least squares solution, as a solver leaves it."""
    m, n = int(rng.integers(5, 60)), int(rng.integers(1, 6))
    A = rng.normal(size=(m, n)) * 10 ** rng.uniform(-1, 1, n)
    y = A @ rng.normal(size=n) + 10 ** rng.uniform(-4, 0) * rng.normal(size=m)
    solution = np.linalg.lstsq(A, y, rcond=None)[0]
    return lambda b: ((A @ b - y) ** 2).mean(), lambda b: 2 * A.T @ (A @ b - y) / m, solution


def quadratic(rng):
    n, offset = int(rng.integers(1, 15)), rng.choice([0.0, 1.0, -100.0])
    B, x = rng.normal(size=(n, n)), rng.choice([0.0, 1.0], n) * rng.normal(size=n) * 10 ** rng.uniform(-2, 2)
    H = B @ B.T + 0.1 * np.eye(n)
    return lambda z: (z - x) @ H @ (z - x) / 2 + offset, lambda z: H @ (z - x), x


def logistic(rng):
    """A logistic regression with a penalty, after Newton's method has ended."""
    m, n = int(rng.integers(10, 60)), int(rng.integers(1, 6))
    X, y, penalty = rng.normal(size=(m, n)), rng.integers(0, 2, m), 10 ** rng.uniform(-3, 0)

    def p(b):
        return 1 / (1 + np.exp(-(X @ b)))

    def gradient(b):
        return X.T @ (p(b) - y) / m + penalty * b

    b = np.zeros(n)
    for _ in range(30):
        H = (X.T * (p(b) * (1 - p(b)))) @ X / m + penalty * np.eye(n)
        b = b - np.linalg.solve(H, gradient(b))
    return lambda b: (np.logaddexp(0, X @ b) - y * (X @ b)).mean() + penalty / 2 * (b @ b), gradient, b


def curve_fit(rng):
    """Data without noise, at the parameters that made them: the residuals are 0."""
    t, b = np.linspace(0, 4, int(rng.integers(8, 40))), np.array([*rng.uniform(1, 5, 1), *rng.uniform(0.3, 2, 1)])
    y = b[0] * np.exp(-b[1] * t)

    def f(b):
        return ((b[0] * np.exp(-b[1] * t) - y) ** 2).sum()

    def gradient(b):
        e = np.exp(-b[1] * t)
        r = 2 * (b[0] * e - y)
        return np.stack([r @ e, -(r @ (b[0] * t * e))])

    return f, gradient, b


STATIONARY = {
    "Rosenbrock": rosenbrock,
    "regression": regression,
    "quadratic": quadratic,
    "logistic": logistic,
    "curve fit": curve_fit,
}


def stationary():
    """Right gradients at minima; of a few, the exact zero is claimed."""

    def made(draw):
        def one(rng):
            f, gradient, x = draw(rng)
            case = replace(_case(f, gradient, x), gradient=gradient)
            if rng.random() < 0.3:
                return replace(case, claimed=np.zeros_like(case.claimed))
            return case

        return one

    return in_turn({name: made(draw) for name, draw in STATIONARY.items()}, "stationary")


# Second looks.

BARS = (0, 3, 10, 30, 100)


def _smooth(rng):
    """A sum of a few exponentials or waves."""
    n = int(rng.integers(2, 7))
    x, waves = rng.normal(size=n), rng.random() < 0.5
    a = rng.uniform(0.5, 2, n)
    if waves:
        return _case(lambda x: 3 + (a * np.sin(x)).sum(), lambda x: a * np.cos(x), x)
    return _case(lambda x: (a * np.exp(x)).sum(), lambda x: a * np.exp(x), x)


def second_looks(level=1e-6):
    """Noise, and an entry that is off by so many error bars of the derivative."""

    def made(bars):
        def one(rng):
            case = _smooth(rng)
            stream = np.random.default_rng(rng.integers(2**32))

            def f(x):
                return case.f(x) * (1 + level * stream.standard_normal())

            claim, k = case.exact.copy(), int(rng.integers(case.x.size))
            bar = float(fg.differentiate(f, case.x).error[k])
            claim[k] += bars * bar
            if bars == 0:
                return replace(case, noisy=f, wanted=("right", "undecided"), family="right")
            wanted = ("wrong", "undecided") if bars >= 10 else ("right", "wrong", "undecided")
            changed = {k: bars * bar}
            return replace(case, noisy=f, claimed=claim, wanted=wanted, changed=changed, family=f"{bars} bars")

        return one

    return in_turn({f"{bars} bars": made(bars) for bars in BARS}, "second looks")
