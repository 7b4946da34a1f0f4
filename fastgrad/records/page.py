"""A check as a page of its own: nothing to load, for light and dark screens, readable without colours too."""

from __future__ import annotations

import math
from collections.abc import Iterable

from .check import GradientCheck, Mismatch
from .show import html_text

_MOST_ROWS = 200
_MOST_NAMES = 8
_SIGNS = {"right": "&#10003;", "wrong": "&#10007;", "undecided": "?"}
_WRONG = ("wrong", "nonfinite")

# The colours of words have a contrast of 4.5 and more against their ground (WCAG 2.1).
_STYLE = """
:root { color-scheme: light dark; --ground: #ffffff; --ink: #1d1d1f; --faint: #5c5f66; --line: #dcdde1;
  --tint: #fdeceb; --right: #1b7a3d; --wrong: #b3261e; --undecided: #7a5c00; --mark: #2a5db0; --doubt: #fff6db }
@media (prefers-color-scheme: dark) { :root { --ground: #17181b; --ink: #e8e8ea; --faint: #a2a5ad; --line: #3a3c42;
  --tint: #3a1f1d; --right: #6fd08c; --wrong: #ff8a80; --undecided: #f0c75e; --mark: #8ab4f8; --doubt: #332b12 } }
body { margin: 0 auto; max-width: 52rem; padding: 2rem 1.25rem 3rem; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 0.5rem; font-weight: 600 }
h1 b { padding: 0.05em 0.4em; border-radius: 0.25em; color: var(--ground) }
.right h1 b { background: var(--right) } .wrong h1 b { background: var(--wrong) }
.undecided h1 b { background: var(--undecided) }
.why { font-size: 1.1rem; margin: 0 0 1rem; overflow-wrap: anywhere }
.notes { margin: 0 0 1.25rem; padding: 0.5rem 1rem 0.5rem 2rem; border-left: 4px solid var(--line);
  overflow-wrap: anywhere }
.scroll { overflow-x: auto; margin: 1.5rem 0 0.75rem }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { padding: 0.3rem 0.75rem; border-bottom: 1px solid var(--line); text-align: left; white-space: nowrap }
th { color: var(--faint); font-weight: 500; font-size: 0.9em; border-bottom-width: 2px }
.n { text-align: right; font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: 0.9em }
th.n { font-family: inherit }
td:first-child { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: 0.9em }
tr.wrong { background: var(--tint) } tr.wrong td:first-child, tr.wrong td:last-child { color: var(--wrong) }
tr.wrong td:first-child, tr.wrong td:last-child { font-weight: 600 }
tr.undecided { background: var(--doubt) } tr.undecided td:last-child { color: var(--undecided) }
figure { margin: 0 } figcaption, footer { color: var(--faint); font-size: 0.9rem }
svg { display: block; width: 100%; max-width: 40rem; height: auto; margin: 0 auto; overflow: visible }
svg text { font: 13px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: var(--faint) }
svg .name { fill: var(--wrong); font-weight: 600 }
svg .frame { fill: none; stroke: var(--line) } svg .tick { stroke: var(--line) }
svg .same { stroke: var(--faint); stroke-dasharray: 5 4 }
svg .entry { fill: var(--mark); fill-opacity: 0.75 } svg .bar { stroke: var(--mark) }
svg .off { stroke: var(--wrong); stroke-width: 2.5; fill: none; stroke-linecap: round }
"""


def page(check: GradientCheck, what: str = "") -> str:
    """A whole page of HTML, in ASCII: right in any encoding.

    Parameters
    ----------
    check : GradientCheck
    what : str, optional
        The gradient's name.
    """
    word, kind = check.verdict.upper(), check.verdict
    subject = f"gradient {html_text(what)}" if what else "gradient"
    notes = "".join(f"<li>{html_text(note)}</li>" for note in check.notes)
    parts = [
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{subject} is {word} - fastgrad</title>\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<style>{_STYLE}</style>\n</head>\n<body class="{kind}">\n<main>\n',
        f"<h1>{subject} is <b>{_SIGNS[kind]} {word}</b></h1>\n",
        f'<p class="why">{html_text(check.explanation)}</p>\n',
        f'<ul class="notes">{notes}</ul>\n' if notes else "",
        _figure(check.rows),
        _table(check),
        f"</main>\n<footer>{html_text(check.summary())}{_unseen(check)}</footer>\n</body>\n</html>",
    ]
    return "".join(parts).encode("ascii", "xmlcharrefreplace").decode("ascii")


