"""Large problems: time beside the bare calls of f, and peak memory beside x and the result.

python bench/load.py [NAME ...]     those whose name contains NAME; all by default (some minutes, 6 GiB)

calls        of f, in the batch of 1000 points each
of calls     seconds of the processor, divided by those of the bare calls of f, and of a gradient that is given
MiB          the most memory that the process took on meanwhile, its result included
result       MiB of the result alone
"""

import json
import resource
import subprocess
import sys
import time

import numpy as np

import fastgrad as fg

MIB = 2**20


def product(x):
    """Looks at two of its coordinates."""
    return x[0] * x[1]


def squares(x):
    """Looks at all of them."""
    return float(x @ x)


def doubled(x):
    """As many values as coordinates."""
    return 2.0 * x


def neighbours(x):
    """Each value from a coordinate and its two neighbours."""
    values = 2.0 * x
    values[1:] -= x[:-1]
    values[:-1] -= x[1:]
    return values


def rows_of_squares(X):
    """`squares` of many points."""
    return np.einsum("ij,ij->i", X, X)


def gradient(n):
    """A gradient of a function that costs next to nothing."""
    x = np.ones(n)
    return lambda: fg.gradient(product, x), [(product, x, lambda _: 2 * n)]


def batch(b, n):
    """Gradients at many points, of a vectorised function."""
    X = np.ones((b, n))
    calls = 2 * n * b // 1000
    return lambda: fg.batch_gradient(rows_of_squares, X, vectorized=True), [
        (rows_of_squares, X[:1000], lambda _: calls)
    ]


def dense(n):
    """A dense Jacobian."""
    x = np.ones(n)
    return lambda: fg.jacobian(doubled, x), [(doubled, x, lambda _: 2 * n + 1)]


def sparse(n):
    """A Jacobian of three diagonals."""
    from scipy.sparse import diags_array

    x = np.ones(n)
    pattern = diags_array([np.ones(n - 1), np.ones(n), np.ones(n - 1)], offsets=[-1, 0, 1], format="csr")
    return lambda: fg.jacobian(neighbours, x, sparsity=pattern), [(neighbours, x, lambda _: 7)]


def check(n):
    """A gradient checked by random directions."""
    x = np.linspace(0.5, 1.5, n)
    return lambda: fg.check_grad(squares, doubled, x), [
        (squares, x, lambda found: found.nfev),
        (doubled, x, lambda _: 1),
    ]


def descent(n):
    """Twenty iterations with a given gradient."""
    x = np.linspace(0.5, 1.5, n)
    return (
        lambda: fg.gradient_descent(squares, x, grad=doubled, learning_rate=0.01, maxiter=20),
        [(squares, x, lambda found: found.nfev), (doubled, x, lambda found: found.njev)],
    )


JOBS = {
    "gradient, n = 10^3": (gradient, 10**3),
    "gradient, n = 10^5": (gradient, 10**5),
    "gradient, n = 10^6": (gradient, 10**6),
    "gradient, n = 10^7": (gradient, 10**7),
    "batch of 10^6 x 100": (batch, 10**6, 100),
    "dense Jacobian, 10^4 x 10^4": (dense, 10**4),
    "sparse Jacobian, n = 10^6": (sparse, 10**6),
    "check_grad, n = 10^7": (check, 10**7),
    "descent, n = 10^6": (descent, 10**6),
}


def peak():
    """The most bytes that the process has taken."""
    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return size if sys.platform == "darwin" else 1024 * size


def bare(f, x, calls):
    """Seconds of so many calls of f, from those that half a second has room for."""
    done, started = 0, time.process_time()
    while (seconds := time.process_time() - started) < 0.5:
        for _ in range(100 if x.size > 10**4 else 10_000):
            f(x)
        done += 100 if x.size > 10**4 else 10_000
    return seconds * calls / done


def size_of(result):
    """Bytes of the arrays of a result."""
    if isinstance(result, np.ndarray):
        return result.nbytes
    names = ("data", "indices", "indptr", "x", "jac")
    return sum(getattr(result, name).nbytes for name in names if hasattr(result, name))


def measured(name):
    """One job, in this process."""
    job, *sizes = JOBS[name]
    # What is loaded and allocated once is no part of it.
    job(*(min(size, 1000) for size in sizes))[0]()
    verb, functions = job(*sizes)
    for f, x, _ in functions:
        f(x)
    before = peak()
    started = time.process_time()
    result = verb()
    seconds = time.process_time() - started
    most = peak() - before
    calls = [(f, x, count(result)) for f, x, count in functions]
    alone = sum(bare(*each) for each in calls)
    return {"calls": calls[0][2], "ratio": seconds / alone, "most": most / MIB, "size": size_of(result) / MIB}


def main():
    names = [name for name in JOBS if not sys.argv[1:] or any(word in name for word in sys.argv[1:])]
    print(f"{'':30} {'calls':>9} {'of calls':>9} {'MiB':>7} {'result':>7}")
    for name in names:
        run = subprocess.run([sys.executable, __file__, "--one", name], capture_output=True, text=True, check=True)
        row = json.loads(run.stdout)
        print(f"{name:30} {row['calls']:9.3g} {row['ratio']:9.2f} {row['most']:7.0f} {row['size']:7.0f}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measured(sys.argv[2])))
    else:
        main()
