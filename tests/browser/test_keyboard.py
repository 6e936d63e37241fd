"""The main promise of every page, kept to a visitor who has a keyboard and nothing else.

The focus is set once a page, on its title; from there on Tab moves it, and keys do the rest.
"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from cnndemo import topics
from tests.browser.gallery import DESKTOP, go, wait_idle

FOCUSED = """(one) => {
  let active = document.activeElement;
  while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
  return one === active || one.contains(active);
}"""
WORDS = "() => document.activeElement.innerText"
START = "(title) => { title.tabIndex = -1; title.focus(); }"


class Keys:
    """Tab to something, then keys; `page` is only looked at."""

    def __init__(self, page: Page):
        self.page = page
        self.main = page.get_by_test_id("stMain")

    def start(self) -> None:
        self.main.get_by_role("heading", level=1).evaluate(START)

    def to(self, target: Locator, most: int = 150) -> Keys:
        """Press Tab until the focus is on the target, or on something within it."""
        target = target.first
        target.wait_for()
        for _ in range(most):
            self.page.keyboard.press("Tab")
            if target.evaluate(FOCUSED):
                return self
        raise AssertionError(f"{most} times Tab do not lead to {target}")

    def press(self, *keys: str, idle: bool = True) -> None:
        for key in keys:
            self.page.keyboard.press(key)
        if idle:
            wait_idle(self.page, quiet=0.25)

    def type(self, words: str) -> None:
        self.page.keyboard.type(words)

    def choose(self, option: str, of: Locator | None = None) -> None:
        """One of a row of choices, by arrow keys; the row is found by the option, or given."""
        self.to(of or self.choices(option))
        for _ in range(20):
            if self.page.evaluate(WORDS) == option:
                self.press("Space")
                return
            self.page.keyboard.press("ArrowRight")
        raise AssertionError(f"the arrows do not lead to {option}, but to {self.page.evaluate(WORDS)}")

    def widget(self, kind: str, words: str | re.Pattern) -> Locator:
        """A widget of Streamlit's, such as ("Slider", "Threshold"), by words on it."""
        return self.main.get_by_test_id(f"st{kind}").filter(has_text=words).locator("visible=true")

    def choices(self, option: str) -> Locator:
        """A row of choices, by an option that it has."""
        exact = self.page.get_by_text(option, exact=True)
        return self.main.get_by_test_id("stButtonGroup").filter(has=exact).locator("visible=true")

    def metric(self, words: str) -> Locator:
        return self.widget("Metric", words).first.get_by_test_id("stMetricValue")

    def says(self, words: str | re.Pattern) -> None:
        expect(self.main.get_by_text(words).locator("visible=true").first).to_be_visible()


def changes(what: Locator):
    """What `what` says now; call the result after the keys to see that it says something else."""
    before = what.first.inner_text()
    return lambda: expect(what.first).not_to_have_text(before)


def home(keys: Keys) -> None:
    """Search, and go where a result leads."""
    keys.to(keys.main.get_by_label("Search pages, sections and lessons")).type("softmax")
    keys.press("Enter")
    keys.to(keys.main.get_by_role("link", name="Layer lab · Softmax")).press("Enter")
    expect(keys.main.get_by_role("heading", name="Layer lab", level=1)).to_be_visible()
    expect(keys.page.locator("#softmax")).to_be_in_viewport()


def convolution(keys: Keys) -> None:
    """Slide a curve, then answer a question."""
    area = changes(keys.metric("Area at t"))
    keys.to(keys.widget("Slider", "Slide to t")).press("ArrowRight", "ArrowRight")
    area()
    answer = keys.widget("Radio", "Where is the mean of the result")
    keys.to(answer).press("ArrowDown", "Space")
    keys.says(re.compile("^(Right|Not quite)"))


