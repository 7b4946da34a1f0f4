"""Evaluations by threads, processes and Dask: the same bits as alone, clear errors, nothing computed twice."""

import ctypes
import math
import os
import re
import signal
import sys
import threading
import time
import tracemalloc
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import dask.array
import distributed
import numpy as np
import pytest

import fastgrad as fg
from fastgrad.evaluate import processes as processes_of_our_own
from fastgrad.evaluate.jobs import Packed

RATES = np.arange(1.0, 6.0)
X = np.linspace(-1.0, 1.0, 5)


def sines():
    # Made anew, so that it travels by value: workers cannot import a test.
    rates = RATES.copy()
    return lambda x: float(np.sin(rates * x).sum())


def exact(x):
    return RATES * np.cos(RATES * x)


class Here(Executor):
    """An executor that works at once, and counts."""

    calls = 0

    def __init__(self):
        self.tasks = []

    def submit(self, function, *args):
        self.tasks.append(args[0])
        future = Future()
        try:
            future.set_result(function(*args))
        except BaseException as error:
            future.set_exception(error)
        return future


@pytest.fixture(scope="module")
def processes():
    with ProcessPoolExecutor(2) as executor:
        yield executor


@pytest.fixture(scope="module")
def cluster():
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.mark.parametrize("method", ["central", "forward", "complex", "adaptive"])
@pytest.mark.parametrize("kind", ["loky", "processes", "threads", "here", "dask"])
def test_who_evaluates_changes_nothing(kind, method, request):
    rates = RATES.copy()

    def f(x):
        return np.sin(rates * x).sum()

    workers = {
        "loky": lambda: 2,
        "processes": lambda: request.getfixturevalue("processes"),
        "threads": lambda: ThreadPoolExecutor(3),
        "here": Here,
        "dask": lambda: request.getfixturevalue("cluster").get_executor(),
    }[kind]()
    alone = fg.gradient(f, X, method=method)
    np.testing.assert_allclose(alone, exact(X), rtol=1e-6, atol=1e-6)
    assert (fg.gradient(f, X, method=method, workers=workers) == alone).all()


def test_every_verb_takes_workers(processes):
    f = sines()
    x = X
    assert fg.partial(f, x, 1, workers=processes) == fg.partial(f, x, 1)
    assert fg.partial(f, x, 1, 2, workers=processes) == fg.partial(f, x, 1, 2)
    assert fg.directional(f, x, x, workers=processes) == fg.directional(f, x, x)
    points = np.random.default_rng(0).uniform(-1, 1, (4, 5))
    assert (fg.batch_gradient(f, points, workers=processes) == fg.batch_gradient(f, points)).all()
    alone, together = fg.differentiate(f, x), fg.differentiate(f, x, workers=processes)
    assert (alone.value == together.value).all()
    assert (alone.error == together.error).all()
    assert alone.nfev == together.nfev
    assert fg.noise_level(f, x, workers=processes) == fg.noise_level(f, x)
    assert fg.grad(f, workers=processes)(x).tolist() == fg.grad(f)(x).tolist()
    value, gradient = fg.value_and_grad(f, workers=processes)(x)
    assert value == f(x)
    assert (gradient == fg.gradient(f, x)).all()
    assert fg.check_grad(f, exact, x, workers=processes)
    assert not fg.check_grad(f, 2 * exact(x), x, workers=processes)
    assert fg.check_jacobian(lambda x: x**2, np.diag(2 * x), x, workers=processes)
    assert fg.gradient_descent(f, x, maxiter=2, workers=processes).fun == fg.gradient_descent(f, x, maxiter=2).fun
    tree = {"a": 2.0, "b": np.ones(3)}
    found = fg.gradient(lambda p: p["a"] * (p["b"] ** 2).sum(), tree, workers=processes)
    assert found["a"] == pytest.approx(3.0)
    np.testing.assert_allclose(found["b"], 4.0)
    assert fg.gradient(lambda x: x**3, 2.0, workers=processes) == pytest.approx(12.0)
    assert fg.gradient(lambda x, k: k * x.sum(), x, args=(3.0,), workers=processes).round(6).tolist() == [3.0] * 5


