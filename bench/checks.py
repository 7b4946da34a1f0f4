"""What the gradient checker says of models drawn at random: right ones, and ones with bugs.

python bench/checks.py [--figure NAME ...] [--count N] [--seed 0] [--quick] [--families] [--verbose]
python bench/checks.py --verify [--figure NAME ...] [--count 200]

A line for each figure whose name begins with NAME, and what is wanted of it, with "!" where it is missed. Cases follow
from the seed alone. With --verify, the derivatives by hand are compared with differences in longdouble instead.

right        verdicts
undecided
wrong
hidden       bugs not found that are smaller than the resolution that the check states
missed       verdicts that are not what is wanted; hidden bugs are not among them
named %      of the bugs found, those of which all wrong entries are named and nothing else; in explanations, those
             whose kind is said
falsely %    explanations that name another kind
evaluations  of f, the median
most         of f
seconds      in the checker

jacobians-right    exact Jacobians of sums of exponentials, damped oscillations (500 x 4), sin(5 A x), Gaussian peaks,
                   rational functions, NIST's data, networks, kinetics, kernels, 10 000 rows, rows nearly stationary
jacobians-noise    the same, with noise of 1e-6 in f
jacobians-bugs     with one bug each, half of them with that noise
kinks-right        networks and losses at their kinks, relu'(0) = 0, 1/2 or 1: zero rows and biases, black borders,
                   max-pooling with ties, hinge, L1, clip
kinks-outside      one claim beside the slopes on both sides
search-right       relu, L1, hinge and tanh networks of 10^3 to 10^6 parameters
search-bugs        seven bugs of each
cancellation-right functions that are small by cancellation
cancellation-flat  fastgrad.differentiate of them: "wrong" are zeros whose bar excludes the truth, "undecided" other
                   bars that do not hold
tolerances-right   float32 networks
tolerances-bugs    with 1% in a leaf, or in its largest entry
stationary         minima
explanations-bugs  twenty kinds of bug
explanations-none  right gradients and garbage: no kind is to be named
second-looks       noise of 1e-6 and one entry off by 0, 3, 10, 30, 100 error bars: beyond 10 never right
"""

import argparse
import sys
from itertools import groupby
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import _check_cases as cases
import _check_explanations as explanations
import _check_hard as hard
import _check_jacobians as jacobians
import _check_kinks as kinks
import _check_search as search
from _check_cases import Figure

FIGURES = {
    "jacobians-right": Figure(jacobians.right(0.0), 5_000, {"wrong": 0, "undecided %": 1}),
    "jacobians-noise": Figure(jacobians.right(1e-6), 5_000, {"wrong": 0, "undecided %": 1}),
    "jacobians-bugs": Figure(jacobians.bugs(), 10_000, {"missed": 0}),
    "kinks-right": Figure(kinks.right(), 10_000, {"wrong": 0, "undecided %": 1}),
    "kinks-outside": Figure(kinks.outside(), 2_000, {"missed": 0}),
    "search-right": Figure(search.right(), 320, {"wrong": 0, "right %": 99, "most": 40}, quick=8),
    "search-bugs": Figure(search.bugs(), 224, {"missed": 0}, quick=16),
    "cancellation-right": Figure(hard.cancellation(), 2_000, {"wrong": 0, "missed": 0}),
    "cancellation-flat": Figure(hard.flat(), 2_000, {"wrong": 0}),
    "tolerances-right": Figure(hard.tolerances(), 500, {"missed": 0}),
    "tolerances-bugs": Figure(hard.tolerances_bugs(), 500, {"missed": 0}),
    "stationary": Figure(hard.stationary(), 2_000, {"missed": 0}),
    "explanations-bugs": Figure(explanations.bugs(), 1_000, {"missed": 0, "named %": 90, "falsely %": 1}),
    "explanations-none": Figure(explanations.none(), 900, {"missed": 0, "falsely %": 1}),
    "second-looks": Figure(hard.second_looks(), 1_000, {"missed": 0}),
}


def chosen(names):
    """Figures whose names begin with one of these; all by default."""
    found = {key: each for key, each in FIGURES.items() if not names or key.startswith(tuple(names))}
    if not found:
        raise SystemExit(f"no figure begins with {' or '.join(names)}; there are {', '.join(FIGURES)}")
    return found


def told(outcome):
    """A case that is not what is wanted, in a line."""
    case, check = outcome.case, outcome.check
    bug = f", {case.kind}" if case.kind and case.kind not in case.family else ""
    return (
        f"    #{case.index} {case.family}{bug}: {check.verdict} ({check.nfev} evaluations): {check.explanation[:200]}"
    )


def lines(name, count=None, seed=0, families=False, verbose=False):
    """A figure's line, with those of its families before it."""
    figure = FIGURES[name]
    outcomes = []
    for case in figure.draw(count or figure.count, seed):
        outcome = cases.checked(case)
        # Cases may have a million entries.
        outcomes.append(cases.small(outcome))
        if verbose and (not outcome.ok or outcome.named is False or outcome.falsely):
            yield told(outcome)
    if families:
        ordered = sorted(outcomes, key=lambda each: each.case.family)
        for family, group in groupby(ordered, key=lambda each: each.case.family):
            yield cases.shown(f"  {family}", cases.row(list(group)), None)
    yield cases.shown(name, cases.row(outcomes), figure.bounds)


def verify(name, count, seed):
    """The largest error of a derivative by hand, of so many cases."""
    worst, which = 0.0, "none"
    for case in FIGURES[name].draw(count, seed):
        off = cases.verified(case)
        if not off <= worst:
            worst, which = off, f"#{case.index} {case.family}"
    return f"{name:<30}{worst:.1e} of the largest entry, {which}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--figure", nargs="+", metavar="NAME", help="those whose names begin so")
    parser.add_argument("--count", type=int, help="cases of each figure")
    parser.add_argument("--seed", type=int, default=0, help="other cases")
    parser.add_argument("--quick", action="store_true", help="few cases of each")
    parser.add_argument("--families", action="store_true", help="a line for each family too")
    parser.add_argument("--verbose", action="store_true", help="cases that are not what is wanted")
    parser.add_argument("--verify", action="store_true", help="compare the derivatives by hand with differences")
    options = parser.parse_args()
    figures = chosen(options.figure)
    if options.verify and not cases.precise():
        raise SystemExit("longdouble is a float64 here: nothing to compare with")
    if not options.verify:
        print(cases.header())
    for name, figure in figures.items():
        count = options.count or (figure.quick if options.quick else None)
        if options.verify:
            print(verify(name, count or 200, options.seed), flush=True)
            continue
        for line in lines(name, count, options.seed, options.families, options.verbose):
            print(line, flush=True)


if __name__ == "__main__":
    main()