def pattern_matching(keys: Keys) -> None:
    """Slide the pattern over the scene, and draw a box round another one."""
    score = changes(keys.page.locator(".sum"))
    keys.to(keys.page.locator("canvas.scene")).press("Shift+ArrowLeft", "Shift+ArrowUp")
    score()
    keys.choose("picture")
    best = keys.main.get_by_text(re.compile("Best score"))
    best.wait_for()
    found = changes(best)
    keys.to(keys.page.locator("canvas[role=application]:not(.scene)"))
    keys.press("Space", *["Shift+ArrowRight"] * 3, *["Shift+ArrowDown"] * 3, "Space")
    found()


def layer_lab(keys: Keys) -> None:
    """Let the window walk, stop it, and make it leap."""
    said = keys.main.get_by_text(re.compile("Output row .* is"))
    walks = changes(said)
    keys.to(keys.widget("Checkbox", "Play")).press("Space", idle=False)
    walks()
    keys.press("Space")
    output = changes(keys.metric("Output"))
    keys.to(keys.widget("Slider", "Stride")).press("ArrowRight")
    output()


def digit_classifier(keys: Keys) -> None:
    """Draw a one, and read what the network says."""
    keys.to(keys.page.locator("canvas[role=application]"))
    keys.press(*["ArrowUp"] * 18, "Space", *["ArrowDown"] * 36, "Space")
    expect(keys.metric("The network reads")).to_have_text("1")


def training(keys: Keys) -> None:
    """Train, and stop it."""
    keys.to(keys.main.get_by_role("button", name="Train", exact=True)).press("Enter", idle=False)
    keys.says(re.compile(r"Epoch \d+ of"))
    keys.to(keys.main.get_by_role("button", name="Stop")).press("Enter", idle=False)
    keys.says(re.compile(r"Run \d+: \d+ of \d+ epochs"))


def normalization(keys: Keys) -> None:
    """Raise the learning rate until a bowl bursts."""
    keys.to(keys.widget("Slider", "Learning rate")).press(*["ArrowRight"] * 8)
    keys.says(re.compile("It bursts"))


def filters(keys: Keys) -> None:
    """Choose a kernel, then type a number into it."""
    highest = keys.metric("Highest")
    chosen, kernel = changes(highest), keys.widget("Selectbox", "Kernel")
    keys.to(kernel).type("Laplac")
    keys.press("Enter")
    chosen()
    typed = changes(highest)
    keys.to(keys.main.get_by_test_id("stDataFrame").locator("canvas")).press("ArrowRight", "ArrowDown", "9", idle=False)
    keys.page.locator("input.gdg-input").wait_for()
    keys.press("Enter")
    typed()


def augmentation(keys: Keys) -> None:
    """Switch a transform on, and compare another variant with the original."""
    keys.choose("Blur")
    keys.says(re.compile("blur σ"))
    keys.to(keys.main.get_by_role("button", name="Compare 3", exact=True)).press("Enter")
    keys.says("Variant 3 against the original")


def architectures(keys: Keys) -> None:
    """Choose another network, and read what it costs."""
    cost = changes(keys.metric("Parameters"))
    keys.choose("VGG-16")
    cost()


def resnet_transfer(keys: Keys) -> None:
    """Choose another picture, and read what the network calls it."""
    keys.choose("Coffee")
    keys.says(re.compile("espresso|cup"))


def face_detection(keys: Keys) -> None:
    """Ask for more agreement, and see what the cascade finds."""
    found = changes(keys.main.get_by_text(re.compile("raw hits, grouped")))
    keys.to(keys.widget("Slider", "Minimum neighbours")).press("ArrowRight", "ArrowRight")
    found()


def siamese(keys: Keys) -> None:
    """Draw a digit and see which example is nearest; move a point of the triplet."""
    nearest = changes(keys.main.get_by_text(re.compile("Nearest is the")))
    keys.to(keys.page.locator("canvas[role=application]"))
    keys.press(*["ArrowUp"] * 18, "Space", *["ArrowDown"] * 36, "Space")
    nearest()
    keys.says("Yours")
    loss = changes(keys.main.get_by_role("heading", name=re.compile(", loss [0-9]")))
    keys.to(keys.page.locator("g.point[data-name=N]")).press(*["ArrowDown"] * 5)
    loss()


