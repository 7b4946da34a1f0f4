"""Eight threads at once have the bits of one: every verb, and whatever threads may share."""

import os
import subprocess
import sys
import sysconfig
import threading

import numpy as np
import pytest
from verbs import VERBS, numbers_of, rows, smooth

import fastgrad as fg

THREADS, N = 8, 6
ROUNDS = int(os.environ.get("FASTGRAD_ROUNDS", "3"))
POINTS = np.linspace(0.3, 2.9, THREADS * N).reshape(THREADS, N)


@pytest.fixture(autouse=True)
def frequent_switches():
    """With a GIL, threads take turns fifty times as often as usual."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-4)
    yield
    sys.setswitchinterval(before)


def in_threads(work):
    """work(k) of thread k, all from one moment on; the first exception comes out."""
    start, errors = threading.Barrier(THREADS), []

    def run(k):
        try:
            start.wait(60)
            work(k)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(k,)) for k in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def bits(result):
    """Every number to its last bit, the sign of zero and NaN too."""
    return result if isinstance(result, bytes) else repr(numbers_of(result))


@pytest.mark.skipif(not sysconfig.get_config_var("Py_GIL_DISABLED"), reason="this Python has a GIL")
def test_fastgrad_does_not_turn_the_gil_on():
    code = (
        "import sys, fastgrad.descent.directions, fastgrad.evaluate.compiled, fastgrad.evaluate.indirect\n"
        "import fastgrad.evaluate.vectorized, fastgrad.grid.kernels, fastgrad.sparse.kernels\n"
        "print(sys._is_gil_enabled())"
    )
    settings = {name: value for name, value in os.environ.items() if name != "PYTHON_GIL"}
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True, env=settings)
    assert done.stdout == "False\n"


def test_every_verb():
    wanted = {name: bits(run(f)) for name, (run, f) in VERBS.items()}

    def work(k):
        order = np.random.default_rng(k)
        for _ in range(ROUNDS):
            for name in order.permutation(list(VERBS)):
                run, f = VERBS[name]
                assert bits(run(f)) == wanted[name], name

    in_threads(work)


def chain(x):
    return np.concatenate([[x[0] - 1], x[1:] - x[:-1] ** 2])


def in_float32(x):
    return float(np.sum(x.astype(np.float32) ** 3, dtype=np.float32))


def chain_in_float32(x):
    return chain(x.astype(np.float32))


def called(shared, k):
    return shared(POINTS[k])


def sampled(shared, k):
    """Derivatives of several orders, so that threads ask for weights that no other has asked for."""
    values = np.sin(POINTS[k])
    found = [fg.grid.gradient(values, shared, order=order) for order in (2, 4)]
    return (*found, fg.grid.partial(values, 0, shared, deriv=2))


def image(shared, k):
    return b"".join(part.tobytes() for part in fg.grid.gradient(shared, order=2 + 2 * (k % 4), workers=2))


# name: (what makes the object that threads share, what thread k does with it)
SHARED = {
    "grad": (lambda: fg.grad(smooth), called),
    "grad, float32": (lambda: fg.grad(in_float32), called),
    "grad, adaptive": (lambda: fg.grad(smooth, method="adaptive"), called),
    "grad, bounds": (lambda: fg.grad(smooth, bounds=(0.3, 2.9), order=4), called),
    "grad, vectorized": (lambda: fg.grad(rows, vectorized=True), called),
    "grad, workers": (lambda: fg.grad(smooth, workers=2), called),
    "value_and_grad": (lambda: fg.value_and_grad(smooth, method="forward"), called),
    "plan": (lambda: fg.plan_jacobian(chain, np.ones(N)), called),
    "plan, dense": (lambda: fg.plan_jacobian(chain, np.ones(N)).dense, called),
    "plan, bounds": (lambda: fg.plan_jacobian(chain, np.ones(N), bounds=(0.3, 2.9), order=4), called),
    "plan, float32": (lambda: fg.plan_jacobian(chain_in_float32, np.ones(N)), called),
    "plan, complex": (lambda: fg.plan_jacobian(chain, np.ones(N), method="complex"), called),
    "coordinates": (lambda: fg.grid.Coordinates(np.arange(N) ** 1.5), sampled),
    "an array": (lambda: np.sin(np.arange(90000.0)).reshape(300, 300), image),
}


@pytest.mark.parametrize("name", SHARED)
def test_shared(name):
    make, use = SHARED[name]
    alone = make()
    for k in range(THREADS):
        use(alone, k)  # what it learns, it knows
    wanted = [bits(use(alone, k)) for k in range(THREADS)]
    shared = make()
    use(shared, 0)

    def work(k):
        for turn in range(ROUNDS):
            which = (k + turn) % THREADS
            assert bits(use(shared, which)) == wanted[which], which

    in_threads(work)


def test_evaluations_of_a_shared_plan_are_all_counted():
    plan = fg.plan_jacobian(lambda x, f: f(x), np.ones(N), args=(chain,))
    before, turns, seen = plan.nfev, 100, [0] * THREADS

    def work(k):
        def counted(x):
            seen[k] += 1
            return chain(x)

        for _ in range(turns):
            plan(POINTS[k], counted)

    in_threads(work)
    assert plan.nfev - before == sum(seen) >= THREADS * turns * plan.evaluations
