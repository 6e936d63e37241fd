"""Is there a pet, and where? The second look, alone and over U-Net's answers; breeds and names of long pictures."""

from __future__ import annotations

import numpy as np
import pytest

from cnndemo import images, pet_presence, pet_segmentation, weights
from cnndemo import resnet_transfer as transfer
from cnndemo.pet_segmentation import metrics
from cnndemo.pet_segmentation.second import around, second_look, surroundings
from cnndemo.resnet_transfer import naming

PORTRAITS = ("astronaut", "obama_1", "obama_2", "obama_3", "biden_1")
THINGS = ("coffee", "rocket", "motorcycle")


@pytest.fixture(scope="module")
def cat() -> tuple[np.ndarray, np.ndarray]:
    """The sample cat and its mask, by U-Net alone."""
    image = images.sample("cat")
    return image, pet_segmentation.animal(pet_segmentation.labels(pet_segmentation.probabilities(image)))


def beside(portrait: str, cat: tuple[np.ndarray, np.ndarray], height: int = 220) -> tuple[np.ndarray, np.ndarray]:
    """The cat, cut out, in the lower left corner of a portrait of 500 pixels; and its mask there."""
    image = images.shrink(images.sample(portrait), 500).copy()
    layer = images.shrink(cat[0], height)
    mask = pet_segmentation.resize_labels(cat[1].astype(np.uint8), layer.shape).astype(bool)
    truth = np.zeros(image.shape[:2], bool)
    place = slice(image.shape[0] - layer.shape[0], None), slice(0, layer.shape[1])
    truth[place] = mask
    image[place] = np.where(mask[..., None], layer, image[place])
    return image, truth


@pytest.mark.parametrize("shape", [(1, 1), (200, 200), (90, 300), (1600, 20), (20, 1600), (480, 640), (333, 500)])
def test_squares_cover_the_picture_and_stay_inside(shape):
    seen = np.zeros(shape, int)
    places = pet_presence.squares(*shape)
    assert len(places) <= 2 * pet_presence.MOST
    for top, left, side in places:
        assert 0 <= top <= shape[0] - side and 0 <= left <= shape[1] - side
        seen[top : top + side, left : left + side] += 1
    if max(shape) <= 10 * min(shape):
        assert seen.min() >= 1


def test_spreading_keeps_a_constant_and_its_place():
    places = [(0, 0, 4), (0, 4, 4)]
    cells = np.stack([np.full((2, 2), 1.0), np.full((2, 2), 3.0)])
    spread = pet_presence.spread(cells, places, (4, 8, 3))
    assert (spread[:, :4] == 1).all() and (spread[:, 4:] == 3).all()


@pytest.mark.parametrize("name", PORTRAITS + THINGS)
def test_people_and_things_are_no_pets(name):
    image = images.sample(name)
    assert not pet_presence.look(image).pet
    for network in pet_segmentation.NETWORKS:
        labels = pet_segmentation.segment(image, network)
        assert not pet_segmentation.animal(labels).any()
        assert "No pet" in pet_segmentation.describe(labels)
    assert transfer.breed(image) == []


@pytest.mark.parametrize("shape", [(1, 1, 3), (60, 80, 3), (10, 900, 3)])
def test_blank_pictures_are_no_pets(shape):
    assert not pet_presence.look(np.full(shape, 200, np.uint8)).pet


@pytest.mark.parametrize("network", pet_segmentation.NETWORKS)
def test_a_cat_alone_is_left_as_it_is(cat, network):
    image, _ = cat
    first = pet_segmentation.probabilities(image, network)
    second = second_look(image, first, pet_presence.look(image), network)
    assert second.pet and pet_segmentation.told(second, pet_segmentation.labels(second.probabilities)) is None
    assert second.probabilities is first


