"""Nothing breaks it: every verb with functions that misbehave, at any moment, again and again."""

import contextlib
import ctypes
import gc
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import interrupts
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from problems import PROBLEMS
from verbs import VERBS, N, OwnError, X, numbers_of, smooth, vector

import fastgrad as fg

ROOT = Path(__file__).parents[1]


ALL = pytest.mark.parametrize("verb", VERBS)


class At:
    """A function that does something else at its k-th call."""

    def __init__(self, f, k, instead):
        self.f, self.k, self.instead, self.calls = f, k, instead, 0

    def __call__(self, x, *args):
        self.calls += 1
        return self.instead(self.f, x) if self.calls == self.k else self.f(x, *args)


def calls_of(verb):
    run, f = VERBS[verb]
    counted = At(f, -1, None)
    run(counted)
    return counted.calls


def fails(error):
    def instead(f, x):
        raise error

    return instead


@ALL
def test_an_exception_at_any_call_comes_out_and_nothing_stays(verb):
    run, f = VERBS[verb]
    count = calls_of(verb)
    for k in sorted({1, 2, 3, count // 2, count - 1, count} & set(range(1, count + 1))):
        for error in (OwnError("mine"), KeyboardInterrupt(), MemoryError()):
            if verb == "gradient_descent" and (k > 2 or isinstance(error, KeyboardInterrupt)):
                continue  # it ends with what it has: tests/test_descent.py
            with pytest.raises(type(error)) as caught:
                run(At(f, k, fails(error)))
            assert caught.value is error
        assert np.array_equal(X, np.linspace(0.5, 1.5, N))
    run(f)


RUBBISH = [None, "text", object(), [1.0, "a"], np.ones((3, 3)), np.float64("nan"), 1j, np.array([]), 10**400, {}]
# What is no number, nor numbers, in any way: no verb may make a result of it.
NO_NUMBERS = [None, "text", object(), [1.0, "a"], {}]
# A descent ends with what it has, once it is under way.
KEEPS_ITS_POINT = {"gradient_descent"}


@ALL
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_rubbish_at_any_call_is_an_error_or_nan_never_a_crash(verb):
    run, f = VERBS[verb]
    count = calls_of(verb)
    for value in RUBBISH:
        for k in {1, 2, count // 2 + 1, count} & set(range(1, count + 1)):
            with contextlib.suppress(TypeError, ValueError):
                run(At(f, k, lambda f, x, value=value: value))
                assert not any(value is each for each in NO_NUMBERS) or (verb in KEEPS_ITS_POINT and k > 1), (value, k)
    run(f)


@pytest.fixture
def few_objects():
    """A collection looks at what the test makes, not at what the suite has left: the f below asks for hundreds."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@ALL
@pytest.mark.usefixtures("few_objects")
def test_functions_may_call_fastgrad_keep_overwrite_and_delete(verb):
    run, f = VERBS[verb]
    wanted = run(f)
    kept = []

    def again(f, x):
        fg.gradient(smooth, np.ones(3))
        fg.jacobian(vector, np.ones(3))
        return f(x)

    def keep(x):
        kept.append(x)
        return f(x)

    def overwrite(x):
        result = f(x.copy())
        x[...] = -7.0
        return result

    def drop(x):
        result = f(x)
        del x
        gc.collect()
        return result

    for other in (At(f, 2, again), keep, overwrite, drop):
        if verb == "check_grad of grad" and other is overwrite:
            continue
        found = run(other)
        one, two = numbers_of(wanted), numbers_of(found)
        if other is overwrite and isinstance(one, dict):
            # The evaluations that told of it are counted, and a check says so.
            assert two.pop("nfev") >= one.pop("nfev")
            for each in (one, two):
                each.get("history", {}).pop("nfev", None)
            if "notes" in two:
                assert "f overwrites its argument" in two.pop("notes")
                del one["notes"]
        np.testing.assert_equal(two, one)


@ALL
def test_endless_recursion_is_an_error(verb):
    run, _ = VERBS[verb]

    def deeper(x):
        return run(deeper)

    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(220)
    try:
        with pytest.raises((RecursionError, TypeError, ValueError)):
            run(deeper)
    finally:
        sys.setrecursionlimit(limit)


@ALL
def test_memory_does_not_grow(verb):
    run, f = VERBS[verb]

    def failing(x):
        raise OwnError

    def both():
        run(f)
        with pytest.raises(OwnError):
            run(failing)

    def growth():
        gc.collect()
        before = sys.getallocatedblocks()
        for _ in range(100):
            both()
        gc.collect()
        return sys.getallocatedblocks() - before

    growth()
    # A leak of one object a call is 200 in every window; lists of free tuples and floats fill up, and a later window
    # shows that they have. tests/soak.py looks longer.
    assert any(growth() < 150 for _ in range(5))


@pytest.mark.parametrize("name", ["gradient", "vectorized", "hessian", "differentiate"])
def test_reference_counts_stay(name):
    run, f = VERBS[name]
    run(f)
    before = [sys.getrefcount(thing) for thing in (X, f, None)][:2]
    for _ in range(200):
        run(f)
    after = [sys.getrefcount(thing) for thing in (X, f, None)][:2]
    assert before == after


@pytest.mark.parametrize("at", [1, 2, 7, 20])
def test_sigint_ends_a_python_function_at_once(at):
    """No further call of f after the one that the signal came in."""
    calls = []

    def f(x):
        calls.append(1)
        if len(calls) == at:
            signal.raise_signal(signal.SIGINT)
        return float(np.sum(x**2))

    with pytest.raises(KeyboardInterrupt):
        fg.gradient(f, np.ones(20))
    assert len(calls) == at


@pytest.mark.parametrize("kind", interrupts.KINDS)
def test_sigint_at_random_moments(kind):
    """Always KeyboardInterrupt, usable afterwards. How long it takes is printed by bench/interrupts.py."""
    if kind in ("compiled", "threads"):
        pytest.importorskip("numba")
    work = interrupts.work_of(kind)
    before = work()
    assert len(interrupts.waits(work, 100)) == 100
    assert np.array_equal(before, work())


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_processes_started_after_use_work(method):
    fg.gradient(smooth, X)
    fg.grid.gradient(np.ones((600, 600)), workers=2)
    code = (
        "import numpy as np, fastgrad as fg\n"
        "assert np.allclose(fg.gradient(lambda x: (x**3).sum(), np.ones(3)), 3)\n"
        "assert not fg.grid.gradient(np.ones((600, 600)), workers=2)[0].any()\n"
    )
    child = multiprocessing.get_context(method).Process(target=exec, args=(code,))
    child.start()
    child.join(60)
    assert child.exitcode == 0


def test_subinterpreters_are_refused_or_work():
    """NumPy itself does not support them; what matters is that there is no crash."""
    code = (
        "import sys\n"
        "try:\n    import _interpreters as i\nexcept ImportError:\n    import _xxsubinterpreters as i\n"
        "k = i.create()\n"
        "try:\n    print(i.run_string(k, 'import fastgrad'))\nexcept Exception as e:\n    print(type(e))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT.parent)
    assert done.returncode >= 0


def test_golden_values():
    """Bits that a compiler flag which merges or reorders arithmetic would change."""
    x = np.array([0.1, 1.7, -2.3, 1e5])
    # f takes one operation, so that the quotient can be written down: each operation rounded once, none merged.
    relative_step = fg.stencils.stencil("central", 2).relative_step()
    for value in map(float, x):
        h = (value + relative_step * max(abs(value), 1.0)) - value
        up, down = value + h, value - h
        wanted = (up * up - down * down) / (up - down)
        found = fg.gradient(lambda x: float(x[0]) * float(x[0]), np.array([value]))
        assert float(found[0]).hex() == wanted.hex()
    values = np.array([0.1, 0.7, 0.3, 0.9, 0.2, 0.8])
    first, second = 8 / 12 * (1 / 0.3), -1 / 12 * (1 / 0.3)
    wanted = first * (values[3] - values[1]) + second * (values[4] - values[0])
    assert fg.grid.gradient(values, 0.3, order=4)[2].hex() == wanted.hex()


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)
def test_golden_values_of_the_collection(problem):
    """Central differences as written down, bit for bit: x + h and its distance must not be simplified."""
    x = np.array(problem.point, dtype=float)
    relative_step = fg.stencils.stencil("central", 2).relative_step()
    found = fg.gradient(problem.f, x, check=False)  # a step that is too long is not mended
    for i, at in enumerate(map(float, x)):
        h = (at + relative_step * max(abs(at), 1.0)) - at
        up, down = x.copy(), x.copy()
        up[i], down[i] = at + h, at - h
        # Beyond an edge of the domain the derivative is one-sided instead.
        with contextlib.suppress(ValueError, OverflowError):
            wanted = (float(problem.f(up)) - float(problem.f(down))) / ((at + h) - (at - h))
            if np.isfinite(wanted):
                assert float(found[i]).hex() == wanted.hex()


def test_nothing_is_unpickled_from_files():
    paths = list((ROOT / "fastgrad").rglob("*.py"))
    assert len(paths) > 40
    for path in paths:
        text = path.read_text()
        assert "pickle.load(" not in text, path
        assert "allow_pickle=True" not in text, path
        assert "eval(" not in text.replace("literal_eval(", ""), path


@settings(max_examples=int(os.environ.get("FASTGRAD_EXAMPLES", "250")), suppress_health_check=list(HealthCheck))
@given(data=st.data())
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_any_options_any_function(data):
    """Random verbs, points, options and misbehaviour: a result of the right shape, or an error of the right kind."""
    shape = data.draw(st.sampled_from([(), (1,), (3,), (2, 2), (0,), (7,)]))
    dtype = data.draw(st.sampled_from(["f8", "f4", "i4", ">f8", "f2"]))
    x = np.array(np.arange(int(np.prod(shape)), dtype=float).reshape(shape) + 1, dtype=dtype)
    layout = data.draw(st.sampled_from(["plain", "reversed", "fortran", "strided", "readonly"]))
    if layout == "reversed":
        x = np.flip(np.flip(x).copy())
    elif layout == "fortran":
        x = np.array(x, order="F")
    elif layout == "strided" and x.ndim:
        x = np.repeat(x, 2, axis=-1)[..., ::2]
    elif layout == "readonly":
        x.flags.writeable = False
    method = data.draw(st.sampled_from(["central", "forward", "adaptive", "complex"]))
    order = data.draw(st.sampled_from([None, 2, 4, 8, 3]))
    bounds = data.draw(st.sampled_from([None, (0, 20), (None, 7), (1.0, 1.0), (2, 1)]))
    kind = data.draw(
        st.sampled_from(["good", "good", "good", "raises", "rubbish", "keeps", "overwrites", "recurses", "slow"])
    )
    deriv = data.draw(st.sampled_from([1, 2, 3]))
    boundary = data.draw(st.sampled_from(["one-sided", "periodic", "reflect", "nan", "none"]))
    kept = []

    def f(x):
        if kind == "raises" and len(kept) > 3:
            raise OwnError
        kept.append(x if kind == "keeps" else None)
        if kind == "rubbish":
            return data.draw(st.sampled_from([None, "a", np.nan, np.inf, [1, 2], 5]))
        if kind == "slow":
            time.sleep(1e-4)
        if kind == "recurses" and len(kept) == 2:
            fg.gradient(smooth, np.ones(2))
        result = (x * x).sum()
        if kind == "overwrites" and isinstance(x, np.ndarray):
            x[...] = 0
        return result

    options = {"method": method, "order": order, "bounds": bounds}
    verbs = {
        "gradient": lambda: fg.gradient(f, x, **options),
        "grad": lambda: fg.grad(f, **options)(x),
        "value_and_grad": lambda: fg.value_and_grad(f, **options)(x)[1],
        "differentiate": lambda: fg.differentiate(f, x, bounds=bounds).value,
        "descent": lambda: fg.gradient_descent(f, x, maxiter=3, bounds=bounds).x,
        "partial": lambda: fg.partial(f, x, 0, **options),
        "second partial": lambda: fg.partial(f, x, 0, 0, **options),
        "directional": lambda: fg.directional(f, x, np.ones(shape), **options),
        "batch_gradient": lambda: fg.batch_gradient(f, x, **options),
        "hessian": lambda: fg.hessian(f, x, **options),
        "hvp": lambda: fg.hvp(f, x, np.ones(shape), **options),
        "jacobian": lambda: fg.jacobian(f, x, **options),
        "sparse jacobian": lambda: fg.jacobian(f, x, sparsity="detect", **options),
        "batch_jacobian": lambda: fg.batch_jacobian(f, x, **options),
        "jvp": lambda: fg.jvp(f, x, np.ones(shape), **options),
        "summed": lambda: fg.gradient(f, x, summed=True, **options),
        "noise_level": lambda: fg.noise_level(f, x),
        "check_grad": lambda: fg.check_grad(f, lambda x: 2 * x, x),
        "check_jacobian": lambda: fg.check_jacobian(f, lambda x: 2 * x, x),
        "sensitivity": lambda: fg.sensitivity(f, x),
        "grid": lambda: fg.grid.gradient(x, order=order or 2),
        "laplacian": lambda: fg.grid.laplacian(x, order=order or 2),
        "grid.partial": lambda: fg.grid.partial(x, 0, deriv=deriv, order=order or 2, boundary=boundary),
        "gradient_magnitude": lambda: fg.grid.gradient_magnitude(x, order=order or 2, boundary=boundary),
        "divergence": lambda: fg.grid.divergence([x] * x.ndim, order=order or 2, boundary=boundary),
        "curl": lambda: fg.grid.curl([x] * x.ndim, order=order or 2, boundary=boundary),
    }
    verb = data.draw(st.sampled_from(list(verbs)))
    before = x.copy()
    try:
        result = verbs[verb]()
    except (TypeError, ValueError, IndexError, OwnError):
        pass  # pytest would show any other
    else:
        if verb in ("gradient", "grad", "value_and_grad", "differentiate", "descent", "summed"):
            assert np.shape(result) == shape
            if kind == "good" and verb != "descent" and bounds is None and dtype == "f8":
                np.testing.assert_allclose(result, 2 * x, rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(x, before)


def test_pointers_that_are_null_or_of_another_kind_are_refused():
    with pytest.raises(TypeError, match="signature"):
        fg.gradient(ctypes.cast(0, ctypes.CFUNCTYPE(ctypes.c_double)), X)
    fitting = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_int, ctypes.POINTER(ctypes.c_double), ctypes.c_void_p)
    with pytest.raises(ValueError, match="null pointer"):
        fg.gradient(ctypes.cast(0, fitting), X)
