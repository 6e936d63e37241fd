"""What the train scripts share: arguments, a resumable fit, and the model card.

Scripts use `keras` and `keras.ops` only, so each runs with `KERAS_BACKEND=tensorflow` (default) or `jax`.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import keras
import numpy as np

from cnndemo import inference, weights
from train import distribution, engine, events, logs, provenance, runs
from train.checkpoints import Arrays, Best, Checkpoint, Guard, Kept, build_metrics, size, variables
from train.progress import Progress
from train.publish import RESULTS, put, whole_results
from train.runs import script as script

DATA_DIR = Path(os.environ.get("CNNDEMO_DATA", "data"))


def at_least(least: int) -> Callable[[str], int]:
    """The type of an argument that is a whole number, `least` or more."""

    def number(text: str) -> int:
        value = int(text)
        if value < least:
            raise argparse.ArgumentTypeError(f"{value} is less than {least}")
        return value

    return number


def above_zero(text: str) -> float:
    """The type of an argument that is a number above zero, such as a learning rate."""
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number above zero")
    return value


def zero_or_more(text: str) -> float:
    """The type of an argument that is a number and not negative."""
    value = float(text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number of at least zero")
    return value


def share(text: str) -> float:
    """The type of an argument that is a part of a whole, from 0 to 1."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


def parser(
    description: str,
    name: str,
    epochs: int = 10,
    batch_size: int = 128,
    least_epochs: int = 1,
    trains: bool = True,
    loss_over: str = "examples",
) -> argparse.ArgumentParser:
    """The arguments that every train script understands; a script adds its own.

    Args:
        epochs, batch_size: defaults.
        least_epochs: 0 for a script of which a part can be left out.
        trains: False for a script that only converts weights: it has nothing to set or to go on with.
        loss_over: what the loss is a mean over: only one over "examples" can be taken on each share of a batch alone.
    """
    result = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        allow_abbrev=False, conflict_handler="resolve",  # a script may tell its own of what an option does
    )  # fmt: skip
    result.add_argument("--data-dir", type=Path, default=DATA_DIR, help="data sets")
    result.add_argument("--weights-dir", type=Path, default=weights.WEIGHTS_DIR, help="published weights and cards")
    result.add_argument("--run-dir", type=Path, default=Path("runs") / name, help="checkpoints, log and results")
    result.add_argument("--publish", action="store_true", help="put the results into --weights-dir")
    result.add_argument("--measure", action="store_true", help="only measure the published network anew, as served")
    result.set_defaults(
        name=name, resume=False, fresh=not trains, seed=0, distribute="none", tensorboard=False, events="",
        loss_over=loss_over,
    )  # fmt: skip
    if trains:
        positive = at_least(1)
        result.add_argument(
            "--epochs", type=at_least(least_epochs), default=epochs, help="passes over the training split"
        )
        result.add_argument("--batch-size", type=positive, default=batch_size, help="examples a step")
        result.add_argument("--seed", type=at_least(0), default=0, help="seed of weights, order and augmentation")
        result.add_argument("--limit", type=at_least(0), default=0, help="train on so many examples only; 0: on all")
        engine.add_options(result, at_least)
        result.add_argument("--resume", action="store_true", help="go on from the last finished epoch in --run-dir")
        result.add_argument("--fresh", action="store_true", help="replace the run that --run-dir holds")
        result.add_argument("--events", default="", metavar="FILE", help="tell of the run in JSON lines; - for stdout")
    return result


def prepare(arguments: argparse.Namespace) -> float:
    """Seed Python, NumPy and the backend, and claim the run folder. Returns the start time.

    Raises:
        SystemExit: see `runs.claim`.
    """
    events.begin(arguments)
    distribution.check(arguments)
    engine.check(arguments)
    keras.utils.set_random_seed(arguments.seed)
    distribution.by_the_first(runs.claim, arguments)
    runs.ending.go_on = runs.command(arguments, "--resume", folders=True)
    return time.time()


