"""Cases of the gradient checker: a function, what is claimed of its derivative, and what should be said of it."""

import functools
import math
import statistics
import time
import warnings
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

import fastgrad as fg


@dataclass
class Case:
    """One call of the checker.

    `changed` has, for each flat index of a wrong entry, how much the claim is off there. `wanted` are verdicts, of
    which one is expected. Errors below `hidden` need not be seen, whatever the verdict then is. `f` keeps the
    precision of its argument, so that `exact` can be checked against differences in longdouble; `kinks` allow any
    slope between those on both sides.
    """

    f: Callable[..., Any]
    claimed: Any
    x: Any
    wanted: tuple[str, ...] = ("right",)
    exact: Any = None  # what is claimed, unless it is wrong
    changed: dict[int, float] = field(default_factory=dict)
    noisy: Callable[..., Any] | None = None  # f, as the checker gets it
    jacobian: bool = False
    kinks: bool = False
    strict: bool = False  # to be seen, however small
    judge: Callable[["Case", Any], tuple[bool | None, bool | None]] | None = None  # what the explanation names
    verb: Callable[..., Any] | None = None
    gradient: Callable[..., Any] | None = None  # where x is stationary: checked elsewhere
    hidden: float = 0.0  # errors of entries that nobody could see
    options: dict[str, Any] = field(default_factory=dict)
    kind: str = ""  # of bug
    family: str = ""
    index: int = 0


class Outcome(NamedTuple):
    """What the checker said of a case."""

    case: Case
    check: Any
    seconds: float
    ok: bool
    hidden: bool  # wrong, but by less than the checker says that it sees
    named: bool | None  # exactly; None where there was nothing to name
    falsely: bool | None = None


@dataclass
class Figure:
    """A row of the table: how its cases are drawn, how many by default, and what is wanted of them."""

    draw: Callable[[int, int], Iterator[Case]]
    count: int
    bounds: dict[str, float]  # column: the most, or, of "named %" and "ok %", the least
    quick: int = 20


def rng_of(name: str, index: int, seed: int) -> np.random.Generator:
    """No case depends on another."""
    return np.random.default_rng([seed, zlib.crc32(name.encode()), index])


def in_turn(families: dict[str, Callable[..., Case]], figure: str) -> Callable[[int, int], Iterator[Case]]:
    """Families take turns."""

    def draw(count: int, seed: int) -> Iterator[Case]:
        names = list(families)
        for index in range(count):
            name = names[index % len(names)]
            made = families[name](rng_of(f"{figure} {name}", index, seed))
            yield replace(made, family=made.family or name, index=index)

    return draw


def checked(case: Case) -> Outcome:
    """The checker's word, and whether it is what was wanted."""
    verb = case.verb or (fg.check_jacobian if case.jacobian else fg.check_grad)
    start = time.perf_counter()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        check = verb(case.noisy or case.f, case.claimed, case.x, **case.options)
    seconds = time.perf_counter() - start
    size = max(case.changed.values(), default=0.0)
    hidden = case.wanted == ("wrong",) and not case.strict and not size > max(check.resolution, case.hidden)
    named, falsely = case.judge(case, check) if case.judge else (exactly_named(case, check), None)
    return Outcome(
        case,
        check,
        seconds,
        check.verdict in case.wanted or hidden,
        hidden and check.verdict != "wrong",
        named,
        falsely,
    )


def small(outcome: Outcome) -> Outcome:
    """Without what may be large."""
    nothing = dict.fromkeys(("f", "claimed", "x", "exact", "noisy", "gradient", "verb"))
    case = replace(outcome.case, changed={}, **nothing)
    return outcome._replace(case=case, check=Word(outcome.check.verdict, outcome.check.nfev))


class Word(NamedTuple):
    """What is kept of a check."""

    verdict: str
    nfev: int


def exactly_named(case: Case, check: Any) -> bool | None:
    """Whether all wrong entries are named, and no other; a search need not name all of very many."""
    if not case.changed or check.verdict != "wrong":
        return None
    named = {row.index for row in check.wrong}
    seen = {k for k, size in case.changed.items() if size > max(check.resolution, case.hidden)}
    complete = seen <= named or (len(seen) > 1 and check.n_compared > 300 and len(named) > 0)
    return complete and named <= set(case.changed)


def row(outcomes: list[Outcome]) -> dict[str, float | None]:
    """Figures of many cases."""
    verdicts = [each.check.verdict for each in outcomes]
    named = [each.named for each in outcomes if each.named is not None]
    falsely = [each.falsely for each in outcomes if each.falsely is not None]
    evaluations = [each.check.nfev for each in outcomes]
    return {
        "count": len(outcomes),
        "right": verdicts.count("right"),
        "undecided": verdicts.count("undecided"),
        "wrong": verdicts.count("wrong"),
        "hidden": sum(each.hidden for each in outcomes),
        "missed": sum(not each.ok for each in outcomes),
        "named %": 100 * sum(named) / len(named) if named else None,
        "falsely %": 100 * sum(falsely) / len(falsely) if falsely else None,
        "evaluations": statistics.median(evaluations),
        "most": max(evaluations),
        "seconds": sum(each.seconds for each in outcomes),
    }


COLUMNS = (
    "count", "right", "undecided", "wrong", "hidden", "missed", "named %", "falsely %", "evaluations", "most",
    "seconds",
)  # fmt: skip


def values(found: dict[str, Any], column: str) -> float | None:
    """A column of a row, also those in percent: "undecided %" is made of "undecided"."""
    if column in found:
        return found[column]
    count = found[column.removesuffix(" %")]
    return None if count is None else 100 * count / found["count"]


