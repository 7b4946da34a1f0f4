"""The command `fastgrad check`: no file that it runs can make a wrong gradient look right."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from fastgrad.command.cli import main

RIGHT, WRONG, FAILED = 0, 1, 3

MODEL = """
import numpy as np

def f(x):
    return float((x**2).sum())

def right(x):
    return 2 * x

def wrong(x):
    return 3 * x

x0 = np.ones(3)
"""


def model(folder, more="", name="model.py"):
    path = folder / name
    path.write_text(MODEL + more)
    return path


def arguments(path, grad="wrong", f="f"):
    return ["check", f"{path}:{f}", "--grad", f"{path}:{grad}", "--at", f"{path}:x0"]


def run(*given, **options):
    """The command in a process of its own."""
    command = [sys.executable, "-P", "-m", "fastgrad", *given]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)


ENDINGS = {
    "sys.exit(0)": ("sys.exit(0)", "calls sys.exit(0) while it is loaded"),
    "sys.exit() of what a script returns": ("sys.exit(None)", "__main__"),
    "exit()": ("raise SystemExit", "__main__"),
    "a text": ("sys.exit('bad data')", "'bad data'"),
    "KeyboardInterrupt": ("raise KeyboardInterrupt", "interrupted before there was a result"),
    "GeneratorExit": ("raise GeneratorExit", "GeneratorExit"),
    "its own": ("class Stop(BaseException): pass\nraise Stop('enough')", "Stop: enough"),
    "an error": ("raise ValueError('no data')", "ValueError: no data"),
    "an error without words": (
        "class Mute(Exception):\n    def __str__(self): raise self\nraise Mute",
        "Mute: (it cannot say what it is)",
    ),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_that_ends_the_process_gives_no_verdict(ending, tmp_path, capsys):
    """Not 0, which is that of a right gradient; nor 1, of a wrong one."""
    code, text = ENDINGS[ending]
    path = model(tmp_path, f"import sys\n{code}\n")
    for grad in ("right", "wrong"):
        assert main(arguments(path, grad)) == FAILED
        said = capsys.readouterr()
        assert said.out == ""
        assert text in said.err
        assert said.err.startswith("fastgrad: ")
    assert "model" not in sys.modules


@pytest.mark.parametrize("call", [1, 2, 30])
@pytest.mark.parametrize("name", ["f", "right"])
@pytest.mark.parametrize("code", ["sys.exit(0)", "raise KeyboardInterrupt", "raise GeneratorExit", "raise Stop"])
def test_a_function_that_ends_the_process_gives_no_verdict(code, name, call, tmp_path, capsys):
    path = model(
        tmp_path,
        "import sys\nclass Stop(BaseException): pass\ncalls = []\ndef ending(x):\n    calls.append(1)\n"
        f"    if len(calls) == {call}:\n        {code}\n    return {name}(x)\n",
        "ending_model.py",
    )
    if name == "right" and call > 2:
        assert main(arguments(path, "ending")) == RIGHT  # the gradient is asked twice
    else:
        given = arguments(path, "ending") if name == "right" else arguments(path, "right", "ending")
        expected = RIGHT if call == 30 else FAILED
        assert main(given) == expected
        said = capsys.readouterr()
        assert ("fastgrad: " in said.err) == (expected == FAILED)
        if code == "sys.exit(0)" and expected == FAILED:
            assert "called sys.exit(0), so there is no result" in said.err
    del sys.modules["ending_model"]


def test_a_module_and_a_callable_point_that_end_the_process(tmp_path, capsys, monkeypatch):
    model(tmp_path, "import sys\nsys.exit(0)\n", "module_that_exits.py")
    monkeypatch.chdir(tmp_path)  # modules of the working folder can be named
    assert main(["check", "module_that_exits:f", "--grad", "math:sin", "--at", "x=1"]) == FAILED
    assert "module_that_exits calls sys.exit(0)" in capsys.readouterr().err
    path = model(tmp_path, "import sys\nx0 = sys.exit\n", "point_that_exits.py")
    assert main(arguments(path, "right")) == FAILED


def test_a_model_that_ends_the_process_is_no_result(tmp_path, capsys):
    pytest.importorskip("pandas")
    (tmp_path / "data.csv").write_text("a,b\n1.5,2\n2.5,4\n3.7,1\n")
    path = model(tmp_path, "import sys\ndef predict(X): sys.exit(0)\n", "predicting.py")
    assert main(["sensitivity", f"{path}:predict", str(tmp_path / "data.csv")]) == FAILED
    assert "sys.exit(0)" in capsys.readouterr().err


@pytest.mark.parametrize(
    "more",
    [
        "import atexit, os\natexit.register(os._exit, 0)\n",
        "import atexit, sys\natexit.register(sys.exit, 0)\n",
        "import sys\nsys.stdout.close()\n",
        "import sys\nsys.stdout = sys.stderr = None\n",
        "import io, sys\nsys.stdout = io.StringIO()\n",
        "import os\nos.close(1)\n",
        "import os, tempfile\nos.chdir(tempfile.mkdtemp())\n",
        "import sys\nsys.setrecursionlimit(100)\n",
        "import sys\nsys.argv.clear()\nsys.path.clear()\nimport numpy\n",
        "import logging\nlogging.basicConfig()\nlogging.warning('x' * 10**6)\nprint('y' * 10**6)\n",
        "import builtins\nbuiltins.print = None\n",
    ],
    ids=lambda more: more.split("\n")[1][:40],
)
def test_what_a_file_does_to_the_process_changes_no_verdict(more, tmp_path):
    done = run(*arguments(model(tmp_path, more)), "--json", cwd=tmp_path)
    assert done.returncode == WRONG, done.stderr
    assert json.loads(done.stdout)["verdict"] == "wrong"  # and nothing besides


def test_os_exit_is_no_verdict(tmp_path):
    for more in ("import os\nos._exit(0)\n", "import os\ndef f(x): os._exit(0)\n"):
        done = run(*arguments(model(tmp_path, more)), cwd=tmp_path)
        assert done.returncode == FAILED
        assert done.stdout == ""
        assert "os._exit(0) was called before there was a result" in done.stderr


def test_processes_of_a_file_end_as_they_want(tmp_path):
    """A child that ends itself, as every forked one does, is not the command."""
    if not hasattr(os, "fork"):
        pytest.skip("no fork")
    more = "import os\nif os.fork() == 0:\n    os._exit(7)\nassert os.waitstatus_to_exitcode(os.wait()[1]) == 7\n"
    assert run(*arguments(model(tmp_path, more), "right"), cwd=tmp_path).returncode == RIGHT


def test_a_file_may_go_to_another_folder(tmp_path, monkeypatch):
    """What the arguments name is looked for where the command was started."""
    (tmp_path / "elsewhere").mkdir()
    model(tmp_path, f"import os\nos.chdir({str(tmp_path / 'elsewhere')!r})\n", "first.py")
    model(tmp_path, name="second.py")
    model(tmp_path / "elsewhere", "x0 = None\n", "second.py")
    np.save(tmp_path / "x.npy", np.ones(3))
    monkeypatch.chdir(tmp_path)
    assert main(["check", "first.py:f", "--grad", "second.py:wrong", "--at", "second.py:x0"]) == WRONG
    monkeypatch.chdir(tmp_path)
    assert main(["check", "first.py:f", "--grad", "second.py:right", "--at", "x.npy"]) == RIGHT


@pytest.mark.parametrize("name", ["random", "html", "numpy", "json", "types", "scipy", "pandas", "tqdm", "fastgrad"])
def test_a_file_may_have_the_name_of_any_module(name, tmp_path):
    """It takes the place of no module of Python's, nor of those that fastgrad uses."""
    path = model(tmp_path, f"import {name}\nassert {name}.__file__ != __file__\n", f"{name}.py")
    done = run(*arguments(path, "right"), "--html", "--points", "2", cwd=tmp_path)
    assert done.returncode == RIGHT, done.stderr
    assert "<table>" in done.stdout


