"""Sensitivities against derivatives that are known: linear, logistic, polynomial, network, Gaussian process."""

import sys
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, WhiteKernel
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler

import fastgrad as fg

rng = np.random.default_rng(0)
DIABETES = load_diabetes()
X, Y = DIABETES.data[:120], DIABETES.target[:120]


def within(found, exact):
    """Every derivative within its bar, and the bars are worth something."""
    counted = ~np.isnan(found.values)
    assert counted.any()
    assert (np.abs(found.values - exact) <= found.error)[counted].mean() > 0.98
    np.testing.assert_allclose(
        found.values[counted], np.broadcast_to(exact, found.values.shape)[counted], rtol=1e-6, atol=1e-6
    )


def continuous(X):
    return X + 1e-4 * np.random.default_rng(1).normal(size=X.shape)


def test_linear_models_have_their_coefficients():
    model = LinearRegression().fit(X, Y)
    found = fg.sensitivity(model.predict, X)
    within(found, model.coef_)
    np.testing.assert_allclose(found.mean, model.coef_, rtol=1e-8)
    np.testing.assert_allclose(found.standardised, np.abs(model.coef_) * X.std(axis=0), rtol=1e-8)
    assert found.ranking[0] == f"x{np.argmax(np.abs(model.coef_) * X.std(axis=0))}"


def test_logistic_models_through_scalers():
    data = load_breast_cancer()
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(data.data, data.target)
    some = data.data[::20]
    found = fg.sensitivity(pipeline.predict_proba, some, reference=data.data)
    assert found.values.shape == (len(some), 2, 30)
    assert found.outputs == ["0", "1"]
    p = pipeline.predict_proba(some)
    slopes = pipeline[1].coef_[0] / pipeline[0].scale_
    exact = (p[:, 0] * p[:, 1])[:, None] * slopes
    assert (np.abs(found.values[:, 1] - exact) <= found.error[:, 1]).mean() > 0.98
    np.testing.assert_allclose(found.values[:, 1] * found.spread, exact * found.spread, atol=1e-10)
    within(fg.sensitivity(pipeline.decision_function, some, reference=data.data), slopes)


def test_polynomial_pipelines():
    Z = rng.normal(size=(60, 2)) * [1.0, 50.0] + [0.0, 1e4]
    y = Z[:, 0] ** 2 * Z[:, 1] + Z[:, 1]
    model = make_pipeline(StandardScaler(), PolynomialFeatures(3), LinearRegression()).fit(Z, y)
    exact = np.column_stack([2 * Z[:, 0] * Z[:, 1], Z[:, 0] ** 2 + 1])
    found = fg.sensitivity(model.predict, Z)
    within(found, exact)


def test_networks_have_their_derivative():
    scaled = StandardScaler().fit_transform(continuous(X))
    model = MLPRegressor(hidden_layer_sizes=(16, 8), activation="tanh", max_iter=300, random_state=0, tol=1e-2).fit(
        scaled, Y / 100
    )
    flow = np.broadcast_to(np.eye(10), (len(scaled), 10, 10))
    layer = scaled
    for k, (weights, bias) in enumerate(zip(model.coefs_, model.intercepts_, strict=True)):
        layer = layer @ weights + bias
        flow = flow @ weights
        if k < 2:
            layer = np.tanh(layer)
            flow = flow * (1 - layer**2)[:, None, :]
    within(fg.sensitivity(model.predict, scaled), flow[:, :, 0])


def test_gaussian_processes():
    some = StandardScaler().fit_transform(continuous(X))[:, :4]
    model = GaussianProcessRegressor(RBF(2.0) + WhiteKernel(0.1), optimizer=None, normalize_y=True).fit(some, Y)
    difference = some[:, None, :] - model.X_train_[None]
    kernel = np.exp(-(difference**2).sum(axis=-1) / (2 * 2.0**2))
    exact = -np.einsum("abj,ab,b->aj", difference, kernel, model.alpha_) / 4.0 * model._y_train_std
    found = fg.sensitivity(model.predict, some)
    assert (np.abs(found.values - exact) <= found.error).mean() > 0.98
    np.testing.assert_allclose(found.values, exact, atol=1e-6 * np.abs(exact).max())


