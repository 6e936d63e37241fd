"""The book's ResNet50: its counts, and fetching its weights from a server on this machine."""

import hashlib
import http.server
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from cnndemo import images, worker
from cnndemo import resnet_transfer as transfer
from cnndemo.errors import VisitorError
from cnndemo.resnet_transfer import BACKBONES, backbones, resnet50, resnet50_onnx
from train import onnx_files

CONTENT = bytes(range(256)) * 12_000
MD5 = hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


@pytest.fixture
def server():
    """An address on loopback that serves `CONTENT` whole at /whole and cut in the middle at /cut."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path == "/missing":
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT if self.path == "/whole" else CONTENT[: len(CONTENT) // 2])

        def log_message(self, *_):
            pass

    http_server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=http_server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{http_server.server_port}"
    http_server.shutdown()
    http_server.server_close()
    thread.join()


def test_listing_4_3_counts_exactly():
    rows = resnet50.listing_4_3()
    total, train = (sum(row[key] for row in rows) for key in ("parameters", "train"))
    assert (total, train, total - train) == (23_608_202, 1_075_210, 22_532_992)


@pytest.fixture(scope="module")
def book_model():
    return resnet50.book_model()


def test_the_listing_as_a_keras_model_has_the_same_counts(book_model):
    trained = sum(int(w.shape.num_elements()) for w in book_model.trainable_weights)
    assert (book_model.count_params(), trained) == (23_608_202, 1_075_210)
    table = {row["layer"]: row["parameters"] for row in resnet50.listing_4_3()}
    assert book_model.layers[1].count_params() == table["resnet50"]
    assert book_model.output_shape == (None, 10)


def test_multiply_adds_by_arithmetic_are_those_of_the_built_network(book_model):
    built = onnx_files.multiply_adds(book_model.layers[1])
    assert resnet50.multiply_adds() == built + 2048 * 1000


def test_a_download_arrives_whole_with_progress(server, tmp_path):
    seen = []
    target = tmp_path / "models" / resnet50.FILE
    path = resnet50.download(lambda done, total: seen.append((done, total)), f"{server}/whole", MD5, target)
    assert path == target
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize(
    ("page", "md5", "words"),
    [("cut", MD5, "stopped after"), ("whole", "0" * 32, "checksum"), ("missing", MD5, "could not be fetched")],
)
def test_a_failed_download_is_one_sentence_and_leaves_nothing(server, tmp_path, page, md5, words):
    target = tmp_path / "models" / resnet50.FILE
    with pytest.raises(resnet50.DownloadError, match=words):
        resnet50.download(url=f"{server}/{page}", md5=md5, target=target)
    assert not list(target.parent.iterdir())
    resnet50.download(url=f"{server}/whole", md5=MD5, target=target)
    assert target.is_file()


def test_without_network_one_sentence(tmp_path):
    with pytest.raises(resnet50.DownloadError, match="cannot be reached"):
        resnet50.download(url="http://127.0.0.1:9/nothing", target=tmp_path / "x.h5", timeout=2)


def test_two_visitors_do_not_download_at_once(server, tmp_path):
    assert resnet50._downloading.acquire(blocking=False)
    try:
        with pytest.raises(resnet50.DownloadError, match="Another visitor"):
            resnet50.download(url=f"{server}/whole", md5=MD5, target=tmp_path / "x.h5")
    finally:
        resnet50._downloading.release()


@pytest.fixture(scope="module")
def random_weights(tmp_path_factory):
    """A ResNet50 of random weights, and its file."""
    import keras

    file = tmp_path_factory.mktemp("resnet50") / "own.weights.h5"
    keras.utils.set_random_seed(0)
    model = keras.applications.ResNet50(weights=None, classifier_activation=None)
    generator = np.random.default_rng(0)
    for layer in model.layers:  # statistics that have something to fold
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([generator.uniform(0.5, 1.5, array.shape) for array in layer.get_weights()])
    model.save_weights(file)
    return model, file


@pytest.fixture
def local(random_weights, monkeypatch):
    """The model of random weights whose file the environment names."""
    model, file = random_weights
    monkeypatch.setenv("CNNDEMO_RESNET50_WEIGHTS", str(file))
    backbones.forget("resnet50")
    worker.end()  # another one would not know this file
    yield model
    worker.end()
    backbones.forget("resnet50")


def test_a_local_file_is_turned_to_onnx_by_the_worker_and_names_a_picture(local):
    resnet50_onnx.path().unlink(missing_ok=True)
    answers = transfer.classify(images.sample("cat"), "resnet50")
    assert len(answers) == 5
    heat = transfer.class_activation(images.sample("cat"), "resnet50", answers[0][0])
    assert heat.shape == images.sample("cat").shape[:2]
    assert {row["network"]: row["weights"] for row in transfer.overview()}["ResNet50"] == "in memory"
    assert [file.suffix for file in resnet50.path().parent.iterdir() if file != resnet50.path()] == [".onnx"]


@pytest.mark.parametrize("count", [1, 3])
def test_onnx_equals_keras_at_every_served_layer(local, count):
    import keras

    resnet50_onnx.convert()
    pixels = np.stack(
        [BACKBONES["resnet50"].prepare(images.sample(name)) for name in ("cat", "motorcycle", "coffee")[:count]]
    )
    layers = (resnet50_onnx.MAPS, resnet50_onnx.FEATURES, resnet50_onnx.SCORES)
    joined = keras.Model(local.inputs[0], [local.get_layer(name).output for name in layers])
    ours = transfer.network("resnet50").run(pixels)
    for name, theirs in zip(layers, joined(resnet50.feed(pixels)), strict=True):
        theirs = theirs.numpy()
        assert ours[name].shape == theirs.shape
        assert np.abs(ours[name] - theirs).max() <= 1e-4 * max(1, np.abs(theirs).max())


def test_converting_tells_how_far_it_is_and_happens_once(local):
    resnet50_onnx.path().unlink(missing_ok=True)
    told = []
    resnet50_onnx.convert(told.append)
    assert told == sorted(told)
    assert 0 < told[0] < 0.1
    assert told[-1] == pytest.approx(1)
    resnet50_onnx.convert(lambda share: pytest.fail("it was there"))


def test_new_weights_are_converted_anew(local):
    resnet50_onnx.convert()
    later = resnet50_onnx.path().stat().st_mtime + 5
    os.utime(resnet50.path(), (later, later))
    try:
        assert not resnet50_onnx.ready()
    finally:
        os.utime(resnet50.path(), (later - 100, later - 100))


def test_a_damaged_prepared_file_is_thrown_away(local):
    resnet50_onnx.convert()
    whole = resnet50_onnx.path().read_bytes()
    resnet50_onnx.path().write_bytes(whole[: len(whole) // 2])
    with pytest.raises(VisitorError, match="thrown away"):
        transfer.network("resnet50")
    assert not resnet50_onnx.path().exists()


def test_no_room_is_a_sentence_and_leaves_nothing(local, monkeypatch):
    resnet50_onnx.path().unlink(missing_ok=True)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(VisitorError, match="no room"):
        resnet50_onnx.convert()
    assert list(resnet50.path().parent.iterdir()) == [resnet50.path()]


def test_shuffled_weights_answer_otherwise(local):
    pixels = BACKBONES["resnet50"].prepare(images.sample("cat"))[None]
    trained, untrained = transfer.network("resnet50").scores(pixels), transfer.randomised("resnet50").scores(pixels)
    assert np.abs(trained - untrained).max() > 0.01


@pytest.mark.parametrize("content", [b"", b"no weights at all" * 100])
def test_a_file_that_holds_no_weights_is_explained(tmp_path, monkeypatch, content):
    file = tmp_path / "other.weights.h5"
    file.write_bytes(content)
    monkeypatch.setenv("CNNDEMO_RESNET50_WEIGHTS", str(file))
    with pytest.raises(VisitorError, match="other.weights.h5"):
        resnet50.load()


def test_weights_of_another_network_are_explained(tmp_path, monkeypatch):
    from cnndemo import weights

    monkeypatch.setenv("CNNDEMO_RESNET50_WEIGHTS", str(weights.path("resnet20")))
    with pytest.raises(VisitorError, match="another network"):
        resnet50.load()


def test_without_a_file_the_visitor_is_told_to_download(tmp_path, monkeypatch):
    monkeypatch.setenv("CNNDEMO_RESNET50_WEIGHTS", str(tmp_path / "nothing.h5"))
    assert not resnet50.available()
    with pytest.raises(VisitorError, match="Download"):
        transfer.classify(images.sample("cat"), "resnet50")
