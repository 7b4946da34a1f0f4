"""Every option of every verb: what is wrong with it is said in one sentence that names it, before f is called."""

import inspect
import re
import sys
import typing

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.evaluate.functions import SERIAL
from fastgrad.methods.named import make_method
from fastgrad.testing import assert_grad
from fastgrad.verbs import signatures

X = np.array([1.0, 2.0])
V = np.array([1.0, -1.0])
ROWS = np.array([[1.0, 2.0], [3.0, 5.0], [4.0, 1.5]])
NAN, INF = np.nan, np.inf


def cubes(x):
    return float((x**3).sum())


def slopes(x):
    return 3 * x**2


def fourth_powers(x):
    return float((x**4).sum())


def vector(x):
    return x**3 + x


def by_rows(X):
    return (X**3).sum(axis=1)


# name: (the verb, a call with f and options, a function that it takes)
VERBS = {
    "gradient": (fg.gradient, lambda f, **o: fg.gradient(f, X, **o), cubes),
    "summed": (fg.gradient, lambda f, **o: fg.gradient(f, X, **{"summed": True} | o), vector),
    "partial": (fg.partial, lambda f, **o: fg.partial(f, X, 1, **o), cubes),
    "second partial": (fg.partial, lambda f, **o: fg.partial(f, X, 0, 1, **o), cubes),
    "directional": (fg.directional, lambda f, **o: fg.directional(f, X, V, **o), cubes),
    "batch_gradient": (fg.batch_gradient, lambda f, **o: fg.batch_gradient(f, ROWS, **o), cubes),
    "grad": (fg.grad, lambda f, **o: _called(fg.grad(f, **o), o), cubes),
    "value_and_grad": (fg.value_and_grad, lambda f, **o: _called(fg.value_and_grad(f, **o), o)[1], cubes),
    "jacobian": (fg.jacobian, lambda f, **o: fg.jacobian(f, X, **o), vector),
    "batch_jacobian": (fg.batch_jacobian, lambda f, **o: fg.batch_jacobian(f, ROWS, **o), vector),
    "plan_jacobian": (fg.plan_jacobian, lambda f, **o: fg.plan_jacobian(f, X, **o)(X), vector),
    "jvp": (fg.jvp, lambda f, **o: fg.jvp(f, X, V, **o), vector),
    "hessian": (fg.hessian, lambda f, **o: fg.hessian(f, X, **o), cubes),
    "hessian of grad": (fg.hessian, lambda f, **o: fg.hessian(cubes, X, **{"grad": f} | o), slopes),
    "hvp": (fg.hvp, lambda f, **o: fg.hvp(f, X, V, **o), cubes),
    "hvp of grad": (fg.hvp, lambda f, **o: fg.hvp(cubes, X, V, **{"grad": f} | o), slopes),
    "differentiate": (fg.differentiate, lambda f, **o: fg.differentiate(f, X, **o).value, cubes),
    "differentiate a vector": (fg.differentiate, lambda f, **o: fg.differentiate(f, X, **o).value, vector),
    "noise_level": (fg.noise_level, lambda f, **o: fg.noise_level(f, X, **o), cubes),
    "check_grad": (fg.check_grad, lambda f, **o: fg.check_grad(f, slopes, X, **o).verdict, cubes),
    "check_jacobian": (
        fg.check_jacobian,
        lambda f, **o: fg.check_jacobian(f, lambda x: np.diag(3 * x**2 + 1), X, **o).verdict,
        vector,
    ),
    "check_hessian": (
        fg.check_hessian,
        lambda f, **o: fg.check_hessian(f, lambda x: np.diag(6 * x), X, **o).verdict,
        cubes,
    ),
    "assert_grad": (assert_grad, lambda f, **o: assert_grad(f, slopes, X, **o), cubes),
    "gradient_descent": (
        fg.gradient_descent,
        lambda f, **o: fg.gradient_descent(f, X, **{"maxiter": 3} | o).x,
        cubes,
    ),
    "descent from many": (
        fg.gradient_descent,
        lambda f, **o: fg.gradient_descent(f, ROWS, **{"maxiter": 3, "batch": True} | o).x,
        fourth_powers,
    ),
    "sensitivity": (fg.sensitivity, lambda f, **o: fg.sensitivity(f, ROWS, **o).values, by_rows),
}


