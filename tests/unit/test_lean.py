"""No page brings Keras into the server; and where Keras is not installed, every page is there all the same."""

import os
import subprocess
import sys

import pytest

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


def ran(code: str) -> str:
    """The last line that a Python process prints."""
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-3000:]
    return run.stdout.strip().splitlines()[-1]


def walk(before: str) -> str:
    return ran(WALK.format(before=before))


def test_no_page_imports_keras_into_the_server():
    assert walk("") == "[]"


def test_every_page_opens_where_keras_is_not_installed():
    assert walk(WITHOUT) == "[]"


HALF_IMPORTED = """
import importlib.abc, sys, threading, time
half = threading.Event()
class Slow(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "pandas.core.api":
            half.set()
            time.sleep(2)
sys.meta_path.insert(0, Slow())
threading.Thread(target=__import__, args=("pandas",)).start()
assert half.wait(30) and not hasattr(sys.modules["pandas"], "Series")
import {module}
print("made")
"""


@pytest.mark.parametrize("module", ["cnndemo.figures", "cnndemo.ui"])
def test_figures_wait_for_a_pandas_that_another_visitor_imports(module):
    """The first visitors of a fresh server, who open a page by its address, import at once."""
    assert ran(HALF_IMPORTED.format(module=module)) == "made"
