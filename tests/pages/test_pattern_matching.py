"""The pattern matching page under AppTest: its default, its presets, its limitation, and garbage."""

import re

import numpy as np
import pytest

from tests.pages.conftest import no_trouble


def verdict(app_test) -> str:
    return next(m.value for m in app_test.markdown if m.value.startswith("Best score"))


def table(app_test, column: str):
    return next(d.value for d in app_test.dataframe if column in d.value.columns)


def test_it_opens_on_the_circle_found(open_page):
    app_test = no_trouble(open_page("pattern_matching"))
    assert "the circle" in verdict(app_test) and "as wanted" in verdict(app_test)
    assert not app_test.warning


@pytest.mark.parametrize(
    ("source", "score", "place"), [("4 × 4", 399, "row 0, column 0"), ("4 × 7", 765, "row 1, column 0")]
)
def test_the_worked_examples_are_presets(open_page, source, score, place):
    app_test = no_trouble(open_page("pattern_matching", {"source": source}))
    assert f"**{score}** at {place}" in verdict(app_test)
    assert "equal the book's, number for number" in verdict(app_test)
    assert any(code.value.endswith(f"= {score}") for code in app_test.code)


def test_moving_the_position_changes_the_sum(open_page):
    app_test = open_page("pattern_matching", {"source": "4 × 4"})
    next(s for s in app_test.slider if s.label == "Column").set_value(1)
    app_test.run()
    sums = [code.value for code in app_test.code if " × " in code.value and " = " in code.value]
    assert sums == ["185 × 1 + 133 × 0 + 144 × 0 + 188 × 1 = 373"]


def test_growth_makes_another_shape_win_and_the_search_over_sizes_brings_it_back(open_page):
    app_test = open_page("pattern_matching", {"growth": "1.5"})
    rows = table(no_trouble(app_test), "winner")
    assert rows["winner"].iloc[0] != "circle" and not rows["right"].iloc[0]
    assert rows["winner"].iloc[-1] == "circle" and rows["right"].iloc[-1]


def test_three_ways_agree_on_the_page(open_page):
    app_test = open_page("pattern_matching", {"source": "4 × 7"})
    rows = table(app_test, "largest difference from the loops")
    assert len(rows) == 3 and set(rows["largest difference from the loops"]) == {"0"}


def test_a_box_of_a_picture_is_found_again_though_it_grew_and_darkened(open_page):
    changed = {"source": "picture", "grow": "1.5", "light": "0.5"}
    plain = no_trouble(open_page("pattern_matching", changed))
    assert "not** the box" in verdict(plain)
    cured = no_trouble(open_page("pattern_matching", {**changed, "method": "normalised", "scales": "true"}))
    assert "**the box**" in verdict(cured)


@pytest.mark.parametrize("rows", [("30", "30"), ("99.9", "100")])
def test_a_box_without_area_says_so(open_page, rows):
    app_test = open_page("pattern_matching", {"source": "picture"})
    app_test.slider(key="pattern_matching.rows").set_value(tuple(map(float, rows)))
    no_trouble(app_test.run())
    assert any("too thin" in w.value for w in app_test.warning)


def test_a_pattern_of_one_tone_says_so(open_page):
    app_test = open_page("pattern_matching", {"shape": "box", "method": "normalised"})
    app_test.slider(key="pattern_matching.rows").set_value((0.0, 3.0))
    app_test.slider(key="pattern_matching.columns").set_value((0.0, 3.0))
    no_trouble(app_test.run())
    assert any("one flat tone" in w.value for w in app_test.warning)


def test_a_matrix_with_a_hole_says_where(open_page, monkeypatch):
    holed = np.array([[1, 0], [np.nan, 1]], np.float32)
    monkeypatch.setattr("streamlit.data_editor", lambda *arguments, **options: holed)
    app_test = no_trouble(open_page("pattern_matching", {"source": "4 × 4"}))
    assert any("row 2, column 1" in w.value for w in app_test.warning)


def test_garbage_in_the_link_changes_nothing(open_page):
    garbage = {"source": "moon", "shape": "<b>", "size": "1e9", "seed": "-4", "top": "x", "method": "", "growth": "nan"}
    assert "the circle" in verdict(no_trouble(open_page("pattern_matching", garbage)))


@pytest.mark.parametrize(
    "query",
    [
        {"top": "2", "uneven": "true", "seed": "9"},
        {"source": "4 × 7", "method": "normalised"},
        {"source": "picture", "grow": "1.2", "scales": "true", "method": "normalised"},
    ],
    ids=["shapes", "worked", "picture"],
)
def test_the_code_shown_finds_what_the_page_found(open_page, query, capsys):
    page = no_trouble(open_page("pattern_matching", query))
    snippet = next(code.value for code in page.code if "import find" in code.value)
    exec(snippet, {})
    first = capsys.readouterr().out.splitlines()[0]
    row, column = re.search(r"row=(\d+), column=(\d+)", first).groups()
    assert f"at row {row}, column {column}" in verdict(page)
