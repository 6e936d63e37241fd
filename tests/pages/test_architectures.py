"""The architectures page, run without a browser."""

import json
import threading
import time

import numpy as np
import pytest
import streamlit as st

from cnndemo import architectures, chain, images, weights, worker
from cnndemo.architectures import comparing, stacks
from cnndemo.architectures.comparing import Measured
from cnndemo.architectures.views import TITLES, words_of
from tests.pages.conftest import no_trouble, rendered_references, until
from tests.pages.test_training import nearest_mean

NAMES = (stacks.PLAIN, stacks.RESIDUAL)


def metrics(page) -> dict[str, str]:
    return {metric.label: metric.value for metric in page.metric}


def test_shows_the_books_figures_and_listing(opened):
    found = rendered_references(opened("architectures"))
    assert found["Try it"] == {"figure 4.1", "listing 4.1"}
    assert found["Skip connections"] == {"figure 4.2", "figure 4.3"}
    assert found["Dense connections"] == {"figure 4.6", "figure 4.7"}


@pytest.mark.parametrize("title", TITLES)
def test_every_network_has_its_numbers(open_page, title):
    page = no_trouble(open_page("architectures", {"net": title}))
    plan = architectures.plan(TITLES[title])
    assert metrics(page)["Parameters"] == words_of(plan.parameters)
    assert metrics(page)["Layers with weights"] == str(plan.depth)


def test_whole_numbers_of_the_layers_have_separators(opened):
    columns = json.loads(opened("architectures").dataframe[0].proto.columns)
    localized = {name for name, config in columns.items() if config.get("type_config", {}).get("format") == "localized"}
    assert localized == {"parameters", "multiply-adds", "sees, pixels"}


def test_too_small_an_input_is_a_sentence_and_the_page_stays(open_page):
    page = open_page("architectures")
    page.slider(key="architectures.side_alexnet").set_value(32).run()
    no_trouble(page)
    assert any("larger input" in warning.value for warning in page.warning)
    assert [heading.value for heading in page.header][-1] == "Check yourself"
    assert metrics(page)["Parameters"] == words_of(architectures.plan("alexnet").parameters)


@pytest.mark.parametrize("value", [0.125, 2.0])
def test_width_changes_the_cost(open_page, value):
    page = open_page("architectures", {"net": "VGG-16"})
    page.select_slider(key="architectures.width").set_value(value).run()
    assert metrics(no_trouble(page))["Parameters"] == words_of(architectures.plan("vgg16", None, value).parameters)


def test_the_product_follows_the_book(open_page):
    page = open_page("architectures", {"w": "1.5"})
    assert metrics(no_trouble(page))["1.5 to the power of 100"] == "4.066e+17"


@pytest.mark.parametrize(
    ("key", "value"),
    [("depth", 4), ("depth", 120), ("gain", 0.5), ("gain", 1.5), ("skip", 1), ("skip", 5), ("n", 2), ("n", 150)]
    + [("w", 0.5), ("w", 1.6), ("x", -2.0), ("w1", 0.0), ("w2", 0.0), ("dn", 2), ("dn", 12), ("growth", 48)],
)
def test_every_slider_at_its_ends(open_page, key, value):
    page = open_page("architectures")
    page.slider(key=f"architectures.{key}").set_value(value).run()
    no_trouble(page)


@pytest.mark.parametrize("act", ["relu", "tanh", "sigmoid"])
@pytest.mark.parametrize("bn", [False, True])
def test_gradients_with_every_activation(open_page, act, bn):
    page = open_page("architectures", {"act": act})
    page.toggle(key="architectures.bn").set_value(bn).run()
    text = next(m.value for m in no_trouble(page).markdown if m.value.startswith("At the first layer"))
    sizes = [architectures.gradient_sizes(60, 1.0, skip, bn, act)[0] for skip in (0, 2)]
    assert all(f"**{size:.2g}**" in text for size in sizes)


def test_without_the_skip_the_gradient_has_one_way(open_page):
    page = open_page("architectures")
    page.toggle(key="architectures.on").set_value(False).run()
    text = next(m.value for m in no_trouble(page).markdown if m.value.startswith("dy/dx"))
    assert text.startswith("dy/dx = 0.15 + 0 = **0.15**")