def _called(g, options):
    return g(X, 5.0) if "argnums" in options else g(X)


TRUTH = ("yes", 1, None, NAN)
COUNT = (-1, 1.5, True, "3", NAN, None)
SIZES = (0.0, -1e-3, NAN, INF, "small", True, 1j, np.ones(7), ["a", "b"], np.array([True, True]), np.sum, {1.0})
NONNEGATIVE = (NAN, -1, -INF, INF, "0.1", True, None, 1j, [0.1])
TOLERANCE = (NAN, -1, -INF, INF, "0.1", True, None, 1j, [0.1, -1.0], np.ones(7), {"x": 0.1}, ["a", "b"], np.sum)
LIMIT = (NAN, -1, "many", True, None, [3])

BAD = {
    "args": (2.0, [2.0], "ab", X, None, {"a": 1}),
    "method": ("centrl", "", 3, None, ["central"], np.array(["central"]), NAN),
    "order": (3, -2, 4.0, True, "4", NAN, [4], np.float64(4)),
    "step": SIZES,
    "typical_x": SIZES,
    "scale": SIZES,
    "check": ("yes", 1, 0, NAN, [True]),
    "bounds": (3, "ab", (NAN, 9), (9, 0), (50, 60), ("a", "b"), (0, 1, 2), (np.zeros(7), 9), (True, 9), (0, 1j)),
    "tol": (1.0, -1, NAN, INF, "small", True, [1e-3], 1j),
    "noise": (0, -1, NAN, INF, "loud", True, [1e-3], 1j),
    "domain_errors": (KeyError, (KeyError(),), ("KeyError",), (KeyboardInterrupt,), 3, None, [KeyError]),
    "vectorized": ("cols", "", 1, 0, None, 2.0, ["rows"]),
    "workers": (0, -1, True, 2.0, "two", NAN, [1], len),
    "progress": TRUTH,
    "retries": COUNT,
    "summed": TRUTH,
    "sparsity": ("detct", 3, True, [1, 0], np.array([["a"]]), len, NAN),
    "out": (np.ones(3), np.ones((3, 2), dtype=int), [[0.0]], "here"),
    "deriv": (0, 3, 1.0, True, "1", None, NAN),
    "argnums": ("z", 1.5, True, None, (), (0, 0), ("x", 0), [0, 2.0], X, NAN),
    "grad": (3, "exact", X),
    "atol": TOLERANCE,
    "rtol": TOLERANCE,
    "seed": COUNT,
    "near": COUNT,
    "exhaustive": ("yes", 1, 0, NAN, [True]),
    "max_evals": (-5, 1.5, True, "3", NAN),
    "jvp": (3, "J"),
    "vjp": (3, "J"),
    "hvp": (3, "H"),
    "skip": (1.5, True, ["x[0]", "x[1]"], {"x": 1}, len),
    "only": (1.5, True, [], {"x": 1}, len),
    "learning_rate": (0, -1.0, NAN, INF, "fast", True, None, [0.1]),
    "momentum": (1, -0.1, NAN, "0.9", True, None),
    "decay": (1, -0.1, NAN, "0.9", True, None),
    "method_near_optimum": ("near", "complex", 3, True, ["central"]),
    "gtol": NONNEGATIVE,
    "ftol": NONNEGATIVE,
    "maxiter": COUNT,
    "max_time": LIMIT,
    "callback": (3, "stop", True),
    "history": TRUTH,
    "checkpoint": (3, True, ["run.npz"]),
    "checkpoint_every": LIMIT,
    "batch": TRUTH,
    "features": ([7], ["a"], 3, [0.5], "x0"),
    "outputs": (3, "abc", len),
    "extrapolate": TRUTH,
    "reference": (np.ones(3), np.ones((1, 2)), "here"),
}

