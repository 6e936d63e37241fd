"""The rules of the house: who may import whom. See CONTRIBUTING.md."""

import ast
import re
from pathlib import Path

import pytest

from cnndemo import topics
from tests.conftest import ROOT

PACKAGE = ROOT / "cnndemo"
STEMS = set(topics.TOPICS)
NEIGHBOURS = {  # a topic that builds on another; the book index builds on all of them
    "activation_maps": {"digit_classifier"},
    "architectures": {"layer_lab"},  # the derivative of an activation, for vanishing gradients
    "face_verification": {"face_detection"},
    "fool_it": {"digit_classifier", "resnet_transfer"},
    "siamese": {"digit_classifier"},
    "training": {"digit_classifier"},  # the preparation of what is drawn
    "upsampling": {"layer_lab"},
    "book_index": STEMS,
}
TEACHERS = {"tensorflow", "keras", "jax"}
FILES = sorted(PACKAGE.rglob("*.py"))


def module(file: Path) -> str:
    """`cnndemo/siamese/pairs.py` -> `cnndemo.siamese.pairs`."""
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {module(file) for file in FILES}


def imports(file: Path) -> set[str]:
    """The modules that a file names in its imports, those within functions too; members count as their module."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            for alias in node.names:
                member = f"{node.module}.{alias.name}"
                found.add(member if member in MODULES else node.module)
    return found


def topic(name: str) -> str | None:
    """The topic whose folder holds this module, None for shared ones."""
    parts = name.split(".")
    return parts[1] if parts[0] == "cnndemo" and len(parts) > 1 and parts[1] in STEMS else None


def all_imports(folder: Path = PACKAGE) -> dict[str, set[str]]:
    return {module(file): imports(file) for file in sorted(folder.rglob("*.py"))}


IMPORTS = all_imports()


def test_one_topic_one_folder():
    for stem in STEMS:
        assert (PACKAGE / stem / "__init__.py").is_file() and (ROOT / "pages" / f"{stem}.py").is_file(), stem


def test_streamlit_is_known_to_views_and_the_shared_widgets_only():
    for name, named in IMPORTS.items():
        if any(other.split(".")[0].startswith("streamlit") for other in named):
            assert ".ui" in name or ".views" in name, f"{name} imports streamlit"


@pytest.mark.parametrize("folder", ["train"])
def test_training_knows_no_streamlit(folder):
    for name, named in all_imports(ROOT / folder).items():
        assert "streamlit" not in {other.split(".")[0] for other in named}, name


def test_keras_is_never_imported_by_importing_the_package():
    """Only inside functions: those run where a network is asked for, the models in training and in the worker."""
    for file in FILES:
        if module(file).startswith("cnndemo.models"):
            continue
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for node in tree.body:
            names = (
                [a.name for a in node.names] if isinstance(node, ast.Import) else [getattr(node, "module", "") or ""]
            )
            assert not TEACHERS & {name.split(".")[0] for name in names}, f"{module(file)} line {node.lineno}"


def test_views_and_pages_never_touch_keras():
    views = [file for file in FILES if ".ui" in module(file) or ".views" in module(file)]
    for file in [*views, *(ROOT / "pages").glob("*.py"), ROOT / "app.py"]:
        assert not TEACHERS & {name.split(".")[0] for name in imports(file)}, file


def test_a_topic_imports_shared_files_and_its_neighbours_only():
    for name, named in IMPORTS.items():
        if own := topic(name):
            others = {topic(other) for other in named} - {None, own}
            assert others <= NEIGHBOURS.get(own, set()), f"{name} imports {others}"


def test_no_neighbour_is_listed_that_nobody_visits():
    for own, neighbours in NEIGHBOURS.items():
        visited = {topic(other) for name, named in IMPORTS.items() if topic(name) == own for other in named}
        if own != "book_index":
            assert neighbours <= visited, f"{own} no longer imports {neighbours - visited}"


def test_shared_files_import_no_topic():
    for name, named in IMPORTS.items():
        if not topic(name):
            assert not {topic(other) for other in named} - {None}, f"{name} imports {named}"


def test_no_import_goes_in_a_circle():
    edges = {name: {o for o in named if o in MODULES and o != name} for name, named in IMPORTS.items()}
    done: set[str] = set()

    def walk(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " → ".join((*path[path.index(name) :], name))
        if name not in done:
            for other in sorted(edges[name]):
                walk(other, (*path, name))
            done.add(name)

    for name in sorted(edges):
        walk(name, ())


def test_a_shared_file_serves_two_topics():
    """Directly or through other shared files; pages, training and the benches count for their topic."""
    pages = {f"pages.{file.stem}": imports(file) for file in (ROOT / "pages").glob("*.py")}
    every = IMPORTS | pages | {"app": imports(ROOT / "app.py")} | all_imports(ROOT / "train")

    def users(name: str, seen: frozenset = frozenset()) -> set[str]:
        found = set()
        for other, named in every.items():
            if name in named and other not in seen:
                own = topic(other) or (other if other.split(".")[0] in ("pages", "app", "train") else None)
                found |= {own.removeprefix("pages.")} if own else users(other, seen | {other})
        return found

    for file in FILES:
        name = module(file)
        if topic(name) or file.name == "__init__.py" or name.startswith("cnndemo.models"):
            continue
        if name == "cnndemo.notebook.stand_ins":  # its text goes into notebooks; nobody imports it
            continue
        assert len(users(name)) >= 2, f"{name} serves only {users(name)}"


def test_no_private_name_is_imported_from_another_module():
    for file in [*FILES, *(ROOT / "pages").glob("*.py"), *(ROOT / "train").rglob("*.py")]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("cnndemo", "train")):
                private = [alias.name for alias in node.names if alias.name.startswith("_")]
                assert not private, f"{file.name} imports {private} from {node.module}"


def test_files_stay_small():
    for file in FILES:
        lines = len(file.read_text(encoding="utf-8").splitlines())
        assert lines <= (300 if file.name == "views.py" else 400), f"{file.relative_to(ROOT)} has {lines} lines"


def test_pictures_are_packed_in_one_place_only():
    """`st.image` by itself makes a JPEG of a grid."""
    files = [*FILES, *(ROOT / "pages").glob("*.py")]
    assert [file.name for file in files if "st.image(" in file.read_text(encoding="utf-8")] == ["pictures.py"]


def test_code_on_a_page_is_wrapped():
    """Keys cannot scroll a block of code sideways, and axe does not look into what is folded."""
    unwrapped = [
        f"{file.name}:{call.lineno}"
        for file in [*FILES, *(ROOT / "pages").glob("*.py")]
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("st.code")
        and not any(each.arg == "wrap_lines" for each in call.keywords)
    ]  # fmt: skip
    assert unwrapped == []


def test_a_fragment_guards_itself():
    """Streamlit shows a fragment's error on the spot, so a guard around its call never sees one."""
    trees = {file: ast.parse(file.read_text(encoding="utf-8")) for file in [*FILES, *(ROOT / "pages").glob("*.py")]}

    def guards(node: ast.AST) -> bool:
        return isinstance(node, ast.With) and any("guard()" in ast.unparse(item) for item in node.items)

    bare = {  # fragments that would let an error through
        (file.stem, node.name)
        for file, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and any("fragment" in ast.unparse(each) for each in node.decorator_list)
        and not any("guard" in ast.unparse(each) for each in node.decorator_list)
        and not any(guards(part) for part in ast.walk(node))
    }
    trusting = []
    for file, tree in trees.items():
        for block in filter(guards, ast.walk(tree)):
            for call in ast.walk(block):
                if isinstance(call, ast.Call):
                    *home, name = ast.unparse(call.func).split(".")
                    if (home[-1] if home else file.stem, name) in bare:
                        trusting.append(f"{file.name}:{call.lineno} {name}")
    assert trusting == []


@pytest.mark.parametrize("stem", sorted(STEMS))
def test_the_foot_of_a_page_follows_its_fragments(stem):
    """What the page itself reads of a setting would stay old when a fragment that changes it does not `settle`."""
    page = ROOT / "pages" / f"{stem}.py"
    files = [page, *(file for file in FILES if file.is_relative_to(PACKAGE / stem))]
    quiet = set()  # settings of fragments that tell the page nothing
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            text = ast.unparse(node) if isinstance(node, ast.FunctionDef) else ""
            if "st.fragment" in text.split("def ")[0] and not re.search(r"\bsettle\(|st\.rerun\(", text):
                quiet |= set(re.findall(r"state\.(?:linked|kept)\('(\w+)'", text))
    tree = ast.parse(page.read_text(encoding="utf-8"))
    shown = "\n".join(ast.unparse(node) for node in tree.body if not isinstance(node, ast.FunctionDef))
    assert quiet.isdisjoint(re.findall(r"state\.get\('(\w+)'", shown))
