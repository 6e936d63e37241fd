"""A training step over several devices: `--distribute data-parallel` with JAX, `mirrored` with TensorFlow.

*data-parallel* (`keras.distribution.DataParallel`), on the devices of one host or of several: each device sees its
share of every batch, and the step is that of the whole batch: loss, gradients, batch normalization and the pairs within
a batch are those of one device, up to rounding. With several processes (`KERAS_DISTRIBUTION_*`, see
`keras.distribution.initialize`) each prepares its own share, and only the first writes.

A network with batch normalization magnifies rounding at a high rate: an eight-layer ResNet at 0.1 differs by 2e-7 in
the loss of its first step and by 5e-4 in that of its sixth; so ResNet-20 does. It is not that each device normalizes
its own share: after one step the moving means on one device and on two differ by 4e-9, and the loss of a share would
differ by 7e-4 at once.

*mirrored* (`tf.distribute.MirroredStrategy`), on the devices of one host: each device makes a step of its own share,
and the gradients are averaged. So it is only for losses that are a mean over examples; batch normalization takes its
means over a share, and random layers (dropout, augmentation) draw other numbers than one device would.

Only `fit` is distributed; before and after it the network is an ordinary one, which is measured as always.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

CHOICES = ("none", "data-parallel", "mirrored")
PROCESSES = "KERAS_DISTRIBUTION_NUM_PROCESSES"


def join() -> None:
    """Join the other processes of a training, where the environment names them; before anything is calculated.

    Raises:
        SystemExit: the backend is not JAX.
    """
    if PROCESSES in os.environ:
        if keras.backend.backend() != "jax":
            raise SystemExit(f"{PROCESSES} is set: several processes train with KERAS_BACKEND=jax only.")
        import jax

        if not jax.distributed.is_initialized():
            keras.distribution.initialize()


def count() -> int:
    """How many processes train together."""
    if PROCESSES not in os.environ:
        return 1
    import jax

    return jax.process_count()


def rank() -> int:
    """The number of this process; 0 writes."""
    if PROCESSES not in os.environ:
        return 0
    import jax

    return jax.process_index()


def first() -> bool:
    """Whether this process is the one that writes."""
    return rank() == 0


def agree(number: int) -> int:
    """The largest of the numbers that the processes give; all of them must ask."""
    if count() == 1:
        return number
    from jax.experimental import multihost_utils

    return int(np.max(multihost_utils.process_allgather(np.array(number))))


def by_the_first(do: Callable[..., None], *given: Any) -> None:
    """Let the first process do something; where it refuses, all of them end.

    Raises:
        SystemExit: it refused.
    """
    refusal = None
    if first():
        try:
            do(*given)
        except SystemExit as error:
            refusal = error
    if agree(int(refusal is not None)):
        raise refusal or SystemExit(1)


def check(arguments: argparse.Namespace) -> None:
    """See that a training can be distributed as it is asked for.

    Raises:
        SystemExit: it cannot; the message says why.
    """
    if arguments.distribute == "none":
        if count() > 1:
            raise SystemExit(f"{PROCESSES} is {count()}: say --distribute data-parallel.")
        return
    if arguments.distribute == "mirrored":
        if keras.backend.backend() != "tensorflow":
            raise SystemExit("--distribute mirrored needs KERAS_BACKEND=tensorflow; with JAX say data-parallel.")
        if arguments.loss_over != "examples":
            raise SystemExit(
                f"--distribute mirrored is for losses that are a mean over examples; this one is taken over "
                f"{arguments.loss_over}, and each device would see only those of its share. With KERAS_BACKEND=jax, "
                "--distribute data-parallel keeps batches whole."
            )
    elif keras.backend.backend() != "jax":
        raise SystemExit("--distribute data-parallel needs KERAS_BACKEND=jax; with TensorFlow there is mirrored.")
    minutes = [name for name, value in vars(arguments).items() if name.endswith("minutes") and value]
    if minutes and count() > 1:
        raise SystemExit(f"--{minutes[0].replace('_', '-')} follows the clock, and that of each process differs.")


@contextmanager
def spread(model: keras.Model, streams: list[Any], arguments: argparse.Namespace, variables: list[Any]) -> Iterator:
    """Within the block, `variables` lie on all devices, and `streams` give each process its share of a batch.

    After it the streams give whole batches, as what one process does by itself wants them.
    """
    if arguments.distribute == "none":
        yield
        return
    means = _mirrored if arguments.distribute == "mirrored" else _data_parallel
    everything = list({id(each): each for each in [*variables, *model.metrics_variables]}.values())
    with means(model, everything) as devices:
        for said in dict.fromkeys(stream.share(rank(), count(), devices) for stream in streams):
            print(said, end="\n" * bool(said), flush=True)
        yield
    for stream in streams:
        stream.share(0, 1, 1)


@contextmanager
def _data_parallel(model: keras.Model, variables: list[Any]) -> Iterator[int]:
    """Variables with a layout, which stay on their devices when a value is assigned; gives the number of devices."""
    distribution = keras.distribution.DataParallel(auto_shard_dataset=False)
    with distribution.scope():
        for each in variables:
            each._layout = distribution.get_variable_layout(each)
            each.assign(np.asarray(each.value))
        yield distribution.num_model_replicas
    for each in variables:
        value, each._layout = np.asarray(each.value), None
        each.assign(value)


@contextmanager
def _mirrored(model: keras.Model, variables: list[Any]) -> Iterator[int]:
    """Variables with a copy on each device, which TensorFlow keeps alike; gives the number of devices.

    Keras wants a network to be made within the strategy's scope. Here its variables are made anew there, and once more
    outside afterwards, so that all else is done with an ordinary network.
    """
    import tensorflow as tf

    devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    strategy, jit = tf.distribute.MirroredStrategy([device.name for device in devices]), model.jit_compile
    with strategy.scope():
        _remake(model, variables, strategy)
        model.jit_compile = False  # XLA compiles no step that speaks with other devices
        for each in variables:
            if each.name == "seed_generator_state":  # every device draws numbers of its own
                for number, copy in enumerate(each.value.values):
                    copy.assign(copy + tf.constant([number, 0], copy.dtype))
        yield len(devices)
    _remake(model, variables, None)
    model.jit_compile = jit


def _remake(model: keras.Model, variables: list[Any], strategy: Any) -> None:
    """Make TensorFlow's variables of a model anew, with their values, for a strategy; None: for one device."""
    import tensorflow as tf

    for each in variables:
        each._initialize(tf.convert_to_tensor(each.value).numpy())
    optimizer = model.optimizer
    model._distribute_strategy = strategy
    optimizer._distribution_strategy = strategy or tf.distribute.get_strategy()
    optimizer._trainable_variables_indices = {
        optimizer._var_key(each): index for index, each in enumerate(optimizer._trainable_variables)
    }
    model.train_function = model.test_function = model.predict_function = None


@contextmanager
def apart() -> Iterator[None]:
    """What one process does by itself: variables that are made within the block lie on its own device.

    Keras makes one whenever it saves weights, and would wait for the other processes to make theirs.
    """
    distribution = keras.distribution.distribution()
    keras.distribution.set_distribution(None)
    try:
        yield
    finally:
        keras.distribution.set_distribution(distribution)
