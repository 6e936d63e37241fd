import os
import subprocess
import sys

from streamlit.testing.v1 import AppTest

from cnndemo import topics
from tests.conftest import ROOT
from tests.pages.conftest import no_trouble


def open_app() -> AppTest:
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()


def test_home_has_a_card_for_every_topic():
    page = no_trouble(open_app())
    links = [element.proto.label for element in page.get("page_link")]
    assert links == [f"**{topic.title}**" for topic in topics.built()]
    assert len(page.get("imgs")) >= len(topics.built()) - 1  # the book index has no picture


def test_home_loads_no_tensorflow():
    code = (
        "import sys; from tests.pages.test_home import open_app, no_trouble; no_trouble(open_app()); "
        "print('tensorflow' in sys.modules, 'keras' in sys.modules)"
    )
    environment = {**os.environ, "CNNDEMO_WARMUP": "0"}
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.stdout.strip() == "False False", run.stderr[-2000:]
