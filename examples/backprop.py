"""A small neural network with hand-written backpropagation, its gradient checked, then trained.

The data is Fisher's iris table (Annals of Eugenics 7 (1936) 179-188), 150 flowers, in iris.csv.
"""

from pathlib import Path

import numpy as np

import fastgrad as fg

HIDDEN, PENALTY = 5, 1e-3

table = np.loadtxt(Path(__file__).with_name("iris.csv"), delimiter=",", skiprows=1)
inputs = (table[:, :4] - table[:, :4].mean(axis=0)) / table[:, :4].std(axis=0)
targets = np.eye(3)[table[:, 4].astype(int)]

rng = np.random.default_rng(0)
x0 = {
    "W1": rng.normal(size=(4, HIDDEN)) / 2,
    "b1": np.zeros(HIDDEN),
    "W2": rng.normal(size=(HIDDEN, 3)) / 2,
    "b2": np.zeros(3),
}


def forward(p):
    hidden = np.tanh(inputs @ p["W1"] + p["b1"])
    scores = hidden @ p["W2"] + p["b2"]
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    return hidden, scores / scores.sum(axis=1, keepdims=True)


def loss(p):
    """Mean cross-entropy with an L2 penalty on the weights."""
    _, probabilities = forward(p)
    penalty = PENALTY / 2 * ((p["W1"] ** 2).sum() + (p["W2"] ** 2).sum())
    return -np.log((probabilities * targets).sum(axis=1)).mean() + penalty


def backprop(p):
    """The gradient of loss, by hand."""
    hidden, probabilities = forward(p)
    at_scores = (probabilities - targets) / len(targets)
    at_hidden = at_scores @ p["W2"].T * (1 - hidden**2)
    return {
        "W1": inputs.T @ at_hidden + PENALTY * p["W1"],
        "b1": at_hidden.sum(axis=0),
        "W2": hidden.T @ at_scores + PENALTY * p["W2"],
        "b2": at_scores.sum(axis=0),
    }


def forgotten_penalty(p):
    """The same, with a bug: W2's share of the penalty is missing."""
    return {**backprop(p), "W2": backprop(p)["W2"] - PENALTY * p["W2"]}


if __name__ == "__main__":
    print("backprop:", fg.check_grad(loss, backprop, x0), sep="\n")
    print("\nwith a bug:", fg.check_grad(loss, forgotten_penalty, x0), sep="\n")
    result = fg.gradient_descent(loss, x0, grad=backprop, maxiter=300)
    accuracy = (forward(result.x)[1].argmax(axis=1) == targets.argmax(axis=1)).mean()
    falls = ", ".join(f"{fun:.3f}" for fun in result.history["fun"][[0, 1, 10, 100, -1]])
    print(f"\ntrained: {result}\nloss at iterations 0, 1, 10, 100 and the last: {falls}; {accuracy:.0%} right")
