"""A run to take home: its history, a script and a notebook that repeat it and look at the result."""

from __future__ import annotations

import csv
import io
import json
import shlex
from typing import Any

from cnndemo.training.run import Run

CELL = "# %% "  # begins a cell of the notebook
FOLDER = "runs/mine"


def history(run: Run) -> str:
    """The history as CSVLogger writes it, an epoch a line."""
    buffer = io.StringIO()
    columns = ["epoch", *(name for name in run.history[0] if name not in ("epoch", "samples_per_second"))]
    writer = csv.DictWriter(buffer, columns, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    writer.writerows({**row, "epoch": number} for number, row in enumerate(run.history))
    return buffer.getvalue()


def script(run: Run) -> str:
    """A program that trains the run again, with the gallery's own script, and looks at what it has made."""
    settings = run.settings
    brought = settings.data not in ("shipped", "mnist")
    bring = "\n# Put the download “Examples (.npz)” beside this file first.\n" if brought else ""
    return f'''"""Repeats “{run.name}” of the training page, in the gallery's folder:  python my_training.py"""

# %% Train: the very script, told what the page was told
{bring}import shlex
import sys

from train import digit_classifier

options = """{shlex.join(settings.arguments())}"""
sys.argv = ["train.digit_classifier", *shlex.split(options), "--run-dir", "{FOLDER}", "--fresh"]
digit_classifier.main()

# %% The curves, epoch by epoch
import csv

with open("{FOLDER}/history.csv", newline="") as log:
    for row in csv.DictReader(log):
        print(row["epoch"], {{name: float(row[name]) for name in ("loss", "val_loss", "accuracy", "val_accuracy")}})

# %% The network of the best epoch, on digits that it has never seen
import keras
import numpy as np

from train import digit_lesson

arguments = digit_classifier.options().parse_args([*shlex.split(options)])
digits = digit_lesson.load(arguments)
network = keras.models.load_model("{FOLDER}/best.keras")
network.summary()
x, truth = digit_lesson.as_input(digits.test[0]), digits.test[1]
answers = network.predict(x, verbose=0).argmax(axis=1)
print(f"{{(answers == truth).mean():.1%}} of {{len(x)}} are right")

# %% What it mixes up: truth in rows, answers in columns
matrix = np.zeros((len(digits.classes),) * 2, int)
np.add.at(matrix, (truth, answers), 1)
print(matrix)
'''


def notebook(run: Run) -> str:
    """The same as a Jupyter notebook (nbformat 4.5)."""
    top, *parts = script(run).split(CELL)
    cells = [_cell("markdown", f"# {run.name}\n\nRuns in the folder of the gallery. {top.strip().strip(chr(34))}")]
    for part in parts:
        title, _, body = part.partition("\n")
        cells += [_cell("markdown", f"## {title}"), _cell("code", body.strip())]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}, indent=1)


def _cell(kind: str, text: str) -> dict[str, Any]:
    more = {"outputs": [], "execution_count": None} if kind == "code" else {}
    return {"cell_type": kind, "metadata": {}, "source": text.splitlines(keepends=True), **more}
