"""The maps of what the visitor's camera sees, while it runs."""

from __future__ import annotations

import cv2
import numpy as np

from cnndemo import activation_maps, digit_classifier
from cnndemo.activation_maps import drawing
from cnndemo.activation_maps.networks import Layer, Network, look
from cnndemo.activation_maps.views.digits import Shown as Digit
from cnndemo.chain import Reader
from cnndemo.ui.live import Answer, Shown, live

COLUMNS, MOST, SIDE = 4, 16, 224  # maps a row, maps on the sheet, pixels of a map over the picture
COVER = 0.6  # how much of the picture a map covers


def over(fitted: np.ndarray, values: np.ndarray, signed: bool) -> np.ndarray:
    """A map over what the network saw.

    Args:
        fitted: uint8 (size, size, 3).
        values: the map, float32 (height, width).
        signed: see `drawing.colored`.

    Returns:
        uint8 (`SIDE`, `SIDE`, 3).
    """
    how = cv2.INTER_NEAREST if len(fitted) < SIDE else cv2.INTER_AREA
    below = cv2.resize(fitted, (SIDE, SIDE), interpolation=how)
    above = cv2.resize(drawing.colored(values, signed), (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    return cv2.addWeighted(above, COVER, below, 1 - COVER, 0)


def live_photo(network: Network, layer: Layer, channel: int, still: np.ndarray) -> None:
    """The maps of a layer for each frame; for the still picture until the camera runs."""

    def answer(frame: np.ndarray) -> Answer:
        seen = look(network, frame, (layer.name,))
        maps = seen.maps[layer.name]
        strongest = drawing.strength(maps)[:MOST].tolist()
        best, names = int(seen.answer.argmax()), network.classes()
        return Answer(
            (
                Shown(
                    over(seen.fitted, maps[..., channel], layer.signed),
                    f"Filter {channel} of {layer.title}, peak {maps[..., channel].max():.3g}",
                    f"map {channel} of {layer.title} over your camera's picture",
                ),
                Shown(
                    drawing.map_sheet(maps, strongest, COLUMNS, layer.signed),
                    f"The {len(strongest)} strongest of {maps.shape[-1]} maps",
                    f"the {len(strongest)} strongest maps of {layer.title}, first of all {strongest[0]}",
                ),
            ),
            f"{network.title}: {names[best]}, {seen.answer[best]:.0%}",
        )

    live(answer, still, f"What {layer.title} of {network.title} answers to in your camera's picture")


def live_digit(reader: Reader, layer: str, channel: int, digit: Digit) -> None:
    """The maps of a digit that is held before the camera; of `digit` until it runs."""

    def answer(frame: np.ndarray) -> Answer:
        if frame is still:  # it is one of MNIST's, which need no preparation
            field, words = digit.field, f"Hold a written digit before the camera. Until then: {digit.name}."
        else:
            reading = digit_classifier.read_number(frame, reader.predictor())[0]
            field, words = reading.input, f"It reads {reading.digit}, {reading.confidence:.0%}."
        maps = activation_maps.feature_maps(reader.predictor((layer,)), field)[layer]
        number = f"Map {channel} of {layer}"
        return Answer(
            (
                Shown(np.round(field * 255).astype(np.uint8), "What the network sees", "the digit, prepared"),
                Shown(activation_maps.overlay(maps[..., channel], field), number, f"{number} over the digit"),
                Shown(
                    activation_maps.sheet(maps, np.arange(maps.shape[-1]), 8, field, 40),
                    f"All {maps.shape[-1]} maps of {layer}",
                    f"the {maps.shape[-1]} maps of {layer} over the digit",
                ),
            ),
            words,
        )

    still = np.round(digit.field * 255).astype(np.uint8)[..., None].repeat(3, axis=2)
    live(answer, still, f"Hold a written digit before your camera: the maps of {layer}")
