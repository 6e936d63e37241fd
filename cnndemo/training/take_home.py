"""A run to take home: its history, a script and a notebook that repeat it and look at the result."""

from __future__ import annotations

import csv
import io
import shlex

from cnndemo.notebook import Recipe, make
from cnndemo.training.run import Run
from cnndemo.training.settings import OWN_FILE, Settings

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


def cells(settings: Settings) -> dict[str, str]:
    """The run as cells of a notebook that needs Keras and nothing of the gallery, as `notebook.Recipe` takes them.

    It trains with Keras' own `fit`. The script shuffles by a stream of its own, so that figures differ a little.
    """
    data = {"shipped": "shipped", "mnist": "mnist"}.get(settings.data, OWN_FILE)
    options = f"data={data!r}, data_dir=None, limit={settings.digits}, wrong={settings.wrong}, seed={settings.seed}"
    code = f"""
from types import SimpleNamespace

from cnndemo.models import layer_table
from train import digit_lesson

digits = digit_lesson.load(SimpleNamespace({options}))
print(*(f"{{len(y)}} digits" for _, y in (digits.training, digits.validation, digits.test)), sep=", ")
rows = layer_table.parse({settings.network!r})
for layer in layer_table.plan(rows, digits.shape, len(digits.classes)):
    print(layer.name, layer.output, f"{{layer.parameters:,}} parameters")
"""
    if data == OWN_FILE:
        code = f"# Put the download “Examples (.npz)” beside this notebook, as {OWN_FILE}.\n{code.strip()}"
    look = """
from PIL import Image

first = np.concatenate([digits.training[0][at :: len(digits.training[0]) // 5][:5] for at in range(2)])
Image.fromarray(np.hstack(list(first))).resize((len(first) * 56, 56), Image.Resampling.NEAREST)
"""
    return {"code": code.strip(), "result": "import numpy as np\n" + look, "keras": _training(settings)}


def _training(settings: Settings) -> str:
    """The training with its callbacks, its curves, and what the network mixes up."""
    calls = ['    keras.callbacks.ModelCheckpoint("best.weights.h5", save_best_only=True, save_weights_only=True),']
    if settings.reduce:
        calls.append(
            f'    keras.callbacks.ReduceLROnPlateau("val_loss", factor={settings.factor:g}, '
            f"patience={settings.patience}, min_lr={settings.least:g}),"
        )
    if settings.stop:
        calls.append(f'    keras.callbacks.EarlyStopping("val_loss", patience={settings.stop}),')
    if settings.every:
        calls.append('    keras.callbacks.ModelCheckpoint("model-{epoch:02d}-{val_loss:.4f}.keras"),')
    distorted = f"keras.Sequential([Augmentation({settings.seed}), network])" if settings.augment else "network"
    more = "from train.digit_augmentation import Augmentation\n" if settings.augment else ""
    callbacks = "\n".join(calls)
    return f"""
import keras
import numpy as np
import plotly.graph_objects as go

from cnndemo import training
{more}
keras.utils.set_random_seed({settings.seed})
network = layer_table.build(rows, digits.shape, len(digits.classes))
model = {distorted}
optimizer = keras.optimizers.{settings.optimizer}({settings.rate:g})
model.compile(optimizer, loss="categorical_crossentropy", metrics=["accuracy"])
splits = (digits.training, digits.validation, digits.test)
x = [digit_lesson.as_input(pictures) for pictures, _ in splits]
y = [keras.utils.to_categorical(labels, len(digits.classes)) for _, labels in splits]
callbacks = [
{callbacks}
]
history = model.fit(
    x[0], y[0], batch_size={settings.batch_size}, epochs={settings.epochs}, validation_data=(x[1], y[1]),
    callbacks=callbacks, verbose=2,
)
model.load_weights("best.weights.h5")
answers, truth = network.predict(x[2], verbose=0), y[2].argmax(axis=1)
print(f"{{(answers.argmax(axis=1) == truth).mean():.1%}} of {{len(truth)}} test digits are right")
warmth = training.temperature(network.predict(x[1], verbose=0), y[1].argmax(axis=1))
print(f"temperature {{warmth:.2f}}: above 1 it is surer than it is right")
matrix = np.zeros((len(digits.classes),) * 2, int)  # truth in rows, answers in columns
np.add.at(matrix, (truth, answers.argmax(axis=1)), 1)
print(matrix)
go.Figure([go.Scatter(y=history.history[name], name=name) for name in ("loss", "val_loss", "accuracy", "val_accuracy")])
""".strip()


def notebook(run: Run) -> bytes:
    """The run as a Jupyter notebook that stands alone."""
    best = f"The best of its epochs had a validation loss of {min(row['val_loss'] for row in run.history):.4f}."
    return make(Recipe("training", **cells(run.settings), title=run.name, words=best))
