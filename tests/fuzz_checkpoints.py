"""Broken checkpoints: python tests/fuzz_checkpoints.py CASES [SEED].

Each case changes the file of a run somewhere (bits, lengths, members, headers, values) and goes on from it: that is a
ValueError, or a run that ends as any other. Anything else (another exception, a crash, a run of more than a minute)
ends the script, and the file is left where it says.
"""

import faulthandler
import io
import json
import os
import shutil
import sys
import tempfile
import warnings
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np

import fastgrad as fg

SECONDS = 60  # a case takes some milliseconds
NUMBERS = (0.0, -0.0, 1.0, -1.0, 0.5, np.nan, np.inf, -np.inf, 5e-324, 1e-300, 1e300, -1e300, 2.0**53, 2.0**63)
WHOLE = (0, 1, -1, 2, 5, 6, 7, 100, 2**31, 2**53, 2**53 + 1, 2**62, 2**63 - 1, -(2**63))
LENGTHS = (0, 1, 2, 3, 4, 7, 2**31, 2**40, 2**62, 2**63, 10**30, -1)
KINDS = ("<f8", ">f8", "<f4", "<i8", "<i4", "<u8", "|b1", "<c16", "|O", "|S8", "<U8", "<M8[s]", "|V8")


def f(x):
    return float(((x - 0.5) ** 2).sum() + 0.1 * (x**4).sum())


def gradient_of_f(x):
    return 2 * (x - 0.5) + 0.4 * x**3


RUNS = (
    (2, {}),
    (3, {"method": "adam", "learning_rate": 0.01, "grad": gradient_of_f}),
    (2, {"method": "bb", "grad": "forward"}),
    (4, {"method": "momentum", "learning_rate": 0.01, "bounds": (-2.0, 2.0)}),
    (1, {"method": "nesterov", "learning_rate": 0.01, "history": False}),
    (2, {"method": "bb", "learning_rate": 0.01, "grad": gradient_of_f, "history": False}),
)


def go(n, options, path, maxiter, with_x0=True):
    start = {"x0": np.linspace(-1.0, 1.5, n)} if with_x0 else {}
    return fg.gradient_descent(f, **start, checkpoint=path, checkpoint_every=1e9, gtol=0.0, maxiter=maxiter, **options)


# --- What is changed: each takes the bytes of a file, and gives others -----------------------------------------------


