"""Data and training of the segmentation networks, on invented pictures."""

import zipfile
from dataclasses import replace

import cv2
import keras
import numpy as np
import pytest

from cnndemo import pet_segmentation
from cnndemo.pet_segmentation import metrics
from tests.scripts import eager
from tests.tiny import drawn, encode
from train import pet_segmentation as training
from train import pet_squares
from train.datasets import oxford_pets
from train.schedules import Clock


@pytest.fixture
def data_dir(tmp_path):
    names = [f"Abyssinian_{number}" for number in range(12)] + ["pug_1"]
    with zipfile.ZipFile(tmp_path / "oxford_pets.zip", "w") as archive:
        for number, name in enumerate(names):
            image, trimap = drawn(number, 300, 400) if number == 1 else drawn(number)
            archive.writestr(f"images/{name}.jpg", encode(image, "JPEG"))
            if name != "Abyssinian_11":
                archive.writestr(f"annotations/trimaps/{name}.png", encode(trimap, "PNG"))
        archive.writestr("annotations/trainval.txt", "".join(f"{name} 1 1 1\n" for name in names[:11]))
        archive.writestr("annotations/trainval_without_trimap.txt", "Abyssinian_11 1 1 1\n")
        archive.writestr("annotations/test.txt", "#Image CLASS-ID SPECIES BREED-ID\npug_1 26 2 18\n")
    return tmp_path


def test_the_loader_keeps_the_official_splits_apart(data_dir):
    pets = oxford_pets.load(data_dir)
    assert pets.splits() == {"train": 9, "validation": 2, "test": 1, "unlabelled": 1}
    splits = [{example.name for example in part} for part in (pets.train, pets.validation, pets.test, pets.unlabelled)]
    assert len(set.union(*splits)) == 13
    assert pets.test[0].species == "dog" and pets.test[0].breed == "pug"
    assert pets.unlabelled[0].trimap is None
    assert set(np.unique(pets.train[1].trimap)) == {1, 2, 3}


def test_the_loader_shrinks_large_pictures_with_their_trimap(data_dir):
    large = next(example for example in oxford_pets.load(data_dir, short_side=150).train if example.name.endswith("_1"))
    assert large.image.shape == (150, 200, 3) and large.trimap.shape == (150, 200)
    assert set(np.unique(large.trimap)) <= {1, 2, 3}


def test_without_data_and_network_it_says_what_to_put_where(tmp_path, monkeypatch):
    monkeypatch.setattr(oxford_pets, "URL", "file:///nowhere/")
    with pytest.raises(SystemExit, match=r"images\.tar\.gz is missing"):
        oxford_pets.load(tmp_path)


def squares(augmentation, count: int = 8, size: int = 32, **options):
    return pet_squares.Squares([drawn(seed) for seed in range(count)], size, 4, augmentation, **options)


def changed(batch, size: int) -> tuple[np.ndarray, np.ndarray]:
    """What a network sees of a batch, and its targets."""
    return tuple(np.asarray(part) for part in pet_squares.Change(size)(*batch[0].values()))


@pytest.mark.parametrize("name", pet_segmentation.LEFT_OUT)
def test_picture_and_labels_move_together(name):
    batches = squares(pet_squares.LEFT_OUT[name], size=64)
    for pictures, targets in (changed(batches[index], 64) for index in range(len(batches))):
        for picture, target in zip(pictures, targets, strict=True):
            counts = target.sum(axis=-1) > 0.99
            pet = target[..., 0] > 0.9
            ground = target[..., 1] > 0.9
            if pet.sum() > 20:
                luma = picture.mean(axis=-1)
                assert luma[pet & counts].min() > luma[ground & counts].max() - 5


def test_pictures_travel_as_bytes():
    inputs, labels = squares(pet_squares.FULL)[0]
    assert {name: (array.dtype.name, array.shape) for name, array in inputs.items()} == {
        "picture": ("uint8", (4, 45, 45, 3)),
        "target": ("uint8", (4, 45, 45, 3)),
        "matrix": ("float32", (4, 8)),
        "colour": ("float32", (4, 3, 4)),
    }
    assert len(labels) == 4


def test_pixels_outside_the_picture_do_not_count():
    pictures, targets = changed(squares(None)[0], 32)
    bars = targets.sum(axis=-1) == 0
    assert bars[:, :3].all() and bars[:, -3:].all() and not bars[:, 8:24].any()
    np.testing.assert_allclose(pictures[bars], pet_segmentation.FILL, atol=1e-3)


def test_serving_and_validation_see_the_same_square():
    image, trimap = drawn(3)
    net = replace(pet_segmentation.NETWORKS["book"], size=64)
    served, _ = pet_segmentation.prepare(image, net)
    seen = changed(pet_squares.Squares([(image, trimap)], 64, 1)[0], 64)[0][0]
    assert np.abs(served - seen * net.scale).mean() < 0.01


