"""Executors: late, forgetful, wrong ones; the same one at two levels; what travels to their workers, how often."""

import dataclasses
import pickle
import threading
from concurrent.futures import CancelledError, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor

import distributed
import numpy as np
import pytest

import fastgrad as fg

X = np.linspace(0.5, 1.5, 20)


def cubes(x):
    return float((x**3).sum())


def exact(x):
    return 3 * x**2


class Changing(Executor):
    """Works at once; `change` is what it does with a result."""

    def __init__(self, change=None):
        self.change = change or (lambda result: result)
        self.submitted = 0

    def submit(self, function, *args):
        self.submitted += 1
        future = Future()
        future.set_result(self.change(function(*args)))
        return future


class LastFirst(Executor):
    """Does the task that came last."""

    def __init__(self):
        self.tasks, self.some, self.ended = [], threading.Semaphore(0), False
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def submit(self, function, *args):
        future = Future()
        self.tasks.append((future, function, args))
        self.some.release()
        return future

    def work(self):
        while self.some.acquire() and not self.ended:
            future, function, args = self.tasks.pop()
            if future.set_running_or_notify_cancel():
                future.set_result(function(*args))

    def shutdown(self, wait=True, *, cancel_futures=False):
        self.ended = True
        self.some.release()
        self.thread.join()


class Twice(Changing):
    def submit(self, function, *args):
        super().submit(function, *args)
        return super().submit(function, *args)


class Forgetful(Changing):
    """A task that was taken is cancelled."""

    def submit(self, function, *args):
        if self.submitted == 2:
            self.submitted += 1
            future = Future()
            future.cancel()
            future.set_running_or_notify_cancel()
            return future
        return super().submit(function, *args)


def test_the_order_and_repetition_of_tasks_change_nothing():
    alone = fg.gradient(cubes, X)
    with LastFirst() as late:
        assert (fg.gradient(cubes, X, workers=late) == alone).all()
    twice = Twice()
    found = fg.differentiate(cubes, X, workers=twice)
    assert (found.value == fg.differentiate(cubes, X).value).all()
    assert found.nfev == fg.differentiate(cubes, X).nfev


def test_a_cancelled_task_is_an_error_or_done_again():
    with pytest.raises(CancelledError) as caught:
        fg.gradient(cubes, X, workers=Forgetful())
    assert "in the task that evaluates f at" in "\n".join(caught.value.__notes__)
    assert (fg.gradient(cubes, X, workers=Forgetful(), retries=1) == fg.gradient(cubes, X)).all()


def values(change):
    return lambda result: dataclasses.replace(result, values=change(result.values))


WRONG = {
    "fewer": values(lambda v: v[:-1]),
    "none": values(lambda v: v[:0]),
    "more": values(lambda v: np.concatenate([v, v])),
    "flat": values(np.ravel),
    "wider": values(lambda v: np.concatenate([v, v], axis=1)),
    "no values": values(lambda v: None),
    "fewer, with an error": lambda result: dataclasses.replace(result, error=OSError("lost")),
}


@pytest.mark.parametrize("retries", [0, 2])
@pytest.mark.parametrize("kind", WRONG)
def test_what_is_not_the_values_asked_for_is_an_error(kind, retries):
    """Never a number that nobody computed."""
    for f, verb in ((cubes, fg.gradient), (lambda x: x**3, fg.jacobian)):
        if kind == "wider" and verb is fg.jacobian:
            continue  # as if f had so many values
        with pytest.raises(
            RuntimeError, match=r"the executor \(Changing\) gave .*values of shape .* points.* task that"
        ):
            verb(f, X, workers=Changing(WRONG[kind]), retries=retries)


def test_the_result_of_another_task_is_an_error():
    last = []

    def previous(result):
        last.append(result)
        return last[-2] if len(last) > 3 else result

    with pytest.raises(RuntimeError, match=r"gave the result of another task in the task that evaluates f at x\["):
        fg.gradient(cubes, X, workers=Changing(previous))


def test_what_is_no_result_and_no_future_is_an_error():
    with pytest.raises(TypeError, match=r"a future of the executor gave 1\.0; expected the result of its task"):
        fg.gradient(cubes, X, workers=Changing(lambda result: 1.0))

    class Bare(Executor):
        def submit(self, function, *args):
            return function(*args)

    with pytest.raises(TypeError, match=r"submit\(\) of the executor gave .*; expected a concurrent.futures.Future"):
        fg.gradient(cubes, X, workers=Bare())


# --- The same workers at two levels --------------------------------------------------------------------------------


