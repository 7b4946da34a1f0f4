"""What is wanted of the error bars' figures (`accuracy.py`): one table, and how it is shown under what was found."""

AT_LEAST = {"digits", "worst", "covered"}

_NOISY = {"evaluations": 26, "covered": 0.98, "bar/error": 10, "silent": 0.003}
_MATRICES = {"covered": 0.99, "bar/error": 12, "silent": 0}
BELOW_THE_GRADIENT = 0.5
"""How many digits a matrix may have less than the gradients of the same functions."""

WANTED = {
    "collection": {
        "exact": {"digits": 13.2, "worst": 10, "evaluations": 7.5, "covered": 0.993, "bar/error": 9, "silent": 0},
        "1e-10": {"digits": 8.5, **_NOISY},
        "1e-6": {"digits": 5, **_NOISY},
        "1e-3": {"digits": 2.4, **_NOISY},
        "float32": {"digits": 6, **_NOISY},
    },
    "optimagic": {"digits": 13, "worst": 9.8, "evaluations": 7.2, "covered": 0.99, "bar/error": 12, "silent": 0},
    "special": {"digits": 13.3, "worst": 11, "evaluations": 8, "covered": 0.99, "silent": 0},
    "matrices": {"Jacobian": {"evaluations": 9, **_MATRICES}, "Hessian": {"evaluations": 12, **_MATRICES}},
}


def of_matrices(found):
    """{kind: {row: bounds}} of a table of matrices, which has a row of gradients in each kind."""
    bounds = {}
    for kind, rows in found.items():
        digits = {"digits": rows["gradient"]["digits"] - BELOW_THE_GRADIENT}
        matrices = [name for name in rows if name.partition(",")[0] in WANTED["matrices"]]
        bounds[kind] = {name: digits | WANTED["matrices"][name.partition(",")[0]] for name in matrices}
    return bounds


def missed(column, figure, bound):
    """Whether a figure is on the wrong side of its bound, as one that is no number is."""
    return not (figure >= bound if column in AT_LEAST else figure <= bound)


def cells(row, bounds):
    """For each figure of a row what is wanted of it; "!" before a bound that is missed."""
    found = []
    for column, figure in row.items():
        if column not in bounds or figure is None:
            found.append("")
            continue
        sense, mark = (">=" if column in AT_LEAST else "<="), ("! " if missed(column, figure, bounds[column]) else "")
        found.append(f"{mark}{sense} {bounds[column]:.4g}")
    return found
