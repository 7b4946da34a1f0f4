"""Axes of sampled arrays: weights of the interior and of the edges, for even spacing and for coordinates."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..core.given import array_of, attribute, floats, shown
from ..core.options import among, one_of, positive, whole
from ..core.point import Array
from ..records.record import Record
from ..stencils import exact_weights
from . import kernels
from .times import counts

BOUNDARIES = ("one-sided", "periodic", "reflect", "nan")
ORDERS = (2, 4, 6, 8)
_NONE = np.empty(0)
_SMALLEST = np.finfo(np.float64).tiny


class Scheme(NamedTuple):
    """Which derivative, how accurate, and what happens at the edges."""

    derivative: int = 1
    order: int = 2
    edge_points: int = 2  # of one-sided rows at the edges
    sides: tuple[str, str] = ("one-sided", "one-sided")  # what happens at the first rows and at the last
    period: float | None = None  # of periodic coordinates

    @property
    def around_nan(self) -> bool:
        """Whether rows beside a NaN are one-sided."""
        return "nan" in self.sides

    @property
    def is_periodic(self) -> bool:
        """Whether the row after the last is the first."""
        return "periodic" in self.sides


def scheme(derivative: int, order: int, boundary: Any, edge_order: int | None = None, period: Any = None) -> Scheme:
    """The scheme of one axis that these options name; edges have the order of the interior, unless told otherwise."""
    order = among("order", order, ORDERS)
    sides = _sides(boundary)
    if edge_order is not None:
        edge_order = among("edge_order", edge_order, (1, 2), "; 'edge_order' greater than 2 is not supported")
    points = order + derivative if edge_order is None or order > 2 else edge_order + 1
    if period is not None:
        period = positive("period", period)
        if "periodic" not in sides:
            raise ValueError(f'period is {period}, but boundary is not "periodic"')
    return Scheme(derivative, order, points, sides, period)


def schemes(
    derivative: int,
    order: int,
    boundary: Any,
    period: Any,
    axes: Sequence[int],
    count: int,
    edge_order: int | None = None,
) -> dict[int, Scheme]:
    """A scheme for each axis of an array with so many: of one boundary and period, or of one for each."""
    periods = _by_axis("period", period, axes, count) if isinstance(period, dict) else dict.fromkeys(axes, period)
    if isinstance(boundary, dict):
        named = _by_axis("boundary", boundary, axes, count)
        boundaries = [named.get(a, "one-sided") for a in axes]
    elif isinstance(boundary, tuple):
        boundaries = list(boundary)
        if len(boundaries) != len(axes):
            hint = 'the sides of one axis are a pair in it, as (("reflect", "one-sided"),)'
            raise ValueError(f"boundary has {len(boundaries)} entries for {len(axes)} axes; {hint}")
    else:
        boundaries = [boundary] * len(axes)
    if not isinstance(period, dict):
        # One period is that of the axes that have one.
        periods = {a: period for a, each in zip(axes, boundaries, strict=True) if _is_periodic(each)} or periods
    return {
        a: scheme(derivative, order, each, edge_order, periods.get(a)) for a, each in zip(axes, boundaries, strict=True)
    }


def _by_axis(name: str, given: dict[Any, Any], axes: Sequence[int], count: int) -> dict[int, Any]:
    found = {}
    for axis, each in given.items():
        a = whole(f"an axis of {name}", axis)
        if not -count <= a < count or a % count not in axes:
            raise ValueError(f"{name} names axis {a}, along which nothing is differentiated")
        found[a % count] = each
    return found


def _is_periodic(boundary: Any) -> bool:
    return "periodic" in boundary if isinstance(boundary, tuple) else boundary == "periodic"


def _sides(boundary: Any) -> tuple[str, str]:
    """What happens at the first rows and at the last: two words, or one for both."""
    check = one_of(*BOUNDARIES)
    if not isinstance(boundary, tuple) or len(boundary) != 2:
        return (check("boundary", boundary),) * 2
    first, last = (check("boundary", side) for side in boundary)
    if first != last and {first, last} & {"periodic", "nan"}:
        raise ValueError(f"boundary={shown(boundary)}: periodic and nan are of both sides")
    return first, last


class Coordinates(Record):
    """Coordinates along one axis, copied and checked once, with the weights that were asked for kept.

    It may stand wherever coordinates may: for many arrays on one grid.

    Parameters
    ----------
    x : array_like
        (n,), increasing or decreasing.

    Attributes
    ----------
    x : ndarray
        (n,), read-only: weights that were kept would not fit others.

    Raises
    ------
    ValueError
        x has not one axis, or does not increase or decrease everywhere.

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> t = fg.grid.Coordinates(np.array([0.0, 0.1, 0.3, 0.6, 1.0]))
    >>> fg.grid.gradient(np.array([0.0, 0.01, 0.09, 0.36, 1.0]), t, edge_order=2).round(12)
    array([0. , 0.2, 0.6, 1.2, 2. ])
    """

    def __init__(self, x: Any) -> None:
        kept = as_coordinates(x).copy()
        kept.flags.writeable = False
        # Of a view, NumPy does not let anybody turn that round.
        self._x = kept.view()
        check_order(self._x)
        self._step = kernels.even_step(self._x)
        self._kept: dict[Scheme, tuple[kernels.Weights, Array | None]] = {}

    @property
    def x(self) -> Array:
        """The coordinates, read-only."""
        return self._x

    def __getstate__(self) -> dict[str, Any]:
        return {"x": self.x}

    def __setstate__(self, state: dict[str, Any]) -> None:
        Coordinates.__init__(self, state["x"])

    def __len__(self) -> int:
        return self.x.size

    def __repr__(self) -> str:
        return f"Coordinates({self.x.size} from {self.x[0]:.6g} to {self.x[-1]:.6g})"

    def _weights(self, scheme: Scheme) -> tuple[kernels.Weights, Array | None]:
        """Weights of the edges, and the table of the interior if it needs one."""
        found = self._kept.get(scheme)
        if found is None:
            found = self._kept[scheme] = _uneven_weights(self.x, scheme)
        return found


def as_coordinates(x: Any) -> Array:
    """Coordinates as a contiguous array of float64."""
    kind = attribute(x, "dtype")
    if isinstance(kind, np.dtype) and kind.kind == "m":
        x = counts(array_of(x, "the coordinates"))
    array = floats(x, "the coordinates")
    if array.ndim != 1:
        raise ValueError(f"distances must be either scalars or 1d, not of shape {array.shape}")
    return np.ascontiguousarray(array)


def check_order(x: Array, where: str = "the coordinates") -> None:
    """A ValueError unless x increases or decreases everywhere."""
    if not x.size:
        raise ValueError(f"{where} are an empty array; expected a number for each row")
    with np.errstate(all="ignore"):
        steps = np.diff(x)
        wrong = ~((steps > 0) if x[-1] > x[0] else (steps < 0))
    if wrong.any():
        i = int(np.argmax(wrong))
        raise ValueError(
            f"{where} must increase or decrease everywhere, but number {i} is {x[i]} and number {i + 1} is {x[i + 1]}"
        )


def even_axis(scheme: Scheme, length: int, stride: int, step: float) -> kernels.Axis:
    """An axis with one step between its rows."""
    if scheme.period is not None and not _goes_round(scheme.period, step, length):
        raise ValueError(f"period is {scheme.period}, but {length} rows {step} apart are {length * abs(step)} long")
    weights = even_weights(scheme)
    if length < weights.least:
        raise TooShortError(weights.least)
    inverse = 1.0 / abs(step)
    if not _SMALLEST <= (inverse if scheme.derivative == 1 else inverse / abs(step)) < np.inf:
        raise ValueError(f"the spacing {step} is beyond what float64 can divide by; take another unit of length")
    return kernels.Axis(weights, length, stride, step)


def uneven_axis(scheme: Scheme, stride: int, coordinates: Coordinates | Array) -> kernels.Axis:
    """An axis with coordinates; an array's order is looked at here only if no kernel does it."""
    if scheme.is_periodic and scheme.period is None:
        raise ValueError('boundary="periodic" needs even spacing, or period=: coordinates do not say how long that is')
    # What happens to be even is taken for even, as by NumPy: its formula does not look at the row itself.
    step = coordinates._step if isinstance(coordinates, Coordinates) else kernels.even_step(coordinates)
    if step and (scheme.period is None or _goes_round(scheme.period, step, len(coordinates))):
        return even_axis(scheme, len(coordinates), stride, step)
    half = _uneven_half(scheme)
    least = 2 * half + 1 if scheme.is_periodic else max(scheme.edge_points, 2 * half)
    if len(coordinates) < least:
        raise TooShortError(least)
    three = scheme.derivative == 1 and scheme.order == 2
    if isinstance(coordinates, Coordinates):
        x = coordinates.x
        weights, table = coordinates._weights(scheme)
    else:
        x = coordinates
        if not three or x.size < 3:
            check_order(x)
        try:
            weights, table = _uneven_weights(x, scheme)
        except ValueError:
            check_order(x)
            raise
    return kernels.Axis(weights, x.size, stride, 1.0, x, table)


