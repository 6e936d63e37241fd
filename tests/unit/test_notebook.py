"""The collector that takes functions out of the package, and the file of a notebook."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from cnndemo import notebook
from cnndemo.notebook import CannotCollect, Recipe, Symbol, files
from cnndemo.notebook.collecting import collect
from cnndemo.notebook.modules import Library, Module

ONE = '''
from __future__ import annotations

import math
from math import sqrt as root
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

# above the constant
SIZE = 3
"""Words below the constant."""
TABLE = {"a": 1}
TABLE["b"] = 2
STEPS = ("one",)
STEPS = (*STEPS, "two")
UNUSED = 9


def scale(values: np.ndarray, model: keras.Model | None = None) -> np.ndarray:
    """Größe × 3; a name of its own hides nothing here."""
    SIZE_ = SIZE
    return values * SIZE_  # ×


def area(radius):
    size = sorted(SIZE for SIZE in (radius, root(radius)))
    return f"{math.pi * max(size):.2f} of {len(TABLE)} in {'/'.join(STEPS)}"


def nobody():
    return UNUSED
'''
TWO = """
from __future__ import annotations

from dataclasses import dataclass, field

from cnndemo import first
from cnndemo.first import scale as enlarge, TABLE


def heavy(function):
    return function


@dataclass(frozen=True)
class Thing:
    width: int = field(default=first.SIZE)

    def scale(self, area: int) -> str:
        "Its argument has the name of a function."
        return f"é{first.area(area)} {enlarge(self.width)}"


def scale(values):
    from cnndemo.first import STEPS

    return [Thing(value).scale(value) for value in values][: len(STEPS)]


def alone():
    from cnndemo.first import STEPS
"""


def space(cells, wanted=(), **modules) -> tuple[dict, object]:
    """What the cells of a notebook leave in its namespace, and what was collected."""
    library = Library()
    for name, text in {"first": ONE, "second": TWO, **modules}.items():
        library.add(Module(f"cnndemo.{name}", text))
    library.add(Module("cnndemo", "from cnndemo import first\n"))
    found = collect(cells, [Symbol(f"cnndemo.{module}", name) for module, name in wanted], {}, library)
    names: dict = {"__name__": "__main__"}
    parts = [line for line in found.imports if line]
    parts += [text for statements in found.modules.values() for text in statements]
    for part in ["from __future__ import annotations", *parts, *found.cells]:
        exec(compile(part, "cell", "exec", 0x1000000), names)
    return names, found


def test_functions_come_with_what_they_call_and_nothing_else():
    names, found = space(["from cnndemo.second import scale\nresult = scale([1, 4])"])
    assert names["result"] == ["é3.14 of 2 in one/two 3", "é12.57 of 2 in one/two 12"]
    text = "\n".join(text for statements in found.modules.values() for text in statements)
    assert "UNUSED" not in text and "nobody" not in text and "heavy" not in text
    assert "# above the constant\nSIZE = 3" in text and "Words below the constant" in text
    assert "cnndemo" not in text and "keras" not in "\n".join(found.imports)


def test_names_that_clash_get_the_name_of_their_module_in_front():
    names, _ = space(["from cnndemo import first, second\nboth = first.scale(2), second.scale([4])"])
    assert names["both"] == (6, ["é12.57 of 2 in one/two 12"])
    assert names["first_scale"](1) == 3 and names["scale"] is not names["first_scale"]


def test_a_variable_of_a_cell_does_not_overwrite_a_function():
    cells = ["from cnndemo import first\narea = first.area(1)", "again = first.area(4), area"]
    names, found = space(cells)
    assert names["again"] == ("12.57 of 2 in one/two", "3.14 of 2 in one/two")
    assert found.cells[0] == "area = first_area(1)"


def test_what_hides_a_name_where_it_is_used_takes_another_name_for_it():
    hiding = "from cnndemo import first\n\ndef f(area):\n    return [first.area(SIZE) for SIZE in area]\n"
    names, _ = space(["from cnndemo.third import f\nfound = f([1])"], third=hiding)
    assert names["found"] == ["3.14 of 2 in one/two"] and "first_area" in names


def test_an_import_that_was_all_a_function_did_leaves_pass():
    _, found = space(["from cnndemo.second import alone\nalone()"])
    assert found.modules["cnndemo.second"] == ["def alone():\n    pass"]


def test_two_packages_under_one_name():
    other = "import cmath as math\n\ndef turn():\n    return math.phase(-1)\n"
    names, _ = space(["from cnndemo import first, third\nx = first.area(1), third.turn()"], third=other)
    assert names["x"] == ("3.14 of 2 in one/two", pytest.approx(np.pi))


def test_a_function_that_is_called_by_its_name():
    worker = "def ask(function, *arguments):\n    return function(*arguments)\n"
    asks = 'from cnndemo import worker\n\ndef f():\n    return worker.ask("cnndemo.first:area", 1)\n'
    names, _ = space(["from cnndemo.third import f\nx = f()"], worker=worker, third=asks)
    assert names["x"] == "3.14 of 2 in one/two"


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("from cnndemo.third import f\nf()", "reads files"),
        ("from cnndemo.third import g\ng()", "by their name"),
        ("from cnndemo.third import h\nh()", "has no nothing"),
        ("from cnndemo import first\nprint(first)", "used as a value"),
        ("from cnndemo.third import i\ni()", "streamlit"),
    ],
)
def test_what_cannot_be_taken_out_is_refused_with_a_reason(code, why):
    third = """