def _table(check: GradientCheck) -> str:
    if not check.rows:
        return ""
    head = '<th>entry</th><th class="n">claimed</th><th class="n">numeric</th><th class="n">± error</th>'
    body = "\n".join(map(_row, check.rows[:_MOST_ROWS]))
    more = len(check.rows) - _MOST_ROWS
    rest = f"<figcaption>and {more} more</figcaption>" if more > 0 else ""
    return (
        f'<div class="scroll"><table>\n<thead><tr>{head}<th class="n">difference</th><th></th></tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>{rest}\n"
    )


def _row(row: Mismatch) -> str:
    path, *numbers, flag = map(html_text, row.cells())
    kind = "wrong" if row.flag in _WRONG else row.flag if row.flag == "undecided" else ""
    sign, marked = (f"{_SIGNS[kind]} ", f' class="{kind}"') if kind else ("", "")
    cells = "".join(f'<td class="n">{number}</td>' for number in numbers)
    return f"<tr{marked}><td>{path}</td>{cells}<td>{sign}{flag}</td></tr>"


def _unseen(check: GradientCheck) -> str:
    """What error would have been found in each leaf, where there was a search."""
    if len(check.leaves) < 2:
        return ""
    leaves = ", ".join(f"{name} {size:.1e}" for name, size in list(check.leaves.items())[:20])
    return f"<br>smallest error that would have been found, by leaf: {html_text(leaves)}"


# --- The plot ------------------------------------------------------------------------------------------------------

_LEFT, _TOP, _WIDTH, _HEIGHT = 74.0, 14.0, 540.0, 330.0


def _figure(rows: list[Mismatch]) -> str:
    """Claimed against numeric entries: those that are right lie on the dashed diagonal."""
    seen = [row for row in rows if math.isfinite(row.claimed) and math.isfinite(row.numeric)]
    if not seen:
        return ""
    across = _Axis([row.numeric for row in seen], _LEFT, _LEFT + _WIDTH)
    up = _Axis([row.claimed for row in seen], _TOP + _HEIGHT, _TOP)
    drawn = [
        f'<rect class="frame" x="{_LEFT}" y="{_TOP}" width="{_WIDTH}" height="{_HEIGHT}"/>',
        *_ticks(across, up),
        *_diagonal(across, up),
        *(_mark(row, across, up) for row in reversed(seen)),  # the worst on top
        *_names([row for row in seen if row.flag in _WRONG], across, up),
    ]
    missing = len(rows) - len(seen)
    lines = "\n".join(drawn)
    left_out = f"; {missing} that {'is' if missing == 1 else 'are'} not finite left out" if missing else ""
    return (
        f'<figure>\n<svg viewBox="0 0 {_LEFT + _WIDTH + 16:g} {_TOP + _HEIGHT + 46:g}" role="img" '
        f'aria-label="claimed against numeric entries">\n{lines}\n</svg>\n'
        f"<figcaption>Entries on the dashed line are right; wrong ones are crosses{left_out}.</figcaption>\n</figure>\n"
    )


