"""Records are safe to print and to show: in terminals, pages and plots."""

import dataclasses
import html.parser
import re

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from makers import HOSTILE, MAKERS, ROWS, SHOWN, named_at_length, of_pandas, two_columns, vector

import fastgrad as fg
from fastgrad.records.show import _BACKGROUND, label, printable, shortened


@pytest.fixture(params=MAKERS)
def record(request):
    return MAKERS[request.param]()


class Page(html.parser.HTMLParser):
    """Fails unless every tag is closed, in order."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.cells, self.text = [], [], ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attributes):
        assert tag in ("p", "b", "table", "thead", "tbody", "tr", "th", "td")
        self.open.append(tag)
        if tag == "tr":
            self.cells.append(0)
        elif tag in ("td", "th"):
            self.cells[-1] += 1

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_repr_is_short(record):
    assert repr(record).isprintable()
    assert len(repr(record)) <= 120


@pytest.mark.parametrize(
    "text",
    [
        lambda: repr(
            fg.Mismatch("layers[0].weights" * 9 + "[12345678, 12345678]", 10**15, -1e-300 / 3, 1e300 / 7, 1e-300)
        ),
        lambda: repr(fg.sensitivity(of_pandas, pd.DataFrame(ROWS, columns=["a" * 500, "b" * 500]))),
        lambda: repr(fg.grad(named_at_length)),
        lambda: repr(fg.GradientCheck("undecided", [], "why " * 100, 10**9, 10**9, 1e-300)),
    ],
)
def test_repr_is_short_whatever_is_in_it(text):
    assert len(text()) <= 130


@pytest.mark.parametrize("name", SHOWN)
def test_html_is_well_formed_and_says_what_str_says(name):
    record = MAKERS[name]()
    page = Page(record._repr_html_())
    assert len(set(page.cells)) <= 1  # as many cells in each row
    for number in re.findall(r"\d\.\d{3,}", str(record)):
        assert number in page.text


def test_html_has_no_colours_but_of_verdicts():
    for name in SHOWN:
        text = MAKERS[name]()._repr_html_()
        assert set(re.findall("#[0-9a-f]{6}", text)) <= {*_BACKGROUND.values(), "#ffffff"}
        assert text.count("style=") <= 1
    for colour in _BACKGROUND.values():
        assert 1.05 / (luminance(colour) + 0.05) > 5  # of white on it


def luminance(colour):
    """The relative luminance of WCAG 2.1."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def safe(text):
    """Whether nothing in a text is obeyed by a terminal."""
    return all(line.isprintable() for line in text.split("\n"))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_names_reach_no_terminal_and_no_page(hostile):
    frame = pd.DataFrame(ROWS, columns=[hostile, "plain"])
    found = fg.sensitivity(lambda F: two_columns(F.to_numpy()), frame, outputs=[hostile, "v"])
    tree = {hostile: np.ones(2), "b": 0.5}

    def f(p):
        return float((p[hostile] ** 2).sum() + p["b"])

    wrong = {hostile: np.ones(2), "b": 1.0}
    check = fg.check_grad(f, wrong, tree)
    check.notes.append(hostile)
    said = dataclasses.replace(check, explanation=hostile)
    ended = dataclasses.replace(MAKERS["descent"](), message=hostile)
    for record in (found, fg.differentiate(f, tree), check, said, ended):
        assert safe(str(record))
        assert safe(repr(record))
        page = Page(record._repr_html_())
        assert page.text.isprintable()
        assert "<b>&" not in record._repr_html_()
    assert found.features == [hostile, "plain"]  # the data are as they were
    lines = str(found).split("\n")
    assert len(lines) == 5
    assert printable(hostile) in lines[1] + lines[2]


def test_printable():
    assert printable("Ωμέγα x̄ 温度 [0]") == "Ωμέγα x̄ 温度 [0]"
    assert printable("\x1b[2J\u202e\r\n\u2028\ud800") == r"\x1b[2J\u202e\r\n\u2028\ud800"
    assert shortened("a" * 20 + "b" * 80) == "a" * 18 + "..." + "b" * 18
    assert shortened("\x1b" * 100) == r"\x1b\x1b\x1b\x1b\x" + "..." + r"1b\x1b\x1b\x1b\x1b"[-18:]
    assert len(shortened("x" * 41)) <= 40 == len(shortened("x" * 40))


def drawn(axes):
    """The texts of a figure, after it was drawn."""
    figure = np.ravel(axes)[0].figure
    figure.canvas.draw()
    plt.close(figure)
    return [text.get_text() for each in figure.axes for text in each.findobj(matplotlib.text.Text)]


def test_hostile_names_in_plots():
    names = ["$", "$x$", r"$\frac{", r"a\$b", "$$", "_private", "%{}^_", *HOSTILE]
    rows = np.random.default_rng(0).normal(size=(9, len(names)))
    frame = pd.DataFrame(rows, columns=names)
    outputs = fg.sensitivity(lambda F: two_columns(F.to_numpy()), frame, outputs=["$u$", "v"])
    texts = drawn(outputs.plot())
    assert {*map(label, names), "change of \\$u\\$ for one spread, each row"} <= set(texts)
    tree = dict.fromkeys(names, 0.5)

    def f(p):
        return sum(p[name] ** 2 for name in names)

    drawn(fg.check_grad(f, dict.fromkeys(names, 2.0), tree).plot())
    hidden = fg.check_grad(lambda p: p["_a"] ** 2, {"_a": 2.0}, {"_a": 1.0})
    assert " _a" in drawn(hidden.plot())  # in the legend
    two = dict.fromkeys(names[:2], 0.5)

    def f_of_two(p):
        return sum(p[name] ** 2 for name in names[:2])

    drawn(fg.differentiate(f_of_two, two).plot(f_of_two, components=[0, 1]))
    texts = drawn(fg.gradient_descent(f_of_two, two, maxiter=5).plot())
    assert {r"x['\$']", r"x['\$x\$']"} <= set(texts)


def test_dollars_are_shown_as_they_are():
    text = matplotlib.text.Text(text=label("a $5 b $6"))
    figure = plt.figure()
    figure.add_artist(text)
    assert text._preprocess_math(text.get_text()) == ("a $5 b $6", False)
    plt.close(figure)


def test_nothing_to_plot_in_a_check_of_no_entries():
    axes = MAKERS["check of a Jacobian"]().plot()
    assert len(drawn(axes))
    drawn(fg.check_jacobian(vector, lambda x: [[x[1], x[0]], [0.0, np.cos(x[1])], [1.0, 0.0]], np.ones(2)).plot())
