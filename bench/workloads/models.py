"""Sensitivities of fitted models."""

import warnings

import numpy as np

import fastgrad as fg


def model_rows(kind):
    """Sensitivities of a fitted model, against its predictions of as many rows, in blocks of several sizes."""
    try:
        from sklearn.datasets import load_diabetes
        from sklearn.ensemble import GradientBoostingRegressor
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import RBF, WhiteKernel
        from sklearn.linear_model import LinearRegression
        from sklearn.neural_network import MLPRegressor
    except ImportError:
        return {"fastgrad": None, "scikit-learn": None}
    X, y = load_diabetes(return_X_y=True)
    model = {
        "linear": LinearRegression(),
        "network": MLPRegressor(hidden_layer_sizes=(50, 50), activation="tanh", max_iter=50, random_state=0),
        "boosting": GradientBoostingRegressor(random_state=0),
        "Gaussian process": GaussianProcessRegressor(RBF(0.2) + WhiteKernel(0.5), optimizer=None, normalize_y=True),
    }[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
    count = fg.sensitivity(model.predict, X).nfev
    blocks = [np.tile(X, (max(1, size // len(X)), 1)) for size in (442, 2000, 8000, count)]

    def alone(block):
        for _ in range(count // len(block)):
            model.predict(block)
        if count % len(block):
            model.predict(block[: count % len(block)])

    rows = {"fastgrad": lambda: fg.sensitivity(model.predict, X)}
    return rows | {f"limit {len(block)} rows": (lambda block=block: alone(block)) for block in blocks}
