"""A training step over several devices of one host, or of several hosts: `--distribute data-parallel`, with JAX.

Each device sees its share of every batch, and the step is that of the whole batch: loss, gradients, batch normalization
and the pairs within a batch are those of one device, up to rounding. Only `fit` is distributed; before and after it the
network is an ordinary one, which is measured as always. With several processes (`KERAS_DISTRIBUTION_*`, see
`keras.distribution.initialize`) each prepares its own share, and only the first writes.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

CHOICES = ("none", "data-parallel")
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
    if keras.backend.backend() != "jax":
        raise SystemExit("--distribute data-parallel needs KERAS_BACKEND=jax: TensorFlow has other means.")
    minutes = [name for name, value in vars(arguments).items() if name.endswith("minutes") and value]
    if minutes and count() > 1:
        raise SystemExit(f"--{minutes[0].replace('_', '-')} follows the clock, and that of each process differs.")


@contextmanager
def spread(model: keras.Model, streams: list[Any], arguments: argparse.Namespace, variables: list[Any]) -> Iterator:
    """Within the block, `variables` lie on all devices, and `streams` give each process its share of a batch."""
    if arguments.distribute == "none":
        yield
        return
    distribution = keras.distribution.DataParallel(auto_shard_dataset=False)
    devices = distribution.num_model_replicas
    for stream in streams:
        if said := stream.share(rank(), count(), devices):
            print(said, flush=True)
    everything = {id(each): each for each in [*variables, *model.metrics_variables]}.values()
    with distribution.scope():
        for each in everything:  # a variable with a layout stays on its devices when a value is assigned
            each._layout = distribution.get_variable_layout(each)
            each.assign(np.asarray(each.value))
        yield
    for each in everything:
        value, each._layout = np.asarray(each.value), None
        each.assign(value)


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
