"""One run at a time for a file, and signals that end a process lose nothing."""

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest
from rosenbrock import rosenbrock, rosenbrock_gradient

import fastgrad as fg
from fastgrad.descent import lock

START = np.array([-0.5, 0.3, 0.8])
posix = pytest.mark.skipif(sys.platform == "win32", reason="has no signals between processes")

SCRIPT = """
    import os, signal, sys, time
    import numpy as np
    import fastgrad as fg

    def slow(x):
        time.sleep(0.001)
        return float(np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2))

    def run(f=slow, path=sys.argv[1], **options):
        return fg.gradient_descent(
            f, np.array([-0.5, 0.3, 0.8]), checkpoint=path, checkpoint_every=1e9, gtol=0.0,
            **{"method": "adam", "learning_rate": 1e-2, "maxiter": 10**6, "callback": ready} | options
        )

    def ready(result):
        if result.nit == 3:
            print("ready", flush=True)
"""
OPTIONS = {"method": "adam", "learning_rate": 1e-2, "gtol": 0.0}


PROCESSES = []


@pytest.fixture(autouse=True)
def none_stays():
    """A test that fails leaves no process behind."""
    yield
    while PROCESSES:
        with PROCESSES.pop() as process:
            process.kill()


def started(path, script):
    """A process that has begun with its run, or with what its script says.

    Unbuffered: what follows the first line is left for `ended`.
    """
    code = textwrap.dedent(SCRIPT) + textwrap.dedent(script)
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], cwd=path.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        bufsize=0,
    )  # fmt: skip
    PROCESSES.append(process)
    assert process.stdout.readline() == b"ready\n", process.communicate()[1].decode()
    return process


def ended(process, number=None):
    """The exit status and what else it printed, after a signal."""
    if number is not None:
        process.send_signal(number)
    out, error = process.communicate(timeout=120)
    return process.returncode, out.decode(), error.decode()


def goes_on(path):
    """The rest of the run is that of one that was never broken off."""
    with np.load(path) as file:
        done = int(file["iteration"])
    straight = fg.gradient_descent(rosenbrock, START, maxiter=done + 20, **OPTIONS)
    on = fg.gradient_descent(rosenbrock, checkpoint=path, maxiter=done + 20, **OPTIONS)
    assert on.nit == straight.nit == done + 20
    assert (on.x == straight.x).all()
    assert (on.history["fun"] == straight.history["fun"]).all()
    return done


# --- Locks -----------------------------------------------------------------------------------------------------------


@posix
def test_another_process_is_refused_and_its_file_kept(tmp_path):
    path = tmp_path / "run.npz"
    process = started(path, "run()")
    try:
        with pytest.raises(ValueError, match=f"in use by process {process.pid} on .*or give another path") as caught:
            fg.gradient_descent(rosenbrock, START, checkpoint=path)
        assert str(path) in str(caught.value)
        # Another name of the same file is no way around.
        (tmp_path / "link.npz").symlink_to(path)
        with pytest.raises(ValueError, match="in use"):
            fg.gradient_descent(rosenbrock, START, checkpoint=tmp_path / "link.npz")
    finally:
        status, _, _ = ended(process, signal.SIGTERM)
    assert status == -signal.SIGTERM
    assert sorted(os.listdir(tmp_path)) == ["link.npz", "run.npz"]
    goes_on(path)


@posix
def test_a_killed_process_holds_nothing(tmp_path):
    """Nor do its children, which may outlive it."""
    path = tmp_path / "run.npz"
    script = """
        def forks(result):
            if result.nit == 1:
                child = os.fork()
                if not child:
                    time.sleep(600)
                print(f"ready\\n{child}", flush=True)
        run(callback=forks)
    """
    process = started(path, script)
    child = int(process.stdout.readline())
    try:
        process.kill()
        process.wait()
        assert (tmp_path / "run.npz.lock").exists()
        fg.gradient_descent(rosenbrock, START, maxiter=3, checkpoint=path)
        assert os.listdir(tmp_path) == ["run.npz"]
    finally:
        os.kill(child, signal.SIGKILL)
        process.communicate()


def test_another_run_of_this_process_is_refused(tmp_path):
    path, refused = tmp_path / "run.npz", []

    def another():
        with pytest.raises(ValueError, match="in use by another run of this process"):
            fg.gradient_descent(rosenbrock, START, maxiter=1, checkpoint=path)
        refused.append(1)

    def callback(result):
        another()
        thread = threading.Thread(target=another)
        thread.start()
        thread.join()
        return True

    fg.gradient_descent(rosenbrock, START, callback=callback, checkpoint=path)
    assert len(refused) == 2
    assert os.listdir(tmp_path) == ["run.npz"]
    assert fg.gradient_descent(rosenbrock, START, maxiter=3, checkpoint=path).nit == 3


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, SystemExit])
@pytest.mark.parametrize("when", [1, 2, 5, 40])
def test_no_lock_stays_after_an_exception(error, when, tmp_path):
    """At the first values, where it comes out, and later."""
    path, calls = tmp_path / "run.npz", []

    def failing(x):
        calls.append(1)
        if len(calls) == when:
            raise error
        return rosenbrock(x)

    with contextlib.suppress(error):
        fg.gradient_descent(failing, START, maxiter=20, checkpoint=path, **OPTIONS)
    assert set(os.listdir(tmp_path)) <= {"run.npz"}
    fg.gradient_descent(rosenbrock, START, maxiter=20, checkpoint=path, **OPTIONS)