# Where a verb takes other values than most.
OTHERWISE = {
    ("gradient_descent", "method"): ("sgd", "central", 3, None, ["gd"], NAN),
    ("gradient_descent", "max_evals"): LIMIT,
    ("sensitivity", "step"): ("small", 0.0, -1.0, NAN, np.ones(7), ["a", "b"], True, 1j, None),
    ("plan_jacobian", "sparsity"): (*BAD["sparsity"], None),
    ("hessian", "grad"): (3, "exact", X),
    ("check_jacobian", "jac"): (),
    ("check_hessian", "hess"): (),
    ("check_hessian", "grad"): (3, "exact", X),
}


def _options(verb):
    parameters = inspect.signature(verb).parameters.values()
    return [each.name for each in parameters if each.kind is each.KEYWORD_ONLY or each.name == "argnums"]


def _cases():
    for name, (verb, _, _) in VERBS.items():
        for option in _options(verb):
            values = OTHERWISE.get((verb.__name__, option), BAD[option])
            for k, value in enumerate(values):
                yield pytest.param(name, option, value, id=f"{name}-{option}-{k}")


@pytest.mark.parametrize(("name", "option", "value"), [*_cases()])
def test_what_is_wrong_is_said_before_f_is_called(name, option, value):
    _, call, function = VERBS[name]
    calls = []

    def f(x, *args):
        calls.append(x)
        return function(x)

    with pytest.raises((ValueError, TypeError)) as caught:
        call(f, **{option: value})
    message = str(caught.value)
    assert re.search(rf"\b{option}\b", message), message
    assert "\n" not in message
    assert len(message) < 300
    assert not calls


@pytest.mark.parametrize("name", VERBS)
def test_a_wrong_name_gets_a_suggestion(name):
    verb, call, function = VERBS[name]
    wanted = "workers" if name == "sensitivity" else "typical_x" if "typical_x" in _options(verb) else "seed"
    with pytest.raises(TypeError) as caught:
        call(function, **{wanted + "s": 1})
    assert str(caught.value) == f"{verb.__name__}() got an unexpected option '{wanted}s'; did you mean '{wanted}'?"


# Values of NumPy's types, and the plain ones that they stand for.
NUMPY = {
    "order": [(np.int64(4), 4), (np.uint8(2), 2)],
    "step": [(np.float32(2**-12), 2**-12), (np.array(2**-12), 2**-12)],
    "typical_x": [(np.int64(3), 3.0), (np.array([3, 4]), [3.0, 4.0]), ([3, 4], (3.0, 4.0))],
    "bounds": [((np.int64(0), np.float32(9)), (0.0, 9.0)), (np.array([0.0, 9.0]), (0, 9)), ([None, 9], (-INF, 9))],
    "tol": [(np.float32(0.125), 0.125), (np.array(0.125), 0.125)],
    "noise": [(np.float32(0.125), 0.125), (np.array(0.125), 0.125)],
    "vectorized": [(np.False_, False)],
    "workers": [(np.int64(1), None)],
    "progress": [(np.False_, False)],
    "retries": [(np.int64(2), 2)],
    "summed": [(np.True_, True)],
    "sparsity": [(np.eye(2), np.eye(2, dtype=bool)), ([[1, 0], [0, 1]], np.eye(2, dtype=bool))],
    "deriv": [(np.int64(1), 1)],
    "argnums": [(np.int64(0), 0), ("x", 0)],
    "atol": [(np.float32(0.125), 0.125), (np.int64(0), 0.0), ([0.125, 0.125], 0.125)],
    "rtol": [(np.float32(0.125), 0.125), (np.int64(0), 0.0), ([0.125, 0.125], 0.125)],
    "seed": [(np.int64(3), 3)],
    "near": [(np.int64(1), 1)],
    "exhaustive": [(np.False_, False)],
    "max_evals": [(np.int64(500), 500)],
    "learning_rate": [(np.float32(0.0625), 0.0625), (np.int64(1), 1.0)],
    "momentum": [(np.float32(0.5), 0.5)],
    "decay": [(np.float32(0.5), 0.5)],
    "gtol": [(np.float32(0.5), 0.5)],
    "ftol": [(np.float32(0.5), 0.5), (np.int64(0), 0.0)],
    "maxiter": [(np.int64(2), 2)],
    "max_time": [(np.float32(100), 100.0), (np.int64(100), INF)],
    "history": [(np.False_, False)],
    "extrapolate": [(np.True_, True)],
}


