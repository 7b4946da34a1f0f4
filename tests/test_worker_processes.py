"""Worker processes: whose they are, what happens when they die, and that none is left behind."""

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import loky
import numpy as np
import psutil
import pytest

import fastgrad as fg
from fastgrad.evaluate import processes

X = np.linspace(0.5, 1.5, 4)


def slow_cubes():
    # Made anew, so that it travels by value: workers cannot import a test.
    def f(x):
        time.sleep(0.01)
        return float((x**3).sum())

    return f


def exact(x):
    return 3 * x**2


def ours():
    """The worker processes that `workers=2` keeps."""
    (found,) = [each for each in processes._idle if each.count == 2]
    return [process.pid for process in found.executor._processes.values()]


def wait_for(condition):
    """Until it is so: as long as a loaded machine may take."""
    ended = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < ended
        time.sleep(0.01)


def lives(pid):
    """Whether a process does; one that has ended and waits for its parent to ask does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def theirs():
    """A user's own executor of loky's, of which there is one for all who ask."""
    executor = loky.get_reusable_executor(3, timeout=100)
    assert sorted(executor.map(abs, [-1, -2, -3])) == [1, 2, 3]
    yield executor
    executor.shutdown(kill_workers=True)


def test_a_users_loky_executor_stays_as_it_is(theirs):
    before = set(theirs._processes)
    assert len(before) == 3
    fg.gradient(slow_cubes(), X, workers=2)
    timer = threading.Timer(0.2, signal.raise_signal, (signal.SIGINT,))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        fg.gradient(slow_cubes(), np.ones(2000), workers=2)
    assert loky.get_reusable_executor(3, timeout=100) is theirs
    assert sorted(theirs.map(abs, [-1, -2, -3])) == [1, 2, 3]
    assert set(theirs._processes) == before
    np.testing.assert_allclose(fg.gradient(slow_cubes(), X, workers=theirs), exact(X), rtol=1e-6)


def test_processes_are_kept_from_one_call_to_the_next():
    fg.gradient(slow_cubes(), X, workers=2)
    before = ours()
    fg.gradient(slow_cubes(), X + 1, workers=2)
    with pytest.raises(ZeroDivisionError):
        fg.gradient(lambda x: 1 / 0, X, workers=2)
    assert ours() == before
    assert len(processes._idle) <= 2


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_call_ends_its_processes(error):
    def interrupt(number, frame):
        raise error

    fg.gradient(slow_cubes(), X, workers=2)
    before = ours()
    handler = signal.signal(signal.SIGTERM, interrupt)
    try:
        timer = threading.Timer(0.2, signal.raise_signal, (signal.SIGTERM,))
        timer.start()
        with pytest.raises(error):
            fg.gradient(slow_cubes(), np.ones(2000), workers=2)
    finally:
        signal.signal(signal.SIGTERM, handler)
    wait_for(lambda: not any(lives(pid) for pid in before))


def test_processes_that_died_between_two_calls_are_replaced():
    """With retries=0 too: f has no part in it."""
    for pause, victims in ((0, 1), (0.05, 2)):
        fg.gradient(slow_cubes(), X, workers=2)
        for pid in ours()[:victims]:
            os.kill(pid, signal.SIGKILL)
        time.sleep(pause)
        np.testing.assert_allclose(fg.gradient(slow_cubes(), X, workers=2), exact(X), rtol=1e-6)


@pytest.mark.parametrize("size", [10, 100_000])
def test_a_worker_that_dies_when_it_loads_f(tmp_path, size):
    class Dying:
        def __init__(self, deaths):
            self.data, self.folder, self.deaths = np.ones(size + deaths), tmp_path, deaths

        def __setstate__(self, state):
            self.__dict__.update(state)
            number = len(list(self.folder.iterdir()))
            (self.folder / str(number)).touch()
            if number < self.deaths:
                os.kill(os.getpid(), signal.SIGKILL)

        def __call__(self, x):
            return float((x**3).sum() * self.data[0])

    np.testing.assert_allclose(fg.gradient(Dying(2), X, workers=2, retries=2), exact(X), rtol=1e-6)
    assert len(list(tmp_path.iterdir())) >= 3
    for path in tmp_path.iterdir():
        path.unlink()
    with pytest.raises(RuntimeError, match="a worker died"):
        fg.gradient(Dying(50), X, workers=2)


def test_workers_that_are_killed_at_any_time():
    f, rng = slow_cubes(), np.random.default_rng(0)
    alone = fg.gradient(f, X, order=4)
    for _ in range(2):
        fg.gradient(f, X, workers=2)
        victim = ours()[0]
        killer = threading.Timer(rng.uniform(0, 0.1), os.kill, (victim, signal.SIGKILL))
        killer.start()
        assert (fg.gradient(f, X, order=4, workers=2, retries=2) == alone).all()
        killer.join()


def test_what_cannot_be_sent_takes_no_processes():
    fg.gradient(slow_cubes(), X, workers=2)
    before, lock = ours(), threading.Lock()
    with pytest.raises(TypeError, match="cannot be sent"):
        fg.gradient(lambda x: float(lock.locked()), X, workers=2)
    assert ours() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_has_workers_of_its_own():
    f = slow_cubes()
    with ThreadPoolExecutor(2) as threads, ProcessPoolExecutor(2) as pool:
        for workers in (2, threads, pool):
            fg.gradient(f, X, workers=workers)
        child = os.fork()
        if not child:
            code = 1
            try:
                fg.batch_gradient(lambda x: (x**3).sum(axis=1), X[None], vectorized=True, workers=2)
                for executor in (threads, pool):
                    with pytest.raises(RuntimeError, match="made before this process was forked"):
                        fg.gradient(f, X, workers=executor)
                if np.allclose(fg.gradient(f, X, workers=2), exact(X), rtol=1e-6):
                    code = 7
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        for workers in (2, threads, pool):
            np.testing.assert_allclose(fg.gradient(f, X, workers=workers), exact(X), rtol=1e-6)


def test_a_pool_of_the_parent_that_f_finds_in_its_module(tmp_path):
    """Forked workers have a copy of it that nobody serves: they evaluate alone."""
    (tmp_path / "shared.py").write_text(
        textwrap.dedent(
            """
            import fastgrad as fg
            pool = None

            def inner(x):
                return float((x**3).sum())

            def f(x):
                return float(fg.gradient(inner, x, workers=pool).sum())
            """
        )
    )
    code = f"""
        import sys
        sys.path[:0] = [{str(tmp_path)!r}]
        import multiprocessing, numpy as np, fastgrad as fg, shared
        from concurrent.futures import ProcessPoolExecutor
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as shared.pool:
            found = fg.gradient(shared.f, np.ones(3), workers=shared.pool)
        np.testing.assert_allclose(found, 6, rtol=1e-4)
    """
    if "fork" in multiprocessing.get_all_start_methods():
        done = subprocess.run(
            [sys.executable, "-P", "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=100
        )
        assert done.returncode == 0, done.stderr


PARENT = """
import multiprocessing, sys, time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
import numpy as np, fastgrad as fg

