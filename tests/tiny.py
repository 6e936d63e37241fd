"""Data sets of a handful of examples, on which every train script runs in seconds.

python -m tests.tiny siamese --epochs 3 --data-dir tiny      # a script in a process of its own, shrunk alike
python -m tests.tiny siamese ... -- triplet ...              # several in turn
"""

from __future__ import annotations

import importlib
import io
import itertools
import os
import signal
import sys
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

BREEDS = ("Abyssinian", "Bengal", "pug")


def encode(array: np.ndarray, kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, kind)
    return buffer.getvalue()


def mnist(folder: Path) -> None:
    """160 digits to train on, of which 60 ship with the gallery, and 200 to test on."""
    from cnndemo import images

    x, y = images.digits()
    new = np.flip(x[1::50], axis=2)  # mirrored, so that they do not ship
    np.savez(
        folder / "mnist.npz",
        x_train=np.concatenate([new, x[::50][:60]]),
        y_train=np.concatenate([y[1::50], y[::50][:60]]),
        x_test=x[7::25],
        y_test=y[7::25],
    )


def cifar10(folder: Path, train: int = 6, test: int = 2) -> None:
    """So many pictures a class: noise in a colour of its own."""
    from cnndemo.models.resnet20 import CLASSES

    random = np.random.default_rng(0)
    with zipfile.ZipFile(folder / "cifar10.zip", "w") as archive:
        for number, name in enumerate(CLASSES):
            for split, count in (("train", train), ("test", test)):
                for index in range(count):
                    noise = random.integers(0, 60, (32, 32, 3)) + (20 * number, 90, 180 - 18 * number)
                    archive.writestr(f"{split}/{name}/{index:04}.jpg", encode(noise.astype(np.uint8), "JPEG"))


