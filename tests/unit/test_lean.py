"""No page brings Keras into the server; and where Keras is not installed, every page is there all the same."""

import os
import subprocess
import sys

from tests.conftest import ROOT

WALK = """
import sys
{before}
from cnndemo import topics
from tests.pages.conftest import no_trouble, run_page
for topic in topics.built():
    page = no_trouble(run_page(topic.stem))
    assert page.title[0].value == topic.title
print(sorted(name for name in ("tensorflow", "keras", "jax") if sys.modules.get(name)))
"""
WITHOUT = """
import importlib.abc, importlib.util
class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("tensorflow", "keras", "jax"):
            raise ModuleNotFoundError(f"No module named {name!r}")
sys.meta_path.insert(0, Absent())
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name in ("tensorflow", "keras") else find(name, *more)
"""


def walk(before: str) -> str:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    run = subprocess.run(
        [sys.executable, "-c", WALK.format(before=before)], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return run.stdout.strip().splitlines()[-1]


def test_no_page_imports_keras_into_the_server():
    assert walk("") == "[]"


def test_every_page_opens_where_keras_is_not_installed():
    assert walk(WITHOUT) == "[]"
