"""A checkpoint that cannot be written costs nothing: it is noticed before the run, or is a warning."""

import errno
import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import fastgrad as fg
from fastgrad.descent.checkpoint import Checkpoint

X = np.array([3.0, -2.0])
OPTIONS = {"learning_rate": 1e-3, "maxiter": 50, "gtol": 0.0}


def f(x):
    return float((x**2).sum())


def fails_at_once(path, error, match="."):
    """Before f is called; and nothing is left."""
    calls = []
    with pytest.raises(error, match=match) as caught:
        fg.gradient_descent(lambda x: calls.append(1) or f(x), X, checkpoint=path)
    assert Path(path).name in str(caught.value)
    assert not calls


def test_a_missing_folder_is_noticed_before_the_run(tmp_path):
    fails_at_once(tmp_path / "none" / "run.npz", FileNotFoundError, "no checkpoint can be written.*give a path")
    (tmp_path / "file").touch()
    fails_at_once(tmp_path / "file" / "run.npz", NotADirectoryError)
    assert os.listdir(tmp_path) == ["file"]


def test_a_path_of_no_file_is_noticed_before_the_run(tmp_path):
    (tmp_path / "folder").mkdir()
    fails_at_once(tmp_path / "folder", ValueError, "is a directory; give the path of a file")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "fifo")
        fails_at_once(tmp_path / "fifo", ValueError, "is no regular file")
        fails_at_once("/dev/null", ValueError, "is no regular file")
    assert set(os.listdir(tmp_path)) <= {"folder", "fifo"}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="who is root may write everywhere")
def test_missing_rights_are_noticed_before_the_run(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o500)
    fails_at_once(folder / "run.npz", PermissionError, "no checkpoint can be written")


def test_a_full_disk_is_noticed_before_the_run(tmp_path, monkeypatch):
    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    fails_at_once(tmp_path / "run.npz", OSError, "No space left on device.*room")
    assert not os.listdir(tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="has no limits of file sizes")
def test_room_is_asked_for_the_whole_state(tmp_path):
    """A limit of the system's, below what x and what goes with it take."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(OSError, match="no checkpoint can be written"):
            fg.gradient_descent(f, np.ones(10_000), checkpoint=tmp_path / "run.npz")
        assert fg.gradient_descent(f, X, checkpoint=tmp_path / "small.npz").success
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert os.listdir(tmp_path) == ["small.npz"]


def test_a_failing_write_is_one_warning_and_the_run_goes_on(tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    fg.gradient_descent(f, X, checkpoint=path, **OPTIONS | {"maxiter": 3})
    kept, tries = path.read_bytes(), []

    def failing(*names):
        tries.append(1)
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", failing)
    # After every iteration, however long a write takes.
    monkeypatch.setattr(Checkpoint, "due", property(lambda self: 0.0, lambda self, when: None), raising=False)
    with pytest.warns(RuntimeWarning, match="cannot be written.*No space left") as caught:
        found = fg.gradient_descent(f, X, checkpoint=path, callback=lambda result: False, **OPTIONS)
    assert [Path(warning.filename).name for warning in caught] == [Path(__file__).name]
    monkeypatch.undo()
    assert len(tries) == 47 + 1
    assert path.read_bytes() == kept
    assert os.listdir(tmp_path) == ["run.npz"]
    expected = fg.gradient_descent(f, X, **OPTIONS)
    assert np.array_equal(found.x, expected.x)
    assert found.status == expected.status


def test_a_write_is_tried_again(tmp_path, monkeypatch):
    path, replace, tries = tmp_path / "run.npz", os.replace, []

    def failing_once(*names):
        tries.append(1)
        if len(tries) == 1:
            raise OSError(errno.EIO, "Input/output error")
        replace(*names)

    monkeypatch.setattr(os, "replace", failing_once)
    with pytest.warns(RuntimeWarning, match="Input/output error"):
        found = fg.gradient_descent(f, X, checkpoint=path, checkpoint_every=0.0, **OPTIONS)
    again = fg.gradient_descent(f, checkpoint=path, **OPTIONS)
    assert (again.x == found.x).all()
    assert again.nit == found.nit == 50


def test_a_folder_that_goes_loses_nothing(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()

    def callback(result):
        if result.nit == 10:
            shutil.rmtree(folder)

    with pytest.warns(RuntimeWarning, match="cannot be written"):
        found = fg.gradient_descent(
            f, X, checkpoint=folder / "run.npz", checkpoint_every=0.0, callback=callback, **OPTIONS
        )
    assert found.nit == 50
    assert not os.listdir(tmp_path)


def test_a_folder_that_is_changed_during_the_run(tmp_path, monkeypatch):
    """The path is that of the call, whatever f does."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()

    def wandering(x):
        os.chdir(tmp_path / "elsewhere")
        return f(x)

    fg.gradient_descent(wandering, X, checkpoint="run.npz", **OPTIONS)
    assert sorted(os.listdir(tmp_path)) == ["elsewhere", "run.npz"]
    assert not os.listdir(tmp_path / "elsewhere")


def test_what_a_crash_left_is_taken_away(tmp_path):
    (tmp_path / "run.npz.part").write_bytes(b"half a file")
    (tmp_path / "run.npz.lock").write_bytes(b"process 1 on somewhere")
    fg.gradient_descent(f, X, checkpoint=tmp_path / "run.npz", **OPTIONS)
    assert os.listdir(tmp_path) == ["run.npz"]


@pytest.mark.parametrize("interrupted", [1, 2])
def test_ctrl_c_while_the_end_is_written(interrupted, tmp_path, monkeypatch):
    path, replace, tries = tmp_path / "run.npz", os.replace, []

    def broken_off(*names):
        tries.append(1)
        if len(tries) <= interrupted:
            raise KeyboardInterrupt
        replace(*names)

    monkeypatch.setattr(os, "replace", broken_off)
    if interrupted == 2:
        with pytest.raises(KeyboardInterrupt):
            fg.gradient_descent(f, X, checkpoint=path, **OPTIONS)
        assert not os.listdir(tmp_path)
        return
    found = fg.gradient_descent(f, X, checkpoint=path, **OPTIONS)
    assert (found.status, found.nit) == (5, 50)
    assert "maxiter=50" in found.message
    assert os.listdir(tmp_path) == ["run.npz"]
