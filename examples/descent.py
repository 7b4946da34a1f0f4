"""The loss falls as the parameters follow its negative gradient: logistic regression, and a small network.

python examples/descent.py [PICTURE.png]    (pip install 'fastgrad[ml,plot]')
"""

import sys

import backprop
import numpy as np

import fastgrad as fg


def load_tumours():
    """The breast-cancer table of scikit-learn: 30 features, standardised, and the intercept's 1; benign or not."""
    try:
        from sklearn.datasets import load_breast_cancer
    except ImportError as error:
        raise ImportError("the table comes with scikit-learn: pip install 'fastgrad[ml]'") from error

    features, benign = load_breast_cancer(return_X_y=True)
    features = (features - features.mean(axis=0)) / features.std(axis=0)
    return np.column_stack([np.ones(len(features)), features]), benign.astype(float)


def make_logistic(features, outcome, penalty=1e-2):
    """The penalised log-loss of a logistic regression; differences give its gradient."""

    def loss(weights):
        margin = features @ weights
        return np.mean(np.logaddexp(0.0, margin) - outcome * margin) + 0.5 * penalty * weights[1:] @ weights[1:]

    return loss


def train_logistic():
    """Descent with the default options."""
    features, outcome = load_tumours()
    result = fg.gradient_descent(make_logistic(features, outcome), np.zeros(features.shape[1]), maxiter=300, gtol=1e-5)
    return result, np.mean((features @ result.x > 0) == (outcome > 0.5))


def train_network(method="momentum", learning_rate=0.1):
    """The network of examples/backprop.py, with its hand-written gradient and a fixed rate."""
    result = fg.gradient_descent(
        backprop.loss, backprop.x0, grad=backprop.backprop, method=method, learning_rate=learning_rate, maxiter=500,
        gtol=1e-3,
    )  # fmt: skip
    guessed = backprop.forward(result.x)[1].argmax(axis=1)
    return result, np.mean(guessed == backprop.targets.argmax(axis=1))


def main():
    logistic, right = train_logistic()
    print(f"logistic regression: {logistic}; {100 * right:.1f}% of the tumours are told right")
    network, correct = train_network()
    print(f"network:             {network}; {100 * correct:.1f}% of the flowers")
    if len(sys.argv) > 1:
        import matplotlib

        matplotlib.use("Agg")
        axes = logistic.plot()
        axes.plot(network.history["fun"], label="network")
        axes.lines[0].set_label("logistic regression")
        axes.legend()
        axes.figure.savefig(sys.argv[1], dpi=120)
        print(f"loss curves: {sys.argv[1]}")


if __name__ == "__main__":
    main()
