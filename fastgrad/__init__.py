"""fastgrad: gradients of any function you can call, at the cost of calling it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

try:
    from .evaluate import border
except ImportError as error:
    raise ImportError(
        "fastgrad's extension module is not built. In a source tree, run `pip install -e .` "
        "(or `python setup.py build_ext --inplace`); else leave the source folder, or reinstall fastgrad"
    ) from error

if border.arithmetic():
    raise ImportError(
        "fastgrad was built by a compiler that was told to change arithmetic, which makes derivatives wrong; rebuild "
        "it without -ffast-math and its parts; it was built by " + ", ".join(border.build()[:2])
    )

if TYPE_CHECKING:
    from . import grid, stencils, testing
    from .command.build import build_info
    from .evaluate.compiling import compile
    from .verbs.checks import GradientCheck, Mismatch, check_grad, check_hessian, check_jacobian
    from .verbs.descent import DescentResult, gradient_descent
    from .verbs.error_bars import Derivative, differentiate, noise_level
    from .verbs.gradients import batch_gradient, directional, gradient, partial
    from .verbs.matrices import batch_jacobian, hessian, jacobian
    from .verbs.plans import JacobianPlan, plan_jacobian
    from .verbs.products import hvp, jvp
    from .verbs.sensitivity import Sensitivity, sensitivity
    from .verbs.transforms import grad, value_and_grad

__version__: str = border.build()[2]

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
    "check_hessian",
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
    "Derivative": "records.derivative",
    "DescentResult": "records.descent",
    "GradientCheck": "records.check",
    "JacobianPlan": "verbs.plans",
    "Mismatch": "records.check",
    "Sensitivity": "records.sensitivity",
    "batch_gradient": "verbs.gradients",
    "batch_jacobian": "verbs.matrices",
    "build_info": "command.build",
    "check_grad": "verbs.checks",
    "check_hessian": "verbs.checks",
    "check_jacobian": "verbs.checks",
    "compile": "evaluate.compiling",
    "differentiate": "verbs.error_bars",
    "directional": "verbs.gradients",
    "grad": "verbs.transforms",
    "gradient": "verbs.gradients",
    "gradient_descent": "verbs.descent",
    "hessian": "verbs.matrices",
    "hvp": "verbs.products",
    "jacobian": "verbs.matrices",
    "jvp": "verbs.products",
    "noise_level": "verbs.error_bars",
    "partial": "verbs.gradients",
    "plan_jacobian": "verbs.plans",
    "sensitivity": "verbs.sensitivity",
    "value_and_grad": "verbs.transforms",
}


def __getattr__(name: str) -> Any:
    import importlib

    if name in ("grid", "stencils", "testing"):
        return importlib.import_module(f".{name}", __name__)
    if name in _ON_USE:
        found = getattr(importlib.import_module(f".{_ON_USE[name]}", __name__), name)
        globals()[name] = found  # the next access finds it at once
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
