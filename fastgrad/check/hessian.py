"""Entries of a claimed Hessian, each compared with a second derivative of its own that has an error bar."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..core.matrix_layout import HessianLayout
from ..core.point import Array
from ..evaluate.problem import Problem
from ..methods.adaptive import KINK, Adaptive
from ..records.check import GradientCheck
from .compared import Compared, Indices, Mask
from .entries import SHORTER, Entries
from .explain import explain
from .matrix_claims import Claimed
from .report import Subject, of_entries
from .tolerance import Accepted, Tolerance

MOST_COORDINATES = 60
"""The most coordinates for second differences of f; with more, grad= is needed, whose Jacobian is the Hessian."""


class SecondEntries(Entries):
    """As `Entries`, for second derivatives of a scalar function: claimed is (n, n)."""

    def _first(self) -> tuple[Compared, Array]:
        n = self.problem.point.n
        found = self.method.hessian(self.problem)
        return self._unjudged(found.numbers.reshape(5, n, n), found.flags.reshape(n, n), np.zeros(n))

    def _another(
        self, compared: Compared, rows: Indices, columns: Indices, step: Array, shorter: int, dull: Mask
    ) -> tuple[Array, Array]:
        """Second derivatives from other values of f than before, over shorter steps."""
        low, high = np.minimum(rows, columns), np.maximum(rows, columns)
        mixed = low != high
        pairs, place = np.unique(np.stack([low, high])[:, mixed], axis=1, return_inverse=True)
        scale = self.problem.point.restore(SHORTER**shorter * self.sizes)
        method = Adaptive(None, self.method.bounds, self.method.noise, scale=scale)
        found = method.second(self.problem, *pairs)
        n = self.problem.point.n
        which = low.copy()
        which[mixed] = n + place.ravel()
        return found.value[which], np.where(found.flags[which] & KINK != 0, np.inf, found.error[which])

    def _judge_kinks(self, compared: Compared, kink: Mask) -> None:
        """Call entries at kinks undecided, since f has no second derivative where its slope jumps."""
        compared.undecided[kink] = True

    def _clear_weak(self, compared: Compared, accused: Mask) -> None:
        """Nobody: one-sided slopes say nothing of second derivatives."""

    def _changes(self, columns: Indices, level: Array) -> Array:
        """Zeros, since third derivatives are not computed."""
        return np.zeros((len(self.claimed), columns.size))


def checked(problem: Problem, claim: Claimed, accepted: Accepted, method: Adaptive) -> GradientCheck:
    """The record of all entries of the Hessian of a scalar function."""
    problem.function.tolerate(True)
    n = problem.point.n
    matrix = claim.matrix()
    tolerance = Tolerance(accepted, matrix, problem.function.float32)
    compared = SecondEntries(problem, method, matrix, tolerance, claim.at).compare()
    name = HessianLayout(problem.point.layout).name
    subject = Subject("Hessian", name, n, n * n, problem.function, symmetry(matrix, name))
    wrong = compared.wrong & np.isfinite(matrix)
    pattern = ""
    if wrong.any():
        x, leaves = np.tile(problem.x.ravel(), n), [("H", slice(0, n * n), (n, n))]
        pattern = explain(
            matrix.ravel(), compared.numeric.ravel(), compared.bar.ravel(), wrong.ravel(), x, leaves, name
        )
    return of_entries(subject, compared, pattern)


def symmetry(matrix: Array, name: Callable[[int], str]) -> list[str]:
    """A note where a claimed Hessian is not symmetric."""
    with np.errstate(all="ignore"):
        off = np.abs(matrix - matrix.T) > 1e-8 * (np.abs(matrix) + np.abs(matrix.T))
    if not off.any():
        return []
    i, j = np.argwhere(off)[0]
    n = len(matrix)
    return [
        f"the claimed Hessian is not symmetric: {name(int(i * n + j))} is {matrix[i, j]:.6g}, "
        f"{name(int(j * n + i))} is {matrix[j, i]:.6g}"
    ]
