"""The visitor's own classes: uploads, the head and its figures, fine-tuning, and the file to take home."""

import io
import json
import subprocess
import sys
import weakref
import zipfile

import numpy as np
import pytest
from PIL import Image

from cnndemo import images, worker
from cnndemo import resnet_transfer as transfer
from cnndemo.errors import VisitorError
from cnndemo.resnet_transfer import copies, export, finetune, logistic, teaching, uploads
from tests.conftest import GOLDEN, ROOT, encode
from tests.golden import leave_one_out

BACKBONE = "efficientnet_lite0"


@pytest.fixture(scope="module")
def network():
    return transfer.network(BACKBONE)


@pytest.fixture(scope="module")
def shots():
    return [shot for shot in uploads.ready_set("samples", each=6) if shot.label in ("Cat", "Coffee")]


@pytest.fixture(scope="module")
def taught(network, shots):
    features = teaching.features(shots, network)
    return features, teaching.fit_head(features, np.repeat([0, 1], 6), ("Cat", "Coffee"))


def png(value: int, side: int = 40) -> bytes:
    picture = np.random.default_rng(value).integers(0, 256, (side, side, 3)).astype(np.uint8)
    return images.png(picture)


def zipped(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def clouds(counts, size=40, distance=3.0, seed=0):
    """Features of classes that are far apart, float32 (n, 1, size), and labels."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(counts)), counts)
    centers = random.normal(size=(len(counts), size))
    centers *= distance / np.linalg.norm(centers, axis=1, keepdims=True)
    rows = centers[labels] + random.normal(size=(len(labels), size)) * 0.3
    return rows[:, None].astype(np.float32), labels


# The head


def test_head_separates_what_is_separable_and_its_loss_falls():
    features, labels = clouds((10, 10, 10))
    head = teaching.fit_head(features, labels, "abc")
    assert (head.probabilities(features[:, 0]).argmax(axis=1) == labels).all()
    assert head.losses[0] == pytest.approx(np.log(3))
    assert head.losses[-1] < 0.3 * head.losses[0]
    assert teaching.cross_validate(features, labels, "abc").accuracy == 1


@pytest.mark.parametrize("balanced", [True, False])
def test_head_is_the_minimum_of_its_loss(balanced):
    features, labels = clouds((8, 6), distance=0.6, seed=3)
    span, weights = logistic.span(features[:, 0]), logistic.weights(labels, balanced)
    kernel, bias, _ = logistic.solve(span.rows, labels, weights, 2)
    missed = (teaching.softmax(span.rows @ kernel + bias) - np.eye(2)[labels]) * weights[:, None] / weights.sum()
    scale = np.sqrt((span.rows**2).sum(axis=1).mean())
    assert np.abs(missed.sum(axis=0)).max() < 1e-8
    assert np.abs(span.rows.T @ missed / scale + logistic.DECAY * kernel * scale).max() < 1e-8
    np.testing.assert_allclose(span.rows @ span.directions + span.mean, features[:, 0], atol=1e-4)


@pytest.mark.parametrize("name", list(leave_one_out.CASES))
def test_leaving_one_out_equals_that_of_scikit_learn(name):
    *case, balanced = leave_one_out.CASES[name]
    features, labels = leave_one_out.data(*case)
    classes = [f"class {number}" for number in range(len(case[0]))]
    report = teaching.cross_validate(features[:, None], labels, classes, balanced)
    with np.load(GOLDEN / "leave_one_out.npz") as golden:
        np.testing.assert_allclose(report.probabilities, golden[name], atol=1e-6)
    assert logistic.DECAY == leave_one_out.DECAY


@pytest.mark.parametrize("each", [2, 3, 5, 8, 12, 40])
def test_noise_is_never_better_than_chance(each):
    labels, scores = np.repeat([0, 1], each), []
    for seed in range(4):
        noise = np.random.default_rng(seed).normal(size=(2 * each, 1, 1280)).astype(np.float32)
        scores.append(teaching.cross_validate(noise, labels, "ab").accuracy)
    assert np.mean(scores) < 0.6


@pytest.mark.parametrize("counts", [(5, 50), (3, 30), (4, 8, 40)])
def test_uneven_classes_that_lie_apart_are_told_apart(counts):
    features, labels = clouds(counts, size=300, distance=6.0)
    report = teaching.cross_validate(features, labels, "abc"[: len(counts)])
    assert report.accuracy > 0.95 and report.balanced_accuracy > 0.9


def test_a_class_of_one_has_no_figure_but_a_sentence():
    features, labels = clouds((1, 10, 6), distance=6.0)
    report = teaching.cross_validate(features, labels, ["few", "many", "some"])
    assert report.judged.tolist() == [False] + [True] * 16 and report.answers[0] == -1
    assert report.accuracy == 1 and report.balanced_accuracy == 1 and report.matrix.tolist()[0] == [0, 0, 0]
    assert len(report.notes) == 1 and "“few”" in report.notes[0]


def test_two_classes_of_one_have_no_figure_at_all():
    features, labels = clouds((1, 1))
    report = teaching.cross_validate(features, labels, "ab")
    assert np.isnan(report.accuracy) and np.isnan(report.balanced_accuracy)
    assert len(report.notes) == 1 and "“a” and “b” have only one picture" in report.notes[0]


def test_copies_are_left_out_together():
    noise = np.random.default_rng(0).normal(size=(10, 1, 200)).astype(np.float32)
    twice, labels = np.concatenate([noise, noise]), np.tile(np.repeat([0, 1], 5), 2)
    assert teaching.cross_validate(twice, labels, "ab").accuracy == 1, "the leak that groups close"
    for scheme in (1, 2):
        features = np.repeat(twice, scheme, axis=1)
        assert teaching.cross_validate(features, labels, "ab", groups=np.arange(20) % 10).accuracy <= 0.7


# Copies


def busy(seed: int, height: int = 90, width: int = 121) -> np.ndarray:
    """A picture with large and small things in it, unlike any other seed's."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (7, 9, 3)).astype(np.uint8))
    fine = random.integers(-20, 20, (height, width, 3))
    return np.clip(np.asarray(coarse.resize((width, height))) + fine, 0, 255).astype(np.uint8)


def resaved(image: np.ndarray, quality: int) -> np.ndarray:
    return images.load(encode(Image.fromarray(image), "JPEG", quality=quality))


def resized(image: np.ndarray, factor: float) -> np.ndarray:
    height, width = image.shape[:2]
    return np.asarray(Image.fromarray(image).resize((round(width * factor), round(height * factor))))


COPIES = {
    "saved again": lambda image: resaved(image, 30),
    "half": lambda image: resized(image, 0.5),
    "twice": lambda image: resized(image, 2.2),
    "mirrored": lambda image: image[:, ::-1],
    "upside down": lambda image: image[::-1],
    "quarter turn": lambda image: np.rot90(image),
    "all at once": lambda image: resaved(resized(image[:, ::-1], 0.6), 60),
}


@pytest.mark.parametrize("kind", list(COPIES))
def test_a_copy_is_known(kind):
    for seed in range(5):
        image = busy(seed)
        looks = [copies.look(each) for each in (busy(100), image, np.ascontiguousarray(COPIES[kind](image)))]
        assert copies.pairs(looks) == [(1, 2)]


def test_different_pictures_are_no_copies():
    assert copies.pairs([copies.look(busy(seed)) for seed in range(40)]) == []
    assert copies.pairs([shot.look for name in uploads.READY_SETS for shot in uploads.ready_set(name)]) == []
    assert copies.pairs([]) == copies.pairs([copies.look(busy(0))]) == []


def test_plain_pictures_are_copies_if_they_have_one_colour():
    plain = [np.full((9, 9, 3), color, np.uint8) for color in ((255, 0, 0), (0, 0, 255), (255, 0, 0), (76, 76, 76))]
    assert copies.pairs([copies.look(each) for each in plain]) == [(0, 2)]


def test_copies_among_uploads_are_told_and_belong_together():
    files = [(f"{n}.png", lambda n=n: images.png(busy(n))) for n in range(3)]
    files += [
        ("again.jpg", lambda: images.png(resaved(busy(1), 50))),
        ("flip.png", lambda: images.png(busy(1)[:, ::-1])),
    ]
    shots, _ = uploads.add_files([], files, "a")
    groups, notes = teaching.related(shots)
    assert groups[1] == groups[3] == groups[4] and len(set(groups)) == 3
    assert len(notes) == 1 and "“again.jpg” is a copy of “1.png”" in notes[0] and "“flip.png”" in notes[0]
    assert teaching.related(shots[:3])[1] == ()


def test_crops_of_one_photograph_never_judge_each_other():
    shots = uploads.ready_set("samples", each=2)
    groups, _ = teaching.related(shots)
    assert len(set(groups)) == 4
    features = np.random.default_rng(0).normal(size=(8, 1, 50)).astype(np.float32)
    labels = teaching.numbers(shots, classes := list(dict.fromkeys(shot.label for shot in shots)))
    report = teaching.cross_validate(features, labels, classes, groups=groups)
    assert np.isnan(report.accuracy) and "“Cat”, " in report.notes[0] and "parts" in report.notes[0]


def test_fine_tuning_holds_copies_out_together():
    labels, groups = np.repeat([0, 1], 10), np.arange(20) // 2
    held = finetune.split(labels, groups)
    assert np.flatnonzero(held).tolist() == [6, 7, 16, 17]
    assert finetune.split(labels).sum() == 4
    alone = finetune.split(np.array([0] * 8 + [1]), np.array([0, 1, 2, 3, 4, 5, 6, 7, 3]))
    assert not alone[8] and alone.sum() == 1


def test_labels_without_meaning_give_no_better_than_chance():
    random = np.random.default_rng(5)
    features = random.normal(size=(60, 1, 200)).astype(np.float32)
    labels = random.integers(0, 2, 60)
    report = teaching.cross_validate(features, labels, "ab")
    assert 0.25 < report.accuracy < 0.75
    assert report.scheme == "leaving one out"
    assert report.matrix.sum() == 60


def test_more_than_a_hundred_pictures_are_cut_into_five_folds():
    features, labels = clouds((80, 40), distance=2.0)
    report = teaching.cross_validate(features, labels, "ab")
    assert report.scheme == "five folds"
    assert report.accuracy > 0.95


def test_views_of_a_picture_never_train_the_head_that_is_asked_about_it():
    random = np.random.default_rng(0)
    alike = random.normal(size=(20, 1, 300)).astype(np.float32)
    features = np.repeat(alike, 3, axis=1)  # a leak would make this perfect
    labels = np.arange(20) % 2
    assert teaching.cross_validate(features, labels, "ab").accuracy < 0.85


def test_balanced_weights_help_the_rare_class():
    features, labels = clouds((60, 4), distance=0.55, seed=2)
    plain = teaching.cross_validate(features, labels, "ab", balanced=False)
    balanced = teaching.cross_validate(features, labels, "ab", balanced=True)
    assert balanced.matrix[1, 1] >= plain.matrix[1, 1]
    assert logistic.weights(labels, True)[labels == 1].sum() == pytest.approx(32)
    assert 0 <= balanced.balanced_accuracy <= 1


def test_plane_shows_the_directions_of_the_largest_difference():
    rows = np.zeros((20, 5))
    rows[:, 2] = np.linspace(-4, 4, 20)
    rows[:, 4] = np.tile([-1, 1], 10)
    flat = teaching.principal_plane(rows)
    points = flat.project(rows)
    assert points.shape == (20, 2)
    assert np.abs(np.corrcoef(points[:, 0], rows[:, 2])[0, 1]) > 0.99
    assert teaching.principal_plane(rows[:1]).project(rows[:1]).shape == (1, 2)


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        ([], "no class"),
        (["Cat"], "only the class"),
        (["Cat", "Dog"], "No pictures yet for “Dog”"),
        (list("abcdefghi"), "too many"),
    ],
)
def test_what_is_missing_is_said(shots, classes, words):
    with pytest.raises(VisitorError, match=words):
        teaching.check(shots[:6], classes)


