"""How often the error bars of `differentiate` hold on drawn cases of a kind: rows of figures."""

import warnings
from dataclasses import dataclass

import numpy as np
from _kinds import KINDS, case, named
from study import digits

import fastgrad as fg

MAY_HAVE_NONE = 0.02  # the share of components, of those that something can be said about, that may have no bar


@dataclass
class Outcome:
    """What `differentiate` said of a case, entry by entry; an exception is in its place in `raised`."""

    case: object
    value: np.ndarray
    error: np.ndarray
    flags: np.ndarray
    nfev: int
    raised: str = ""

    @property
    def off(self):
        """How far from the exact derivative, less what a float64 rounds of it."""
        with np.errstate(invalid="ignore"):
            off = np.abs(self.value - self.case.exact) - np.spacing(np.abs(self.case.exact))
        same = self.value == self.case.exact
        return np.where(same, 0.0, np.maximum(np.where(np.isnan(off), np.inf, off), 0.0))

    @property
    def without(self):
        """Where there is no bar."""
        return ~np.isfinite(self.error) | np.isnan(self.value)

    @property
    def held(self):
        """Where the bar holds, or there is none and nobody could give one."""
        fair = np.broadcast_to(self.case.fair, self.off.shape)
        return np.where(self.without, fair & (not self.raised), (self.off <= self.error) & np.isfinite(self.case.exact))

    @property
    def empty(self):
        """Where there is no bar, though something could be said."""
        return self.without & ~np.broadcast_to(self.case.fair, self.off.shape) & (not self.raised)

    @property
    def known(self):
        """Digits by the bar, of a slope by which f changes as much over a length as it does."""
        scale = slope_scale(self.case)
        with np.errstate(all="ignore"):
            digits_of_bar = np.log10(np.fmax(scale, np.abs(self.case.exact)) / self.error)
        return np.clip(np.where(self.without, 0.0, np.nan_to_num(digits_of_bar, nan=0.0)), 0.0, 16.0)

    @property
    def wide(self):
        """Where a bar says nothing, though something could be said: it is wider than any slope in sight."""
        return (self.known == 0) & ~self.without & ~np.broadcast_to(self.case.fair, self.off.shape)

    @property
    def cost(self):
        """Evaluations a coordinate, or a pair of them in a Hessian."""
        n = self.case.x.size
        return self.nfev / (n if self.case.deriv == 1 else n * (n + 1) / 2)

    @property
    def silent(self):
        """Where fewer than 3 digits come without a flag and with a small bar."""
        with np.errstate(invalid="ignore"):
            small = self.error <= 1e-3 * np.abs(self.value)
        return (digits(self.value, self.case.exact, self.error) < 3) & (self.flags == "") & small


def slope_scale(made):
    """How far f goes over a length along each coordinate, divided by the length, or by two for a second derivative."""

    def at(x):
        try:
            return np.asarray(made.f(x), float)
        except ValueError:
            return np.nan  # beyond an edge

    moves = np.diag(made.lengths)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        here = at(made.x.copy())
        far = [np.fmax(abs(at(made.x + move) - here), abs(at(made.x - move) - here)) for move in moves]
    slopes = np.stack(np.broadcast_arrays(*far), axis=-1) / made.lengths
    return np.fmax(slopes[..., None], slopes[..., None, :]) / made.lengths if made.deriv == 2 else slopes


def outcome(made):
    """Differentiate a case."""
    shape = made.exact.shape
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            found = fg.differentiate(made.f, made.x.copy(), deriv=made.deriv, **made.options)
        except Exception as problem:
            nothing = np.full(shape, np.nan), np.full(shape, np.inf), np.full(shape, "raised")
            return Outcome(made, *nothing, 0, f"{type(problem).__name__}: {problem}")
    parts = found.value, found.error, found.flags
    return Outcome(made, *(np.broadcast_to(part, shape) for part in parts), found.nfev)


def outcomes(kind, count, seed=0):
    """What `differentiate` says of cases of a kind."""
    return [outcome(case(kind, index, seed)) for index in range(count)]


def figures(found):
    """A row: each case weighs the same, however many components it has."""
    with np.errstate(all="ignore"):
        empty = np.mean([np.mean(o.empty) for o in found])
        held = np.mean([np.mean(o.held) for o in found]) + min(empty, MAY_HAVE_NONE)
        barred = [~o.without & np.isfinite(o.case.exact) for o in found]
        off = np.concatenate([o.off[where] for o, where in zip(found, barred, strict=True)])
        error = np.concatenate([o.error[where] for o, where in zip(found, barred, strict=True)])
        known_digits = np.concatenate([o.known[~np.broadcast_to(o.case.fair, o.known.shape)] for o in found])
        known_digits = known_digits if known_digits.size else np.array([np.nan])
        judged = [digits(o.value, o.case.exact, o.error)[np.isfinite(o.case.exact)] for o in found]
        return {
            "holds %": 100 * held,
            "whole %": 100 * np.mean([o.held.all() for o in found]),
            "no bar %": 100 * empty,
            "digits": np.median(np.concatenate(judged)) if any(d.size for d in judged) else np.nan,
            "wide %": 100 * np.mean([np.mean(o.wide) for o in found]),
            "known": np.median(known_digits),
            "known 10%": np.percentile(known_digits, 10),
            "evaluations": np.median([o.cost for o in found]),
            "bar/error": np.median((error / off)[off > 0]) if (off > 0).any() else np.nan,
            "silent %": 100 * np.mean([np.mean(o.silent) for o in found]),
            "off by": np.max((off / error)[off > error], initial=0.0),
        }


def rows(kind, found, families=False):
    """Name: figures, of a kind and, if asked, of its families."""
    made = {kind: figures(found)}
    if families:
        for name in map(named, KINDS[kind]):
            of_family = [o for o in found if o.case.family == name]
            if of_family:
                made["  " + name] = figures(of_family)
    return made


def missed(kind, found):
    """Lines that say which bars do not hold, and which are missing: enough to draw the case again."""
    for index, o in enumerate(found):
        bad = ~o.held
        if bad.any():
            parameters = ", ".join(f"{name}={value}" for name, value in o.case.parameters.items())
            yield f"{kind} {index}, {o.case.family}: x={o.case.x.tolist()}, {parameters}"
        if o.raised:
            yield f"    {o.raised}"
            continue
        for at in map(tuple, np.argwhere(bad)):
            word = "no bar" if o.empty[at] else "missed"
            yield (
                f"    {list(map(int, at))} {word}: {o.value[at]:.10g} ± {o.error[at]:.2g}, "
                f"exact {o.case.exact[at]:.10g}, off {o.off[at]:.2g}, flags {str(o.flags[at])!r}, nfev {o.nfev}"
            )


def table(kinds=None, count=500, seed=0, families=False, verbose=False):
    """Name: figures, of kinds; with `verbose`, what misses is printed first."""
    made = {}
    for kind in kinds or KINDS:
        found = outcomes(kind, count, seed)
        made |= rows(kind, found, families)
        if verbose:
            print("\n".join(missed(kind, found)))
    return made


def shown(made):
    """The table as text."""
    width = max(map(len, made))
    heads = next(iter(made.values()))
    lines = [" " * width + "".join(f"{head:>12}" for head in heads)]
    for name, row in made.items():
        lines.append(f"{name:<{width}}" + "".join(f"{value:>12.4g}" for value in row.values()))
    return "\n".join(lines)
