"""What `differentiate` gives: derivatives with their error bars."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.point import Array
from ..evaluate import border
from ..methods.adaptive import KINK, flag_names
from ..stencils import stencil
from .show import axes_or_new


@dataclass(frozen=True)
class Derivative:
    """A gradient with its errors; see `differentiate`.

    Attributes
    ----------
    value : float, ndarray or pytree
        The derivative, in x's shape and structure; nan where it is undetermined.
    error : float, ndarray or pytree
        Error bars: ``abs(value - exact) <= error``, see `differentiate`; inf where nothing is known.
    step : float, ndarray or pytree
        The step that each component was taken with.
    flags : str, ndarray or pytree
        What is to be said of each component, "" where nothing is.
    nfev : int
        Evaluations of f.
    noise : float
        The standard deviation of the noise of one evaluation of f.
    left, right : float, ndarray or pytree
        One-sided slopes at a kink, else nan.

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> found = fg.differentiate(lambda x: x[0] ** 3 + abs(x[1]), np.array([2.0, 0.0]))
    >>> found.value.round(9).tolist(), found.flags.tolist()
    ([12.0, 0.0], ['', 'kink'])
    >>> found.left.round(9).tolist(), found.right.round(9).tolist()
    ([nan, -1.0], [nan, 1.0])
    """

    value: Any
    error: Any
    step: Any
    flags: Any
    nfev: int
    noise: float
    left: Any
    right: Any
    _flat: Array = field(repr=False, compare=False)
    _bits: NDArray[np.intc] = field(repr=False, compare=False)
    _point: Any = field(repr=False, compare=False)
    _function: Callable[[], border.Function] = field(repr=False, compare=False)

    def __repr__(self) -> str:
        flagged = int(np.count_nonzero(self._bits))
        worst = float(np.max(self._flat[1], initial=0.0))
        return (
            f"Derivative({self._bits.size} components, largest error {worst:.2g}, {flagged} flagged, "
            f"nfev={self.nfev}, noise={self.noise:.2g})"
        )

    def __str__(self) -> str:
        return self.table()

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

        Examples
        --------
        >>> import fastgrad as fg, numpy as np
        >>> found = fg.differentiate(lambda x: (x**2).sum(), np.arange(100.0))
        >>> len(found.table(most=5).splitlines())
        8
        """
        size = self._bits.size
        rows = np.arange(size)
        if size > most:
            relative = self._flat[1] / np.maximum(np.abs(self._flat[0]), 1e-300)
            rows = np.sort(np.lexsort((-relative, self._bits == 0))[:most])
        lines = [("", "derivative", "error", "step", "")]
        for c in rows:
            value, error, step, left, right = self._flat[:, c]
            note = flag_names(self._bits[c])
            if self._bits[c] & KINK:
                note += f": slopes {left:.6g} and {right:.6g}"
            lines.append((self._point.name(int(c)), *known_digits(value, error), f"{step:.1e}", note))
        widths = [max(len(line[k]) for line in lines) for k in range(4)]
        text = [
            f"{a:<{widths[0]}}  {b:>{widths[1]}}   {c:<{widths[2]}}  {d:>{widths[3]}}  {e}".rstrip()
            for a, b, c, d, e in lines
        ]
        if size > most:
            text.append(f"... {size - most} more components")
        text.append(f"{self.nfev} evaluations; noise of f about {self.noise:.1e}")
        return "\n".join(text)

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
        value, error, step, left, right = self._flat.tolist()
        return {
            "names": [self._point.name(c) for c in range(self._bits.size)],
            "value": value,
            "error": error,
            "step": step,
            "flags": [flag_names(bits) for bits in self._bits],
            "left": left,
            "right": right,
            "nfev": self.nfev,
            "noise": self.noise,
        }

    def plot(self, components: Iterable[Any] = (0,), axes: Any = None) -> Any:
        """Draw how the errors of central differences depend on the step; f is evaluated anew.

        Parameters
        ----------
        components : iterable of int, tuple or str
            The components, by flat index, index tuple or path.
        axes : matplotlib Axes, optional
            Where to draw; new ones by default.

        Returns
        -------
        axes : matplotlib Axes
            With the curves, on log axes.

        Raises
        ------
        ImportError
            Matplotlib is missing (extra ``plot``).
        """
        axes = axes_or_new(axes)
        for wanted in components:
            self._draw(axes, self._point.component(wanted))
        axes.set(xscale="log", yscale="log", xlabel="step", ylabel="distance from the derivative found")
        axes.legend(fontsize="small")
        return axes

    def _draw(self, axes: Any, c: int) -> None:
        function = self._function()
        value, error, step = self._flat[:3, c]
        name, x = self._point.name(c), self._point.flat.ravel()
        scale = max(abs(x[c]), step, 1e-300)
        steps = np.geomspace(1e-12 * scale, scale, 73)
        steps = (x[c] + steps) - x[c]
        steps = steps[steps > 0]
        for order, marker in ((2, "."), (6, "+")):
            scheme = stencil("central", order)
            values = function.at_shifts(x, np.full(steps.size, c), steps, np.array(scheme.offsets, dtype=float))
            with np.errstate(invalid="ignore", over="ignore"):
                found = (values[:, :, 0] - values[:, :1, 0]) @ np.array(scheme.weights) / steps
                axes.plot(steps, np.abs(found - value), marker, label=f"{name}, order {order}")
        axes.plot([step], [error], "v", color="black", label=f"{name}: step chosen, error bar")
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
