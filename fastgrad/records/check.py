"""What a check of a derivative found: records, and how they are shown."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from .record import Record
from .show import axes_or_new, html_paragraph, html_table, html_verdict, label, printable, shortened

ROWS = 10


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Mismatch(Record):
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

    def cells(self) -> tuple[str, ...]:
        """In words: path, claimed, numeric, error, difference, flag."""
        return (
            printable(self.path),
            f"{self.claimed:.7g}",
            f"{self.numeric:.7g}",
            f"{self.error:.1e}",
            f"{self.claimed - self.numeric:.2e}",
            self.flag,
        )

    def __hash__(self) -> int:
        return hash((self.path, self.index, self.flag))

    def __repr__(self) -> str:
        return (
            f"Mismatch({shortened(self.path)!r}, claimed={self.claimed:.6g}, numeric={self.numeric:.6g} "
            f"± {self.error:.1e}, flag={self.flag!r})"
        )


@dataclass(frozen=True, eq=False, repr=False)
class GradientCheck(Record):
    """What `check_grad` or `check_jacobian` found; ``bool(check)`` is whether the derivative is right.

    Attributes
    ----------
    verdict : {"right", "wrong", "undecided"}
    wrong : list of Mismatch
        Worst first.
    explanation : str
        How many entries are wrong, and how: a clause for each of at most three leaves, the worst first.
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
    what : {"gradient", "Jacobian", "Hessian"}
        What was checked.

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> check = fg.check_grad(lambda x: (x**2).sum(), lambda x: x, np.array([1.0, 2.0]))
    >>> bool(check), check.verdict, check.explanation
    (False, 'wrong', '2 of 2 entries are wrong: x is 0.5 times what it should be: a factor of 2 lost?')
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
    rows: list[Mismatch] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    leaves: dict[str, float] = field(default_factory=dict)
    what: str = "gradient"

    def __bool__(self) -> bool:
        return self.verdict == "right"

    def __repr__(self) -> str:
        return (
            f"GradientCheck({self.verdict!r}, {len(self.wrong)} wrong of {self.n_compared} entries, nfev={self.nfev}, "
            f"resolution={self.resolution:.1e})"
        )

    def __str__(self) -> str:
        rows = self._table()
        width = max([len("entry"), *(len(row[0]) for row in rows)])
        said = printable(self.explanation)
        if self.verdict == "wrong":
            said = said.replace("; ", ";\n  ")  # a line a leaf
        lines = [f"{self.what} is {self.verdict.upper()}: {said}"]
        lines += [f"  note: {printable(note)}" for note in self.notes]
        if rows:
            lines.append(f"  {'entry':<{width}} {'claimed':>14} {'numeric':>14} {'± error':>9} {'difference':>11}")
        for path, claimed, numeric, error, difference, flag in rows:
            lines.append(f"  {path:<{width}} {claimed:>14} {numeric:>14} {error:>9} {difference:>11}  {flag}".rstrip())
        lines.append(f"  {self.summary()}")
        return "\n".join(lines)

    def _table(self) -> list[tuple[str, ...]]:
        """The first rows in words."""
        return [row.cells() for row in self.rows[:ROWS]]

    def summary(self) -> str:
        """What was looked at, in a line.

        Returns
        -------
        text : str
            Entries, evaluations, and what would have gone unseen.
        """
        text = f"{self.n_compared} entries compared, {self.nfev} evaluations of f"
        if self.seed is not None:
            text += f", seed {self.seed}; errors below {self.resolution:.1e} in an entry go unseen"
        return text

    def _repr_html_(self) -> str:
        parts = [html_verdict(f"{self.what} is", self.verdict.upper(), self.explanation, self.verdict)]
        parts += [html_paragraph(f"note: {note}") for note in self.notes]
        if self.rows:
            parts.append(html_table(("entry", "claimed", "numeric", "± error", "difference", ""), self._table()))
        return "".join([*parts, html_paragraph(self.summary())])

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
            axes.errorbar(numeric, claimed, xerr=[row.error for row in rows], fmt=".", label=label(name))
        ends = [value for row in self.rows for value in (row.numeric, row.claimed)]
        if ends:
            axes.plot([min(ends), max(ends)], [min(ends), max(ends)], color="black", linewidth=0.8)
            axes.legend(fontsize="small")
        axes.set(xlabel="numeric", ylabel="claimed", title=f"{self.what} is {self.verdict}")
        return axes
