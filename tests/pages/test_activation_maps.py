"""The activation maps' page under AppTest."""

from __future__ import annotations

import pytest

from tests.pages.conftest import no_trouble


def group(page, label: str):
    return next(element for element in page.button_group if element.label.startswith(label))


def accuracies(page) -> list[float]:
    return [float(metric.value.rstrip("%")) for metric in page.metric]


def test_the_books_five_and_seven_come_first(open_page):
    page = no_trouble(open_page("activation_maps"))
    texts = [text.value for text in page.markdown]
    assert sum("32 maps of 26 × 26" in text for text in texts) == 2
    assert sum("64 maps of 24 × 24" in text for text in texts) == 2
    assert any(text.startswith("- MNIST digit 5") for text in texts)
    assert accuracies(page)[0] > 97


def test_without_the_second_layer_nothing_is_read(open_page):
    page = no_trouble(open_page("activation_maps", {"off": "Layer 2"}))
    every, without, _ = accuracies(page)
    assert every > 97 and without == pytest.approx(10, abs=0.1)


def test_my_choice_of_maps(open_page):
    page = no_trouble(open_page("activation_maps", {"off": "My choice"}))
    assert accuracies(page)[0] == accuracies(page)[1]
    no_trouble(page.multiselect[0].set_value(list(range(32))).run())
    assert accuracies(page)[1] < 50


@pytest.mark.parametrize("layer", ["conv2d_1", "conv2d_2"])
def test_the_enlarged_map_follows_the_link(open_page, layer):
    page = no_trouble(open_page("activation_maps", {"layer": layer, f"map_{layer}": "12", "sort": "Mean"}))
    assert page.number_input[0].value == 12
    weights = {"conv2d_1": "9 weights", "conv2d_2": "288 weights"}[layer]
    assert any(caption.value.startswith(weights) for caption in page.caption)


@pytest.mark.parametrize(
    "query", [{"map_conv2d_1": "99"}, {"layer": "flatten_1"}, {"twins": "7"}, {"a": "x"}, {"off": ""}]
)
def test_nonsense_in_the_link_does_no_harm(open_page, query):
    no_trouble(open_page("activation_maps", query))
