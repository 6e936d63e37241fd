"""The layer lab, run without a browser."""

import re
import time

import numpy as np
import pytest
import streamlit as st

from cnndemo import layer_lab, worker
from tests.pages.conftest import no_trouble, when_keras_has_spoken


def metrics(app_test):
    return {metric.label: metric.value for metric in app_test.metric}


def words(app_test):
    return " ".join(element.value for kind in ("markdown", "caption", "warning") for element in app_test.get(kind))


def test_opens_and_does_not_wait_for_keras(open_page, monkeypatch):
    monkeypatch.setattr(worker, "ask", lambda *arguments, waiting: [waiting() or time.sleep(0.05) for _ in range(200)])
    st.cache_resource.clear()
    page = no_trouble(open_page("layer_lab"))
    assert metrics(page)["Output"] == "4 × 4 × 1"
    assert metrics(page)["Confidence in 2"] == "97.37%"
    assert "Keras is asked" in words(page)
    st.cache_resource.clear()


def test_keras_agrees_everywhere(open_page):
    text = words(
        when_keras_has_spoken(open_page("layer_lab", {"pad": "reflect", "sw": "2", "dh": "2", "ch": "2", "fl": "3"}))
    )
    for layer in ("Conv2D", "MaxPooling2D", "Dense", "ops.softmax"):
        assert f"`keras.{layer}`" in text or f"`keras.layers.{layer}`" in text
    differences = [float(number) for number in re.findall(r"largest difference is (\S+?)\.(?:\s|$)", text)]
    assert len(differences) == 6 and max(differences) < 1e-5


@pytest.mark.parametrize("padding", layer_lab.PADDINGS)
def test_the_output_size_follows_the_controls(open_page, padding):
    query = {"h": "9", "w": "7", "kh": "4", "kw": "3", "sh": "2", "sw": "3", "pad": padding, "fl": "2"}
    down = layer_lab.output_size(9, 4, 2, 1, padding)
    across = layer_lab.output_size(7, 3, 3, 1, padding)
    assert metrics(no_trouble(open_page("layer_lab", query)))["Output"] == f"{down} × {across} × 2"


def test_a_kernel_that_does_not_fit_keeps_the_last_result_and_the_settings(open_page):
    page = open_page("layer_lab")
    page.slider(key="layer_lab.h").set_value(3).run()
    page.slider(key="layer_lab.kh").set_value(7).run()
    no_trouble(page)
    assert any("does not fit" in warning.value for warning in page.warning)
    assert "last settings that gave an output" in words(page)
    assert page.slider(key="layer_lab.kh").value == 7 and page.slider(key="layer_lab.h").value == 3
    page.pills(key="layer_lab.pad").set_value("same").run()
    assert metrics(no_trouble(page))["Output"].startswith("3 × ") and not page.warning


def test_the_code_follows_and_runs(open_page):
    page = open_page("layer_lab", {"h": "5", "w": "4", "in": "An edge"})
    snippet = next(block.value for block in page.code if "keras_says" in block.value)
    names = {}
    exec(snippet, names)
    assert names["ours"].shape == (3, 2, 1) and set(names["x"].ravel()) == {0, 1}
    np.testing.assert_allclose(names["ours"], names["keras_says"], atol=1e-5)


def test_the_figures_of_the_book_are_presets(open_page):
    page = open_page("layer_lab")
    for label, output in (
        ("Figure 2.8", "3 × 3 × 1"),
        ("Figure 2.9", "2 × 2 × 1"),
        ("Figure 2.10, zeros", "4 × 4 × 1"),
    ):
        next(button for button in page.button if button.label == label).click().run()
        assert metrics(no_trouble(page))["Output"] == output


def test_picking_an_input_cell_tells_where_it_goes(open_page):
    page = no_trouble(open_page("layer_lab", {"pick": "input", "r": "2", "c": "2"}))
    assert "is read by **9 output cells**" in words(page)


def test_a_picked_cell_is_held_inside_when_the_output_shrinks(open_page):
    page = open_page("layer_lab", {"h": "12", "r": "9"})
    page.slider(key="layer_lab.h").set_value(4).run()
    assert page.number_input(key="layer_lab.r").value == 1
    no_trouble(page)


def test_softmax_at_1000(open_page):
    page = open_page("layer_lab")
    page.slider(key="layer_lab.add").set_value(1000).run()
    shown = metrics(no_trouble(page))
    assert shown["Confidence in 2"] == "97.37%" and shown["Plain formula, float32"] == "nan"


def test_dropout_rate_one_is_a_sentence(open_page):
    page = open_page("layer_lab")
    page.slider(key="layer_lab.rate").set_value(1.0).run()
    assert any("below 1" in warning.value for warning in no_trouble(page).warning)
    assert page.slider(key="layer_lab.rate").value == 1.0
    page.slider(key="layer_lab.rate").set_value(0.5).run()
    assert not no_trouble(page).warning


def test_each_activation(open_page):
    page = open_page("layer_lab")
    for name in layer_lab.ACTIVATIONS:
        page.selectbox(key="layer_lab.act").set_value(name).run()
        expected = float(layer_lab.activate(-1.0, name, {"elu": 1.0, "leaky_relu": 0.1}.get(name, 0.0)))
        assert metrics(no_trouble(page))["f(x)"] == f"{expected:.4f}"


def test_what_was_typed_survives_a_change_of_size(open_page):
    typed = {(1, 1): 77.0, (5, 5): -3.0}
    page = open_page("layer_lab", state={"layer_lab._typed_x0": dict(typed)})
    page.slider(key="layer_lab.h").set_value(3).run()
    page.slider(key="layer_lab.h").set_value(6).run()
    x = page.session_state["layer_lab._lab"][1]
    assert x[1, 1, 0] == 77 and x[5, 5, 0] == -3
    no_trouble(page)


def test_an_empty_cell_is_named(open_page):
    page = no_trouble(open_page("layer_lab", state={"layer_lab._typed_pool": {(1, 2): float("nan")}}))
    assert any("row 1, column 2" in warning.value for warning in page.warning)
    assert metrics(page)["Output"]


@pytest.mark.parametrize(
    "query", [{"h": "99"}, {"pad": "none"}, {"sh": "x"}, {"l0": "inf"}, {"r": "-5"}, {"temp": "0"}]
)
def test_a_broken_link_still_opens(open_page, query):
    assert metrics(no_trouble(open_page("layer_lab", query)))["Output"] == "4 × 4 × 1"
