"""How records are shown: names made safe to print, tables for notebooks, axes for plots (extra ``plot``)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..core.given import printable as printable

# White words on these are read on light and on dark pages: the contrast is 5 and more (WCAG 2.1 asks for 4.5).
_BACKGROUND = {"right": "#1b7a3d", "wrong": "#b3261e", "undecided": "#7a5c00"}


def shortened(text: str, most: int = 40) -> str:
    """Printable text of at most so many characters: of longer ones, the beginning and the end."""
    text = printable(text)
    if len(text) <= most:
        return text
    half = (most - 3) // 2
    return f"{text[:half]}...{text[-half:]}"


def label(text: str) -> str:
    """Text for Matplotlib as it stands: ``$`` begins no formula there, and ``_`` does not keep it from the legend."""
    text = printable(text).replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text


def html_text(text: str) -> str:
    """Text for HTML, where nothing of it is markup."""
    import html  # its table of entities takes longer to load than all of this package needs

    return html.escape(printable(text))


def html_paragraph(text: str) -> str:
    """A paragraph of HTML."""
    return f"<p>{html_text(text)}</p>"


def html_verdict(subject: str, word: str, text: str, kind: str) -> str:
    """A paragraph that begins with a verdict on a coloured ground; its kind is "right", "wrong" or "undecided"."""
    style = f"background: {_BACKGROUND[kind]}; color: #ffffff; padding: 0 0.4em; border-radius: 0.2em"
    before = f"{html_text(subject)} " if subject else ""
    return f'<p>{before}<b style="{style}">{html_text(word)}</b> {html_text(text)}</p>'


def html_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of HTML, in the colours of the page."""

    def line(cells: Sequence[str], tag: str) -> str:
        return f"<tr>{''.join(f'<{tag}>{html_text(cell)}</{tag}>' for cell in cells)}</tr>"

    body = "".join(line(cells, "td") for cells in rows)
    return f"<table><thead>{line(head, 'th')}</thead><tbody>{body}</tbody></table>"


def axes_or_new(axes: Any, count: int = 1) -> Any:
    """The Matplotlib axes given, or new ones; an error that names the extra if Matplotlib is missing."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError("plot needs matplotlib: pip install 'fastgrad[plot]'") from error
    if axes is not None:
        return axes
    return plt.subplots(1, count, figsize=(1.4 + 5 * count, 4.8), layout="constrained")[1]
