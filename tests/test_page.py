"""The report that `fastgrad check --html` prints: a whole page, well formed whatever is in it."""

import html.parser
import math
import re

import numpy as np
import pytest
from makers import HOSTILE

import fastgrad as fg
from fastgrad.records.page import _STYLE, page

VOID = ("meta", "br")


class Page(html.parser.HTMLParser):
    """Fails unless every tag is closed, in order; keeps cells, and the text of each kind of tag."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.rows, self.texts, self.classes, self.values = [], [], {}, [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.handle_startendtag(tag, attributes)
        assert not {"src", "href", "onclick"} & dict(attributes).keys()  # nothing to load
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag, attributes):
        self.classes.append((tag, dict(attributes).get("class")))
        self.values += [value for _, value in attributes]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open:
            self.texts[self.open[-1]] = self.texts.get(self.open[-1], "") + data
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data


def f(p):
    return float((p["W"] ** 2).sum() + np.sin(p["b"]).sum())


def slopes(p):
    return {"W": 2 * p["W"], "b": np.cos(p["b"])}


X = {"W": np.arange(1.0, 5.0).reshape(2, 2), "b": np.array([0.3, -0.4])}


def broken(p):
    found = slopes(p)
    found["W"][1, 0] *= -1
    return found


def test_a_wrong_gradient():
    check = fg.check_grad(f, broken, X)
    text = page(check, "broken")
    assert text.startswith('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">')
    assert text.endswith("</html>")
    found = Page(text)
    assert found.texts["title"].startswith("gradient broken is WRONG - fastgrad")
    assert "WRONG" in found.texts["b"]
    assert ("body", "wrong") in found.classes
    assert check.explanation in found.texts["p"]
    assert found.rows[0][:5] == ["entry", "claimed", "numeric", "± error", "difference"]
    assert found.rows[1][0] == "W[1, 0]"
    assert found.rows[1][1:3] == ["-6", "6"]
    assert found.rows[1][5] == "✗ wrong"
    assert [kind for tag, kind in found.classes if tag == "tr"] == [None, "wrong", *5 * [None]]
    assert [kind for tag, kind in found.classes if tag == "td"][:6] == [None, "n", "n", "n", "n", None]
    assert found.texts["text"].count("W[1, 0]") == 1  # in the plot too
    assert sum(kind == "off" for _, kind in found.classes) == 1
    assert sum(kind == "entry" for _, kind in found.classes) == 5


def test_a_right_and_an_undecided_one():
    right = Page(page(fg.check_grad(f, slopes, X)))
    assert right.texts["title"].startswith("gradient is RIGHT")
    assert "✓ RIGHT" in right.texts["b"]
    assert not any(kind == "wrong" for _, kind in right.classes)
    rng = np.random.default_rng(0)
    undecided = Page(page(fg.check_grad(lambda p: f(p) + rng.normal(), slopes, X)))
    assert "UNDECIDED" in undecided.texts["b"]
    assert "f is noisy" in undecided.texts["li"]
    assert ("tr", "undecided") in undecided.classes


def test_a_search_names_what_each_leaf_would_have_shown():
    x = {"W": np.ones((40, 10)), "b": np.ones(7)}
    found = Page(page(fg.check_grad(f, slopes, x)))
    assert re.search(r"by leaf: W \d\.\de-\d+, b \d\.\de-\d+", found.texts["footer"])


@pytest.mark.parametrize(
    "values",
    [
        ([np.nan, 1.0], [2.0, 1.0]),
        ([np.inf, -np.inf], [2.0, 1.0]),
        ([1e308, -1e308], [-1e308, 1e308]),
        ([0.0, 0.0], [0.0, 0.0]),
        ([5e-324, 0.0], [0.0, 1e-320]),
        ([1e16, 1e16 + 2], [1e16, 1e16 + 2]),
        ([3.0, 3.0], [3.0, 3.0]),
        ([1e300, 1e-300], [1e-300, 1e300]),
    ],
)
def test_any_numbers_can_be_drawn(values):
    claimed, numeric = values
    rows = [
        fg.Mismatch(f"x[{k}]", k, *pair, error, "wrong")
        for k, (pair, error) in enumerate(zip(zip(claimed, numeric, strict=True), (1e-3, np.inf), strict=True))
    ]
    text = page(fg.GradientCheck("wrong", rows, "both", 2, 9, math.inf, None, rows))
    assert not [value for value in Page(text).values if re.search(r"nan|inf\b", value)]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names(hostile):
    tree = {hostile: np.ones(2)}
    check = fg.check_grad(lambda p: float((p[hostile] ** 3).sum()), {hostile: np.ones(2)}, tree)
    check.notes.append(hostile)
    text = page(check, hostile)
    assert text.isascii()
    found = Page(text)
    assert found.rows[1][0] == check.rows[0].cells()[0]
    assert "script" not in {tag for tag, _ in found.classes}


def luminance(colour):
    """The relative luminance of WCAG 2.1."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def test_words_can_be_read_on_light_and_dark_pages():
    schemes = re.findall(r":root \{(.*?)\}", _STYLE, re.S)
    assert len(schemes) == 2
    for scheme in schemes:
        colours = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", scheme))
        pairs = [(word, "ground") for word in ("ink", "faint", "right", "wrong", "undecided")]
        pairs += [("wrong", "tint"), ("ink", "tint"), ("undecided", "doubt"), ("ink", "doubt")]
        for word, ground in pairs:
            one, other = sorted((luminance(colours[word]), luminance(colours[ground])))
            assert (other + 0.05) / (one + 0.05) >= 4.5, (word, ground)


def test_very_many_rows_are_cut():
    rows = [fg.Mismatch(f"x[{k}]", k, 1.0, 2.0, 1e-9) for k in range(300)]
    found = Page(page(fg.GradientCheck("wrong", rows, "all", 300, 9, 1e-9, None, rows)))
    assert len(found.rows) == 201
    assert "and 100 more" in found.texts["figcaption"]
    assert len(re.findall(r"x\[\d+\]", found.texts["text"])) <= 8
