"""The gradient of a slow simulation on a Dask cluster, with a worker killed in the middle.

python examples/distributed.py [--workers N] [--parameters N]    (pip install 'fastgrad[distributed,progress]')

A rod of 100 cells cools; the misfit to temperatures taken at its end depends on the conductivity of each cell. One
simulation takes some 50 ms, a gradient two for each cell. The cluster here is processes on this machine;
`distributed.Client("scheduler:8786")` would be one of many.
"""

import argparse
import os
import signal
import sys
import threading
import time
from pathlib import Path

# This file has the name of a package that it needs.
sys.path = [place for place in sys.path if Path(place).resolve() != Path(__file__).parent.resolve()]

import numpy as np  # noqa: E402

import fastgrad as fg  # noqa: E402


def make_misfit(cells, steps=16000):
    """The misfit of a rod's simulated temperatures at its end, as a function of its cells' conductivities."""
    start = np.linspace(1.0, 2.0, cells)
    measured = np.random.default_rng(0).normal(1.2, 0.01, steps // 100)

    def misfit(conductivity):
        temperature, total = start.copy(), 0.0
        between = 0.5 * (conductivity[1:] + conductivity[:-1])
        for step in range(steps):
            flow = 0.2 * between * np.diff(temperature)
            temperature[:-1] += flow
            temperature[1:] -= flow
            temperature[-1] *= 0.999
            if step % 100 == 0:
                total += (temperature[-1] - measured[step // 100]) ** 2
        return total

    return misfit


def timed(compute):
    """What a function returns, and how long it took."""
    started = time.perf_counter()
    return compute(), time.perf_counter() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--parameters", type=int, default=100)
    options = parser.parse_args()
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise ImportError("the cluster is one of Dask: pip install 'fastgrad[distributed,progress]'") from error

    misfit = make_misfit(options.parameters)
    conductivity = np.ones(options.parameters)
    alone, seconds = timed(lambda: fg.gradient(misfit, conductivity, progress=True))
    print(f"alone: {seconds:.1f} s, {1e3 * seconds / (2 * options.parameters):.0f} ms an evaluation")
    local = LocalCluster(n_workers=options.workers, threads_per_worker=1, dashboard_address=":0")
    with local as cluster, Client(cluster) as client:
        executor = client.get_executor()
        together, shared = timed(lambda: fg.gradient(misfit, conductivity, workers=executor, progress=True))
        print(f"{options.workers} workers: {shared:.1f} s, {seconds / shared:.2f} times as fast")
        print(f"the same to the last bit: {bool((together == alone).all())}")

        victim = min(client.run(os.getpid).values())
        threading.Timer(shared / 2, os.kill, (victim, signal.SIGKILL)).start()
        again, bereft = timed(lambda: fg.gradient(misfit, conductivity, workers=executor))
        print(f"with a worker killed after {shared / 2:.1f} s: {bereft:.1f} s")
        print(f"the same to the last bit: {bool((again == alone).all())}")


if __name__ == "__main__":
    main()
