"""The train scripts of the siamese networks, on a handful of digits."""

import sys

import numpy as np
import pytest

from cnndemo import images, siamese, weights
from train import siamese as script
from train import triplet


@pytest.fixture(autouse=True)
def few_digits(monkeypatch):
    monkeypatch.setattr(script.mnist, "COUNTS", {"train": 395, "test": 200})


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """A small MNIST: 400 digits to train on, of which 100 ship with the gallery, and 200 to test on."""
    folder = tmp_path_factory.mktemp("mnist")
    x, y = images.digits()
    shipped = x[::50], y[::50]
    new = np.flip(x[1::17][:300], axis=2).copy(), y[1::17][:300]  # mirrored, so that they do not ship
    np.savez(
        folder / "mnist.npz",
        x_train=np.concatenate([new[0], shipped[0]]),
        y_train=np.concatenate([new[1], shipped[1]]),
        x_test=x[7::25],
        y_test=y[7::25],
    )
    return folder


def arguments(data_dir, *more):
    return script.arguments_of("", "siamese").parse_args(["--data-dir", str(data_dir), *more])


def test_what_ships_is_not_trained_on(data_dir):
    (x, y), validation, test = script.load(arguments(data_dir))
    shipped = {digit.tobytes() for digit in images.digits()[0]}
    assert len(x) == len(y) > 250 and not any(digit.tobytes() in shipped for digit in x)
    assert len(validation[0]) == 5000 and len(test[0]) == 200


def test_augmentation_moves_a_digit_a_little():
    digit = np.zeros((28, 28), np.uint8)
    digit[8:20, 12:16] = 255
    several = script.augment(np.repeat(digit[None], 50, axis=0), np.random.default_rng(0))
    assert several.shape == (50, 28, 28) and several.dtype == np.uint8
    assert len({one.tobytes() for one in several}) == 50
    rows, columns = np.mgrid[0:28, 0:28]
    for one in several:
        mass = one.sum(dtype=float)
        assert abs((one * rows).sum() / mass - 13.5) < 3 and abs((one * columns).sum() / mass - 13.5) < 3
        assert 0.7 < mass / digit.sum() < 1.4
    again = script.augment(np.repeat(digit[None], 50, axis=0), np.random.default_rng(0))
    assert (several == again).all()


def test_the_eight_positions_of_a_digit_differ_and_keep_its_ink():
    digit = images.digits()[0][1000]
    placed = script.place(np.repeat(digit[None], 8, axis=0), np.arange(8))
    assert (placed[0] == digit).all() and (placed[4] == digit[:, ::-1]).all() and (placed[2] == digit[::-1, ::-1]).all()
    assert len({one.tobytes() for one in placed}) == 8
    assert (placed.sum(axis=(1, 2)) == digit.sum()).all()


@pytest.mark.parametrize("positions", [False, True])
def test_batches_are_shuffled_whole_and_the_same_for_a_seed(positions):
    x, y = images.digits()
    one, same = (script.Digits(x[::10], y[::10], 64, 3, True, positions) for _ in range(2))
    assert len(one) == 7
    for index in (0, 6):
        (a, labels), (b, other) = one[index], same[index]
        assert a.shape == (64, 28, 28, 1) and a.dtype == np.uint8
        assert (a == b).all() and (labels == other).all()
        assert (labels.max() > 9) == positions
    before = one[0][1]
    one.on_epoch_end()
    assert not (one[0][1] == before).all()


@pytest.mark.parametrize(("module", "name"), [(script, "siamese_holdout"), (triplet, "triplet_holdout")])
def test_a_run_writes_weights_and_a_card(module, name, data_dir, tmp_path, monkeypatch):
    monkeypatch.setattr(script, "PAIRS", 200)
    monkeypatch.setattr(script.intervals, "bootstrap", lambda *_: [0.0, 1.0])
    few_shot = siamese.few_shot
    monkeypatch.setattr(siamese, "few_shot", lambda *a: few_shot(*a, draws=3))
    options = ["--epochs", "1", "--batch-size", "32", "--hold-out", "7", "--positions"]
    folders = ["--data-dir", str(data_dir), "--weights-dir", str(tmp_path / "w"), "--run-dir", str(tmp_path / "r")]
    monkeypatch.setattr(sys, "argv", ["train", *options, *folders])
    module.main()
    monkeypatch.setattr(weights, "WEIGHTS_DIR", tmp_path / "r" / "results")
    card = weights.card(name)
    assert card["hold_out"] == 7 and card["positions"] and card["threshold"] > 0
    assert card["command"] == f"python -m train.{name.removesuffix('_holdout')} " + " ".join(options) + " --publish"
    assert {"1-shot accuracy, new class 7", "pair accuracy", "ROC-AUC"} <= {m["name"] for m in card["metrics"]}
    assert str(tmp_path) not in str(card)
    model = weights.load(name)
    assert model.output_shape == (None, 128)
