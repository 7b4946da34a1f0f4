"""fastgrad: gradients of any function you can call, at the cost of calling it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

try:
    from . import _kernels
except ImportError as error:
    raise ImportError(
        "fastgrad's extension module is not built. In a source tree, run `pip install -e .` "
        "(or `python setup.py build_ext --inplace`); else leave the source folder, or reinstall fastgrad"
    ) from error

from . import stencils
from ._build import build_info
from .derivatives import batch_gradient, directional, gradient, partial
from .transforms import grad, value_and_grad

if TYPE_CHECKING:
    from . import grid, testing
    from .adaptive import Derivative, differentiate, noise_level
    from .checking import GradientCheck, Mismatch, check_grad
    from .compiling import compile
    from .descent import DescentResult, gradient_descent
    from .jacobian_checking import check_jacobian
    from .matrices import batch_jacobian, hessian, jacobian
    from .plans import JacobianPlan, plan_jacobian
    from .products import hvp, jvp
    from .sensitivities import Sensitivity, sensitivity

__version__: str = _kernels.build()[2]

__all__ = [
    "Derivative",
    "DescentResult",
    "GradientCheck",
    "JacobianPlan",
    "Mismatch",
    "Sensitivity",
    "batch_gradient",
    "batch_jacobian",
    "build_info",
    "check_grad",
    "check_jacobian",
    "compile",
    "differentiate",
    "directional",
    "grad",
    "gradient",
    "gradient_descent",
    "grid",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "noise_level",
    "partial",
    "plan_jacobian",
    "sensitivity",
    "stencils",
    "testing",
    "value_and_grad",
]

# Loaded when first used: importing fastgrad should cost little more than importing NumPy.
_ON_USE = {
    "Derivative": "adaptive",
    "DescentResult": "descent",
    "GradientCheck": "checking",
    "Mismatch": "checking",
    "check_grad": "checking",
    "check_jacobian": "jacobian_checking",
    "compile": "compiling",
    "differentiate": "adaptive",
    "gradient_descent": "descent",
    "noise_level": "adaptive",
    "batch_jacobian": "matrices",
    "hessian": "matrices",
    "jacobian": "matrices",
    "hvp": "products",
    "jvp": "products",
    "JacobianPlan": "plans",
    "plan_jacobian": "plans",
    "Sensitivity": "sensitivities",
    "sensitivity": "sensitivities",
}


def __getattr__(name: str) -> Any:
    import importlib

    if name in ("grid", "testing"):
        return importlib.import_module(f".{name}", __name__)
    if name in _ON_USE:
        found = getattr(importlib.import_module(f".{_ON_USE[name]}", __name__), name)
        globals()[name] = found  # the next access finds it at once
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
