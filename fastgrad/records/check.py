"""What a check of a derivative found: records, and how they are shown."""

from __future__ import annotations

import html
from dataclasses import asdict, dataclass, field
from typing import Any

from .show import axes_or_new

ROWS = 10


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One entry of a claimed derivative, beside the numeric one.

    Attributes
    ----------
    path : str
        Its name, such as ``"W1[3, 2]"``.
    index : int
        Its flat index.
    claimed, numeric : float
        The entry, and the derivative by differences.
    error : float
        The error bar of `numeric`.
    flag : str
        ``"wrong"``, ``"nonfinite"``, ``"undecided"``, a flag of `differentiate`, or ``""``.
    """

    path: str
    index: int
    claimed: float
    numeric: float
    error: float
    flag: str = "wrong"


@dataclass(frozen=True, slots=True)
class GradientCheck:
    """What `check_grad` or `check_jacobian` found; ``bool(check)`` is whether the derivative is right.

    Attributes
    ----------
    verdict : {"right", "wrong", "undecided"}
    wrong : list of Mismatch
        Worst first.
    explanation : str
        One sentence.
    n_compared : int
        Entries compared: each alone, or all at once in random directions.
    nfev : int
        Evaluations of f.
    resolution : float
        The largest error that could have gone unseen in an entry.
    seed : int or None
        Of the random directions; None if there were none.
    rows : list of Mismatch
        The entries with the largest differences, right or wrong, worst first.
    notes : list of str
        What is to be said of f and the gradient besides.
    leaves : dict
        In a search: for each leaf of x, the smallest error of an entry that would have been found.

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> check = fg.check_grad(lambda x: (x**2).sum(), lambda x: x, np.array([1.0, 2.0]))
    >>> bool(check), check.verdict, check.explanation
    (False, 'wrong', '2 of 2 entries are wrong: x is 0.5 times what it should be (2 of 2 entries): a factor of 2 lost?')
    >>> worst = check.wrong[0]
    >>> worst.path, worst.claimed, round(worst.numeric, 9)
    ('x[1]', 2.0, 4.0)
    """

    verdict: str
    wrong: list[Mismatch]
    explanation: str
    n_compared: int
    nfev: int
    resolution: float
    seed: int | None = None
    rows: list[Mismatch] = field(default_factory=list, repr=False)
    notes: list[str] = field(default_factory=list, repr=False)
    leaves: dict[str, float] = field(default_factory=dict, repr=False)

    def __bool__(self) -> bool:
        return self.verdict == "right"

    def __str__(self) -> str:
        rows = self.rows[:ROWS]
        width = max([len("entry"), *(len(row.path) for row in rows)])
        lines = [f"gradient is {self.verdict.upper()}: {self.explanation}"]
        lines += [f"  note: {note}" for note in self.notes]
        if rows:
            lines.append(f"  {'entry':<{width}} {'claimed':>14} {'numeric':>14} {'± error':>9} {'difference':>11}")
        for row in rows:
            lines.append(
                f"  {row.path:<{width}} {row.claimed:>14.7g} {row.numeric:>14.7g} {row.error:>9.1e} "
                f"{row.claimed - row.numeric:>11.2e}  {row.flag}".rstrip()
            )
        lines.append(f"  {self._counts()}")
        return "\n".join(lines)

    def _counts(self) -> str:
        text = f"{self.n_compared} entries compared, {self.nfev} evaluations of f"
        if self.seed is not None:
            text += f", seed {self.seed}; errors below {self.resolution:.1e} in an entry go unseen"
        return text

    def _repr_html_(self) -> str:
        cells = "".join(
            f"<tr><td>{html.escape(row.path)}</td><td>{row.claimed:.7g}</td><td>{row.numeric:.7g}</td>"
            f"<td>{row.error:.1e}</td><td>{row.claimed - row.numeric:.2e}</td><td>{html.escape(row.flag)}</td></tr>"
            for row in self.rows[:ROWS]
        )
        notes = "".join(f"<li>{html.escape(note)}</li>" for note in self.notes)
        return (
            f"<p><b>gradient is {self.verdict.upper()}</b>: {html.escape(self.explanation)}</p>"
            + (f"<ul>{notes}</ul>" if notes else "")
            + "<table><tr><th>entry</th><th>claimed</th><th>numeric</th><th>± error</th><th>difference</th>"
            + "<th></th></tr>"
            + f"{cells}</table><p>{html.escape(self._counts())}</p>"
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain Python values, ready for JSON.

        Returns
        -------
        plain : dict
            The attributes by their names.
        """
        return asdict(self)

    def plot(self, axes: Any = None) -> Any:
        """Draw claimed against numeric entries, with error bars; leaves by colour.

        Parameters
        ----------
        axes : matplotlib Axes, optional
            Where to draw; new ones by default.

        Returns
        -------
        axes : matplotlib Axes
            Entries that are right lie on its diagonal.

        Raises
        ------
        ImportError
            Matplotlib is missing (extra ``plot``).
        """
        axes = axes_or_new(axes)
        leaves: dict[str, list[Mismatch]] = {}
        for row in self.rows:
            leaves.setdefault(row.path.partition("[")[0], []).append(row)
        for name, rows in leaves.items():
            numeric, claimed = [row.numeric for row in rows], [row.claimed for row in rows]
            axes.errorbar(numeric, claimed, xerr=[row.error for row in rows], fmt=".", label=name)
        ends = [value for row in self.rows for value in (row.numeric, row.claimed)]
        if ends:
            axes.plot([min(ends), max(ends)], [min(ends), max(ends)], color="black", linewidth=0.8)
        axes.set(xlabel="numeric", ylabel="claimed", title=f"gradient is {self.verdict}")
        axes.legend(fontsize="small")
        return axes