@pytest.mark.parametrize("vectorized", [True, "columns"])
def test_vectorised_functions_in_threads(vectorized):
    seen = set()

    def f(block):
        seen.add(threading.get_ident())
        time.sleep(0.001)
        rates = RATES[:, None] if vectorized == "columns" else RATES
        return np.sin(rates * block).sum(axis=0 if vectorized == "columns" else 1)

    points = np.random.default_rng(0).uniform(-1, 1, (50, 5))
    for method in ("central", "adaptive"):
        alone = fg.batch_gradient(f, points, method=method, vectorized=vectorized)
        seen.clear()
        together = fg.batch_gradient(f, points, method=method, vectorized=vectorized, workers=3)
        np.testing.assert_allclose(alone, exact(points), rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(together, alone, rtol=1e-9, atol=1e-9)
        assert len(seen) > 1


def test_domain_edges_and_float32_are_seen_through_workers(processes):
    x = np.array([1e-9, 1.0, 2.0])
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(
            fg.gradient(lambda x: np.sqrt(x).sum(), x, typical_x=1e-9, workers=processes),
            fg.gradient(lambda x: np.sqrt(x).sum(), x, typical_x=1e-9),
        )

    def narrow(x):
        return np.float32(np.sin(x).sum())

    assert (fg.gradient(narrow, X, workers=processes) == fg.gradient(narrow, X)).all()
    assert np.abs(fg.gradient(narrow, X, workers=processes) - np.cos(X)).max() < 1e-3

    x = np.array([1.0, 1.0 + 1e-9])
    inside = fg.gradient(lambda x: math.acosh(x[1]) * x[0], x, workers=processes)
    assert inside[0] == pytest.approx(math.acosh(x[1]))
    assert (inside == fg.gradient(lambda x: math.acosh(x[1]) * x[0], x)).all()


def test_tasks_are_base_points_and_ranges_of_shifts():
    here = Here()
    n = 400
    fg.gradient(lambda x: float(x.sum()), np.zeros(n), workers=here, check=False)
    rows = [task.components.size for task in here.tasks]
    assert sum(rows) == 2 * n
    assert all(task.x.shape == (1, n) for task in here.tasks)
    # A cheap function goes in few tasks, once that is known.
    assert len(rows) < 40
    assert rows[0] == 1

    here = Here()
    fg.gradient(lambda x: time.sleep(0.12) or float(x.sum()), np.zeros(4), workers=here)
    assert [task.components.size for task in here.tasks] == [1] * 8

    here = Here()
    fg.batch_gradient(lambda x: float(x.sum()), np.zeros((300, 4)), workers=here)
    assert max(len(task.x) for task in here.tasks) < 300


def test_f_travels_once_and_is_kept():
    here = Here()
    fg.gradient(sines(), X, workers=here)
    assert len({id(task.job) for task in here.tasks}) == 1
    assert isinstance(here.tasks[0].job, Packed)


def test_an_exception_names_component_and_shift(processes):
    def diverges(x):
        if x[3] != 1.0:
            raise RuntimeError("the solver diverged")
        return float(x.sum())

    with pytest.raises(RuntimeError, match="the solver diverged") as caught:
        fg.gradient(diverges, np.ones(5), workers=processes)
    notes = "\n".join(caught.value.__notes__)
    assert re.search(r"x\[3\] [+-] 8.7", notes)
    assert "(component 3)" in notes
    assert re.search(r"\d of 10 values done", notes)


def test_an_exception_that_cannot_travel_still_says_what_it_was(processes):
    def raises(x):
        class OddError(Exception):
            def __init__(self, a, b):
                super().__init__(f"{a} and {b}")

        raise OddError("this", "that")

    with pytest.raises(RuntimeError, match="f raised OddError: this and that"):
        fg.gradient(raises, X, workers=processes)


def test_retries_repeat_only_what_failed(tmp_path):
    def flaky(folder):
        def f(x):
            with (folder / "log").open("a") as file:
                file.write("x\n")
            if x[2] > 1.0 and not (folder / "failed").exists():
                (folder / "failed").touch()
                raise OSError("no licence left")
            return float((x**2).sum())

        folder.mkdir()
        return f

    x = np.ones(5)
    with pytest.raises(OSError, match="no licence"):
        fg.gradient(flaky(tmp_path / "without"), x, workers=2)
    np.testing.assert_allclose(fg.gradient(flaky(tmp_path / "with"), x, workers=2, retries=1), 2.0, rtol=1e-8)
    assert len((tmp_path / "with" / "log").read_text().splitlines()) == 11


def test_what_a_task_did_before_it_failed_is_kept():
    """A cheap f goes in tasks of many evaluations: one fails in the middle of one, and is repeated alone."""
    Here.calls = 0

    def f(x):
        Here.calls += 1  # of the class: f itself travels by value
        if Here.calls == 25:
            raise OSError("no licence left")
        return float((x**2).sum())

    here, n = Here(), 40
    found = fg.gradient(f, np.ones(n), workers=here, retries=1, check=False)
    assert max(task.moves.size for task in here.tasks) > 5
    np.testing.assert_allclose(found, 2.0, rtol=1e-8)
    assert Here.calls == 2 * n + 1


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_what_f_raises_on_both_sides_comes_out(kind, processes):
    """As it does without workers: where f raises at every shift, its own exception, not a warning."""

    def alone(x):
        if x[1] != 1.0:
            raise ValueError("only at 1")
        return float(x.sum())

    with pytest.raises(ValueError, match="only at 1"):
        fg.gradient(alone, np.ones(3), workers=ThreadPoolExecutor(2) if kind == "threads" else processes)


def test_a_worker_that_dies(tmp_path, processes):
    def dies(x):
        if x[2] > 1.0 and not (tmp_path / "died").exists():
            (tmp_path / "died").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return float((x**2).sum())

    x = np.ones(5)
    with pytest.raises(RuntimeError, match=r"a worker died .* x\[\d\] [+-] .* values done; retries= starts"):
        fg.gradient(dies, x, workers=2)
    (tmp_path / "died").unlink()
    np.testing.assert_allclose(fg.gradient(dies, x, workers=2, retries=1), 2.0, rtol=1e-8)
    (tmp_path / "died").unlink()
    with ProcessPoolExecutor(2) as own, pytest.raises(RuntimeError, match="the executor is yours") as caught:
        fg.gradient(dies, x, workers=own, retries=3)
    assert isinstance(caught.value.__cause__, BrokenExecutor)


def test_what_cannot_be_sent_or_asked_for(processes, monkeypatch):
    lock = threading.Lock()
    with pytest.raises(TypeError, match=r"f cannot be sent to another process: .*picklable"):
        fg.gradient(lambda x: float(lock.locked()), X, workers=processes)
    pointer = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_int, ctypes.POINTER(ctypes.c_double), ctypes.c_void_p)
    with pytest.raises(TypeError, match="cannot be sent to another process"):
        fg.gradient(pointer(lambda n, x, data: 1.0), X, workers=processes)
    for wrong in (True, "four", 2.0):
        with pytest.raises(TypeError, match=r"workers is .*expected a number or a concurrent.futures.Executor"):
            fg.gradient(sines(), X, workers=wrong)
    with pytest.raises(ValueError, match="1 or more"):
        fg.gradient(sines(), X, workers=0)
    with pytest.raises(ValueError, match="retries"):
        fg.gradient(sines(), X, workers=2, retries=-1)
    monkeypatch.setattr(processes_of_our_own, "_idle", [])
    monkeypatch.setitem(sys.modules, "loky", None)
    with pytest.raises(ImportError, match=r"fastgrad\[workers\]"):
        fg.gradient(sines(), X, workers=2)
    monkeypatch.setitem(sys.modules, "cloudpickle", None)
    with pytest.raises(TypeError, match=r"top level of a module, or install cloudpickle"):
        fg.gradient(sines(), X, workers=processes)


