"""How often f is evaluated: `nfev` is what f saw, and f at x itself is asked once a call at most, by every verb."""

import ctypes
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import numpy as np
import pytest

import fastgrad as fg

N = 4
X = np.linspace(0.5, 1.5, N)
V = np.array([1.0, -2.0, 0.5, -3.0])
POINTS = np.stack([X, X + 0.1, 2 * X])
BESIDE = ([0.5, 0.1, 0.1, 0.1], [5.0, 5.0, 5.0, 1.5])  # the first coordinate and the last are at a bound
PATTERN = np.eye(N) + np.eye(N, k=-1)


def scalar(x):
    """The sum of x_i³, and x_0 x_1; of points in columns too."""
    return (x**3).sum(axis=0) + x[0] * x[1]


def scalar_slope(x):
    return 3 * x**2 + np.concatenate([[x[1], x[0]], np.zeros(N - 2)])


def vector(x):
    """x_i² + x_(i-1), which depend on two coordinates each."""
    return x**2 + np.concatenate([0 * x[:1], x[:-1]])


def vector_jacobian(x):
    return np.diag(2 * x) + np.eye(N, k=-1)


def scalar_rows(X):
    return scalar(X.T)


def vector_rows(X):
    return vector(X.T).T


class Counted:
    """A function that counts its evaluations, by point; `points` is None, "rows" or "columns"."""

    def __init__(self, f, points=None):
        self.f, self.points = f, points
        self.seen, self.lock = Counter(), threading.Lock()

    def __call__(self, x, *args):
        rows = {None: lambda x: np.reshape(x, (1, -1)), "rows": lambda x: x, "columns": lambda x: x.T}[self.points](x)
        with self.lock:
            self.seen.update(map(tuple, rows.tolist()))
        return self.f(x, *args)

    @property
    def total(self):
        return self.seen.total()

    def at(self, points):
        """The evaluations at the point that was asked at most."""
        return max(self.seen[tuple(row)] for row in np.atleast_2d(points).tolist())


FIXED = {
    "": {},
    "forward": {"method": "forward"},
    "order 4": {"order": 4},
    "order 8": {"order": 8},
    "complex": {"method": "complex"},
    "step": {"step": 1e-4},
    "typical_x": {"typical_x": 3.0},
    "noise": {"noise": 1e-9},
    "bounds": {"bounds": (-100.0, 100.0)},
    "beside bounds": {"bounds": BESIDE},
    "forward beside bounds": {"method": "forward", "bounds": BESIDE},
    "order 4 beside bounds": {"order": 4, "bounds": BESIDE},
    "noise beside bounds": {"noise": 1e-9, "bounds": BESIDE},
    "forward and noise": {"method": "forward", "noise": 1e-9},
}
NO_BOUNDS = {name: options for name, options in FIXED.items() if "bounds" not in options and name != "noise"}
NO_NOISE = {name: options for name, options in NO_BOUNDS.items() if "noise" not in options}
ADAPTIVE = {
    "adaptive": {"method": "adaptive"},
    "adaptive and noise": {"method": "adaptive", "noise": 1e-9},
    "adaptive beside bounds": {"method": "adaptive", "bounds": BESIDE},
}
KINDS = {
    "rows": {"vectorized": True},
    "columns": {"vectorized": "columns"},
    "workers": {"workers": 2},
    "workers and rows": {"workers": 2, "vectorized": True},
    "forward, rows": {"method": "forward", "vectorized": True},
    "forward, workers": {"method": "forward", "workers": 2},
    "noise, workers": {"noise": 1e-9, "workers": 2},
    "beside bounds, rows": {"bounds": BESIDE, "vectorized": True},
    "order 4 beside bounds, workers": {"order": 4, "bounds": BESIDE, "workers": 2},
}
PLAIN_KINDS = {name: KINDS[name] for name in ("rows", "columns", "workers", "workers and rows")}
WORKERS = {"workers": {"workers": 2}}
SECOND = {name: options for name, options in FIXED.items() if name in ("", "step", "typical_x", "noise", "bounds")} | {
    "beside bounds": {"bounds": BESIDE}
}
HESSIAN = {name: options for name, options in FIXED.items() if name not in ("complex",)}
PATTERNS = {"pattern": {"sparsity": PATTERN}, "detect": {"sparsity": "detect"}, "nan": {"sparsity": "nan"}}
SPARSE = {
    f"{pattern}, {name}": {**chosen, **options}
    for pattern, chosen in PATTERNS.items()
    for name, options in {**FIXED, **PLAIN_KINDS}.items()
    if not (pattern == "nan" and name == "complex")
}


