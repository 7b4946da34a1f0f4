"""``pytest bench``: the workloads under pytest-benchmark."""

import pytest
from workloads import WORKLOADS


@pytest.mark.parametrize("row", ["fastgrad", "limit", "scipy 3-point", "statsmodels", "numpy broadcast"])
@pytest.mark.parametrize("name", WORKLOADS)
def test_workload(benchmark, name, row):
    benchmark.group = name
    rows = WORKLOADS[name][0]()
    chosen = next((rows[key] for key in rows if key.startswith(row)), None)
    if chosen is None:
        pytest.skip(f"no {row} for {name}")
    benchmark(chosen)
