"""Reading CIFAR-10 and augmenting its pictures for ResNet-20."""

import hashlib
import io
import tarfile
import zipfile
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image

from cnndemo.models.resnet20 import CLASSES, MEAN, ONE_LOOK
from tests.conftest import encode
from tests.scripts import eager
from train import distribution, resnet20
from train.datasets import cifar10, oxford_breeds


def test_loads_a_zip_of_class_folders(tmp_path):
    with zipfile.ZipFile(tmp_path / "cifar10.zip", "w") as archive:
        for number, name in enumerate(CLASSES):
            jpeg = encode(Image.new("RGB", (32, 32), (20 * number, 90, 30)), "JPEG")
            for split in ("train", "test"):
                archive.writestr(f"{split}/{name}/0000.jpg", jpeg)
            archive.writestr(f"train/{name}/0001.jpg", jpeg)
    train, validation, test = cifar10.load(tmp_path, validation=4)
    assert [part[0].shape for part in (train, validation, test)] == [(n, 32, 32, 3) for n in (16, 4, 10)]
    for x, y in (train, validation, test):
        assert np.abs(x[:, 16, 16, 0].astype(int) - 20 * y.astype(int)).max() < 8, "red tells the class"


def test_loads_the_official_binary_archive(tmp_path, monkeypatch):
    random = np.random.default_rng(0)
    pictures = random.integers(0, 256, (40, 32, 32, 3)).astype(np.uint8)
    labels = np.arange(40, dtype=np.uint8) % 10
    rows = np.concatenate([labels[:, None], pictures.transpose(0, 3, 1, 2).reshape(40, -1)], axis=1).tobytes()
    with tarfile.open(tmp_path / cifar10.FILE, "w:gz") as archive:
        for name, data in (("data_batch_1.bin", rows[: 30 * 3073]), ("test_batch.bin", rows[30 * 3073 :])):
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    with pytest.raises(SystemExit, match="not the official file"):
        cifar10.load(tmp_path, validation=1)
    monkeypatch.setattr(cifar10, "SHA256", hashlib.sha256((tmp_path / cifar10.FILE).read_bytes()).hexdigest())
    train, validation, (x, y) = cifar10.load(tmp_path, validation=1)
    assert (len(train[0]), len(validation[0])) == (29, 1)
    np.testing.assert_array_equal(x, pictures[30:])
    assert y.tolist() == labels[30:].tolist()


def test_without_data_and_network_the_file_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(cifar10, "URL", "http://127.0.0.1:9/nothing")
    with pytest.raises(SystemExit, match=cifar10.FILE):
        cifar10.load(tmp_path)


def test_breeds_are_read_from_all_four_lists(tmp_path):
    jpeg = encode(Image.new("RGB", (50, 40), (9, 9, 9)), "JPEG")
    names = {"trainval": ["Abyssinian_1", "pug_1"], "trainval_without_trimap": ["Abyssinian_2", "pug_2"]}
    names |= {"test": ["pug_3"], "test_without_trimap": ["american_bulldog_1"]}
    with zipfile.ZipFile(tmp_path / "oxford_pets.zip", "w") as archive:
        for split, members in names.items():
            archive.writestr(f"annotations/{split}.txt", "#comment\n" + "".join(f"{name} 1 1 1\n" for name in members))
            for name in members:
                archive.writestr(f"images/{name}.jpg", jpeg)
    train, validation, test, breeds = oxford_breeds.load(tmp_path, held_out=2)
    assert breeds == ["Abyssinian", "american_bulldog", "pug"]
    assert (train[1].tolist(), validation[1].tolist(), test[1].tolist()) == ([0, 2], [0, 2], [2, 1])
    assert train[0][0].shape == (40, 50, 3)


def test_hidden_squares_have_the_asked_size_and_a_mean_grey():
    pictures = np.zeros((40, 32, 32, 3), np.float32)
    flip, hide = resnet20.augmentation(seed=1, cutout=10)
    hidden = np.asarray(hide(pictures, training=True))
    areas = (hidden[..., 0] > 0).sum(axis=(1, 2))
    assert areas.min() >= 81 and areas.max() <= 121
    np.testing.assert_allclose(hidden[hidden[..., 0] > 0], np.mean(MEAN), rtol=1e-5)
    corners = {tuple(np.argwhere(picture[..., 0] > 0)[0]) for picture in hidden}
    assert len(corners) > 30, "each picture has a place of its own"
    assert len(resnet20.augmentation(seed=1, cutout=0)) == 1
    assert not np.asarray(hide(pictures, training=False)).any()


def test_half_of_the_pictures_are_mirrored():
    pictures = np.zeros((60, 32, 32, 3), np.float32)
    pictures[:, :, :16] = 9
    flip = resnet20.augmentation(seed=1, cutout=10)[0]
    mirrored = np.asarray(flip(pictures, training=True))[:, 0, 0, 0] == 0
    assert 15 < mirrored.sum() < 45