def run_plan(f, **options):
    plan = fg.plan_jacobian(f, X, **options)
    plan([0.7, 0.9, 1.0, 1.2])
    plan([0.5, 2.0, 3.0, 1.5])
    return plan


def descended(f, grad=None, **options):
    return fg.gradient_descent(f, X, grad=grad, **options)


DESCENTS = {
    f"{grad}, {method}, {iterations} iterations": {
        "grad": grad, "method": method, "maxiter": iterations, "bounds": (0.1, 2.0),
    }
    for grad in (None, "forward", "complex", "adaptive")
    for method in ("gd", "bb", "adam")
    for iterations in (0, 3)
    if grad != "complex"
}  # fmt: skip
DESCENTS |= {
    "complex": {"grad": "complex", "maxiter": 2, "max_evals": 50},
    "of a gradient, 0 iterations": {"grad": scalar_slope, "maxiter": 0},
    "of a gradient, 3 iterations": {"grad": scalar_slope, "maxiter": 3, "bounds": (0.1, 2.0)},
    "given rate, 3 iterations": {"learning_rate": 0.01, "maxiter": 3},
    "given rate, no history": {"learning_rate": 0.01, "maxiter": 3, "history": False},
    "of a gradient, given rate": {"grad": scalar_slope, "learning_rate": 0.01, "maxiter": 3},
    "noise": {"noise": 1e-9, "maxiter": 2, "bounds": (0.1, 2.0)},
    "converged at once": {"gtol": 1e9},
    "rows": {"vectorized": True, "maxiter": 2, "bounds": (0.1, 2.0)},
    "workers": {"workers": 2, "maxiter": 2, "bounds": (0.1, 2.0)},
}
BATCHES = {
    f"batch, {name}": {"batch": True, "bounds": (0.1, 4.0), **options}
    for name, options in {
        "0 iterations": {"maxiter": 0},
        "3 iterations": {"maxiter": 3},
        "forward": {"grad": "forward", "maxiter": 2},
        "adaptive": {"grad": "adaptive", "maxiter": 2},
        "given rate": {"learning_rate": 0.01, "maxiter": 2},
        "bb": {"method": "bb", "maxiter": 3},
        "rows": {"vectorized": True, "maxiter": 2},
        "workers": {"workers": 2, "maxiter": 2},
    }.items()
}


def squares(x):
    """For sums of terms, and sensitivities."""
    return x**2


