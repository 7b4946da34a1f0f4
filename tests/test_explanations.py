"""What is wrong with a gradient is named: each kind of bug on random models, and nothing where there is no pattern."""

import re

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.check.explain import explain
from fastgrad.check.patterns.entries import rounded


class Model:
    """A function of three leaves with its gradient: quadratic, logistic, waves or a product, drawn from a seed."""

    def __init__(self, seed, positive=False, noise=0.0):
        self.rng = rng = np.random.default_rng(seed)
        rows, side, size = rng.integers(3, 6, 3)
        self.shapes = {"W": (int(rows), int(rows) + 2), "V": (int(side), int(side)), "b": (int(size) + 2,)}
        self.n = sum(int(np.prod(shape)) for shape in self.shapes.values())
        self.kind = seed % 4
        self.a = rng.normal(size=(2 * self.n, self.n)) / np.sqrt(self.n)
        self.c = rng.normal(size=2 * self.n)
        self.x = self.tree(rng.uniform(0.3, 2.0, self.n) if positive else rng.normal(size=self.n))
        self.noise = noise

    def tree(self, flat):
        sizes = np.cumsum([np.prod(shape) for shape in self.shapes.values()])[:-1].astype(int)
        parts = np.split(flat, sizes)
        return {k: part.reshape(shape).copy() for (k, shape), part in zip(self.shapes.items(), parts, strict=True)}

    def flat(self, p):
        return np.concatenate([p[k].ravel() for k in self.shapes])

    def f(self, p):
        u = self.a @ self.flat(p) + self.c
        value = (0.5 * u**2, np.logaddexp(0, u), np.sin(u) * (1 + self.c), np.cosh(0.5 * u))[self.kind].sum()
        return float(value) * (1 + self.noise * self.rng.standard_normal())

    def gradient(self, p):
        u = self.a @ self.flat(p) + self.c
        slope = (u, 1 / (1 + np.exp(-u)), np.cos(u) * (1 + self.c), 0.5 * np.sinh(0.5 * u))[self.kind]
        return self.tree(self.a.T @ slope)


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def put(d, leaf, index, value):
    d[leaf][index] = value


def whole(change):
    """A change of all leaves."""
    return lambda d, p: d.update({k: change(d[k], p[k]) for k in d})


def leaf(name, change):
    """A change of one leaf."""
    return lambda d, p: d.update({name: np.array(change(d[name], p[name]))})


def normed(d, p):
    norm = np.sqrt(sum(np.sum(v**2) for v in d.values()))
    d.update({k: v / norm for k, v in d.items()})


def clipped(d, x):
    limit = np.quantile(np.abs(d), 0.3)
    return np.clip(d, -limit, limit)