@pytest.mark.parametrize("name", ["random", "html", "secrets"])
def test_a_file_may_put_its_folder_first(name, tmp_path):
    more = "import os, sys\nsys.path.insert(0, os.path.dirname(__file__))\n"
    done = run(*arguments(model(tmp_path, more, f"{name}.py")), "--html", "--points", "2", cwd=tmp_path)
    assert done.returncode == WRONG, done.stderr


def test_files_beside_the_file_can_be_imported(tmp_path, capsys):
    """Also where it is imported by them, and after the file was run; the search path is as it was afterwards."""
    (tmp_path / "beside_of_test.py").write_text("factor = 2\n")
    (tmp_path / "later_of_test.py").write_text("import main_of_test\n\ndef value(x): return main_of_test.f(x)\n")
    more = (
        "import dataclasses, beside_of_test\n@dataclasses.dataclass\nclass Weights:\n    w: float\n"
        "def slope(x): return beside_of_test.factor * x\n"
        "def late(x):\n    import later_of_test\n    return later_of_test.value(x)\n"
    )
    before = sys.path.copy()
    path = model(tmp_path, more, "main_of_test.py")
    assert main(arguments(path, "slope", "late")) == RIGHT, capsys.readouterr().err
    assert sys.path == before


def test_two_files_of_one_name(tmp_path):
    for folder, factor in (("a", 1), ("b", 2), ("c", 3)):
        (tmp_path / folder).mkdir()
        model(tmp_path / folder, f"def slope(x): return {factor} * x\n", "same_name.py")
    at = f"{tmp_path}/a/same_name.py:x0"
    codes = [
        main(["check", f"{tmp_path}/a/same_name.py:f", "--grad", f"{tmp_path}/{folder}/same_name.py:slope", "--at", at])
        for folder in "abc"
    ]
    assert codes == [WRONG, RIGHT, WRONG]


