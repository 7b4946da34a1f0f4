"""Derivatives of sampled arrays."""

import numpy as np
from _limits import bandwidth_limit
from _peers import findiff, if_installed

import fastgrad as fg


def samples(shape, dtype, order=2):
    """All axes, two threads, `out` given, against the traffic alone and peers."""
    values = np.random.default_rng(0).normal(size=shape).astype(dtype)
    out = [np.empty_like(values) for _ in shape]
    target = out[0] if len(shape) == 1 else out
    rows = {
        "fastgrad": lambda: fg.grid.gradient(values, out=target, workers=2, order=order),
        "limit": bandwidth_limit(shape, dtype, len(shape)),
    }
    if order == 2:
        rows["numpy"] = lambda: np.gradient(values)
        rows["findiff"] = if_installed(findiff, values)
    rows["fastgrad"]()
    exact = np.gradient(values)
    for a, (found, wanted) in enumerate(zip(out, [exact] if len(shape) == 1 else exact, strict=True)):
        assert order > 2 or np.allclose(found, wanted, atol=1e-5), a
    return rows


def against_numpy(shape, uneven=False, **options):
    values = np.random.default_rng(0).normal(size=shape)
    spacing = [np.sort(np.random.default_rng(1).uniform(size=n)) for n in shape] if uneven else []
    rows = {
        "fastgrad": lambda: fg.grid.gradient(values, *spacing, **options),
        "limit numpy.gradient": lambda: np.gradient(values, *spacing),
    }
    assert np.allclose(rows["fastgrad"](), rows["limit numpy.gradient"](), rtol=1e-6)
    return rows