LEAST = ("named %", "right %", "wrong %")


def passes(found: dict[str, Any], bounds: dict[str, float]) -> dict[str, bool]:
    """Which bounds hold."""
    told = {}
    for column, bound in bounds.items():
        value = values(found, column)
        told[column] = value is None or (value >= bound if column in LEAST else value <= bound)
    return told


def shown(name: str, found: dict[str, Any], bounds: dict[str, float] | None) -> str:
    """A line of the table, and its bounds."""
    cells = "".join(
        f"{'' if found[column] is None else format(found[column], '.4g'):>{max(9, len(column) + 2)}}"
        for column in COLUMNS
    )
    told = [
        f"{column} {'>=' if column in LEAST else '<='} {bounds[column]:g}{'' if held else ' !'}"
        for column, held in passes(found, bounds or {}).items()
    ]
    return f"{name:<30}{cells}   {', '.join(told)}".rstrip()


def header() -> str:
    return f"{'':<30}" + "".join(f"{column:>{max(9, len(column) + 2)}}" for column in COLUMNS) + "   wanted"


# Points that may be pytrees, flat and in other precisions.


def leaves(x: Any) -> list[np.ndarray]:
    """In the checker's order: dicts by their sorted keys."""
    if isinstance(x, dict):
        return [leaf for name in sorted(x) for leaf in leaves(x[name])]
    return [np.asarray(x)]


def flat(x: Any) -> np.ndarray:
    return np.concatenate([leaf.ravel() for leaf in leaves(x)])


def like(x: Any, values: np.ndarray) -> Any:
    """Flat values in x's structure, in their own precision."""
    if isinstance(x, dict):
        made, start = {}, 0
        for name in sorted(x):
            size = flat(x[name]).size
            made[name] = like(x[name], values[start : start + size])
            start += size
        return made
    return values.reshape(np.shape(x))


def with_bug(case: Case, wrong: Any, kind: str, **more: Any) -> Case:
    """The case with another claim: what differs is what should be named."""
    exact = flat(case.exact).astype(float)
    claimed = np.ravel(wrong) if case.jacobian else flat(wrong).astype(float)
    off = np.abs(claimed - exact)
    changed = {int(k): float(off[k]) for k in np.flatnonzero(off)}
    return replace(case, claimed=wrong, wanted=("wrong",), changed=changed, kind=kind, **more)


# What a derivative is compared with: differences of order 6 in longdouble.

_SIXTH = {1: 3 / 4, 2: -3 / 20, 3: 1 / 60}


def differences(case: Case, entries: np.ndarray, step: float = 1e-3) -> np.ndarray:
    """Derivatives by some entries of x."""
    base = flat(case.x).astype(np.longdouble)
    found = []
    for k in entries:
        h = np.longdouble(step) * max(abs(base[k]), np.longdouble(0.1) if base[k] == 0 else 0)
        total = 0
        for m, weight in _SIXTH.items():
            for sign in (1, -1):
                moved = base.copy()
                moved[k] += sign * m * h
                total = total + sign * np.longdouble(weight) * case.f(like(case.x, moved))
        found.append(total / h)
    return np.array(found)


def one_sided(case: Case, entries: np.ndarray, step: float = 1e-7) -> tuple[np.ndarray, np.ndarray]:
    """Slopes on the left and on the right, of order 3 in longdouble."""
    base = flat(case.x).astype(np.longdouble)
    weights = np.array([-11, 18, -9, 2], dtype=np.longdouble) / 6
    sides = []
    for sign in (-1, 1):
        slopes = []
        for k in entries:
            total = np.longdouble(0)
            for m, weight in enumerate(weights):
                moved = base.copy()
                moved[k] += sign * m * np.longdouble(step)
                total = total + weight * case.f(like(case.x, moved))
            slopes.append(float(sign * total / np.longdouble(step)))
        sides.append(np.array(slopes))
    return sides[0], sides[1]


def verified(case: Case, most: int = 12) -> float:
    """By how much the right derivative differs from differences in longdouble, relative to its largest entry."""
    if case.exact is None:
        return 0.0
    rng, n = np.random.default_rng(0), flat(case.x).size
    entries = np.sort(rng.choice(n, min(n, most), replace=False))
    if case.gradient:
        x = like(case.x, flat(case.x) + 0.1 * rng.normal(size=n))
        case = replace(case, x=x, exact=case.gradient(x))
    with np.errstate(all="ignore"):
        if case.kinks:
            left, right = one_sided(case, entries)
            exact = flat(case.exact)[entries].astype(float)
            low, high = np.minimum(left, right), np.maximum(left, right)
            size = max(np.abs(flat(case.exact)).max(), np.abs(low).max(), np.abs(high).max(), 1e-300)
            rounding = 1e-10 * abs(float(case.f(case.x)))
            return float(np.maximum(np.maximum(low - exact, exact - high) - rounding, 0).max() / size)
        exact = np.asarray(case.exact).T[entries] if case.jacobian else flat(case.exact)[entries]
        off = min(
            (np.abs(differences(case, entries, step) - exact).astype(float) for step in (3e-2, 1e-3, 1e-4, 1e-5)),
            key=lambda each: float(each.max()),
        )
    worst = max(float(off.max()) - 1e-1 * case.hidden, 0.0)
    return worst / max(float(np.abs(np.asarray(exact, float)).max()), 1e-300) if math.isfinite(worst) else math.inf


@functools.cache
def precise() -> bool:
    """Whether longdouble is more than a float64 here."""
    return np.finfo(np.longdouble).eps < 1e-17
