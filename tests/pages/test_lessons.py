"""Lessons in the app: every step of every lesson, by its link and by Next; ticks; languages; the report."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from cnndemo.lessons import LESSONS, lesson_words
from cnndemo.ui.frame import anchor
from tests.conftest import ROOT
from tests.pages.conftest import PAGE_TIMEOUT, no_trouble
from tests.pages.test_walk import go, linked

STEPS = [(name, number) for name, lesson in LESSONS.items() for number in range(1, len(lesson.steps) + 1)]
PAGES = sorted({LESSONS[name].steps[number - 1].page for name, number in STEPS})


def session() -> AppTest:
    return no_trouble(AppTest.from_file(str(ROOT / "app.py"), default_timeout=PAGE_TIMEOUT).run())


@pytest.fixture(scope="module")
def visitor() -> AppTest:
    """One session for the whole walk: pages keep what earlier steps left on them."""
    return session()


def follow(app: AppTest, name: str, number: int, **more: str) -> AppTest:
    """Open the link that a sheet shows."""
    step = LESSONS[name].steps[number - 1]
    return go(app, step.page, {"lesson": name, "step": str(number), **step.link, **more})


def check(app: AppTest, name: str, number: int) -> None:
    """The page of the step is open with the step's settings, and the controls to be moved are on it."""
    step, words = LESSONS[name].steps[number - 1], lesson_words(name, "en").steps[number - 1]
    assert app.session_state["page"] == step.page
    assert step.section in [heading.value for heading in app.header]
    controls = linked(app)
    for key, value in step.values.items():
        assert app.session_state[key] == value, key
        if value not in [tab.label for tab in app.tabs]:  # tabs are no widgets to AppTest
            assert key in controls, f"{key} is not on the page"
            assert controls[key].value == value, key
    assert {f"{step.page}.{move}" for move in step.moves} & set(controls), step.moves
    texts = [element.value for element in app.markdown]
    assert any(words.do in text and f"#{anchor(step.section)}" in text for text in texts)
    assert any(radio.label == words.ask for radio in app.radio)


@pytest.mark.parametrize("page", PAGES)
def test_every_step_by_its_link(visitor, page):
    """Page by page, so that each step finds the page as the step before it left it."""
    for name, number in STEPS:
        if LESSONS[name].steps[number - 1].page == page:
            follow(visitor, name, number)
            check(visitor, name, number)


def press(app: AppTest, key: str, stem: str) -> AppTest:
    """Press a button that leads to a page; where the browser is then, AppTest has to be told."""
    no_trouble(app.button(key=key).click().run())
    app.switch_page(f"pages/{stem}.py")
    return no_trouble(app.run())


def test_next_and_back_and_the_page_of_the_step(visitor):
    go(visitor, "upsampling", {"lesson": "sliding", "step": "1"})  # a short link, on whichever page
    check(visitor, "sliding", 1)
    go(visitor, "convolution")
    for number in (2, 1, 2, 3, 4):
        back = number < visitor.session_state["lesson"][1]
        press(visitor, "lesson.back" if back else "lesson.next", LESSONS["sliding"].steps[number - 1].page)
        check(visitor, "sliding", number)
        assert visitor.query_params["step"] in (str(number), [str(number)])
    go(visitor, "upsampling")
    assert any("Find a shape" in element.value for element in visitor.markdown)
    assert "lesson" not in visitor.query_params
    press(visitor, "lesson.return", "pattern_matching")
    check(visitor, "sliding", 4)


def test_a_step_is_ticked_when_both_were_done(visitor):
    follow(visitor, "preparing", 1)
    assert not visitor.session_state["lesson_moved"] & {("preparing", 1)}
    visitor.select_slider(key="normalization.lr").set_value("1").run()
    assert ("preparing", 1) in visitor.session_state["lesson_moved"]
    assert any("0 of 5 steps done" in bar.proto.text for bar in visitor.get("progress"))
    words = lesson_words("preparing", "en").steps[0]
    visitor.radio(key="lesson.preparing.1.en").set_value(1).run()
    assert any(words.options[0] in element.value for element in visitor.warning)
    assert any("1 of 5 steps done" in bar.proto.text for bar in visitor.get("progress"))
    go(visitor, "lessons")
    shown = visitor.dataframe[0].value
    assert words.ask in shown["Question"].tolist() and words.why in shown["Reason"].tolist()
    assert any("step 2" in button.label for button in visitor.button)


def test_german_by_the_link_and_kept():
    app = follow(session(), "faces", 4, lang="de")
    words = lesson_words("faces", "de").steps[3]
    assert any(words.do in element.value for element in app.markdown)
    go(app, "lessons")
    assert app.title[0].value == "Lektionen"


@pytest.mark.parametrize("name, number", [("nonsense", "1"), ("pixels", "99999"), ("pixels", "-1")])
def test_a_broken_link_opens_the_gallery(visitor, name, number):
    no_trouble(go(visitor, "upsampling", {"lesson": name, "step": number}))


def test_a_link_with_settings_of_ones_own_keeps_them():
    app = follow(session(), "sliding", 1, **{"convolution.t": "2.5"})
    assert app.slider(key="convolution.t").value == 2.5
