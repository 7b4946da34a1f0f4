"""What nothing can be faster than: the bare calls, hand-written loops, the traffic of memory; in C, built when used."""

import ctypes
import functools
import subprocess
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np


@functools.cache
def built(name, *flags):
    """A C file of this folder, compiled: the path of the shared library."""
    source = Path(__file__).with_name(name)
    target = Path(tempfile.mkdtemp()) / "built.so"
    compiler = (sysconfig.get_config_var("CC") or "cc").split()
    include = sysconfig.get_paths()["include"]
    extra = ["-undefined", "dynamic_lookup"] if sys.platform == "darwin" else []
    command = [*compiler, "-O3", *flags, "-shared", "-fPIC", f"-I{include}", str(source), "-o", str(target), *extra]
    subprocess.run(command, check=True)
    return str(target)


def build_limit():
    """The bare C loop of calls: ``limit(f, x, count)``."""
    limit = ctypes.PyDLL(built("limits.c")).limit_calls
    limit.argtypes = [ctypes.py_object, ctypes.py_object, ctypes.c_ssize_t]
    return limit


def build_compiled():
    """Rosenbrock by pointer and in columns, and the hand-written loops of differences: (pointer, columns, loops)."""
    library = ctypes.CDLL(built("compiled.c", "-march=native"))
    array = ctypes.POINTER(ctypes.c_double)
    pointer, columns = library.rosenbrock, library.rosenbrock_columns
    pointer.restype, pointer.argtypes = ctypes.c_double, [ctypes.c_int, array, ctypes.c_void_p]
    columns.restype = ctypes.c_int
    columns.argtypes = [ctypes.c_int, ctypes.c_int, array, array, ctypes.c_void_p]
    loops = {}
    for name in ("limit_in_place", "limit_copies", "limit_descent_in_place", "limit_descent_copies"):
        loop = getattr(library, name)
        loop.restype = None
        rest = [ctypes.c_int, ctypes.c_double] if "descent" in name else [ctypes.c_void_p]
        loop.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_void_p, *rest]
        loops[name.replace("_", " ")] = loop
    return pointer, columns, loops


def bandwidth_limit(shape, dtype, outputs):
    """One read and so many writes of an array, in two threads, at the speed of memory."""
    library = ctypes.CDLL(built("bandwidth.c", "-march=native"))
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize // 128 * 128
    # Whole lines, on their boundaries; written once, or all reads would go to the system's one page of zeros.
    arrays = [np.ones(size + 64, dtype=np.int8) for _ in range(outputs + 1)]
    starts = [array.ctypes.data + -array.ctypes.data % 64 for array in arrays]
    targets = (ctypes.c_void_p * outputs)(*starts[1:])
    pool = ThreadPoolExecutor(2)

    def half(which):
        begin, end = which * size // 2, (which + 1) * size // 2
        library.limit_bandwidth(
            ctypes.c_void_p(starts[0]), targets, outputs, ctypes.c_ssize_t(begin), ctypes.c_ssize_t(end)
        )
        return arrays  # kept as long as this function

    return lambda: list(pool.map(half, range(2)))
