"""The activation maps' page under AppTest."""

from __future__ import annotations

import json

import numpy as np
import pytest

from cnndemo import images
from cnndemo.activation_maps import wanted
from cnndemo.activation_maps.networks import NETWORKS, look
from cnndemo.activation_maps.views import components, wishes
from cnndemo.ui.pictures import OWN, Picture
from tests.pages.conftest import no_trouble, run_page

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
        ({"filter": "²"}, "There is no filter “²” in conv2d_1"),
        ({"filter": "32"}, "There is no filter “32” in conv2d_1"),
        ({"layer": "conv2d_9"}, r"There is no layer “conv2d\_9”"),
        ({"network": PHOTOS, "layer": "[here](x)"}, r"There is no layer “\[here\]\(x\)”"),
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
    assert "There is no filter “80” in stage 4: it has 0 to 79." in texts(page)
    assert page.number_input[0].value == 0


def test_from_one_network_to_another_and_back(open_page):
    page = open_page("activation_maps", {"layer": "conv2d_2", "filter": "60"})
    switch = next(element for element in page.button_group if element.label == "Network")
    no_trouble(switch.set_value("resnet20").run())
    assert page.selectbox[0].value == "stage1_block3_activation" and page.number_input[0].value == 0
    switch = next(element for element in page.button_group if element.label == "Network")
    no_trouble(switch.set_value("digits").run())
    assert page.number_input[0].value == 0 and "32 maps of 26 × 26" in texts(page)


def pictures(page) -> str:
    """Captions and alt texts of all pictures."""
    return " ".join(str(element.proto) for element in page.get("image"))


def figure(page, key: str) -> dict:
    """The chart of this key, as Plotly has it."""
    return next(json.loads(each.proto.spec) for each in page.get("plotly_chart") if each.proto.id.endswith(key))


def labelled(page, label: str):
    """The choice of this label."""
    return next(element for element in page.button_group if element.label == label)


@pytest.fixture(scope="module")
def stage4():
    """A filter of a photograph; read only."""
    return no_trouble(run_page("activation_maps", {"network": PHOTOS, "layer": "stage 4", "filter": "7"}))


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 2000, 3)])
def test_a_photo_of_any_shape_has_maps_a_patch_of_its_own_and_neighbours(open_page, shape):
    own = {OWN: Picture(np.full(shape, 90, np.uint8), "odd.png", "upload")}
    page = open_page("activation_maps", {"network": PHOTOS, "layer": "stage 4", "filter": "7", "near": "true"}, own)
    assert "80 maps of 14 × 14" in texts(no_trouble(page)) and "Yours: " in pictures(page)
    assert "Nearest in the last layer" in texts(page)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_row_of_layers_draws_what_each_of_them_sees(name):
    network = NETWORKS[name]
    for layer in network.layers:
        found = components.card(network, layer, "")
        top, left, height, width = (value * network.size / 100 for value in found["field"])
        assert (top, height) == (left, width) and top >= 0 and top + height <= network.size + 0.1
        if layer.field > network.size:
            assert found["sees"] == "all of it"
        else:
            assert found["sees"] == f"{layer.field} × {layer.field} pixels"
            edge = 0.1 if layer.field < 0.8 * network.size else 0.1 * network.size  # no place is quite in the middle
            assert height == pytest.approx(layer.field, abs=edge)
            assert top + height / 2 == pytest.approx(network.size / 2, abs=network.size / 7)


def test_the_grid_of_a_photograph_begins_with_the_strongest(stage4):
    peaks = look(NETWORKS["efficientnet_lite0"], images.sample("cat"), ("stage4",)).maps["stage4"].max(axis=(0, 1))
    cells = next(trace for trace in figure(stage4, "maps_efficientnet_lite0_stage4")["data"] if "customdata" in trace)
    shown = np.ravel(cells["customdata"]).astype(int).tolist()
    assert len(shown) == len(set(shown)) == 64 and 7 in shown
    order = peaks[[channel for channel in shown if channel != 7]]
    assert order[0] == peaks.max() and (np.diff(order) <= 0).all()


def test_a_filters_wish_is_explained_and_has_its_sources(stage4):
    said = texts(stage4)
    assert all(words in said for words in wanted.REGULARISERS)
    assert "The nine shipped patches" in pictures(stage4) and "Patches: " in said
    sources = said.split("Patches: ")[1]
    assert all(sample.credit in sources for sample in images.SAMPLES.values() if sample.caption in sources)


@pytest.mark.parametrize(
    "query", [{"network": PHOTOS, "layer": "stage 4"}, pytest.param({"layer": "conv2d_2"}, marks=pytest.mark.slow)]
)
def test_did_you_see_this(open_page, monkeypatch, query):
    shown = {}

    def kept(picture, caption=None, alt=None, **more):
        shown[alt or caption] = picture

    monkeypatch.setattr(wishes, "show", kept)
    page = no_trouble(open_page("activation_maps", query))
    labels = [f"Picture {letter} is filter …" for letter in "ABC"]
    offered = labelled(page, labels[0]).options
    assert len(set(offered)) == 6 and "3 of 3 right" not in texts(page)
    name, layer = ("efficientnet_lite0", "stage4") if "network" in query else ("digit_classifier", "conv2d_2")
    made = dict(zip(wanted.channels(name, layer), wanted.pictures(name, layer), strict=True))
    asked = [shown[f"picture {letter}"] for letter in "ABC"]
    right = [next(one for one in offered if np.array_equal(made[int(one)], picture)) for picture in asked]
    wrong = [right[1], right[2], right[0]]
    for chosen, words in ((wrong, "0 of 3 right"), (right, "3 of 3 right")):
        for label, option in zip(labels, chosen, strict=True):
            labelled(page, label).set_value(int(option))
        no_trouble(page.run())
        told = [element.value for element in (*page.success, *page.warning)]
        assert any(f"{words}: A is {right[0]}, B is {right[1]}, C is {right[2]}." in each for each in told)


def test_filters_of_a_photograph_are_switched_off_at_once(open_page):
    page = open_page("activation_maps", {"network": PHOTOS, "layer": "stage 4", "filter": "7"})
    assert len(figure(page, "answer")["data"]) == 1, "nothing is off"
    for how in ("this", "strongest", "others"):
        labelled(page, "Silent").set_value(how).run()
        before, after = (trace["text"] for trace in figure(no_trouble(page), "answer")["data"])
        assert before != after, how
    labelled(page, "Silent").set_value("own").run()
    page.multiselect[0].set_value(list(range(80))).run()
    before, after = (trace["text"] for trace in figure(no_trouble(page), "answer")["data"])
    assert float(after[0].rstrip("%")) < 5 < float(before[0].rstrip("%")), "nothing is known of the picture any more"