# verb: (call, function, its form for points in rows, options); a call's result may have nfev.
VERBS = {
    "gradient": (lambda f, **o: fg.gradient(f, X, **o), scalar, FIXED | ADAPTIVE | KINDS),
    "grad": (lambda f, **o: fg.grad(f, **o)(X), scalar, FIXED | ADAPTIVE | PLAIN_KINDS),
    "value_and_grad": (lambda f, **o: fg.value_and_grad(f, **o)(X), scalar, FIXED | ADAPTIVE | KINDS),
    "partial": (lambda f, **o: fg.partial(f, X, 1, **o), scalar, FIXED | ADAPTIVE | KINDS),
    "partial beside": (lambda f, **o: fg.partial(f, X, 0, **o), scalar, FIXED | KINDS),
    "partial i, i": (lambda f, **o: fg.partial(f, X, 0, 0, **o), scalar, SECOND | PLAIN_KINDS),
    "partial i, j": (lambda f, **o: fg.partial(f, X, 0, 1, **o), scalar, SECOND | PLAIN_KINDS),
    "directional": (lambda f, **o: fg.directional(f, X, V, **o), scalar, FIXED | KINDS),
    "batch_gradient": (lambda f, **o: fg.batch_gradient(f, POINTS, **o), scalar, NO_BOUNDS | PLAIN_KINDS),
    "batch_gradient adaptive": (
        lambda f, **o: fg.batch_gradient(f, POINTS, method="adaptive", **o), scalar, {"": {}} | PLAIN_KINDS,
    ),
    "hessian": (lambda f, **o: fg.hessian(f, X, **o), scalar, HESSIAN | KINDS),
    "hessian sparse": (
        lambda f, **o: fg.hessian(f, X, sparsity=np.ones((N, N)), **o), scalar, HESSIAN | PLAIN_KINDS,
    ),
    "hessian of grad": (lambda g, **o: fg.hessian(scalar, X, grad=g, **o), vector, FIXED | PLAIN_KINDS),
    "hessian of grad, sparse": (
        lambda g, **o: fg.hessian(scalar, X, grad=g, sparsity=np.eye(N), **o), squares, FIXED | PLAIN_KINDS,
    ),
    "hvp": (lambda f, **o: fg.hvp(f, X, V, **o), scalar, NO_NOISE | PLAIN_KINDS),
    "hvp of grad": (lambda g, **o: fg.hvp(scalar, X, V, grad=g, **o), vector, FIXED | PLAIN_KINDS),
    "summed": (lambda f, **o: fg.gradient(f, X, summed=True, **o), vector, FIXED | PLAIN_KINDS),
    "summed, sparse": (lambda f, **o: fg.gradient(f, X, summed=True, **o), vector, SPARSE),
    "differentiate": (
        lambda f, **o: fg.differentiate(f, X, **o),
        scalar,
        {"": {}, "noise": {"noise": 1e-9}, "bounds": {"bounds": BESIDE}, "typical_x": {"typical_x": 3.0}} | PLAIN_KINDS,
    ),
    "differentiate of a vector": (
        lambda f, **o: fg.differentiate(f, X, **o), vector, {"": {}, "typical_x": {"typical_x": 3.0}} | PLAIN_KINDS,
    ),
    "differentiate deriv=2": (lambda f, **o: fg.differentiate(f, X, deriv=2, **o), scalar, {"": {}} | PLAIN_KINDS),
    "noise_level": (lambda f, **o: fg.noise_level(f, X, **o), scalar, {"": {}} | PLAIN_KINDS),
    "jacobian": (lambda f, **o: fg.jacobian(f, X, **o), vector, FIXED | KINDS | SPARSE),
    "batch_jacobian": (lambda f, **o: fg.batch_jacobian(f, POINTS, **o), vector, NO_BOUNDS | PLAIN_KINDS),
    "plan_jacobian": (run_plan, vector, SPARSE),
    "jvp": (lambda f, **o: fg.jvp(f, X, V, **o), vector, FIXED | KINDS),
    "check_grad": (
        lambda f, **o: fg.check_grad(f, scalar_slope, X, **o),
        scalar,
        {"": {}, "bounds": {"bounds": BESIDE}, "search": {"exhaustive": False}} | PLAIN_KINDS,
    ),
    "check_grad, wrong": (
        lambda f, **o: fg.check_grad(f, lambda x: scalar_slope(x) * [1, 1, 2, 1], X, **o),
        scalar,
        {"": {}, "bounds": {"bounds": BESIDE}, "search": {"exhaustive": False}} | PLAIN_KINDS,
    ),
    "check_jacobian": (lambda f, **o: fg.check_jacobian(f, vector_jacobian, X, **o), vector, {"": {}} | WORKERS),
    "check_jacobian, wrong": (
        lambda f, **o: fg.check_jacobian(f, lambda x: 2 * vector_jacobian(x), X, **o), vector, {"": {}} | WORKERS,
    ),
    "check_hessian": (
        lambda f, **o: fg.check_hessian(f, lambda x: np.ones((4, 4)), X, **o), scalar, {"": {}} | PLAIN_KINDS,
    ),
    "check_jacobian by jvp": (
        lambda f, **o: fg.check_jacobian(f, x=X, jvp=lambda x, v: vector_jacobian(x) @ v, **o),
        vector,
        {"": {}} | WORKERS,
    ),
    "check_jacobian by vjp": (
        lambda f, **o: fg.check_jacobian(f, x=X, vjp=lambda x, u: u @ vector_jacobian(x), **o),
        vector,
        {"": {}} | WORKERS,
    ),
    "check_jacobian by vjp, wrong": (
        lambda f, **o: fg.check_jacobian(f, x=X, vjp=lambda x, u: u @ (1.5 * vector_jacobian(x)), **o),
        vector,
        {"": {}} | WORKERS,
    ),
    "gradient_descent": (descended, scalar, DESCENTS),
    "gradient_descent of": (lambda f, **o: fg.gradient_descent(f, POINTS, **o), scalar, BATCHES),
}  # fmt: skip
# The second evaluation at x is to see whether f is deterministic, which is what these say of it.
TWICE = ("check_grad", "check_jacobian by vjp", "detect", "nan")