def test_floats_of_each_size_are_told(opened):
    rows = next(d.value for d in opened("architectures").dataframe if "numbers" in d.value)
    assert list(rows["product"]) == ["1.19e-07", "2.04e-10", "2.04e-10"]


@pytest.mark.parametrize("level", ["Stages", "Blocks", "Layers"])
def test_the_graph_folds_by_level(open_page, level):
    page = open_page("architectures", {"net": "DenseNet-121", "level_densenet121": level})
    drag = [caption.value for caption in no_trouble(page).caption if "drag to see" in caption.value]
    assert bool(drag) == (level != "Stages")


def test_one_stage_unfolds_from_the_list(open_page):
    page = open_page("architectures", {"net": "ResNet-50"})
    page.multiselect[0].set_value(["maps of 28 × 28"]).run()
    no_trouble(page)
    assert "stage 2 block 2" in page.multiselect[0].options


@pytest.mark.parametrize("cost", ["Multiply-adds", "Time, measured"])
def test_nothing_is_measured_before_it_was_asked_for(open_page, cost):
    page = no_trouble(open_page("architectures", {"cost": cost}))
    assert any("Nothing has been measured" in info.value for info in page.info) == (cost == "Time, measured")


def test_what_is_measured_comes_on_the_chart_and_into_the_table_one_by_one(open_page, monkeypatch):
    go_on, measured = threading.Event(), {"resnet20": Measured("resnet20", 12.34, 9, 56.7)}
    measured["alexnet"] = Measured("alexnet", 200.0, 5, None)  # this system does not tell the memory

    def measure(names, waiting):
        assert set(measured) < set(names)
        yield measured["resnet20"]
        while not go_on.is_set():
            waiting()
            time.sleep(0.01)
        yield measured["alexnet"]

    monkeypatch.setattr(comparing, "measure", measure)
    page = open_page("architectures", {"cost": "Time, measured"})
    try:
        page.button(key="architectures.measure").click().run()
        assert page.button(key="architectures.measure").disabled and page.button(key="architectures.stop_measuring")
        until(page, lambda page: any("1 of 9 networks" in bar.proto.text for bar in page.get("progress")))
        assert compared(page) == {"resnet20"}
        go_on.set()
        until(page, lambda page: not page.button(key="architectures.measure").disabled)
        assert compared(page) == {"resnet20", "alexnet"}
        rows = next(table.value for table in page.dataframe if "milliseconds" in table.value).set_index("network")
        assert rows.loc["ResNet-20", ["milliseconds", "megabytes"]].tolist() == [12.3, 57]
        assert rows["milliseconds"].count() == 2 and rows["megabytes"].count() == 1
        page.segmented_control(key="architectures.cost").set_value("megabytes").run()
        assert compared(no_trouble(page)) == {"resnet20"}
    finally:
        st.cache_resource.clear()  # it was measured for all visitors


def compared(page) -> set[str]:
    """The networks on the chart of what they cost."""
    alt = next(chart.proto.alt for chart in page.get("plotly_chart") if "Published accuracy over" in chart.proto.alt)
    titles = {network.title: name for name, network in architectures.NETWORKS.items()}
    return {name for title, name in titles.items() if f"{title} " in alt}


OPEN = {"architectures.own": "true"}


def shown(page) -> bool:
    return sum(metric.label == "Parameters" for metric in page.metric) == 2


@pytest.fixture(scope="module")
def opened_own():
    """The page with a network of ours brought to it; used by tests that go on from there, in their order."""
    from tests.pages.conftest import run_page

    return until(run_page("architectures", OPEN), shown)


def test_a_shipped_network_is_there_before_one_is_brought(opened_own):
    page = no_trouble(opened_own)
    assert any("10 probabilities" in caption.value for caption in page.caption)
    assert any(caption.value.startswith("Takes 1 × 32 × 32 × 3") for caption in page.caption)