def members_of(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [[name, archive.read(name)] for name in archive.namelist()]


def zipped(members, kind=zipfile.ZIP_STORED):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", kind) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return file.getvalue()


def bits(data, rng):
    data = bytearray(data)
    # Of the directory at the end too, which is short.
    begin = 0 if rng.random() < 0.5 else len(data) - 1500
    for place in rng.integers(begin, len(data), rng.integers(1, 8)):
        data[place] ^= 1 << int(rng.integers(8))
    return bytes(data)


def lengths(data, rng):
    first, last = sorted(rng.integers(0, len(data), 2).tolist())
    several = (
        data[:first],
        data[first:],
        data[:first] + data[last:],
        data[:last] + data[first:],
        data + data[first:last],
        data[:last] + rng.bytes(40) + data[last:],
        rng.bytes(first % 300),
        b"",
    )
    return several[rng.integers(len(several))]


def names(data, rng):
    members = members_of(data)
    one, other = rng.choice(len(members), 2, replace=False)
    what = rng.integers(5)
    if what == 0:
        members[one][1], members[other][1] = members[other][1], members[one][1]
    elif what == 1:
        del members[one]
    elif what == 2:
        members.append([members[one][0], members[other][1]])
    elif what == 3:
        members[one][0] = str(
            rng.choice(["other.npy", "x", "\udcff.npy".encode("utf-8", "replace").decode(), "/x.npy", ".npy"])
        )
    else:
        return zipped(members, zipfile.ZIP_DEFLATED)
    return zipped(members)


def headers(data, rng):
    members = members_of(data)
    one = members[rng.integers(len(members))]
    size = 10 + int.from_bytes(one[1][8:10], "little")
    head, rest = bytearray(one[1][:size]), one[1][size:]
    what = rng.integers(4)
    if what == 0:
        for place in rng.integers(0, size, rng.integers(1, 4)):
            head[place] = rng.integers(256)
    elif what == 1:
        head[6:8] = bytes(rng.integers(0, 4, 2).tolist())
    else:
        shape = ", ".join(str(rng.choice(LENGTHS)) for _ in range(rng.integers(4)))
        order = rng.random() < 0.1
        text = f"{{'descr': '{rng.choice(KINDS)}', 'fortran_order': {order}, 'shape': ({shape},), }}"
        text = text.replace("(,)", "()").encode().ljust(size - 11) + b"\n"
        head[8:] = len(text).to_bytes(2, "little") + text
    one[1] = bytes(head) + (rest if rng.random() < 0.8 else rest[: len(rest) // 2])
    return zipped(members)


def arrays(data, rng):
    """Files that are archives of arrays as before, with one that is another."""
    members = members_of(data)
    one = members[rng.integers(len(members))]
    array = np.load(io.BytesIO(one[1]))
    what = rng.integers(7)
    if array.dtype.kind == "U":
        array = np.array(text(str(array), rng))
    elif what == 0:
        array = np.array(rng.choice(NUMBERS), dtype=rng.choice(["f8", "f4", "U9"]))
    elif what == 1:
        array = np.full(rng.integers(0, 6, rng.integers(1, 4)), rng.choice(NUMBERS))
    elif what == 2:
        array = array.astype(rng.choice(["f8", "f4", ">f8", "c16", "U9", "i8", "u8"]))
    elif what == 3:
        array = array * (1 + rng.choice([1e-15, 1e-9, 1e-3, 1.0]) * rng.standard_normal(array.shape))
    elif array.size:
        # Of the same kind and shape: what is read may only be wrong in its values.
        array = array.copy()
        several = WHOLE if array.dtype.kind == "i" else NUMBERS
        array.flat[rng.integers(array.size)] = rng.choice(np.array(several, dtype=array.dtype))
    file = io.BytesIO()
    np.save(file, array)
    one[1] = file.getvalue()
    return zipped(members)


def text(options, rng):
    """The options, as JSON that is another or none."""
    what = rng.integers(4)
    if what == 0:
        place = int(rng.integers(len(options)))
        return (
            options[:place]
            + str(rng.choice(['"', "}", "[", "1", "", "\x01", "é", "null", "NaN"]))
            + options[place + 1 :]
        )
    if what == 1:
        return str(rng.choice(["", "[]", "{}", "3", "null", "[" * 5000, '"' * 9, "1" * 5000, '{"a": 1}']))
    loaded = json.loads(options)
    name = str(rng.choice(list(loaded)))
    values = (None, True, 0, -1, 1.5, [], [-1], [2**70], {}, "gd", [1] * 40, [True], [[3]], 10**400)
    loaded[name] = values[rng.integers(len(values))]
    return json.dumps(loaded)


CHANGES = (bits, lengths, names, headers, arrays, arrays)


def fuzz(cases, seed, folder):
    """How many cases were refused, and how many ended as runs, by kind of change."""
    rng, counts, path = np.random.default_rng(seed), Counter(), Path(folder) / "run.npz"
    originals = []
    for n, options in RUNS:
        path.unlink(missing_ok=True)
        go(n, options, path, 6)
        originals.append(path.read_bytes())
    for case in range(cases):
        k, change, with_x0 = rng.integers(len(RUNS)), CHANGES[case % len(CHANGES)], rng.random() < 0.7
        path.write_bytes(change(originals[k], rng))
        shutil.copy(path, path.with_name("case.npz"))
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        try:
            result = go(*RUNS[k], path, 12, with_x0)
        except ValueError:
            counts[change.__name__, "refused"] += 1
        except TypeError:
            # A file may say that x was no array: then x0 is needed.
            if with_x0:
                raise
            counts[change.__name__, "refused"] += 1
        else:
            # f raises nothing, so that anything else that is raised under way would be a fault.
            far = "f is inf at x itself" in str(result.exception)
            assert result.exception is None or far, repr(result.exception)
            assert result.status in (0, 1, 2, 3, 4 * far)
            counts[change.__name__, "ended"] += 1
        finally:
            faulthandler.cancel_dump_traceback_later()
    return counts


def main():
    warnings.simplefilter("ignore")
    faulthandler.enable()
    # Cases are no runs that anybody wants to keep.
    os.fsync = lambda handle: None
    folder = Path(tempfile.mkdtemp())
    print("the file of a case:", folder / "case.npz", flush=True)
    counts = fuzz(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0, folder)
    for (change, end), count in sorted(counts.items()):
        print(f"{change:<10} {end:<10} {count}")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main()
