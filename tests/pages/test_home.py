import importlib
import os
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
    environment = {**os.environ, "CNNDEMO_WARMUP": "0"}
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.stdout.strip() == "False False", run.stderr[-2000:]


def test_tensorflow_loads_in_the_background_after_the_first_page():
    code = (
        "import sys, threading; from tests.pages.test_home import open_app\n"
        "import os; os.environ['CNNDEMO_WARMUP'] = '1'\n"
        "open_app(); threads = [t for t in threading.enumerate() if t.name == 'warm-up']\n"
        "print(len(threads), threads[0].daemon); threads[0].join(); open_app()\n"
        "from cnndemo import ui\n"
        "again = [t.name for t in threading.enumerate()]\n"
        "print('tensorflow' in sys.modules, ui.tensorflow_ready(), 'warm-up' in again)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=dict(os.environ), capture_output=True, text=True)
    assert run.stdout.split("\n")[:2] == ["1 True", "True True False"], run.stderr[-2000:]