def test_features_are_computed_once_for_each_content(network, shots, monkeypatch):
    first = teaching.features(shots[:3], network, views=1)
    assert first.shape == (3, 2, 1280)

    class Broken:
        def features(self, pixels):
            raise AssertionError("computed again")

    again = teaching.features(list(reversed(shots[:3])), Broken(), views=1)
    np.testing.assert_array_equal(again[::-1], first)


def test_views_are_repeatable_and_differ(shots):
    views = [teaching.view(shots[0], number) for number in range(teaching.VIEWS + 1)]
    assert all(view.shape == (224, 224, 3) and view.dtype == np.uint8 for view in views)
    np.testing.assert_array_equal(views[1], shots[0].pixels[:, ::-1])
    np.testing.assert_array_equal(views[2], teaching.view(shots[0], 2))
    assert not np.array_equal(views[2], views[3])


def test_taught_head_knows_a_picture_that_it_has_never_seen(network, taught):
    _, head = taught
    for name, label in (("cat", "Cat"), ("coffee", "Coffee")):
        features = network.look(images.sample(name)).features
        assert head.classes[int(head.probabilities(features[None]).argmax())] == label


def test_freeze_table_adds_up():
    from cnndemo import weights

    model = weights.load(BACKBONE)
    rows = {row["way"]: row for row in teaching.freeze_table(weights.layers(BACKBONE), 3)}
    assert rows["head only"]["train"] == 1280 * 3 + 3
    totals = {row["train"] + row["frozen"] for row in rows.values()}
    assert totals == {model.count_params() - 1281 * 1000 + 1281 * 3}
    tail = sum(int(np.prod(w.shape)) for layer in finetune.tail_layers(model) for w in layer.trainable_weights)
    assert rows["last block"]["train"] == tail + 1281 * 3


