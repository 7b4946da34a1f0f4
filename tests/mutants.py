"""Breaks one thing at a time in a copy of the tree, and says which tests notice.

    python tests/mutants.py                 all of them
    python tests/mutants.py check sparse    those of some folders, or by name
    python tests/mutants.py --list          their names; also checks that each still fits the source

What is compiled is built again, as far as it changed. The tests named for a mutant run first, then, if it lives, the
fast part of the suite. Ends with 1 if one lives.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
TREE = ("fastgrad", "src_c", "tests", "bench", "examples", "docs", "setup.py", "pyproject.toml", "README.md")
COMPILED = (".c", ".h", ".pyx", ".pxd", ".pxi")
NONE_SELECTED = 5  # pytest's exit code where no test fits the words: then none noticed
SECONDS = 400  # a run of tests that takes longer is one that noticed
SLOW = (
    "test_bench.py",
    "test_docs.py",
    "test_examples.py",
    "test_options.py",
    "test_reliability.py",
    "test_worker_processes.py",
    "test_workers.py",
)


class Mutant(NamedTuple):
    """One change of one file, and the tests that should notice: arguments of pytest, names of files without path."""

    name: str
    file: str
    old: str
    new: str
    tests: str


TABLE = Path(__file__).with_suffix(".toml")
MUTANTS = [Mutant(**row) for row in tomllib.loads(TABLE.read_text(encoding="utf-8"))["mutant"]]


def misfits():
    """What is wrong with the table: old text that is not there, or more than once."""
    counts = [(m, (ROOT / m.file).exists() and (ROOT / m.file).read_text("utf-8").count(m.old)) for m in MUTANTS]
    found = [f"{m.name}: {int(count)} places in {m.file}" for m, count in counts if count != 1]
    names = [m.name for m in MUTANTS]
    return found + [f"{name}: twice in the table" for name in {n for n in names if names.count(n) > 1}]


def chosen(words):
    """Mutants by name, or by a part of their path; all of them by default."""
    for word in words:
        if not any(word == m.name or word in Path(m.file).parts or word in m.file for m in MUTANTS):
            raise SystemExit(f"no mutant is called {word!r} or in such a file; --list shows all")
    return [m for m in MUTANTS if not words or any(w == m.name or w in m.file for w in words)]


# Compiles what is older than its sources, and no more: setuptools compiles all of a module again. Links each time: what
# a module is linked with, the core, is not among the objects whose age setuptools looks at.
BUILD = """
import glob, os, runpy, sys
from setuptools import Distribution  # first: it brings distutils
from distutils import ccompiler

def older(target, sources):
    return not os.path.exists(target) or any(os.path.getmtime(s) > os.path.getmtime(target) for s in sources)

whole = ccompiler.CCompiler._setup_compile

def setup_compile(self, output_dir, macros, include_dirs, sources, depends, extra):
    found = list(whole(self, output_dir, macros, include_dirs, sources, depends, extra))
    headers = glob.glob("src_c/**/*.h", recursive=True)  # of the core too, whose `depends` is None
    found[4] = {o: s for o, s in found[4].items() if older(o, [s[0], *headers])}
    return tuple(found)

