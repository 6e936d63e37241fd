import importlib
import subprocess
import sys

from streamlit.testing.v1 import AppTest

from cnndemo import topics
from tests.conftest import ROOT
from tests.pages.conftest import PAGE_TIMEOUT, no_trouble


def open_app() -> AppTest:
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=PAGE_TIMEOUT).run()


def test_home_has_a_card_for_every_topic():
    page = no_trouble(open_app())
    links = [element.proto.label for element in page.get("page_link") if element.proto.label.startswith("**")]
    assert links == [f"**{topic.title}**" for topic in topics.built()]
    pictures = sum(hasattr(importlib.import_module(f"cnndemo.{topic.stem}"), "thumbnail") for topic in topics.built())
    assert len(page.get("image")) == pictures + 1  # and the visitor's own


def test_home_loads_no_tensorflow():
    code = (
        "import sys; from tests.pages.test_home import open_app, no_trouble; no_trouble(open_app()); "
        "print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert run.stdout.strip() == "False False", run.stderr[-2000:]


def test_home_finds_pages_sections_and_lessons():
    page = open_app()
    page.text_input(key="home.search").set_value("softmax").run()
    assert any("/layer_lab#softmax" in element.value for element in no_trouble(page).markdown)
    assert page.button(key="home.layers.4")
    page.text_input(key="home.search").set_value("zebrafish").run()
    assert any("Try one alone" in element.value for element in no_trouble(page).caption)
    page.button(key="home.start").click().run()  # the first minute is one step of a lesson
    assert page.session_state["lesson"] == ("photo", 1) and page.session_state["filters.kernel"] == "sobel_x"
