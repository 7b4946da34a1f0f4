"""Bugs of each kind that an explanation should name, in models drawn at random; right gradients and garbage beside."""

import re
from dataclasses import replace

import numpy as np
from _check_cases import Case, flat, in_turn, like, with_bug

# What an explanation says of each kind. Those in one group may be said for each other.
SAYS = {
    "factor 2": r"a missing ½|(?<![\d.])2(\.0+)? times|twice",
    "half": r"factor of 2 lost|(?<![\d.])0\.50* times|(?<!missing )½ times|\bhalf\b",
    "sign": r"wrong sign|a sign\?",
    "sum for mean": r"a sum, not a mean|a mean, not a sum",
    "transposed": r"transposed",
    "shifted": r"shifted",
    "reversed": r"revers",
    "exchanged": r"exchanged|swapped",
    "missing term": r"\b(is|are) (all )?zero\b",
    "regularisation missing": r"(?<!L1 )regularisation",
    "stale point": r"stale",
    "factor x": r"factor (of )?[xWVb] |factor (of )?x\b",
    "factor 1/x": r"1/[xWVb]\b",
    "factor exp(x)": r"exp\(",
    "sign(x)": r"sign\(|\bL1\b",
    "rows only": r"(?<!its )(?<!one )\brows?\b(?! for columns)",
    "columns only": r"(?<!its )(?<!one )(?<!rows for )\bcolumns?\b",
    "mask": r"\bmask",
    "broadcast sum": r"broadcast|is the sum of|summed",
    "softmax": r"softmax",
}
# What is none of these kinds, but a pattern: it is not to be said of them.
OTHERS = r"wrong order|all equal|too much in|missing from|constant factor|should be zero|exchanged"
GROUPS = [{"factor x", "factor 1/x"}, {"missing term", "mask"}]


def names(text):
    """The kinds that an explanation names."""
    return {kind for kind, says in SAYS.items() if re.search(says, text)}


def judge(case, check):
    """Whether the kind of the case is named, and whether another pattern is."""
    if check.verdict != "wrong":
        return (False if case.kind else None), False
    found, other = names(check.explanation), bool(re.search(OTHERS, check.explanation))
    if not case.kind:
        return None, bool(found) or other
    alike = next((group for group in GROUPS if case.kind in group), {case.kind})
    own = case.kind in found or (case.kind == "factor 1/x" and "factor x" in found)
    return own, bool(found - alike) or (other and not own)


def _sizes(rng, structure):
    """Leaves of one of three structures; each kind finds one that fits it."""
    rows, columns = int(rng.integers(4, 8)), int(rng.integers(4, 8))
    if structure == "vector":
        return {"x": (int(rng.integers(6, 25)),)}
    if structure == "matrix":
        return {"W": (rows, columns)}
    if structure == "square":
        return {"W": (rows, rows)}
    return {"W": (rows, columns), "b": (int(rng.integers(6, 12)),), "V": (columns, rows)}


class Model:
    """Waves of each coordinate, a term that couples all, and penalties; by hand its gradient."""

    def __init__(self, rng, sizes):
        self.x = {name: rng.normal(size=size) for name, size in sizes.items()}
        n = sum(leaf.size for leaf in self.x.values())
        self.a, self.w, self.phase = rng.normal(size=n) + 0.3, rng.uniform(0.5, 1.5, n), rng.uniform(0, 6, n)
        self.c = rng.normal(size=n) / np.sqrt(n)
        self.l2 = 10 ** rng.uniform(-2, 0)

    def __call__(self, p):
        x = flat(p)
        waves = (self.a * np.sin(self.w * x + self.phase)).sum()
        return waves + np.log(np.cosh(self.c @ x)) + self.l2 / 2 * (x @ x)

    def gradient(self, p):
        x = flat(p)
        d = self.a * self.w * np.cos(self.w * x + self.phase) + self.c * np.tanh(self.c @ x) + self.l2 * x
        return like(p, d)


def _model(rng, structure):
    f = Model(rng, _sizes(rng, structure))
    if structure in ("vector", "matrix", "square"):
        # A bare array, not a dict with one leaf.
        (name,) = f.x
        x, f.x = f.x[name], f.x[name]
        return Case(f, None, x, exact=f.gradient(x))
    return Case(f, None, f.x, exact=f.gradient(f.x))


def _of_leaf(change):
    """A bug in one leaf, of those that are large enough."""

    def bug(case, rng, matrix):
        wrong = like(case.x, flat(case.exact).copy())
        if not isinstance(wrong, dict):
            return change(wrong, case.x, rng, case)
        chosen = [name for name, leaf in wrong.items() if leaf.ndim == 2 or not matrix]
        name = str(rng.choice(chosen))
        return wrong | {name: change(wrong[name], case.x[name], rng, case)}

    return bug


def _everywhere(factor):
    """One factor of all leaves, or of one."""

    def bug(case, rng, matrix):
        by = factor(rng)
        if rng.random() < 0.5:
            return like(case.x, by * flat(case.exact))
        return _of_leaf(lambda d, x, rng, case: by * d)(case, rng, matrix)

    return bug


def _exchange(d, x, rng, case):
    d = d.copy()
    i, j = rng.choice(d.size, 2, replace=False)
    d.flat[[i, j]] = d.flat[[j, i]]
    return d


def _zero(d, x, rng, case):
    d = d.copy()
    d.flat[rng.choice(d.size, int(rng.integers(1, 4)), replace=False)] = 0
    return d


def _transpose(d, x, rng, case):
    return d.T.copy() if d.shape[0] == d.shape[1] else d.T.reshape(d.shape).copy()