def test_threads_that_f_uses_too_do_not_wait_for_themselves():
    with ThreadPoolExecutor(2) as threads, ThreadPoolExecutor(2) as others:

        def inner(x):
            return float(fg.gradient(cubes, x, workers=threads).sum())

        def between(x):
            return float(fg.gradient(cubes, x, workers=others).sum()) + inner(x)

        np.testing.assert_allclose(fg.gradient(inner, X, workers=threads), 6 * X, rtol=1e-4)
        np.testing.assert_allclose(fg.gradient(between, X, workers=threads), 12 * X, rtol=1e-4)
        # Round about: threads wait for others, which wait for threads. The value alone, as noise grows with each level.
        value = fg.value_and_grad(inner, workers=others)
        np.testing.assert_allclose(fg.gradient(lambda x: value(x)[0], X[:3], workers=threads), 6 * X[:3], rtol=1e-4)


def test_workers_inside_a_worker_process_are_that_process():
    def inner(x):
        import multiprocessing

        found = fg.gradient(lambda x: float((x**3).sum()), x, workers=2)
        assert not multiprocessing.active_children()
        return float(found.sum())

    np.testing.assert_allclose(fg.gradient(inner, X[:3], workers=2), 6 * X[:3], rtol=1e-4)


def test_a_process_pool_in_f_is_refused():
    with ProcessPoolExecutor(2) as pool, pytest.raises(TypeError, match=r"cannot be sent .* executors or pointers"):
        fg.gradient(lambda x: float(fg.gradient(cubes, x, workers=pool).sum()), X, workers=pool)


# --- What travels --------------------------------------------------------------------------------------------------


class Large:
    """f with data; counts how often it is pickled, and loaded."""

    pickled = loaded = 0

    def __init__(self, size):
        self.data = np.ones(size)

    def __getstate__(self):
        Large.pickled += 1
        return self.__dict__

    def __setstate__(self, state):
        Large.loaded += 1
        self.__dict__.update(state)

    def __call__(self, x):
        return float((x**3).sum() * self.data[0])


class Weighed(Changing):
    """Counts the bytes of each task."""

    def __init__(self):
        super().__init__()
        self.sizes = []

    def submit(self, function, task):
        sent = pickle.dumps(task)
        self.sizes.append(len(sent))
        return super().submit(function, pickle.loads(sent))


def test_a_large_f_is_pickled_once_and_goes_to_a_worker_once():
    Large.pickled = Large.loaded = 0
    f, weighed = Large(100_000), Weighed()
    assert (fg.gradient(f, X, workers=weighed) == fg.gradient(f, X)).all()
    assert (Large.pickled, Large.loaded) == (1, 1)
    assert len([size for size in weighed.sizes if size > 800_000]) == 1
    assert sum(weighed.sizes) < 1_000_000
    # Where it is known already, it stays: a descent by many calls sends nothing.
    again = Weighed()
    assert (fg.gradient(f, X + 1, workers=again) == fg.gradient(f, X + 1)).all()
    assert (Large.pickled, Large.loaded) == (2, 1)
    assert sum(again.sizes) < 100_000
    # Others may have taken its place.
    for other in (Large(100_001), Large(100_002), f):
        assert (fg.gradient(other, X, workers=Weighed()) == fg.gradient(f, X)).all()
    assert Large.loaded == 4


class Changeable(Weighed):
    """Workers that forget what they had been sent, before each of some tasks."""

    def submit(self, function, task):
        if len(self.sizes) in (3, 4, 7):
            from fastgrad.evaluate import jobs

            jobs._kept.clear()
        return super().submit(function, task)


def test_workers_that_forget_are_sent_f_again():
    weighed = Changeable()
    f = Large(100_003)
    assert (fg.gradient(f, X, workers=weighed) == fg.gradient(f, X)).all()
    assert 2 <= len([size for size in weighed.sizes if size > 800_000]) <= 4


def test_a_small_f_goes_along_with_every_task():
    """To be asked for it would take longer."""
    weighed = Weighed()
    fg.gradient(Large(10), X, workers=weighed)
    assert len(weighed.sizes) == weighed.submitted
    assert fg.gradient(Large(10), X, workers=weighed).shape == X.shape


def test_dask_is_sent_a_large_f_once_a_worker(tmp_path):
    data = np.ones(50_000)

    class Noting:
        def __init__(self, folder):
            self.folder, self.data = folder, data

        def __setstate__(self, state):
            import tempfile

            self.__dict__.update(state)
            tempfile.mkstemp(dir=self.folder)

        def __call__(self, x):
            return float((x**3).sum() * self.data[0])

    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=2, processes=False, dashboard_address=":0") as cluster,
        distributed.Client(cluster) as client,
    ):
        f = Noting(str(tmp_path))
        assert (fg.gradient(f, X, workers=client.get_executor()) == fg.gradient(f, X)).all()
    assert len(list(tmp_path.iterdir())) == 1