def test_models_that_compute_in_float32_have_longer_bars():
    Z = rng.normal(size=(50, 3)).astype(np.float32)

    def predict(Z):
        assert Z.dtype == np.float32
        return np.sin(Z).sum(axis=1)

    found = fg.sensitivity(predict, Z)
    exact = np.cos(Z.astype(float))
    assert (np.abs(found.values - exact) <= found.error).mean() > 0.98
    assert 1e-7 < np.median(found.error) < 1e-3
    assert not found.piecewise_constant


def test_kinks_have_long_bars_where_they_are():
    """At a kink the bar reaches both slopes; beside one, even by 1e-5, there is a slope."""
    Z = np.linspace(-1, 1, 201)[:, None]
    found = fg.sensitivity(lambda Z: np.abs(Z[:, 0]), Z)
    for slope in (-1.0, 1.0):
        assert abs(found.values[100, 0] - slope) <= found.error[100, 0] < 1.1
    beside = fg.sensitivity(lambda Z: np.abs(Z[:, 0]), Z + 1e-5)
    assert (np.abs(beside.values - np.sign(Z + 1e-5)) <= beside.error).all()
    assert (beside.error < 1e-6).mean() > 0.99
    assert beside.nfev < 10 * len(Z)


def test_bars_hold_for_networks_with_kinks():
    weights, last = rng.normal(size=(5, 40)), rng.normal(size=40)
    Z = rng.normal(size=(60, 5))
    found = fg.sensitivity(lambda Z: np.maximum(Z @ weights, 0.0) @ last, Z)
    exact = ((Z @ weights > 0) * last) @ weights.T
    assert (np.abs(found.values - exact) <= found.error).mean() > 0.99
    assert (found.error <= 1e-2 * np.abs(exact).max()).mean() > 0.99


@pytest.mark.parametrize(("n", "most"), [(2, 1 + 1 + 6 * 2 + 1), (5, 1 + 2 + 6 * 5 + 1), (10, 1 + 4 + 6 * 10 + 4)])
def test_smooth_models_are_asked_six_times_a_feature(n, most):
    """And once for the prediction, and up to four times close to the row; and a part of rows twice."""
    Z = np.random.default_rng(n).normal(size=(200, n))
    found = fg.sensitivity(lambda Z: np.sin(Z).sum(axis=1), Z)
    assert 6 * n <= found.nfev / len(Z) <= most + 64 * (2 + 6 * n) / len(Z)


def test_noise_is_known_to_bars_of_all_rows():
    noise, Z = np.random.default_rng(3), rng.normal(size=(150, 3))
    found = fg.sensitivity(lambda Z: 5 + np.sin(Z).sum(axis=1) + 1e-6 * noise.normal(size=len(Z)), Z)
    off = np.abs(found.values - np.cos(Z))
    assert (off <= found.error).mean() > 0.98
    assert np.median(off) < 1e-5
    assert np.median(found.error) < 1e-4
    assert found.nfev < 22 * found.values.size


@pytest.mark.parametrize("kind", ["boosting", "forest", "votes"])
def test_trees_are_recognised(kind):
    if kind == "boosting":
        predict = GradientBoostingRegressor(random_state=0).fit(X, Y).predict
    elif kind == "forest":
        predict = RandomForestRegressor(30, random_state=0).fit(X, Y).predict
    else:
        predict = RandomForestClassifier(30, random_state=0).fit(X, Y > 140).predict_proba
    found = fg.sensitivity(predict, X)
    assert found.piecewise_constant
    assert "piecewise constant" in str(found)
    assert set(found.kinds) == {"sd step", "two values"}
    j = 2
    sd = X[:, j].std()
    low, high = X.copy(), X.copy()
    low[:, j] = np.maximum(X[:, j] - sd / 2, X[:, j].min())
    high[:, j] = np.minimum(X[:, j] + sd / 2, X[:, j].max())
    distance = high[:, j] - low[:, j]
    rise = predict(high) - predict(low)
    exact = rise / (distance if rise.ndim == 1 else distance[:, None])
    np.testing.assert_allclose(found.values[..., j], exact, atol=1e-9)


def test_smooth_models_are_not_called_piecewise_constant():
    assert not fg.sensitivity(lambda Z: np.full(len(Z), 3.0), X).piecewise_constant
    assert not fg.sensitivity(lambda Z: Z[:, 2], X).piecewise_constant
    asked = fg.sensitivity(lambda Z: Z[:, 2] ** 2, X, step="sd")
    assert asked.kinds[2] == "sd step"
    assert not asked.piecewise_constant


