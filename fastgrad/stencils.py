"""Finite-difference stencils: which points, what weights, of which order of accuracy.

A stencil is a value, and its weights follow from its points. To add an order is to add a number to `_ORDERS`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from itertools import islice
from operator import index
from typing import Any

from .evaluate import border

FLOAT64 = 2.0**-52
FLOAT32 = 2.0**-23

_MOST_NODES = 1000


@dataclass(frozen=True)
class Stencil:
    """A finite-difference approximation of a derivative along one coordinate.

    The ``deriv``-th derivative is, up to an error of order ``h**order``,
    ``sum(weights[j] * f(x + offsets[j] * h)) / h**deriv`` with ``weights = numerators / denominator``.

    Parameters
    ----------
    method : str
        The name that the verbs know it by.
    order : int
        Order of accuracy.
    offsets : tuple of int
        Shifts in units of the step. Central stencils list them as s, -s, r, -r, ...
    numerators : tuple of int
        The weights, exactly, times `denominator`.
    denominator : int
    deriv : int
        Which derivative, 1 or 2.

    Examples
    --------
    >>> from fastgrad.stencils import stencil
    >>> stencil("central", 2)
    central, order 2: f' = [f(x+h) - f(x-h)] / 2h
    """

    method: str
    order: int
    offsets: tuple[int, ...]
    numerators: tuple[int, ...]
    denominator: int = 1
    deriv: int = 1

    def __getstate__(self) -> dict[str, Any]:
        # What is kept beside the fields can be made again.
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def __repr__(self) -> str:
        terms: list[str] = []
        for offset, numerator in zip(self.offsets, self.numerators, strict=True):
            sign = ("-" if numerator < 0 else "") if not terms else (" - " if numerator < 0 else " + ")
            factor = "" if abs(numerator) == 1 else str(abs(numerator))
            shift = f"{offset:+d}h".replace("1h", "h") if offset else ""
            terms.append(f"{sign}{factor}f(x{shift})")
        below = ("" if self.denominator == 1 else str(self.denominator)) + "h" + ("" if self.deriv == 1 else "²")
        return f"{self.method}, order {self.order}: f{chr(39) * self.deriv} = [{''.join(terms)}] / {below}"

    @property
    def weights(self) -> tuple[float, ...]:
        """The weights, rounded once."""
        return tuple(numerator / self.denominator for numerator in self.numerators)

    @property
    def is_central(self) -> bool:
        """Whether the stencil is antisymmetric: a sum of differences f(x + sh) - f(x - sh)."""
        return 0 not in self.offsets

    @property
    def is_symmetric(self) -> bool:
        """Whether the stencil looks equally far to both sides."""
        return max(self.offsets) == -min(self.offsets)

    @property
    def reach(self) -> int:
        """How many steps away its outermost point lies."""
        return max(map(abs, self.offsets))

    @property
    def evaluations(self) -> int:
        """Evaluations a component, that of f(x) not counted."""
        return sum(offset != 0 for offset in self.offsets)

    def relative_step(self, noise: float = FLOAT64) -> float:
        """The step, for a coordinate of size 1, that balances truncation against rounding.

        The error of a stencil with weights w and offsets s is at most
        ``|b| |f^(d+p)| h^p + eps ||w||_1 h^(-d)`` with ``b = sum(w s^(d+p)) / (d+p)!``; it is least at
        ``h = (d ||w||_1 eps / (p |b| |f^(d+p)|))^(1/(d+p))`` (Gill, Murray, Saunders and Wright,
        SIAM J. Sci. Stat. Comput. 4 (1983) 310-321, for p = 1; the same balance for any stencil). Without
        knowledge of f, ``|f^(d+p)| = |f|`` for coordinates of size 1.

        Parameters
        ----------
        noise : float
            Noise of f relative to its size: the epsilon of the precision that it computes in.

        Returns
        -------
        step : float
            Relative to the size of the coordinate.

        Examples
        --------
        >>> from fastgrad.stencils import stencil
        >>> f"{stencil('central', 2).relative_step():.2g}"
        '8.7e-06'
        """
        found = self._relative_steps.get(noise)
        if found is None:
            found = self._relative_steps[noise] = self._balance(noise)
        return found

    @cached_property
    def _relative_steps(self) -> dict[float, float]:
        return {}

    def span(self, error: float) -> float:
        """The longest step towards a singularity like that of log, in distances to it, that keeps a relative error.

        There ``|f^(d+p) / f^(d)| = (d + p - 1)! / (d - 1)! / distance**p``.
        """
        found = self._relative_steps.get(-error)
        if found is None:
            growth = math.factorial(self.deriv + self.order - 1) / math.factorial(self.deriv - 1)
            found = self._relative_steps[-error] = (error / (self._truncation * growth)) ** (1 / self.order)
        return found

    @property
    def _truncation(self) -> float:
        """The error is this times ``h**order``, and the derivative of f of order `deriv` + `order`."""
        power = self.deriv + self.order
        b = sum(w * s**power for w, s in zip(self.numerators, self.offsets, strict=True))
        return float(abs(b) / self.denominator / math.factorial(power))

    def _balance(self, noise: float) -> float:
        power, error = self.deriv + self.order, self._truncation
        norm = sum(map(abs, self.numerators)) / self.denominator
        return float((self.deriv * norm * noise / (self.order * error)) ** (1 / power))

    @cached_property
    def scheme(self) -> border.Scheme:
        """The stencil as the C core reads it."""
        offsets = [float(s) for s in self.offsets if s]
        return border.Scheme("pairs" if self.is_central else "base", offsets, list(self.products))

    @property
    def products(self) -> tuple[float, ...]:
        """What differences are multiplied by, at each offset but 0: to f(x), or if central to the other side."""
        both = 2 if self.is_central else 1
        return tuple(both * s * w / self.denominator for s, w in zip(self.offsets, self.numerators, strict=True) if s)


COMPLEX_STEP = 2.0**-100
"""Relative step of the complex method: so small that its truncation error is far below rounding."""

LONGEST_IMAGINARY = 2.0**-30
"""What it is at most beside ``|x|``: as FG_LONGEST_IMAGINARY."""


@lru_cache(maxsize=1)
def complex_scheme() -> border.Scheme:
    """f'(x) = Im f(x + ih) / h (Squire and Trapp, SIAM Rev. 40 (1998) 110-112)."""
    return border.Scheme("imaginary", [1.0], [1.0])


