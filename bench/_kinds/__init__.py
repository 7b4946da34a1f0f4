"""Functions of the kinds that mislead differences, drawn at random, with exact derivatives; a kind has families."""

from . import (  # noqa: F401  they fill KINDS
    cancellation,
    curvature_jump,
    edges,
    grid,
    infinite_slope,
    inner_rounding,
    large_beside_fast,
    noise,
    offsets,
    scales,
    zero_minimum,
)
from .cases import KINDS, Case, case, named

__all__ = ["KINDS", "Case", "case", "named"]
