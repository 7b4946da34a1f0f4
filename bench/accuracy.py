"""Accuracy, evaluations, time and honesty of gradients over tests/problems.py, with and without noise, beside peers.

python bench/accuracy.py [--own] [--moved SEED] [--verbose]
python bench/accuracy.py --kinds [--kind NAME ...] [--count 500] [--seed 0] [--families] [--verbose]

digits       correct digits, the median over components
worst        the tenth percentile, over problems, of the digits of their worst component
evaluations  a component, the median
most         a component, the most
time         of fastgrad.gradient's, over all problems without noise; the median of interleaved rounds
covered      components whose error bar holds; the columns that follow are of bars too
bar/error    the median
silent       components with fewer than 3 digits, no flag and a small bar
no bar       components whose bar is infinite

With --kinds, the error bars of fastgrad.differentiate alone, on functions drawn at random, of each kind of those that
mislead differences. A case weighs the same, however many components it has. Where nobody could say anything, such as
of an infinite slope, having no bar counts as holding; elsewhere it does for 2% of the components at most. A flag never
does.

holds %      components whose bar holds
whole %      cases all of whose bars hold
no bar %     components without a bar, of which something can be said
digits       correct digits, the median over components
wide %       components whose bar is wider than any slope by which f changes as much as it does
known        digits by the bar, of such a slope; the median
known 10%    the tenth percentile
evaluations  a coordinate, or a pair of them in a Hessian; the median
bar/error    the median
silent %     components with fewer than 3 digits, no flag and a small bar
off by       the most that an error exceeds its bar
"""

import argparse
import contextlib
import functools
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import _bars
import _kinds
import _peers
import _timing
import numpy as np
from problems import PROBLEMS
from study import KINDS, adaptive, moved, study

import fastgrad as fg


def counted(verb, f, x):
    """Value, error, whether flagged, and evaluations a component, of a verb that knows only value and error."""
    calls = 0

    def counting(point):
        nonlocal calls
        calls += 1
        return f(point)

    try:
        value, error = verb(counting, x)
    except Exception as problem:
        raise ArithmeticError("no derivative") from problem  # which `study` counts
    error = np.full(x.size, np.inf) if error is None else np.ravel(error)
    return np.ravel(value), error, np.zeros(x.size, bool), calls / x.size


OWN = {
    "fastgrad.gradient": functools.partial(counted, lambda f, x: (fg.gradient(f, x), None)),
    "  order=4": functools.partial(counted, lambda f, x: (fg.gradient(f, x, order=4), None)),
    "  differentiate": adaptive,
}


def methods(own=False):
    """Name: method, as `study` takes it; None for what is not installed."""
    peers = {} if own else _peers.gradients()
    return OWN | {name: verb and functools.partial(counted, verb) for name, verb in peers.items()}


def times(chosen, problems, rounds=3):
    """Time of each method over all problems, of the first one's."""

    def over_all(method):
        for problem in problems:
            # Peers fail at edges of domains.
            with contextlib.suppress(Exception):
                method(problem.f, problem.point)

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        rows = {name: functools.partial(over_all, method) for name, method in chosen.items()}
        return _timing.ratios(_timing.rounds_of(rows, 0.0, rounds), next(iter(rows)))


def table(chosen, kinds=tuple(KINDS), problems=PROBLEMS, verbose=False):
    """Rows of figures: {kind: {method: {column: figure}}}."""
    ratios = times(chosen, problems)
    found = {}
    for kind in kinds:
        found[kind] = {}
        for name, method in chosen.items():
            row = study(KINDS[kind], method, problems, verbose)
            if row["no bar"] == 1.0:
                row |= dict.fromkeys(("covered", "bar/error", "silent", "no bar"))
            figures = list(row.items())
            found[kind][name] = dict([*figures[:4], ("time", ratios[name] if kind == "exact" else None), *figures[4:]])
    return found


def shown(found, absent=()):
    """The table as text."""
    lines = []
    for kind, methods in found.items():
        for name, row in methods.items():
            if not lines:
                lines.append(f"{'noise':<8} {'':<19}" + "".join(f"{key:>12}" for key in row))
            figures = "".join(f"{'' if value is None else format(value, '.4g'):>12}" for value in row.values())
            lines.append(f"{kind:<8} {name:<19}{figures}")
    return "\n".join(lines + [f"{name} is absent" for name in absent])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--own", action="store_true", help="without peers")
    parser.add_argument("--moved", type=int, metavar="SEED", help="the problems at other points, not those tuned on")
    parser.add_argument("--verbose", action="store_true", help="components whose bar does not hold")
    kinds = parser.add_argument_group("drawn functions of kinds that mislead differences")
    kinds.add_argument("--kinds", action="store_true", help="their bars, instead of the problems")
    kinds.add_argument("--kind", nargs="+", choices=list(_kinds.KINDS), metavar="NAME", help=", ".join(_kinds.KINDS))
    kinds.add_argument("--count", type=int, default=500, help="cases of a kind")
    kinds.add_argument("--seed", type=int, default=0, help="other cases")
    kinds.add_argument("--families", action="store_true", help="a row for each family of a kind too")
    options = parser.parse_args()
    if options.kinds or options.kind:
        made = _bars.table(options.kind, options.count, options.seed, options.families, options.verbose)
        print(_bars.shown(made))
        return
    found = methods(options.own)
    absent = [name for name, method in found.items() if method is None]
    problems = PROBLEMS if options.moved is None else moved(options.moved)
    present = {name: method for name, method in found.items() if method is not None}
    print(shown(table(present, problems=problems, verbose=options.verbose), absent))


if __name__ == "__main__":
    main()
