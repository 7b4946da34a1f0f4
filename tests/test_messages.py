"""What exceptions and warnings say is safe to print, whatever names and values are in it."""

import contextlib
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from makers import HOSTILE, of_pandas

import fastgrad as fg
from fastgrad.core.given import printable, shown, words


class Worded:
    """A key, a label or a value whose words a terminal obeys."""

    def __repr__(self):
        return "key \x1b[2J\u202e"

    __str__ = __repr__

    def __hash__(self):
        return 1

    def __eq__(self, other):
        return isinstance(other, Worded)


def total(x):
    parts = x.values() if isinstance(x, dict) else [x]
    return float(sum(np.sum(np.asarray(part) ** 2) for part in parts))


def by_columns(X):
    return np.asarray(X)[:, :1].astype(float).sum(axis=1)


def trees(name):
    def nowhere(p):
        return 1.0 if p[name] == 1.0 else np.nan

    tree = {name: 1.0}
    return {
        "a value": lambda: fg.gradient(total, {name: np.nan}),
        "a type": lambda: fg.gradient(total, {name: f"text {name}"}),
        "another type": lambda: fg.gradient(total, {name: {name}}),
        "a step": lambda: fg.gradient(total, tree, step={name: -1.0}),
        "a path": lambda: fg.gradient(total, tree, step={"b": 1.0}),
        "bounds": lambda: fg.gradient(total, tree, bounds=(2, 3)),
        "a name": lambda: fg.partial(total, {"a": 1.0}, str(name)),
        "a place": lambda: fg.partial(total, tree, (0,)),
        "an index": lambda: fg.partial(total, np.ones(2), name),
        "a direction": lambda: fg.directional(total, tree, {name: np.nan}),
        "f's own": lambda: fg.gradient(lambda p: p.missing, tree),
        "a warning": lambda: fg.gradient(nowhere, tree),
        "a warning of bounds": lambda: fg.gradient(total, tree, bounds=(1, 1)),
        "a gradient": lambda: fg.check_grad(total, lambda p: {"b": 1.0}, tree),
        "a test": lambda: fg.testing.assert_grad(total, lambda p: {name: 1.0}, tree),
        "a start": lambda: fg.gradient_descent(lambda p: np.nan, tree),
    }


def tables(name):
    frame = pd.DataFrame(np.arange(6.0).reshape(3, 2) ** 1.1, columns=[name, "b"])
    texts = pd.DataFrame({name: list("abc"), "b": [1.0, 2.0, 4.0]})
    series = pd.Series([1.0, np.nan], index=[name, "b"])
    return {
        "a label": lambda: fg.gradient(total, series[::-1]),
        "bounds of a label": lambda: fg.gradient(total, series[:1], bounds=(3, 4)),
        "no label": lambda: fg.partial(total, series[:1], (f"not {name}",)),
        "a column": lambda: fg.gradient(total, texts),
        "no such feature": lambda: fg.sensitivity(by_columns, frame, features=[f"not {name}"]),
        "a feature of texts": lambda: fg.sensitivity(by_columns, texts, features=[name]),
        "other columns": lambda: fg.sensitivity(by_columns, frame, reference=frame[["b"]]),
        "no such output": lambda: fg.sensitivity(lambda X: np.asarray(X, dtype=float), frame, outputs=[name, "b"]).plot(
            output="not there"
        ),
    }


def words_of(name):
    return {
        "f's value": lambda: fg.gradient(lambda x: name, 1.0),
        "f's values": lambda: fg.jacobian(lambda x: np.array([name]), 1.0),
        "a method": lambda: fg.gradient(total, 1.0, method=name),
        "an option": lambda: fg.gradient(total, 1.0, **{str(name): 1}),
        "a step": lambda: fg.gradient(total, 1.0, step=name),
        "arguments": lambda: fg.gradient(total, 1.0, args=[name]),
        "positions": lambda: fg.grad(total, argnums=name),
        "a pattern": lambda: fg.jacobian(np.square, np.ones(2), sparsity=name),
        "a direction of descent": lambda: fg.gradient_descent(total, 1.0, method=name),
        "a callback": lambda: fg.gradient_descent(total, 1.0, callback=name),
        "a checkpoint": lambda: fg.gradient_descent(total, 1.0, checkpoint=3 if isinstance(name, str) else name),
        "edges": lambda: fg.grid.gradient(np.ones(5), boundary=name),
        "axes": lambda: fg.grid.partial(np.ones(5), name),
        "what is compiled": lambda: fg.compile(name),
        "a stencil": lambda: fg.stencils.stencil(name),
    }


def heard(call):
    """All lines that a call says: of its exception and the notes on it, and of warnings."""
    said = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            call()
        except (TypeError, ValueError, IndexError, AssertionError, AttributeError) as error:
            said = [str(error), *getattr(error, "__notes__", ())]
    return [line for text in [*said, *(str(each.message) for each in caught)] for line in text.split("\n")]


@pytest.mark.parametrize("kind", [trees, tables, words_of])
@pytest.mark.parametrize("name", [*HOSTILE, Worded()], ids=repr)
def test_messages_are_safe_to_print(name, kind):
    for what, call in kind(name).items():
        if what in ("a column", "no such feature") and "\x00" in str(name):
            continue  # pandas' own
        lines = heard(call)
        assert lines, what
        for line in lines:
            assert line.isprintable(), (what, line)


def test_messages_of_polars():
    frame = pl.DataFrame({HOSTILE[0]: ["a", "b", "c"], "b": [1.0, 2.0, 4.0]})
    for call in (
        lambda: fg.sensitivity(of_pandas, frame, features=[HOSTILE[0]]),
        lambda: fg.gradient(total, frame),
        lambda: fg.gradient(total, pl.Series(HOSTILE[0], ["a"])),
    ):
        assert all(line.isprintable() for line in heard(call))


def test_the_last_line_of_a_descent_is_safe_to_print():
    def f(x):
        if x[0] < 1.0:
            raise RuntimeError(HOSTILE[0])
        return float(x @ x)

    result = fg.gradient_descent(f, np.ones(2), grad=lambda x: 2 * x)
    assert str(result).isprintable()
    assert HOSTILE[0] in result.message  # the data are as they were


class Mute:
    def __repr__(self):
        raise OSError

    __str__ = __repr__


def test_words_of_what_has_none():
    assert words(Mute()) == shown(Mute()) == "<Mute>"
    assert words("a\x1b", str) == printable("a\x1b") == "a\\x1b"
    assert len(shown("a" * 1000)) == 80
    for call in (lambda: fg.gradient(total, 1.0, order=Mute()), lambda: fg.gradient(lambda x: Mute(), 1.0)):
        with pytest.raises(TypeError, match="<Mute>"):
            call()
    with contextlib.suppress(TypeError):
        fg.gradient(total, {Mute(): 1.0})
