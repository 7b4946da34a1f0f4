"""The result of a check, as a record."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..evaluate import border
from ..methods.adaptive import NOISY, flag_names
from ..records.check import GradientCheck, Mismatch
from .compared import Compared, Mask

MOST_ROWS = 300
"""Entries that a record holds, unless more are wrong."""


class Subject(NamedTuple):
    """The derivative that is checked."""

    what: str  # "gradient", "Jacobian", "Hessian"
    name: Callable[[int], str]  # of an entry, by its flat index
    columns: int
    total: int
    function: border.Function
    notes: list[str]

    def noted(self) -> list[str]:
        """Its notes, and those about the function."""
        notes = list(self.notes)
        if getattr(self.function, "overwrites", False):
            notes.append("f overwrites its argument")
        if self.function.float32 and not any("float32" in note for note in notes):
            notes.append("f computes in float32")
        return notes


def of_entries(
    subject: Subject,
    compared: Compared,
    pattern: str,
    seed: int | None = None,
    resolution: float | None = None,
    complete: bool = True,
) -> GradientCheck:
    """The record of entries that were compared one by one: all of them, or those that a search (seed) found."""
    wrong, undecided = compared.wrong, compared.undecided & ~compared.wrong
    rows = _rows(subject, compared, undecided)
    if resolution is None:
        resolution = compared.resolution
    if wrong.any():
        verdict, explanation = "wrong", _wrong(subject, compared, rows, pattern, complete)
    elif undecided.any():
        verdict, explanation = "undecided", _undecided(compared, undecided, rows)
    else:
        verdict = "right"
        explanation = (
            "every entry agrees within its error bar"
            if seed is None
            else f"all {subject.total} entries together agree along a random direction"
        )
    found = [row for row in rows if row.flag in ("wrong", "nonfinite")]
    return GradientCheck(
        verdict, found, explanation, subject.total, subject.function.nfev, resolution, seed, rows, subject.noted(),
        what=subject.what,
    )  # fmt: skip


def _rows(subject: Subject, compared: Compared, undecided: Mask) -> list[Mismatch]:
    """Entries, worst first."""
    with np.errstate(all="ignore"):
        off = np.abs(compared.claimed - compared.numeric) / (compared.bar + 1e-300)
    severity = np.nan_to_num(off, nan=np.inf, posinf=1e300)
    order = np.lexsort((-severity.ravel(), ~undecided.ravel(), ~compared.wrong.ravel()))
    first = order[: max(MOST_ROWS, int(compared.wrong.sum()))]
    i, j = np.divmod(first, compared.coordinates.size)
    indices = (i * subject.columns + compared.coordinates[j]).tolist()
    numbers = (each.ravel()[first].tolist() for each in (compared.claimed, compared.numeric, compared.bar))
    states = (each.ravel()[first].tolist() for each in (compared.wrong, undecided, compared.flags))
    rows = []
    for index, claimed, numeric, bar, wrong, vague, bits in zip(indices, *numbers, *states, strict=True):
        if not math.isfinite(claimed):
            flag = "nonfinite"
        else:
            flag = "wrong" if wrong else "undecided" if vague else flag_names(bits)
        rows.append(Mismatch(subject.name(index), index, claimed, numeric, bar, flag))
    return rows


def _wrong(subject: Subject, compared: Compared, rows: list[Mismatch], pattern: str, complete: bool) -> str:
    count = int(compared.wrong.sum())
    are = ("entry" if subject.total == 1 else "entries") + (" is" if count == 1 else " are")
    text = f"{'' if complete else 'at least '}{count} of {subject.total} {are} wrong"
    text += f": {pattern}" if pattern else f", the worst {rows[0].path}"
    kinks = np.argwhere(compared.wrong & compared.kink)
    if kinks.size:
        i, j = kinks[0]
        name = subject.name(int(i) * subject.columns + int(compared.coordinates[j]))
        text += (
            f"; at {name} f has a kink with slopes {compared.left[i, j]:.6g} and {compared.right[i, j]:.6g}: "
            f"{compared.claimed[i, j]:.6g} is not between them"
        )
    return text


def _undecided(compared: Compared, undecided: Mask, rows: list[Mismatch]) -> str:
    worst, count = rows[0], int(undecided.sum())
    numeric, bar = compared.numeric[undecided], compared.bar[undecided]
    noisy = bool((compared.flags[undecided] & NOISY != 0).any())
    vanishes = bool((np.abs(numeric) <= 2 * bar).all())
    if not noisy and vanishes and np.isfinite(bar).all():
        return (
            f"differences cannot tell for {count} of {compared.claimed.size} entries, the first {worst.path}: x is a "
            f"stationary point, and they are 0 within their errors (± {worst.error:.1e}); check elsewhere, with near=3"
        )
    cause = "noise" if noisy else "a kink or an edge nearby"
    return (
        f"differences cannot tell for {count} of {compared.claimed.size} entries, the first {worst.path} "
        f"(± {worst.error:.1e}): {cause}; {'a less noisy f' if noisy else 'a point away from it'}, or atol= and rtol= "
        "that accept this error, would decide"
    )