def face_verification(keys: Keys) -> None:
    """Compare with another person."""
    keys.says(re.compile("^Distance .*the same person"))
    keys.choose("Vice-president", keys.choices("Vice-president").nth(1))
    keys.says(re.compile("^Distance .*two people"))


def upsampling(keys: Keys) -> None:
    """Have another method explained, in another cell."""
    keys.choose("Nearest")
    keys.says(re.compile("^Nearest, row"))
    cell = changes(keys.main.get_by_text(re.compile("^Nearest, row")))
    keys.to(keys.widget("NumberInput", "Output row")).press("ArrowUp")
    cell()


def pet_segmentation(keys: Keys) -> None:
    """Choose another view, then paint over a mask and see the scores move."""
    keys.choose("Cut-out")
    expect(keys.main.get_by_test_id("stDownloadButton").filter(has_text="Cut-out")).to_be_visible()
    score = changes(keys.metric("Jaccard"))
    keys.to(keys.page.locator("canvas[role=application]"))
    keys.press("Space", *["Shift+ArrowRight"] * 4, "Space")
    score()


def activation_maps(keys: Keys) -> None:
    """Enlarge another map."""
    keys.to(keys.widget("NumberInput", "Filter")).press("ArrowUp")
    keys.says(re.compile("^Map 1: "))


def fool_it(keys: Keys) -> None:
    """Forbid every change, and the network is not fooled."""
    keys.to(keys.widget("Slider", "the largest change")).press("Home")
    keys.says(re.compile("^At ε = 0 nothing may change"))


def book_index(keys: Keys) -> None:
    """Find a figure, and go where it lives."""
    keys.to(keys.main.get_by_role("textbox", name="Search")).type("1.12")
    keys.press("Enter")
    keys.to(keys.main.get_by_role("link", name="Pattern matching · Where it fails, and what helps")).press("Enter")
    expect(keys.main.get_by_role("heading", name="Pattern matching", level=1)).to_be_visible()


def lessons(keys: Keys) -> None:
    """Begin a lesson, answer its first question, and go on."""
    keys.to(keys.main.get_by_role("button", name="Start")).press("Enter", idle=False)
    card = keys.page.locator(".st-key-lesson_card")
    expect(card).to_contain_text("1 · ")
    wait_idle(keys.page)
    keys.start()
    keys.to(card.get_by_test_id("stRadio")).press("ArrowDown", "Space")
    keys.to(card.get_by_role("button", name="Next")).press("Enter")
    expect(card).to_contain_text("2 · ")


PROMISES = {
    "": home, "lessons": lessons,
    **{each.__name__: each for each in (
        convolution, pattern_matching, layer_lab, digit_classifier, training, normalization, filters, augmentation,
        architectures, resnet_transfer, face_detection, siamese, face_verification, upsampling, pet_segmentation,
        activation_maps, fool_it, book_index,
    )},
}  # fmt: skip
LINKS = {"training": "t_network=My+layers&t_layers=conv+4+5%2F2+relu%3B+flatten&t_epochs=30&t_digits=400"}

OFTEN = ("pattern_matching", "filters", "augmentation", "siamese")
"""Every kind of widget and component; the other pages take their turn among the slow tests."""


def test_every_page_has_its_promise():
    assert set(PROMISES) == {"", "lessons", *(topic.stem for topic in topics.built())}


@pytest.fixture(scope="module")
def visitor(browser):
    context = browser.new_context(viewport=DESKTOP)
    yield context
    context.close()


@pytest.mark.parametrize(
    "stem", [stem if stem in OFTEN else pytest.param(stem, marks=pytest.mark.slow) for stem in PROMISES]
)
def test_the_promise_is_kept_by_keys(visitor, server, stem):
    page = go(visitor.new_page(), f"{server}/{stem}?{LINKS.get(stem, '')}".rstrip("?"))
    keys = Keys(page)
    keys.start()
    PROMISES[stem](keys)
    assert page.get_by_test_id("stException").count() == 0
    page.close()
