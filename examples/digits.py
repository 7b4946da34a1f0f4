"""Backpropagation of a two-layer network on handwritten digits: right, and with six bugs from real life.

The data are the 8x8 digits that scikit-learn ships (`pip install 'fastgrad[ml]'`). Each bug is found and explained.
"""

import numpy as np

import fastgrad as fg

HIDDEN, PENALTY = 16, 0.01


def load(count=64):
    """Images scaled to [0, 1] and one-hot labels."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError("the digits come with scikit-learn: pip install 'fastgrad[ml]'") from error
    digits = load_digits()
    return digits.data[:count] / 16, np.eye(10)[digits.target[:count]]


IMAGES, LABELS = load()


def start(seed=0):
    """Random weights."""
    rng = np.random.default_rng(seed)
    return {
        "W1": rng.normal(size=(64, HIDDEN)) / 8,
        "b1": rng.normal(size=HIDDEN) / 10,
        "W2": rng.normal(size=(HIDDEN, 10)) / 4,
        "b2": rng.normal(size=10) / 10,
    }


def forward(p):
    """Hidden activations and class probabilities."""
    hidden = np.tanh(IMAGES @ p["W1"] + p["b1"])
    scores = hidden @ p["W2"] + p["b2"]
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    return hidden, scores / scores.sum(axis=1, keepdims=True)


def loss(p):
    """Cross-entropy, mean over the batch, and an L2 penalty on the weights."""
    _, probabilities = forward(p)
    penalty = PENALTY / 2 * ((p["W1"] ** 2).sum() + (p["W2"] ** 2).sum())
    return -np.log((probabilities * LABELS).sum(axis=1)).mean() + penalty


def backprop(p):
    """The gradient of loss, by hand."""
    hidden, probabilities = forward(p)
    at_scores = (probabilities - LABELS) / len(LABELS)
    at_hidden = at_scores @ p["W2"].T * (1 - hidden**2)
    return {
        "W1": IMAGES.T @ at_hidden + PENALTY * p["W1"],
        "b1": at_hidden.sum(axis=0),
        "W2": hidden.T @ at_scores + PENALTY * p["W2"],
        "b2": at_scores.sum(axis=0),
    }


def sum_for_mean(p):
    """The batch is summed, not averaged (no penalty in this one's loss)."""
    return {name: len(LABELS) * (d - _penalty(p, name)) for name, d in backprop(p).items()}


def penalty_forgotten(p):
    """The L2 term of W1 is missing."""
    return {**backprop(p), "W1": backprop(p)["W1"] - PENALTY * p["W1"]}


def penalty_twice(p):
    """The ½ of the penalty is missing: its gradient is twice too large."""
    return {name: d + _penalty(p, name) for name, d in backprop(p).items()}


def wrong_sign(p):
    """b2 is updated with labels - probabilities."""
    return {**backprop(p), "b2": -backprop(p)["b2"]}


def dead_unit(p):
    """One hidden unit's bias never gets its gradient."""
    d = backprop(p)
    d["b1"][3] = 0.0
    return d


def stale(p):
    """Computed after the weights were already updated."""
    d = backprop(p)
    return backprop({name: value - 0.1 * d[name] for name, value in p.items()})


def _penalty(p, name):
    return PENALTY * p[name] if name.startswith("W") else 0.0


def plain_loss(p):
    """The loss without its penalty."""
    return -np.log((forward(p)[1] * LABELS).sum(axis=1)).mean()


BUGS = {
    "right": (loss, backprop),
    "sum for mean": (plain_loss, sum_for_mean),
    "penalty forgotten": (loss, penalty_forgotten),
    "penalty twice": (loss, penalty_twice),
    "wrong sign": (loss, wrong_sign),
    "dead unit": (loss, dead_unit),
    "stale point": (loss, stale),
}


if __name__ == "__main__":
    x = start()
    for name, (f, gradient) in BUGS.items():
        check = fg.check_grad(f, gradient, x, exhaustive=True)
        quick = fg.check_grad(f, gradient, x)
        print(f"{name:<18} {check.verdict:<6} ({check.nfev} evaluations; by search {quick.verdict}, {quick.nfev})")
        print(f"{'':<18} {check.explanation}")
