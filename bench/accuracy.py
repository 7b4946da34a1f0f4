"""Accuracy, evaluations, time and honesty of derivatives, with and without noise, beside what is wanted and peers.

python bench/accuracy.py [--own] [--moved SEED ...]    gradients over tests/problems.py
python bench/accuracy.py --optimagic [POINTS ...]      gradients over the benchmark problems of optimagic
python bench/accuracy.py --special                     derivatives of 25 special and elementary functions
python bench/accuracy.py --fresh                       derivatives over tests/fresh.py, which nothing was chosen by
python bench/accuracy.py --matrices                    Jacobians and Hessians over tests/problems.py
python bench/accuracy.py --nist                        fits of NIST's regressions by scipy, with Jacobians of each kind
python bench/accuracy.py --look [--moved SEED ...]     what check=True sees, over these, held out and fresh ones
python bench/accuracy.py --kinds [--kind NAME ...] [--count 500] [--seed 0] [--families] [--verbose]

Below figures with error bars stands what is wanted of them (`_wanted.py`), with "!" where it is missed.

digits       correct digits, the median over components
worst        the tenth percentile, over problems, of the digits of their worst component
evaluations  a component, the median: a coordinate of a Jacobian, an entry of one triangle of a Hessian
most         a component, the most
time         of fastgrad.gradient's, over all problems without noise; the median of interleaved rounds
covered      components whose error bar holds; the columns that follow are of bars too
bar/error    the median
silent       components with fewer than 3 digits, no flag and a small bar
no bar       components whose bar is infinite

Digits are relative to the exact component. Of matrices, those of entries that are 0 are left out; "of the largest" is
relative to the largest entry. At solutions gradients are rounding: "of curvature" is relative to the curvature times
the coordinate, where that is larger than the component.

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
import _wanted
import numpy as np
from fresh import fresh as fresh_problems
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


def shown(found, absent=(), bounds=None):
    """The table as text; ``bounds`` are {kind: {method: {column: bound}}}."""
    lines = []
    for kind, methods in found.items():
        for name, row in methods.items():
            if not lines:
                lines.append(f"{'noise':<8} {'':<19}" + "".join(f"{key:>12}" for key in row))
            figures = "".join(f"{'' if value is None else format(value, '.4g'):>12}" for value in row.values())
            lines.append(f"{kind:<8} {name:<19}{figures}")
            wanted = (bounds or {}).get(kind, {}).get(name)
            if wanted:
                lines.append(
                    f"{'':<8} {'  wanted':<19}" + "".join(f"{cell:>12}" for cell in _wanted.cells(row, wanted))
                )
    return "\n".join(lines + [f"{name} is absent" for name in absent])


def collection(own=False, seeds=None, verbose=False):
    """Gradients over tests/problems.py, as it is or moved."""
    found = methods(own)
    absent = [name for name, method in found.items() if method is None]
    present = {name: method for name, method in found.items() if method is not None}
    problems = [problem for seed in seeds for problem in moved(seed)] if seeds else PROBLEMS
    bounds = {kind: {"  differentiate": wanted} for kind, wanted in _wanted.WANTED["collection"].items()}
    return shown(table(present, problems=problems, verbose=verbose), absent, bounds)


def optimagic(points=(), seed=1, names=None, verbose=False):
    """Gradients over the benchmark problems of optimagic (or those named), and what is left out."""
    import _optimagic

    try:
        found, left_out = _optimagic.table(points or _optimagic.POINTS, seed, names, verbose)
    except ImportError:
        return "optimagic is absent"
    notes = [f"left out at {which}: {len(each)} ({', '.join(each)})" for which, each in left_out.items() if each]
    bounds = {"exact": dict.fromkeys(found["exact"], _wanted.WANTED["optimagic"])}
    return "\n".join([shown(found, bounds=bounds), *(notes or ["left out: 0"])])


def special(verbose=False, **chosen):
    """Derivatives of special and elementary functions."""
    import _special

    found = _special.table(verbose=verbose, **chosen)
    return shown(found, bounds={"exact": dict.fromkeys(found["exact"], _wanted.WANTED["special"])})


def fresh(verbose=False):
    """Derivatives over tests/fresh.py, with the bounds of the collection."""
    problems, name = fresh_problems(), "differentiate"
    found = {kind: {name: study(make, adaptive, problems, verbose)} for kind, make in KINDS.items()}
    return shown(found, bounds={kind: {name: bounds} for kind, bounds in _wanted.WANTED["collection"].items()})


def matrices(verbose=False, **chosen):
    """Jacobians and Hessians over tests/problems.py."""
    import _matrices

    found = _matrices.table(verbose=verbose, **chosen)
    return shown(found, bounds=_wanted.of_matrices(found))


def nist():
    """Fits that reach the certified digits."""
    import _nist

    return _nist.shown(_nist.table())


def look(seeds=None, verbose=False):
    """What a second look at gradients sees."""
    import _look

    return _look.shown(_look.table(seeds or (), verbose))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--own", action="store_true", help="without peers")
    parser.add_argument("--moved", type=int, nargs="+", metavar="SEED", help="at other points, not those tuned on")
    which = parser.add_mutually_exclusive_group()
    points = ("starts", "moved", "solutions")
    which.add_argument(
        "--optimagic", nargs="*", choices=points, help="at these points, or all; moved by the first SEED"
    )
    which.add_argument("--special", action="store_true", help="special and elementary functions")
    which.add_argument("--fresh", action="store_true", help="functions that nothing was chosen by")
    which.add_argument("--matrices", action="store_true", help="Jacobians and Hessians")
    which.add_argument("--nist", action="store_true", help="fits that reach NIST's certified digits")
    which.add_argument("--look", action="store_true", help="what a second look at gradients sees")
    parser.add_argument("--verbose", action="store_true", help="components whose bar does not hold")
    kinds = parser.add_argument_group("drawn functions of kinds that mislead differences")
    which.add_argument("--kinds", action="store_true", help="their bars, instead of the problems")
    kinds.add_argument("--kind", nargs="+", choices=list(_kinds.KINDS), metavar="NAME", help=", ".join(_kinds.KINDS))
    kinds.add_argument("--count", type=int, default=500, help="cases of a kind")
    kinds.add_argument("--seed", type=int, default=0, help="other cases")
    kinds.add_argument("--families", action="store_true", help="a row for each family of a kind too")
    options = parser.parse_args()
    if options.kinds or options.kind:
        made = _bars.table(options.kind, options.count, options.seed, options.families, options.verbose)
        print(_bars.shown(made))
    elif options.optimagic is not None:
        print(optimagic(options.optimagic, (options.moved or [1])[0], verbose=options.verbose))
    elif options.special:
        print(special(options.verbose))
    elif options.fresh:
        print(fresh(options.verbose))
    elif options.nist:
        print(nist())
    elif options.look:
        print(look(options.moved, options.verbose))
    elif options.matrices:
        print(matrices(options.verbose))
    else:
        print(collection(options.own, options.moved, options.verbose))


if __name__ == "__main__":
    main()
