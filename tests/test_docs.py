"""Every Python snippet of the README and of docs/ runs; those with prompts give what they say."""

import doctest
import re
from pathlib import Path

import matplotlib
import pytest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = re.compile(r"^(?:<!-- setup\n(?P<setup>.*?)^-->|```python\n(?P<code>.*?)^```)", re.M | re.S)


def _blocks(page):
    """(code, line) of each block; what a page needs to be run stands in comments that begin with "setup"."""
    text = page.read_text(encoding="utf-8")
    return [(m["setup"] or m["code"], text[: m.start()].count("\n") + 2) for m in BLOCKS.finditer(text)]


@pytest.mark.parametrize("page", [page for page in PAGES if _blocks(page)], ids=lambda page: page.name)
def test_snippets(page, tmp_path, monkeypatch, capsys):
    if page.name == "expensive.md":
        pytest.importorskip("distributed")
    matplotlib.use("Agg")
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "snippet"}
    for code, line in _blocks(page):
        if ">>>" in code:
            test = doctest.DocTestParser().get_doctest(code, names, page.name, str(page), line)
            runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
            runner.run(test, clear_globs=False)
            names.update(test.globs)
            with capsys.disabled():
                assert not runner.summarize(verbose=False).failed, f"{page.name}:{line}"
        else:
            exec(compile("\n" * (line - 1) + code, str(page), "exec"), names)


def test_links_lead_somewhere():
    seen = 0
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#:\s]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
        for name in re.findall(
            r"`((?:docs|examples|bench|tests|src_c|fastgrad)/[\w./*-]+)`", page.read_text(encoding="utf-8")
        ):
            assert list(ROOT.glob(name)), f"{page.name}: {name}"
            seen += 1
    assert seen > 20