# What was done to the gradient of a model, and what is to be said; x is positive where the third is.
KINDS = {
    "sign of all": (whole(lambda d, x: -d), r"all of it has the wrong sign"),
    "sum of all": (whole(lambda d, x: 64 * d), r"all of it is 64\.000 times too large .*: a sum, not a mean, over 64"),
    "mean of all": (whole(lambda d, x: d / 40), r"all of it is 0\.025 times .*: a mean, not a sum, over 40"),
    "chain of all": (whole(lambda d, x: d / np.exp(x)), r"a factor exp\(x\) is missing from all of it"),
    "norm": (normed, r"all of it is .*: divided by its norm"),
    "clipped": (leaf("W", clipped), r"W is cut off at ±.*: gradient clipping"),
    "absolute": (leaf("V", lambda d, x: np.abs(d)), r"V has no signs .*: an absolute value"),
    "twice": (leaf("W", lambda d, x: 2 * d), r"W is 2\.000 times too large .*: a missing ½"),
    "half": (leaf("b", lambda d, x: d / 2), r"b is 0\.5 times what it should be .*: a factor of 2 lost"),
    "sign": (leaf("V", lambda d, x: -d), r"V has the wrong sign"),
    "one per cent": (leaf("V", lambda d, x: 1.01 * d), r"V is (1\.010 times too large|too large by 0\.01)"),
    "constant": (leaf("b", lambda d, x: 3.7 * d), r"b is 3\.700 times too large .*: a constant factor"),
    "zero": (leaf("W", lambda d, x: 0 * d), r"W is zero .*, but f depends on it"),
    "zero entry": (lambda d, p: put(d, "b", 2, 0.0), r"b\[2\] is zero, but f depends on it"),
    "entry": (lambda d, p: put(d, "b", 2, 3 * d["b"][2]), r"b\[2\] has 3 times its value"),
    "signs of some": (lambda d, p: put(d, "b", [0, 2, 3], -d["b"][[0, 2, 3]]),
        r"b\[0\], b\[2\] and b\[3\] have the wrong sign"),
    "mask": (lambda d, p: put(d, "b", [1, 3], 0.0), r"b\[1\] and b\[3\] are zero .*: a mask"),
    "row": (lambda d, p: put(d, "W", 1, 2 * d["W"][1]), r"row 1 of W is 2\.000 times too large"),
    "columns": (lambda d, p: put(d, "W", np.s_[:, [0, 3]], 0.0), r"columns 0 and 3 of W are zero"),
    "transposed": (leaf("V", lambda d, x: d.T), r"V looks transposed \("),
    "reshaped": (leaf("W", lambda d, x: d.T.reshape(d.shape)), r"W looks transposed and reshaped"),
    "order F": (leaf("W", lambda d, x: d.reshape(d.shape[::-1]).T), r"W looks transposed and reshaped"),
    "shifted": (leaf("b", lambda d, x: np.roll(d, 1)), r"b is shifted by one entry"),
    "shifted back": (leaf("W", lambda d, x: np.roll(d, -1)), r"W is shifted by one entry"),
    "shifted rows": (leaf("W", lambda d, x: np.roll(d, 1, axis=0)), r"W is shifted by one row"),
    "shifted in": (leaf("W", lambda d, x: np.pad(d, ((0, 0), (1, 0)))[:, :-1]), r"W is shifted by one column"),
    "reversed": (leaf("b", lambda d, x: d[::-1]), r"b is in reverse order \("),
    "flipped": (leaf("W", lambda d, x: d[:, ::-1]), r"W is in reverse order along axis 1"),
    "exchanged": (lambda d, p: put(d, "b", [1, 3], d["b"][[3, 1]]), r"b\[1\] and b\[3\] are exchanged"),
    "exchanged rows": (lambda d, p: put(d, "W", [0, 2], d["W"][[2, 0]]), r"rows 0 and 2 of W are exchanged"),
    "permuted": (lambda d, p: put(d, "b", [0, 1, 3, 4], d["b"][[3, 4, 1, 0]]), r"b has .* in the wrong order"),
    "penalty missing": (leaf("W", lambda d, x: d - 0.3 * x), r"the term 0\.3·W is missing from W .*: regularisation"),
    "penalty twice": (leaf("V", lambda d, x: d + 0.02 * x), r"a term 0\.02·V too much in V .*: regularisation"),
    "L1 missing": (leaf("W", lambda d, x: d - 0.1 * np.sign(x)), r"the term 0\.1·sign\(W\) is missing from W .*: L1"),
    "L1 twice": (leaf("b", lambda d, x: d + 0.1 * np.sign(x)), r"a term 0\.1·sign\(b\) too much in b .*: L1"),
    "offset": (leaf("W", lambda d, x: d + 0.25), r"a term 0\.25 too much in W .*: a linear term"),
    "factor x": (leaf("W", lambda d, x: d * x), r"a factor W too much in W"),
    "no factor x": (leaf("b", lambda d, x: d / x), r"a factor b is missing from b"),
    "no factor 2x": (leaf("V", lambda d, x: d / (2 * x)), r"a factor 2·V is missing from V .* respect to V²"),
    "square": (leaf("V", lambda d, x: d * x**2), r"a factor V² too much in V"),
    "no exp": (leaf("b", lambda d, x: d / np.exp(x)), r"a factor exp\(b\) is missing from b .* respect to exp\(b\)"),
    "exp twice": (leaf("V", lambda d, x: d * np.exp(x)), r"a factor exp\(V\) too much in V .* twice"),
    "no tanh'": (leaf("W", lambda d, x: d / (1 - np.tanh(x) ** 2)), r"factor \(1 - tanh\(W\)²\) is missing from W"),
    "sum of columns": (leaf("W", lambda d, x: 0 * d + d.sum(axis=0)), r"every entry of W is the sum of its column"),
    "mean of rows": (leaf("V", lambda d, x: 0 * d + d.mean(axis=1, keepdims=True)), r"V is the mean of its row"),
    "sum of a vector": (leaf("b", lambda d, x: 0 * d + d.sum()), r"every entry of b is the sum of all entries"),
    "equal rows": (leaf("W", lambda d, x: 0 * d + d[0] * 1.7), r"the rows of W are all equal"),
}  # fmt: skip
POSITIVE = {
    "L1": (leaf("b", lambda d, x: d - 0.1), r"the term 0\.1 is missing from b .*: a linear term, or L1 regularisation"),
    "zero everywhere": (whole(lambda d, x: 0 * d), r"all of it is zero .*, but f depends on it"),
    "by log": (leaf("b", lambda d, x: d * x), r"a factor b too much in b .* respect to log\(b\)"),
    "barrier missing": (leaf("V", lambda d, x: d - 0.2 / x), r"the term 0\.2/V is missing from V"),
    "by root": (leaf("W", lambda d, x: d * 2 * np.sqrt(x)), r"a factor 2·√W too much in W .* respect to √W"),
    "by log everywhere": (whole(lambda d, x: d * x), r"a factor x too much in all of it .* respect to log\(x\)"),
}