_ORDERS = {"central": (2, 4, 6, 8), "forward": (1,), "one-sided": (2, 4, 6, 8)}
"""Orders of accuracy that each method has, its default first. Weights of any other follow from `exact_weights`."""


def stencil(method: str, order: int | None = None) -> Stencil:
    """The stencil of a method.

    Parameters
    ----------
    method : {"central", "forward", "one-sided"}
    order : int, optional
        Order of accuracy; the method's default if none is given.

    Returns
    -------
    stencil : Stencil
        A value: equal ones are the same object.

    Raises
    ------
    TypeError
        order is no whole number.
    ValueError
        There is no such method or order; the message lists those that there are.

    Examples
    --------
    >>> from fastgrad.stencils import stencil
    >>> stencil("central", 4).offsets, stencil("forward")
    ((1, -1, 2, -2), forward, order 1: f' = [-f(x) + f(x+h)] / h)
    """
    if not isinstance(method, str) or method not in _ORDERS:
        given = repr(method) if isinstance(method, str) else f"of type {type(method).__name__}"
        raise ValueError(f"there is no stencil {given}; there are {', '.join(map(repr, _ORDERS))}")
    orders = _ORDERS[method]
    try:
        order = orders[0] if order is None else index(order)
    except Exception as error:
        raise TypeError(f"order is of type {type(order).__name__}; expected a whole number") from error
    if order not in orders:
        raise ValueError(f'method="{method}" has order {" or ".join(map(str, orders))}, not {order}')
    return central(order) if method == "central" else forward(order, method)


