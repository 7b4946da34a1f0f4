"""Threads that help with one piece of work: they end with it, and before the interpreter does.

A helper reads what is on the stack of the thread that it helps. When the interpreter ends, a daemon thread that asks for
the GIL is ended where it stands, and its stack is given back: a helper that still computes then reads freed memory.
So at exit all helpers end first, and no more are started; who was helped does the rest alone.
"""
import atexit
import os
import threading
from _thread import allocate_lock, start_new_thread

cdef set _under_way = set()      # a lock for each helper, held until it ends
cdef object _lock = allocate_lock()
cdef bint _leaving = False


cdef bint leaving() noexcept:
    """Whether the interpreter ends: helpers take no more work."""
    return _leaving


cdef int start_helpers(list helpers, Py_ssize_t count, object help) except -1:
    """Starts threads that call help(ended), which releases the lock `ended` when it returns."""
    cdef Py_ssize_t k
    for k in range(count):
        ended = allocate_lock()
        ended.acquire()
        with _lock:
            if _leaving:
                return 0
            try:
                # Not threading.Thread: its start() waits until the thread runs, as long as some gradients take.
                start_new_thread(help, (ended,))
            except RuntimeError:
                return 0  # no more threads here: those that there are do it
            _under_way.add(ended)
            helpers.append(ended)
    return 0


cdef int joined(list helpers) except -1:
    """Waits until all helpers have ended, whatever signals arrive."""
    if not helpers:
        return 0
    interrupted = None
    for ended in helpers:
        # A process that was forked meanwhile has no helpers to wait for.
        while ended in _under_way:
            try:
                ended.acquire()
                ended.release()  # another thread may wait for it too, at exit
                break
            except BaseException as error:
                interrupted = error
    _under_way.difference_update(helpers)
    if interrupted is not None:
        raise interrupted
    return 0


def _leave():
    """Ends all helpers: each when the part that it computes is done."""
    global _leaving
    with _lock:
        _leaving = True
        helpers = list(_under_way)
    joined(helpers)


def _in_child():
    """A forked process has its one thread."""
    global _lock
    _lock = allocate_lock()
    _under_way.clear()


atexit.register(_leave)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
# Loaded by a daemon thread while the interpreter ends, this may be too late for atexit.
_leaving = not threading.main_thread().is_alive()