def test_compiled_code_travels_too(processes):
    f = fg.compile(lambda x, y: x**2 * y)
    x = np.array([1.0, 2.0])
    assert (fg.gradient(f, x, workers=processes) == fg.gradient(f, x)).all()


def test_a_client_is_told_what_to_pass(cluster):
    with pytest.raises(TypeError, match=r"get_executor\(\)"):
        fg.gradient(sines(), X, workers=cluster)


def test_dask_goes_on_when_a_worker_is_killed(cluster, tmp_path):
    rates = RATES.copy()

    def simulation(x):
        time.sleep(0.02)
        return float(np.sin(rates * x).sum())

    x = np.tile(X, 1)
    alone = fg.gradient(simulation, x, order=8)
    victim = next(iter(cluster.run(os.getpid).values()))
    killer = threading.Timer(0.15, os.kill, (victim, signal.SIGKILL))
    killer.start()
    together = fg.gradient(simulation, x, order=8, workers=cluster.get_executor())
    killer.join()
    assert (together == alone).all()
    # The nanny starts another worker; later tests need it.
    cluster.wait_for_workers(2, timeout=60)


def test_arrays_larger_than_memory_through_dask():
    rows, chunk = 200_000, 5_000

    def f(block):
        return np.sin(RATES * block).sum(axis=1)

    made = dask.array.random.default_rng(0).uniform(-1, 1, (rows, 5), chunks=(chunk, 5))
    gradients = made.map_blocks(lambda block: fg.batch_gradient(f, block, vectorized=True), dtype=np.float64)
    norms = (gradients**2).sum(axis=1).max()
    tracemalloc.start()
    largest = norms.compute(scheduler="single-threaded")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0 < largest <= (RATES**2).sum()
    assert peak < rows * 5 * 8
    part = made[:chunk].compute()
    np.testing.assert_allclose(gradients[:chunk].compute(), exact(part), rtol=1e-6, atol=1e-6)


