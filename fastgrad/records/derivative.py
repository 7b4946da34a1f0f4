"""What `differentiate` gives: derivatives with their error bars."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic

import numpy as np
from numpy.typing import NDArray

from ..core.layout import Layout
from ..core.options import count
from ..core.point import Array, Point
from ..evaluate import border
from ..evaluate.functions import Evaluation, Vectorized, as_function, callable_or_error
from ..methods.adaptive import KINK, flag_names
from ..stencils import stencil
from .record import Record, T
from .show import axes_or_new, html_paragraph, html_table, label, printable

_STEPS = 73  # six a decade, over twelve decades


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Derivative(Record, Generic[T]):
    """A gradient, Jacobian or Hessian with its errors; see `differentiate`.

    ``value, error = derivative`` unpacks it.

    Attributes
    ----------
    value : float, ndarray or pytree
        The derivative, in x's shape and structure; nan where it is undetermined.
    error : float, ndarray or pytree
        Error bars: ``abs(value - exact) <= error``, see `differentiate`; inf where nothing is known.
    step : float, ndarray or pytree
        The step that each component was taken with.
    flags : str, ndarray or pytree
        What is to be said of each component, "" where nothing is: "kink", "jump", "flat", "noisy", "edge",
        "nonfinite", "steps", "undetermined", as `differentiate` explains; with commas between several.
    left, right : float, ndarray or pytree
        One-sided slopes at a kink; at an edge of the domain that of the side where f is defined; else nan.
    nfev : int
        Evaluations of f.
    noise : float
        The standard deviation of the noise of one evaluation of f.

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> found = fg.differentiate(lambda x: x[0] ** 3 + abs(x[1]), np.array([2.0, 0.0]))
    >>> found.value.round(9).tolist(), found.flags.tolist()
    ([12.0, 0.0], ['', 'kink'])
    >>> found.left.round(9).tolist(), found.right.round(9).tolist()
    ([nan, -1.0], [nan, 1.0])
    >>> value, error = found
    >>> bool((abs(value - [12.0, 0.0]) <= error).all())
    True
    """

    nfev: int
    noise: float
    _layout: Layout
    _numbers: Array  # rows value, error, step, left, right; an entry a component
    _bits: NDArray[np.intc]
    _x: Array | None  # the coordinates of x, flat; None where the derivative is a matrix

    def __init__(
        self, nfev: int, noise: float, _layout: Layout, _numbers: Array, _bits: NDArray[np.intc], _x: Array | None
    ) -> None:
        # At once: a frozen dataclass sets each field by a call, which takes longer than an evaluation of f.
        self.__dict__.update(nfev=nfev, noise=noise, _layout=_layout, _numbers=_numbers, _bits=_bits, _x=_x)

    @property
    def value(self) -> T:
        """The derivative."""
        return self._shaped(0)

    @property
    def error(self) -> T:
        """Its error bars."""
        return self._shaped(1)

    @property
    def step(self) -> T:
        """The steps."""
        return self._shaped(2)

    @property
    def left(self) -> T:
        """Slopes to the left of a kink, or of an edge of the domain."""
        return self._shaped(3)

    @property
    def right(self) -> T:
        """Slopes to the right of a kink, or of an edge of the domain."""
        return self._shaped(4)

    @property
    def flags(self) -> Any:
        """Names of flags, with commas between."""
        bits, which = np.unique(self._bits, return_inverse=True)
        names = np.array([flag_names(flag) for flag in bits.tolist()], dtype=np.str_)
        return self._layout.restore(names[which])

    def _shaped(self, row: int) -> T:
        restored: T = self._layout.restore(self._numbers[row])
        return restored

    def __iter__(self) -> Iterator[T]:
        return iter((self.value, self.error))

    def __repr__(self) -> str:
        flagged = int(np.count_nonzero(self._bits))
        worst = float(np.max(self._numbers[1], initial=0.0))
        return (
            f"Derivative({self._bits.size} components, largest error {worst:.2g}, {flagged} flagged, "
            f"nfev={self.nfev}, noise={self.noise:.2g})"
        )

    def __str__(self) -> str:
        return self.table()

    def _repr_html_(self) -> str:
        table = html_table(("component", "derivative", "error", "step", "flags"), self._rows(40))
        return "".join([table, *map(html_paragraph, self._remarks(40))])

    def table(self, most: int = 40) -> str:
        """A readable table of some components.

        Parameters
        ----------
        most : int, optional
            So many at most: flagged ones first, then those of the largest relative error, in the order of x.

        Returns
        -------
        table : str
            A line a component: name, derivative with the digits that are known, error bar, step, flags.

        Raises
        ------
        TypeError, ValueError
            most is no whole number, or negative.

        Examples
        --------
        >>> import fastgrad as fg, numpy as np
        >>> found = fg.differentiate(lambda x: (x**2).sum(), np.arange(100.0))
        >>> len(found.table(most=5).splitlines())
        8
        """
        most = count("most", most)
        lines = [("", "derivative", "error", "step", ""), *self._rows(most)]
        widths = [max(len(line[k]) for line in lines) for k in range(4)]
        text = [
            f"{a:<{widths[0]}}  {b:>{widths[1]}}   {c:<{widths[2]}}  {d:>{widths[3]}}  {e}".rstrip()
            for a, b, c, d, e in lines
        ]
        return "\n".join([*text, *self._remarks(most)])

    def _rows(self, most: int) -> list[tuple[str, ...]]:
        """The components of a table: name, derivative, error, step, flags."""
        shown = np.arange(self._bits.size)
        if shown.size > most:
            relative = self._numbers[1] / np.maximum(np.abs(self._numbers[0]), 1e-300)
            shown = np.sort(np.lexsort((-relative, self._bits == 0))[:most])
        rows: list[tuple[str, ...]] = []
        for c in shown.tolist():
            value, error, step, left, right = self._numbers[:, c].tolist()
            note = flag_names(self._bits[c])
            if self._bits[c] & KINK:
                note += f": slopes {left:.6g} and {right:.6g}"
            rows.append((printable(self._layout.name(c)), *known_digits(value, error), f"{step:.1e}", note))
        return rows

    def _remarks(self, most: int) -> list[str]:
        """What is said below a table."""
        left_out = self._bits.size - most
        return [
            *([f"... {left_out} more components"] if left_out > 0 else []),
            f"{self.nfev} evaluations; noise of f about {self.noise:.1e}",
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain Python values, ready for JSON.

        Returns
        -------
        plain : dict
            Lists of ``names``, ``value``, ``error``, ``step``, ``flags``, ``left`` and ``right``, an entry a component
            in the order of the coordinates; and ``nfev``, ``noise``.

        Examples
        --------
        >>> import fastgrad as fg
        >>> sorted(fg.differentiate(lambda x: x**2, 3.0).to_dict())
        ['error', 'flags', 'left', 'names', 'nfev', 'noise', 'right', 'step', 'value']
        """
        value, error, step, left, right = self._numbers.tolist()
        return {
            "names": [self._layout.name(c) for c in range(self._bits.size)],
            "value": value,
            "error": error,
            "step": step,
            "flags": [flag_names(bits) for bits in self._bits],
            "left": left,
            "right": right,
            "nfev": self.nfev,
            "noise": self.noise,
        }

    def plot(
        self,
        f: Callable[..., Any] | None = None,
        components: Iterable[Any] = (0,),
        axes: Any = None,
        *,
        args: tuple[Any, ...] = (),
        vectorized: Vectorized = False,
    ) -> Any:
        """Draw how the errors of central differences depend on the step.

        Parameters
        ----------
        f : callable
            ``f(x, *args)``, which is evaluated anew, some 440 times a component: the record holds no function.
        components : iterable of int, tuple or str, optional
            The components, by flat index, index tuple or path.
        axes : matplotlib Axes, optional
            Where to draw; new ones by default.
        args : tuple, optional
            Further arguments of f.
        vectorized : {False, True, "rows", "columns"}, optional
            Whether f takes many points, as for `gradient`.

        Returns
        -------
        axes : matplotlib Axes
            With the curves, on log axes.

        Raises
        ------
        ImportError
            Matplotlib is missing (extra ``plot``).
        TypeError
            f is missing; the derivative is a Jacobian or Hessian.

        Examples
        --------
        >>> import fastgrad as fg, numpy as np
        >>> f = lambda x: np.sin(x).sum()
        >>> axes = fg.differentiate(f, np.ones(3)).plot(f, components=[0, "x[2]"])  # doctest: +SKIP
        """
        if self._x is None:
            raise TypeError(
                "plot draws components of a gradient: differentiate one row of the matrix as a scalar function, "
                "and plot that"
            )
        if f is None:
            raise TypeError("plot evaluates f anew, and the record holds no function: pass it, as in d.plot(f)")
        callable_or_error(f)
        wanted = [self._layout.component(component) for component in components]
        axes = axes_or_new(axes)
        point = Point(self._x.reshape(self._layout.shape or (1,)), self._layout)
        with as_function(f, args, point, Evaluation(vectorized)) as function:
            function.tolerate(True)
            for c in wanted:
                self._draw(axes, c, function, self._x)
        axes.set(xscale="log", yscale="log", xlabel="step", ylabel="distance from the derivative found")
        axes.legend(fontsize="small")
        return axes

    def _draw(self, axes: Any, c: int, function: border.Function, x: Array) -> None:
        value, error, step = self._numbers[:3, c]
        name = label(self._layout.name(c))
        scale = max(abs(x[c]), step, 1e-300)
        steps = np.geomspace(1e-12 * scale, scale, _STEPS)
        steps = (x[c] + steps) - x[c]
        steps = steps[steps > 0]
        offsets = np.array(stencil("central", 6).offsets, dtype=float)
        values = function.at_shifts(x, np.full(steps.size, c), steps, offsets)[:, :, 0]
        for order, marker in ((2, "."), (6, "+")):
            weights = np.array(stencil("central", order).weights)  # the points of order 2 are the first of order 6
            with np.errstate(all="ignore"):
                found = (values - values[:, :1])[:, : weights.size] @ weights / steps
                axes.plot(steps, np.abs(found - value), marker, label=f"{name}, order {order}")
        axes.plot([step], [error], "v", color="gray", label=f"{name}: step chosen, error bar")
        if self.noise > 0:
            axes.plot(steps, self.noise / steps, "--", linewidth=0.8, label="noise / step")


def known_digits(value: float, error: float) -> tuple[str, str]:
    """A value with only the digits that are known, and its error: ("0.540302", "± 2e-06")."""
    if not math.isfinite(value):
        return "undetermined", ""
    if not math.isfinite(error):
        return f"{value:.1g}", "± inf"
    if error == 0.0:
        return repr(float(value)), "exact"
    if abs(value) < error:
        return "0", f"± {error:.1e}"
    digits = math.floor(math.log10(abs(value))) - math.floor(math.log10(error)) + 1
    return f"{value:.{min(max(digits, 1), 17)}g}", f"± {error:.1e}"
