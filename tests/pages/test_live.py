"""The four pages with a running camera, without a browser: what they make of a frame, and that nothing of it stays."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import numpy as np
import pytest
from streamlit.runtime.caching.cache_utils import CachedFunc

from cnndemo import images
from tests.pages.conftest import no_trouble, run_page

PAGES = {  # page -> the module of its live part, settings, whether bars are part of the answer
    "filters": ("cnndemo.filters.views", {"kernel": "Laplacian, 8 neighbours"}),
    "face_detection": ("cnndemo.face_detection.views", {"also": ["raw hits", "eyes"]}),
    "activation_maps": ("cnndemo.activation_maps.views.running", {"network": "EfficientNet-Lite0", "filter": "3"}),
    "resnet_transfer": ("cnndemo.resnet_transfer.views.naming", {}),
}


@pytest.fixture(scope="module")
def answers() -> Callable:
    """Open a page with its live camera, once for the same settings; returns its function of frames and its still."""
    known: dict[str, tuple] = {}

    def opened(stem: str, more: dict | None = None):
        home, query = PAGES[stem]
        query, found = {f"{stem}.live": "true"} | (query if more is None else more), []
        if str(query) not in known:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(importlib.import_module(home), "live", lambda *given: found.append(given))
                page = no_trouble(run_page(stem, query))
            assert page.toggle(key=f"{stem}.live").value
            known[str(query)] = found[-1][:2]
        return known[str(query)]

    return opened


@pytest.mark.parametrize("stem", PAGES)
def test_frames_are_answered_past_all_caches(stem, answers, monkeypatch):
    answer, still = answers(stem)
    answer(images.shrink(still, 320))
    # A cached function would keep the frame, or what was made of it, for the next visitor.
    monkeypatch.setattr(CachedFunc, "__call__", lambda cached, *_, **__: pytest.fail(f"{cached} was called"))
    cat = answer(images.shrink(images.sample("cat"), 320))
    man = answer(images.shrink(images.sample("astronaut"), 320))
    assert cat.pictures and cat.words != man.words or cat.shares != man.shares
    for shown in (*cat.pictures, *man.pictures):
        assert shown.image.dtype == np.uint8 and shown.caption and shown.alt
        assert max(shown.image.shape) <= 400


def test_face_detection_counts_faces(answers):
    answer, _ = answers("face_detection")
    assert "Cascade: 1 found" in answer(images.shrink(images.sample("astronaut"), 320)).words
    assert "Cascade: 0 found" in answer(images.shrink(images.sample("coffee"), 320)).words


def test_transfer_learning_names_what_it_sees(answers):
    answer, _ = answers("resnet_transfer")
    names = [name for name, _ in answer(images.shrink(images.sample("coffee"), 320)).shares]
    assert "espresso" in names[:2] and len(names) == 5
    answer, _ = answers("resnet_transfer", {"networks": ["ResNet-20", "EfficientNet-Lite0"]})
    assert answer(images.sample("cat")).words.startswith("ResNet-20")


def test_a_written_digit_before_the_camera_shows_its_maps(answers):
    answer, still = answers("activation_maps", {})
    first = answer(still)
    assert first.words.startswith("Hold a written digit") and first.pictures[0].image.shape == (28, 28)
    paper = np.full((240, 320), 235, np.uint8)
    paper[40:200, 80:240] -= np.kron(images.digit(5, 0), np.ones((6, 6), np.uint8))[4:164, 4:164] // 2
    held = answer(np.repeat(paper[..., None], 3, axis=2))
    assert held.words.startswith("It reads 5") and len(held.pictures) == 3


def test_another_layer_and_filter_are_those_of_the_frames(answers):
    answer, _ = answers(
        "activation_maps", {"network": "ResNet-20", "layer": "stage 2, block 1", "filter": "7", "live": "true"}
    )
    assert answer(images.sample("cat")).pictures[0].caption.startswith("Filter 7 of stage 2, block 1")
