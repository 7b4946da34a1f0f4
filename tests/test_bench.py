"""The benchmarks run; what they say depends on the machine and is not asserted."""

import json

import _check_cases as cases
import _check_explanations as explanations
import accuracy
import checks
import pytest
import report
from problems import PROBLEMS
from workloads import DESCENTS, WORKLOADS


@pytest.mark.parametrize("name", ["batch 100x100", "sum of terms, n=10^5", "grid 100x100, of numpy", "dense Jacobian"])
def test_rows_are_made_and_run(name):
    workload = next(each for key, each in WORKLOADS.items() if key.startswith(name))
    rows = workload.make()
    assert rows["fastgrad"]() is not None
    assert any(row.startswith("limit") for row in rows)


def test_the_report_is_written(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    monkeypatch.setattr("sys.argv", ["report.py", "--quick", "grid 10, of numpy", "grid 1000, of numpy"])
    assert report.main() == 0
    assert "grid 10, of numpy" in capsys.readouterr().out
    found = json.loads((tmp_path / "report.json").read_text())
    assert found["workloads"]["grid 10, of numpy"]["ratios"]["fastgrad"] > 0
    assert found["build"]["compiler"]
    assert (tmp_path / "report.png").exists()


def test_the_guard_fails_where_a_bound_is_passed(monkeypatch, capsys):
    def outcome(**bounds):
        name = "grid 10, of numpy"
        monkeypatch.setattr(report, "WORKLOADS", {name: WORKLOADS[name]._replace(**bounds)})
        return report.check([name]), capsys.readouterr().out

    code, text = outcome(bound=1e9, allowed=None)
    assert (code, text.startswith("ok"), "1 of 1 figures" in text) == (0, True, True)
    code, text = outcome(bound=1e-9, allowed=None)
    assert (code, text.startswith("WORSE"), "0 of 1 figures" in text) == (1, True, True)
    # What is allowed counts where the bound is not reached.
    assert outcome(bound=1e-9, allowed=1e9)[0] == 0
    assert outcome(bound=1e-9, allowed=1e-8)[0] == 1
    monkeypatch.setattr(report, "measured", lambda *args: ({"fastgrad": 2.0}, None))
    assert outcome(bound=2.0, allowed=None)[0] == 0
    assert outcome(bound=1.99, allowed=None)[0] == 1


def test_accuracy_is_that_of_the_methods():
    """Digits and evaluations do not depend on the machine."""
    found = accuracy.table(accuracy.methods(own=True), ("exact",), PROBLEMS[:6])["exact"]
    assert found["fastgrad.gradient"]["evaluations"] == 2
    assert found["  order=4"]["evaluations"] == 4
    assert found["  differentiate"]["digits"] > found["fastgrad.gradient"]["digits"] > 6
    assert found["fastgrad.gradient"]["covered"] is None
    assert "differentiate" in accuracy.shown({"exact": found}, ["a peer"])


def test_every_bound_has_a_name():
    assert all(workload.bound is None or workload.bound > 0 for workload in {**WORKLOADS, **DESCENTS}.values())
    assert all(w.allowed is None or w.allowed > w.bound for w in WORKLOADS.values())


@pytest.mark.parametrize("name", checks.FIGURES)
def test_what_the_checker_says_of_drawn_cases(name):
    """The cases follow from the seed, and what they claim is the derivative, but for the bugs."""
    figure = checks.FIGURES[name]

    def verdicts(seed):
        return [cases.checked(case).check.verdict for case in figure.draw(4, seed)]

    assert verdicts(0) == verdicts(0)
    lines = list(checks.lines(name, 4, families=True))
    assert lines[-1].split()[:2] == [name, "4"]
    assert all(column.removesuffix(" %") in [*cases.COLUMNS, "named", "falsely"] for column in figure.bounds)
    if cases.precise():
        assert max(cases.verified(case, most=4) for case in figure.draw(8, 1)) < 1e-6


def test_what_is_missed_is_marked():
    found = {"count": 8, "wrong": 1, "right": 7, "named %": None}
    assert cases.passes(found, {"wrong": 0, "right %": 80, "named %": 90}) == {
        "wrong": False,
        "right %": True,
        "named %": True,
    }


def test_each_kind_of_bug_is_told_by_its_own_words():
    assert explanations.names("the term 0.1·W1 is missing from W1: regularisation?") == {"regularisation missing"}
    assert explanations.names("W1 looks transposed and reshaped (rows for columns)") == {"transposed"}
    assert explanations.names("16 of 16 entries are wrong, the worst x[3]") == set()
