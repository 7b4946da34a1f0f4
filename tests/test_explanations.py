"""What is wrong with a gradient is named: each kind of bug on random models, and nothing where there is no pattern."""

import re

import numpy as np
import pytest

import fastgrad as fg


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


# What was done to the gradient of a model, and what is to be said; x is positive where the third is.
KINDS = {
    "sign of all": (whole(lambda d, x: -d), r"all of it has the wrong sign"),
    "sum of all": (whole(lambda d, x: 64 * d), r"all of it is 64\.000 times too large .*: a sum, not a mean, over 64"),
    "mean of all": (whole(lambda d, x: d / 40), r"all of it is 0\.025 times .*: a mean, not a sum, over 40"),
    "chain of all": (whole(lambda d, x: d / np.exp(x)), r"a factor exp\(x\) is missing from all of it"),
    "twice": (leaf("W", lambda d, x: 2 * d), r"W is 2\.000 times too large .*: a missing ½"),
    "half": (leaf("b", lambda d, x: d / 2), r"b is 0\.5 times what it should be .*: a factor of 2 lost"),
    "sign": (leaf("V", lambda d, x: -d), r"V has the wrong sign"),
    "one per cent": (leaf("V", lambda d, x: 1.01 * d), r"V is (1\.010 times too large|too large by 0\.01)"),
    "constant": (leaf("b", lambda d, x: 3.7 * d), r"b is 3\.700 times too large .*: a constant factor"),
    "zero": (leaf("W", lambda d, x: 0 * d), r"W is zero .*, but f depends on it"),
    "zero entry": (lambda d, p: put(d, "b", 2, 0.0), r"b\[2\] is zero .*, but f depends on it"),
    "entry": (lambda d, p: put(d, "b", 2, 3 * d["b"][2]), r"b\[2\] has 3 times its value"),
    "signs of some": (lambda d, p: put(d, "b", [0, 2, 3], -d["b"][[0, 2, 3]]), r"3 entries of b, .* have the wrong sign"),
    "mask": (lambda d, p: put(d, "b", [1, 3], 0.0), r"2 entries of b, .* are zero, .*: a mask"),
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
    "permuted": (lambda d, p: put(d, "b", [0, 1, 3, 4], d["b"][[3, 4, 1, 0]]), r"b has the right values in the wrong order"),
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
    "exp twice": (leaf("V", lambda d, x: d * np.exp(x)), r"a factor exp\(V\) too much in V .*: a chain rule applied twice"),
    "no tanh'": (leaf("W", lambda d, x: d / (1 - np.tanh(x) ** 2)), r"a factor \(1 - tanh\(W\)²\) is missing from W"),
    "sum of columns": (leaf("W", lambda d, x: 0 * d + d.sum(axis=0)), r"every entry of W is the sum of its column"),
    "mean of rows": (leaf("V", lambda d, x: 0 * d + d.mean(axis=1, keepdims=True)), r"every entry of V is the mean of its row"),
    "sum of a vector": (leaf("b", lambda d, x: 0 * d + d.sum()), r"every entry of b is the sum of all entries"),
    "equal rows": (leaf("W", lambda d, x: 0 * d + d[0] * 1.7), r"the rows of W are all equal"),
}  # fmt: skip
POSITIVE = {
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