def drawn(seed: int, height: int = 48, width: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """A bright disc on dark ground, and its trimap."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    row, column, radius = random.uniform(16, 32), random.uniform(16, 48), random.uniform(8, 14)
    distance = np.hypot(rows - row, columns - column) - radius
    trimap = np.select([distance < -1.5, distance > 1.5], [1, 2], 3).astype(np.uint8)
    image = np.where(distance[..., None] < 0, (220, 180, 140), (20, 40, 60)).astype(np.uint8)
    return image, trimap


def pets(folder: Path, each: int = 6) -> None:
    """Discs for pets, of three breeds: so many to train on each, one without a trimap, and one to test on."""
    with zipfile.ZipFile(folder / "oxford_pets.zip", "w") as archive:
        lists: dict[str, list[str]] = {"trainval": [], "trainval_without_trimap": [], "test": []}
        for number, breed in enumerate(BREEDS):
            for index in range(each + 2):
                kind = "trainval" if index < each else "trainval_without_trimap" if index == each else "test"
                image, trimap = drawn(100 * number + index)
                archive.writestr(f"images/{breed}_{index}.jpg", encode(image, "JPEG"))
                if kind != "trainval_without_trimap":
                    archive.writestr(f"annotations/trimaps/{breed}_{index}.png", encode(trimap, "PNG"))
                lists[kind].append(f"{breed}_{index} {number + 1} 1 1\n")
        for kind, lines in lists.items():
            archive.writestr(f"annotations/{kind}.txt", "".join(lines))


PEOPLE = {  # picture of the data set -> the sample it is cut from, mirrored or not
    "Obama_0001": ("obama_1", False),
    "Obama_0002": ("obama_2", False),
    "Obama_0003": ("obama_3", False),
    "Biden_0001": ("biden_1", False),
    "Biden_0002": ("biden_1", True),
    "Astronaut_0001": ("astronaut", False),
    "Astronaut_0002": ("astronaut", True),
}
PAIRS = """3\t1
Obama\t1\t2
Obama\t1\tBiden\t1
Biden\t1\t2
Biden\t2\tObama\t3
Astronaut\t1\t2
Astronaut\t1\tObama\t3
"""


def lfw(folder: Path) -> None:
    """Portraits of three people who ship with the gallery, in three folds of a pair of each sort."""
    from cnndemo import images
    from cnndemo.face_detection import detect

    with zipfile.ZipFile(folder / "lfw_dev.zip", "w") as archive:
        archive.writestr("pairs.txt", PAIRS)
        for name, (sample, mirrored) in PEOPLE.items():
            image = images.sample(sample)
            box = max(detect(image), key=lambda found: found.area)
            (x, y), half = box.centre, 1.2 * box.height
            cut = Image.fromarray(image).crop((round(x - half), round(y - half), round(x + half), round(y + half)))
            portrait = np.asarray(cut.resize((250, 250)))
            portrait = np.ascontiguousarray(portrait[:, ::-1] if mirrored else portrait)
            archive.writestr(f"lfw/{name[:-5]}/{name}.jpg", encode(portrait, "JPEG"))


def make(folder: Path) -> Path:
    """All of them in one folder."""
    mnist(folder)
    cifar10(folder)
    pets(folder)
    lfw(folder)
    return folder


def serve(name: str, folder: Path) -> None:
    """In place of the export, which takes seconds and is tested elsewhere, a file and its line on the card."""
    from cnndemo import weights

    file = folder / f"{name}.onnx"
    file.write_bytes(b"served")
    about = {"file": file.name, "sha256": weights.sha256(file), "bytes": 6}
    weights.write_card(name, weights.card(name, folder) | {"onnx": about}, folder)


def backbone(size: int, folder: Path):
    """In place of EfficientNet, whose features take seconds: 1280 numbers from the colours of a picture's quarters."""
    import keras

    picture = keras.Input((size, size, 3))
    x = keras.layers.Flatten()(keras.layers.AveragePooling2D(size // 2)(picture))
    weights = keras.initializers.RandomUniform(-0.01, 0.01, seed=0)
    return keras.Model(picture, keras.layers.Dense(1280, "relu", kernel_initializer=weights)(x))


def segmenter(size: int, folded: bool = False):
    """In place of a U-Net: normalization, dropout, and a layer that stays as it is."""
    import keras
    from keras import layers

    frozen = layers.Conv2D(4, 3, padding="same", name="stem", trainable=False)
    x = layers.BatchNormalization(name="scaled")(frozen(picture := keras.Input((size, size, 3), name="picture")))
    x = layers.Dropout(0.2, name="drop")(layers.ReLU(name="relu")(x))
    answers = layers.Conv2D(3, 1, activation="softmax", dtype="float32", name="answers")(x)
    return keras.Model(picture, answers, name="segmenter")


def classifier(size: int, pretrained: bool, head=None, folder: Path | None = None):
    """In place of EfficientNet with a head."""
    import keras
    from keras import layers

    x = layers.Conv2D(8, 3, 4)(picture := keras.Input((size, size, 3)))
    x = layers.GlobalAveragePooling2D()(layers.ReLU()(layers.BatchNormalization()(x)))
    return keras.Model(picture, layers.Dense(10, "softmax", dtype="float32")(x))


FOUND: dict = {}


def found(sitters, folder: Path, networks: Path):
    """The faces of a folder, looked for once."""
    if folder not in FOUND:
        FOUND[folder] = sitters(folder, networks)
    return FOUND[folder]


def shrink(patch=setattr) -> None:
    """Make the scripts take such data sets, and leave out what takes long and is tested elsewhere."""
    import functools

    import train.cifar10_transfer
    import train.digit_classifier
    import train.digit_harvest
    import train.face_check
    import train.not_a_digit
    import train.pet_segmentation
    import train.pet_segmentation_pretrained
    import train.resnet20
    import train.robust_digits
    import train.siamese
    from cnndemo import images, siamese
    from cnndemo.models import resnet20, unet, unet_pretrained
    from cnndemo.resnet_transfer import small_pictures
    from train import common, digit_scenes, features, intervals
    from train.datasets import cifar10 as small
    from train.datasets import mnist as digits

    x, y = images.digits()
    few_shot, load, sitters = siamese.few_shot, small.load, train.face_check.sitters
    patch(images, "digits", lambda: (x[::50], y[::50]))
    patch(digits, "COUNTS", {"train": 160, "test": 200})
    patch(small, "load", lambda folder, validation=20, seed=0: load(folder, min(validation, 20), seed))
    patch(intervals, "bootstrap", lambda *_, **__: [0.0, 1.0])
    patch(common, "serve", serve)
    patch(features, "backbone", backbone)
    patch(siamese, "few_shot", lambda *given: few_shot(*given, draws=3))
    patch(train.siamese, "PAIRS", 200)
    patch(train.digit_classifier, "SCENES", 6)
    patch(train.digit_classifier, "VARIANTS", {"no second layer": (4,)})
    patch(resnet20, "build", functools.partial(resnet20.build, 1))
    patch(train.cifar10_transfer, "whole_network", classifier)
    patch(train.robust_digits, "STUDY", (0, 26))
    patch(train.robust_digits, "STUDY_DIGITS", 4)
    patch(train.robust_digits, "STEPS", 2)
    scaled = small_pictures.INPUTS["scaled to 96"]
    patch(small_pictures, "INPUTS", {"padded to 224": lambda pictures: pictures, "scaled to 96": scaled})
    patch(small_pictures, "size_of", lambda name: 96 if name == "scaled to 96" else 32)
    kinds, nothing = (dict(list(some.items())[:1]) for some in (digit_scenes.KINDS, digit_scenes.NOTHING))
    patch(digit_scenes, "NOTHING", nothing)
    patch(train.digit_harvest, "SCENES", kinds | nothing)
    patch(train.not_a_digit, "SCENES", kinds | nothing)
    patch(train.not_a_digit, "DRAWINGS", 60)
    patch(train.not_a_digit, "READ", 10)
    patch(train.face_check, "FOLDS", 1)
    patch(train.face_check, "sitters", lambda *folders: found(sitters, *folders))
    patch(train.face_check, "try_out", lambda *_: {})
    patch(train.face_check, "report", lambda trials: ([], {}))
    patch(train.pet_segmentation, "speed", lambda *_: {})
    patch(train.pet_segmentation, "_fill", lambda batch, size: batch)
    patch(unet, "build", segmenter)
    patch(unet_pretrained, "build", segmenter)
    patch(unet_pretrained, "fold", lambda model, size: model)


def strike(epoch: int) -> None:
    """Kill this process in the middle of writing the checkpoint of an epoch."""
    whole = np.savez

    def half(file, **arrays) -> None:
        whole(file, **arrays)
        if Path(file).name == f"epoch_{epoch:04}.npz":
            os.truncate(file, Path(file).stat().st_size // 2)
            os.kill(os.getpid(), signal.SIGKILL)

    np.savez = half


def terminate() -> None:
    """Send this process SIGTERM after its first batch."""
    from train import checkpoints

    end = checkpoints.Guard.end

    def struck(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        checkpoints.Guard.end = end
        end(self)

    checkpoints.Guard.end = struck


def mirrors(devices: int) -> None:
    """Let TensorFlow take the processor for so many devices."""
    import tensorflow as tf

    from train import checkpoints

    processor = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * devices)

    def tell(self, logs=None) -> None:
        """The seeds of random layers, of one after the other device."""
        for each in self.model.variables:
            if each.name == "seed_generator_state":
                print("seeds", *(int(copy.numpy()[0]) for copy in getattr(each.value, "values", [])))

    checkpoints.Guard.on_train_begin = tell


def note_writes(file: Path) -> None:
    """Note in a file, a path a line, what this process opens to write, renames and removes from now on."""
    notes = os.open(file, os.O_WRONLY | os.O_CREAT)

    def hear(event: str, given: tuple) -> None:
        writes = event == "open" and given[2] & (os.O_WRONLY | os.O_RDWR)
        for path in given[: 1 if writes else 2 if event == "os.rename" else event == "os.remove"]:
            os.write(notes, f"{path}\n".encode())

    sys.addaudithook(hear)


if __name__ == "__main__":
    shrink()
    if "CNNDEMO_TEST_WRITES" in os.environ:
        note_writes(Path(os.environ["CNNDEMO_TEST_WRITES"]))
    if "CNNDEMO_TEST_TERMINATE" in os.environ:
        terminate()
    if "CNNDEMO_TEST_STRIKE" in os.environ:
        strike(int(os.environ["CNNDEMO_TEST_STRIKE"]))
    if devices := int(os.environ.get("CNNDEMO_TEST_DEVICES", 0)):
        mirrors(devices)
    lines = [list(words) for more, words in itertools.groupby(sys.argv[1:], lambda word: word != "--") if more]
    for line in lines:
        sys.argv = line
        importlib.import_module(f"train.{line[0]}").main()
