"""What a checkpoint's file may be: anything else is one ValueError that says where and what, never a crash."""

import io
import json
import os
import tracemalloc
import zipfile

import fuzz_checkpoints
import numpy as np
import pytest

import fastgrad as fg

N = 3
X = np.linspace(-1.0, 1.0, N)
OPTIONS = {"method": "adam", "learning_rate": 0.01}


def f(x):
    return float((x**2).sum())


def run(path, x0=X, maxiter=8):
    return fg.gradient_descent(f, x0, maxiter=maxiter, checkpoint=path, gtol=0.0, **OPTIONS)


@pytest.fixture
def path(tmp_path):
    run(tmp_path / "run.npz", maxiter=4)
    return tmp_path / "run.npz"


def refused(path, match):
    """With x0 and without: refused before f is asked, and the file is as it was."""
    before, calls = path.read_bytes(), []
    for start in ({"x0": X}, {}):
        with pytest.raises(ValueError, match=match) as caught:
            fg.gradient_descent(lambda x: calls.append(1) or f(x), checkpoint=path, **start, **OPTIONS)
        assert str(path) in str(caught.value)
        assert "delete it to start anew, or give another path" in str(caught.value)
    assert path.read_bytes() == before
    assert not calls
    assert os.listdir(path.parent) == [path.name]


def changed(run, **entries):
    with np.load(run) as file:
        kept = dict(file) | entries
    np.savez(run, **{name: value for name, value in kept.items() if value is not None})


BAD = {
    "x": (np.zeros(N + 1), np.zeros((N, 1)), np.zeros(N, np.float32), np.full(N, np.nan), None, np.float64(1.0)),
    "slope": (np.zeros(1), np.full(N, np.inf), np.zeros(N, complex), None),
    "last_x": (np.zeros(1), np.zeros(0), np.full(N, -np.inf)),
    "last_slope": (np.zeros(1), np.zeros((1, N))),
    "best_x": (np.zeros(1), np.full(N, np.nan)),
    "best_fun": (np.zeros(0), np.float64(1.0), np.array([np.nan])),
    "memory": (np.zeros(N), np.zeros(1), np.full(2 * N, np.nan)),
    "fun": (np.array("abc"), np.array(np.nan), np.array(1), None),
    "before": (np.array(np.inf), np.zeros(1)),
    "recent": (np.array(3.0), np.zeros(11), np.array([np.nan])),
    "rate": (np.array(-1.0), np.array(np.nan), np.array(np.inf)),
    "iteration": (np.array(-(10**9)), np.array(np.nan), np.array(1.0), np.array(2**63 - 1), np.zeros(1, int), None),
    "njev": (np.array(-1), np.array(3, np.uint64)),
    "nfev": (np.array(-1), np.array(True)),
    "seconds": (np.array(-1.0), np.array(np.inf)),
    "look_at": (np.array(-1),),
    "look_interval": (np.array(0), np.array(2**62)),
    "look_norm": (np.array(np.nan), np.array(-1.0)),
    "stage": (np.array(10**6), np.array(-5), np.array(2)),
    "relative_noise": (np.array(0.0), np.array(np.nan), np.array(-1.0)),
    "rows": (np.zeros((3, 2)), np.zeros((0, 5)), np.zeros(5), np.full((2, 5), np.nan), -np.ones((2, 5))),
    "path": (np.zeros((2, 2)), np.zeros((0, 3))),
    "options": tuple(map(np.array, ("[1,2]", "{}", "{", 3, b"{}", "[" * 9999))),
    "other": (np.zeros(3),),
}  # fmt: skip


def test_every_entry_has_bad_values_here(path):
    with np.load(path) as file:
        assert set(file) == set(BAD) - {"other"}


@pytest.mark.parametrize(("entry", "k"), [(name, k) for name, values in BAD.items() for k in range(len(values))])
def test_a_wrong_entry_is_named(entry, k, path):
    changed(path, **{entry: BAD[entry][k]})
    refused(path, "Expecting|Recursion" if entry == "options" and k in (2, 5) else rf"\b{entry}\b")


