"""One visitor, one session, many pages: sidebar, cards, Back and Forward, every kind of control, one upload."""

from __future__ import annotations

import random
import re
from contextlib import suppress

import pytest
from playwright.sync_api import Page, TimeoutError, expect

from cnndemo import images, topics
from tests.browser.gallery import go, wait_idle

SEED = 12
TITLES = {topic.title: topic.stem for topic in topics.built()}
STEMS = {stem: title for title, stem in TITLES.items()}

SETTINGS = """() => {
  const found = {};
  const main = document.querySelector('[data-testid=stMain]');
  for (const holder of main.querySelectorAll('[class*="st-key-"]')) {
    const key = [...holder.classList].find((name) => name.startsWith('st-key-')).slice(7);
    const all = (part) => [...holder.querySelectorAll(part)];
    const values = [
      ...all('[data-testid=stSlider] input').map((e) => e.getAttribute('aria-valuetext')),
      ...all('[data-testid=stNumberInput] input, [data-testid=stTextInput] input').map((e) => e.value),
      ...all('[data-testid=stCheckbox] input, [data-testid=stRadio] input').map((e) => String(e.checked)),
      ...all('[data-testid=stSelectbox] input').map((e) => e.value),
      ...all('[data-testid=stButtonGroup] button').map((e) => `${e.innerText} ${e.dataset.selected ?? ''}`),
      ...all('[data-testid=stMultiSelect] [data-tag]').map((e) => e.innerText),
    ];
    if (values.length) found[key] = values;
  }
  return found;
}"""