# Options that a verb has for other functions only.
NOT_TAKEN = {
    ("gradient", "sparsity"),
    ("hvp", "noise"),
}


def _numpy_cases():
    for name, (verb, _, _) in VERBS.items():
        for option in _options(verb):
            for k, (given, plain) in enumerate(NUMPY.get(option, ())):
                if (name, option) in NOT_TAKEN or (name == "second partial" and option == "order" and plain == 4):
                    continue
                yield pytest.param(name, option, given, plain, id=f"{name}-{option}-{k}")


@pytest.mark.parametrize(("name", "option", "given", "plain"), [*_numpy_cases()])
def test_values_of_numpy_types_are_as_plain_ones(name, option, given, plain):
    _, call, function = VERBS[name]
    if option in ("order", "noise", "bounds") and name in ("grad", "value_and_grad"):
        assert repr(fg.grad(function, **{option: given})) == repr(fg.grad(function, **{option: plain}))

    def f(x, y=0.0):
        return function(x)

    found, expected = (call(f, **{option: value}) for value in (given, plain))
    found, expected = (each.toarray() if hasattr(each, "toarray") else each for each in (found, expected))
    assert np.array_equal(found, expected)


def test_numpy_numbers_of_threads():
    found = fg.batch_gradient(by_rows, ROWS, vectorized=True, workers=np.int64(2))
    assert np.array_equal(found, fg.batch_gradient(by_rows, ROWS, vectorized=True))


def test_options_of_a_descent_go_into_its_checkpoint(tmp_path):
    """JSON knows no numbers of NumPy's types."""
    options = {"momentum": np.float32(0.5), "noise": np.float64(1e-9), "learning_rate": np.float32(0.125)}
    first = fg.gradient_descent(cubes, X, checkpoint=tmp_path / "run.npz", maxiter=2, **options)
    again = fg.gradient_descent(cubes, checkpoint=tmp_path / "run.npz", maxiter=4, **options)
    assert (first.nit, again.nit) == (2, 4)


# --- What the prompt, editors and type checkers see ----------------------------------------------------------------


@pytest.mark.parametrize("name", VERBS)
def test_signature_and_docstring_have_every_option(name):
    verb = VERBS[name][0]
    kind = typing.get_type_hints(verb, include_extras=True)["options"].__args__[0]
    shared = typing.get_type_hints(kind)
    parameters = inspect.signature(verb).parameters
    assert set(shared) <= set(parameters)
    assert not any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    entries = re.findall(r"^(\w[\w, ]*) : .*", verb.__doc__.split("\nReturns\n")[0], re.M)
    documented = [each for names in entries for each in names.split(", ")]
    assert sorted(documented) == sorted(set(documented))
    assert set(_options(verb)) <= {*documented, *_as_for(verb)}
    assert "**options" not in verb.__doc__


def _as_for(verb):
    """Parameters of entries such as "f, x, args"."""
    return [each for names in re.findall(r"^(\w+(?:, \w+)+)$", verb.__doc__, re.M) for each in names.split(", ")]