ccompiler.CCompiler._setup_compile = setup_compile
ccompiler.CCompiler._need_link = lambda self, objects, output: True
sys.argv = ["setup.py", "-q", "build_ext", "--inplace"]
runpy.run_path("setup.py")
"""


def build(tree):
    """Build the extension modules of a tree in place."""
    done = subprocess.run([sys.executable, "-c", BUILD], cwd=tree, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr.strip().splitlines()[-1] if done.stderr else "the build failed")


def pristine(folder):
    """A built copy of the tree, with the objects that later builds start from."""
    tree = folder / "pristine"
    tree.mkdir()
    for name in TREE:
        source = ROOT / name
        leave = shutil.ignore_patterns("__pycache__", "*.so", "*.pyd")
        (shutil.copytree(source, tree / name, ignore=leave) if source.is_dir() else shutil.copy2(source, tree / name))
    build(tree)
    return tree


def run(tree, tests, *options):
    """(whether they passed, the names of those that did not)."""
    environment = {**os.environ, "PYTHONPATH": str(tree), "FASTGRAD_EXAMPLES": "50"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rfE", "--tb=no", *options, *tests]
    try:
        done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return False, ["(out of time)"]
    failed = re.findall(r"^(?:FAILED|ERROR) (.*?)(?: - .*)?$", done.stdout, re.M)
    if done.returncode not in (0, 1, NONE_SELECTED):
        failed.append(f"(pytest ended with {done.returncode})")
    return done.returncode in (0, NONE_SELECTED), failed


def named(mutant):
    """The arguments of pytest for the tests named for a mutant."""
    files, _, words = mutant.tests.partition(" -k ")
    return [f"tests/{file}" for file in files.split()] + (["-k", words] if words else [])


class Tests:
    """Runs tests in changed copies of a tree; those that fail in the tree itself say nothing, and are left out."""

    def __init__(self, tree):
        self.tree, self.broken = tree, set()

    def noticed(self, changed, tests, most):
        """The tests that fail in a changed copy only, at most so many."""
        while True:
            left_out = [f"{'--ignore' if name.endswith('.py') else '--deselect'}={name}" for name in self.broken]
            passed, failed = run(changed, tests, f"--maxfail={most}", *left_out)
            if passed:
                return []
            at_all = [name for name in failed if not name.startswith("(")]
            broken = set(run(self.tree, at_all)[1] if at_all else []) & set(at_all)
            if not broken:
                return failed
            self.broken |= broken

    def tried(self, mutant, folder, most=1, only_named=False):
        """(whether it died, what is to be said: the first tests that noticed, at most so many)."""
        changed = Path(tempfile.mkdtemp(dir=folder)) / "tree"
        shutil.copytree(self.tree, changed)
        try:
            path = changed / mutant.file
            path.write_text(path.read_text(encoding="utf-8").replace(mutant.old, mutant.new), encoding="utf-8")
            if path.suffix in COMPILED:
                try:
                    build(changed)
                except RuntimeError as error:
                    return False, f"does not build: {error}"
            failed = self.noticed(changed, named(mutant), most)
            if not failed and not only_named:
                slow = [f"--ignore=tests/{name}" for name in SLOW]
                failed = [f"{name} (not named)" for name in self.noticed(changed, ["tests", *slow], most)]
            return bool(failed), ", ".join(name.removeprefix("tests/") for name in failed)
        finally:
            shutil.rmtree(changed.parent, ignore_errors=True)


def main():
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("which", nargs="*", help="names of mutants, or parts of paths; all by default")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time")
    parser.add_argument("--most", type=int, default=1, help="so many tests that noticed are named, for each")
    parser.add_argument("--named", action="store_true", help="only the tests named for each, not the suite after them")
    parser.add_argument("--list", action="store_true", help="their names only")
    options = parser.parse_args()
    if misfits():
        print("\n".join(misfits()))
        return 2
    mutants = chosen(options.which)
    if options.list:
        print("\n".join(f"{m.name:40} {m.file}" for m in mutants))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        tests = Tests(pristine(Path(folder)))
        living = []
        with ThreadPoolExecutor(options.jobs) as pool:
            outcomes = pool.map(lambda m: tests.tried(m, folder, options.most, options.named), mutants)
            for mutant, (died, text) in zip(mutants, outcomes, strict=True):
                print(f"{'died' if died else 'LIVES':5} {mutant.name:40} {text}", flush=True)
                living += [] if died else [mutant]
    print(f"{len(mutants) - len(living)} of {len(mutants)} mutants died")
    print("\n".join(f"lives: {m.name} ({m.file}: {m.old!r} -> {m.new!r})" for m in living))
    return int(bool(living))


if __name__ == "__main__":
    sys.exit(main())
