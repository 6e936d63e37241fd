"""Nearest by layer, and what a filter wants, under AppTest."""

from __future__ import annotations

import re

import numpy as np
import pytest

from cnndemo import digit_classifier
from cnndemo.activation_maps import NETWORKS, nearest, wanted
from cnndemo.activation_maps.views import near
from tests.pages.conftest import no_trouble
from tests.pages.test_activation_maps import PHOTOS, texts


def pictures(page) -> str:
    return " ".join(str(element.proto) for element in page.get("image"))


def test_a_misread_digit_lies_among_its_wrong_class(open_page):
    """The one that the page names, beside the book's 7, which is read rightly."""
    digit, example = near.MISREAD
    page = no_trouble(open_page("activation_maps", {"near": "true", "a": str(digit), "a_n": str(example)}))
    (warning,) = [element.value for element in page.warning if "misread" in element.value]
    read = int(re.search(r"reads a \*\*(\d)\*\*", warning)[1])
    assert read != digit and f"it is a **{digit}**: misread" in warning and "its wrong class: the layers" in warning
    assert re.search(rf"In the last layer [5-8] of its 8 neighbours are a {read}", warning)
    assert "The network reads a **7**" in texts(page) and "and it is one. In the last layer 8 of its 8" in texts(page)
    for space in ("in pixels", "conv2d_1", "conv2d_2", "dense_1"):
        assert space in pictures(page)
    assert f"of 8 a {read}." in pictures(page) and f"the {digit} of example {example}" in texts(page)


@pytest.mark.parametrize(
    ("known", "labels", "words"),
    [
        (None, [3, 3, 5], "If you wrote another digit, this is why"),
        (None, [5, 5, 3], "Most are a 5: there the digit lies between the two"),
        (3, [3, 3, 5], "and it is one. In the last layer 2 of its 3 neighbours are, too."),
        (3, [5, 5, 3], "Most are a 5: it was close."),
        (5, [3, 3, 5], "it is a **5**: misread. In the last layer 2 of its 3 neighbours are a 3, its wrong class: the"),
        (5, [5, 5, 3], "most are a 5, so what erred is the last step"),
    ],
)
def test_what_is_said_of_a_reading(known, labels, words):
    neighbours = digit_classifier.Neighbours(np.zeros((3, 28, 28), np.uint8), np.array(labels), np.arange(3.0))
    assert words in near.explained(3, 0.8, known, neighbours)


def test_photographs_and_why_depth_helps_as_numbers(open_page):
    page = no_trouble(open_page("activation_maps", {"network": PHOTOS, "near": "true", "picture": "Astronaut"}))
    found = nearest.measured(NETWORKS["efficientnet_lite0"])
    said = re.findall(r"\*\*([\d.]+)%\*\* have one of their own breed nearest, ([\d.]+)% a cat", texts(page))
    assert [tuple(map(float, each)) for each in said] == [
        pytest.approx((100 * found.shares[word, "breed"], 100 * found.shares[word, "species"]), abs=0.06)
        for word in ("pixels", "early", "middle", "last")
    ]
    assert "Parkhi" in texts(page) and "CC BY-SA 4.0" in texts(page) and "do not ship" in texts(page)


def test_a_filter_of_photographs_is_compared_with_pets_and_tells_how_it_was_made(open_page):
    page = no_trouble(open_page("activation_maps", {"network": PHOTOS, "layer": "stage 4", "filter": "3"}))
    found = wanted.wanted_by(wanted.PHOTOS, "stage4", 3)
    assert f"In {wanted.pets()} photographs of pets, which do not ship, no patch excites it more than" in texts(page)
    assert f"{found.in_pets:.3g}." in texts(page)
    for regulariser in wanted.REGULARISERS:
        assert regulariser in texts(page)
    assert "Stéfan van der Walt, CC0" in texts(page) and "The nine shipped patches" in pictures(page)
