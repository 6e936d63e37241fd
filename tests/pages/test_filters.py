"""The filters page, run without a browser."""

import numpy as np
import pandas as pd
import pytest

from cnndemo import filters, images
from cnndemo.ui.pictures import OWN, Picture
from tests.pages.conftest import no_trouble, rendered_references, run_page


def metrics(app_test):
    return {metric.label: float(metric.value) for metric in app_test.metric}


def test_shows_the_books_figures(open_page):
    page = no_trouble(open_page("filters"))
    found = rendered_references(page)
    assert found["Try it"] == {f"figure 3.{number}" for number in range(4, 10)}
    assert found["How it works"] == {"figure 3.3"}


def test_presets(open_page):
    page = open_page("filters")
    for name in ("x_derivative", "sobel_misprint", "gaussian", "motion"):
        page.selectbox(key="filters.kernel").set_value(name).run()
        response = filters.apply(images.to_gray(filters.sudoku()), filters.PRESETS[name].values)
        assert metrics(no_trouble(page))["Mean after"] == pytest.approx(response.mean(), abs=0.051)
        assert metrics(page)["Highest"] == pytest.approx(response.max(), abs=0.051)
        warned = any("neither 0 nor 1" in warning.value for warning in page.warning)
        assert warned is (name == "sobel_misprint")


def test_borders_and_views(open_page):
    page = open_page("filters", {"kernel": "Box blur"})
    for border, view in zip(filters.BORDERS, ("absolute", "clipped", "signed", "absolute", "signed"), strict=True):
        page.segmented_control(key="filters.view").set_value(view)
        page.selectbox(key="filters.border").set_value(border).run()
        assert any(f"border='{border}'" in code.value for code in no_trouble(page).code)
    assert page.selectbox(key="filters.kernel").value == "box"


def test_the_flip_changes_the_sign_of_sobel(open_page):
    page = open_page("filters")
    before = metrics(page)
    page.toggle(key="filters.flip").set_value(True).run()
    after = metrics(no_trouble(page))
    assert after["Highest"] == pytest.approx(-before["Lowest"]) and after["Lowest"] == pytest.approx(-before["Highest"])


@pytest.mark.parametrize(("cell", "words"), [(None, "empty or not a number"), (np.inf, "too large")])
def test_a_bad_cell_is_a_sentence_and_the_last_picture_stays(open_page, monkeypatch, cell, words):
    page = open_page("filters")
    before = metrics(page)
    kernel = pd.DataFrame([[1, 0, -1], [2, 0, -2], [1, 0, cell]])
    monkeypatch.setattr("streamlit.data_editor", lambda *_, **__: kernel)
    page.run()
    assert any(words in warning.value for warning in no_trouble(page).warning)
    assert metrics(page) == before


def test_all_zero_and_larger_kernels(open_page, monkeypatch):
    monkeypatch.setattr("streamlit.data_editor", lambda *_, **__: np.zeros((7, 7)))
    page = no_trouble(open_page("filters"))
    assert any("zero everywhere" in caption.value for caption in page.caption)
    assert any("All zero" in text.value for text in page.markdown)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (4, 3)])
def test_tiny_pictures(shape):
    picture = Picture(np.full((*shape, 3), 90, np.uint8), "tiny.png", "upload")
    page = run_page("filters", state={OWN: picture})
    no_trouble(page)
    page.selectbox(key="filters.border").set_value("valid").run()
    too_small = any("too small" in warning.value for warning in no_trouble(page).warning)
    assert too_small is (min(shape) < 3)


def test_the_arithmetic_of_a_pixel(open_page):
    page = open_page("filters", {"kernel": "Laplacian"})
    shape = filters.sudoku().shape[:2]
    page.slider(key=f"filters.row_{shape[0]}x{shape[1]}").set_value(100)
    page.slider(key=f"filters.column_{shape[0]}x{shape[1]}").set_value(200).run()
    expected = filters.apply(images.to_gray(filters.sudoku()), filters.PRESETS["laplacian"].values)[100, 200]
    assert any(f"**{expected:.4g}**" in text.value for text in no_trouble(page).markdown)


def test_thresholds_of_canny(open_page):
    page = open_page("filters")
    slider = next(s for s in page.slider if s.label == "Thresholds on the magnitude")

    def edge_pixels():
        caption = next(c.value for c in page.caption if "edge pixels" in c.value)
        return int(caption.split(" edge")[0].replace(",", ""))

    before = edge_pixels()
    slider.set_value((300, 600)).run()
    no_trouble(page)
    assert 0 < edge_pixels() < before