def test_an_uploaded_network_is_read_and_a_hostile_one_is_a_sentence(open_page):
    page = open_page("architectures", OPEN)
    data = weights.onnx_file("siamese").read_bytes()
    page.file_uploader(key="architectures.own_file").upload("mine.onnx", data, "application/octet-stream").run()
    until(page, lambda page: any("gives 1 × 128" in caption.value for caption in page.caption))
    no_trouble(page)
    from tests.unit.test_architectures_own import keras_bytes, layer

    hostile = keras_bytes(layer("Lambda"))
    page.file_uploader(key="architectures.own_file").upload("evil.keras", hostile, "application/zip").run()
    until(page, lambda page: any("has a Lambda" in warning.value for warning in page.warning))
    assert [heading.value for heading in no_trouble(page).header][-1] == "Check yourself"


def test_a_keras_file_is_read_in_the_keras_process_and_answers_for_the_picture(open_page):
    data, title = nearest_mean(), "mine.keras"
    page = open_page("architectures", OPEN)
    page.file_uploader(key="architectures.own_file").upload(title, data, "application/zip").run()
    until(page, lambda page: any("gives ? × 10" in caption.value for caption in page.caption))
    found = no_trouble(page).session_state["architectures.own_job"][1].latest
    assert (found.takes, found.parameters) == ("? × 28 × 28 × 1", 7850) and worker.pid()
    answer = chain.read(data).predictor()(found.source.batch(images.sample("cat"), "0 to 1"))[0]
    assert np.abs(found.answer - answer).max() < 1e-5
    alts = [chart.proto.alt for chart in page.get("plotly_chart")]
    assert f"{title}: most for number {answer.argmax()}, {answer.max():.3g}" in alts


def test_the_race_is_offered(open_page):
    page = no_trouble(open_page("architectures", {"architectures.race": "true"}))
    assert any("Train both" in info.value for info in page.info)
    assert page.slider(key="architectures.r_depth").value == 30


def told(page) -> str:
    return " ".join(element.value for kind in ("markdown", "caption") for element in page.get(kind))


def test_the_race_is_watched_and_its_gradients_are_looked_at(open_page, monkeypatch):
    go_on = threading.Event()

    def run(race, waiting):
        result = stacks.Run(race)
        for update in (1, 10, 20):
            losses, right = ({name: value / update for name in NAMES} for value in (2.3, 1.0))
            norms = {stacks.PLAIN: np.geomspace(1e-6, 1, race.depth), stacks.RESIDUAL: np.ones(race.depth)}
            result.looks.append(stacks.Look(update, losses, norms, right | {stacks.RESIDUAL: 0.95}))
            yield result
            while not go_on.is_set():
                waiting()
                time.sleep(0.01)

    monkeypatch.setattr(stacks, "run", run)
    page = open_page("architectures", {"architectures.race": "true", "r_depth": "4", "r_updates": "20"})
    page.button(key="architectures.r_go").click().run()
    assert page.button(key="architectures.r_go").disabled and page.button(key="architectures.r_stop")
    until(page, lambda page: any(bar.proto.text == "Update 1 of 20" for bar in page.get("progress")))
    go_on.set()
    until(page, lambda page: not page.button(key="architectures.r_go").disabled)
    assert f"after 20 updates: {stacks.PLAIN} **5%**, {stacks.RESIDUAL} **95%** right" in told(no_trouble(page))
    assert "The skips win" in told(page) and "changed by a factor of 1,000,000" in told(page)
    page.select_slider(key="architectures.r_at_20").set_value(10).run()
    alts = [chart.proto.alt for chart in no_trouble(page).get("plotly_chart")]
    assert "Length of each layer's gradient after update 10. First layer: plain: 1e-06; with skips: 1" in alts


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_race_is_run_in_the_page_and_the_residual_stack_wins(open_page):
    page = no_trouble(open_page("architectures", {"architectures.race": "true"}))
    page.button(key="architectures.r_go").click().run()
    until(page, lambda page: not page.button(key="architectures.r_go").disabled, 800)
    looks = page.session_state["architectures.race_run"].latest.looks
    right = looks[-1].accuracies
    assert right[stacks.RESIDUAL] > right[stacks.PLAIN] + 0.1 and right[stacks.RESIDUAL] > 0.7
    assert [look.update for look in looks][:: len(looks) - 1] == [1, 150] and "The skips win" in told(no_trouble(page))
