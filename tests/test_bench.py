"""The benchmarks run; what they say depends on the machine and is not asserted."""

import json

import accuracy
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
    assert report.check(["grid 10, of numpy"]) in (0, 1)
    impossible = {"grid 10, of numpy": WORKLOADS["grid 10, of numpy"]._replace(bound=1e-9)}
    monkeypatch.setattr(report, "WORKLOADS", impossible)
    assert report.check(["grid 10, of numpy"]) == 1
    assert "WORSE" in capsys.readouterr().out


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
