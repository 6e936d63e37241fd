"""The normalization page, run without a browser."""

import pytest

from cnndemo import normalization
from tests.pages.conftest import no_trouble, rendered_references


def conditions(app_test):
    return [metric.value for metric in app_test.metric if metric.label.startswith("Condition number")]


def words(app_test):
    return [m.value for m in app_test.markdown if m.value.startswith(("**As they are.**", "**Rescaled.**"))]


def test_shows_figure_31_and_that_rescaling_helps(open_page):
    page = no_trouble(open_page("normalization"))
    assert rendered_references(page)["Try it"] == {"figure 3.1"}
    raw, scaled = map(float, conditions(page))
    assert raw > 20 and scaled < 2
    before, after = words(page)
    assert "arrives after" in before and "arrives after" in after


def test_the_books_ranges_diverge(open_page):
    page = open_page("normalization")
    page.button(key="normalization.preset_book").click().run()
    raw, scaled = words(no_trouble(page))
    assert "bursts" in raw and "arrives" in scaled
    assert conditions(page)[0] == f"{normalization.make(*normalization.PRESETS['book']).condition:,.4g}"
    assert page.number_input(key="normalization.b").value == 25000
    assert "25000" in page.code[0].value


def test_every_scaling_and_both_axes(open_page):
    page = open_page("normalization", {"axes": "stretched to fit"})
    for scaling in normalization.SCALINGS:
        page.radio(key="normalization.scale").set_value(scaling).run()
        expected = normalization.make(*normalization.PRESETS["gentle"], scaling).condition
        assert conditions(no_trouble(page))[1] == f"{expected:,.4g}"
    assert page.radio(key="normalization.axes").value == "fit"


def test_a_link_brings_the_settings_back(open_page):
    page = no_trouble(open_page("normalization", {"a": "-20", "b": "40", "steps": "7"}))
    assert page.number_input(key="normalization.a").value == -20 and page.slider(key="normalization.steps").value == 7
    assert conditions(page)[0] == f"{normalization.make((-20.0, 40.0), (0.0, 1.0)).condition:,.4g}"


@pytest.mark.parametrize(("key", "value"), [("a", 9.0), ("b", 1e9)])
def test_a_bad_range_is_a_sentence_and_loses_nothing(open_page, key, value):
    page = open_page("normalization")
    page.select_slider(key="normalization.lr").set_value("0.1").run()
    page.number_input(key=f"normalization.{key}").set_value(value).run()
    no_trouble(page)
    assert any("feature" in warning.value for warning in page.warning)
    assert (
        page.number_input(key=f"normalization.{key}").value == value
        and page.select_slider(key="normalization.lr").value == "0.1"
    )
    assert [heading.value for heading in page.header][-1] == "Check yourself"
    page.button(key="normalization.preset_even").click().run()
    assert not no_trouble(page).warning


def test_every_way_to_normalise_a_picture(open_page):
    page = open_page("normalization")
    for method in normalization.METHODS:
        page.radio(key="normalization.method").set_value(method).run()
        captions = [c.value for c in no_trouble(page).caption if c.value.startswith("From ")]
        assert captions[0].startswith("From 0 to 219")
        assert (captions[0] == captions[1]) is (method == "none")
