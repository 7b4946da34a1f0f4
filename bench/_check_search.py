"""Networks of a thousand to a million parameters, with backpropagation by hand, right and with seven bugs."""

import numpy as np
from _check_cases import Case, in_turn, with_bug

# inputs, units, outputs, samples: a kink for each unit and sample, at which a random direction passes nearby
SIZES = {10**3: (40, 20, 8, 200), 10**4: (180, 50, 16, 150), 10**5: (300, 300, 24, 40), 10**6: (784, 1200, 24, 16)}


class Network:
    """One hidden layer, a loss that is a sum over samples of a mean over outputs, and a penalty."""

    def __init__(self, kind, size, rng, l2=1e-2):
        inputs, units, outputs, samples = SIZES[size]
        self.kind, self.l2, self.samples = kind, l2, samples
        self.X = rng.normal(size=(samples, inputs))
        self.y = np.eye(outputs)[rng.integers(outputs, size=samples)]
        self.x = {
            "W1": rng.normal(size=(inputs, units)) * np.sqrt(2 / inputs),
            "b1": rng.normal(size=units) / 10,
            "W2": rng.normal(size=(units, outputs)) * np.sqrt(1 / units),
            "b2": rng.normal(size=outputs) / 10,
        }
        self.l1 = 1e-3 if kind == "L1" else 0.0

    def layers(self, p):
        z = self.X @ p["W1"] + p["b1"]
        h = np.tanh(z) if self.kind in ("tanh", "L1") else np.maximum(z, 0)
        return z, h, h @ p["W2"] + p["b2"]

    def slope_of_units(self, z, h):
        return 1 - h * h if self.kind in ("tanh", "L1") else (z > 0) * 1.0

    def __call__(self, p):
        scores = self.layers(p)[2]
        if self.kind == "hinge":
            signs = 2 * self.y - 1
            loss = np.maximum(0, 1 - signs * scores).mean()
        else:
            top = scores.max(axis=1, keepdims=True)
            loss = (np.log(np.exp(scores - top).sum(axis=1)) - ((scores - top) * self.y).sum(axis=1)).mean()
        for name in ("W1", "W2"):
            w = p[name].ravel()
            loss = loss + self.l2 / 2 * np.dot(w, w)
            if self.l1:
                loss = loss + self.l1 * np.abs(w).sum()
        return loss

    def of_scores(self, scores):
        if self.kind == "hinge":
            signs = 2 * self.y - 1
            return -signs * (signs * scores < 1) / scores.size
        e = np.exp(scores - scores.max(axis=1, keepdims=True))
        return (e / e.sum(axis=1, keepdims=True) - self.y) / self.samples

    def gradient(self, p, bug=None):
        z, h, scores = self.layers(p)
        e = self.of_scores(scores)
        if bug == "mean for sum":
            e = e / self.samples
        slope = 1.0 if bug == "units' slope missing" else self.slope_of_units(z, h)
        d = e @ p["W2"].T * slope
        found = {"W1": self.X.T @ d, "b1": d.sum(axis=0), "W2": h.T @ e, "b2": e.sum(axis=0)}
        if bug == "bias of one sample":
            found["b1"] = d[0].copy()
        if bug == "product transposed":
            found["W2"] = (e.T @ h).reshape(found["W2"].shape)
        if bug == "sign of a matrix":
            found["W1"] = -found["W1"]
        for name in ("W1", "W2"):
            if not (bug == "L2 forgotten" and name == "W1"):
                found[name] += self.l2 * p[name]
            if self.l1:
                found[name] += self.l1 * np.sign(p[name])
        return found


KINDS = ("relu", "L1", "hinge", "tanh")
BUGS = (
    "bias of one sample",
    "product transposed",
    "sign of a matrix",
    "mean for sum",
    "units' slope missing",
    "L2 forgotten",
    "one entry",
)


def _case(kind, size, rng):
    f = Network(kind, size, rng)
    exact = f.gradient(f.x)
    # The search is asked for, also where fewer parameters would be looked at one by one.
    options = {"exhaustive": False, "seed": int(rng.integers(100))}
    return Case(f, exact, f.x, exact=exact, options=options, family=f"{kind}, {size}")


def _one(exact, rng):
    """One of the larger entries of a leaf is doubled."""
    wrong = {name: leaf.copy() for name, leaf in exact.items()}
    leaf = wrong[str(rng.choice(["W1", "b1", "W2", "b2"]))].reshape(-1)
    k = int(rng.choice(np.flatnonzero(np.abs(leaf) >= np.median(np.abs(leaf)))))
    leaf[k] = 2 * leaf[k] if leaf[k] else 1e-2
    return wrong


def right(sizes=tuple(SIZES)):
    def draw(kind, size):
        return lambda rng: _case(kind, size, rng)

    return in_turn({f"{kind}, {size}": draw(kind, size) for size in sizes for kind in KINDS}, "search")


def bugs(sizes=tuple(SIZES)):
    def draw(kind, size, bug):
        def one(rng):
            case = _case(kind, size, rng)
            wrong = _one(case.exact, rng) if bug == "one entry" else case.f.gradient(case.x, bug)
            return with_bug(case, wrong, bug, family=f"{bug}, {size}", strict=True)

        return one

    families = {(k, s, b): draw(k, s, b) for s in sizes for b in BUGS for k in KINDS}
    return in_turn({", ".join(map(str, key)): value for key, value in families.items()}, "search bugs")
