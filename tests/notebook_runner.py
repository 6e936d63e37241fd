"""Runs notebooks as Jupyter would, each in a process of its own that has never seen the gallery.

    python -I notebook_runner.py [--keras] FOLDER...

A folder holds a notebook and what lies beside it. Prints a line of JSON for each: seconds, pictures shown, the error.
It imports nothing of the gallery, and is run with a path on which the gallery is not.
"""

from __future__ import annotations

import ast
import importlib.util
import io
import json
import os
import sys
import time
import traceback
from contextlib import redirect_stdout
from pathlib import Path

ANNOTATIONS = 0x1000000  # `from __future__ import annotations` of one cell holds for all that follow in Jupyter


def run(folder: Path, keras: bool) -> dict:
    """Executes the cells of the notebook in a folder, in order, in one namespace."""
    os.chdir(folder)
    notebook = json.loads(next(folder.glob("*.ipynb")).read_text(encoding="utf-8"))
    shown: list[object] = []
    space = {"__name__": "__main__", "display": lambda *values: shown.extend(values), "get_ipython": lambda: None}
    started, error = time.monotonic(), ""
    try:
        for number, cell in enumerate(notebook["cells"]):
            if cell["cell_type"] != "code" or ("keras" in cell["metadata"].get("tags", ()) and not keras):
                continue
            tree = ast.parse("".join(cell["source"]), f"cell {number}")
            last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
            exec(compile(tree, f"cell {number}", "exec", ANNOTATIONS, True), space)
            if last is not None:
                value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval", ANNOTATIONS, True), space)
                shown += [value] if value is not None else []
    except BaseException:
        error = traceback.format_exc()[-3000:]
    pictures = [value for value in shown if type(value).__name__ in ("Image", "Figure")]
    for picture in pictures:
        picture.to_json() if type(picture).__name__ == "Figure" else picture.tobytes()
    return {
        "folder": folder.name,
        "seconds": round(time.monotonic() - started, 2),
        "pictures": len(pictures),
        "names": sorted(name for name in space if not name.startswith("__")),
        "modules": sorted(name for name in ("cnndemo", "train", "streamlit", "tensorflow") if name in sys.modules),
        "error": error,
    }


def main() -> None:
    """One child process a notebook; what all of them import is imported once."""
    keras = "--keras" in sys.argv
    folders = [Path(name).resolve() for name in sys.argv[1:] if name != "--keras"]
    assert importlib.util.find_spec("cnndemo") is None, "the gallery must not be on the path"
    import cv2  # noqa: F401
    import numpy  # noqa: F401
    import onnxruntime  # noqa: F401
    import PIL.Image  # noqa: F401
    import plotly.graph_objects  # noqa: F401

    for folder in folders:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            with open(writing, "w", encoding="utf-8") as told, redirect_stdout(io.StringIO()):
                json.dump(run(folder, keras), told)
            os._exit(0)
        os.close(writing)
        with open(reading, encoding="utf-8") as told:
            words = told.read()
        os.waitpid(child, 0)
        print(words or json.dumps({"folder": folder.name, "error": "it died"}), flush=True)


if __name__ == "__main__":
    main()