def test_what_is_printed_goes_to_stderr(tmp_path):
    """So that the report stands alone on stdout, for machines."""
    done = run(*arguments(model(tmp_path, "print('training done')\n"), "right"), "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["verdict"] == "right"
    assert "training done" in done.stderr


def test_notes_are_shown(tmp_path, capsys):
    path = model(tmp_path, "def bad(x): return 'a text'\n", "model_with_notes.py")
    assert main(arguments(path, "right", "bad")) == FAILED
    assert "  while evaluating f at x = [1. 1. 1.]" in capsys.readouterr().err.splitlines()


def test_messages_are_safe_to_print(tmp_path, capsys):
    path = model(tmp_path, "raise ValueError('\\x1b[2J\\u202e\\nsecond line')\n")
    assert main(arguments(path)) == FAILED
    assert capsys.readouterr().err == "fastgrad: ValueError: \\x1b[2J\\u202e\nsecond line\n"


@pytest.mark.parametrize(
    "given",
    [
        [],
        ["check"],
        ["nothing"],
        ["check", "m:f", "--grad", "m:g"],
        ["check", "m:f", "--grad", "m:g", "--at", "m:x", "--rtol", "nan"],
        ["check", "m:f", "--grad", "m:g", "--at", "m:x", "--rtol", "inf"],
        ["check", "m:f", "--grad", "m:g", "--at", "m:x", "--rtol", "-1"],
        ["check", "m:f", "--grad", "m:g", "--at", "m:x", "--points", "1.5"],
        ["check", "m:f", "--grad", "m:g", "--at", "m:x", "--seed", "-1"],
        ["check", "m:f", "--grad", "m:g", "--at", "m:x", "--unknown"],
        ["sensitivity"],
        ["sensitivity", "m:f", "data.csv", "--drop"],
        ["demo", "3"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_not_undecided(given, capsys):
    with pytest.raises(SystemExit) as ended:
        main(given)
    assert ended.value.code == FAILED
    said = capsys.readouterr()
    assert said.out == ""
    assert "usage: fastgrad" in said.err


def test_wrong_usage_as_a_process(tmp_path):
    assert run("check", "--rtol", "nan", cwd=tmp_path).returncode == FAILED
    assert run("--help", cwd=tmp_path).returncode == RIGHT


def strict(text):
    """What a parser of JSON that follows the standard reads."""
    return json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))


@pytest.mark.parametrize("page", [False, True])
def test_json_has_no_nan(page, tmp_path, capsys):
    path = model(tmp_path, "def bad(x): return np.array([np.nan, -np.inf, 2.0])\n", "model_of_nan.py")
    assert main([*arguments(path, "bad"), "--json", *(["--html"] if page else [])]) == WRONG
    found = strict(capsys.readouterr().out)
    assert [row["claimed"] for row in found["wrong"]] == [None, None]
    assert [row["flag"] for row in found["wrong"]] == ["nonfinite", "nonfinite"]
    assert found["wrong"][0]["numeric"] == pytest.approx(2.0)
    assert ("html" in found) == page
    if page:
        assert found["html"].startswith("<!DOCTYPE html>")


def test_html_is_a_page_of_ascii(tmp_path, capsys):
    path = model(tmp_path, "größer = wrong\n", "model_of_page.py")
    path.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    assert main([*arguments(path, "größer"), "--html"]) == WRONG
    out = capsys.readouterr().out
    assert out.startswith("<!DOCTYPE html>")
    assert out.isascii()
    assert "<title>gradient gr&#246;&#223;er is WRONG - fastgrad</title>" in out
    assert "<svg" in out


def test_modules_of_the_working_folder(tmp_path):
    """Also without the working folder on Python's own path."""
    model(tmp_path, name="module_here.py")
    (tmp_path / "package_here").mkdir()
    model(tmp_path / "package_here", name="inner.py")
    given = ["check", "module_here:f", "--grad", "package_here.inner:wrong", "--at", "module_here:x0"]
    assert run(*given, cwd=tmp_path).returncode == WRONG


def test_traceback(tmp_path, capsys):
    path = model(tmp_path, "def bad(x):\n    return 1 / 0  # here\n", "model_of_trace.py")
    for more, shown in (([], False), (["--traceback"], True)):
        assert main([*arguments(path, "right", "bad"), *more]) == FAILED
        said = capsys.readouterr().err
        assert ("return 1 / 0  # here" in said) == shown
        assert ("model_of_trace.py" in said) == shown
        assert "fastgrad: ZeroDivisionError: division by zero" in said.splitlines()


def test_columns_that_are_not_there_cannot_be_dropped(tmp_path, capsys):
    pytest.importorskip("pandas")
    (tmp_path / "data.csv").write_text("a,b\n1.5,2\n2.5,4\n3.7,1\n")
    path = model(tmp_path, "def predict(X): return X.to_numpy()[:, 0]\n", "dropping.py")
    given = ["sensitivity", f"{path}:predict", str(tmp_path / "data.csv"), "--drop"]
    assert main([*given, "c"]) == FAILED
    assert "--drop names the column 'c'" in capsys.readouterr().err
    assert main([*given, "b"]) == RIGHT


def test_columns_of_tables_are_aligned(tmp_path, capsys):
    pytest.importorskip("pandas")
    (tmp_path / "data.csv").write_text("a,a longer name,c\n1.5,2,1e-9\n2.5,-4,2e-9\n3.7,1,3e-9\n")
    more = "def predict(X):\n    X = X.to_numpy()\n    return X[:, 0] - 1e7 * X[:, 1] + 1e12 * X[:, 2]\n"
    path = model(tmp_path, f"{more}def far(x): return x * np.array([1e-200, -3e200, 2])\n", "aligned.py")
    assert main(["sensitivity", f"{path}:predict", str(tmp_path / "data.csv")]) == RIGHT
    head, *rows = capsys.readouterr().out.splitlines()[:4]
    for name in ("mean", "mean |.|", "x spread", "positive", "error"):
        end = head.index(f"{name} ") + len(name)
        assert all(row[end - 1] != " " and row[end] == " " for row in rows), name
    assert main(arguments(path, "far")) == WRONG
    lines = capsys.readouterr().out.splitlines()
    head = next(line for line in lines if "claimed" in line)
    rows = [line for line in lines if line.startswith("  x[")]
    for name in ("claimed", "numeric", "± error", "difference"):
        end = head.index(name) + len(name)
        assert all(row[end - 1] != " " and row[end : end + 1] in ("", " ") for row in rows), name