def test_defaults_are_those_of_what_the_options_make():
    given = typing.get_type_hints(signatures.Options, include_extras=True)
    defaults = {name: hint.__metadata__[0].default for name, hint in given.items()}
    made = {name: each.default for name, each in inspect.signature(make_method).parameters.items()}
    assert made | SERIAL._asdict() == defaults
    assert signatures.choose(fg.gradient, defaults)[1] is SERIAL
    assert repr(signatures.choose(fg.gradient, defaults)[0]) == repr(signatures.choose(fg.gradient, {})[0])


def test_type_checkers_see_options_and_results(tmp_path):
    api = pytest.importorskip("mypy.api")
    (tmp_path / "right.py").write_text(RIGHT)
    (tmp_path / "wrong.py").write_text(WRONG)
    root = inspect.getfile(fg).removesuffix("__init__.py") + ".."
    options = ["--strict", "--cache-dir", str(tmp_path / "cache"), "--config-file", f"{root}/pyproject.toml"]
    said = api.run([*options, str(tmp_path / "right.py"), str(tmp_path / "wrong.py")])[0]
    lines = [int(line) for line in re.findall(r"wrong\.py:(\d+): error", said)]
    assert "right.py" not in said, said
    assert sorted(set(lines)) == [3 + k for k in range(len(WRONG.splitlines()) - 2)], said


RIGHT = """\
from typing import Any, assert_type
import numpy as np
from numpy.typing import NDArray
import fastgrad as fg

def f(x: Any, y: float = 0.0) -> float:
    return float((x**2).sum())

x = np.ones(2)
Array = NDArray[np.float64]
assert_type(fg.gradient(f, x, order=4, bounds=(0, 5), workers=2), Array)
assert_type(fg.gradient(f, 1.0), float)
assert_type(fg.grad(f)(x), Array)
assert_type(fg.grad(f)(2.0), float)
assert_type(fg.value_and_grad(f)(x), tuple[float, Array])
assert_type(fg.partial(f, x, 0), float)
assert_type(fg.directional(f, x, x), float)
assert_type(fg.jacobian(np.sin, x), Array)
assert_type(fg.hessian(f, x, method="forward"), Array)
assert_type(fg.batch_gradient(f, [[1.0]]), Array)
assert_type(fg.gradient_descent(f, x, maxiter=3).x, Array)
assert_type(fg.gradient_descent(f, 1.0).x, float)
fg.gradient_descent(f, {"a": x}).x["a"]
fg.gradient(f, {"a": x})["a"]
fg.grad(f, argnums=(0, "y"))(1.0, 2.0)
fg.jacobian(np.sin, x, sparsity="detect").nnz
fg.gradient_descent(f, x, grad="forward", method="adam", learning_rate=0.1, method_near_optimum=None)
"""

WRONG = """\
import fastgrad as fg
f = lambda x: 1.0
fg.gradient(f, 1.0, methd="central")
fg.gradient(f, 1.0, method="centrl")
fg.gradient(f, 1.0, order=3)
fg.gradient(f, 1.0, vectorized="cols")
fg.gradient(f, 1.0, progress="yes")
fg.grad(f, retries="3")
fg.hessian(f, 1.0, noise="loud")
fg.differentiate(f, 1.0, method="central")
fg.check_grad(f, f, 1.0, seed="small")
fg.check_jacobian(f, f, 1.0, order=2)
fg.gradient_descent(f, 1.0, method="sgd")
fg.gradient_descent(f, 1.0, method_near_optimum="near")
fg.sensitivity(f, 1.0, method="central")
"""


# --- Arguments by name ----------------------------------------------------------------------------------------------


def test_argnums_by_name():
    def f(x, y, *, scale=1.0):
        return scale * x * y**2

    assert fg.grad(f, "y")(2.0, 3.0) == pytest.approx(12)
    assert fg.grad(f, ("y", "x"))(2.0, 3.0, scale=2.0) == pytest.approx((24, 18))
    for name, text in (("z", "it has 'x', 'y'"), ("scale", "no positional argument")):
        with pytest.raises(ValueError, match=text):
            fg.grad(f, name)
    with pytest.raises(ValueError, match="give the position"):
        fg.grad(max, "x")
    with pytest.raises(ValueError, match=r"argnums=\(0, -2\) names one of the 2 arguments twice"):
        fg.grad(f, (0, -2))(2.0, 3.0)
    with pytest.raises(TypeError, match=r"fastgrad.gradient\(f, x\)"):
        fg.grad(f, X)


