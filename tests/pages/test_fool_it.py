"""The page under AppTest."""

from __future__ import annotations

import numpy as np
import pytest

from cnndemo.ui.pictures import OWN, Picture
from tests.pages.conftest import no_trouble, until


def verdict(page) -> str:
    return next(text.value for text in page.markdown if text.value.startswith("### "))


def said(page) -> str:
    return " ".join(element.value for element in [*page.markdown, *page.caption, *page.warning, *page.info])


def test_something_is_fooled_before_the_first_click(opened):
    page = no_trouble(opened("fool_it"))
    assert verdict(page) == "### 5 → 3"
    assert "of the probability to other classes" in said(page) and "The second network" in said(page)
    assert not page.warning


def test_every_part_has_what_it_needs(opened):
    words = said(opened("fool_it"))
    assert "Made to fool the network that was trained with attacks" in words
    assert "none of these" in words and "believed" in words
    assert "fits best" in words


def test_at_zero_nothing_changes(open_page):
    page = no_trouble(open_page("fool_it", {"epsilon_digit": "0"}))
    assert "Still 5" in verdict(page) and any("ε = 0" in info.value for info in page.info)


def test_a_target_that_is_there_already(open_page):
    page = no_trouble(open_page("fool_it", {"aim_digit": "A class that I choose", "target_digit": "5"}))
    assert any("already" in warning.value for warning in page.warning)
    assert "energy" in said(page), "the rest of the page lives"
    page.selectbox(key="fool_it.target_digit").set_value("8").run()
    assert not page.warning


def test_what_survives(open_page):
    page = no_trouble(open_page("fool_it", {"quality": "60", "blur": "1.5", "shift": "2"}))
    assert "**The attack is gone**: the changed picture is read as 5" in said(page)
    page.slider(key="fool_it.blur").set_value(0.0).run()
    assert "**It survives**: the changed picture is read as 3" in said(page), "JPEG and a shift do it no harm"
    assert "the one before as 5" in said(page)


def test_without_keras_a_photo_cannot_be_attacked_and_the_page_lives(open_page, without_keras):
    page = no_trouble(open_page("fool_it", {"subject": "A photo", "search": "A sticker on a photo"}))
    until(page, lambda page: any("not installed" in caption.value for caption in page.caption))
    assert "EfficientNet-Lite0 says" in said(page) and "energy" in said(page)
    assert not page.button(key="fool_it.evolve").disabled


@pytest.mark.parametrize(
    ("search", "found"),
    [("One pixel of a digit", "### 1 → 9"), ("Pixels of a small photo", "### airplane → automobile")],
)
def test_one_pixel_is_enough_where_each_choice_starts(open_page, search, found):
    page = open_page("fool_it", {"search": search})
    page.button(key="fool_it.evolve").click().run()
    until(page, lambda page: any(found in text.value for text in page.markdown))
    assert "no look inside" in said(no_trouble(page))


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 2000, 3)])
def test_a_photo_of_any_shape_is_read_and_evolved(open_page, without_keras, shape):
    own = {OWN: Picture(np.full(shape, 90, np.uint8), "odd.png", "upload")}
    page = no_trouble(open_page("fool_it", {"subject": "A photo", "search": "A sticker on a photo"}, own))
    assert "EfficientNet-Lite0 says" in said(page) and "The photo from above, 224 × 224" in said(page)
    page.segmented_control(key="fool_it.search").set_value("small").run()
    page.button(key="fool_it.evolve").click().run()
    until(page, lambda page: page.session_state["fool_it._evolution"].latest)
    page.session_state["fool_it._evolution"].stop()
    assert "shrunk to 32 × 32" in said(no_trouble(page.run()))


def test_an_evolution_runs_and_is_stopped(open_page):
    page = open_page("fool_it", {"search": "Pixels of a digit", "pixels_digit": "1", "goal_digit": "0"})
    page.button(key="fool_it.evolve").click().run()
    until(page, lambda page: "questions" in said(page) and page.session_state["fool_it._evolution"].latest)
    job = page.session_state["fool_it._evolution"]
    job.stop()
    no_trouble(page.run())
    assert not job.running and ("Not fooled" in said(page) or "no look inside" in said(page))


@pytest.mark.parametrize("network", ["Digits", "Ten kinds of things"])
def test_temperature_changes_how_sure_it_is_and_nothing_else(open_page, network):
    page = no_trouble(open_page("fool_it", {"network": network}))
    before = [text.value.split("**")[1] for text in page.markdown if "energy" in text.value and "sure" in text.value]
    page.select_slider(key="fool_it.temperature").set_value(5.0).run()
    after = [text.value.split("**")[1] for text in page.markdown if "energy" in text.value and "sure" in text.value]
    assert before == after and len(before) == 5


def believed(page) -> int:
    """How many pieces of nonsense are believed."""
    return sum("badge[believed]" in text.value for text in page.markdown)


def test_what_is_refused_costs_real_pictures(open_page):
    page = open_page("fool_it", {"cost": "0"})
    strict, words = believed(page), "real test pictures 0 % are lost"
    assert words in said(page)
    page.slider(key="fool_it.cost").set_value(30).run()
    assert "real test pictures 30 % are lost" in said(no_trouble(page)) and believed(page) < strict
    sentence = next(text.value for text in page.markdown if "are caught" in text.value)
    assert f"{5 - believed(page)} of 5 are caught" in sentence


def test_each_shipped_network_is_measured_or_the_page_says_why_not(open_page):
    page = open_page("fool_it", {"network": "Digits, or none"})
    for network in ("not_a_digit", "pet_breeds", "cifar10_transfer", "efficientnet_lite0"):
        page.segmented_control(key="fool_it.network").set_value(network).run()
        words = said(no_trouble(page))
        assert not page.warning and words.count("sure  \nenergy") == 5, network
        assert ("fits best" in words) == (network != "efficientnet_lite0"), network
    assert "may not be passed on" in words
