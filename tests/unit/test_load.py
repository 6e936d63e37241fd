"""The simulation behind `docs/load.md`: what is known beforehand comes out; and what is asked is all there is."""

import ast
import re

import numpy as np

from tests.conftest import ROOT
from tests.load import asking, measure
from tests.load.crowd import GOALS, Cost, simulate
from tests.load.measure import Report


def cost(seconds: float, most: float) -> Cost:
    return Cost(page=[seconds], slider=[seconds], server=300.0, visit=2.0, most=most)


def test_one_visitor_waits_for_nobody():
    spent = simulate(cost(0.1, 9.0), visitors=1, replicas=1)
    assert np.allclose(spent["page"] + spent["slider"], 1 / (0.9 * 9.0))


def test_more_visitors_wait_longer_and_more_replicas_help():
    slow, fast = (np.percentile(simulate(cost(0.1, 9.0), 200, replicas)["slider"], 95) for replicas in (3, 12))
    assert slow > GOALS["slider"] > fast


def test_everybody_does_all_acts():
    spent = simulate(cost(0.05, 20.0), visitors=50, replicas=2, acts=7)
    assert len(spent["page"]) + len(spent["slider"]) == 50 * 8


def test_a_trial_is_named_as_such(tmp_path, capsys):
    report = Report(short=True)
    report.section("What", "Words.")
    report.head("a", "b")
    report.row(1, 2)
    report.write(tmp_path / "load.md")
    text = (tmp_path / "load.md").read_text()
    assert "no measurement" in text and "| 1 | 2 |" in text and "cores of" in text


def test_a_part_that_is_measured_anew_takes_its_own_place_only(tmp_path, monkeypatch):
    file = tmp_path / "load.md"
    for title, value in (("One", 1), ("Two", 2), ("One", 3)):
        monkeypatch.setattr(measure, "machine", lambda: f"machine {value}")  # noqa: B023 (it is called in this turn)
        report = Report()
        report.section(title)
        report.head("figure")
        report.row(value)
        report.write(file)
    text = file.read_text()
    assert text.count("## ") == 2 and text.index("| 3 |") < text.index("## Two") < text.index("| 2 |")
    assert "machine 1" not in text and text.index("machine 3") < text.index("## Two") < text.index("machine 2")
    assert "| 1 |" not in text and text.count("# What the gallery bears") == 1


def test_everything_that_a_process_can_be_asked_is_asked():
    callers = {"ask", "steps", "agreement", "keras_says", "ask_keras"}
    files = [*(ROOT / "cnndemo").rglob("*.py"), *(ROOT / "pages").glob("*.py")]
    asked = {
        argument.value
        for file in files
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and getattr(call.func, "attr", getattr(call.func, "id", "")) in callers
        for argument in call.args
        if isinstance(argument, ast.Constant) and re.fullmatch(r"cnndemo\.[\w.]+:\w+", str(argument.value))
    }
    listed = [function for each in asking.ASKED for function in each.answers]
    assert len(asked) > 15 and {*listed, *asking.LEFT_OUT} == asked and len(listed) == len(set(listed))