def test_whole_numbers_two_values_and_constants():
    Z = np.column_stack([rng.integers(0, 5, 40), rng.integers(0, 2, 40), rng.choice([0.5, 2.5], 40), np.full(40, 0.1)])
    Z = np.column_stack([Z, rng.normal(size=40)])

    def f(Z):
        assert (Z[:, 0] >= 0).all()
        assert (Z[:, 0] <= 4).all()
        assert set(np.unique(Z[:, 1])) <= {0.0, 1.0}
        assert set(np.unique(Z[:, 2])) <= {0.5, 2.5}
        return Z[:, 0] ** 2 + 3 * Z[:, 1] + Z[:, 2] + Z[:, 3] + Z[:, 4]

    found = fg.sensitivity(f, Z)
    assert found.kinds == ["unit step", "unit step", "two values", "constant", "derivative"]
    exact = np.where(Z[:, 0] == 0, 1.0, np.where(Z[:, 0] == 4, 7.0, 2 * Z[:, 0]))
    np.testing.assert_allclose(found.values[:, 0], exact, rtol=1e-12)
    np.testing.assert_allclose(found.values[:, 1], 3.0, rtol=1e-12)
    np.testing.assert_allclose(found.values[:, 2], 1.0, rtol=1e-12)
    assert np.isnan(found.values[:, 3]).all()
    assert found.ranking[-1] == "x3"
    for text in ("constant: the feature has one value", "unit step: a difference over one unit"):
        assert text in str(found)


def test_the_range_is_kept_unless_asked():
    Z = rng.uniform(1, 2, size=(80, 2))
    seen = []

    def f(Z):
        seen.append((Z.min(axis=0), Z.max(axis=0)))
        return np.log(Z[:, 0]) * Z[:, 1]

    found = fg.sensitivity(f, Z)
    assert (np.min([low for low, _ in seen], axis=0) >= Z.min(axis=0)).all()
    assert (np.max([high for _, high in seen], axis=0) <= Z.max(axis=0)).all()
    exact = np.column_stack([Z[:, 1] / Z[:, 0], np.log(Z[:, 0])])
    within(found, exact)
    seen.clear()
    fg.sensitivity(f, Z, extrapolate=True)
    assert (np.max([high for _, high in seen], axis=0) > Z.max(axis=0)).all()


def test_frames_with_text_beside_numbers():
    frame = pd.DataFrame(
        {
            "size": rng.normal(size=60),
            "town": rng.choice(["A", "B"], 60),
            "rooms": rng.integers(1, 6, 60),
            "balcony": rng.choice([True, False], 60),
        },
        index=rng.permutation(60) + 5,
    )
    y = 2 * frame["size"] + (frame["town"] == "A") * 3 + frame["rooms"]
    columns = make_column_transformer((OneHotEncoder(), ["town"]), remainder="passthrough")
    model = make_pipeline(columns, LinearRegression()).fit(frame, y)
    before = frame.copy()
    found = fg.sensitivity(model.predict, frame)
    pd.testing.assert_frame_equal(frame, before)
    assert found.features == ["size", "rooms", "balcony"]
    assert found.kinds == ["derivative", "unit step", "unit step"]
    np.testing.assert_allclose(found.mean, [2.0, 1.0, 0.0], atol=1e-9)
    table = found.to_frame()
    assert isinstance(table, pd.DataFrame)
    assert table["feature"].tolist() == found.ranking
    only = fg.sensitivity(model.predict, frame, features=["rooms"])
    assert only.features == ["rooms"]
    np.testing.assert_allclose(only.values[:, 0], 1.0)