# --- Sampled arrays -------------------------------------------------------------------------------------------------

SAMPLES = np.arange(20.0).reshape(4, 5) ** 2
GRID = {
    "gradient": fg.grid.gradient,
    "partial": lambda values, **o: fg.grid.partial(values, 0, **o),
    "laplacian": fg.grid.laplacian,
    "gradient_magnitude": fg.grid.gradient_magnitude,
    "divergence": lambda values, **o: fg.grid.divergence([values, values], **o),
    "curl": lambda values, **o: fg.grid.curl([values, values], **o),
}
GRID_BAD = {
    "order": (3, 2.0, 4.0, True, "4", NAN, None),
    "edge_order": (0, 3, 1.5, "1", NAN),
    "boundary": ("perodic", 3, None, ["nan"]),
    "workers": (0, -1, True, 2.0, "two", NAN),
    "deriv": (0, 3, 1.0, True, "1", None),
    "axis": (7, 0.5, "x", (0, 0)),
    "out": (np.ones(3), "here", [np.ones(3)]),
    "period": (0, -1.0, NAN, np.inf, "x", True, 360.0),
    "datetime_unit": ("Y", "days", 3, NAN, ["s"]),
}


def _grid_cases():
    for name, call in GRID.items():
        verb = getattr(fg.grid, name)
        for option, each in inspect.signature(verb).parameters.items():
            if each.kind is each.KEYWORD_ONLY:
                yield from (pytest.param(call, option, value, id=f"{name}-{option}") for value in GRID_BAD[option])


@pytest.mark.parametrize(("call", "option", "value"), [*_grid_cases()])
def test_grid(call, option, value):
    with pytest.raises((ValueError, TypeError)) as caught:
        call(SAMPLES, **{option: value})
    assert re.search(rf"\b{option}\b", str(caught.value)), caught.value
    with pytest.raises(TypeError, match=f"'{option}s'"):
        call(SAMPLES, **{f"{option}s": value})


def test_grid_takes_numbers_of_numpy_types():
    for call in GRID.values():
        assert np.array_equal(call(SAMPLES, order=np.int64(2), workers=np.int32(2)), call(SAMPLES))
    assert np.array_equal(fg.grid.gradient(SAMPLES, edge_order=np.int64(2)), np.gradient(SAMPLES, edge_order=2))
    assert np.array_equal(fg.grid.partial(SAMPLES, 0, deriv=np.int64(2)), fg.grid.partial(SAMPLES, 0, deriv=2))


# --- The command --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        *("--rtol nan", "--rtol -1", "--rtol inf", "--rtol small", "--points -3", "--points two", "--points 1.5"),
        *("--seed -1", "--seed x", "--rtl 1e-3", ""),
    ],
)
def test_errors_of_use_are_no_verdict(wrong, tmp_path, capsys):
    from fastgrad.command.cli import main

    (tmp_path / "model.py").write_text(
        "import numpy as np\nx = np.arange(1.0, 4)\ncalls = []\n"
        "def f(x):\n    calls.append(1)\n    return (x**3).sum()\ndef g(x):\n    return 2 * x**2\n"
    )
    model = f"{tmp_path}/model.py"
    right = [f"{model}:f", "--grad", f"{model}:g", *(["--at", f"{model}:x"] if wrong else [])]
    with pytest.raises(SystemExit) as caught:
        main(["check", *right, *wrong.split()])
    assert caught.value.code == 3
    said = capsys.readouterr().err.splitlines()
    assert re.match("fastgrad( check)?: error: ", said[-1])
    assert (wrong.split() or ["--at"])[0] in said[-1]
    assert "model" not in sys.modules