def test_training_batches_change_each_epoch_and_repeat_with_the_seed():
    x = np.random.default_rng(0).integers(0, 256, (30, 32, 32, 3)).astype(np.uint8)
    y = np.arange(30) % 10
    first, second = (resnet20.Pictures(x, y, 8, seed=3, mixup=0.4) for _ in range(2))
    assert len(first) == 3 and first[1][0].dtype == np.uint8 and first[1][0].shape == (8, 32, 32, 3)
    assert ((first[1][1] > 0).sum(axis=1) > 1).any(), "two pictures are blended"
    np.testing.assert_array_equal(first[1][0], second[1][0])
    np.testing.assert_allclose(first[1][1].sum(axis=1), 1, atol=1e-6)
    second.on_epoch_end()
    assert not np.array_equal(first[1][0], second[1][0])
    plain = resnet20.Pictures(x, y, 8)
    assert len(plain) == 4
    np.testing.assert_array_equal(np.concatenate([plain[i][0] for i in range(4)]), x)


def test_figures_are_of_ten_looks_and_of_one():
    class Model:
        """Sure of what the left half says, a little of what the right half says: class = brightness / 10."""

        @staticmethod
        def predict_on_batch(x):
            left, right = (np.eye(10)[(half.mean(axis=(1, 2, 3)) / 10).astype(int)] for half in np.split(x, 2, axis=2))
            return 0.6 * left + 0.4 * right

    x = np.zeros((3, 32, 32, 3), np.uint8)
    x[0], x[1, :, :16], x[2, :, 16:] = 25, 38, 49
    metrics = resnet20.figures(Model, x, np.array([2, 3, 0]), batch_size=2)
    assert [(metric["name"], metric["samples"]) for metric in metrics] == [("accuracy", 3), (ONE_LOOK, 3)]
    assert metrics[1]["value"] == 1
    # With the mirror images the halves weigh the same, so 0 and 3, or 0 and 4, are a draw that the smaller class
    # wins; moved by two pixels, the halves still say the same.
    assert metrics[0]["value"] == pytest.approx(2 / 3, abs=1e-5)


def test_averaged_weights_are_the_mean_of_the_files(tmp_path):
    import keras

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    files = [tmp_path / f"{value}.weights.h5" for value in (1, 3, 8)]
    for value, file in zip((1, 3, 8), files, strict=True):
        model.set_weights([np.full(w.shape, value, np.float32) for w in model.get_weights()])
        model.save_weights(file)
    for values in resnet20.mean_weights(files, model):
        np.testing.assert_allclose(values, 4)


def test_statistics_of_normalization_are_measured_anew():
    import keras

    model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.BatchNormalization(momentum=0.9)])
    x = np.random.default_rng(0).integers(0, 256, (40, 32, 32, 3)).astype(np.uint8)
    x[..., 1] //= 4
    resnet20.measure_statistics(model, model, resnet20.Pictures(x, np.arange(40) % 10, 10))
    layer = model.layers[-1]
    assert layer.momentum == 0.9
    np.testing.assert_allclose(layer.moving_mean, x.mean(axis=(0, 1, 2)), rtol=1e-4)
    batches = x.reshape(4, -1, 3).astype(np.float32)
    np.testing.assert_allclose(layer.moving_variance, batches.var(axis=1).mean(axis=0), rtol=1e-3)


def test_averaging_measures_its_statistics_on_whole_batches(run, monkeypatch):
    """Among two devices batches of 21 are of 20, but only while they are trained on."""

    @contextmanager
    def two(model, variables):
        yield 2

    eager(monkeypatch)
    monkeypatch.setattr(distribution, "_mirrored", two)
    seen = []
    monkeypatch.setattr(
        resnet20, "measure_statistics", lambda network, model, pictures: seen.append(len(pictures[0][1]))
    )
    run("resnet20", "--epochs", "1", "--batch-size", "21", "--average", "1", "--distribute", "mirrored")
    assert seen == [21]


@pytest.mark.parametrize("mixup", [0, 0.2])
def test_a_process_cuts_the_pictures_of_its_share(mixup, monkeypatch):
    """Two halves make the batch that one process sees; only pairs that are blended need the other half."""
    x, y = np.random.default_rng(0).integers(0, 256, (12, 32, 32, 3)).astype(np.uint8), np.arange(12) % 10
    whole, cut = resnet20.Pictures(x, y, 8, seed=1, mixup=mixup)[0], []
    crops = resnet20.crops
    monkeypatch.setattr(resnet20, "crops", lambda padded, *more: cut.append(len(padded)) or crops(padded, *more))
    halves = []
    for process in range(2):
        pictures = resnet20.Pictures(x, y, 8, seed=1, mixup=mixup)
        pictures.share(process, 2, 2)
        halves.append(pictures[0])
    for part in range(2):
        np.testing.assert_array_equal(np.concatenate([half[part] for half in halves]), whole[part])
    assert cut == ([8, 8] if mixup else [4, 4])
