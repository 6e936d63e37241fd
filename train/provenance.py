"""Where weights come from: machine, versions, commit, and the weights that a training started from."""

from __future__ import annotations

import os
import platform
import subprocess
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras

from cnndemo import weights


def hardware() -> str:
    """The processor and all devices that the backend trains on, by name."""
    backend, devices = keras.backend.backend(), []
    if backend == "jax":
        import jax

        devices = [device.device_kind for device in jax.devices() if device.platform != "cpu"]
    elif backend == "tensorflow":
        import tensorflow as tf

        found = tf.config.list_physical_devices("GPU")
        devices = [tf.config.experimental.get_device_details(each).get("device_name", "GPU") for each in found]
    cores = f"{os.cpu_count()} cores of {processor()}"
    return ", ".join([*(f"{count} × {name}" for name, count in Counter(devices).items()), f"{cores} ({backend})"])


def processor() -> str:
    """The name of the processor, or at least of its architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    """Of Python, Keras and the backend."""
    backend = keras.backend.backend()
    made_by = getattr(__import__(backend), "__version__", "") if backend != "numpy" else version("numpy")
    return {"python": platform.python_version(), "keras": keras.__version__, backend: made_by}


def commit() -> str:
    """The commit of the scripts, with `+` if files differ from it; empty outside a repository."""

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + "+" * bool(git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.CalledProcessError):
        return ""


def nearest(name: str, folder: Path) -> Path:
    """Where the network lies that another one is trained or measured with: in a folder, or else among what ships."""
    return folder if weights.path(name, folder).is_file() else weights.WEIGHTS_DIR


def origin(name: str, folder: Path | None = None) -> dict[str, Any]:
    """What a card says of the published weights that a training starts from; theirs may have started, too."""
    facts = ("command", "commit", "hardware", "epochs", "seconds", "resumed", "started_from")
    card = weights.card(name, folder)
    return {"started_from": {key: card[key] for key in facts if key in card}}