def _stale(case, rng, matrix):
    """At the point before or after a step of descent."""
    rate = rng.choice([0.1, 0.01, 0.05])
    return case.f.gradient(like(case.x, flat(case.x) - rate * flat(case.exact)))


def _rows(d, x, rng, case):
    d = d.copy()
    some = rng.choice(d.shape[0], int(rng.integers(1, 3)), replace=False)
    d[some] += (
        np.abs(d).mean() * rng.choice([-1, 1], (some.size, d.shape[1])) * rng.uniform(0.3, 2, (some.size, d.shape[1]))
    )
    return d


BUGS = {
    # kind: (bug, needs a matrix)
    "factor 2": (_everywhere(lambda rng: 2.0), False),
    "half": (_everywhere(lambda rng: 0.5), False),
    "sign": (_everywhere(lambda rng: -1.0), False),
    "sum for mean": (_everywhere(lambda rng: float(rng.integers(3, 500)) ** rng.choice([1, -1])), False),
    "transposed": (_of_leaf(_transpose), True),
    "shifted": (_of_leaf(lambda d, x, rng, case: np.roll(d.ravel(), rng.choice([1, -1])).reshape(d.shape)), False),
    "reversed": (_of_leaf(lambda d, x, rng, case: d.ravel()[::-1].reshape(d.shape).copy()), False),
    "exchanged": (_of_leaf(_exchange), False),
    "missing term": (_of_leaf(_zero), False),
    "regularisation missing": (_of_leaf(lambda d, x, rng, case: d - case.f.l2 * x), False),
    "stale point": (_stale, False),
    "factor x": (_of_leaf(lambda d, x, rng, case: d * x), False),
    "factor 1/x": (_of_leaf(lambda d, x, rng, case: d / x), False),
    "factor exp(x)": (_of_leaf(lambda d, x, rng, case: d * np.exp(-x)), False),
    "sign(x)": (_of_leaf(lambda d, x, rng, case: d - 10 ** rng.uniform(-2, 0) * np.sign(x)), False),
    "rows only": (_of_leaf(_rows), True),
    "columns only": (_of_leaf(lambda d, x, rng, case: _rows(d.T, x, rng, case).T.copy()), True),
    "broadcast sum": (_of_leaf(lambda d, x, rng, case: np.full_like(d, d.sum())), False),
}


def _masked(rng, structure):
    """Softplus-like slopes of relu's outputs: without the mask, a unit that is off still gets a gradient."""
    case = _model(rng, structure)
    n = flat(case.x).size
    a, w = rng.normal(size=n) + 0.3, rng.uniform(0.5, 1.5, n)

    def f(p):
        return (a * (np.exp(w * np.maximum(flat(p), 0)) - 1)).sum()

    def slopes(p):
        return a * w * np.exp(w * np.maximum(flat(p), 0))

    x = flat(case.x)
    right = replace(case, f=f, exact=like(case.x, slopes(case.x) * (x > 0)))
    return with_bug(right, like(case.x, slopes(case.x)), "mask")


def _softmax(rng, structure):
    """A function of expected values under softmax weights: p (v - p·v), and p v is claimed."""
    n = int(rng.integers(4, 15))
    x, v, rest = rng.normal(size=n), rng.normal(size=n) + 1, rng.normal(size=5)
    alone = structure == "vector"

    def weights(p):
        e = np.exp(p - p.max())
        return e / e.sum()

    def value(logits, others):
        return np.exp(weights(logits) @ v) + (np.sin(others) ** 2).sum()

    p, expected = weights(x), weights(x) @ v
    slope = np.exp(expected)
    exact, wrong = slope * p * (v - expected), slope * p * v
    if alone:
        case = Case(lambda z: value(z, rest), None, x, exact=exact)
        return with_bug(case, wrong, "softmax")
    others = np.sin(2 * rest)
    case = Case(
        lambda z: value(z["logits"], z["rest"]),
        None,
        {"logits": x, "rest": rest},
        exact={"logits": exact, "rest": others},
    )
    return with_bug(case, {"logits": wrong, "rest": others}, "softmax")


STRUCTURES = ("vector", "matrix", "several leaves")


def _family(kind, structure):
    def one(rng):
        if kind == "mask":
            case = _masked(rng, structure)
        elif kind == "softmax":
            case = _softmax(rng, structure)
        else:
            bug, matrix = BUGS[kind]
            fitting = structure
            if matrix and structure == "vector":
                fitting = "square"
            case = _model(rng, fitting)
            case = with_bug(case, bug(case, rng, matrix), kind)
        return replace(case, judge=judge, family=kind)

    return one


def bugs():
    """Each kind in each structure."""
    return in_turn(
        {f"{kind}, {structure}": _family(kind, structure) for structure in STRUCTURES for kind in SAYS}, "explanations"
    )


def none():
    """Right gradients, and random numbers in place of all or half of the entries: nothing is to be named."""

    def right(structure):
        def one(rng):
            case = _model(rng, structure)
            return replace(case, claimed=case.exact, judge=judge, family="right")

        return one

    def garbage(structure, share):
        def one(rng):
            case = _model(rng, structure)
            claim = flat(case.exact).copy()
            some = rng.random(claim.size) < share
            some[:3] = True
            claim[some] = claim.std() * rng.normal(size=int(some.sum()))
            wrong = with_bug(case, like(case.x, claim), "")
            return replace(wrong, judge=judge, family=f"garbage in {share:.0%}")

        return one

    families = {f"right, {each}": right(each) for each in STRUCTURES}
    for share in (1.0, 0.5):
        families |= {f"garbage in {share:.0%}, {each}": garbage(each, share) for each in STRUCTURES}
    return in_turn(families, "garbage")