def checked(model, change):
    claimed = model.gradient(model.x)
    change(claimed, model.x)
    return fg.check_grad(model.f, claimed, model.x)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", [*KINDS, *POSITIVE])
def test_each_kind_is_named(kind, seed):
    change, said = {**KINDS, **POSITIVE}[kind]
    check = checked(Model(seed, kind in POSITIVE), change)
    assert check.verdict == "wrong"
    assert re.search(said, check.explanation), check.explanation
    assert "; " not in check.explanation


def told(f, claimed, x):
    check = fg.check_grad(f, claimed, x)
    assert check.verdict == "wrong"
    return check.explanation


@pytest.mark.parametrize("seed", range(4))
def test_softmax(seed):
    """By logits: without the labels, elementwise, and the diagonal of the Jacobian alone."""
    rng = np.random.default_rng(seed)
    z, y, g = rng.normal(size=(5, 4)), np.eye(4)[rng.integers(0, 4, 5)], rng.normal(size=(5, 4))
    z[:, 0] += 1  # so that an axis cannot be taken for the other
    p = softmax(z)

    def loss(z):
        return -np.mean(np.log((softmax(z) * y).sum(axis=-1)))

    def weighed(z):
        return np.sum(g * softmax(z))

    assert fg.check_grad(loss, (p - y) / 5, z)
    assert "x is the softmax itself: p instead of p - y?" in told(loss, p / 5, z)
    assert "x is the softmax itself: p instead of p - y?" in told(lambda z: 5 * loss(z), p, z)
    assert "x has the wrong sign" in told(loss, (y - p) / 5, z)
    assert fg.check_grad(weighed, p * (g - (p * g).sum(axis=-1, keepdims=True)), z)
    assert "x is p·g, not p·(g - Σ p·g): softmax without its own term?" in told(weighed, p * g, z)
    assert "x has only the diagonal of the Jacobian of softmax: p·(1 - p)·g" in told(weighed, p * (1 - p) * g, z)
    # One sample, where one entry is wrong; and the bias of a layer.
    one, k = z[0], int(rng.integers(0, 4))
    assert "x is the softmax itself" in told(lambda z: -np.log(softmax(z)[k]), softmax(one), one)
    labels = np.eye(4)[[0, 1, 1, 2, 3]]

    def layer(b):
        return -np.mean(np.log((softmax(z + b) * labels).sum(axis=-1)))

    bias = rng.normal(size=4)
    p = softmax(z + bias)
    assert fg.check_grad(layer, np.mean(p - labels, axis=0), bias)
    assert "the entries of x sum to 1, and should sum to 0: p instead of p - y?" in told(layer, p.mean(axis=0), bias)


@pytest.mark.parametrize("seed", range(3))
def test_dimensions(seed):
    """Kernels of a convolution: flipped, and with two axes exchanged."""
    rng = np.random.default_rng(seed)
    x, a = rng.normal(size=(2, 3, 3)), rng.normal(size=(2, 3, 3))

    def f(x):
        return np.sum(a * np.sin(x))

    exact = a * np.cos(x)
    assert "x is in reverse order along axes 1 and 2" in told(f, exact[:, ::-1, ::-1], x)
    assert "x looks transposed: axes 1 and 2 are exchanged" in told(f, exact.swapaxes(1, 2), x)