# Uploads


def test_a_broken_file_among_good_ones_is_named_and_skipped(bad_files):
    files = [("one.png", lambda: png(1)), *((name, lambda d=data: d) for name, data in bad_files.items())]
    files.append(("two.png", lambda: png(2)))
    shots, notes = uploads.add_files([], files, "mine")
    assert [shot.name for shot in shots] == ["one.png", "two.png"]
    assert len(notes) == len(bad_files)
    assert all(any(name in note for note in notes) for name in bad_files)


def test_files_are_read_one_after_the_other():
    open_files = []

    def read(number):
        def data():
            open_files.append(number)
            return png(number)

        return data

    seen = []
    uploads.add_files([], [(str(n), read(n)) for n in range(4)], "a", lambda done: seen.append((done, len(open_files))))
    assert seen == [(1, 0), (2, 1), (3, 2), (4, 3)]


def test_never_more_than_one_picture_is_in_memory_at_full_size(monkeypatch):
    alive, decoded, read = [], [], images.read

    def counted(data: bytes) -> images.Loaded:
        alive.append(sum(earlier() is not None for earlier in decoded))
        loaded = read(data)
        decoded.append(weakref.ref(loaded.image))
        return loaded

    monkeypatch.setattr(uploads.images, "read", counted)
    files = [(str(number), lambda n=number: png(n, 300)) for number in range(4)]
    shots, _ = uploads.add_files([], [*files, ("broken", lambda: b"no picture"), *files], "a")
    archive = zipped({f"b/{number}.png": png(number, 300) for number in range(4, 8)})
    shots, _ = uploads.add_zip(shots, archive)
    assert len(shots) == 8 and alive == [0] * 13
    assert all(shot.pixels.nbytes == 224 * 224 * 3 for shot in shots)