def _goes_round(period: float, step: float, length: int) -> bool:
    return abs(length * abs(step) - period) <= 1e-9 * period


class TooShortError(ValueError):
    """An axis has fewer rows than a scheme needs."""

    def __init__(self, least: int) -> None:
        self.least = least


@lru_cache(maxsize=128)
def even_weights(scheme: Scheme) -> kernels.Weights:
    """The weights of an axis with the step 1."""
    half, derivative = scheme.order // 2, scheme.derivative
    window = range(-half, half + 1)
    central = _weights(0, window, derivative)
    rows: list[list[int]] = []
    weights: list[list[float]] = []
    for row in [*range(half), *range(-half, 0)]:
        side = scheme.sides[row < 0]
        if side == "periodic":
            rows.append([row + k for k in window])
        elif side == "reflect":
            rows.append([_reflected(row + k, row) for k in window])
        else:
            first = 0 if row >= 0 else -scheme.edge_points
            rows.append(list(range(first, first + scheme.edge_points)))
        weights.append(_weights(row, rows[-1], derivative) if side in ("one-sided", "nan") else central)
    _fill(rows, weights, half)
    needs = {"periodic": 2 * half + 1, "reflect": 2 * half}
    least = max(needs.get(side, max(scheme.edge_points, 2 * half)) for side in scheme.sides)
    return kernels.Weights(
        "odd" if derivative == 1 else "even",
        derivative,
        least,
        np.array(central[half + 1 :], dtype=np.float64),
        np.array(rows, dtype=np.intp),
        np.array(weights, dtype=np.float64),
        scheme.around_nan,
    )


