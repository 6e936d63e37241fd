"""Pages that were opened before TensorFlow was there show what it says as soon as it is."""

import pytest
from playwright.sync_api import expect

from tests.browser import gallery


@pytest.fixture
def cold(browser):
    """A server on which nobody has loaded TensorFlow, and a visitor of it."""
    with gallery.serve(warm_up=False) as server:
        visitor = browser.new_context(viewport=gallery.DESKTOP)
        yield server.url, visitor
        visitor.close()


def test_what_keras_says_appears_once_it_is_loaded(cold):
    url, visitor = cold
    waiting = {}
    for stem in ("augmentation", "layer_lab", "upsampling"):
        waiting[stem] = gallery.go(visitor.new_page(), f"{url}/{stem}")
        expect(waiting[stem].get_by_text("Keras is being loaded").first).to_be_visible()
    gallery.go(visitor.new_page(), f"{url}/digit_classifier")  # has a network, so it loads TensorFlow
    for stem, answer in (
        ("augmentation", "given the same parameters for variant 1"),
        ("augmentation", "this transform changes the label of a 6"),
        ("layer_lab", "keras.layers.Conv2D: the largest difference"),
        ("layer_lab", "keras.layers.MaxPooling2D: the largest difference"),
        ("upsampling", "keras.layers.UpSampling2D, largest difference"),
    ):
        expect(waiting[stem].get_by_text(answer).first).to_be_visible()
    for page in waiting.values():
        gallery.wait_idle(page)
        expect(page.get_by_text("Keras is being loaded")).to_have_count(0)
        assert not page.get_by_test_id("stException").count()
