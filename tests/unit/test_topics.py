import importlib
import subprocess
import sys

import numpy as np
import pytest

from cnndemo import topics
from tests.conftest import ROOT


def test_every_page_is_a_topic():
    stems = {file.stem for file in (ROOT / "pages").glob("*.py")} - {"home", "lessons"}
    assert stems == {topic.stem for topic in topics.built()}


def test_navigation_holds_each_built_topic_once():
    listed = [topic.stem for members in topics.by_chapter().values() for topic in members]
    assert sorted(listed) == sorted(topic.stem for topic in topics.built())


def test_each_topic_leads_to_the_next_and_has_a_goal():
    order = [topic.stem for topic in topics.built()]
    assert topics.after("") == topics.TOPICS[order[0]] and topics.after(order[-1]) is None
    assert [topics.after(stem).stem for stem in order[:-1]] == order[1:]
    for topic in topics.built():
        assert topic.goal, f"{topic.stem} says nowhere what one can do after it: see topics.GOALS"
        assert not topic.goal.able.endswith(".") and len(topic.goal.able) < 90, "one line"
        assert all(task.endswith((".", "?")) for task in topic.goal.tasks)


def test_pages_stay_thin():
    for page in (ROOT / "pages").glob("*.py"):
        lines = page.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= 150, f"{page.name} has {len(lines)} lines"


def test_the_library_loads_neither_streamlit_nor_tensorflow():
    modules = [f"cnndemo.{topic.stem}" for topic in topics.built() if topic.stem != "book_index"]
    code = f"import sys, importlib; [importlib.import_module(m) for m in {modules!r}]; " + (
        "print([m for m in ('streamlit', 'plotly', 'tensorflow', 'keras') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_what_trains_and_what_keras_runs_draws_no_charts():
    """A machine that trains has neither Plotly nor Streamlit, and Keras' process no memory for them."""
    drawing = {"ui", "views", "figures", "comparing_figures"}
    files = [file for folder in ("cnndemo", "train") for file in (ROOT / folder).rglob("*.py")]
    names = [file.relative_to(ROOT).with_suffix("").parts for file in sorted(files)]
    modules = [".".join(parts).removesuffix(".__init__") for parts in names if not drawing & set(parts)]
    code = f"import sys, importlib; [importlib.import_module(m) for m in {modules!r}]; " + (
        "print([m for m in ('streamlit', 'plotly') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("stem", [topic.stem for topic in topics.built()])
def test_every_topic_draws_its_own_thumbnail(stem):
    picture = importlib.import_module(f"cnndemo.{stem}").thumbnail()
    assert picture.shape == (180, 320, 3) and picture.dtype == np.uint8
    assert picture.std() > 10, "an empty picture"
