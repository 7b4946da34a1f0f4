"""What a second look (check=True) at gradients by fixed steps sees, over problems moved, noisy, in float32.

silent %     components with fewer than three digits, of gradients of which nothing is said
false        gradients of which something is said, though all components have four digits
of           gradients that have them, before anything is mended
more %       evaluations beyond those without a look, over all gradients
right %      the same, over those that have four digits
"""

import functools
import warnings

import numpy as np
from fresh import fresh
from heldout import held_out
from problems import PROBLEMS
from study import KINDS, moved

import fastgrad as fg

METHODS = {"central": {}, "order=4": {"order": 4}}
WANTED = {"silent %": 2.0, "false": 0}


def looked_at(f, x, **options):
    """The gradient, whether something is said, and evaluations."""
    calls = 0

    def counted(point):
        nonlocal calls
        calls += 1
        return f(point)

    with warnings.catch_warnings(record=True) as said, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        found = fg.gradient(counted, x, **options)
    return found, bool(said), calls


def row(make, problems, verbose=False, **options):
    """Figures of one method over problems."""
    silent = components = false = right = more = bare = right_more = right_bare = 0
    for problem in problems:
        if make(problem) is None:
            continue
        exact = problem.gradient
        try:
            plain, _, before = looked_at(make(problem), problem.point, check=False, **options)
            found, said, after = looked_at(make(problem), problem.point, check=True, **options)
        except (ValueError, ArithmeticError):  # what f raises, or is, at x itself
            continue
        # A derivative of 0 has no digits: it is right where it is small beside the others.
        size = np.where(exact == 0.0, 1e-10 * np.abs(exact).max(), np.abs(exact))
        is_right = bool((np.abs(plain - exact) <= 1e-4 * size).all())
        wrong = ~(np.abs(found - exact) <= 1e-3 * np.abs(exact)) & (exact != 0.0)
        components += exact.size
        silent += 0 if said else np.count_nonzero(wrong)
        false += is_right and said
        right += is_right
        more, bare = more + after - before, bare + before
        if is_right:
            right_more, right_bare = right_more + after - before, right_bare + before
        if verbose and ((wrong.any() and not said) or (is_right and said)):
            print(f"  {'false' if said else 'silent'}: {problem.name}, {options}: {found}, exact {exact}")
    return {
        "silent %": 100 * silent / max(components, 1),
        "components": components,
        "false": false,
        "of": right,
        "more %": 100 * more / max(bare, 1),
        "right %": 100 * right_more / max(right_bare, 1),
    }


def table(seeds=(), verbose=False, kinds=tuple(KINDS)):
    """Rows of figures: {(problems, kind, method): {column: figure}}. What held-out and fresh ones do is not shown."""
    sets = {"as they are": lambda: PROBLEMS}
    sets |= {f"moved, {seed}": functools.partial(moved, seed) for seed in seeds or (1, 2, 3)}
    sets |= {"held out": held_out, "fresh": fresh}
    found = {}
    for name, problems in sets.items():
        shown = verbose and name not in ("held out", "fresh")
        for kind in kinds:
            for method, options in METHODS.items():
                found[name, kind, method] = row(KINDS[kind], problems(), shown, **options)
    return found


def shown(found):
    """The table as text, with "!" where more is silent or false than is wanted."""
    columns = list(next(iter(found.values())))
    lines = [f"{'problems':<12} {'noise':<8} {'method':<8}" + "".join(f"{key:>12}" for key in columns)]
    for (name, kind, method), figures in found.items():
        marks = "".join("!" for key, most in WANTED.items() if figures[key] > most)
        cells = "".join(f"{format(value, '.3g'):>12}" for value in figures.values())
        lines.append(f"{name:<12} {kind:<8} {method:<8}{cells} {marks}")
    return "\n".join(lines)
