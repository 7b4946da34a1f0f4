"""How long Ctrl-C waits: real SIGINTs at random moments of four kinds of work.

python bench/interrupts.py [SIGNALS]

tests/test_reliability.py takes the same work and asserts what does not depend on the machine.
"""

import signal
import statistics
import sys
import threading
import time

import numpy as np

import fastgrad as fg


def cubes(x):
    return float(np.sum(x**3))


def work_of(kind):
    """A function that works for long enough to be interrupted."""
    rng = np.random.default_rng(0)
    if kind == "python":
        return lambda: fg.gradient(cubes, np.ones(3000))
    if kind == "grid":
        samples = rng.normal(size=(3000, 1000))
        return lambda: fg.grid.gradient(samples, order=8)
    f, points = fg.compile(lambda x: x[0] * x[1] + x[9]), rng.uniform(-1, 1, (400_000, 10))
    return lambda: fg.batch_gradient(f, points, workers=2 if kind == "threads" else 1)


MOST_WAIT = 0.1  # seconds
KINDS = ("python", "compiled", "threads", "grid")


def waits(work, signals):
    """Seconds from each SIGINT to the KeyboardInterrupt that the caller of `work` gets."""
    rng, seconds, sent = np.random.default_rng(0), [], [0.0]
    ready = []

    def interrupt(delay):
        # Not before start() below has returned: threading's own locks do not bear a KeyboardInterrupt.
        while not ready:
            time.sleep(1e-4)
        time.sleep(delay)
        sent[0] = time.perf_counter()
        signal.raise_signal(signal.SIGINT)

    old = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        for _ in range(signals):
            ready.clear()
            thread = threading.Thread(target=interrupt, args=(float(rng.uniform(1e-4, 0.02)),))
            thread.start()
            try:
                ready.append(True)
                while True:
                    work()
            except KeyboardInterrupt:
                seconds.append(time.perf_counter() - sent[0])
            thread.join()
    finally:
        signal.signal(signal.SIGINT, old)
    return seconds


def longest(kind, signals=25):
    """The longest wait of one kind of work."""
    work = work_of(kind)
    work()
    return max(waits(work, signals))


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    for kind in KINDS:
        work = work_of(kind)
        work()
        found = sorted(waits(work, count))
        median, late = statistics.median(found), sum(each > MOST_WAIT for each in found)
        print(f"{kind:<10} median {median:.4f} s, longest {found[-1]:.4f} s; {late} of {count} above {MOST_WAIT} s")