class _Axis:
    """From values to places."""

    def __init__(self, values: list[float], start: float, end: float) -> None:
        low, high = min(values), max(values)
        # Halves, so that no difference overflows.
        pad = 0.06 * (high / 2 - low / 2) * 2 or 0.5 * abs(high) or 1.0
        self.low, self.high = max(low - pad, -1e308), min(high + pad, 1e308)
        self.start, self.end = start, end

    def __call__(self, value: float) -> float:
        share = (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
        return self.start + min(max(share, -1.0), 2.0) * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Some four round values."""
        size = (self.high / 2 - self.low / 2) / 2
        power = 10.0 ** math.floor(math.log10(size)) if size > 1e-300 else size or 1.0
        step = min((k * power for k in (1.0, 2.0, 5.0, 10.0)), key=lambda step: abs(math.log(step / size)))
        first = math.ceil(self.low / step)
        return [k * step for k in range(first, first + 12) if k * step <= self.high]


def _ticks(across: _Axis, up: _Axis) -> Iterable[str]:
    bottom = _TOP + _HEIGHT
    for value in across.ticks():
        x = across(value)
        yield f'<path class="tick" d="M{x:.1f} {bottom}v5"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 19}" text-anchor="middle">{_number(value)}</text>'
    for value in up.ticks():
        y = up(value)
        yield f'<path class="tick" d="M{_LEFT} {y:.1f}h-5"/>'
        yield f'<text x="{_LEFT - 9}" y="{y + 4.5:.1f}" text-anchor="end">{_number(value)}</text>'
    yield f'<text x="{_LEFT + _WIDTH / 2}" y="{bottom + 40}" text-anchor="middle">numeric</text>'
    middle = _TOP + _HEIGHT / 2
    yield f'<text transform="translate(16 {middle}) rotate(-90)" text-anchor="middle">claimed</text>'


def _number(value: float) -> str:
    return f"{value:.3g}".replace("-", "&#8722;")


def _diagonal(across: _Axis, up: _Axis) -> Iterable[str]:
    low, high = max(across.low, up.low), min(across.high, up.high)
    if low < high:
        ends = f"M{across(low):.1f} {up(low):.1f}L{across(high):.1f} {up(high):.1f}"
        yield f'<path class="same" d="{ends}"/>'


def _mark(row: Mismatch, across: _Axis, up: _Axis) -> str:
    x, y = across(row.numeric), up(row.claimed)
    path, claimed, numeric, error, *_ = map(html_text, row.cells())
    title = f"<title>{path}: claimed {claimed}, numeric {numeric} ± {error}</title>"
    bar = ""
    if math.isfinite(row.error):
        left, right = (min(max(across(row.numeric + d), _LEFT), _LEFT + _WIDTH) for d in (-row.error, row.error))
        bar = f'<path class="bar" d="M{left:.1f} {y:.1f}H{right:.1f}"/>' if right - left > 8 else ""
    if row.flag in _WRONG:
        return f'<g>{title}{bar}<path class="off" d="M{x - 5:.1f} {y - 5:.1f}l10 10m0 -10l-10 10"/></g>'
    return f'<g>{title}{bar}<circle class="entry" cx="{x:.1f}" cy="{y:.1f}" r="4"/></g>'


def _names(rows: list[Mismatch], across: _Axis, up: _Axis) -> Iterable[str]:
    """The worst entries' names beside them, as far as there is room."""
    marks = [(across(row.numeric), up(row.claimed)) for row in rows]
    taken = [(x - 6, x + 6, y) for x, y in marks]
    named = 0
    for row, (x, y) in zip(rows, marks, strict=True):
        text = row.cells()[0]
        text = text if len(text) <= 24 else f"{text[:10]}...{text[-11:]}"
        width = 8.0 * len(text)
        for begin, middle in ((x + 10, y), (x - 10 - width, y), (x - width / 2, y - 17), (x - width / 2, y + 17)):
            end = begin + width
            inside = begin > _LEFT and end < _LEFT + _WIDTH and _TOP + 8 < middle < _TOP + _HEIGHT - 8
            if inside and not any(begin < right and left < end and abs(middle - at) < 15 for left, right, at in taken):
                taken.append((begin, end, middle))
                named += 1
                place = f'x="{(begin + end) / 2:.1f}" y="{middle + 4.5:.1f}"'
                yield f'<text class="name" {place} text-anchor="middle">{html_text(text)}</text>'
                break
        if named == _MOST_NAMES:
            break