@pytest.mark.parametrize("portrait", ["obama_1", "biden_1", "astronaut"])
def test_somebody_with_a_cat_is_not_cut_out_with_it(cat, portrait):
    image, truth = beside(portrait, cat)
    first = pet_segmentation.probabilities(image)
    second = second_look(image, first, pet_presence.look(image))
    alone, found = (pet_segmentation.animal(pet_segmentation.labels(p)) for p in (first, second.probabilities))
    assert second.pet
    assert metrics.jaccard(truth, found) >= max(0.6, metrics.jaccard(truth, alone) - 0.02)
    assert (found & ~truth).sum() < 0.35 * found.sum()
    np.testing.assert_allclose(second.probabilities.sum(axis=-1), 1, atol=1e-4)


def test_what_was_struck_is_told(cat):
    image, _ = cat
    nothing = pet_segmentation.Second(surroundings(image.shape), 1.0, False)
    labels = pet_segmentation.labels(nothing.probabilities)
    assert "No pet" in pet_segmentation.told(nothing, labels)
    half = pet_segmentation.Second(surroundings(image.shape), 0.5, True)
    assert "50%" in pet_segmentation.told(half, np.ones(image.shape[:2], np.uint8))


def test_the_window_around_a_mask():
    mask = np.zeros((100, 200), bool)
    mask[40:50, 120:199] = True
    assert around(mask) == (slice(30, 60), slice(110, 209))


def test_breeds_of_a_long_picture_are_those_of_the_pet_at_its_end():
    cat = images.sample("cat")
    wall = np.full((cat.shape[0], 2 * cat.shape[1], 3), cat[:20, :20].mean(axis=(0, 1)).astype(np.uint8))
    usual = transfer.breed(cat)
    assert usual
    for panorama in (np.hstack([cat, wall]), np.hstack([wall, cat])):
        found = transfer.breed(panorama)
        assert found and {name for name, _ in found} & {name for name, _ in usual}


@pytest.mark.parametrize("end", ["left", "right", "top", "bottom"])
def test_a_long_picture_is_named_by_more_than_its_middle(end):
    cup = images.shrink(np.ascontiguousarray(images.sample("coffee")[:, 100:500]), 240)
    cup = cup[: min(cup.shape[:2]), : min(cup.shape[:2])]
    parts = [cup, np.full_like(cup, 235), np.full_like(cup, 235)]
    stack = np.hstack if end in ("left", "right") else np.vstack
    stage = stack(parts if end in ("left", "top") else parts[::-1])
    label = transfer.classify(cup)[0][0]
    assert label in [name for name, _ in transfer.classify(stage)]
    heat = transfer.class_activation(stage, "efficientnet_lite0", label)
    assert heat.shape == stage.shape[:2] and heat.max() == pytest.approx(1, abs=0.05)
    place = np.unravel_index(heat.argmax(), heat.shape)
    along = place[1] / heat.shape[1] if end in ("left", "right") else place[0] / heat.shape[0]
    assert along < 0.5 if end in ("left", "top") else along > 0.5


@pytest.mark.parametrize("shape", [(100, 100), (100, 150), (300, 100), (1, 1000), (1000, 7)])
def test_squares_of_long_pictures_cover_them(shape):
    parts = naming.squares(*shape)
    assert (len(parts) == 1) == (max(shape) <= naming.LONG * min(shape)) and len(parts) <= 16
    if max(shape) <= 8 * min(shape):
        seen = np.zeros(shape, int)
        for part in parts:
            seen[part] += 1
        assert seen.min() >= 1


def test_the_card_says_how_well_it_does():
    figures = {row["name"]: row["value"] for row in weights.card("pet_presence")["metrics"]}
    assert figures["portraits in which a pet is found"] < 0.01
    assert figures["things in which a pet is found"] < 0.01
    assert figures["pets that are missed"] < 0.07
    for network in pet_segmentation.NETWORKS:
        for kind, least in (("pet on a portrait", 0.3), ("pet alone", -0.01)):
            before, after = (
                figures[f"Jaccard of the animal, {kind}, {network} network, {when}"]
                for when in ("without a second look", "with it")
            )
            assert after - before > least, (network, kind)
