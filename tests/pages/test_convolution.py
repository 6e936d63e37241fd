"""The convolution page, run without a browser."""

import pytest

from tests.pages.conftest import no_trouble


def metrics(app_test):
    return {metric.label: metric.value for metric in app_test.metric}


def test_opens_with_the_books_normals(open_page):
    shown = metrics(no_trouble(open_page("convolution")))
    assert shown["Mean of the result"] == "1.000" and shown["Its deviation σ"] == "0.424"


@pytest.mark.parametrize("operation", ["flip", "keep"])
def test_every_curve_and_both_operations_work(open_page, operation):
    page = open_page("convolution", {"t": "-1.5"})
    page.radio(key="convolution.op").set_value(operation).run()
    means = []
    for kind in ("normal", "box", "triangle", "exponential", "drawn"):
        page.selectbox(key="convolution.g").set_value(kind).run()
        assert "Area at t = -1.5" in metrics(no_trouble(page))
        means.append(metrics(page)["Mean of the result"])
    # A curve has its mean where the slider says, an exponential its width further; the drawn roof lies elsewhere.
    sign = 1 if operation == "flip" else -1
    assert means[:4] == [f"{sign * mean:.3f}" for mean in (1, 1, 1, 1.3)]
    assert means[4] != means[0]


def test_a_link_carries_the_curves(open_page):
    page = no_trouble(open_page("convolution", {"g": "Exponential", "gm": "0", "gw": "0.5"}))
    assert page.selectbox(key="convolution.g").value == "exponential"
    assert metrics(page)["Mean of the result"] == "0.500"


def test_sliders_move_the_numbers_and_the_code(open_page):
    page = open_page("convolution")
    page.slider(key="convolution.gm").set_value(-0.5).run()
    assert metrics(no_trouble(page))["Mean of the result"] == "-0.500"
    assert any("mean=-0.5" in block.value for block in page.code)
    page.radio(key="convolution.op").set_value("keep").run()
    assert metrics(no_trouble(page))["Mean of the result"] == "0.500"


def test_the_presets_set_all_widgets(open_page):
    page = open_page("convolution", {"f": "triangle", "fw": "0.9"})
    page.button(key="convolution.lopsided").click().run()
    assert page.selectbox(key="convolution.g").value == "exponential"
    page.button(key="convolution.put_back").click().run()
    assert metrics(no_trouble(page))["Its deviation σ"] == "0.424"


@pytest.mark.parametrize("query", [{"t": "abc"}, {"f": "nonsense"}, {"fw": "-3"}, {"gm": "nan"}, {"y0": "1e9"}])
def test_a_broken_link_still_opens(open_page, query):
    assert metrics(no_trouble(open_page("convolution", query)))


def test_the_line_across_the_picture_moves(open_page):
    page = no_trouble(open_page("convolution", {"y0": "100", "y1": "0"}))
    assert page.slider(key="convolution.y0").value == 100