def test_the_same_picture_twice_or_in_two_classes_is_said():
    shots, _ = uploads.add_files([], [("a.png", lambda: png(1))], "first")
    shots, notes = uploads.add_files(shots, [("b.png", lambda: png(1))], "first")
    assert len(shots) == 1
    assert "there already" in notes[0]
    shots, notes = uploads.add_files(shots, [("c.png", lambda: png(1)), ("d.png", lambda: png(2))], "second")
    assert "two classes" in notes[0]
    assert [(shot.label, shot.name) for shot in shots] == [("first", "a.png"), ("second", "d.png")]


def test_five_hundred_files_stop_at_the_limit(monkeypatch):
    monkeypatch.setattr(uploads, "MAX_PICTURES", 7)
    shots, notes = uploads.add_files([], [(str(n), lambda n=n: png(n, 4)) for n in range(500)], "many")
    assert len(shots) == 7
    assert "493 pictures were left out" in notes[-1]


def test_a_zip_of_class_folders_becomes_classes(bad_files):
    data = zipped(
        {
            "set/cats/1.png": png(1),
            "set/cats/2.png": png(2),
            "set/dogs/3.png": png(3),
            "set/dogs/broken.jpg": bad_files["truncated.jpg"],
            "__MACOSX/set/cats/._1.png": b"",
            "set/readme.txt": b"hello",
            "loose.png": png(4),
        }
    )
    shots, notes = uploads.add_zip([], data)
    assert [shot.label for shot in shots] == ["cats", "cats", "dogs"]
    assert ["loose.png" in notes[0], "readme.txt" in notes[1], "broken.jpg" in notes[2]] == [True] * 3


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a ZIP"),
        (b"PK\x03\x04 nothing", "not a ZIP"),
        (zipped({"loose.png": png(1)}), "no folder"),
        (zipped({f"{n}/a.png": png(n) for n in range(9)}), "9 classes"),
    ],
)
def test_a_zip_that_cannot_be_used_is_explained(data, words):
    with pytest.raises(VisitorError, match=words):
        uploads.add_zip([], data)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(monkeypatch):
    monkeypatch.setattr(uploads, "MAX_UNPACKED", 10_000)
    with pytest.raises(VisitorError, match="fewer pictures"):
        uploads.add_zip([], zipped({"a/huge.png": bytes(50_000)}))


