"""Memory over many calls: python tests/soak.py CALLS [VERB ...]. Half of the calls raise.

Prints the growth of the resident set and of traced blocks from one tenth of the calls to their end, for each verb.
"""

import contextlib
import gc
import resource
import sys
import time
import warnings

from verbs import VERBS, OwnError


def failing(x):
    raise OwnError


def resident():
    """KiB in use now, or at most so far where the system does not say."""
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize() // 1024
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def main():
    warnings.simplefilter("ignore")
    calls, names = int(sys.argv[1]), sys.argv[2:] or list(VERBS)
    for name in names:
        run, f = VERBS[name]
        started = time.perf_counter()
        for k in range(calls // 2):
            if k == calls // 20:
                gc.collect()
                before = resident(), sys.getallocatedblocks()
            run(f)
            with contextlib.suppress(OwnError):
                run(failing)
        gc.collect()
        kib, blocks = resident() - before[0], sys.getallocatedblocks() - before[1]
        print(
            f"{name:<20} {calls} calls: {kib:+d} KiB, {blocks:+d} blocks, {time.perf_counter() - started:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
