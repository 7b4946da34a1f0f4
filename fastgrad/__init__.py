"""fastgrad: gradients of any function you can call, at the cost of calling it."""

from __future__ import annotations

try:
    from . import _kernels
except ImportError as error:
    raise ImportError(
        "fastgrad's extension module is not built. In a source tree, run `pip install -e .` "
        "(or `python setup.py build_ext --inplace`); else leave the source folder, or reinstall fastgrad"
    ) from error

from . import stencils, testing
from ._build import build_info
from .checking import GradientCheck, Mismatch, check_grad
from .derivatives import batch_gradient, directional, grad, gradient, partial, value_and_grad
from .descent import DescentResult, gradient_descent

__version__: str = _kernels.build()[2]

__all__ = [
    "DescentResult",
    "GradientCheck",
    "Mismatch",
    "batch_gradient",
    "build_info",
    "check_grad",
    "directional",
    "grad",
    "gradient",
    "gradient_descent",
    "partial",
    "stencils",
    "testing",
    "value_and_grad",
]
