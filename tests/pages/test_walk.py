"""Pages one after the other in one session: what is set on one never reaches another, and is found again."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from cnndemo import topics
from tests.conftest import ROOT
from tests.pages.conftest import PAGE_TIMEOUT, no_trouble

BUILT = [topic.stem for topic in topics.built()]
SHARED = {
    "page",
    "visit",
    "left",
    "share",
    "browser",
    "own_picture",
    "last_drawing",
    "own_network",
}  # belong to the session, not to a page
KINDS = (
    "slider", "select_slider", "number_input", "checkbox", "toggle", "radio", "selectbox", "multiselect",
    "button_group", "text_input",
)  # fmt: skip


def gallery(stem: str, link: dict[str, Any] | None = None) -> AppTest:
    """The whole gallery with its navigation, at one page that was opened with a link."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PAGE_TIMEOUT)
    app.run()
    return go(app, stem, link)


def go(app: AppTest, stem: str, link: dict[str, Any] | None = None) -> AppTest:
    app.switch_page(f"pages/{stem}.py")
    app.query_params.clear()
    for name, value in (link or {}).items():
        app.query_params[name] = value
    return no_trouble(app.run())


def linked(app: AppTest) -> dict[str, Any]:
    """Name in the link -> element, of all settings on the page."""
    elements = [element for kind in KINDS for element in app.get(kind)]
    return {name: element for element in elements if (name := getattr(element.proto, "query_param_key", ""))}


def values(app: AppTest) -> dict[str, Any]:
    return {name: element.value for name, element in linked(app).items()}


def another(element) -> Any:
    """What the link says when the setting has another value than now; None if it has no other."""
    now = element.value
    if element.type in ("slider", "number_input"):
        low, high = element.min, element.max
        if isinstance(now, (list, tuple)):
            return [str(low), str(high)]
        return str(low if now == high else high) if high is not None and high < 1e6 else str(now + 1)
    if element.type in ("checkbox", "toggle"):
        return str(not now).lower()
    if element.type == "text_input":
        return "sobel" if not now else None  # the search of the index; a line of points has its own tests
    if isinstance(now, (list, tuple)):  # several may be chosen
        return element.options[-1:]
    shown = element.format_func(now)
    return next((option for option in element.options if option != shown and option not in ("Upload", "Camera")), None)


@cache
def defaults(stem: str) -> dict[str, Any]:
    return values(gallery(stem))


def short(name: str) -> str:
    return name.split(".", 1)[1]


@cache
def neighbours(stem: str) -> list[str]:
    """The pages that use a short name of this one; found, not typed."""
    own = set(map(short, defaults(stem)))
    return [other for other in BUILT if other != stem and own & set(map(short, defaults(other)))]


@pytest.mark.parametrize("stem", BUILT)
def test_what_is_set_on_a_page_reaches_no_other_and_is_found_again(stem):
    others = neighbours(stem)
    shared_names = {short(name) for other in others for name in defaults(other)}
    wanted = {
        name: value
        for name, element in linked(gallery(stem)).items()
        if short(name) in shared_names - {"play"} and (value := another(element)) is not None
    }
    app = gallery(stem, wanted)
    left = values(app)
    for name in wanted.keys() & left.keys():
        assert left[name] != defaults(stem)[name], f"{name} cannot be set by the link {wanted[name]!r}"
    for other in others:
        go(app, other)
        assert values(app) == defaults(other), f"{stem} → {other}"
        foreign = [name for name in app.query_params if not name.startswith(f"{other}.")]
        assert not foreign, f"{stem} → {other}: {foreign} in the link"
    go(app, stem)
    assert values(app) == left, f"back on {stem}"
    assert "None" not in str(app.query_params)


def test_many_pages_share_a_short_name():
    assert sum(len(neighbours(stem)) for stem in BUILT) > 60, "the walk above would see little"


@pytest.mark.parametrize("stem", BUILT)
def test_a_page_keeps_everything_under_keys_of_its_own(stem):
    keys = [str(key) for key in gallery(stem).session_state]
    foreign = [key for key in keys if not key.startswith((f"{stem}.", f"FormSubmitter:{stem}.")) and key not in SHARED]
    assert [key for key in foreign if not key.startswith("home.")] == []


def test_old_links_say_what_they_said():
    app = gallery("normalization", {"steps": "65", "scale": "[0, 1]"})
    assert app.slider(key="normalization.steps").value == 65
    assert set(app.query_params) <= {"normalization.steps", "normalization.scale"}


def test_a_link_of_another_page_changes_nothing():
    app = gallery("normalization", {"siamese.steps": "3", "normalization.steps": "65"})
    assert app.slider(key="normalization.steps").value == 65
    assert list(app.query_params) == ["normalization.steps"]
