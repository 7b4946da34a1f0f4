"""Nonlinear regressions of NIST's Statistical Reference Datasets, fitted from both starts with Jacobians of each kind.

`nist.json` has the data of all 27 sets, their starts and certified parameters (https://www.itl.nist.gov/div898/strd/,
in the public domain). A fit reaches the certified digits if six of each parameter are right.
"""

import json
import warnings
from pathlib import Path

import numpy as np

import fastgrad as fg

DIGITS = 1e-6
"""The relative error of a parameter that counts as certified digits."""


def rational(p, q, x):
    """Coefficients from the constant on; the denominator's constant is 1."""
    return np.polyval(p[::-1], x) / (1 + x * np.polyval(q[::-1], x))


def _enso(b, x):
    year = 2 * np.pi * x / 12
    found = b[0] + b[1] * np.cos(year) + b[2] * np.sin(year)
    for period, c, s in (b[3:6], b[6:9]):
        found = found + c * np.cos(2 * np.pi * x / period) + s * np.sin(2 * np.pi * x / period)
    return found


def _gauss(b, x):
    peaks = (b[k] * np.exp(-((x - b[k + 1]) ** 2) / b[k + 2] ** 2) for k in (2, 5))
    return b[0] * np.exp(-b[1] * x) + sum(peaks)


def _exponentials(b, x):
    return sum(b[k] * np.exp(-b[k + 1] * x) for k in (0, 2, 4))


def _chwirut(b, x):
    return np.exp(-b[0] * x) / (b[1] + b[2] * x)


MODELS = {
    "Bennett5": lambda b, x: b[0] * (b[1] + x) ** (-1 / b[2]),
    "BoxBOD": lambda b, x: b[0] * (1 - np.exp(-b[1] * x)),
    "Chwirut1": _chwirut,
    "Chwirut2": _chwirut,
    "DanWood": lambda b, x: b[0] * x ** b[1],
    "Eckerle4": lambda b, x: b[0] / b[1] * np.exp(-(((x - b[2]) / b[1]) ** 2) / 2),
    "ENSO": _enso,
    "Gauss1": _gauss,
    "Gauss2": _gauss,
    "Gauss3": _gauss,
    "Hahn1": lambda b, x: rational(b[:4], b[4:], x),
    "Kirby2": lambda b, x: rational(b[:3], b[3:], x),
    "Lanczos1": _exponentials,
    "Lanczos2": _exponentials,
    "Lanczos3": _exponentials,
    "MGH09": lambda b, x: b[0] * (x * x + b[1] * x) / (x * x + b[2] * x + b[3]),
    "MGH10": lambda b, x: b[0] * np.exp(b[1] / (x + b[2])),
    "MGH17": lambda b, x: b[0] + b[1] * np.exp(-b[3] * x) + b[2] * np.exp(-b[4] * x),
    "Misra1a": lambda b, x: b[0] * (1 - np.exp(-b[1] * x)),
    "Misra1b": lambda b, x: b[0] * (1 - (1 + b[1] * x / 2) ** -2),
    "Misra1c": lambda b, x: b[0] * (1 - (1 + 2 * b[1] * x) ** -0.5),
    "Misra1d": lambda b, x: b[0] * b[1] * x / (1 + b[1] * x),
    "Nelson": lambda b, x: b[0] - b[1] * x[0] * np.exp(-b[2] * x[1]),
    "Rat42": lambda b, x: b[0] / (1 + np.exp(b[1] - b[2] * x)),
    "Rat43": lambda b, x: b[0] / (1 + np.exp(b[1] - b[2] * x)) ** (1 / b[3]),
    "Roszman1": lambda b, x: b[0] - b[1] * x - np.arctan(b[2] / (x - b[3])) / np.pi,
    "Thurber": lambda b, x: rational(b[:4], b[4:], x),
}

JACOBIANS = {
    "central": lambda r: lambda b: fg.jacobian(r, b),
    "order=4": lambda r: lambda b: fg.jacobian(r, b, order=4),
    "order=6": lambda r: lambda b: fg.jacobian(r, b, order=6),
    "order=8": lambda r: lambda b: fg.jacobian(r, b, order=8),
    "differentiate": lambda r: lambda b: fg.differentiate(r, b).value,
}


def _residuals(model, y, x):
    return lambda b: model(b, x) - y


def fits():
    """Name, residuals, start and certified parameters of each of the 54."""
    for name, each in json.loads(Path(__file__).with_name("nist.json").read_text()).items():
        y, x = np.array(each["y"], float), np.array(each["x"], float)
        # Nelson's model is one of logarithms.
        r = _residuals(MODELS[name], np.log(y) if name == "Nelson" else y, x)
        for k, start in enumerate(each["starts"], 1):
            yield f"{name}, start {k}", r, np.array(start, float), np.array(each["certified"])


def error(r, jacobian, start, certified, **options):
    """The largest relative error of a parameter, infinite where the fit fails, and evaluations of r."""
    from scipy.optimize import least_squares

    calls = 0

    def counted(b):
        nonlocal calls
        calls += 1
        return r(b)

    options = {"x_scale": "jac", "xtol": 1e-15, "ftol": 1e-15, "gtol": 1e-15, "max_nfev": 2000} | options
    # Far from a solution models overflow; what a Jacobian says is asked elsewhere.
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            found = least_squares(counted, start, jac=jacobian(counted), **options)
        except (ValueError, ArithmeticError, np.linalg.LinAlgError):
            return np.inf, calls
    return np.max(np.abs(found.x / certified - 1)), calls


def table(kinds=tuple(JACOBIANS), methods=("trf", "lm"), chosen=None):
    """Rows of figures: {(method, kind): {column: figure}}, and the fits that miss the digits."""
    found = {}
    for method in methods:
        for kind in kinds:
            rows = [
                (name, *error(r, JACOBIANS[kind], start, certified, method=method))
                for name, r, start, certified in fits()
                if chosen is None or name in chosen
            ]
            errors = np.array([off for _, off, _ in rows])
            found[method, kind] = {
                "fits": len(rows),
                "reached": int((errors <= DIGITS).sum()),
                "4 digits": int((errors <= 1e-4).sum()),
                "evaluations": sum(count for _, _, count in rows),
                "missed": [name for name, off, _ in rows if not off <= DIGITS],
            }
    return found


def shown(found):
    """The table as text."""
    columns = ("fits", "reached", "4 digits", "evaluations")
    lines = [f"{'least_squares':<14} {'jac':<14}" + "".join(f"{key:>12}" for key in columns)]
    for (method, kind), row in found.items():
        missed = f"  missed: {', '.join(row['missed'])}" if row["missed"] else ""
        lines.append(f"{method:<14} {kind:<14}" + "".join(f"{row[key]:>12}" for key in columns) + missed)
    return "\n".join(lines)