def _fill(rows: list[Any], weights: list[Any], half: int) -> None:
    """Rows at two kinds of edges get the same number of taps: what is added is the row itself, of no weight."""
    most = max(map(len, rows))
    for k, (taken, each) in enumerate(zip(rows, weights, strict=True)):
        missing = most - len(taken)
        rows[k] = [*taken, *[k if k < half else k - 2 * half] * missing]
        weights[k] = [*each, *[0.0] * missing]


def _weights(at: int, nodes: Sequence[int], derivative: int) -> list[float]:
    """Exact weights, each rounded once."""
    numerators, denominator = exact_weights(at, nodes, derivative)
    return [numerator / denominator for numerator in numerators]


def _reflected(k: int, row: int) -> int:
    """Row k mirrored at the edge that `row` is near: the first row is 0, the last -1."""
    if row >= 0:
        return abs(k)
    return k if k < 0 else -2 - k


def _uneven_half(scheme: Scheme) -> int:
    # A second derivative loses the order that symmetry would give it.
    return scheme.order // 2 + (scheme.derivative == 2)


def _uneven_weights(x: Array, scheme: Scheme) -> tuple[kernels.Weights, Array | None]:
    half, derivative = _uneven_half(scheme), scheme.derivative
    if scheme.period is not None and not abs(x[-1] - x[0]) < scheme.period:
        ends = f"coordinates go from {x[0]} to {x[-1]}"
        raise ValueError(f"period is {scheme.period}, but {ends}; leave out a last row that is the first again")
    rows: list[NDArray[np.intp]] = []
    weights: list[Array] = []
    for row in [*range(half), *range(-half, 0)]:
        if scheme.sides[row < 0] == "reflect":
            window = np.arange(row - half, row + half + 1)
            taken = np.array([_reflected(int(k), row) for k in window])
            edge = x[0] if row >= 0 else x[-1]
            nodes = np.where(taken == window, x[taken], 2 * edge - x[taken])
        elif scheme.period is not None:
            taken = np.arange(row - half, row + half + 1)
            # Rows before the first are the last, a period before; those after the last the first.
            turns = np.where(taken < 0, -1.0, 0.0) if row >= 0 else np.where(taken >= 0, 1.0, 0.0)
            nodes = x[taken] + turns * np.copysign(scheme.period, x[-1] - x[0])
        else:
            taken = np.arange(scheme.edge_points) - (0 if row >= 0 else scheme.edge_points)
            nodes = x[taken]
        rows.append(taken.astype(np.intp))
        weights.append(kernels.weights(x[row], nodes, derivative))
    _fill(rows, weights, half)
    three = derivative == 1 and scheme.order == 2
    edges = kernels.Weights(
        "three" if three else "table", derivative, 0, _NONE, np.array(rows), np.array(weights), scheme.around_nan
    )
    return edges, None if three else kernels.weight_table(x, 2 * half + 1, derivative)
