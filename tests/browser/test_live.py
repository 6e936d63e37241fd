"""A running camera: frames are answered, and it stops when it should; what goes wrong is a sentence."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser import camera
from tests.browser.axe import violations
from tests.browser.gallery import CHROMIUM, CHROMIUM_ARGS, DESKTOP, go, wait_idle

# Keeps the tracks of each camera that was opened, and what was asked for, to be looked at later.
WITNESS = """() => {
  window.tracks = [];
  const devices = navigator.mediaDevices, open = devices.getUserMedia.bind(devices);
  devices.getUserMedia = async (wanted) => {
    window.wanted = wanted;
    const stream = await open(wanted);
    window.tracks.push(...stream.getTracks());
    return stream;
  };
}"""
# A camera of 4K that does not care what it is asked for.
VAST = """() => {
  const canvas = Object.assign(document.createElement('canvas'), { width: 3840, height: 2160 });
  setInterval(() => canvas.getContext('2d').fillRect(0, 0, 50 + Math.random() * 99, 99), 50);
  window.tracks = [];
  navigator.mediaDevices.getUserMedia = async () => {
    const stream = canvas.captureStream(20);
    window.tracks.push(...stream.getTracks());
    return stream;
  };
}"""
FAIL = """name => {
  navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('no', name); };
}"""
PICTURE = "canvas => canvas.toDataURL()"
HIDE = """hidden => {
  Object.defineProperty(document, 'hidden', { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event('visibilitychange'));
}"""


@pytest.fixture(scope="module")
def filming(browser, tmp_path_factory):
    """A Chromium with a camera, which films the astronaut, then a cup."""
    arguments = camera.film(tmp_path_factory.mktemp("film") / "film.mjpeg", "astronaut", "coffee")
    with browser.browser_type.launch(executable_path=CHROMIUM, args=[*CHROMIUM_ARGS, *arguments]) as opened:
        yield opened


@pytest.fixture
def come(filming, server):
    """Open a page as a visitor of one's own; all have gone at the end."""
    contexts = []

    def visitor(stem: str, query: str = "", script: str = WITNESS):
        contexts.append(filming.new_context(viewport=DESKTOP))
        contexts[-1].add_init_script(f"({script})()")
        return go(contexts[-1].new_page(), f"{server}/{stem}?{stem}.live=true&{query}")

    yield visitor
    for context in contexts:
        for page in context.pages:
            if page.get_by_role("button", name="Stop the camera").count():
                stop(page)
        context.close()


def start(page) -> None:
    page.get_by_role("button", name="Start the camera").click()


def stop(page) -> None:
    page.get_by_role("button", name="Stop the camera").click()
    wait_idle(page)


def sentence(page):
    return page.locator(".trouble")


def answers(page, count: int) -> None:
    """Wait until so many frames have been answered."""
    page.wait_for_function(
        "([pace, count]) => Number(pace.dataset.answered) >= count",
        arg=[page.locator(".pace").element_handle(), count],
    )


def running(page) -> int:
    """How many tracks of cameras are open."""
    return page.evaluate("window.tracks.filter(({ readyState }) => readyState === 'live').length")


def test_frames_are_filtered_until_stop_a_hidden_tab_or_another_page(come):
    page = come("filters")
    assert page.evaluate("window.tracks.length") == 0, "no camera before the click"
    shown = page.locator(".pictures canvas")
    still = shown.evaluate(PICTURE)
    start(page)
    answers(page, 3)
    wanted = page.evaluate("window.wanted")
    assert wanted["audio"] is False and wanted["video"]["width"] == {"ideal": 640} and running(page) == 1
    first = shown.evaluate(PICTURE)
    assert first != still and shown.evaluate("canvas => canvas.width") == 320
    page.wait_for_function(f"([canvas, first]) => ({PICTURE})(canvas) !== first", arg=[shown.element_handle(), first])
    page.get_by_text("absolute", exact=True).click()  # a setting is moved while it runs
    expect(page.locator("figcaption")).to_have_text("Response, absolute")
    page.get_by_role("button", name="Stop the camera").click()
    expect(page.locator(".told")).to_contain_text("mean")
    assert running(page) == 0 and sentence(page).inner_text() == ""
    expect(page.locator("video")).to_be_hidden()
    wait_idle(page)

    start(page)
    answers(page, 3)
    page.evaluate(HIDE, True)
    expect(sentence(page)).to_have_text("Stopped, since the page was out of sight.")
    assert running(page) == 0
    page.evaluate(HIDE, False)
    start(page)
    answers(page, 3)
    assert running(page) == 1
    page.get_by_test_id("stSidebarNav").get_by_role("link", name="Normalization", exact=True).click()
    expect(page.get_by_role("heading", name="Normalization", level=1)).to_be_visible()
    page.wait_for_function("window.tracks.every(({ readyState }) => readyState === 'ended')")
    page.go_back()  # before the seat is free
    expect(page.locator(".pictures canvas")).to_be_visible()
    assert page.locator("[data-testid=stException]").count() == 0 and running(page) == 0


@pytest.mark.slow
def test_faces_are_found_when_they_come_before_the_camera(come):
    page = come("face_detection", "face_detection.picture=Cat")  # whose sections below are short
    start(page)
    told = page.locator(".told")
    for words in ("Cascade: 0 found", "Cascade: 1 found"):
        expect(told).to_contain_text(words)
    page.get_by_text("Live camera").click()  # the switch closes it, too
    expect(page.get_by_role("button", name="Stop the camera")).to_have_count(0)
    page.wait_for_function("window.tracks.every(({ readyState }) => readyState === 'ended')")


@pytest.mark.slow
def test_the_third_visitor_sees_a_sentence_until_one_of_two_stops(come):
    pages = [come("filters"), come("filters"), come("filters", script=VAST)]
    for page in pages[:2]:
        start(page)
        answers(page, 2)
    third = pages[2]
    start(third)
    expect(sentence(third)).to_contain_text("2 visitors' cameras run on this server already")
    assert third.evaluate("window.tracks.length") == 0, "his camera was not even opened"
    stop(pages[0])
    start(third)
    answers(third, 2)
    expect(sentence(third)).to_have_text("")
    shown = third.locator(".pictures canvas")  # his is a camera of 4K
    assert [shown.evaluate(f"canvas => canvas.{side}") for side in ("width", "height")] == [320, 180]


def test_without_a_camera_a_sentence_says_why_and_the_picture_stays(browser, server):
    visitor = browser.new_context(viewport=DESKTOP)
    page = go(visitor.new_page(), f"{server}/filters?filters.live=true")
    start(page)
    expect(sentence(page)).to_contain_text("No camera was found")
    for error, words in (
        ("NotAllowedError", "The camera was refused"),
        ("NotReadableError", "in use by another program"),
        ("TypeError", "could not be opened"),
    ):
        page.evaluate(FAIL, error)
        start(page)
        expect(sentence(page)).to_contain_text(words)
    page.evaluate("Object.defineProperty(navigator, 'mediaDevices', { value: undefined })")
    start(page)
    expect(sentence(page)).to_contain_text("This browser cannot open a camera")
    page.evaluate("Object.defineProperty(window, 'isSecureContext', { value: false })")
    start(page)
    expect(sentence(page)).to_contain_text("without HTTPS")
    expect(page.locator(".pictures canvas")).to_be_visible()
    assert violations(page)[0] == []
    assert page.locator("[data-testid=stException]").count() == 0
    visitor.close()


@pytest.mark.parametrize(
    ("stem", "query", "seen"),
    [
        ("activation_maps", "activation_maps.network=EfficientNet-Lite0", "espresso"),
        pytest.param("resnet_transfer", "", "espresso", marks=pytest.mark.slow),
        pytest.param("activation_maps", "", "not a digit", marks=pytest.mark.slow),
    ],
)
def test_other_pages_answer_what_they_see(come, stem, query, seen):
    page = come(stem, query)
    start(page)
    expect(page.locator(".told, .shares").filter(has_text=seen).first).to_be_visible()
    answers(page, 20)
    assert page.locator("[data-testid=stException]").count() == 0
