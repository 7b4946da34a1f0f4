"""Jacobians and Hessians over tests/problems.py, as `study` takes them: entries in a row, exact ones by mpmath."""

import functools
import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import numpy as np
from make_problems import exact_gradient, exact_hessian
from problems import HERE, PROBLEMS
from study import KINDS, adaptive, narrow, study

import fastgrad as fg


@dataclass(frozen=True)
class Matrix:
    """A function at one point, its formula as in `problems.Problem`, and the exact entries, row by row."""

    name: str
    formula: Callable[[Any, Any], Any]
    x: tuple[float, ...]
    gradient: np.ndarray
    relative_to: np.ndarray | None = None

    def f(self, x):
        """The function in float64."""
        return np.array(self.formula(x.tolist(), math), float)[()]

    @property
    def point(self):
        """The point as an array."""
        return np.array(self.x)


def one_output(problems=PROBLEMS):
    """The functions as functions of one output."""
    return [Matrix(p.name, lambda x, m, p=p: [p.formula(x, m)], p.x, p.gradient) for p in problems]


def residuals(problems=PROBLEMS):
    """The residuals where the problem is a sum of squares."""
    found = []
    for p in problems:
        formula = getattr(p.formula, "residuals", None)
        if formula:
            outputs = range(len(formula(p.x, math)))
            rows = [exact_gradient(lambda x, m, k=k, r=formula: r(x, m)[k], p.x) for k in outputs]
            found.append(Matrix(f"residuals of {p.name}", formula, p.x, np.ravel(rows)))
    return found


def stacked(problems=PROBLEMS):
    """The functions of so many coordinates as the outputs of one, each of which takes its own multiples of them."""
    found = []
    for size, group in groupby(sorted((p for p in problems if all(p.x)), key=_size), _size):
        each = list(group)

        def formula(x, m, each=each):
            return [p.formula([v * own for v, own in zip(x, p.x, strict=True)], m) for p in each]

        rows = [p.gradient * p.point for p in each]
        found += [Matrix(f"stack of {size}", formula, (1.0,) * size, np.ravel(rows))] if len(each) > 1 else []
    return found


def _size(problem):
    return len(problem.x)


def hessians(problems=PROBLEMS):
    """The functions with the entries of one triangle."""
    known = json.loads((HERE / "hessians.json").read_text())
    found = []
    for p in problems:
        exact = np.array(known.get(p.name) or exact_hessian(p.formula, p.x))
        found.append(Matrix(p.name, p.formula, p.x, exact[np.triu_indices(len(p.x))]))
    return found


def entries(f, x, deriv=1):
    """Value, error, whether flagged, evaluations a coordinate (an entry of the triangle) of a matrix, row by row."""
    d = fg.differentiate(f, x, deriv=deriv)
    these = np.triu_indices(x.size) if deriv == 2 else ...
    value, error, flags = (np.ravel(found[these]) for found in (d.value, d.error, d.flags))
    return value, error, flags != "", d.nfev / (value.size if deriv == 2 else x.size)


def of_the_largest(matrices):
    """The same, their digits relative to the largest entry."""
    return [replace(m, relative_to=np.full_like(m.gradient, np.abs(m.gradient).max())) for m in matrices]


def rows(kind, problems=PROBLEMS):
    """Name: method and problems, for one kind of noise; the gradients are there for comparison."""
    # Of a stack, every output must be one that float32 can hold.
    fit = [p for p in problems if kind != "float32" or narrow(p) is not None]
    second = functools.partial(entries, deriv=2)
    return {
        "gradient": (adaptive, problems),
        "Jacobian, one": (entries, one_output(problems)),
        "Jacobian, residuals": (entries, _residuals(problems)),
        "Jacobian, stacked": (entries, stacked(fit)),
        "Hessian": (second, _hessians(problems)),
        "  of the largest": (second, of_the_largest(_hessians(problems))),
    }


def table(kinds=tuple(KINDS), problems=PROBLEMS, verbose=False):
    """Rows of figures: {kind: {row: figures}}; digits of entries that are not 0."""
    found = {}
    for kind in kinds:
        chosen = rows(kind, problems)
        found[kind] = {
            name: study(KINDS[kind], method, each, verbose and not name.startswith(" "), zeros=False)
            for name, (method, each) in chosen.items()
        }
    return found


def keyed(make):
    """Makes problems once for each collection: the exact entries take seconds."""
    made = {}

    def found(problems):
        names = tuple(p.name for p in problems)
        if names not in made:
            made[names] = make(problems)
        return made[names]

    return found


_residuals, _hessians = keyed(residuals), keyed(hessians)
