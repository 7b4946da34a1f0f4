"""The entries of a sparse Jacobian, all columns of a colour in one evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import stencils
from ..core.coordinates import base_values, checked_steps, relative, room_within, steps_within
from ..core.point import Array, Point
from ..evaluate import border
from ..evaluate.functions import Evaluation, as_function, outputs_of
from ..evaluate.pointers import compiled_parts
from ..methods.fixed import FixedStep
from ..stencils import FLOAT32, FLOAT64, Stencil
from .patterns import compared, detected, given_pattern


class Compressed:
    """A function's derivatives at the entries of a pattern.

    Parameters
    ----------
    f : callable
    point : Point
        A typical point.
    args : tuple
        Further arguments of f, where its number of values and its pattern are found.
    how : Evaluation
    chosen : FixedStep
    """

    def __init__(
        self, f: Callable[..., Any], point: Point, args: tuple[Any, ...], how: Evaluation, chosen: FixedStep
    ) -> None:
        self._f, self._how, self.point, self._chosen = f, how, point, chosen
        self._stencil = chosen.stencil or stencils.stencil("central", 2)
        if chosen.imaginary and (how.workers is not None or compiled_parts(f) is not None):
            raise ValueError('a sparse Jacobian by method="complex" takes a Python function, and no workers')
        self._step = checked_steps(chosen.step, point, "step")
        self._typical = checked_steps(chosen.typical_x, point, "typical_x")
        self._relative_noise = FLOAT64
        self._outputs = outputs_of(f, args, point, how)
        # A compiled function has one value: it was not asked.
        self.nfev = int(compiled_parts(f) is None)

    def found_pattern(self, sparsity: Any, args: tuple[Any, ...]) -> Any:
        """The pattern that the option `sparsity` names: given, or found by asking f; a csr_array of booleans."""
        if not isinstance(sparsity, str):
            return given_pattern(sparsity, self._outputs, self.point.n)
        if sparsity not in ("detect", "nan"):
            raise ValueError(f'sparsity={sparsity!r}; expected "detect", "nan" or a pattern')
        x = self.point.flat.ravel()
        room = None if self._chosen.bounds is None else self._room(x)
        with self.function(args) as function:
            pattern = detected(lambda x: function.at_points(x.reshape(1, -1))[0], x, room, sparsity == "nan")
            self.nfev += function.nfev
        return pattern

    def set_groups(self, pattern: Any, colours: NDArray[np.int32], count: int) -> None:
        """Evaluate the entries of a pattern by these colours of its columns."""
        self.pattern, self._colours = pattern, count
        self._by = border.Compression(pattern.indptr, pattern.indices, colours, count)

    @property
    def evaluations(self) -> int:
        """Evaluations of f for all entries at one point."""
        return self.per_group * self._colours + self._chosen.starts_from_base

    @property
    def per_group(self) -> int:
        """Evaluations of f for the columns of a colour."""
        return 1 if self._chosen.imaginary else self._stencil.evaluations

    def function(self, args: tuple[Any, ...]) -> border.Function:
        return as_function(self._f, args, self.point, self._how, outputs=self._outputs)

    def _room(self, x: Array) -> Array:
        return room_within(self._chosen.bounds, self.point, x)

    def _steps(self, x: Array, stencil: Stencil) -> Array:
        h = stencil.relative_step(self._relative_noise)
        return border.steps(x, x.size, h, self._step, self._typical)

    def entries(self, function: border.Function, x: Array, args: tuple[Any, ...]) -> Array:
        """The entries at x, in the order of the pattern; with longer steps once f is seen to compute in float32."""
        data = self._data(function, x, args)
        if function.float32 and self._relative_noise < FLOAT32 and self._step is None and self._chosen.noise is None:
            self._relative_noise = FLOAT32
            data = self._data(function, x, args)
        return data

    def _data(self, function: border.Function, x: Array, args: tuple[Any, ...]) -> Array:
        if self._chosen.imaginary:
            return self._by_complex_step(x, args)
        base = None
        if self._chosen.starts_from_base:
            base = base_values(function, self.point, x)[0]
            if self._chosen.noise is not None:
                self._relative_noise = relative(self._chosen.noise, base)
        h = self._steps(x, self._stencil)
        if not self._stencil.is_central:
            assert base is not None
            return self._forward(function, x, h, base)
        if self._chosen.bounds is None:
            return self._central(function, x, h)
        room = self._room(x)
        sided = np.flatnonzero((room < self._stencil.reach * h).any(axis=0))
        if not sided.size:
            return self._central(function, x, h)
        assert base is not None
        return self._beside_bounds(function, x, h, base, sided, room)

    def _central(self, function: border.Function, x: Array, h: Array) -> Array:
        """Σ c_s [f(x + s h) - f(x - s h)] / 2 s h over the stencil's offsets s."""
        terms = []
        for s, w in zip(self._stencil.offsets[::2], self._stencil.weights[::2], strict=True):
            data, move = np.empty(self.pattern.nnz), h if s == 1 else s * h
            if isinstance(function, border.PythonFunction):
                border.compressed(function, self._by, x, move, data)
            else:
                rights, lefts = self._values(function, x, move), self._values(function, x, -move)
                self._by.scatter(rights, lefts, x, move, -move, data)
            if self._stencil.order == 2:
                return data
            terms.append(2 * w * s * data)
        return np.asarray(sum(terms))

    def _beside_bounds(
        self, function: border.Function, x: Array, h: Array, base: Array, sided: NDArray[np.intp], room: Array
    ) -> Array:
        """Columns at a bound take the one-sided stencil of the same order, in the same evaluations as the others."""
        central, one_sided = self._stencil, stencils.one_sided(self._stencil.order)
        up = room[1, sided] >= room[0, sided]
        longest = steps_within(np.where(up, room[1, sided], room[0, sided]), one_sided.reach)
        step = np.where(up, 1.0, -1.0) * np.minimum(self._steps(x, one_sided)[sided], longest)
        columns = self.pattern.indices
        weight, rise = np.empty(x.size), np.empty(self.pattern.nnz)
        data = np.zeros(self.pattern.nnz)
        unmoved = np.ascontiguousarray(np.broadcast_to(base, (self._colours, base.size)))
        inside = zip(central.offsets, central.weights, strict=True)
        beside = list(zip(one_sided.offsets, one_sided.weights, strict=True))[1:]
        with np.errstate(invalid="ignore", divide="ignore"):
            for (s, w), (t, u) in zip(inside, beside, strict=True):
                moves = s * h
                moves[sided], weight[:], weight[sided] = t * step, s * w, t * u
                self._by.scatter(self._values(function, x, moves), unmoved, x, moves, np.zeros_like(moves), rise)
                data += weight[columns] * rise
        # A coordinate that its bounds fix has no derivative.
        data[np.asarray(room.max(axis=0) == 0)[columns]] = np.nan
        return data

    def _by_complex_step(self, x: Array, args: tuple[Any, ...]) -> Array:
        """Imaginary parts of f where the columns of a colour have one (Squire and Trapp, SIAM Rev. 40 (1998) 110)."""
        typical = np.ones(x.size) if self._typical is None else self._typical
        h = stencils.COMPLEX_STEP * np.maximum(np.abs(x), typical) if self._step is None else self._step
        points = x + 1j * self._by.moved(np.zeros_like(x), h)
        if self._how.vectorized is False:
            values = np.array([np.ravel(self._f(point.reshape(self.point.shape), *args)) for point in points])
        else:
            columns = self._how.vectorized == "columns"
            values = np.asarray(self._f(points.T.copy() if columns else points, *args))
            values = values.T if columns else values
        if values.dtype.kind != "c":
            raise TypeError(f'method="complex" needs an f that computes with complex numbers; it gave {values.dtype}')
        data, imaginary = np.empty(self.pattern.nnz), np.ascontiguousarray(values.imag)
        # Written as differences from 0 over the imaginary distance.
        self._by.scatter(imaginary, np.zeros_like(imaginary), np.zeros_like(h), h, np.zeros_like(h), data)
        self.nfev += self._colours
        return data

    def _forward(self, function: border.Function, x: Array, h: Array, base: Array) -> Array:
        if self._chosen.bounds is not None:
            room = self._room(x)
            h = np.where(room[1] >= h, h, np.where(room[0] >= h, -h, np.where(room[1] >= room[0], room[1], -room[0])))
        values, data = self._values(function, x, h), np.empty(self.pattern.nnz)
        unmoved = np.ascontiguousarray(np.broadcast_to(base, values.shape))
        self._by.scatter(values, unmoved, x, h, np.zeros_like(h), data)
        return data

    def _values(self, function: border.Function, x: Array, moves: Array) -> Array:
        """F with the columns of each colour moved: (colours, outputs)."""
        return function.at_points(self._by.moved(x, moves))

    def compare(self, function: border.Function, x: Array, found: Any) -> None:
        """Compare the product of a matrix and a random direction with differences of f: missing entries show there."""
        rng = np.random.default_rng(1)
        h = self._steps(x, stencils.stencil("central", 2))
        v = h * rng.uniform(0.5, 1.0, x.size) * rng.choice([-1.0, 1.0], x.size)
        ends = np.stack([x + v, x - v])
        if self._chosen.bounds is not None:
            room = self._room(x)
            v = np.where(room[1] >= room[0], np.minimum(np.abs(v), room[1]), -np.minimum(np.abs(v), room[0]))
            ends = np.stack([x + v, x])
        compared(function.at_points, found, x, ends, 8 * self._relative_noise, self.point.name)
