"""The architectures page, run without a browser."""

import json

import pytest

from cnndemo import architectures
from cnndemo.architectures.views import TITLES, words_of
from tests.pages.conftest import no_trouble, rendered_references


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
