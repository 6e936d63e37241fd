"""Pages under AppTest."""

from __future__ import annotations

import faulthandler
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from cnndemo import worker
from cnndemo.ui import keras
from tests import waiting
from tests.conftest import ROOT
from tests.waiting import BUSY

PAGE_TIMEOUT = 150  # seconds; the first page of a run imports TensorFlow, and a busy machine is slow, not wrong


def run_page(stem: str, query: dict[str, str] | None = None, state: dict | None = None) -> AppTest:
    """The page after its first run, with query parameters and session state set before it."""
    app_test = AppTest.from_file(str(ROOT / "pages" / f"{stem}.py"), default_timeout=PAGE_TIMEOUT)
    for key, value in (query or {}).items():
        app_test.query_params[key] = value
    for key, value in (state or {}).items():
        app_test.session_state[key] = value
    return app_test.run()


@pytest.fixture(autouse=True)
def where_it_stands():
    """A page that is about to be given up tells where its threads stand. Tests with a browser must not: to walk through
    the stacks of its library crashes Python."""
    faulthandler.dump_traceback_later(PAGE_TIMEOUT - 20, file=2)
    yield
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture
def open_page() -> Callable[..., AppTest]:
    return run_page


@pytest.fixture(scope="session")
def opened() -> Callable[[str], AppTest]:
    """A page in its default state, opened once a worker; for tests that only look at it."""
    pages: dict[str, AppTest] = {}

    def get(stem: str) -> AppTest:
        if stem not in pages:
            pages[stem] = run_page(stem)
        return pages[stem]

    return get


def until(app_test: AppTest, there: Callable[[AppTest], bool], seconds: float = BUSY) -> AppTest:
    """Run the page again and again, as the browser's clock does, until something is there."""
    waiting.until(lambda: there(app_test.run()), every=0.2, seconds=seconds)
    return app_test


@pytest.fixture
def without_keras(monkeypatch):
    """A server on which Keras is not installed, and on which nobody has asked it anything before."""
    monkeypatch.setattr(worker, "installed", lambda: False)
    worker.end()
    keras._asked.clear()
    yield
    keras._asked.clear()


def when_keras_has_spoken(app_test: AppTest) -> AppTest:
    """The page once Keras has answered all that it was asked."""
    return until(app_test, lambda page: not any(":material/hourglass:" in caption.value for caption in page.caption))


def no_trouble(app_test: AppTest) -> AppTest:
    """Assert that the page ended without an exception and without an error box."""
    assert not app_test.exception, [element.value for element in app_test.exception]
    assert not app_test.error, [element.value for element in app_test.error]
    return app_test


def rendered_references(app_test: AppTest) -> dict[str, set[str]]:
    """Section title -> the book's references ("figure 1.4", "listing 1.1") named right under its heading."""
    found: dict[str, set[str]] = {}
    title = None
    for element in app_test.main:
        if element.type == "header":
            title = element.value
            found[title] = set()
        elif element.type == "caption" and title and element.value.startswith("Book: "):
            for part in element.value.removeprefix("Book: ").split(" · "):
                kind, numbers = part.split(" ", 1)
                found[title] |= {f"{kind.removesuffix('s')} {number}" for number in numbers.split(", ")}
            title = None
    return found