def test_the_change_is_that_of_opencv():
    """Each picture under its map and its colours, as `cv2.warpAffine` and `cv2.transform` would change it."""
    random, size = np.random.default_rng(4), 64
    pairs = [drawn(seed, 40, 56) for seed in range(6)]
    batches = pet_squares.Squares(pairs, size, 6, pet_squares.FULL)
    matrices = pet_squares.maps(np.full((6, 2), (40, 56)), size, pet_squares.FULL, random)
    colours = pet_squares.colours(6, 0.35, random)
    inputs = batches[0][0] | {"matrix": pet_squares.inverse(matrices), "colour": colours}
    fill = (pet_segmentation.FILL,) * 3
    pictures, targets = changed((inputs, None), size)
    for place, number in enumerate(batches.rows(0)):
        image, trimap = pairs[number]
        moved = cv2.warpAffine(image, matrices[place], (size, size), flags=cv2.INTER_LINEAR, borderValue=fill)
        assert np.abs(cv2.transform(moved, colours[place]) - pictures[place]).mean() < 1.5
        hot = (trimap[..., None] == np.array((1, 2, 3))).astype(np.uint8) * 255
        moved = cv2.warpAffine(hot, matrices[place], (size, size), flags=cv2.INTER_LINEAR, borderValue=(0, 0, 0))
        assert np.abs(moved / 255 - targets[place]).mean() < 0.005


def test_epochs_differ_and_seeds_repeat():
    one, again, other = (squares(pet_squares.FULL, seed=seed) for seed in (1, 1, 2))
    for name in ("picture", "matrix", "colour"):
        first = one[0][0][name]
        np.testing.assert_array_equal(first, again[0][0][name])
        assert not np.array_equal(first, other[0][0][name])
    first = one[0][0]["matrix"]
    one.on_epoch_end()
    assert not np.array_equal(one[0][0]["matrix"], first)


def test_a_teachers_probabilities_are_targets_too():
    image, trimap = drawn(0)
    soft = np.full((*trimap.shape, 3), 85, np.uint8)
    _, targets = changed(pet_squares.Squares([(image, soft)], 32, 1)[0], 32)
    np.testing.assert_allclose(targets[0, 16, 16], 1 / 3, atol=0.01)


def test_the_loss_falls_towards_the_truth_and_skips_the_bars():
    truth = np.zeros((1, 4, 4, 3), "float32")
    truth[0, :2, :, 0] = 1
    right = np.full_like(truth, 0.05)
    right[..., 0] = 0.9
    unsure = np.full_like(truth, 1 / 3)
    assert float(pet_squares.loss(truth, right)) < float(pet_squares.loss(truth, unsure))
    elsewhere = right.copy()
    elsewhere[0, 2:] = (0.05, 0.05, 0.9)
    assert float(pet_squares.loss(truth, elsewhere)) == pytest.approx(float(pet_squares.loss(truth, right)))


def test_the_training_scores_are_those_of_the_card():
    random = np.random.default_rng(0)
    truth, predicted = random.integers(1, 4, (2, 2, 20, 20))
    hot = np.eye(3, dtype="float32")[truth - 1]
    hot[:, :5] = 0
    answers = np.eye(3, dtype="float32")[predicted - 1]
    table = metrics.confusion(np.where(np.arange(20)[:, None] < 5, 0, truth), predicted)
    expected = (np.trace(table) / table.sum(), metrics.mean_jaccard(table), metrics.class_jaccard(table)[0])
    for score, value in zip(pet_squares.scores(), expected, strict=True):
        score.update_state(None, np.concatenate([answers, hot], axis=-1))
        assert float(score.result()) == pytest.approx(value, rel=1e-5)


def test_the_report_agrees_with_the_metrics_and_ranks_the_pictures():
    image, trimap = drawn(5)
    examples = [oxford_pets.Example(f"{breed}_1", image, trimap, "cat") for breed in ("Bengal", "pug")]
    perfect, swapped = trimap, np.where(trimap == 1, 2, trimap).astype(np.uint8)
    report = training.report([training._row(examples[0], perfect), training._row(examples[1], swapped)])
    values = {figure["name"]: figure["value"] for figure in report["metrics"]}
    assert values["mean Jaccard of the classes, three big breeds"] == 1
    assert values["Jaccard of pet, other breeds"] == 0
    assert values["pixel accuracy"] == pytest.approx((1 + np.mean(trimap != 1)) / 2, abs=1e-4)
    assert report["worst"][0]["name"] == "pug_1" and "taken for surroundings" in report["worst"][0]["what"]
    assert report["best"][0] | {"what": ""} == report["best"][0] | {"what": "", "pet_jaccard": 1.0}


def test_an_interrupted_training_goes_on_from_its_checkpoint(tmp_path, monkeypatch):
    eager(monkeypatch)

    def run(epochs: int, resume: bool):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(3, 3, padding="same")])
        model.add(keras.layers.Softmax())
        arguments = training.options().parse_args(["--batch-size", "4", "--run-dir", str(tmp_path)])
        arguments.resume = resume
        examples = [drawn(seed) for seed in range(8)]
        part = 32, 1 / 255, arguments, "part", epochs, 1e-2, Clock(None)
        return training.train_stage(model, (examples, examples), *part)

    first, second = run(2, resume=False), run(3, resume=True)
    assert [row["epoch"] for row in second] == [0, 1, 2] and second[:2] == first
    assert second[2]["loss"] < second[1]["loss"] < second[0]["loss"], "a start from scratch would begin at the top"