@pytest.mark.parametrize("noise", [0.0, 1e-6])
@pytest.mark.parametrize("seed", range(8))
def test_garbage_is_not_explained(seed, noise):
    model, rng = Model(seed, noise=noise), np.random.default_rng(seed)
    found = told(model.f, model.tree(10 * rng.normal(size=model.n)), model.x)
    assert found.startswith(f"{model.n} of {model.n} entries are wrong: ") or noise
    clauses = found.partition(": ")[2].split("; ")
    assert len(clauses) == 3
    assert all(" has no simple pattern (" in clause for clause in clauses), found


def test_leaves_in_order_of_severity_and_no_more_than_three():
    x = {f"leaf{k}": np.linspace(0.5, 1.5, 5) + 0.1 * k for k in range(7)}
    factors = [1.5, 1.1, -1.0, 1.0, 1.2, 0.0, 1.3]

    def gradient(p):
        return {k: factor * np.cos(v) for (k, v), factor in zip(p.items(), factors, strict=True)}

    found = told(lambda p: sum(np.sin(v).sum() for v in p.values()), gradient, x)
    assert found == (
        "30 of 35 entries are wrong: leaf2 has the wrong sign (5 of 5 entries); "
        "leaf5 is zero (5 of 5 entries), but f depends on it: does its term reach the gradient?; "
        "leaf0 is 1.500 times too large (5 of 5 entries): a constant factor?; and 3 more leaves"
    )


def test_what_is_explained_is_said_even_if_it_is_not_the_worst():
    x = {f"leaf{k}": np.linspace(0.5, 1.5, 5) + 0.1 * k for k in range(6)}
    rng = np.random.default_rng(0)
    claimed = {k: 10 * rng.normal(size=5) for k in x}
    claimed["leaf4"] = 1.1 * np.cos(x["leaf4"])
    found = told(lambda p: sum(np.sin(v).sum() for v in p.values()), claimed, x)
    assert found.split("; ")[2:] == [
        "leaf4 is 1.100 times too large (5 of 5 entries): a constant factor?",
        "and 3 more leaves",
    ]


def test_a_single_entry_speaks_for_itself():
    """Not for a matrix without a pattern beside it; nor does one factor explain another."""
    rng = np.random.default_rng(0)
    x = {"W": rng.normal(size=(4, 5)), "b": 0.7}
    claimed = {"W": rng.normal(size=(4, 5)), "b": 1.234}
    found = told(lambda p: np.sin(p["W"] * p["b"]).sum(), claimed, x)
    assert re.fullmatch(
        r"21 of 21 entries are wrong: b has -?\d.\d+ times its value; "
        r"W has no simple pattern \(20 of 20 entries\), the worst entry is W\[\d, \d\]",
        found,
    )
    # A factor of each of two entries.
    one = np.array([0.4, 0.9, 1.3])
    assert "no simple pattern" in told(lambda x: np.sin(x).sum(), np.cos(one) * [3, 1, 0.2], one)


@pytest.mark.parametrize("seed", range(5))
def test_one_large_entry_under_noise_is_one_entry(seed):
    rng, w = np.random.default_rng(seed), np.random.default_rng(3).normal(size=(4, 5))
    claimed = 0.7 * np.cos(0.7 * w)
    claimed[0, 0] *= 40
    check = fg.check_grad(lambda p: np.sin(p["W"] * 0.7).sum() + 3e-2 * rng.normal(), {"W": claimed}, {"W": w})
    assert not re.search("shifted|transposed|reverse|order", check.explanation)


def test_what_bars_hide_is_no_pattern():
    """Right gradients called wrong by rounding that differences do not see have none."""

    def w(x):
        return 1e-5 * np.exp(np.sin(x).sum())

    for seed in range(20):
        x = np.random.default_rng(seed).normal(size=10)
        check = fg.check_grad(lambda x: (10.0 + w(x)) - 10.0, lambda x: w(x) * np.cos(x), x)
        assert not re.search("stale|shifted|regularisation", check.explanation)