def test_a_damaged_entry_of_a_zip_is_skipped():
    data = bytearray(zipped({"a/one.png": png(1), "a/two.png": png(2)}))
    data[200] ^= 255
    shots, notes = uploads.add_zip([], bytes(data))
    assert len(shots) == 1
    assert "one.png" in notes[0]


def test_class_names_are_made_harmless():
    assert uploads.clean_name("  a\x00b\n c ") == "a b c"
    assert len(uploads.clean_name("x" * 500)) == 40


def test_ready_sets_have_their_classes_and_unseen_digits_are_not_in_them():
    digits = uploads.ready_set("digits")
    assert {shot.label for shot in digits} == {"digit 0", "digit 3", "digit 7"}
    known = {shot.digest for shot in digits}
    assert len(known) == 36
    assert all(uploads.shot(uploads.unseen_digit(n), "", "").digest not in known for n in range(1, 6))
    for pixels in [shot.pixels for shot in digits] + [uploads.shot(uploads.unseen_digit(1), "", "").pixels]:
        edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
        assert edge.min() > 200, "the network sees the whole digit"


# The file to take home


def test_downloaded_model_loads_in_plain_keras_and_answers_alike(tmp_path, network, shots, taught):
    import keras

    _, head = taught
    path = tmp_path / "model.keras"
    path.write_bytes(export.keras_file(head))
    model = keras.models.load_model(path)
    assert not [layer for layer in model.layers if isinstance(layer, keras.Model)], "the model is flat"
    pixels = np.stack([shot.pixels for shot in shots[::4]])
    expected = head.probabilities(network.features(pixels))
    np.testing.assert_allclose(np.asarray(model(pixels.astype(np.float32))), expected, atol=1e-4)
    back, tail = export.load_back(path.read_bytes())
    assert back.classes == head.classes
    np.testing.assert_array_equal(back.kernel, head.kernel)
    assert tail is None
    assert path.stat().st_size < 20_000_000


