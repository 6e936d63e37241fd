"""What Keras says appears by itself, and nothing waits for it."""

import re

from playwright.sync_api import expect

from tests.browser import gallery

ANSWERS = {
    "augmentation": ("given the same parameters for variant 1", "this transform changes the label of a 6"),
    "layer_lab": ("keras.layers.Conv2D: the largest difference", "keras.layers.MaxPooling2D: the largest difference"),
    "upsampling": ("keras.layers.UpSampling2D, largest difference",),
    "siamese": ("Keras has just built it",),
}


def test_what_keras_says_appears_once_it_has_said_it(browser):
    with gallery.serve() as server:
        visitor = browser.new_context(viewport=gallery.DESKTOP)
        pages = {stem: visitor.new_page() for stem in ANSWERS}
        for stem, page in pages.items():
            gallery.go(page, f"{server.url}/{stem}")
            expect(page.get_by_role("heading", name="Check yourself")).to_be_visible()
        for stem, page in pages.items():
            for words in ANSWERS[stem]:
                expect(page.get_by_text(words).first).to_be_attached()  # it may be folded
            gallery.wait_idle(page)
            expect(page.get_by_text(re.compile("Keras is asked|before you"))).to_have_count(0)
            assert not page.get_by_test_id("stException").count()
        visitor.close()
