# Threads that help with one piece of work, and end with it.


cdef inline int start_helpers(list helpers, Py_ssize_t count, object help) except -1:
    """Starts threads that call help(ended), which releases the lock `ended` when it returns."""
    # Not threading.Thread: its start() waits until the thread runs, as long as some gradients take.
    from _thread import allocate_lock, start_new_thread
    cdef Py_ssize_t k
    for k in range(count):
        ended = allocate_lock()
        ended.acquire()
        try:
            start_new_thread(help, (ended,))
        except RuntimeError:
            return 0  # no more threads here: those that there are do it
        helpers.append(ended)
    return 0


cdef inline int joined(list helpers) except -1:
    """Waits until all helpers have ended, whatever signals arrive."""
    interrupted = None
    for ended in helpers:
        while True:
            try:
                ended.acquire()
                break
            except BaseException as error:
                interrupted = error
    if interrupted is not None:
        raise interrupted
    return 0
