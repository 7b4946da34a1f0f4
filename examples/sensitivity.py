"""How features move predictions, on real data: diabetes (regression) and breast cancer (classification).

A network, boosted trees and a Gaussian process on the one, logistic regression on the other: tables, and pictures with
matplotlib (extra `plot`). Needs scikit-learn and pandas: pip install '.[ml,frames,plot]'
"""

import sys
from pathlib import Path

try:
    from sklearn.datasets import load_breast_cancer, load_diabetes
    from sklearn.ensemble import GradientBoostingRegressor
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import RBF, WhiteKernel
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
except ImportError as error:
    raise ImportError("data and models come with scikit-learn: pip install 'fastgrad[ml,frames,plot]'") from error

import fastgrad as fg


def regressors():
    """Models of the progress of diabetes, and what they are."""
    network = MLPRegressor(hidden_layer_sizes=(16,), activation="tanh", solver="lbfgs", alpha=10.0, random_state=0)
    process = GaussianProcessRegressor(RBF(5.0) + WhiteKernel(0.5), normalize_y=True, random_state=0)
    return {
        "network": make_pipeline(StandardScaler(), network.set_params(max_iter=2000)),
        "boosted trees": GradientBoostingRegressor(random_state=0),
        "Gaussian process": make_pipeline(StandardScaler(), process),
    }


def diabetes():
    """Sensitivities of three models of the same data, in its own units (years, mg/dl ...)."""
    data = load_diabetes(as_frame=True, scaled=False)
    found = {}
    for name, model in regressors().items():
        model.fit(data.data, data.target)
        found[name] = fg.sensitivity(model.predict, data.data)
    return found


def cancer():
    """Sensitivities of a logistic regression's probability that a tumour is benign."""
    data = load_breast_cancer(as_frame=True)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(data.data, data.target)
    return fg.sensitivity(lambda X: model.predict_proba(X)[:, 1], data.data)


def main():
    """Prints the tables, and draws them into the folder that is named."""
    found = {f"diabetes, {name}": result for name, result in diabetes().items()} | {"benign tumours": cancer()}
    for name, result in found.items():
        print(f"--- {name}\n{result}\n")
    if len(sys.argv) > 1:
        for name, result in found.items():
            path = Path(sys.argv[1]) / f"{name.replace(', ', '-').replace(' ', '-')}.png"
            result.plot(most=10)[0].figure.savefig(path, dpi=120)
            print(f"wrote {path}")


if __name__ == "__main__":
    main()
