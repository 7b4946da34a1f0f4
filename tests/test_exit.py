"""Threads that compute when the interpreter ends, or forks: nothing that they read is freed, nothing waits for ever."""

import os
import subprocess
import sys

import pytest

# A daemon thread with helpers at work; what is registered before fastgrad is imported runs at exit after all of its.
AT_WORK = """
import atexit, ctypes, os, sys, threading, time
calls, under_way = [], set()

@atexit.register
def after_the_helpers_ended():
    if not owner.is_alive():  # in a forked child
        return
    helping = under_way - {owner.ident}
    before = len(calls)
    while len(calls) < before + 10:
        time.sleep(0.001)
    print("helping:", len(helping), "others since:", len(set(calls[before:]) - {owner.ident}))

import numpy as np, fastgrad as fg

@ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_int, ctypes.POINTER(ctypes.c_double), ctypes.c_void_p)
def f(n, x, data):
    me = threading.get_ident()
    under_way.add(me)
    calls.append(me)
    time.sleep(0.002)
    under_way.discard(me)
    return x[0] ** 2

points = np.ones((100_000, 2))
work = {
    "batch": lambda: fg.batch_gradient(f, points, workers=3),
    "descents": lambda: fg.gradient_descent(f, points, batch=True, learning_rate=0.01, workers=3),
}["KIND"]
owner = threading.Thread(target=work, daemon=True)
owner.start()
while len(set(calls)) < 2:
    time.sleep(0.001)
"""
FORKED = """
child = os.fork()
if not child:
    fg.batch_gradient(f, points[:100], workers=3)
    sys.exit(7)
print("child:", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def printed(code):
    """What a script printed; it must end without a crash."""
    # Not with the folder that we are in, whose sources may not be built.
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("kind", ["batch", "descents"])
def test_helpers_end_before_the_interpreter_and_no_more_start(kind):
    """What they read is on the stack of the thread that they help: it goes on alone until the interpreter ends it."""
    assert printed(AT_WORK.replace("KIND", kind)) == "helping: 0 others since: 0\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_forked_child_waits_for_none_of_the_parents_helpers():
    """Neither when it works nor when it ends: it has its one thread, and starts helpers of its own."""
    found = printed(AT_WORK.replace("KIND", "batch") + FORKED)
    assert sorted(found.splitlines()) == ["child: 7", "helping: 0 others since: 0"]
