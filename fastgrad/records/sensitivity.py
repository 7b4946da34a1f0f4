"""What `sensitivity` found: the record, its table and its pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.dataframes import native_frame
from ..core.given import shown
from ..core.options import count, whole
from ..core.point import Array
from .record import Record
from .show import axes_or_new, html_paragraph, html_table, label, printable, shortened

_COLUMNS = ("mean", "mean_abs", "standardised", "positive", "error")


@dataclass(frozen=True, eq=False, repr=False)
class Sensitivity(Record):
    """How each feature moves a model's prediction; made by `sensitivity`.

    Attributes
    ----------
    values : ndarray
        (b, n), or (b, k, n) for k outputs: change of the prediction for a unit of the feature, at each row; NaN in rows
        that were skipped, and for constant features.
    error : ndarray
        Likewise: the error bar of each.
    features : list of str
        Names of the features.
    outputs : list of str
        Names of the outputs; empty if there is but one.
    kinds : list of str
        How each feature was changed: "derivative"; "unit step", over one unit, of features that hold whole numbers;
        "two values", from one to the other; "sd step", over one standard deviation; "constant", not at all.
    spread : ndarray
        (n,): the standard deviation of each feature.
    piecewise_constant : bool
        Whether the model was recognised as constant between jumps: then its derivative is 0 almost everywhere.
    skipped : int
        Rows with NaN, left out.
    nfev : int
        Rows that the model predicted.
    frame : str
        The library whose DataFrame X was, such as "pandas"; "" if it was an array.

    Examples
    --------
    >>> import fastgrad as fg, numpy as np
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> found = fg.sensitivity(lambda X: 3 * X[:, 0] - X[:, 1], X)
    >>> found.ranking, found.mean.round(6).tolist(), found.positive.tolist()
    (['x0', 'x1'], [3.0, -1.0], [1.0, 0.0])
    """

    values: Array
    error: Array
    features: list[str]
    outputs: list[str]
    kinds: list[str]
    spread: Array
    piecewise_constant: bool
    skipped: int
    nfev: int
    frame: str = ""

    def _over_rows(self, values: Array) -> Array:
        """The mean over rows that were not skipped, NaN for constant features."""
        counted = ~np.isnan(values)
        with np.errstate(all="ignore"):
            return np.asarray(np.where(counted, values, 0.0).sum(axis=0) / counted.sum(axis=0))

    @property
    def mean(self) -> Array:
        """Mean over the rows, (n,) or (k, n): which way, on average."""
        return self._over_rows(self.values)

    @property
    def mean_abs(self) -> Array:
        """Mean of the absolute values: how much, whichever way."""
        return self._over_rows(np.abs(self.values))

    @property
    def standardised(self) -> Array:
        """`mean_abs` times the feature's spread: features of different units can be compared."""
        return np.asarray(self.mean_abs * self.spread)

    @property
    def positive(self) -> Array:
        """Share of the rows where the prediction rises with the feature."""
        return self._over_rows(np.where(np.isnan(self.values), np.nan, self.values > 0))

    @property
    def ranking(self) -> list[str]:
        """Features by `standardised`, over all outputs, the largest first; constant ones last."""
        return [self.features[j] for j in self._ranked()]

    def _ranked(self) -> list[int]:
        size = self.standardised.reshape(-1, len(self.features)).sum(axis=0)
        ranked: list[int] = np.argsort(-np.nan_to_num(size, nan=-1.0), kind="stable").tolist()
        return ranked

    def _table(self) -> list[tuple[str, str, str, list[float]]]:
        """Rows of the ranked table: output, feature, kind, numbers."""
        columns = [getattr(self, name) for name in _COLUMNS[:-1]] + [self._over_rows(self.error)]
        numbers = np.stack([np.reshape(column, (-1, len(self.features))) for column in columns])
        places = self._ranked()
        return [
            (output, self.features[j], self.kinds[j], numbers[:, k, j].tolist())
            for k, output in enumerate(self.outputs or [""])
            for j in places
        ]

    def _notes(self) -> list[str]:
        notes = []
        if self.piecewise_constant:
            notes.append(
                "the model is piecewise constant (trees are): its derivative is 0 almost everywhere, so these are "
                "differences over one standard deviation of the feature"
            )
        elif "sd step" in self.kinds:
            notes.append("sd step: a difference over one standard deviation of the feature")
        if "unit step" in self.kinds:
            notes.append("unit step: a difference over one unit, since the feature holds whole numbers")
        if "two values" in self.kinds:
            notes.append("two values: from the one to the other, for a unit")
        if "constant" in self.kinds:
            notes.append("constant: the feature has one value, which shows nothing")
        if self.skipped:
            notes.append(f"{self.skipped} rows with NaN were skipped")
        return notes

    def __repr__(self) -> str:
        first = ", ".join(map(shortened, self.ranking[:1]))
        return (
            f"Sensitivity({len(self.values)} rows, {len(self.features)} features, the first {first!r}, "
            f"nfev={self.nfev})"
        )

    def __str__(self) -> str:
        table = self._table()
        features, outputs = list(map(printable, self.features)), list(map(printable, self.outputs))
        width = max(len("feature"), *map(len, features))
        named = max(map(len, outputs), default=-2) + 2
        lines = [f"{'output' if outputs else '':<{named}}{'feature':<{width}}  {'mean':>11} {'mean |.|':>11} "
                 f"{'x spread':>11} {'positive':>9} {'error':>9}  kind"]  # fmt: skip
        for output, feature, kind, (mean, size, scaled, positive, error) in table:
            share = "" if np.isnan(positive) else f"{positive:.0%}"
            lines.append(
                f"{printable(output):<{named}}{printable(feature):<{width}}  {mean:>11.4g} {size:>11.4g} "
                f"{scaled:>11.4g} {share:>9} {error:>9.1e}  {kind}"
            )
        return "\n".join([*lines, *self._notes()])

    def _repr_html_(self) -> str:
        rows = [
            (output, feature, kind, *(f"{number:.4g}" for number in numbers))
            for output, feature, kind, numbers in self._table()
        ]
        table = html_table(("output", "feature", "kind", *_COLUMNS), rows)
        return "".join([table, *map(html_paragraph, self._notes())])

    def to_frame(self) -> Any:
        """The table as a DataFrame, of the kind that X was; else pandas' or polars'.

        Returns
        -------
        frame : DataFrame
            A row a feature and output, ranked: mean, mean_abs, standardised, positive, error.

        Raises
        ------
        ImportError
            narwhals (extra ``frames``) or any library of DataFrames is missing.
        """
        table = self._table()
        columns: dict[str, Any] = {"output": [row[0] for row in table]} if self.outputs else {}
        columns |= {"feature": [row[1] for row in table], "kind": [row[2] for row in table]}
        columns |= {name: [row[3][k] for row in table] for k, name in enumerate(_COLUMNS)}
        return native_frame(columns, self.frame)

    def _place(self, output: Any) -> int:
        """The place of an output, by its name or number."""
        if self.outputs and isinstance(output, str):
            if output not in self.outputs:
                raise ValueError(f"output {shown(output)} is not one of {', '.join(map(shown, self.outputs))}")
            return self.outputs.index(output)
        places = range(max(1, len(self.outputs)))
        found = whole("output", output)
        if not -len(places) <= found < len(places):
            raise ValueError(f"output is {found}; there are {len(places)}")
        return places[found]

    def plot(self, axes: Any = None, output: int | str = 0, most: int = 20) -> Any:
        """Draw how much each feature moves the prediction, and how that differs from row to row.

        Parameters
        ----------
        axes : pair of matplotlib Axes, optional
            Where to draw; new ones by default.
        output : int or str, optional
            Which output.
        most : int, optional
            So many features at most, the largest.

        Returns
        -------
        axes : array of matplotlib Axes
            Bars of the mean absolute value times the feature's spread, with its standard deviation over the rows; and
            a dot for each row.

        Raises
        ------
        ImportError
            Matplotlib is missing (extra ``plot``).
        TypeError, ValueError
            There is no such output; most is no whole number, or negative.
        """
        most, place = count("most", most), self._place(output)
        axes = axes_or_new(axes, 2)
        values = self.values if not self.outputs else self.values[:, place]
        scaled = values[~np.isnan(values).all(axis=1)] * self.spread
        size = np.abs(scaled)
        places = np.argsort(-np.nan_to_num(size.mean(axis=0), nan=-1.0), kind="stable")[:most].tolist()
        names, down = [label(self.features[j]) for j in places], range(len(places))
        axes[0].barh(down, size.mean(axis=0)[places], xerr=size.std(axis=0)[places], color="#4477aa", ecolor="#888888")
        rng = np.random.default_rng(0)
        for row, j in enumerate(places):
            height = row + rng.uniform(-0.3, 0.3, len(scaled))
            axes[1].scatter(scaled[:, j], height, s=4, alpha=0.5, color="#4477aa", linewidths=0)
        axes[1].axvline(0.0, color="black", linewidth=0.8)
        of = f" of {label(self.outputs[place])}" if self.outputs else ""
        axes[0].set(xlabel=f"mean |change{of}| for one spread")
        axes[1].set(xlabel=f"change{of} for one spread, each row")
        for each in axes:
            each.set(yticks=list(down), yticklabels=names, ylim=(len(places) - 0.5, -0.5))
        return axes