def test_frames_of_polars():
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame({"a": rng.normal(size=40), "town": ["x", "y"] * 20, "rooms": rng.integers(0, 5, 40)})
    found = fg.sensitivity(lambda F: 2 * F["a"].to_numpy() + F["rooms"].to_numpy(), frame)
    assert found.kinds == ["derivative", "unit step"]
    np.testing.assert_allclose(found.mean, [2.0, 1.0], rtol=1e-9)
    assert isinstance(found.to_frame(), polars.DataFrame)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_keep_the_types_of_their_columns(library):
    """A model that was fitted on whole numbers gets whole numbers, moved or not; what is a fraction, as a float."""
    frames = pytest.importorskip(library)
    counts = np.arange(40) % 5
    frame = frames.DataFrame({"a": np.linspace(0.1, 1, 40), "rooms": counts.astype(np.int16), "new": counts % 2 == 0})
    seen = []

    def predict(frame):
        seen.append(list(frame.dtypes))
        return 2 * frame["a"].to_numpy() + 3.0 * frame["rooms"].to_numpy() + 5.0 * frame["new"].to_numpy()

    found = fg.sensitivity(predict, frame)
    np.testing.assert_allclose(found.mean, [2.0, 3.0, 5.0], rtol=1e-9)
    assert all(types == list(frame.dtypes) for types in seen)
    seen.clear()
    found = fg.sensitivity(predict, frame, features=["rooms"], step=0.1)
    np.testing.assert_allclose(found.mean, 3.0, rtol=1e-9)
    assert any("float" in str(types[1]).lower() for types in seen)


def test_features_of_arrays_by_place():
    found = fg.sensitivity(lambda Z: Z[:, 0] * Z[:, 2], X, features=[2, -10])
    assert found.features == ["x2", "x0"]
    np.testing.assert_allclose(found.values, X[:, [0, 2]], rtol=1e-7, atol=1e-9)


def test_rows_with_nan_are_skipped_and_counted():
    Z = X.copy()
    Z[3, 1] = Z[7, 0] = np.nan
    found = fg.sensitivity(lambda Z: Z @ np.arange(10.0), Z)
    assert found.skipped == 2
    assert "2 rows with NaN" in str(found)
    assert np.isnan(found.values[[3, 7]]).all()
    assert np.isfinite(np.delete(found.values, [3, 7], axis=0)).all()
    np.testing.assert_allclose(found.mean, np.arange(10.0), atol=1e-9)


def test_models_that_write_to_what_they_get():
    def rude(Z):
        result = (Z**2).sum(axis=1)
        Z[:] = 0
        return result

    before = X.copy()
    found = fg.sensitivity(rude, X)
    np.testing.assert_array_equal(X, before)
    np.testing.assert_allclose(found.values[:, 2], 2 * X[:, 2], atol=1e-9)


def test_workers_change_no_bit():
    def f(Z):
        return np.column_stack([np.sin(Z).sum(axis=1), Z[:, 0] * Z[:, 1]])

    one, two = fg.sensitivity(f, X), fg.sensitivity(f, X, workers=2)
    np.testing.assert_array_equal(one.values, two.values)
    np.testing.assert_array_equal(one.error, two.error)
    assert one.nfev == two.nfev


def test_memory_is_bounded_and_progress_shown(capsys):
    Z = rng.normal(size=(60_000, 8))
    tracemalloc.start()
    found = fg.sensitivity(lambda Z: Z.sum(axis=1), Z)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # The rows, results and errors; a block of a million values, their places and moves; a model's own blocks.
    assert peak < 4 * Z.nbytes + (150 << 20)
    assert found.nfev > 48 * len(Z)
    fg.sensitivity(lambda Z: Z.sum(axis=1), Z[:50], progress=True)
    assert "evaluations" in capsys.readouterr().err


def test_steps_of_ones_own():
    found = fg.sensitivity(lambda Z: np.sin(Z).sum(axis=1), X, step=1e-3)
    assert set(found.kinds) == {"derivative"}
    within(found, np.cos(X))


