"""Every page: Share opens what its sender sees on a stranger's phone, where nothing sticks out, moves or fails, all of
it has words and contrast, and no other host is asked."""

from collections import Counter
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from cnndemo import topics
from tests.browser.axe import violations
from tests.browser.gallery import DESKTOP, PHONE, go
from tests.browser.test_walk import SETTINGS, Visitor

STEMS = ["", *(topic.stem for topic in topics.built()), "lessons"]
LESSON = "upsampling?lesson=pixels&step=2"
"""A page with the card of a lesson beside it."""
OVERFLOW = """() => {
  const main = document.querySelector('[data-testid=stMain]');
  return main.scrollWidth - main.clientWidth;
}"""
HEADINGS = """() => [...document.querySelectorAll('[data-testid=stMain] :is(h1, h2, h3, h4, h5, h6)')]
  .filter((heading) => heading.checkVisibility()).map((heading) => Number(heading.tagName[1]))"""
# What the eye would see moving: words, drawings, pictures, and what the browser animates.
SEEN = """() => {
  const main = document.querySelector('[data-testid=stMain]');
  const hosts = [...main.querySelectorAll('*')].flatMap((each) => each.shadowRoot ? [each.shadowRoot] : []);
  const all = (parts) => [main, ...hosts].flatMap((root) => [...root.querySelectorAll(parts)]);
  const running = document.getAnimations().filter((each) => each.playState === 'running'
    && each.effect?.getComputedTiming().iterations === Infinity);
  return { words: main.innerText, top: main.scrollTop, pictures: all('img').map((each) => each.src),
    drawings: all('canvas').map((each) => each.toDataURL()), paths: all('svg').map((each) => each.innerHTML),
    videos: all('video').filter((each) => !each.paused).length,
    animated: running.map((each) => each.effect.target?.outerHTML.slice(0, 160)) };
}"""

MOST = Counter({"list": 1, "listitem": len(STEMS), "presentation-role-conflict": 6})
"""How often Streamlit's own elements break a rule on one page: its navigation with an entry a page, and uploaders."""

CHANGES = 2
HERS = ("question", "_source", "look_at", "who", "name", "cell_", "-play", "scene", "stage")
"""Not in the link: answers, names, which picture of several, which cell of a confusion matrix."""


def outside(url) -> bool:
    return url.startswith("http") and urlsplit(url).hostname != "127.0.0.1"


def complaint(said) -> bool:
    """Streamlit looks for its own answers below a page first, where there are none."""
    return said.type == "error" and "/_stcore/" not in said.location["url"]


@pytest.fixture(scope="module")
def phone(browser):
    visitor = browser.new_context(viewport=PHONE, color_scheme="light", reduced_motion="reduce")
    yield visitor
    visitor.close()


@pytest.fixture(scope="module")
def sender(browser, server):
    """Goes through all pages in one session, and shares each."""
    visitor = browser.new_context(viewport=DESKTOP)
    yield go(visitor.new_page(), server)
    visitor.close()


def shared_settings(page) -> dict:
    return {key: value for key, value in page.evaluate(SETTINGS).items() if not any(part in key for part in HERS)}


@pytest.mark.parametrize("stem", STEMS)
def test_a_shared_link_shows_the_same_on_a_phone_and_all_is_well_there(sender, phone, server, stem):
    address, seen, steps = f"{server}/{stem}", {}, ""
    if stem in topics.TOPICS:
        visitor = Visitor(sender, server, seed=STEMS.index(stem) - 1)
        visitor.sidebar(topics.TOPICS[stem].title)
        for _ in range(CHANGES):
            visitor.change()
        seen, steps = shared_settings(sender), "\n".join(visitor.steps)
        sender.get_by_role("button", name="Share").click()
        link = sender.get_by_role("textbox", name="Link to this page")
        expect(link).to_have_value(sender.url)
        address = link.input_value()
        sender.keyboard.press("Escape")
    with stranger(phone, address) as page:
        theirs = shared_settings(page)
        differing = {key: (value, theirs.get(key)) for key, value in seen.items() if theirs.get(key) != value}
        assert not differing, f"{differing}\n{steps}"
        look_over(page, stem)


def test_all_is_well_beside_the_card_of_a_lesson(phone, server):
    with stranger(phone, f"{server}/{LESSON}") as page:
        look_over(page, LESSON.partition("?")[0])


@contextmanager
def stranger(phone, address):
    """A page as somebody else opens it, who meets no error and asks no other host until the end of the block."""
    page, troubles = phone.new_page(), []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda said: troubles.append(said.text) if complaint(said) else None)
    page.on("request", lambda request: troubles.append(request.url) if outside(request.url) else None)
    yield go(page, address)
    assert troubles == []
    page.close()


def moving(page, before: dict) -> list[str]:
    """What is otherwise than before and goes on changing; what came late, such as Keras' word, comes once."""
    now = page.evaluate(SEEN)
    changed = [part for part in before if now[part] != before[part]]
    if changed:
        page.wait_for_timeout(1500)
        later = page.evaluate(SEEN)
        changed = [part for part in changed if later[part] != now[part]]
    return changed


def look_over(page, stem: str) -> None:
    """What must hold of a page on a phone that asks for less motion; in both themes, and as wide as 1,280 pixels are at
    200 % and at 400 %."""
    name = topics.TOPICS[stem].title if stem in topics.TOPICS else stem.capitalize()
    assert page.title() == " · ".join(filter(None, [name, "How a CNN sees"]))
    assert page.evaluate(OVERFLOW) <= 1
    assert page.locator("[data-testid=stException]").count() == 0
    assert page.eval_on_selector_all("[data-testid=stMain] img", "all => all.filter(i => !i.alt).length") == 0
    levels = page.evaluate(HEADINGS)
    steps = [after - before for before, after in zip(levels, levels[1:], strict=False)]
    assert levels[0] == 1 and all(step <= 1 for step in steps), levels
    seen = page.evaluate(SEEN)
    assert seen["animated"] == [] and seen["videos"] == 0
    well(page)
    assert moving(page, seen) == [], "nobody started it"
    page.emulate_media(color_scheme="dark")
    page.wait_for_function(
        "() => getComputedStyle(document.querySelector('[data-testid=stApp]')).colorScheme === 'dark'"
    )
    page.wait_for_timeout(400)  # colours fade from one theme to the other
    well(page)
    for width in (640, 320):
        page.set_viewport_size({"width": width, "height": 640})
        page.wait_for_function(f"() => ({OVERFLOW})() <= 1")  # charts follow a little later


def well(page) -> None:
    """No violation of ours, and of Streamlit's own no more than its navigation and its uploaders make."""
    ours, theirs = violations(page)
    assert ours == []
    assert all(count <= MOST[rule] for rule, count in theirs.items()), theirs


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_of_ours(browser, server, size, scheme):
    """All pages in one view; prints how often Streamlit's own elements break a rule, so that a new one is seen."""
    visitor = browser.new_context(viewport=size, color_scheme=scheme)
    ours, theirs = {}, Counter()
    for stem in STEMS:
        page = go(visitor.new_page(), f"{server}/{stem}")
        found, own = violations(page)
        theirs += own
        if found:
            ours[stem] = found
        page.close()
    visitor.close()
    print(dict(theirs))
    assert not ours
    assert all(count <= MOST[rule] * len(STEMS) for rule, count in theirs.items())
