"""Networks compared: accuracy as published, size and work by arithmetic, time and memory measured on this machine."""

from __future__ import annotations

import gc
import importlib
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnndemo import memory, worker
from cnndemo.architectures.networks import NETWORKS, plan
from cnndemo.errors import VisitorError

SECONDS, LEAST = 1.0, 3  # how long, and how often at least, a network is run for its time


@dataclass(frozen=True)
class Cited:
    """An accuracy that was published: share of test pictures that are right at the first guess, of what, and where."""

    accuracy: float
    data: str
    source: str


_KERAS = "keras.io/api/applications, single centre crop"
CITED = {
    "alexnet": Cited(0.593, "ImageNet", "Krizhevsky et al. 2012, table 2, one network: 40.7 % error, ten crops"),
    "vgg16": Cited(0.713, "ImageNet", _KERAS),
    "resnet50": Cited(0.749, "ImageNet", _KERAS),
    "densenet121": Cited(0.750, "ImageNet", _KERAS),
    "mobilenet_v2": Cited(0.713, "ImageNet", _KERAS),
    "efficientnet_lite0": Cited(0.751, "ImageNet", "Google, EfficientNet-Lite, 2020"),
    "resnet20": Cited(0.9125, "CIFAR-10", "He et al. 2015, table 6: 8.75 % error"),
    "densenet100": Cited(0.9549, "CIFAR-10", "Huang et al. 2016, table 2, C10+: 4.51 % error"),
}

#: Who builds a network: `cnndemo/models` where it is shown, Keras where it is only read.
BUILDERS = {
    "alexnet": "cnndemo.models.alexnet:build",
    "vgg16": "keras.applications:VGG16",
    "resnet50": "keras.applications:ResNet50",
    "resnet20": "cnndemo.models.resnet20:build",
    "densenet100": "cnndemo.models.densenet:build",
    "densenet121": "keras.applications:DenseNet121",
    "mobilenet_v2": "cnndemo.models.mobilenet_v2:build",
    "efficientnet_lite0": "cnndemo.models.efficientnet_lite0:build",
    "unet": "cnndemo.models.unet:build",
}


@dataclass(frozen=True)
class Measured:
    """What a network took on this machine, for one picture.

    Attributes:
        name: a key of `NETWORKS`.
        milliseconds: median of several runs.
        runs: how many.
        megabytes: how much larger the process was at most while it ran than before it was built: weights, maps, rest.
    """

    name: str
    milliseconds: float
    runs: int
    megabytes: float | None


def build(name: str):
    """The `keras.Model` of a network, as published, with random weights."""
    module, function = BUILDERS[name].split(":")
    options = {"weights": None} if module.startswith("keras.") else {}
    return getattr(importlib.import_module(module), function)(**options)


def own_builder(name: str) -> Callable | None:
    """The function of `cnndemo/models` that builds a network, to be shown; None where Keras has it or there is none."""
    module, _, function = BUILDERS.get(name, "").partition(":")
    return getattr(importlib.import_module(module), function) if module.startswith("cnndemo.") else None


def measure(names: Sequence[str], waiting: Callable[[], None] = lambda: None) -> Iterator[Measured]:
    """Measures networks, the smallest first, each in a Keras process that has done nothing before; yields each.

    What one network leaves behind would be counted for the next. Closing the iterator stops all.

    Raises:
        VisitorError: no Keras, or more memory than it may take; what was measured before stands.
    """
    for name in sorted(names, key=lambda name: plan(name).parameters):
        told = STALE
        while told == STALE:
            # Closed before its end, the request takes the process with it.
            with closing(worker.steps("cnndemo.architectures.comparing:run", name, waiting=waiting)) as said:
                try:
                    told = next(said)
                except VisitorError as error:
                    raise VisitorError(f"{NETWORKS[name].title}: {error}") from None
        yield told


STALE = "stale"


def run(name: str, tell: Callable[[Measured | str], None]) -> None:
    """The measuring itself, in the Keras process, which then waits for its end."""
    tell(STALE if "keras" in sys.modules else measured(name))
    time.sleep(60)


def measured(name: str) -> Measured:
    """Builds a network in this process and runs it until its time is known."""
    import tensorflow  # noqa: F401, it is not the network's memory

    from cnndemo import inference

    before = rested_bytes()
    model = build(name)
    answer = inference.traced(model)
    batch = np.random.default_rng(0).random((1, *model.inputs[0].shape[1:]), np.float32)
    rested_bytes()
    forget_peak()  # what the random numbers of the weights took
    answer(batch)  # traces, and touches all weights
    times: list[float] = []
    start = time.perf_counter()
    while len(times) < LEAST or time.perf_counter() - start < SECONDS:
        begin = time.perf_counter()
        answer(batch)
        times.append(1000 * (time.perf_counter() - begin))
    grown = peak_bytes() - before
    return Measured(name, statistics.median(times), len(times), grown / 1e6 if before and grown > 0 else None)


def rested_bytes() -> int:
    """Memory of this process once it has given back what nobody uses; 0 where the system does not tell."""
    gc.collect()
    memory.give_back()
    return memory.resident_bytes()


def forget_peak() -> None:
    """Lets the system count this process' largest memory anew, where it can."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_bytes() -> int:
    """The largest memory of this process since `forget_peak`; what it has now where the system cannot tell."""
    with suppress(OSError, StopIteration, ValueError):
        lines = Path("/proc/self/status").read_text().splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
    return memory.resident_bytes()


def machine() -> str:
    """This machine's processor in words."""
    name = platform.processor() or platform.machine()
    with suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next(line for line in lines if line.startswith("model name")).split(":", 1)[1].strip()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return f"{name}, {cores} core{'s' if cores > 1 else ''}"
