"""The code that a page shows runs next to the repository; its notebook runs where the gallery has never been."""

import io
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from cnndemo import notebook, topics
from cnndemo.ui import panels, pictures
from tests.conftest import ROOT
from tests.pages.conftest import run_page

BUILT = [topic.stem for topic in topics.built()]
RUNNER = ROOT / "tests" / "notebook_runner.py"
OWN = pictures.Picture(np.random.default_rng(1).integers(0, 256, (90, 120, 3), np.uint8), 'my "cat".jpg', "upload")
#: Pages in other states: page, link, what the session knows.
STATES = {
    "filters with a picture": ("filters", {"what": "A picture", "picture": "Coffee", "kernel": "Laplacian"}, {}),
    "filters with my picture": ("filters", {"what": "A picture"}, {pictures.OWN: OWN}),
    "a pattern in my picture": ("pattern_matching", {"source": "picture"}, {pictures.OWN: OWN}),
    "maps of a photograph": ("activation_maps", {"network": "ResNet-20", "picture": "Coffee"}, {}),
    "a photograph to fool": ("fool_it", {"subject": "A photo"}, {}),
    "an untrained network": ("siamese", {"net": "Untrained"}, {}),
    "a smaller network": ("resnet_transfer", {"networks": "ResNet-20"}, {}),
    "a photograph of digits": ("digit_classifier", {"digit_from": "Photo"}, {}),
    "worked example": ("pattern_matching", {"source": "4 × 4"}, {}),
    "the errata of chapter 5": ("book_index", {"chapter": "5"}, {}),
}
NEEDS_KERAS = ("layer_lab", "augmentation", "training")


def opened(stem: str, link: dict[str, str], session: dict) -> tuple[notebook.Recipe, str]:
    """What the page would put into its notebook, and the code it shows.

    It must offer the notebook, and make nothing before the click.
    """
    asked: list[notebook.Recipe] = []
    drawn, made = panels.notebook, panels.make

    def never(recipe):
        raise AssertionError("a notebook was made before anybody asked for it")

    panels.notebook, panels.make = lambda recipe: (asked.append(recipe), drawn(recipe)), never
    try:
        page = run_page(stem, {f"{stem}.{name}": value for name, value in link.items()}, session)
    finally:
        panels.notebook, panels.make = drawn, made
    assert not page.exception, [each.value for each in page.exception]
    assert "Notebook of this page" in [button.proto.label for button in page.get("download_button")]
    boxes = [box for box in page.checkbox if box.label == "With my picture inside"]
    assert len(boxes) == bool(session) and not any(box.value for box in boxes)
    return asked[-1], snippet(page)


def snippet(page) -> str:
    """What stands first in the section "Code"."""
    elements = iter(page.main)
    for element in elements:
        if element.type == "header" and element.value == "Code":
            return next(element.value for element in elements if element.type == "code")
    raise AssertionError("the page shows no code")


@pytest.fixture(scope="module")
def pages() -> dict[str, tuple[notebook.Recipe, str]]:
    """Every page as it opens, and some otherwise, each opened once."""
    found = {stem: opened(stem, {}, {}) for stem in BUILT}
    return found | {name: opened(*state) for name, state in STATES.items()}


@pytest.fixture(scope="module")
def recipes(pages) -> dict[str, notebook.Recipe]:
    return {name: recipe for name, (recipe, _) in pages.items()}


@pytest.mark.timeout(400)
@pytest.mark.parametrize("stem", BUILT)
def test_the_code_runs(pages, stem, tmp_path):  # in a folder of its own: the code may write files, as the training does
    code = pages[stem][1]
    assert "cnndemo" in code
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "2"}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=360
    )
    assert run.returncode == 0, f"{code}\n\n{run.stderr[-3000:]}"


def unpacked(recipe: notebook.Recipe, folder) -> str:
    """A download as it lies on somebody's disk."""
    folder.mkdir()
    data = notebook.make(recipe)
    if recipe.name.endswith(".zip"):
        zipfile.ZipFile(io.BytesIO(data)).extractall(folder)
    else:
        (folder / recipe.name).write_bytes(data)
    return str(folder)


def told(folders: list[str], *options: str) -> dict[str, dict]:
    """What the runner says of each; it starts in a folder without the gallery."""
    run = subprocess.run(
        [sys.executable, "-I", str(RUNNER), *options, *folders],
        cwd=folders[0], capture_output=True, text=True, timeout=170,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr[-3000:]
    return {found["folder"]: found for found in map(json.loads, run.stdout.splitlines())}


@pytest.fixture(scope="module")
def runs(recipes, tmp_path_factory) -> dict[str, dict]:
    """All notebooks, run one after the other."""
    base = tmp_path_factory.mktemp("notebooks")
    made = {name: unpacked(recipe, base / name) for name, recipe in recipes.items()}
    for name, recipe in recipes.items():
        if recipe.own:
            made[f"{name}, inside"] = unpacked(replace(recipe, with_own=True), base / f"{name}, inside")
    return told(list(made.values()))


@pytest.mark.parametrize("name", [*BUILT, *STATES])
def test_a_notebook_runs_without_the_gallery(runs, name):
    found = runs[name]
    assert not found["error"], found["error"]
    assert found["pictures"] >= 1, "nothing to see came out"
    assert found["modules"] == [], "neither the gallery nor TensorFlow was needed"
    assert found["seconds"] < 30


@pytest.mark.parametrize("name", [name for name, state in STATES.items() if state[2]])
def test_a_notebook_runs_with_the_visitors_picture_inside(runs, name):
    assert not (found := runs[f"{name}, inside"])["error"], found["error"]


def test_the_settings_of_the_page_are_in_the_notebook(recipes):
    assert 'images.sample("coffee")' in recipes["filters with a picture"].code
    assert "[0.0, 1.0, 0.0]" in recipes["filters with a picture"].code
    assert 'NETWORKS["resnet20"]' in recipes["maps of a photograph"].code
    assert (
        "layers." in recipes["the errata of chapter 5"].code or "training." in recipes["the errata of chapter 5"].code
    )


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_notebooks_with_keras_run(recipes, tmp_path):
    made = [unpacked(recipes[name], tmp_path / name) for name in (*NEEDS_KERAS, "a photograph to fool")]
    for name, found in told(made, "--keras").items():
        assert not found["error"] and found["modules"] == ["tensorflow"], (name, found["error"])