def test_entries_of_another_byte_order_are_as_good(path):
    expected = path.read_bytes()
    with np.load(path) as file:
        swapped = {name: file[name].astype(file[name].dtype.newbyteorder()) for name in ("x", "iteration", "rows")}
    changed(path, **swapped)
    found = run(path)
    path.write_bytes(expected)
    assert np.array_equal(found.x, run(path).x)


def test_points_outside_their_bounds_are_refused(tmp_path):
    path = tmp_path / "run.npz"
    fg.gradient_descent(f, X, maxiter=3, bounds=(-2.0, 2.0), checkpoint=path)
    for name in ("x", "last_x", "best_x"):
        kept = path.read_bytes()
        changed(path, **{name: np.array([0.0, 3.0, 0.0])})
        with pytest.raises(ValueError, match=rf"{name}\[1\] is 3.0, expected -2 to 2"):
            fg.gradient_descent(f, X, maxiter=3, bounds=(-2.0, 2.0), checkpoint=path)
        path.write_bytes(kept)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("shape", [2]),
        ("shape", [3.5]),
        ("shape", [-3, -1]),
        ("shape", "abc"),
        ("shape", [1] * 40 + [3]),
        ("coordinates", 4),
        ("method", ["adam"]),
        ("momentum", None),
        ("history", False),
        ("unknown", 1),
    ],
)
def test_wrong_options_are_named(name, value, path):
    with np.load(path) as file:
        options = json.loads(str(file["options"]))
    changed(path, options=np.array(json.dumps(options | {name: value})))
    refused(path, f"of a run with 4 {name}" if name == "coordinates" else name)


@pytest.mark.parametrize(
    "content",
    [b"", b"something else", "naïve".encode("latin-1"), b"PK\x05\x06" + bytes(18), b"\x93NUMPY", b"\x80\x04."],
    ids=["empty", "text", "not UTF-8", "an empty zip", "npy", "pickle"],
)
def test_a_file_of_another_kind_is_refused(content, path):
    path.write_bytes(content)
    refused(path, "is no checkpoint of a descent")


@pytest.mark.parametrize("share", [0.01, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(share, path):
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    refused(path, "is no checkpoint of a descent")


def test_objects_are_refused_and_not_unpickled(path):
    class Mine:
        def __reduce__(self):
            return pytest.fail, ("unpickled",)

    changed(path, x=np.array([Mine()], dtype=object))
    refused(path, r"x has dtype '\|O'")


def test_headers_are_believed_only_as_far_as_the_file_goes(path):
    """A shape of 2**40 numbers, a compressed gigabyte: refused before memory is taken for them."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    huge = io.BytesIO()
    np.lib.format.write_array_header_1_0(huge, {"descr": "<f8", "fortran_order": False, "shape": (2**40, 5)})
    claimed = members | {"rows.npy": huge.getvalue() + bytes(40)}
    for content, kind in ((claimed, zipfile.ZIP_STORED), (members | {"path.npy": bytes(10**8)}, zipfile.ZIP_DEFLATED)):
        with zipfile.ZipFile(path, "w", kind) as archive:
            for name, data in content.items():
                archive.writestr(name, data)
        del data, content
        tracemalloc.start()
        try:
            refused(path, "rows|compressed")
            assert tracemalloc.get_traced_memory()[1] < 10**7
        finally:
            tracemalloc.stop()


def test_names_that_are_there_twice_are_refused(path):
    with pytest.warns(UserWarning, match="Duplicate"), zipfile.ZipFile(path, "a") as archive:
        archive.writestr("x.npy", archive.read("x.npy"))
    refused(path, "an entry 'x' twice")


@pytest.mark.filterwarnings("ignore")
def test_broken_files_are_refused_or_run(tmp_path, monkeypatch):
    """A few hundred of those of tests/fuzz_checkpoints.py, which docs/reliability.md has the long run of."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    counts = fuzz_checkpoints.fuzz(300, 7, tmp_path)
    assert sum(counts.values()) == 300
    ended = sum(count for (_, end), count in counts.items() if end == "ended")
    assert 20 < ended < 150