def test_progress_counts_evaluations(monkeypatch):
    import tqdm.auto

    bars = []

    class Bar:
        def __init__(self, **options):
            self.total, self.count, self.closed = None, 0, False
            bars.append(self)

        def update(self, count):
            self.count += count

        def refresh(self):
            pass

        def close(self):
            self.closed = True

    monkeypatch.setattr(tqdm.auto, "tqdm", Bar)
    compiled = fg.compile(lambda x: x[0] ** 2 + x[1] * x[2])
    points = np.ones((100, 3))
    for f, options in (
        (lambda x: float(x.sum()), {}),
        (lambda x: x.sum(axis=1), {"vectorized": True}),
        (lambda x: float(x.sum()), {"workers": ThreadPoolExecutor(2)}),
        (compiled, {}),
        (compiled, {"workers": 2}),
    ):
        bars.clear()
        fg.batch_gradient(f, points, progress=True, **options)
        assert (bars[0].total, bars[0].count, bars[0].closed) == (600, 600, True)
    bars.clear()
    d = fg.differentiate(lambda x: float(np.sin(x).sum()), np.ones(4), progress=True)
    assert (bars[0].total, bars[0].count, bars[0].closed) == (32, d.nfev, True)
    with pytest.raises(ZeroDivisionError):
        fg.gradient(lambda x: 1 / 0, np.ones(3), progress=True)
    assert bars[-1].closed
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    with pytest.raises(ImportError, match=r"fastgrad\[progress\]"):
        fg.gradient(sines(), X, progress=True)


def test_ctrl_c_gives_up_what_is_under_way():
    calls = []

    def slow(x):
        calls.append(1)
        time.sleep(0.05)
        return float(x.sum())

    timer = threading.Timer(0.3, signal.raise_signal, (signal.SIGINT,))
    executor = ThreadPoolExecutor(2)
    # A signal is handled in the main thread, whoever raises it.
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        fg.gradient(slow, np.ones(400), workers=executor)
    executor.shutdown()
    assert len(calls) < 100