def test_bad_input():
    model = LogisticRegression(max_iter=2000).fit(X, np.where(Y > 140, "high", "low"))
    for call, error, match in (
        (lambda: fg.sensitivity(model.predict, X), TypeError, "pass predict_proba"),
        (lambda: fg.sensitivity(model, X), TypeError, "pass its predict method"),
        (lambda: fg.sensitivity(model.predict_proba, X[:1]), ValueError, "pass reference="),
        (lambda: fg.sensitivity(model.predict_proba, X[:0]), ValueError, "X has no rows"),
        (lambda: fg.sensitivity(model.predict_proba, X[0]), ValueError, r"shape \(10,\)"),
        (
            lambda: fg.sensitivity(model.predict_proba, X * np.nan),
            ValueError,
            "has 0 finite rows, which show no spread",
        ),
        (lambda: fg.sensitivity(model.predict_proba, X.astype(str)), TypeError, "pass numbers, or a DataFrame"),
        (
            lambda: fg.sensitivity(lambda Z: Z[:, 0], X, outputs=["a", "b"]),
            ValueError,
            "2 names, but predict has 1 out",
        ),
        (lambda: fg.sensitivity(model.predict_proba, X, features=[11]), ValueError, "columns 0 to 9"),
        (lambda: fg.sensitivity(model.predict_proba, X, outputs=["a"]), ValueError, "1 names, but predict has 2"),
        (lambda: fg.sensitivity(model.predict_proba, X, step="tiny"), ValueError, '"auto", "sd" or steps'),
        (lambda: fg.sensitivity(model.predict_proba, X, step=[0.1] * 3), ValueError, r"step has shape \(3,\)"),
        (lambda: fg.sensitivity(model.predict_proba, X, step=-1.0), ValueError, "positive"),
        (lambda: fg.sensitivity(lambda Z: [Z, Z], X), TypeError, "list of arrays"),
        (lambda: fg.sensitivity(lambda Z: Z.sum(), X), ValueError, "for 1 rows"),
        (lambda: fg.sensitivity(lambda Z: Z[:5, 0], X), ValueError, "predict returned shape"),
        (lambda: fg.sensitivity(model.predict_proba, X, reference=X[:, :3]), ValueError, "reference has the columns"),
    ):
        with pytest.raises(error, match=match):
            call()
    frame = pd.DataFrame({"a": [1.5, 2.0, 3.0], "b": ["x", "y", "z"]})
    with pytest.raises(ValueError, match="features has 'c'"):
        fg.sensitivity(lambda F: F["a"], frame, features=["c"])
    with pytest.raises(TypeError, match="column 'b' is String"):
        fg.sensitivity(lambda F: F["a"], frame, features=["b"])
    one = fg.sensitivity(model.predict_proba, X[:1], reference=X)
    assert one.values.shape == (1, 2, 10)
    assert one.outputs == ["high", "low"]


def test_pictures_and_tables():
    frame = pd.DataFrame(X, columns=[f"<{name}>" for name in DIABETES.feature_names])
    found = fg.sensitivity(
        lambda F: np.column_stack([F.to_numpy() ** 2, F.to_numpy()])[:, :2], frame, outputs=["u", "v"]
    )
    assert "&lt;age&gt;" in found._repr_html_()
    assert "<age>" not in found._repr_html_()
    axes = found.plot(output="v", most=5)
    assert len(axes[0].patches) == 5
    assert len(axes[1].collections) == 5
    with pytest.raises(ValueError, match="'w' is not one of 'u', 'v'"):
        found.plot(output="w")
    assert found.to_frame().shape == (20, 8)


def test_command(tmp_path, capsys):
    import joblib

    from fastgrad.command.cli import main

    frame = pd.DataFrame(X[:, :3], columns=["a", "b", "c"]).assign(y=Y)
    frame.to_csv(tmp_path / "data.csv", index=False)
    joblib.dump(LinearRegression().fit(frame[["a", "b", "c"]], Y), tmp_path / "model.joblib")
    joblib.dump(LinearRegression().fit(X[:, :3], Y), tmp_path / "nameless.joblib")
    command = ["sensitivity", str(tmp_path / "model.joblib"), str(tmp_path / "data.csv")]
    assert main(command) == 3
    assert "--trust" in capsys.readouterr().err
    picture = tmp_path / "plot.png"
    assert main([*command, "--trust", "--output", str(picture)]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "derivative" in capsys.readouterr().out
    nameless = [str(tmp_path / "nameless.joblib"), str(tmp_path / "data.csv"), "--trust", "--drop", "y"]
    assert main(["sensitivity", *nameless]) == 0
    assert main(["sensitivity", *nameless, "--method", "predict_proba"]) == 3


def test_the_command_names_the_extra_for_pictures(tmp_path, capsys, monkeypatch):
    from fastgrad.command.cli import main

    text = "import numpy\ndef model(X):\n    return 2 * numpy.asarray(X)[:, 0]\n"
    (tmp_path / "linear.py").write_text(text)
    pd.DataFrame(X[:, :2], columns=["a", "b"]).to_csv(tmp_path / "data.csv", index=False)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    picture = str(tmp_path / "plot.png")
    model = f"{tmp_path / 'linear.py'}:model"
    assert main(["sensitivity", model, str(tmp_path / "data.csv"), "--output", picture]) == 3
    assert "fastgrad[plot]" in capsys.readouterr().err