def f(x):
    time.sleep(0.02)
    return float((x**2).sum())

def main(kind):
    if kind == "ours":
        workers = 2
    elif kind == "loky":
        import loky
        workers = loky.get_reusable_executor(2)
    elif kind == "threads":
        workers = ThreadPoolExecutor(2)
    elif kind == "dask":
        import distributed
        cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0")
        workers = distributed.Client(cluster).get_executor()
    else:
        workers = ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(kind))
    fg.gradient(f, np.ones(20), workers=workers)
    print("ready", flush=True)
    fg.gradient(f, np.ones(100_000), workers=workers)

if __name__ == "__main__":
    main(sys.argv[1])
"""


def in_session(leader):
    """Processes that a session has."""
    found = []
    for pid in psutil.pids():
        try:
            if os.getsid(pid) == leader and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
        except (OSError, psutil.Error):
            continue
    return found


@pytest.mark.skipif(sys.platform == "win32", reason="sessions and SIGTERM are POSIX's")
@pytest.mark.parametrize("kind", ["ours", "loky", "threads", "dask", "fork", "spawn", "forkserver"])
def test_a_parent_that_a_signal_ends_leaves_no_process_behind(kind, tmp_path):
    """SIGTERM gives it no time to end its workers: these see that it is gone."""
    if kind == "dask":
        pytest.importorskip("distributed")
    numbers = (signal.SIGINT, signal.SIGTERM) if kind in ("ours", "threads", "fork") else (signal.SIGTERM,)
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    command, environment = [sys.executable, str(script), kind], dict(os.environ)
    quiet = subprocess.DEVNULL
    parents = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=quiet, start_new_session=True)
        for _ in numbers
    ]
    for parent, number in zip(parents, numbers, strict=True):
        with parent:
            assert parent.stdout.readline() == b"ready\n"
            if kind != "threads":
                assert len(in_session(parent.pid)) > 2
            parent.send_signal(number)
            assert parent.wait(60) == -number
            wait_for(lambda leader=parent.pid: not in_session(leader))
