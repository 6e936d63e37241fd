"""The files in `deploy/` fit each other and the gallery; the Dockerfile's steps are done one by one in Debian."""

import ast
import fnmatch
import os
import re
import shlex
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.benchmarks.bench_visitors import all_pages
from tests.benchmarks.visitor import Visitor, run
from tests.browser.gallery import free_port, serve
from tests.conftest import ROOT
from tests.deploy import recipe
from tests.load.size import GALLERY
from tests.unit.test_house import imports

DEPLOY = ROOT / "deploy"
RULES = (ROOT / ".dockerignore").read_text(encoding="utf-8")
STEPS = recipe.steps((DEPLOY / "Dockerfile").read_text(encoding="utf-8"))
README = (ROOT / "README.md").read_text(encoding="utf-8")
COPIED = {source for step in STEPS if step.kind == "COPY" and not step.options for source in step.words[:-1]}
NAME = re.compile(r"(\w+)\.[\w.]+(?::\w+)?")
FOLDERS = {folder.name for folder in ROOT.iterdir() if folder.is_dir()}


def named(file: Path) -> set[str]:
    """The folders of the repository that a file needs: by an import anywhere in it, by a name such as
    "cnndemo.worker:main", by a path such as ROOT / "weights"."""
    found = {name.split(".")[0] for name in imports(file)}
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Constant) and (name := NAME.fullmatch(str(node.value))):
            found.add(name[1])
        elif isinstance(node, ast.BinOp) and isinstance(node.right, ast.Constant):
            found.add(node.right.value)
    return found & FOLDERS


def needed() -> set[str]:
    """The folders that app.py needs, and those that they need."""
    found, todo = set(), {"app.py"}
    while todo:
        place = todo.pop()
        files = [ROOT / place] if place.endswith(".py") else (ROOT / place).rglob("*.py")
        new = set().union(*map(named, files)) - found
        found, todo = found | new, todo | new
    return found


def test_what_the_gallery_needs_is_copied_uploaded_and_counted():
    folders = needed()
    assert folders >= {"cnndemo", "pages", "train", "weights"}
    assert folders <= COPIED and folders <= set(GALLERY)
    left_out = shlex.split(re.search(r"hf upload .* --exclude (.+)", README)[1])
    files = [file for folder in folders for file in (ROOT / folder).rglob("*") if file.is_file()]
    for file in files:
        place = str(file.relative_to(ROOT))
        if file.suffix == ".pyc" or place == "weights/README.md":
            continue
        assert not recipe.ignored(place, RULES), f"{place} does not travel to the builder"
        assert not any(fnmatch.fnmatchcase(place, pattern) for pattern in left_out), f"{place} is not uploaded"


def test_all_that_is_copied_is_there_and_travels_to_the_builder():
    for source in COPIED:
        assert (ROOT / source).exists()
        inside = source if (ROOT / source).is_file() else f"{source}/config.toml"
        assert not recipe.ignored(inside, RULES), source


ELSE = (
    "data/x.zip .venv/bin/python tests/conftest.py cnndemo/__pycache__/x.pyc cnndemo/ui/__pycache__/x.pyc runs/1/x "
    ".git/config weights/README.md .streamlit/secrets.toml"
)


@pytest.mark.parametrize("path", ELSE.split())
def test_nothing_else_travels(path):
    assert recipe.ignored(path, RULES)


def test_the_image_is_without_root_and_looks_after_itself():
    kinds = {step.kind: step for step in STEPS}
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", kinds["USER"].rest) and "_stcore/health" in kinds["HEALTHCHECK"].rest
    assert sum(step.kind == "FROM" for step in STEPS) == 2
    assert (
        kinds["EXPOSE"].rest in kinds["HEALTHCHECK"].rest
        and f"--server.port={kinds['EXPOSE'].rest}" in kinds["CMD"].rest
    )


def test_readme_names_every_way():
    for place in ("deploy/community_cloud/streamlit_app.py", "deploy/huggingface/README.md", "deploy/Dockerfile",
                  "deploy/compose.yaml", "deploy/kubernetes/gallery.yaml"):  # fmt: skip
        assert place in README and (ROOT / place).is_file()


def test_community_cloud_opens_pages_from_a_folder_of_its_own():
    requirements = DEPLOY / "community_cloud" / "requirements.txt"
    line = next(line for line in requirements.read_text().splitlines() if not line.startswith("#"))
    assert (requirements.parent / line.removeprefix("-r ")).resolve() == ROOT / "requirements-lean.txt"

    async def some(url: str) -> list[str]:
        async with Visitor(url) as visitor:
            for stem in ("", "filters", "book_index"):
                await visitor.open(stem)
                assert visitor.page.words
            return visitor.errors

    with serve(app="deploy/community_cloud/streamlit_app.py") as server:
        assert run(some(server.url)) == []


def lacking() -> str:
    """Why no image can be built here."""
    if os.name != "posix" or os.geteuid():
        return "needs root, for chroot and mounts"
    if missing := [tool for tool in ("debootstrap", "unshare", "chroot") if not shutil.which(tool)]:
        return f"no {', '.join(missing)} on this machine: apt-get install debootstrap"
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode:
        return "nothing can be mounted here"
    return ""


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("debian") / "base"
    try:
        recipe.debian(folder)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"debootstrap cannot: {error.stdout[-200:]!r}")
    yield folder
    shutil.rmtree(folder.parent, ignore_errors=True)


async def trained(url: str, wanted: str) -> list[str]:
    """What the training page says once Train is pressed, as soon as it says what is wanted."""
    async with Visitor(url) as visitor:
        await visitor.open("training")
        await visitor.press("Train")
        deadline = time.monotonic() + 120
        while not any(wanted in words for words in visitor.page.words) and time.monotonic() < deadline:
            await visitor.rest(1)
        return visitor.page.words


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(bool(lacking()), reason=lacking() or "-")
@pytest.mark.parametrize(
    "flavour, wanted",
    [("lean", "Training needs Keras, which is not installed here."), ("full", "of the validation digits right")],
    ids=["lean", "full"],
)
def test_the_steps_of_the_dockerfile_make_a_gallery(base, tmp_path, flavour, wanted):
    """Every page opens, and Train trains, or says what it lacks."""
    image = recipe.build(base, tmp_path, {"FLAVOUR": flavour})
    port = free_port()
    try:
        with recipe.running(image, port) as process:
            health = [word.replace("8501", str(port)) for word in image.health]
            deadline = time.monotonic() + 60
            while subprocess.run(image.run(health, image.user), capture_output=True).returncode:
                assert process.poll() is None, process.stderr.read()
                assert time.monotonic() < deadline
                time.sleep(0.5)
            url = f"http://127.0.0.1:{port}"
            assert run(all_pages(url)) == []
            said = "\n".join(run(trained(url, wanted)))
            assert wanted in said and "py is not installed here" not in said, said
            has_keras = (image.folder / "opt/gallery").glob("lib/python*/site-packages/keras")
            assert bool(list(has_keras)) == (flavour == "full")
    finally:
        shutil.rmtree(tmp_path, ignore_errors=True)