def counted(verb, name):
    """What the call gave, f with its counts, and the points that it was asked to look at."""
    call, f, all_options = VERBS[verb]
    options = dict(all_options[name])
    form = {False: None, True: "rows", "columns": "columns"}[options.get("vectorized", False)]
    if form == "rows":
        f = {scalar: scalar_rows, vector: vector_rows, squares: squares}[f]
    seen = Counted(f, form)
    if "workers" in options:
        with ThreadPoolExecutor(options["workers"]) as executor:
            found = call(seen, **{**options, "workers": executor})
    else:
        found = call(seen, **options)
    return found, seen, POINTS if verb.startswith("batch") or verb == "gradient_descent of" else X


@pytest.mark.parametrize("verb", VERBS)
def test_f_is_counted_and_asked_once_at_x(verb):
    wrong = []
    for name in VERBS[verb][2]:
        found, seen, points = counted(verb, name)
        most = 2 if f"{verb} {name}".startswith(TWICE) or name.startswith(TWICE) else 1
        nfev, at_x = getattr(found, "nfev", seen.total), seen.at(points)
        if nfev != seen.total or at_x > most:
            wrong.append(f"{name or 'no option'}: nfev is {nfev}, f saw {seen.total}, {at_x} of them at x")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("options", [{}, {"method": "forward"}, {"noise": 1e-9}, {"bounds": BESIDE}, {"order": 4}])
@pytest.mark.parametrize("returned", [np.float32, lambda v: float(np.float32(v))], ids=["float32", "float of float32"])
@pytest.mark.filterwarnings("ignore:the Hessian of f by fixed steps")
def test_a_redo_for_float32_asks_nothing_twice_at_x(options, returned):
    for call in (
        lambda f: fg.gradient(f, X, **options),
        lambda f: fg.partial(f, X, 0, **options),
        lambda f: fg.directional(f, X, V, **options),
        lambda f: fg.hessian(f, X, **options),
        lambda f: fg.value_and_grad(f, **options)(X),
    ):
        seen = Counted(lambda x: returned(scalar(x)))
        call(seen)
        assert seen.at(X) <= 1


@pytest.mark.parametrize("options", [{}, {"order": 4}, {"method": "forward"}, {"method": "adaptive"}])
def test_edges_of_the_domain_ask_once_at_x(options):
    def f(x):
        return float(np.sqrt(x - X).sum() + (x**2).sum()) if (x >= X).all() else np.nan

    for call in (
        fg.gradient,
        lambda f, x, **o: fg.partial(f, x, 1, **o),
        lambda f, x, **o: fg.value_and_grad(f, **o)(x),
    ):
        seen = Counted(f)
        # The slopes are infinite: the method that notices says so.
        said = (
            pytest.warns(RuntimeWarning, match="no derivative by")
            if options.get("method") == "adaptive"
            else pytest.warns(RuntimeWarning, match="slope may be infinite")
            if options.get("method") != "forward"
            else nullcontext()
        )
        with np.errstate(invalid="ignore"), said:
            call(seen, X, **options)
        assert seen.at(X) == 1