def test_the_script_prints_the_classes_of_a_picture(tmp_path, taught, monkeypatch, capsys):
    _, head = taught
    (tmp_path / "model.keras").write_bytes(export.keras_file(head))
    (tmp_path / "cup.png").write_bytes(images.png(images.sample("coffee")))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["predict.py", "cup.png"])
    exec(compile(export.script(head.classes), "predict.py", "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out.startswith("cup.png Coffee ")


def learned(**changes) -> bytes:
    arrays = {"kernel": np.zeros((1280, 2), np.float32), "bias": np.zeros(2, np.float32)} | changes
    buffer = io.BytesIO()
    np.savez(buffer, **{name: array for name, array in arrays.items() if array is not None})
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a model"),
        (b"garbage" * 50, "not a model"),
        (zipped({"config.json": b"{}"}), "not made on this page"),
        (zipped({"config.json": json.dumps({"config": {"layers": [{"class_name": "Lambda"}]}}).encode()}), "Lambda"),
        (zipped({export.CLASSES_ENTRY: b"[", export.LEARNED_ENTRY: b""}), "not a model"),
        (zipped({export.CLASSES_ENTRY: b'["a"]', export.LEARNED_ENTRY: learned()}), "list of classes"),
        (zipped({export.CLASSES_ENTRY: b'["a","b","c"]', export.LEARNED_ENTRY: learned()}), "does not fit"),
        (zipped({export.CLASSES_ENTRY: b'["a","b"]', export.LEARNED_ENTRY: learned(bias=None)}), "does not fit"),
        (
            zipped({export.CLASSES_ENTRY: b'["a","b"]', export.LEARNED_ENTRY: learned(bias=np.full(2, np.nan))}),
            "does not fit",
        ),
        (
            zipped({export.CLASSES_ENTRY: b'["a","b"]', export.LEARNED_ENTRY: learned(tail_000=np.zeros(3))}),
            "fine-tuned block",
        ),
    ],
)
def test_a_file_that_cannot_be_loaded_back_is_explained(data, words):
    with pytest.raises(VisitorError, match=words):
        export.load_back(data)


def test_pickled_arrays_are_never_unpickled():
    buffer = io.BytesIO()
    np.savez(buffer, kernel=np.array([{"a": 1}], dtype=object), bias=np.zeros(2))
    data = zipped({export.CLASSES_ENTRY: b'["a","b"]', export.LEARNED_ENTRY: buffer.getvalue()})
    with pytest.raises(VisitorError, match="not a model"):
        export.load_back(data)


# Fine-tuning


@pytest.fixture(scope="module")
def stage_six(network, shots):
    from cnndemo import inference

    run = inference.predictor(BACKBONE, (finetune.FROZEN_END,))
    return run(np.stack([shot.pixels for shot in shots]))[finetune.FROZEN_END]


