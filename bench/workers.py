"""How much faster a gradient is with two workers, by the time that f takes: n = 50, 100 evaluations.

python bench/workers.py    (pip install '.[workers,distributed]')

f sleeps, so that this shows what sending and waiting cost, and nothing of the machine's cores.
"""

import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np

import fastgrad as fg

N = 50
MILLISECONDS = (0.1, 1, 10, 50)


def make_sleeper(seconds):
    def f(x):
        # Not time.sleep alone: it oversleeps by some 0.06 ms.
        end = time.perf_counter() + seconds
        if seconds > 0.002:
            time.sleep(seconds - 0.001)
        while time.perf_counter() < end:
            pass
        return float(x.sum())

    return f


def seconds_of(f, **options):
    """The best of three gradients, after one that starts the workers."""
    x, best = np.ones(N), np.inf
    fg.gradient(f, x, **options)
    for _ in range(3):
        started = time.perf_counter()
        fg.gradient(f, x, **options)
        best = min(best, time.perf_counter() - started)
    return best


def main():
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise ImportError("the cluster is one of Dask: pip install '.[workers,distributed]'") from error

    with ExitStack() as stack:
        local = LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0")
        client = stack.enter_context(Client(stack.enter_context(local)))
        kinds = {
            "loky: workers=2": 2,
            "ProcessPoolExecutor(2)": stack.enter_context(ProcessPoolExecutor(2)),
            "ThreadPoolExecutor(2)": stack.enter_context(ThreadPoolExecutor(2)),
            "Dask, 2 processes": client.get_executor(),
        }
        print(f"{'times as fast as alone, f of':<30}" + "".join(f"{ms:>7} ms" for ms in MILLISECONDS))
        for name, workers in kinds.items():
            row = []
            for ms in MILLISECONDS:
                f = make_sleeper(ms / 1000)
                row.append(seconds_of(f) / seconds_of(f, workers=workers))
            print(f"{name:<30}" + "".join(f"{ratio:>10.2f}" for ratio in row))


if __name__ == "__main__":
    main()
