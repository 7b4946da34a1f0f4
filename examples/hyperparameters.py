"""Hyperparameters tuned by descending the cross-validation loss, which has no hand-written derivative.

python examples/hyperparameters.py    (pip install 'fastgrad[ml]')

The diabetes table of scikit-learn (442 patients, 10 features): the penalty of a ridge regression, on a log scale; then
penalty and width of kernel ridge regression with a radial basis function, both on log scales.
"""

import numpy as np

import fastgrad as fg

FOLDS = 5


def load_patients():
    """Standardised features, and the progression of the disease in units of its standard deviation."""
    try:
        from sklearn.datasets import load_diabetes
    except ImportError as error:
        raise ImportError("the table comes with scikit-learn: pip install 'fastgrad[ml]'") from error

    features, outcome = load_diabetes(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(outcome))
    features, outcome = features[order], outcome[order]
    return (features - features.mean(axis=0)) / features.std(axis=0), (outcome - outcome.mean()) / outcome.std()


def cross_validated(kernel, outcome, penalty):
    """The mean squared error of kernel ridge regression over held-out folds."""
    errors = []
    for fold in range(FOLDS):
        out = np.arange(len(outcome)) % FOLDS == fold
        mean = outcome[~out].mean()
        inside = kernel[np.ix_(~out, ~out)] + penalty * np.eye((~out).sum())
        fitted = kernel[np.ix_(out, ~out)] @ np.linalg.solve(inside, outcome[~out] - mean)
        errors.append(np.mean((outcome[out] - mean - fitted) ** 2))
    return float(np.mean(errors))


def make_ridge(features, outcome):
    """The loss of a ridge regression, of the logarithm (base 10) of its penalty."""
    kernel = features @ features.T
    return lambda log_penalty: cross_validated(kernel, outcome, 10.0**log_penalty)


def make_rbf(features, outcome):
    """The loss of kernel ridge regression, of the logarithms of penalty and width."""
    squares = np.sum((features[:, None] - features) ** 2, axis=2)

    def loss(logs):
        penalty, width = 10.0**logs
        return cross_validated(np.exp(-squares / (2 * width**2)), outcome, penalty)

    return loss


def tune():
    """Both, by descent with the default options."""
    features, outcome = load_patients()
    ridge = fg.gradient_descent(make_ridge(features, outcome), 0.0, gtol=1e-5)
    rbf = fg.gradient_descent(make_rbf(features, outcome), np.array([0.0, 0.5]), gtol=1e-5, maxiter=200)
    return ridge, rbf


def main():
    ridge, rbf = tune()
    print(f"ridge: {ridge}\n  penalty {10.0**ridge.x:.4g}, error {ridge.fun:.5f} of the variance")
    penalty, width = 10.0**rbf.x
    print(f"radial basis functions: {rbf}\n  penalty {penalty:.4g}, width {width:.4g}, error {rbf.fun:.5f}")


if __name__ == "__main__":
    main()