ARRAY = ctypes.POINTER(ctypes.c_double)


@pytest.mark.parametrize("workers", [None, 2])
@pytest.mark.parametrize("form", ["pointer", "columns"])
def test_compiled_functions_are_counted(form, workers):
    def counted():
        seen = Counter()

        @ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_int, ARRAY, ctypes.c_void_p)
        def pointer(n, x, data):
            point = np.array(x[:n])
            seen.update([tuple(point.tolist())])
            return float(scalar(point))

        @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int, ctypes.c_int, ARRAY, ARRAY, ctypes.c_void_p)
        def columns(k, n, points, out, data):
            for i in range(k):
                point = np.array([points[j * k + i] for j in range(n)])
                seen.update([tuple(point.tolist())])
                out[i] = float(scalar(point))
            return 0

        return {"pointer": pointer, "columns": columns}[form], seen

    for call in (
        lambda f: fg.differentiate(f, X, workers=workers),
        lambda f: fg.check_grad(f, scalar_slope, X, workers=workers),
        lambda f: fg.gradient_descent(f, X, maxiter=3, bounds=(0.1, 2.0), workers=workers),
        lambda f: fg.gradient_descent(f, X, learning_rate=0.01, maxiter=3, workers=workers),
        lambda f: fg.gradient_descent(f, POINTS, learning_rate=0.01, maxiter=3, batch=True, workers=workers),
    ):
        f, seen = counted()
        found = call(f)
        assert found.nfev == seen.total()
    for call in (
        lambda f: fg.gradient(f, X, method="forward", workers=workers),
        lambda f: fg.gradient(f, X, bounds=BESIDE, workers=workers),
        lambda f: fg.hessian(f, X, workers=workers),
        lambda f: fg.value_and_grad(f, method="forward", workers=workers)(X),
    ):
        f, seen = counted()
        call(f)
        assert seen[tuple(X.tolist())] <= 1


@pytest.mark.parametrize(
    ("x", "flat"),
    [(2.0, [2.0]), (np.float64(2.0), [2.0]), ({"a": 2.0, "b": np.array([1.0, 3.0])}, [2.0, 1.0, 3.0])],
    ids=["number", "scalar", "pytree"],
)
def test_of_numbers_and_pytrees(x, flat):
    def coordinates(x):
        return np.concatenate([np.ravel(leaf) for leaf in x.values()]) if isinstance(x, dict) else np.ravel(x)

    for call in (
        lambda f: fg.gradient(f, x),
        lambda f: fg.gradient(f, x, method="forward"),
        lambda f: fg.gradient(f, x, bounds=(0.0, 9.0)),
        lambda f: fg.value_and_grad(f)(x),
        lambda f: fg.differentiate(f, x),
        lambda f: fg.gradient_descent(f, x, maxiter=0),
    ):
        seen = Counter()

        def f(x, seen=seen):
            point = coordinates(x)
            seen.update([tuple(point.tolist())])
            return float((point**3).sum())

        found = call(f)
        assert getattr(found, "nfev", seen.total()) == seen.total()
        assert seen[tuple(flat)] <= 1


def test_rows_of_sensitivities():
    rows = np.random.default_rng(0).normal(size=(30, 3))
    for predict, workers in ((lambda Z: (Z**2).sum(axis=1), None), (lambda Z: Z**2, None), (lambda Z: Z**2, 2)):
        seen = Counted(predict, "rows")
        found = fg.sensitivity(seen, rows, workers=workers)
        assert found.nfev == seen.total
        assert seen.at(rows) <= 1


@pytest.mark.parametrize("options", [{}, {"order": 4}, {"method": "forward"}, {"bounds": BESIDE}])
def test_a_constant_costs_two_more(options):
    """Its values could be a float32 function's: two points farther apart tell, and nothing is done again."""
    counts = []
    for f in (lambda x: 0.5, lambda x: float(scalar(x))):
        seen = Counted(f)
        fg.gradient(seen, X, **options)
        counts.append(seen.total)
    assert counts[0] <= counts[1] + 2
