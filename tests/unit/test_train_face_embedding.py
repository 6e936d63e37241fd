"""Reading the package's quantised arrays, folding, and the pairs of LFW; all on made-up data."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from train import face_embedding
from train.datasets import lfw


def archive(manifest: list, content: bytes) -> tarfile.TarFile:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as target:
        for name, data in (
            ("package/model/net-weights_manifest.json", json.dumps(manifest).encode()),
            ("package/model/net.bin", content),
        ):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            target.addfile(info, io.BytesIO(data))
    buffer.seek(0)
    return tarfile.open(fileobj=buffer)


MANIFEST = [
    {
        "weights": [
            {
                "name": "a",
                "shape": [2, 2],
                "dtype": "float32",
                "quantization": {"dtype": "uint8", "scale": 0.5, "min": -1},
            },
            {"name": "b", "shape": [2], "dtype": "float32"},
        ]
    }
]


def test_quantised_and_plain_arrays():
    content = bytes([0, 1, 2, 255]) + np.array([1.5, -2.25], "<f4").tobytes()
    arrays = face_embedding.read(archive(MANIFEST, content), "net")
    assert arrays["a"].tolist() == [[-1.0, -0.5], [0.0, 126.5]]
    assert arrays["b"].tolist() == [1.5, -2.25]
    assert all(array.dtype == np.float32 for array in arrays.values())


@pytest.mark.parametrize("content", [b"", bytes(11), bytes(13)])
def test_a_file_of_the_wrong_length_is_refused(content):
    with pytest.raises(ValueError, match="net.bin"):
        face_embedding.read(archive(MANIFEST, content), "net")


def test_folding_scale_and_bias_changes_nothing():
    generator = np.random.default_rng(0)
    arrays = {
        "conv64_1/conv2/conv/filters": generator.normal(size=(3, 3, 4, 5)).astype("f4"),
        "conv64_1/conv2/conv/bias": generator.normal(size=5).astype("f4"),
        "conv64_1/conv2/scale/weights": generator.normal(size=5).astype("f4"),
        "conv64_1/conv2/scale/biases": generator.normal(size=5).astype("f4"),
    }
    patch = generator.normal(size=(3, 3, 4))
    plain = np.tensordot(patch, arrays["conv64_1/conv2/conv/filters"], 3) + arrays["conv64_1/conv2/conv/bias"]
    expected = plain * arrays["conv64_1/conv2/scale/weights"] + arrays["conv64_1/conv2/scale/biases"]
    kernel, bias = face_embedding.arrays_of("conv64_1_conv2", arrays)
    assert np.allclose(np.tensordot(patch, kernel, 3) + bias, expected, atol=1e-4)
    assert arrays == {}


def test_arrays_without_a_place_are_told():
    import keras

    def build():
        return keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, use_bias=False, name="embedding")])

    kernel = np.ones((2, 3), "f4")
    assert np.array_equal(face_embedding.convert(build, {"fc": kernel}).get_weights()[0], kernel)
    with pytest.raises(ValueError, match="no place for"):
        face_embedding.convert(build, {"fc": kernel, "stray": kernel})


def pairs_text() -> str:
    same = ["Ann\t1\t2", "Bob\t3\t4"]
    different = ["Ann\t1\tBob\t3", "Bob\t4\tAnn\t2"]
    return "\n".join(["2\t1", same[0], different[0], same[1], different[1]]) + "\n"


def test_pairs_and_their_folds():
    pairs = lfw.parse(pairs_text())
    assert [pair.same for pair in pairs] == [True, False, True, False]
    assert [pair.fold for pair in pairs] == [0, 0, 1, 1]
    assert (pairs[1].first, pairs[1].second) == ("Ann_0001", "Bob_0003")
    with pytest.raises(ValueError, match="announces"):
        lfw.parse("10\t300\nAnn\t1\t2\n")


def test_loading_a_part_of_lfw(tmp_path):
    with zipfile.ZipFile(tmp_path / lfw.PART, "w") as target:
        target.writestr("pairs.txt", pairs_text())
        buffer = io.BytesIO()
        Image.new("L", (25, 20), 90).save(buffer, "JPEG")
        target.writestr("lfw/Ann/Ann_0001.jpg", buffer.getvalue())
    pairs, picture = lfw.load(tmp_path)
    assert picture(pairs[0].first).shape == (20, 25, 3)


def test_the_face_in_the_middle_is_the_named_one():
    from cnndemo.face_detection import Box
    from cnndemo.face_verification import Face

    blank = np.zeros(0)
    large, middle = (Face(box, blank, blank, blank, 0.0) for box in (Box(0, 0, 140, 140), Box(90, 90, 60, 60)))
    assert face_embedding.central([large, middle], 250) is middle
    assert face_embedding.central([], 250) is None