@posix
def test_two_runs_that_begin_together(tmp_path):
    """Of many, again and again, one at a time has the file: the others are refused, and none sees half a file."""
    path = tmp_path / "run.npz"
    script = """
        print("ready", flush=True)
        done = refused = 0
        while done < 10:
            try:
                run(lambda x: float((x**2).sum()), maxiter=2, callback=None)
                done += 1
            except ValueError as error:
                assert "in use" in str(error), error
                refused += 1
    """
    processes = [started(path, script) for _ in range(3)]
    for process in processes:
        assert ended(process) == (0, "", "")
    assert os.listdir(tmp_path) == ["run.npz"]


@posix
def test_the_lock_of_a_file_that_was_just_removed_is_none(tmp_path, monkeypatch):
    """The run that had it ended between the opening and the locking."""
    path, locked, tries, seen = tmp_path / "run.npz", lock._locked, [], []

    def slowly(handle):
        tries.append(1)
        if len(tries) == 1:
            os.unlink(tmp_path / "run.npz.lock")
        return locked(handle)

    monkeypatch.setattr(lock, "_locked", slowly)
    fg.gradient_descent(lambda x: seen.append(os.listdir(tmp_path)) or rosenbrock(x), START, maxiter=1, checkpoint=path)
    assert len(tries) == 2
    assert seen[0] == ["run.npz.lock"]
    assert os.listdir(tmp_path) == ["run.npz"]


@posix
@pytest.mark.parametrize("number", ["ENOLCK", "EOPNOTSUPP"])
def test_a_file_system_without_locks_is_a_warning(number, tmp_path, monkeypatch):
    import errno
    import fcntl

    def none(*args):
        raise OSError(getattr(errno, number), "No locks available")

    monkeypatch.setattr(fcntl, "lockf", none)
    with pytest.warns(RuntimeWarning, match="two runs with one checkpoint would not be noticed.*No locks available"):
        fg.gradient_descent(rosenbrock, START, maxiter=3, checkpoint=tmp_path / "run.npz")
    assert os.listdir(tmp_path) == ["run.npz"]


# --- SIGTERM ---------------------------------------------------------------------------------------------------------


@posix
def test_sigterm_writes_the_checkpoint_and_ends_the_process(tmp_path):
    path = tmp_path / "run.npz"
    status, out, error = ended(started(path, "run(); print('went on')"), signal.SIGTERM)
    assert (status, out, error) == (-signal.SIGTERM, "", "")
    assert os.listdir(tmp_path) == ["run.npz"]
    assert goes_on(path) >= 3


@posix
def test_a_handler_of_the_users_gets_sigterm_afterwards(tmp_path):
    """One that only takes note: then the result is returned. One that exits: then that is how it ends."""
    path = tmp_path / "run.npz"
    script = """
        def mine(number, frame):
            print("handled", os.path.exists(sys.argv[1]), os.path.exists(sys.argv[1] + ".lock"), flush=True)
            if len(sys.argv) > 5:
                sys.exit(7)
        signal.signal(signal.SIGTERM, mine)
        result = run()
        print(result.status, result.message, signal.getsignal(signal.SIGTERM) is mine)
    """
    status, out, _ = ended(started(path, script), signal.SIGTERM)
    assert status == 0
    assert out == "handled True False\n5 ended by SIGTERM; the best point so far is returned True\n"
    path.unlink()
    status, out, _ = ended(started(path, script.replace("len(sys.argv) > 5", "True")), signal.SIGTERM)
    assert (status, out) == (7, "handled True False\n")
    goes_on(path)


@posix
def test_sigterm_before_there_are_iterations(tmp_path):
    """At the first values there is nothing to keep, and the signal does what it always does; but no lock stays."""
    path = tmp_path / "run.npz"
    script = """
        def first(x):
            print("ready", flush=True)
            time.sleep(600)
        run(first)
    """
    assert ended(started(path, script), signal.SIGTERM)[0] == -signal.SIGTERM
    assert not os.listdir(tmp_path)