@lru_cache(maxsize=64)
def central(order: int, deriv: int = 1) -> Stencil:
    """The central stencil of an even order, for the first or second derivative.

    Parameters
    ----------
    order : int
        Order of accuracy, even: any.
    deriv : {1, 2}
        Which derivative.

    Returns
    -------
    stencil : Stencil

    Examples
    --------
    >>> from fastgrad.stencils import central
    >>> central(2, deriv=2)
    central, order 2: f'' = [-2f(x) + f(x+h) + f(x-h)] / h²
    >>> central(10).numerators[::2], central(10).denominator
    ((2100, -600, 150, -25, 2), 2520)
    """
    offsets = [sign * s for s in range(1, order // 2 + 1) for sign in (1, -1)]
    nodes = [0, *offsets]
    numerators, denominator = exact_weights(0, nodes, deriv)
    # The value at x itself has no part in an odd derivative.
    first = deriv % 2
    return Stencil("central", order, tuple(nodes[first:]), tuple(numerators[first:]), denominator, deriv)


@lru_cache(maxsize=64)
def forward(order: int, method: str = "forward") -> Stencil:
    """The stencil of a first derivative that takes x and so many points to its right.

    Parameters
    ----------
    order : int
        Order of accuracy.
    method : str
        The name that it goes by.

    Returns
    -------
    stencil : Stencil

    Examples
    --------
    >>> from fastgrad.stencils import forward
    >>> forward(2, "one-sided")
    one-sided, order 2: f' = [-3f(x) + 4f(x+h) - f(x+2h)] / 2h
    """
    nodes = range(order + 1)
    return Stencil(method, order, tuple(nodes), *exact_weights(0, nodes, 1))


def exact_weights(at: int, nodes: Sequence[int], deriv: int) -> tuple[tuple[int, ...], int]:
    """Weights of values at integer nodes in a derivative at one of them, as integers over a common denominator.

    They are derivatives of Lagrange's polynomials, and those of B. Fornberg, Math. Comp. 51 (1988) 699-706, tables 1
    to 3.

    Parameters
    ----------
    at : int
        Where the derivative is taken.
    nodes : sequence of int
        All different.
    deriv : int
        Which derivative.

    Returns
    -------
    numerators : tuple of int
    denominator : int
        Positive, and the least.

    Raises
    ------
    TypeError
        A node is no whole number.
    ValueError
        Nodes are the same, too few for the derivative, or more than a thousand.

    Examples
    --------
    >>> from fastgrad.stencils import exact_weights
    >>> exact_weights(0, [-1, 0, 1], 1)
    ((-1, 0, 1), 2)
    """
    try:
        at, deriv, nodes = index(at), index(deriv), list(map(index, islice(nodes, _MOST_NODES + 1)))
    except Exception as error:
        raise TypeError("at, deriv and all nodes are whole numbers; one of them is not") from error
    if not 0 <= deriv < len(nodes) <= _MOST_NODES or len(set(nodes)) < len(nodes):
        raise ValueError(
            f"derivative {deriv} takes {deriv + 1} to {_MOST_NODES} nodes, all different; there are {len(set(nodes))}"
        )
    found = []
    for node in nodes:
        # The coefficients of the product of (x - other), in powers of x - at.
        polynomial, over = [math.factorial(deriv)], 1
        for other in nodes:
            if other != node:
                higher, lower = [0, *polynomial], [*polynomial, 0]
                polynomial = [a - (other - at) * b for a, b in zip(higher, lower, strict=True)]
                over *= node - other
        found.append((polynomial[deriv], over))
    common = math.lcm(*(over // math.gcd(top, over) for top, over in found))
    return tuple(top * common // over for top, over in found), common


def one_sided(order: int) -> Stencil:
    """The stencil of this order that looks only to the right of x; an odd order takes the next even one."""
    return stencil("one-sided", order + order % 2) if order > 1 else stencil("forward", 1)


def second(method: str = "central", order: int = 2) -> Stencil:
    """The stencil of the second derivative that belongs to a method and order of the first."""
    if method == "central":
        return central(order, deriv=2)
    # Of x, x + h and x + 2h: of order 1.
    return Stencil(method, 1, (0, 1, 2), *exact_weights(0, (0, 1, 2), 2), deriv=2)