def test_fine_tuning_in_a_child_process_gives_a_network_that_can_be_taken_home(stage_six, taught, shots, tmp_path):
    import keras

    features, _ = taught
    labels = np.repeat([0, 1], 6)
    steps = list(finetune.tune(stage_six, features[:, 0], labels, ("Cat", "Coffee"), epochs=2))
    assert [step.number for step in steps[:-1]] == [1, 2]
    tuned = steps[-1]
    assert tuned.held_out == 2
    tail = finetune.tail_model(tuned.tail)
    ours = tuned.head.probabilities(np.asarray(tail(stage_six)))
    path = tmp_path / "tuned.keras"
    path.write_bytes(export.keras_file(tuned.head, tuned.tail))
    model = keras.models.load_model(path)
    pixels = np.stack([shot.pixels for shot in shots]).astype(np.float32)
    np.testing.assert_allclose(np.asarray(model(pixels)), ours, atol=1e-3)
    _, tail_back = export.load_back(path.read_bytes())
    assert all(np.array_equal(a, b) for a, b in zip(tail_back, tuned.tail, strict=True))
    untouched = finetune.get_tail(export.whole_model(tuned.head))
    assert finetune.tail_shapes() == [array.shape for array in untouched]
    assert any(np.abs(a - b).max() > 1e-6 for a, b in zip(untouched, tuned.tail, strict=True))


@pytest.fixture
def children(monkeypatch):
    """The processes that were started."""
    worker.end()
    started, start = [], worker.subprocess.Popen
    monkeypatch.setattr(worker.subprocess, "Popen", lambda *a, **k: started.append(start(*a, **k)) or started[-1])
    return started


def test_stopping_ends_the_child_and_lets_the_next_one_in(stage_six, taught, children):
    features, _ = taught
    run = finetune.tune(stage_six, features[:, 0], np.repeat([0, 1], 6), ("Cat", "Coffee"), epochs=500)
    assert next(run).number == 1
    run.close()
    assert children[0].poll() is not None
    assert worker.waiting() == 0


def test_it_can_be_stopped_while_the_child_is_still_starting(stage_six, taught, children):
    def waiting():
        raise KeyboardInterrupt("the visitor clicked Stop")

    worker.end()  # one of an earlier test may still be there
    features, _ = taught
    run = finetune.tune(stage_six, features[:, 0], np.repeat([0, 1], 6), ("Cat", "Coffee"), waiting=waiting)
    with pytest.raises(KeyboardInterrupt):
        next(run)
    assert children[0].poll() is not None
    assert worker.waiting() == 0


def test_enough_pictures(stage_six, taught):
    features, _ = taught
    with pytest.raises(VisitorError, match="at least four"):
        next(finetune.tune(stage_six[:4], features[:4, 0], np.array([0, 0, 1, 1]), ("Cat", "Coffee")))


def test_a_child_that_dies_is_one_sentence(stage_six, taught, monkeypatch):
    worker.end()
    monkeypatch.setattr(worker.sys, "executable", "/bin/false")
    features, _ = taught
    with pytest.raises(VisitorError, match="Keras process"):
        list(finetune.tune(stage_six, features[:, 0], np.repeat([0, 1], 6), ("Cat", "Coffee")))
    assert worker.waiting() == 0


# Pictures to take home


def test_pictures_taken_home_are_read_back_here_and_by_keras(tmp_path):
    import keras

    named = [("beetle", 1), ("Käfer", 2), ("beetle", 3), ("a/b: *c*", 4)]
    shots = [uploads.shot(busy(seed), f"{seed}.png", label) for label, seed in named]
    data = uploads.take_home(shots)
    back, notes = uploads.add_zip([], data)
    assert notes == [] and len(back) == 4
    labels = {shot.digest: shot.label for shot in back}
    assert [labels[shot.digest] for shot in shots] == ["beetle", "Käfer", "beetle", "a_b_ _c_"], "pixel by pixel"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(tmp_path)
    read = keras.utils.image_dataset_from_directory(tmp_path, image_size=(256, 256), shuffle=False, verbose=False)
    assert read.class_names == sorted(["beetle", "Käfer", "a_b_ _c_"])
    assert len(read.file_paths) == 4


