"""`weights/beforehand.npz`: what pages show of shipped pictures when they open; see `cnndemo.beforehand`.

    python -m train.beforehand

Needs no Keras: the networks answer as visitors are served.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from cnndemo import activation_maps, beforehand, chain, images, inference, pet_presence, weights
from cnndemo.activation_maps.maps import COUNTS, TWINS
from cnndemo.face_detection import SEARCH_SIDE, conditions, haar
from cnndemo.face_detection import shipped as shipped_faces
from cnndemo.resnet_transfer import backbones, teaching, uploads
from cnndemo.siamese import shipped


def ask() -> None:
    """All that is kept, asked for as the pages do."""
    alike = activation_maps.alike(chain.shipped("digit_classifier"))
    spare = {layer: tuple(found.spare(TWINS)) for layer, found in alike.items()}
    channels = {layer: len(found.correlation) for layer, found in alike.items()}
    for off in ({}, spare, activation_maps.random_off(spare, channels)):
        activation_maps.accuracy(off, COUNTS[0])
    haar.strengths_of_samples()
    haar.strength_at_random()
    faces()
    pet_presence.first_look(images.sample("cat"))
    for ready in uploads.READY_SETS:
        head(uploads.ready_set(ready))
    for name in ("siamese", "triplet", "untrained"):
        shipped.gaps(name, lambda name=name: shipped.embeddings(name))
    new = weights.card("triplet_holdout")["hold_out"]
    for name in ("siamese_holdout", "triplet_holdout"):
        shipped.of_new_class(name, lambda name=name: shipped.embeddings(name), new)
    shipped.of_new_class("raw pixels", shipped.pixels, new)


def faces() -> None:
    """Those of all samples, as the pages about faces look for them; and one of them in every condition."""
    network, checker = map(inference.predictor, ("tiny_face_detector", "face_check"))
    for name in images.SAMPLES:
        whole = images.sample(name)
        shipped_faces.upright(whole, network, checker)
        image = shipped_faces.upright(images.shrink(whole, SEARCH_SIDE), network, checker).image
        face = shipped_faces.first_face(image)
        if name == haar.PEOPLE[0]:
            conditions.first_compared(image, face, network, conditions.LEAST)


def head(shots: list[teaching.Shot]) -> None:
    """The head of a ready set."""
    classes = list(dict.fromkeys(shot.label for shot in shots))
    features = teaching.features(shots, backbones.network(teaching.BACKBONE))
    labels, (groups, _) = teaching.numbers(shots, classes), teaching.related(shots)
    teaching.learn(features, labels, classes, True, groups, teaching.stamp(shots))


def write(folder: Path | None = None) -> Path:
    """Compute everything anew and put it in place in one step."""
    with beforehand.recording() as found:
        ask()
    file = (folder or weights.WEIGHTS_DIR) / beforehand.NAME
    with tempfile.TemporaryDirectory(prefix=".part-", dir=file.parent) as scratch:
        part = Path(scratch) / file.name
        arrays = {f"{entry}/{key}": array for entry, made in found.items() for key, array in made.items()}
        np.savez_compressed(part, **arrays)
        part.replace(file)
    return file


if __name__ == "__main__":
    made = write()
    print(f"{made}: {made.stat().st_size / 1000:.0f} kB")
