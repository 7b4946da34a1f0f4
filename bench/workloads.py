"""The speed table: each workload with its rows fastgrad, limit and peers. Correctness comes before timing."""

import ctypes
import functools
import warnings

import numpy as np
from _side_by_side import (
    bandwidth_limit,
    build_compiled,
    build_limit,
    cheap,
    cheap_gradient,
    cubes,
    numba_parallel,
    peers,
    rosenbrock,
    rosenbrock_gradient,
    rosenbrock_rows,
)

import fastgrad as fg

SLOW_PEERS = {"jacobi", "numdifftools", "optimagic"}


def _python(f, exact, n, prepared, with_peers=True):
    limit = build_limit()
    x = np.linspace(0.5, 1.5, n)
    g = fg.grad(f)
    rows = {
        "fastgrad": (lambda: g(x)) if prepared else (lambda: fg.gradient(f, x)),
        "limit": lambda: limit(f, x, 2 * n),
    }
    if with_peers:
        rows |= {k: v for k, v in peers(f, x).items() if n <= 100 or k not in SLOW_PEERS}
    assert np.allclose(rows["fastgrad"](), exact(x), rtol=1e-6, atol=1e-6)
    return rows


def _batch(b, n):
    rng = np.random.default_rng(0)
    X = rng.uniform(0.5, 1.5, (b, n))
    # The limit: f alone on as many rows, in its best block.
    total = 2 * b * n
    blocks = [rng.uniform(0.5, 1.5, (max(1, size // (8 * n)), n)) for size in (32768, 65536, 131072, 262144, 524288)]

    def alone(block):
        for _ in range(total // len(block)):
            rosenbrock_rows(block)
        if total % len(block):
            rosenbrock_rows(block[: total % len(block)])

    out = np.empty_like(X)

    def broadcast():
        h = 6e-6 * np.maximum(np.abs(X), 1)
        steps = h[:, :, None] * np.eye(n)
        up = rosenbrock_rows((X[:, None, :] + steps).reshape(-1, n)).reshape(b, n)
        down = rosenbrock_rows((X[:, None, :] - steps).reshape(-1, n)).reshape(b, n)
        return (up - down) / (2 * h)

    rows = {"fastgrad": lambda: fg.batch_gradient(rosenbrock_rows, X, vectorized=True, out=out)}
    rows |= {f"limit {len(block)} rows": (lambda block=block: alone(block)) for block in blocks}
    if b * n * n <= 10**7:
        rows["numpy broadcast"] = broadcast
        rows["scipy loop"] = _scipy_loop(X)
    assert np.allclose(rows["fastgrad"](), [rosenbrock_gradient(x) for x in X], rtol=1e-6, atol=1e-4)
    return rows


def _scipy_loop(X):
    try:
        from scipy.optimize._numdiff import approx_derivative
    except ImportError:
        return None
    return lambda: [approx_derivative(rosenbrock, x, method="3-point") for x in X]


def _adaptive(n, verb):
    limit = build_limit()
    x = np.linspace(0.5, 1.5, n)
    count = fg.differentiate(cubes, x).nfev
    assert np.allclose(fg.differentiate(cubes, x).value, 3 * x**2, rtol=1e-10)
    return {"fastgrad": lambda: verb(cubes, x), "limit": lambda: limit(cubes, x, count)}


def _gradient(f, x):
    return fg.gradient(f, x, method="adaptive")


def _check(n):
    x = np.random.default_rng(0).uniform(0.5, 1.5, n)
    claimed = rosenbrock_gradient(x)
    count = fg.check_grad(rosenbrock, claimed, x).nfev
    return {
        "fastgrad": lambda: fg.check_grad(rosenbrock, claimed, x),
        "limit": lambda: [rosenbrock(x) for _ in range(count)],
        "limit and two evaluations": lambda: [rosenbrock(x) for _ in range(count + 2)],
    }


def _compiled(b, n, in_columns, threads=1):
    """By one thread: against the hand-written loops by pointer. By several: against one."""
    pointer, columns, loops = build_compiled()
    X = np.random.default_rng(0).uniform(-1.5, 1.5, (b, n))
    out, other = np.empty_like(X), np.empty_like(X)
    f = columns if in_columns else pointer
    address = ctypes.cast(pointer, ctypes.c_void_p)
    rows = {"fastgrad": lambda: fg.batch_gradient(f, X, out=out, workers=threads)}
    if threads == 1:
        for name, loop in loops.items():
            if name == "limit in place" or (name == "limit copies" and not in_columns):
                rows[name] = lambda loop=loop: loop(address, b, n, X.ctypes.data, other.ctypes.data)
    else:
        rows["limit one thread"] = lambda: fg.batch_gradient(f, X, out=other)
        rows["numba parallel"] = numba_parallel(X, other)
    rows["fastgrad"]()
    for name, function in rows.items():
        if function is not None and name != "fastgrad":
            function()
            assert np.allclose(out, other, rtol=1e-5, atol=1e-6), name
    return rows


def _starts(n, in_columns, threads=1, starts=10_000, iterations=100, rate=1e-4):
    """Many starts, a fixed rate: against the hand-written loops by pointer; several threads against one."""
    pointer, columns, loops = build_compiled()
    X = np.random.default_rng(0).uniform(-1.2, 1.2, (starts, n))
    f = columns if in_columns else pointer
    address = ctypes.cast(pointer, ctypes.c_void_p)

    def ours(workers):
        options = {"learning_rate": rate, "maxiter": iterations, "gtol": 0.0, "workers": workers}
        return fg.gradient_descent(f, X, batch=True, **options).x

    def limit(loop):
        x = X.copy()
        loop(address, starts, n, x.ctypes.data, iterations, rate)
        return x

    rows = {"fastgrad": lambda: ours(threads)}
    if threads > 1:
        rows["limit one thread"] = lambda: ours(1)
    else:
        for name in ("limit descent in place", "limit descent copies"):
            if "place" in name or not in_columns:
                rows[name] = lambda loop=loops[name]: limit(loop)
    for name, function in rows.items():
        assert np.allclose(function(), ours(1), rtol=1e-8, atol=1e-8), name
    return rows


def _iterations(n, history):
    """1000 iterations with a fixed rate, against bare calls of the gradient (and of f, where the curve is kept)."""
    limit, count, x = build_limit(), 1000, np.linspace(0.5, 1.5, n)

    def gradient(x):
        return 2.0 * x

    def f(x):
        return x.dot(x)

    options = {"grad": gradient, "learning_rate": 1e-6, "maxiter": count, "gtol": 0.0, "history": history}

    def bare():
        limit(gradient, x, count + 1)
        if history:
            limit(f, x, count + 1)

    def loop():
        at, curve = x.copy(), []
        for _ in range(count):
            if history:
                curve.append(f(at))
            at = at - 1e-6 * gradient(at)

    assert fg.gradient_descent(f, x, **options).nit == count
    return {"fastgrad": lambda: fg.gradient_descent(f, x, **options), "limit": bare, "NumPy loop": loop}


def _tridiagonal(x):
    """Broyden's function, and transcendental terms: three entries a row."""
    r = np.exp(0.1 * x) - 2 * x * x + np.sin(x)
    r[1:] -= x[:-1]
    r[:-1] -= 2 * x[1:]
    return r


def _cheap_tridiagonal(x):
    r = 3 * x - 2 * x * x + 1
    r[1:] -= x[:-1]
    r[:-1] -= 2 * x[1:]
    return r


def _compressed(f, n):
    """A planned sparse Jacobian against its evaluations."""
    x = np.linspace(-1.0, 1.0, n)
    plan = fg.plan_jacobian(f, x)
    v = np.random.default_rng(0).standard_normal(n)
    assert np.allclose(plan(x) @ v, fg.jvp(f, x, v, order=6), atol=1e-6)
    return {"fastgrad": lambda: plan(x), "limit": lambda: [f(x) for _ in range(plan.evaluations)]}


def _dense_jacobian(n):
    """The Jacobian of a vectorised function against f alone on as many points."""

    def f(X):
        R = np.exp(0.1 * X) - 2 * X * X + np.sin(X)
        R[:, 1:] -= X[:, :-1]
        return R

    x = np.linspace(-1.0, 1.0, n)
    blocks = [np.tile(x, (rows, 1)) for rows in (2 * n, max(1, 32768 // n), max(1, 16384 // n))]

    def alone(block):
        for _ in range(-(-2 * n // len(block))):
            f(block)

    rows = {"fastgrad": lambda: fg.jacobian(f, x, vectorized=True)}
    return rows | {f"limit {len(block)} rows": (lambda block=block: alone(block)) for block in blocks}


def _colouring(side):
    """Colours of a five-point Laplacian against scipy's, which has no two orders to choose from."""
    from scipy import sparse
    from scipy.optimize._numdiff import group_columns

    from fastgrad._sparsity import as_kernel, coloured

    line = sparse.diags_array([np.ones(side - 1), np.ones(side), np.ones(side - 1)], offsets=[-1, 0, 1])
    eye = sparse.eye_array(side)
    pattern = sparse.csr_array(sparse.kron(line, eye) + sparse.kron(eye, line)).astype(bool)
    kernel = as_kernel(pattern)
    assert coloured(kernel)[1] <= group_columns(pattern).max() + 1
    return {"fastgrad": lambda: coloured(kernel), "limit scipy": lambda: group_columns(pattern)}


def _sum_of_terms(n):
    """The gradient of a sum of local terms, with its pattern known, against its evaluations and JAX's reverse mode."""
    x = np.linspace(-1.0, 1.0, n)

    def terms(x):
        return 100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2

    plan = fg.plan_jacobian(terms, x)

    def gradient():
        return plan(x).sum(axis=0)

    assert np.allclose(gradient(), rosenbrock_gradient(x), atol=1e-4)
    return {
        "fastgrad": gradient,
        "limit": lambda: [terms(x) for _ in range(plan.evaluations)],
        "jax.jit(jax.grad)": _jax_gradient(x),
    }


def _jax_gradient(x):
    try:
        import jax
    except ImportError:
        return None
    jax.config.update("jax_enable_x64", True)
    total = jax.jit(jax.grad(lambda x: (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()))
    assert np.allclose(total(x), rosenbrock_gradient(x), atol=1e-8)
    return lambda: np.asarray(total(x))


def _samples(shape, dtype, order=2):
    """All axes, two threads, `out` given, against the traffic alone and peers."""
    values = np.random.default_rng(0).normal(size=shape).astype(dtype)
    out = [np.empty_like(values) for _ in shape]
    target = out[0] if len(shape) == 1 else out
    rows = {
        "fastgrad": lambda: fg.grid.gradient(values, out=target, workers=2, order=order),
        "limit": bandwidth_limit(shape, dtype, len(shape)),
    }
    if order == 2:
        rows["numpy"] = lambda: np.gradient(values)
        rows["findiff"] = _findiff(values)
    rows["fastgrad"]()
    exact = np.gradient(values)
    for a, (found, wanted) in enumerate(zip(out, [exact] if len(shape) == 1 else exact, strict=True)):
        assert order > 2 or np.allclose(found, wanted, atol=1e-5), a
    return rows


def _findiff(values):
    try:
        import findiff
    except ImportError:
        return None
    derivatives = [findiff.Diff(axis, 1.0) for axis in range(values.ndim)]
    return lambda: [derivative(values) for derivative in derivatives]


def _against_numpy(shape, uneven=False, **options):
    values = np.random.default_rng(0).normal(size=shape)
    spacing = [np.sort(np.random.default_rng(1).uniform(size=n)) for n in shape] if uneven else []
    rows = {
        "fastgrad": lambda: fg.grid.gradient(values, *spacing, **options),
        "limit numpy.gradient": lambda: np.gradient(values, *spacing),
    }
    assert np.allclose(rows["fastgrad"](), rows["limit numpy.gradient"](), rtol=1e-6)
    return rows


def _model(kind):
    """Sensitivities of a fitted model, against its predictions of as many rows, in blocks of several sizes."""
    try:
        from sklearn.datasets import load_diabetes
        from sklearn.ensemble import GradientBoostingRegressor
        from sklearn.gaussian_process import GaussianProcessRegressor
        from sklearn.gaussian_process.kernels import RBF, WhiteKernel
        from sklearn.linear_model import LinearRegression
        from sklearn.neural_network import MLPRegressor
    except ImportError:
        return {"fastgrad": None, "limit": None}
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


_SIZES = {(100_000, 2): 0.35, (10_000, 10): 0.15, (1000, 100): 0.2}

WORKLOADS = {
    "cheap f, n=2, gradient()": (lambda: _python(cheap, cheap_gradient, 2, False), None),
    "cheap f, n=10, grad()": (lambda: _python(cheap, cheap_gradient, 10, True), 1.3),
    "cheap f, n=1000, gradient()": (lambda: _python(cheap, cheap_gradient, 1000, False), 1.10),
    "NumPy f, n=10, gradient()": (lambda: _python(rosenbrock, rosenbrock_gradient, 10, False), 1.05),
    "NumPy f, n=100, gradient()": (lambda: _python(rosenbrock, rosenbrock_gradient, 100, False), 1.05),
    "NumPy f, n=1000, gradient()": (lambda: _python(rosenbrock, rosenbrock_gradient, 1000, False, False), 1.05),
    "1 µs f, n=10, adaptive gradient()": (lambda: _adaptive(10, _gradient), 1.3),
    "1 µs f, n=10, differentiate()": (lambda: _adaptive(10, fg.differentiate), 1.3),
    "f, n=100, differentiate()": (lambda: _adaptive(100, fg.differentiate), 1.3),
    "check_grad, n=10^6": (lambda: _check(1_000_000), 1.25),
    "batch 1000x10": (lambda: _batch(1000, 10), 1.15),
    "batch 100x100": (lambda: _batch(100, 100), 1.15),
    "batch 10000x100": (lambda: _batch(10000, 100), 1.15),
}
WORKLOADS |= {
    "colours, 10^6 x 10^6 Laplacian": (lambda: _colouring(1000), 1.0),
    "sparse Jacobian, n=10^5": (lambda: _compressed(_tridiagonal, 100_000), 1.3),
    "sparse Jacobian, n=10^5, cheap f": (lambda: _compressed(_cheap_tridiagonal, 100_000), 1.3),
    "dense Jacobian, n=200, vectorised f": (lambda: _dense_jacobian(200), 1.15),
    "sum of terms, n=10^5": (lambda: _sum_of_terms(100_000), None),
}
for (_b, _n), _bound in _SIZES.items():
    for _form, _in_columns, _limit in (("pointer", False, 1.15), ("columns", True, _bound)):
        _name, _of = f"{_form} {_b}x{_n}", functools.partial(_compiled, _b, _n, _in_columns)
        WORKLOADS |= {_name: (_of, _limit), f"{_name}, 2 threads": (functools.partial(_of, 2), 0.6)}
for _n in (2, 10):
    for _form, _in_columns, _limit in (("pointer", False, 1.15), ("columns", True, 0.15)):
        _name, _of = f"10000 starts, n={_n}, {_form}", functools.partial(_starts, _n, _in_columns)
        WORKLOADS |= {_name: (_of, _limit), f"{_name}, 2 threads": (functools.partial(_of, 2), 0.6)}

for _kind in ("linear", "network", "boosting", "Gaussian process"):
    WORKLOADS[f"sensitivity, {_kind} model"] = (functools.partial(_model, _kind), 1.15)
_ARRAYS = {"1-D 10^7": (10_000_000,), "2-D 3000^2": (3000, 3000), "3-D 256^3": (256, 256, 256)}
for _name, _shape in _ARRAYS.items():
    for _type in ("float64", "float32"):
        WORKLOADS[f"grid {_name} {_type}"] = (functools.partial(_samples, _shape, _type), 1.35)
        WORKLOADS[f"grid {_name} {_type}, order 4"] = (functools.partial(_samples, _shape, _type, 4), 1.6)
    _fresh = functools.partial(_against_numpy, _shape, workers=2)
    WORKLOADS[f"grid {_name}, fresh, of numpy"] = (_fresh, 1 / 3)
WORKLOADS["grid 1-D 10^7 uneven, of numpy"] = (
    lambda: _against_numpy((10_000_000,), uneven=True, workers=2, out=np.empty(10_000_000)),
    1 / 15,
)
WORKLOADS["grid 1-D 10^7 uneven fresh, of numpy"] = (
    functools.partial(_against_numpy, (10_000_000,), uneven=True, workers=2),
    1 / 15,
)
for _shape in ((10,), (1000,), (100, 100)):
    _name = f"grid {'x'.join(map(str, _shape))}, of numpy"
    WORKLOADS[_name] = (functools.partial(_against_numpy, _shape), 1 / 3)

RECORDED = {
    "cheap f, n=1000, gradient()": 1.2,
    "batch 1000x10": 1.35,
    "batch 100x100": 1.35,
    "batch 10000x100": 1.3,
    "sparse Jacobian, n=10^5": 1.6,
    "sparse Jacobian, n=10^5, cheap f": 2.6,
    "dense Jacobian, n=200, vectorised f": 1.5,
    "columns 10000x10": 0.2,
    "columns 1000x100": 0.32,
    "columns 100000x2, 2 threads": 0.9,
    "columns 10000x10, 2 threads": 0.9,
    "10000 starts, n=2, columns": 0.3,
    "10000 starts, n=2, columns, 2 threads": 0.75,
    "grid 2-D 3000^2 float64, order 4": 1.9,
    "grid 3-D 256^3 float64": 1.6,
    "grid 3-D 256^3 float64, order 4": 2.1,
    "grid 3-D 256^3 float32": 1.6,
    "grid 3-D 256^3 float32, order 4": 2.0,
    "grid 1-D 10^7, fresh, of numpy": 0.4,
    "grid 1-D 10^7 uneven fresh, of numpy": 0.08,
    "sensitivity, linear model": 14.0,
    "sensitivity, network model": 1.9,
    "sensitivity, boosting model": 2.6,
    "sensitivity, Gaussian process model": 1.7,
}
"""What is allowed where a bound is not reached, with room for noise: so that it does not get worse unseen."""

EXTRA = {
    f"descent, n={n}{', history' if history else ''}": (functools.partial(_iterations, n, history), bound, 1000)
    for history, bound in ((False, 0.3), (True, 1.0))
    for n in (2, 10, 100)
}
"""Name: (rows, µs more than the limit that each of so many may take)."""
"""Name: (rows, the ratio to the limit that must be reached)."""
