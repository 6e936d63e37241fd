"""Files from hostile hands: each is used or refused with a sentence that can be shown, quickly and in bounded memory.

A few hundred of each kind in the default suite; 20,000 of each with `make test ARGS="tests/hostile -m slow"`.
"""

import ast
import base64
import json
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from cnndemo import archives, augmentation, frames, images, inference, worker
from cnndemo.architectures import keras_file, own
from cnndemo.errors import VisitorError
from cnndemo.face_verification.gallery import Gallery
from cnndemo.resnet_transfer import export
from cnndemo.worker import Crashed
from tests.hostile import mutations
from tests.load.measure import megabytes

MANY = 20_000
MEGABYTES = 700  # that 20,000 files may add
SECONDS = 20  # that one may take on a busy machine
PICTURE = np.zeros((24, 32, 3), np.uint8)


def some(examples: int):
    """Settings for so many examples, the same in each run."""
    return settings(
        max_examples=examples, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )


def refused(use, data: bytes) -> bool:
    """Whether it was refused, by a sentence; anything but a VisitorError fails, and a process that ends, too."""
    started = time.monotonic()
    try:
        use(data)
    except Crashed:
        raise
    except VisitorError as error:
        assert str(error) and mutations.harmless(str(error)), str(error)
        return True
    finally:
        assert time.monotonic() - started < SECONDS
    return False


def see(data: bytes) -> None:
    loaded = images.read(data)
    assert loaded.image.dtype == np.uint8 and loaded.image.ndim == 3 and max(loaded.image.shape) <= images.MAX_SIDE
    assert all(map(mutations.harmless, loaded.notes))


def film(data: bytes) -> None:
    frame = frames.decode(base64.b64encode(data).decode())
    assert frame.dtype == np.uint8 and frame.shape[2] == 3 and max(frame.shape) <= frames.SIDE


def unpack(data: bytes) -> None:
    folders = archives.read_class_folders(data)
    assert all(map(mutations.harmless, (*folders.class_names, *folders.notes, *(file.name for file in folders.files))))
    for batch in folders.batches(8, (16, 16)):
        assert batch.images.shape[1:] == (16, 16, 3) and all(map(mutations.harmless, batch.skipped))


def admit(data: bytes) -> None:
    gallery = Gallery.load(data)
    gallery.nearest(np.zeros(128))
    assert len(Gallery.load(gallery.export())) == len(gallery)


def augment(data: bytes) -> None:
    pipeline = augmentation.Pipeline.from_json(data)
    picture, draws = pipeline.sample(PICTURE, 0)
    assert picture.shape == PICTURE.shape and all(map(str, draws))
    ast.parse(pipeline.to_keras_code())


def load_back(data: bytes) -> None:
    head, _ = export.load_back(data)
    assert np.isfinite(head.kernel).all() and len(head.classes) == head.kernel.shape[1]


def open_keras(data: bytes) -> None:
    """What is done with a `.keras` file before Keras has it: here, and in a process beside."""
    keras_file.checked(data)
    with tempfile.TemporaryDirectory() as folder:
        file = own.RUNNER.ask("cnndemo.architectures.keras_file:write_anew", data, Path(folder))
        assert keras_file.checked(file.read_bytes()) and list(Path(folder).iterdir()) == [file]


def open_onnx(data: bytes) -> None:
    seen(own.look("uploaded.onnx", data, PICTURE, "0 to 1"))


def seen(found: own.Own) -> None:
    """What is told of a network can be shown."""
    assert all(map(mutations.harmless, (*found.notes, found.takes, found.gives)))
    assert all(mutations.harmless(layer.name + layer.arithmetic) for layer in found.layers)
    assert all(len(layer.name) < 100 and len(layer.arithmetic) < 200 for layer in found.layers)


def open_in_keras(data: bytes) -> None:
    seen(own.look("uploaded.keras", data, PICTURE, "0 to 1"))


def load(data: bytes) -> None:
    inference.load(data, "uploaded")


REPACKED = mutations.repacked(mutations.keras_files)
DESCRIBED = mutations.altered(mutations.descriptions, mutations.PARTS).map(mutations.described)
REWRITTEN = mutations.altered(mutations.graphs, mutations.PARTS).map(mutations.written)
KINDS = {
    "pictures": (mutations.damaged(mutations.pictures), see, 400),
    "frames": (mutations.damaged(lambda: {"frame": mutations.pictures()["jpeg"]}), film, 150),
    "archives": (mutations.damaged(mutations.archives), unpack, 150),
    "people": (mutations.altered(mutations.people), admit, 200),
    "pipelines": (mutations.altered(mutations.pipelines), augment, 150),
    "models": (mutations.damaged(mutations.models), load_back, 150),
    "keras": (mutations.damaged(mutations.keras_files) | REPACKED | DESCRIBED, open_keras, 200),
    "onnx": (mutations.damaged(mutations.onnx_files) | REWRITTEN, open_onnx, 200),
    "sessions": (mutations.damaged(mutations.onnx_files), load, 60),
}


def work_through(kind: str, examples: int | None = None) -> None:
    strategy, use, few = KINDS[kind]

    @some(examples or few)
    @given(strategy)
    def each(file: tuple[str, bytes]) -> None:
        refused(use, file[1])

    each()


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_files_are_used_or_refused_with_a_sentence(kind):
    work_through(kind)


def held() -> float:
    """Megabytes of this process and of those that it asks."""
    return sum(megabytes(pid) for pid in (os.getpid(), own.RUNNER.pid, worker.pid()) if pid)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("kind", KINDS)
def test_twenty_thousand_of_each_in_bounded_memory(kind):
    work_through(kind, 300)
    before = held()
    work_through(kind, MANY)
    assert held() - before < MEGABYTES


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_two_thousand_networks_that_keras_itself_opens():
    """Fewer, since a network takes Keras a fifth of a second."""
    assert not refused(open_in_keras, mutations.keras_files()["chain"])
    before = held()

    @some(2000)
    @given(REPACKED | DESCRIBED)
    def each(file: tuple[str, bytes]) -> None:
        refused(open_in_keras, file[1])

    each()
    assert held() - before < MEGABYTES
    worker.end()


def test_the_corpus_itself_is_used():
    """Or the mutations would only ever show that nonsense is nonsense."""
    for data in mutations.pictures().values():
        assert not refused(see, data)
    assert not refused(film, mutations.pictures()["jpeg"])
    for data in mutations.archives().values():
        assert not refused(unpack, data)
    for data in mutations.models().values():
        assert not refused(load_back, data)
    for data in mutations.keras_files().values():
        assert not refused(open_keras, data)
    for data in mutations.onnx_files().values():
        assert not refused(open_onnx, data) and not refused(load, data)
    for name, data in mutations.graphs().items():
        assert not refused(open_onnx, mutations.written((name, json.dumps(data).encode()))[1])
    assert not refused(admit, json.dumps(mutations.people()["people"]).encode())
    assert not refused(augment, json.dumps(mutations.pipelines()["every"]).encode())
