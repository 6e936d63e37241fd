"""The activation maps' page under AppTest."""

from __future__ import annotations

import pytest

from tests.pages.conftest import no_trouble

PHOTOS = "EfficientNet-Lite0"


def texts(page) -> str:
    return " ".join(element.value for element in (*page.markdown, *page.caption))


def accuracies(page) -> list[float]:
    return [float(metric.value.rstrip("%")) for metric in page.metric]


def test_the_books_five_and_seven_come_first(open_page):
    page = no_trouble(open_page("activation_maps"))
    assert texts(page).count("32 maps of 26 × 26") == texts(page).count("64 maps of 24 × 24") == 2
    assert "- MNIST digit 5" in texts(page)
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
    page = no_trouble(open_page("activation_maps", {"layer": layer, "filter": "12", "sort": "Mean"}))
    assert page.number_input[0].value == 12
    weights = {"conv2d_1": "9 weights", "conv2d_2": "288 weights"}[layer]
    assert any(caption.value.startswith(weights) for caption in page.caption)


@pytest.mark.parametrize(
    "query",
    [
        {"filter": "99", "layer": "stage 3", "network": "nowhere"},
        {"layer": "flatten_1", "twins": "7", "a": "x", "off": ""},
        {"network": PHOTOS, "layer": "conv2d_1", "filter": "x", "silent": "?"},
    ],
)
def test_nonsense_in_the_link_does_no_harm(open_page, query):
    no_trouble(open_page("activation_maps", query))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"filter": "²"}, "There is no filter '²' in conv2d_1"),
        ({"filter": "32"}, "There is no filter '32' in conv2d_1"),
        ({"layer": "conv2d_9"}, r"There is no layer 'conv2d\_9'"),
        ({"network": PHOTOS, "layer": "[here](x)"}, r"There is no layer '\[here\]\(x\)'"),
    ],
)
def test_what_a_link_asks_for_and_is_not_there_is_said(open_page, query, said):
    page = no_trouble(open_page("activation_maps", query))
    assert any(said in caption.value for caption in page.caption)


def test_a_filter_of_a_photograph_by_its_link(open_page):
    page = no_trouble(open_page("activation_maps", {"network": PHOTOS, "layer": "stage 4", "filter": "7"}))
    assert page.number_input[0].value == 7 and page.selectbox[0].value == "stage4"
    assert "80 maps of 14 × 14" in texts(page) and "filter 7 of stage 4 answers more" in texts(page)
    no_trouble(page.selectbox[0].set_value("stage6").run())  # another layer, the same number
    assert "filter 7 of stage 6" in texts(page)
    page.number_input[0].set_value(150).run()
    assert "Such pictures were made for the filters 0 to 23" in texts(no_trouble(page))
    page.selectbox[0].set_value("stage1").run()  # it has 16 filters
    assert page.number_input[0].value == 0
    no_trouble(page)


@pytest.mark.parametrize("network", ["ResNet-20", "U-Net for pets"])
def test_other_networks_say_where_such_pictures_are(open_page, network):
    page = no_trouble(open_page("activation_maps", {"network": network}))
    assert "For this network no such pictures were made" in texts(page)


def test_a_filter_that_is_not_there_is_said(open_page):
    page = no_trouble(open_page("activation_maps", {"network": PHOTOS, "layer": "stage 4", "filter": "80"}))
    assert "There is no filter '80' in stage 4: it has 0 to 79." in texts(page)
    assert page.number_input[0].value == 0


def test_from_one_network_to_another_and_back(open_page):
    page = open_page("activation_maps", {"layer": "conv2d_2", "filter": "60"})
    switch = next(element for element in page.button_group if element.label == "Network")
    no_trouble(switch.set_value("resnet20").run())
    assert page.selectbox[0].value == "stage1_block3_activation" and page.number_input[0].value == 0
    switch = next(element for element in page.button_group if element.label == "Network")
    no_trouble(switch.set_value("digits").run())
    assert page.number_input[0].value == 0 and "32 maps of 26 × 26" in texts(page)
