"""Arrays of PyTorch and JAX as NumPy's; neither is imported to find out, nor for anybody who does not use it."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

_OF_NUMPY = "biufc"  # kinds of types that NumPy computes with: bfloat16 is none


def library_of(value: Any) -> str:
    """What an array's library is: ``"torch"``, ``"jax"``, or "" for all others."""
    for library, name in (("torch", "Tensor"), ("jax", "Array")):
        kind = getattr(sys.modules.get(library), name, None)
        if isinstance(kind, type) and isinstance(value, kind):
            return library
    return ""


def as_numpy(value: Any) -> Any:
    """An array of PyTorch or JAX as one of NumPy, without its graph and on the CPU; all others as they are."""
    library = library_of(value)
    if library == "torch":
        return _of_torch(value)
    if library == "jax":
        found = np.asarray(value)
        return found if found.dtype.kind in _OF_NUMPY else found.astype(np.float32)
    return value


def _of_torch(value: Any) -> Any:
    torch = sys.modules["torch"]
    found = value.detach()
    if found.layout is not torch.strided:
        found = found.to_dense()
    if found.is_floating_point() and found.element_size() < 4:
        found = found.to(torch.float32)
    return found.resolve_conj().resolve_neg().cpu().numpy()
