"""What Keras' own engines can do for every script: 16 bits, accumulated gradients, averaged weights, TensorBoard."""

from __future__ import annotations

import argparse
import importlib.util
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from train import distribution


def add_options(parser: argparse.ArgumentParser, whole: Callable[[int], Callable[[str], int]]) -> None:
    """The options of a training that belong to the engine and not to the task; `whole(n)`: a number of at least n."""
    parser.add_argument(
        "--distribute", choices=distribution.CHOICES, default="none",
        help="each step over all devices: data-parallel with JAX, mirrored with TensorFlow",
    )  # fmt: skip
    parser.add_argument("--mixed", action="store_true", help="calculate in bfloat16, keep weights in float32")
    parser.add_argument("--accumulate", type=whole(1), default=1, help="batches whose mean gradient makes one step")
    parser.add_argument("--ema", type=momentum, help="keep a moving average of the weights, with this momentum")
    parser.add_argument("--workers", type=whole(1), help="threads that prepare batches; default the script's choice")
    parser.add_argument("--tensorboard", action="store_true", help="write a log for TensorBoard into --run-dir")


def momentum(text: str) -> float:
    """The type of an argument that is a momentum: above 0 and below 1."""
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1, such as 0.999")
    return value


def check(arguments: argparse.Namespace) -> None:
    """See that what is asked for is installed.

    Raises:
        SystemExit: it is not; the message says what to install.
    """
    if arguments.tensorboard:
        missing = [name for name in ("tensorflow", "tensorboard") if importlib.util.find_spec(name) is None]
        if missing:
            raise SystemExit(
                f"--tensorboard needs {' and '.join(missing)}: pip install {' '.join(missing)} "
                "(in requirements-train.txt). Without it the same figures are in history.csv of the run."
            )


@contextmanager
def precision(arguments: argparse.Namespace) -> Iterator[None]:
    """Layers that are made within the block calculate in bfloat16 with `--mixed`; their weights stay float32."""
    before = keras.config.dtype_policy()
    if arguments.mixed:
        keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def answer_exactly(model: keras.Model) -> None:
    """Let the last layer calculate in float32: probabilities of 8 binary digits would be coarse for a loss."""
    last = model
    while isinstance(last, keras.Model):
        last = last.layers[-1]
    last.dtype_policy = "float32"


def optimizer_options(arguments: argparse.Namespace) -> dict[str, Any]:
    """What `--accumulate` and `--ema` give an optimizer of Keras."""
    options: dict[str, Any] = {}
    if arguments.accumulate > 1:
        options["gradient_accumulation_steps"] = arguments.accumulate
    if arguments.ema:
        options |= {"use_ema": True, "ema_momentum": arguments.ema}
    return options


def trainee(network: keras.Model, scale: float = 1.0, before: Sequence[keras.layers.Layer] = ()) -> keras.Model:
    """A network that is trained on uint8, which is a quarter of what float32 would carry to the device.

    Args:
        network: its weights are those of the result.
        scale: what the bytes are multiplied by, on the device.
        before: layers that change the pictures in training, after the scaling.

    Returns:
        The network on bytes; it shares the weights.
    """
    pictures = keras.Input(network.input_shape[1:], dtype="uint8", name="bytes")
    x = keras.layers.Rescaling(scale, dtype="float32")(pictures)
    for layer in before:
        x = layer(x)
    return keras.Model(pictures, network(x))


def exact(model: keras.Model) -> keras.Model:
    """The network in float32 throughout: itself, or a copy of one that calculates in 16 bits."""
    policies = {layer.dtype_policy.name for layer in model._flatten_layers(include_self=False)}
    if policies <= {"float32"}:
        return model

    def plain(layer: keras.layers.Layer) -> keras.layers.Layer:
        return type(layer).from_config(layer.get_config() | {"dtype": "float32"})

    result = keras.models.clone_model(model, clone_function=plain)
    result.set_weights(model.get_weights())
    return result


def callbacks(arguments: argparse.Namespace, folder: Path) -> list[keras.callbacks.Callback]:
    """What goes before all other callbacks.

    Averaged weights are in the network while it is measured and kept, and the trained ones while it is trained.
    """
    result: list[keras.callbacks.Callback] = []
    if arguments.ema:
        result.append(keras.callbacks.SwapEMAWeights(swap_on_epoch=True))
    if arguments.tensorboard and distribution.first():
        result.append(keras.callbacks.TensorBoard(folder / "tensorboard", write_graph=False))
    return result
