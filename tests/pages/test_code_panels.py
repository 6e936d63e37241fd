"""The code that a page shows for its default state runs in a fresh process, next to the repository."""

import os
import subprocess
import sys

import pytest

from cnndemo import topics
from tests.conftest import ROOT
from tests.pages.conftest import run_page

BUILT = [topic.stem for topic in topics.built()]


def snippet(stem: str) -> str:
    """What stands first in the section "Code"."""
    elements = iter(run_page(stem).main)
    for element in elements:
        if element.type == "header" and element.value == "Code":
            return next(element.value for element in elements if element.type == "code")
    raise AssertionError(f"{stem} shows no code")


@pytest.mark.timeout(400)
@pytest.mark.parametrize("stem", BUILT)
def test_the_code_runs(stem, tmp_path):  # in a folder of its own: the code may write files, as the training does
    code = snippet(stem)
    assert "cnndemo" in code
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2"}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=360
    )
    assert run.returncode == 0, f"{code}\n\n{run.stderr[-3000:]}"