@pytest.mark.parametrize("seed", range(3))
def test_numbers_are_said_to_the_digits_that_are_known(seed):
    for change, said in (
        (whole(lambda d, x: 64 * d), "all of it is 64(.00|.000)? times too large"),
        (leaf("V", lambda d, x: d + 0.2 * x), r"a term 0\.2(00)? ?.*V too much in V"),
        (lambda d, p: put(d, "b", 2, 3 * d["b"][2]), r"b\[2\] has 3 times its value"),
    ):
        check = checked(Model(seed, noise=1e-6), change)
        assert re.search(said, check.explanation), check.explanation


def test_rounded():
    found = [rounded(-2.99917, bar) for bar in (0.0, 1e-9, 2e-3, 0.1, 50.0, 1e308, np.inf)]
    assert found == ["-2.999", "-2.999", "-3", "-3", "-3", "-3", "-3"]
    assert rounded(0.0, 0.0) == rounded(0.0, 1.0) == "0"
    assert rounded(1e-300, 1e100) == "1e-300"


def test_errors_of_a_few_bars_have_no_pattern():
    """Within such bars, nearly everything explains them."""
    rng = np.random.default_rng(0)
    x, numeric, bar = rng.normal(size=12), 1 + 0.01 * rng.normal(size=12), np.full(12, 0.1)
    claimed = numeric + 0.3 * rng.choice([-1, 1], 12)
    leaves = [("x", slice(0, 12), (3, 4))]
    found = explain(claimed, numeric, bar, np.full(12, True), x, leaves, lambda k: f"x[{k}]")
    assert found == f"no simple pattern, the worst entry is x[{np.argmax(np.abs(claimed - numeric))}]"


def test_leaves_exchanged_and_masks():
    x = {"gamma": np.array([0.3, 1.2, -0.5, 0.8]), "beta": np.array([1.1, -0.2, 0.6, 0.4])}

    def f(p):
        return np.sum(np.sin(p["gamma"]) * [1, 2, 3, 4]) + np.sum(np.exp(p["beta"]))

    exact = {"gamma": np.cos(x["gamma"]) * [1, 2, 3, 4], "beta": np.exp(x["beta"])}
    assert told(f, {"gamma": exact["beta"], "beta": exact["gamma"]}, x).endswith(": beta and gamma are exchanged")
    z, seen = np.array([0.5, -0.3, 0.8, -0.6, 1.2]), np.array([1, 0, 1, 0, 1])
    found = told(lambda z: np.sum(seen * np.sin(z)), np.cos(z), z)
    assert found == (
        "2 of 5 entries are wrong: x[1] and x[3] should be zero, since f does not depend on them: is a mask missing?"
    )
    assert told(lambda z: np.exp(min(z[0], 9.0)), np.exp(x["beta"]), x["beta"]).endswith(
        ": x[1], x[2] and x[3] should be zero, since f does not depend on them: is a mask missing?"
    )


def test_a_claim_of_float32():
    x = np.linspace(0.3, 1.9, 9).reshape(3, 3)
    exact = (np.cos(x) * np.arange(1, 10).reshape(3, 3)).astype(np.float32)
    found = told(lambda x: np.sum(np.sin(x) * np.arange(1, 10).reshape(3, 3)), exact.T, x)
    assert "x looks transposed" in found


def test_hyperparameters_that_are_numbers():
    """Each is a leaf of its own, and says nothing by itself."""
    x = {"mean": 0.4, "log_length": 0.3, "log_scale": -0.7, "log_noise": -1.9}

    def f(p):
        return p["mean"] ** 2 + np.exp(2 * p["log_length"]) + 3 * np.exp(p["log_scale"]) * np.exp(p["log_noise"])

    product = 3 * np.exp(x["log_scale"] + x["log_noise"])
    exact = {"log_length": 2 * np.exp(0.6), "log_scale": product, "log_noise": product}
    assert fg.check_grad(f, {"mean": 0.8, **exact}, x)
    claimed = {k: v / np.exp(x[k]) for k, v in exact.items()}
    assert told(f, {"mean": 0.8, **claimed}, x) == (
        "3 of 4 entries are wrong: a factor exp(x) is missing from log_length, log_noise and log_scale: "
        "the derivative with respect to exp(x)?"
    )


def test_what_is_not_finite():
    x = {"a": np.ones(3), "b": np.ones(2)}
    found = told(lambda p: np.sum(p["a"] ** 2) + p["b"].sum(), {"a": np.array([2, np.nan, 2]), "b": np.ones(2)}, x)
    assert found == "1 of 5 entries is wrong: a[1] is not finite"