def test_folders_of_labels_are_safe_and_never_the_same():
    names = uploads.folder_names(["a/b", "a_b", "A_B", "..", "<x>", ""])
    assert len({name.lower() for name in names.values()}) == 6
    assert not any(set(name) & set('/\\:*?"<>|') or name.startswith(".") for name in names.values())


def test_a_zip_with_splits_gives_all_or_one():
    data = zipped({"train/a/1.png": png(1), "train/b/2.png": png(2), "val/a/3.png": png(3), "val/b/4.png": png(4)})
    shots, notes = uploads.add_zip([], data)
    assert len(shots) == 4 and "splits" in notes[0]
    shots, _ = uploads.add_zip([], uploads.read_zip(data).of("val"))
    assert [(shot.label, shot.name) for shot in shots] == [("a", "3.png"), ("b", "4.png")]


def test_what_is_said_of_a_picture_is_said_with_its_name():
    whole = encode(Image.fromarray(busy(1)), "JPEG")
    shots, notes = uploads.add_files([], [("cut.jpg", lambda: whole[: len(whole) // 2])], "a")
    assert len(shots) == 1 and "“cut.jpg”" in notes[0] and "cut off" in notes[0]


# What a file to load back may hold


def packed(**arrays) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def deflated(classes: str, arrays: bytes, **more: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {export.CLASSES_ENTRY: classes, export.LEARNED_ENTRY: arrays, **more}.items():
            archive.writestr(name, data)
    return buffer.getvalue()


GOOD = {"kernel": np.zeros((1280, 2), np.float32), "bias": np.zeros(2, np.float32)}


def test_inner_arrays_are_counted_before_they_are_unpacked(monkeypatch):
    bomb = deflated('["a","b"]', packed(x=np.zeros(20_000_000, np.float32), **GOOD))
    assert len(bomb) < 200_000
    monkeypatch.setattr(export.np, "load", lambda *given, **more: pytest.fail("was unpacked"))
    with pytest.raises(VisitorError, match="unpacks to far more"):
        export.load_back(bomb)


def test_an_array_that_claims_more_than_it_has_is_refused():
    buffer = io.BytesIO()
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }"
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("kernel.npy", b"\x93NUMPY\x01\x00\x76\x00" + header.ljust(117) + b"\n")
    with pytest.raises(VisitorError, match="what they claim"):
        export.load_back(deflated('["a","b"]', buffer.getvalue()))


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        (json.dumps(["<script>" * 600_000, "b"]), "unpacks to far more"),
        (json.dumps(["x" * 500, "b"]), "list of classes"),
        (json.dumps(["a", "a"]), "list of classes"),
        (json.dumps(["a\n", "b"]), "list of classes"),
        (json.dumps(["", "b"]), "list of classes"),
    ],
)
def test_class_names_are_bounded(classes, words):
    with pytest.raises(VisitorError, match=words):
        export.load_back(deflated(classes, packed(**GOOD)))


def test_a_lambda_that_hides_in_a_string_is_found():
    inner = json.dumps({"config": json.dumps({"layers": [{"class_name": "Lambda"}]})})
    with pytest.raises(VisitorError, match="Lambda"):
        export.load_back(deflated('["a","b"]', packed(**GOOD), **{"config.json": inner}))


def test_arrays_of_another_name_are_left_alone():
    head, tail = export.load_back(deflated('["a","b"]', packed(other=np.ones(5), **GOOD)))
    assert head.classes == ("a", "b") and tail is None


def test_the_shapes_of_the_last_block_are_known_without_keras():
    from cnndemo.models import efficientnet_lite0

    code = "import sys; from cnndemo.resnet_transfer import finetune; finetune.tail_shapes();"
    code += "print('keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() == "False", done.stderr
    assert finetune.tail_shapes() == [array.shape for array in finetune.get_tail(efficientnet_lite0.build())]
