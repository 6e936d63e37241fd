"""A Jupyter notebook as a file: its cells as JSON, nbformat 4.5."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

_KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


@dataclass(frozen=True)
class Cell:
    """A cell: words in Markdown, or code.

    Attributes:
        kind: "markdown" or "code".
        text: its source.
        tags: for programs that read notebooks, such as "keras" for cells that need Keras.
        folded: whether its code is folded away when the notebook is opened.
    """

    kind: str
    text: str
    tags: tuple[str, ...] = field(default=())
    folded: bool = False

    def as_json(self, number: int) -> dict[str, Any]:
        """The cell as it stands in the file; `number` makes its name."""
        about: dict[str, Any] = {"tags": list(self.tags)} if self.tags else {}
        if self.folded:  # what JupyterLab and what Colab understand
            about |= {"jupyter": {"source_hidden": True}, "cellView": "form"}
        cell = {"cell_type": self.kind, "id": f"cell-{number}", "metadata": about}
        more = {"outputs": [], "execution_count": None} if self.kind == "code" else {}
        return cell | more | {"source": self.text.strip("\n").splitlines(keepends=True)}


def write(cells: Sequence[Cell]) -> bytes:
    """The file of a notebook."""
    found = [cell.as_json(number) for number, cell in enumerate(cells)]
    notebook = {"cells": found, "metadata": _KERNEL, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(notebook, indent=1, ensure_ascii=False).encode()