class Visitor:
    """Walks at random from a seed, and remembers what every page looked like when it was left."""

    def __init__(self, page: Page, server: str, seed: int):
        self.page, self.server, self.random = page, server, random.Random(seed)
        self.steps: list[str] = []
        self.left: dict[str, dict] = {}  # page -> its settings when it was left
        self.entries: list[str] = []  # the addresses of the browser's history, as they should be
        self.at = -1
        self.changed: set[str] = set()

    @property
    def stem(self) -> str:
        return self.page.url.removeprefix(self.server).lstrip("/").split("?")[0].split("#")[0]

    def look(self) -> dict:
        """The settings on the page, after checking that the page is well."""
        wait_idle(self.page, quiet=0.25)
        trail = "\n".join(self.steps)
        boxes = self.page.get_by_test_id("stException").all_inner_texts()
        assert not boxes, f"{boxes} at {self.page.url} after\n{trail}"
        assert "None" not in self.page.url, f"{self.page.url} after\n{trail}"
        foreign = [name for name in re.findall(r"[?&]([^=&]+)=", self.page.url) if not name.startswith(f"{self.stem}.")]
        assert not foreign, f"{foreign} in the link of {self.stem} after\n{trail}"
        return self.page.evaluate(SETTINGS)

    def arrive(self, words: str) -> None:
        """Check a page that was left before: it looks as it did."""
        self.steps.append(words)
        now, before = self.look(), self.left.get(self.stem)
        if before is not None:
            differing = {key: (before[key], now.get(key)) for key in before if now.get(key) != before[key]}
            trail = "\n".join(self.steps)
            assert not differing, f"{self.stem} was left otherwise: {differing} after\n{trail}"
        self.left[self.stem] = now
        self.entries = [*self.entries[: self.at + 1], self.page.url]
        self.at += 1

    def stay(self, words: str) -> None:
        """Check the page after something was changed on it."""
        self.steps.append(words)
        self.left[self.stem] = self.look()
        self.entries[self.at] = self.page.url

    def sidebar(self, title: str = "") -> None:
        title = title or self.random.choice([title for title in TITLES if TITLES[title] != self.stem])
        self.page.get_by_test_id("stSidebarNav").get_by_role("link", name=title, exact=True).click()
        expect(self.page.get_by_role("heading", name=title, exact=True, level=1)).to_be_visible()
        self.arrive(f"sidebar: {title}")

    def card(self) -> None:
        self.page.get_by_test_id("stSidebarNav").get_by_role("link", name="Gallery", exact=True).click()
        expect(self.page.get_by_role("heading", name="How a CNN sees")).to_be_visible()
        self.arrive("sidebar: Gallery")
        title = self.random.choice(list(TITLES))
        self.page.get_by_test_id("stMain").get_by_test_id("stPageLink").get_by_text(title, exact=True).click()
        expect(self.page.get_by_role("heading", name=title, exact=True, level=1)).to_be_visible()
        self.arrive(f"card: {title}")

    def travel(self, by: int) -> None:
        """Back or Forward: the very page, with the settings that it had there."""
        if not 0 <= self.at + by < len(self.entries):
            return
        self.at += by
        address = self.entries[self.at]
        self.steps.append(f"{'back' if by < 0 else 'forward'} to {address.removeprefix(self.server)}")
        (self.page.go_back if by < 0 else self.page.go_forward)()
        self.page.wait_for_timeout(300)
        now, trail = self.look(), "\n".join(self.steps)
        assert self.page.url == address, f"{self.page.url} after\n{trail}"
        self.left[self.stem] = now

    def reload(self) -> None:
        """A new session: what is in the link stays, and what other pages had is gone."""
        before = self.look()
        self.page.reload()
        self.steps.append(f"reload: {self.page.url.removeprefix(self.server)}")
        now, trail = self.look(), "\n".join(self.steps)
        assert self.page.url == self.entries[self.at], f"{self.page.url} after\n{trail}"
        for name in re.findall(r"[?&]([^=&]+)=", self.page.url):
            key = re.sub(r"[^\w-]", "-", name)
            assert now.get(key) == before.get(key), f"{key}: {before.get(key)} became {now.get(key)} after\n{trail}"
        self.left = {self.stem: now}

    def change(self) -> None:
        """Another value for a control that is on the screen."""
        main = self.page.get_by_test_id("stMain")
        kinds = ["slider", "pill", "toggle", "number", "select", "radio"]
        self.random.shuffle(kinds)
        for kind in kinds:
            if words := getattr(self, f"_{kind}")(main):
                self.stay(f"{self.stem}: {words}")
                self.changed.add(kind)
                return

    def _pick(self, found):
        visible = [element for element in found.all() if element.is_visible() and element.is_enabled()]
        return self.random.choice(visible) if visible else None

    def _slider(self, main) -> str:
        if not (handle := self._pick(main.get_by_role("slider"))):
            return ""
        handle.focus()
        key = self.random.choice(["ArrowRight", "ArrowLeft", "End", "Home"])
        handle.press(key)
        return f"{key} on a slider at {handle.get_attribute('aria-valuetext') or handle.get_attribute('aria-valuenow')}"

    def _pill(self, main) -> str:
        buttons = main.get_by_test_id("stButtonGroup").get_by_role("radio")
        buttons = buttons.filter(has_not_text=re.compile("Upload|Camera"))
        if not (button := self._pick(buttons)):
            return ""
        words = button.inner_text()
        button.click()
        return f"pill {words!r}"

    def _toggle(self, main) -> str:
        if not (toggle := self._pick(main.get_by_test_id("stCheckbox").filter(has_not_text=re.compile("Keras|Play")))):
            return ""
        words = toggle.inner_text()
        toggle.locator("label").first.click()
        return f"toggle {words!r}"

    def _number(self, main) -> str:
        if not (button := self._pick(main.get_by_test_id("stNumberInputStepUp"))):
            return ""
        button.click()
        return "a number up"

    def _select(self, main) -> str:
        if not (box := self._pick(main.get_by_test_id("stSelectbox").filter(has_not_text=re.compile("class")))):
            return ""
        box.scroll_into_view_if_needed()
        options = self.page.get_by_role("option")
        for _ in range(3):  # Keras, when it has been loaded, runs the page once more, and that shuts a list
            box.get_by_role("combobox").click()
            with suppress(TimeoutError):
                options.first.wait_for(timeout=3000)
                break
            self.look()
        option = self.random.choice(options.all())
        words = option.inner_text()
        option.click()
        return f"select {words!r}"

    def _radio(self, main) -> str:
        if not (option := self._pick(main.get_by_test_id("stRadio").get_by_test_id("stRadioOption"))):
            return ""
        words = option.inner_text()
        option.click()
        return f"radio {words!r}"

    def upload(self, picture) -> None:
        """A picture of the visitor's own, which every page shows from then on."""
        self.page.get_by_test_id("stSidebarNav").get_by_role("link", name="Normalization", exact=True).click()
        expect(self.page.get_by_role("heading", name="Normalization", exact=True, level=1)).to_be_visible()
        self.arrive("sidebar: Normalization")
        self.page.get_by_role("radio", name="Upload").click()
        file = {"name": "mine.png", "mimeType": "image/png", "buffer": images.png(picture)}
        self.page.locator("input[type=file]").set_input_files(file)
        self.stay("normalization: an upload")
        # A picture of one's own is offered everywhere from now on; what was seen before looks otherwise.
        self.left = {"normalization": self.left["normalization"]}


@pytest.mark.timeout(600)
@pytest.mark.parametrize("moves", [35, pytest.param(140, marks=pytest.mark.slow)])
def test_a_walk_through_the_whole_gallery(context, server, photo, moves):
    page = go(context.new_page(), server)
    visitor = Visitor(page, server, SEED)
    visitor.arrive("the front page")
    visitor.sidebar()
    for number in range(moves):
        if number == moves // 2:
            visitor.upload(photo)
            continue
        move = visitor.random.choices(
            [visitor.change, visitor.sidebar, visitor.card, lambda: visitor.travel(-1), lambda: visitor.travel(1),
             visitor.reload],
            [12, 5, 1, 3, 1, 1],
        )[0]  # fmt: skip
        if not visitor.stem:
            move = visitor.sidebar
        try:
            move()
        except Exception as error:
            error.add_note(f"at {page.url} after\n" + "\n".join(visitor.steps))
            raise
    assert len(visitor.changed) >= 5, f"only {visitor.changed} were changed"