def spread(items: Sequence, limit: int) -> list:
    """At most `limit` of a sequence, evenly spread over it; all of them without a limit."""
    count = min(limit or len(items), len(items))
    return [items[index * len(items) // count] for index in range(count)]


class _WallTime(keras.callbacks.Callback):
    """Adds the seconds of each epoch and its last learning rate to the log."""

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.time()

    def on_epoch_end(self, epoch, logs=None):
        logs["seconds"] = round(time.time() - self.started, 2)
        logs["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))


def fit(
    model: keras.Model,
    training,
    validation,
    arguments: argparse.Namespace,
    monitor: str = "val_loss",
    mode: str = "min",
    patience: int | None = None,
    reduce: bool = True,
    callbacks: list[keras.callbacks.Callback] | None = None,
    stage: str = "",
    epochs: int | None = None,
    verbose: bool = True,
    **options: Any,
) -> list[dict[str, float]]:
    """Train with a checkpoint every epoch, and end with the best epoch's weights in the model.

    A run that was struck in any epoch and goes on with `--resume` ends, on a CPU, with the very same weights: all that
    an epoch depends on is in the checkpoint before it. Only a schedule that follows the clock differs.

    Args:
        model: a compiled model.
        training: a `Stream`, or a tuple of arrays.
        validation: what `Model.fit` takes: `keras.utils.PyDataset` or tuples of arrays.
        monitor, mode: the figure that decides which epoch is best, and its direction.
        patience: epochs without progress before stopping; the learning rate falls after a third of it. By default 10;
            where a schedule leads the rate, as many as there are: to stop before its end is to stop too early.
        reduce: lower the learning rate on a plateau; off for models with a learning-rate schedule.
        callbacks: further ones; the names of what one remembers from epoch to epoch stand in its `counted`.
        stage: name of this part of a training in several parts; each has its own checkpoints and log.
        epochs: instead of `arguments.epochs`.
        verbose: tell how far it is.
        options: for `Model.fit`.

    Returns:
        The log, one dict an epoch (also in `<run-dir>/<stage>history.csv`).

    Raises:
        SystemExit: the training diverged or was interrupted, there is no room for its checkpoints, or what it goes on
            with are other data.
    """
    distribution.by_the_first(runs.same_data, arguments)
    folder, epochs = arguments.run_dir / stage, epochs or arguments.epochs
    patience = patience or (10 if reduce else epochs)
    folder.mkdir(parents=True, exist_ok=True)
    log, best = folder / "history.csv", folder / "best.weights.h5"
    if isinstance(training, tuple):
        training = Arrays(*training, batch_size=arguments.batch_size, seed=arguments.seed)
    if isinstance(validation, tuple):
        validation = Arrays(*validation, batch_size=training.batch_size, seed=None)
    training.workers = arguments.workers or training.workers
    every = [*engine.callbacks(arguments, folder), _WallTime(), *(callbacks or [])]
    if reduce:
        every.append(keras.callbacks.ReduceLROnPlateau(monitor, 0.3, max(1, patience // 3), mode=mode, min_lr=1e-6))
    every += [
        Guard(monitor),
        Best(best, monitor, mode),
        *events.callbacks(training.count, training.batch_size, stage, monitor, mode),
        keras.callbacks.CSVLogger(log if distribution.first() else os.devnull, append=True),
        keras.callbacks.EarlyStopping(monitor, patience=patience, mode=mode),
    ]
    if verbose and distribution.first():
        every.append(Progress(training.batch_size, stage))
    checkpoint = Checkpoint(folder / "checkpoints", every, training, arguments.resume)
    if distribution.first():
        logs.cut(log, checkpoint.epochs)
    if checkpoint.epochs < epochs and not checkpoint.finished:
        kept = sum(each.room(model, epochs) for each in every if isinstance(each, Kept))
        distribution.by_the_first(_find_room, model, kept, arguments)
        checkpoint.restore(model)
        engine.answer_exactly(model)
        build_metrics(model, training)
        spread = distribution.spread(model, [training, validation], arguments, variables(model))
        with runs.ending.patience(), spread:
            # Keras would shuffle the batches of a PyDataset with Python's own generator, whose state is nowhere kept.
            model.fit(
                training, epochs=epochs, initial_epoch=checkpoint.epochs, validation_data=validation, shuffle=False,
                callbacks=[*every, checkpoint], verbose=0, **options,
            )  # fmt: skip
    distribution.agree(0)  # the first process has written
    try:
        model.load_weights(best)
    except (OSError, ValueError, KeyError):
        raise SystemExit(f"{best} is missing or damaged. Begin anew: --fresh.") from None
    return logs.read(log)


def _find_room(model: keras.Model, kept: int, arguments: argparse.Namespace) -> None:
    """See, before the first epoch, that checkpoints and results will find room.

    Args:
        kept: bytes of what callbacks keep.

    Raises:
        SystemExit: they will not.
    """
    parameters = 4 * model.count_params()
    runs.room(arguments.run_dir, 4 * size(model) + kept + 2 * parameters, "--run-dir")
    if arguments.publish:
        runs.room(arguments.weights_dir, 4 * parameters, "--weights-dir")


def command(arguments: argparse.Namespace) -> str:
    """The command line that made or measured the weights, without the folders of one machine."""
    return runs.command(arguments, *([] if arguments.measure else ["--publish"]))


def helper(name: str, folder: Path, outputs: Sequence[str] | None = None) -> Callable[[np.ndarray], Any]:
    """A network that another one is trained or measured with, as visitors are served with it.

    Args:
        name: of the network.
        folder: where it is taken from if it is there, see `provenance.nearest`.
        outputs: as of `inference.predictor`.

    Raises:
        WeightsError: a file is missing or damaged.
    """
    file = weights.onnx_file(name, folder=provenance.nearest(name, folder))
    return inference.function(inference.load(file, name), outputs, name)


class Served:
    """A published network as visitors are served with it, asked as a `keras.Model` is.

    Args:
        name: of the network.
        folder: where its `.onnx` file and its card lie.

    Raises:
        WeightsError: a file is missing or damaged.
    """

    def __init__(self, name: str, folder: Path | None = None) -> None:
        self.predict_on_batch = inference.function(inference.load(weights.onnx_file(name, folder=folder), name))

    def predict(self, x, batch_size: int = 250, verbose: int = 0) -> np.ndarray:
        """Answers to an array, or to batches of a `PyDataset`."""
        if isinstance(x, np.ndarray):
            x = Arrays(x, batch_size=batch_size, seed=None)
        batches = (x[index][0] for index in range(len(x)))
        return np.concatenate([self.predict_on_batch(np.asarray(batch, np.float32)) for batch in batches])


def logits(model: keras.Model, x: np.ndarray, batch_size: int = 500) -> np.ndarray:
    """The scores before the softmax in which a network ends, float32 (n, classes).

    Args:
        model: whose last layer is a softmax, or a dense layer with one.
        x: as the model wants it, in parts of `batch_size`.
    """
    last = model.layers[-1]
    before = keras.Model(model.inputs, last.input).predict_on_batch
    parts = [before(x[first : first + batch_size].astype(np.float32)) for first in range(0, len(x), batch_size)]
    found = np.concatenate(parts)
    if isinstance(last, keras.layers.Softmax):
        return found
    kernel, bias = last.get_weights()
    return found @ kernel + bias


def measure(name: str, arguments: argparse.Namespace, facts: Callable[[Any], dict[str, Any]]) -> None:
    """Put the figures of a published network on its card anew, and how they were measured.

    Args:
        facts: from something with `predict` and `predict_on_batch` to what the card says, `metrics` among it.

    Raises:
        SystemExit: a figure is not a number; the card stays as it was.
    """
    card = weights.card(name, arguments.weights_dir)
    found = facts(Served(name, arguments.weights_dir))
    _refuse_no_numbers(name, found["metrics"])
    for figure in found["metrics"]:
        print(f"{figure['name']}: {figure['value']:.4f} {figure['interval']} on {figure['samples']}")
    weights.write_card(name, card | found | {"measured": circumstances(arguments)}, arguments.weights_dir)


def circumstances(arguments: argparse.Namespace) -> dict[str, Any]:
    """How something was made, for its card: command, arguments, commit, machine, versions and day."""
    return {
        "command": command(arguments),
        "arguments": runs.settings(arguments),
        "commit": provenance.commit(),
        "hardware": provenance.hardware(),
        "versions": provenance.versions(),
        "date": datetime.now(UTC).date().isoformat(),
    }


def as_stored(model: keras.Model, dtype: str = "float16") -> keras.Model:
    """The model with its weights rounded as they are stored, so that what is measured is what is published.

    One that was trained in 16 bits is left to its training; a copy in float32 is measured, as it will be served.
    """
    model.set_weights([values.astype(dtype).astype(np.float32) for values in model.get_weights()])
    return engine.exact(model)


def publish(
    model: keras.Model,
    arguments: argparse.Namespace,
    builder: str,
    data: dict[str, Any],
    metrics: list[dict[str, Any]],
    builder_arguments: dict[str, Any] | None = None,
    history: list[dict[str, float]] | None = None,
    seconds: float | None = None,
    source: dict[str, str] | None = None,
    dtype: str = "float16",
    name: str | None = None,
    **more: Any,
) -> Path:
    """Write `<name>.weights.h5`, its card, its history and what serves it into `<run-dir>/results`.

    With `--publish` they go on into `--weights-dir`, where nothing changes before all of them are whole, and a network
    that serves visitors is not replaced by one that cannot.

    Args:
        builder: "cnndemo.models.<file>:<function>" that builds the architecture.
        data: name, source, licence and split sizes of the data set.
        metrics: figures made by `metric`.
        history: the log of `fit`, kept as `<name>.history.csv` for the curves that pages show.
        seconds: wall time of the training; default the sum of the epochs' seconds.
        source: package, version, author, licence of weights that were converted and not trained here.
        name: model name when a script makes several; default the script's.
        more: further facts for the card (`notes`, `classes`, `threshold`, …).

    Returns:
        The path of the weights file among the results.

    Raises:
        SystemExit: a weight or a figure is not a finite number; nothing was written.
    """
    name, results = name or arguments.name, arguments.run_dir / RESULTS
    if not distribution.first():
        return results / f"{name}.weights.h5"
    _refuse_nonsense(model, metrics, name, dtype)
    about: dict[str, Any] = {
        "name": name,
        "builder": builder,
        "builder_arguments": builder_arguments or {},
        "data": data,
        "metrics": metrics,
        "seed": arguments.seed,
        "keras": keras.__version__,
    } | circumstances(arguments)
    with runs.ending.patience():
        results.mkdir(parents=True, exist_ok=True)
        if history:
            took = seconds if seconds is not None else sum(row.get("seconds", 0.0) for row in history)
            about |= {"epochs": len(history), "seconds": round(took, 1)}
            logs.write(results / f"{name}.history.csv", history)
        if arguments.resume:
            about["resumed"] = True
        if source:
            about["source"] = source
        file = weights.save(model, name, about | more, dtype, results)
        serve(name, results)
        onnx = f"{name}.onnx"
        breaks = (arguments.weights_dir / onnx).exists() and not (results / onnx).exists()
        if arguments.publish and not breaks:
            put(whole_results(arguments.run_dir, [name]), arguments.weights_dir)
            runs.published(arguments.run_dir)
        else:
            where = ", where TensorFlow and tf2onnx are installed" if breaks else ""
            publishing = f"python -m train.publish {arguments.run_dir}"
            print(f"Results are in {results}. To put them into weights/{where}: {publishing}", flush=True)
    return file


def _refuse_nonsense(model: keras.Model, metrics: list[dict[str, Any]], name: str, dtype: str) -> None:
    """Refuse weights and figures that are no numbers.

    Raises:
        SystemExit: there are some.
    """
    with np.errstate(over="ignore"):
        broken = [each.path for each in model.weights if not np.isfinite(np.asarray(each).astype(dtype)).all()]
    if broken:
        raise SystemExit(f"{name} is not written: {broken[0]} is not finite as {dtype}. The training has diverged.")
    _refuse_no_numbers(name, metrics)


def _refuse_no_numbers(name: str, metrics: list[dict[str, Any]]) -> None:
    if lost := [each["name"] for each in metrics if not np.isfinite([each["value"], *each["interval"]]).all()]:
        raise SystemExit(f"{name} is not written: the figure “{lost[0]}” is not a number.")


def serve(name: str, folder: Path) -> None:
    """Write the file that visitors are served with, where TensorFlow and tf2onnx are installed."""
    if not (importlib.util.find_spec("tf2onnx") and importlib.util.find_spec("tensorflow")):
        return
    if keras.backend.backend() == "tensorflow":
        from train import onnx_files

        onnx_files.export(name, folder)
    else:  # the export is TensorFlow's, and a process has one backend
        words = [sys.executable, "-m", "train.onnx_files", name, "--weights-dir", str(folder.resolve())]
        environment = {key: value for key, value in os.environ.items() if key != distribution.PROCESSES}
        root = Path(__file__).parent.parent
        subprocess.run(words, cwd=root, env=environment | {"KERAS_BACKEND": "tensorflow"}, check=False)
