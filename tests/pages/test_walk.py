"""Pages one after the other in one session: what is set on one never reaches another, and is found again."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
from streamlit.runtime.state.common import TESTING_KEY
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
    return go(app, stem, link) if stem else app


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
    """Another value than the setting has now; None if there is no other."""
    now = element.value
    if element.type in ("slider", "number_input"):
        low, high = element.min, element.max
        if isinstance(now, (list, tuple)):
            return (low, high)
        return (low if now == high else high) if high is not None and high < 1e6 else now + 1
    if element.type in ("checkbox", "toggle"):
        return not now
    if element.type == "text_input":
        return "sobel" if not now else None  # the search of the index; a line of points has its own tests
    if isinstance(now, (list, tuple)):  # several may be chosen
        return element.options[-1:]
    shown = None if now is None else element.format_func(now)
    return next((option for option in element.options if option != shown and option not in ("Upload", "Camera")), None)


@cache
def opened(stem: str) -> AppTest:
    """A page that was opened first of all, in a session of its own."""
    return gallery(stem)


@cache
def defaults(stem: str) -> dict[str, Any]:
    return values(opened(stem))


def short(name: str) -> str:
    return name.split(".", 1)[1]


def neighbours(stem: str) -> list[str]:
    """The pages that use a short name of this one; found, not typed."""
    own = set(map(short, defaults(stem)))
    return [other for other in BUILT if other != stem and own & set(map(short, defaults(other)))]


def common(stem: str) -> set[str]:
    """The settings of a page that have a short name which another page uses, too."""
    theirs = {short(name) for other in neighbours(stem) for name in defaults(other)} - {"play"}
    return {name for name in defaults(stem) if short(name) in theirs}


def change(app: AppTest, names: set[str]) -> set[str]:
    """Give other values to the settings of these names, all at once; which have another one."""
    others = {name: value for name, element in linked(app).items() if (value := another(element)) is not None}
    elements = linked(app)
    for name in names & others.keys():
        if hasattr(elements[name], "options"):  # an option as it is shown, where the page knows it by another name
            app.session_state[TESTING_KEY][elements[name].id] = lambda shown: shown
        elements[name].set_value(others[name])
    no_trouble(app.run())
    return names & others.keys()


@pytest.mark.parametrize(
    "stems",
    [pytest.param(BUILT, id="as in the book"), pytest.param(BUILT[::-1], id="backwards", marks=pytest.mark.slow)],
)
def test_what_is_set_on_a_page_reaches_no_other_and_is_found_again(stems):
    """Each page is set after all before it, so that the two ways see every ordered pair in one session."""
    app, left = gallery(""), {}
    for stem in stems:
        go(app, stem)
        assert values(app) == defaults(stem), f"{list(left)} → {stem}"
        foreign = [name for name in app.query_params if not name.startswith(f"{stem}.")]
        assert not foreign, f"{list(left)} → {stem}: {foreign} in the link"
        changed = change(app, common(stem))
        left[stem] = values(app)
        stuck = [name for name in changed & left[stem].keys() if left[stem][name] == defaults(stem)[name]]
        assert not stuck, f"{stuck} cannot be set"
    for stem in stems if stems == BUILT else ():
        go(app, stem)
        assert values(app) == left[stem], f"back on {stem}"
        assert "None" not in str(app.query_params)


@pytest.mark.slow
def test_many_pages_share_a_short_name():
    assert sum(len(neighbours(stem)) for stem in BUILT) > 60, "the walk above would see little"


@pytest.mark.parametrize("stem", BUILT)
def test_a_page_keeps_everything_under_keys_of_its_own(stem):
    keys = [str(key) for key in opened(stem).session_state]
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