@posix
@pytest.mark.parametrize("handler", ["SIG_IGN", "SIG_DFL"])
def test_who_is_deaf_to_sigterm_stays_so(handler, tmp_path):
    path = tmp_path / "run.npz"
    script = f"""
        signal.signal(signal.SIGTERM, signal.{handler})
        def sends(result):
            if result.nit == 3:
                print("ready", flush=True)
                os.kill(os.getpid(), signal.SIGTERM)
        print(run(callback=sends, maxiter=10).nit)
    """
    status, out, _ = ended(started(path, script))
    assert (status, out) == ((0, "10\n") if handler == "SIG_IGN" else (-signal.SIGTERM, ""))
    with np.load(path) as file:
        assert int(file["iteration"]) == (10 if handler == "SIG_IGN" else 3)


@posix
def test_a_forked_child_ends_by_sigterm_as_always(tmp_path):
    """As the workers of a pool do when it is closed: the child has nothing to do with the run and its files."""
    path = tmp_path / "run.npz"
    script = """
        def forks(result):
            if result.nit == 3:
                begun, begins = os.pipe()
                child = os.fork()
                if not child:
                    # Before this, Python forgets signals.
                    os.write(begins, b"1")
                    time.sleep(60)
                    os._exit(0)
                os.read(begun, 1)
                os.kill(child, signal.SIGTERM)
                print("ready", flush=True)
                print(os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGTERM, os.path.exists(sys.argv[1] + ".lock"))
        print(run(callback=forks, maxiter=10).nit)
    """
    assert ended(started(path, script)) == (0, "True True\n10\n", "")
    assert os.listdir(tmp_path) == ["run.npz"]


@posix
def test_sigterm_while_a_checkpoint_is_written(tmp_path):
    path = tmp_path / "run.npz"
    script = """
        fsync, writes = os.fsync, []
        def signalled(handle):
            fsync(handle)
            writes.append(1)
            if len(writes) == AT:
                print("ready", flush=True)
                os.kill(os.getpid(), signal.SIGTERM)
        os.fsync = signalled
        run(maxiter=20, callback=None)
    """
    # The first is the trial before the run, the second its end.
    for at, kept in ((1, []), (2, ["run.npz"])):
        status, _, _ = ended(started(path, script.replace("AT", str(at))))
        assert status == -signal.SIGTERM
        assert os.listdir(tmp_path) == kept
    assert goes_on(path) == 20


def during_iterations(number, frame):
    """Ctrl-C, but not for the test itself."""
    while frame is not None:
        if frame.f_code.co_name == "go":
            raise KeyboardInterrupt
        frame = frame.f_back


@posix
@pytest.mark.parametrize("grad", [None, rosenbrock_gradient])
@pytest.mark.parametrize("options", [OPTIONS, {"method": "bb", "gtol": 0.0}, {"method": "nesterov", "gtol": 0.0}])
def test_signals_at_random_moments_leave_no_half_of_an_iteration(options, grad, tmp_path):
    """The run goes on to the last bit, wherever SIGTERM or Ctrl-C broke it off."""
    path, rng = tmp_path / "run.npz", np.random.default_rng(0)
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, during_iterations)
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    try:
        for k in range(15):
            begun = []
            thread = threading.Thread(target=_send, args=(list(before)[k % 2], begun, rng.uniform(0, 0.004)))
            thread.start()
            found = fg.gradient_descent(
                rosenbrock, START, grad=grad, maxiter=10**7, checkpoint=path,
                callback=lambda result, begun=begun: begun.append(1), **options,
            )  # fmt: skip
            begun.append(1)
            thread.join()
            assert found.status in (0, 2, 5)
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
    straight = fg.gradient_descent(rosenbrock, START, grad=grad, maxiter=found.nit, **options)
    assert (found.history["fun"] == straight.history["fun"]).all()
    assert (found.history["grad_norm"] == straight.history["grad_norm"]).all()


def _send(number, begun, delay):
    # Not an Event: threading's own locks do not bear a KeyboardInterrupt.
    while not begun:
        time.sleep(1e-4)
    time.sleep(delay)
    signal.pthread_kill(threading.main_thread().ident, number)


def test_runs_in_other_threads_and_without_checkpoints_leave_sigterm_alone(tmp_path):
    seen = []

    def callback(result):
        seen.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    fg.gradient_descent(rosenbrock, START, maxiter=2, callback=callback)
    thread = threading.Thread(
        target=fg.gradient_descent, args=(rosenbrock, START),
        kwargs={"maxiter": 2, "callback": callback, "checkpoint": tmp_path / "run.npz"},
    )  # fmt: skip
    thread.start()
    thread.join()
    assert seen == [before] * 4
    fg.gradient_descent(rosenbrock, START, maxiter=4, callback=callback, checkpoint=tmp_path / "run.npz")
    assert before not in seen[4:]
    assert signal.getsignal(signal.SIGTERM) is before
