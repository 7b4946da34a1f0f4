"""``pytest bench``: the workloads under pytest-benchmark."""

import functools

import pytest
from workloads import WORKLOADS


@functools.lru_cache(maxsize=1)
def rows_of(name):
    """Made once for all rows, which come one after the other."""
    return WORKLOADS[name].make()


@pytest.mark.parametrize(
    "row", ["fastgrad", "limit", "scipy 3-point", "statsmodels", "numpy broadcast", "findiff", "numba", "jax"]
)
@pytest.mark.parametrize("name", WORKLOADS)
def test_workload(benchmark, name, row):
    benchmark.group = name
    rows = rows_of(name)
    chosen = next((rows[key] for key in rows if key.startswith(row)), None)
    if chosen is None:
        pytest.skip(f"no {row} for {name}")
    benchmark(chosen)
