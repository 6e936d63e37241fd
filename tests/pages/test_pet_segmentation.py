"""The pet segmentation page, run without a browser."""

import numpy as np
import pytest

from cnndemo import images
from cnndemo.pet_segmentation.views import BACKGROUNDS, VIEWS
from cnndemo.ui.pictures import OWN, Picture
from tests.pages.conftest import no_trouble


def metrics(page) -> dict[str, float]:
    return {metric.label: float(metric.value) for metric in page.metric}


def words(page) -> str:
    return " ".join(element.value for element in (*page.markdown, *page.caption))


@pytest.mark.parametrize("network", ["Pretrained", "Book"])
def test_the_sample_cat_is_found_by_both_networks(open_page, network):
    page = no_trouble(open_page("pet_segmentation", {"net": network}))
    assert not page.warning
    assert "of the pixels are pet" in words(page)
    assert any(f'network="{network.lower()}"' in block.value for block in page.code)


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_shown(open_page, view):
    page = no_trouble(open_page("pet_segmentation", {"view": view}))
    expected = {
        "Overlay": "View",
        "Cut-out": "",
        "Probabilities": "its probabilities",
        "Confidence": "largest of the three",
        "Both": "differ on",
    }[view]
    assert expected in words(page) + " View"
    assert page.button_group(key="pet_segmentation.view").value == view or view in str(
        page.button_group(key="pet_segmentation.view").value
    )


@pytest.mark.parametrize("behind", BACKGROUNDS[2:4])
def test_other_backgrounds_are_shown(open_page, behind):
    page = no_trouble(open_page("pet_segmentation", {"view": "Cut-out", "behind": behind}))
    assert not page.warning


def test_a_cut_skip_changes_the_mask(open_page):
    page = open_page("pet_segmentation", {"net": "Book"})
    assert "Jaccard with the full mask" not in metrics(page)
    skips = page.button_group(key="pet_segmentation.skips_book")
    skips.set_value([skips.value[0]]).run()
    assert 0 <= metrics(no_trouble(page))["Jaccard with the full mask"] < 1


def test_an_empty_mask_scores_high_in_accuracy_and_zero_in_overlap(open_page):
    scores = metrics(no_trouble(open_page("pet_segmentation", {"preset": "A tiny pet, missed"})))
    assert scores["Pixel accuracy"] >= 0.95 and scores["Jaccard"] == scores["Dice"] == 0


def test_editing_moves_all_scores_together(open_page):
    page = open_page("pet_segmentation", {"preset": "The mask above"})
    assert metrics(page)["Jaccard"] == metrics(page)["Boundary F"] == 1
    page.slider(key="pet_segmentation.dx").set_value(20).run()
    scores = metrics(no_trouble(page))
    assert all(scores[name] < 1 for name in ("Pixel accuracy", "Jaccard", "Dice", "Boundary F"))
    assert scores["Dice"] == pytest.approx(2 * scores["Jaccard"] / (1 + scores["Jaccard"]), abs=2e-3)


def test_the_two_sets_follow_buttons_and_links(open_page):
    page = no_trouble(open_page("pet_segmentation", {"sets": "A 0 0, B 2.9 0", "ra": "1.0", "rb": "1.0"}))
    assert any("= 0.000" in formula.value for formula in page.latex)
    next(button for button in page.button if button.label == "Equal").click().run()
    assert all("= 1.000" in formula.value for formula in page.latex if formula.value.startswith(("J", "D")))


@pytest.mark.parametrize(
    "image",
    [
        np.full((1, 1, 3), 200, np.uint8),
        np.tile(images.sample("cat")[:60], (1, 4, 1))[:, :1600],
    ],
    ids=["one pixel", "panorama"],
)
def test_odd_pictures_get_an_answer_and_a_sentence(open_page, image):
    page = open_page("pet_segmentation", {"preset": "The mask above"})
    page.session_state[OWN] = Picture(image, "odd.png", "upload")
    page.run()
    said = words(no_trouble(page))
    assert ("of the pixels are" in said) != ("**No pet**" in said)  # ears alone may be too little


@pytest.mark.parametrize(
    "query",
    [
        {"net": "x", "view": "x", "opacity": "1e9", "sets": "A B", "ra": "-1", "preset": "x", "dx": "nan"},
        {"net": "", "view": "", "preset": "", "sets": "", "behind": "", "opacity": ""},
        {"view": "Cut-out", "behind": "", "colour": "red"},
    ],
    ids=["nonsense", "empty", "cut-out"],
)
def test_a_broken_link_still_opens(open_page, query):
    page = no_trouble(open_page("pet_segmentation", query))
    assert "of the pixels are pet" in words(page)


def test_a_portrait_has_no_pet_until_u_net_is_left_alone(open_page):
    page = no_trouble(open_page("pet_segmentation", {"picture": "Astronaut"}))
    assert "**No pet**" in words(page) and "of the pixels are pet" not in words(page)
    page.toggle(key="pet_segmentation.twice").set_value(False).run()
    assert "**No pet**" not in words(no_trouble(page)) and "of the pixels are pet" in words(page)
