"""The upsampling page, run without a browser."""

import json
import re

import pytest

from tests.pages.conftest import no_trouble, when_keras_has_spoken


def words(app_test):
    return " ".join(element.value for kind in ("markdown", "caption", "warning") for element in app_test.get(kind))


def scores(app_test):
    frame = next(element.value for element in app_test.dataframe if "PSNR" in element.value)
    return frame.set_index("method")


def test_opens_with_the_books_example(open_page):
    page = no_trouble(open_page("upsampling"))
    assert "between **1** and **4**" in words(page)
    assert set(scores(page).index) == {"Nearest", "Bilinear", "Bicubic", "Transposed, tent kernel"}


def test_keras_agrees(open_page):
    text = words(
        when_keras_has_spoken(open_page("upsampling", {"n": "5", "by": "3", "kv": "Random", "st": "3", "pad": "valid"}))
    )
    numbers = re.findall(r"(?:nearest|bilinear|bicubic|difference is) (\d\S*?e[-+]\d+)", text)
    assert len(numbers) == 4 and max(map(float, numbers)) < 1e-4


@pytest.mark.parametrize("method", ["Nearest", "Bilinear", "Bicubic"])
def test_the_arithmetic_of_each_method(open_page, method):
    page = no_trouble(open_page("upsampling", {"how": method, "n": "3", "by": "2"}))
    assert f"{method}, row" in words(page)


def test_steps_and_crop(open_page):
    page = open_page("upsampling", {"ks": "3", "st": "2"})
    page.slider(key="upsampling.steps").set_value(1).run()
    assert "**4 × 4**" in words(no_trouble(page))


def test_the_checkerboard_goes_with_a_fitting_kernel(open_page):
    page = open_page("upsampling")
    page.slider(key="upsampling.cs").set_value(4).run()
    assert "there is no checkerboard" in words(no_trouble(page))


def test_a_kernel_is_learned_and_listed(open_page):
    page = open_page("upsampling", {"f": "4", "epochs": "50"})
    next(button for button in page.button if "Learn a kernel" in button.label).click().run()
    table = scores(no_trouble(page))
    assert table.loc["Transposed, learned", "PSNR"] > 15
    assert "never saw" in words(page)


def test_a_picture_that_is_too_small_is_a_sentence(open_page, photo):
    from cnndemo.ui.pictures import OWN, Picture

    page = open_page("upsampling", {"f": "8"}, state={OWN: Picture(photo[:20, :20], "small.png", "upload")})
    assert any("too small" in warning.value for warning in no_trouble(page).warning)


def test_what_was_typed_reaches_the_transposed_convolution(open_page):
    page = no_trouble(
        open_page("upsampling", state={"upsampling._typed_up": {(0, 0): 50.0}, "upsampling._typed_upk": {(0, 0): -2.0}})
    )
    assert any("50.0" in block.value and "-2.0" in block.value for block in page.code)


def test_zeros_and_empty_cells(open_page):
    zeros = {(i, j): 0.0 for i in range(3) for j in range(3)}
    page = no_trouble(
        open_page("upsampling", state={"upsampling._typed_upk": zeros, "upsampling._typed_up": {(1, 0): float("nan")}})
    )
    assert "everything zero" in words(page)
    assert any("row 1, column 0" in warning.value for warning in page.warning)


@pytest.mark.parametrize("query", [{"n": "-1"}, {"by": "1000"}, {"kv": "?"}, {"f": "5"}])
def test_a_broken_link_still_opens(open_page, query):
    assert len(scores(no_trouble(open_page("upsampling", query)))) == 4


def test_the_code_follows_the_controls_and_runs(open_page):
    page = open_page("upsampling")
    page.slider(key="upsampling.n").set_value(3).run()
    page.slider(key="upsampling.by").set_value(2).run()
    page.slider(key="upsampling.st").set_value(3).run()
    snippet = next(block.value for block in no_trouble(page).code if "upsampling.upsample(x, 2" in block.value)
    names = {}
    exec(snippet, names)
    assert names["x"].shape == (3, 3) and "stride=3" in snippet


def test_equal_values_have_equal_colours_in_all_four_grids(open_page):
    page = no_trouble(open_page("upsampling"))
    grids = [json.loads(chart.proto.spec)["data"][0] for chart in page.get("plotly_chart")[:4]]
    assert len({(str(grid["colorscale"]), grid["zmin"], grid["zmax"]) for grid in grids}) == 1