from cnndemo import first
def f():
    return __file__
def g():
    import importlib
    return importlib.import_module("cnndemo.first")
def h():
    return first.nothing
def i():
    import streamlit
"""
    with pytest.raises(CannotCollect, match=why):
        space([code], third=third)


def test_what_is_wanted_beside_the_code_is_left_out_whole():
    third = "from cnndemo import first\n\ndef f():\n    return first.area(1), g()\n\ndef g():\n    return __file__\n"
    _, found = space(["x = 1"], [("third", "f"), ("first", "nobody")], third=third)
    assert list(found.left_out) == ["third.f"] and list(found.modules) == ["cnndemo.first"]


def test_the_file_is_a_notebook():
    code = "from cnndemo import images\n\nimage = images.sample('cat')\nprint(image.shape)"
    document = json.loads(notebook.make(Recipe("filters", code, "image", "import keras\nprint(keras.__version__)")))
    assert (document["nbformat"], document["nbformat_minor"]) == (4, 5)
    assert set(document) == {"cells", "metadata", "nbformat", "nbformat_minor"}
    assert document["metadata"]["kernelspec"]["name"] == "python3"
    names = [cell["id"] for cell in document["cells"]]
    assert len(set(names)) == len(names) and all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in names)
    for cell in document["cells"]:
        code = {"outputs", "execution_count"} if cell["cell_type"] == "code" else set()
        assert set(cell) == {"cell_type", "id", "metadata", "source"} | code
        assert all(isinstance(line, str) for line in cell["source"])
    text = "".join(document["cells"][0]["source"])
    assert "section 3.3" in text and "Stéfan van der Walt, CC0" in text
    tagged = [cell for cell in document["cells"] if "keras" in cell["metadata"].get("tags", ())]
    assert len(tagged) == 2 and not any(
        "import keras" in line for cell in document["cells"] if cell not in tagged for line in cell["source"]
    )


def test_a_picture_of_the_visitor_is_inside_only_if_he_wants_it():
    own = np.full((40, 50, 3), (12, 200, 77), np.uint8)
    recipe = Recipe(
        "filters",
        "from cnndemo import images\nx = images.load(open('me.png', 'rb').read())",
        own={"images.load(open('me.png', 'rb').read())": own},
    )
    without = notebook.make(recipe).decode()
    assert "yours_1" not in without and "samples/cat.jpg" in without and "is not inside" in without
    inside = notebook.make(notebook.Recipe(**{**vars(recipe), "with_own": True})).decode()
    assert "samples/yours_1.png" in inside and "cat.jpg" not in inside and "whoever gets the file" in inside


def test_a_large_picture_is_packed_and_a_small_one_is_exact():
    noise = np.random.default_rng(0).integers(0, 256, (600, 600, 3), np.uint8)
    assert list(files.of_picture("a", noise)) == ["samples/a.jpg"]
    assert list(files.of_picture("a", noise[:50])) == ["samples/a.png"]


def test_large_weights_lie_beside():
    inside, beside = files.split(files.of_networks(["digit_classifier", "not_a_digit"]))
    assert list(beside) == ["weights/digit_classifier.onnx"] and "weights/not_a_digit.onnx" in inside
    assert sum(file.stat().st_size for file in inside.values()) <= files.INSIDE


def test_many_threads_make_the_same_notebook():
    code = "from cnndemo.face_detection import search\nfrom cnndemo import images\nsearch(images.sample('astronaut'))"
    with ThreadPoolExecutor(4) as pool:
        made = set(pool.map(lambda _: notebook.make(Recipe("face_detection", code)), range(8)))
    assert len(made) == 1
