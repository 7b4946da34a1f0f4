"""A drawn case, the families of each kind, and the ways to make a case that several kinds share."""

import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from _smooth import M, Smooth, numbers, power_of_ten, rounded

NAMES = (
    "grid",
    "cancellation",
    "inner-rounding",
    "large-beside-fast",
    "curvature-jump",
    "zero-minimum",
    "scales",
    "edges",
    "offsets",
    "noise",
    "infinite-slope",
)
KINDS: dict[str, list[Callable[[np.random.Generator], "Case"]]] = {name: [] for name in NAMES}


@dataclass
class Case:
    """A function at a point; `fair` are the entries of whose derivative nobody could say anything.

    `meant` is the smooth function that f rounds or disturbs, by at most about `grain`, for numbers of mpmath; `lengths`
    is how far each coordinate moves until it is another.
    """

    f: Callable[..., Any]
    x: np.ndarray
    exact: np.ndarray
    lengths: np.ndarray
    meant: Callable[[list[Any]], Any]
    grain: Any
    deriv: int = 1
    fair: Any = False
    options: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    family: str = ""


def family(kind):
    """Add a function that draws a case to a kind."""

    def add(draw):
        KINDS[kind].append(draw)
        return draw

    return add


def named(draw):
    """The name of a family."""
    return draw.__name__.replace("_", " ")


def case(kind, index, seed=0):
    """The case of this index: families take turns, and no case depends on another."""
    families = KINDS[kind]
    draw = families[index % len(families)]
    return replace(draw(np.random.default_rng([seed, zlib.crc32(kind.encode()), index])), family=named(draw))


def size_of(rng, most=6):
    """How many coordinates: often one, which no other helps to tell noise from what f does."""
    return 1 if rng.random() < 0.3 else int(rng.integers(1, most + 1))


def spacing(value):
    """Between neighbouring float64 of this size."""
    return float(np.spacing(abs(value)))


def beside(smooth, x):
    """Points one length away along each coordinate, and x itself."""
    moves = np.diag(smooth.lengths)
    return [x, *(x + moves), *(x - moves)]


def hidden(case, quantum):
    """The case, in which no bar is fair for what moves values by less than four quanta over a length."""
    reach = np.abs(case.exact) * case.lengths
    if case.deriv == 2:
        reach = reach * case.lengths[:, None] / 4
    return replace(
        case, fair=reach < 4 * np.reshape(quantum, np.shape(quantum) + (1,) * (reach.ndim - np.ndim(quantum)))
    )


def each(change):
    """What becomes of many values, each by itself."""
    return lambda values: np.array([change(value) for value in values])


def of_smooth(parts, x, change, grain, deriv=1, **parameters):
    """A case of one smooth function, or of several as the outputs of one; `change` is what becomes of the value(s)."""
    if isinstance(parts, Smooth):
        exact = parts.hessian(x) if deriv == 2 else parts.gradient(x)
        return Case(
            lambda p: change(parts(p)), x, exact, parts.lengths, parts.exactly, grain, deriv, parameters=parameters
        )
    return Case(
        lambda p: change([part(p) for part in parts]),
        x,
        np.array([part.gradient(x) for part in parts]),
        np.min([part.lengths for part in parts], axis=0),
        lambda p: [part.exactly(p) for part in parts],
        grain,
        parameters=parameters,
    )


def of_separate(terms, x, lengths, grain, **parameters):
    """A case of a sum over coordinates of terms (in float64, to many digits, the slope)."""

    def meant(p):
        return M.fsum(term[1](v) for term, v in zip(terms, p, strict=True))

    exact = rounded([term[2](v) for term, v in zip(terms, numbers(x), strict=True)])

    def f(p):
        return float(sum(term[0](v) for term, v in zip(terms, p, strict=True)))

    return Case(f, x, exact, lengths, meant, grain, parameters=parameters)


DATES = {
    "Julian day": (2457958.0, 0.02, 30),
    "modified Julian day": (57958.0, 0.01, 30),
    "Unix time": (1.7e9, 300.0, 1e5),
}


def date(rng):
    """A date, the name of its calendar, and over what time things change."""
    name = str(rng.choice(list(DATES)))
    origin, least, most = DATES[name]
    return origin, name, power_of_ten(rng, math.log10(least), math.log10(most))
