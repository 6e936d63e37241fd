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
    links = [element.proto.label for element in page.get("page_link")]
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
