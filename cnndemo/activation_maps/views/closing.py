"""The code at the foot of the page, of what is on the screen."""

from __future__ import annotations

from typing import Any

from cnndemo import activation_maps, images
from cnndemo.activation_maps import LAYERS
from cnndemo.activation_maps.networks import Network
from cnndemo.ui.pictures import Picture
from cnndemo.ui.session import state

DIGIT = """
    import numpy as np
    from cnndemo import activation_maps, digit_classifier, images, inference

    digit = {field}  # what the network sees, float32 (28, 28) from 0 to 1, bright ink on black
    maps = activation_maps.feature_maps(inference.predictor("digit_classifier", activation_maps.LAYERS), digit)
    print({{layer: values.shape for layer, values in maps.items()}})
    picture = activation_maps.overlay(maps["{layer}"][..., {filter}], digit)
    """
DIGIT_RESULT = """
    from PIL import Image

    numbers = np.arange(maps["{layer}"].shape[-1])
    display(Image.fromarray(picture))
    Image.fromarray(activation_maps.sheet(maps["{layer}"], numbers, 8, digit))
    """
PHOTO = """
    from cnndemo import activation_maps, images

    network = activation_maps.NETWORKS["{name}"]
    seen = activation_maps.look(network, {picture}, ("{layer}",))
    print(seen.maps["{layer}"].shape, network.layer("{layer}").field)
    without = activation_maps.silenced_photo(network, seen.fitted, {{"{layer}": ({filter},)}})
    """
PHOTO_RESULT = """
    from PIL import Image

    from cnndemo.activation_maps import drawing

    strongest = drawing.strength(seen.maps["{layer}"])[:64].tolist()
    Image.fromarray(drawing.map_sheet(seen.maps["{layer}"], strongest, 8, network.layer("{layer}").signed, 48))
    """


def code(network: Network | None, picture: Picture | None) -> dict[str, Any]:
    """What `ui.code` is told: for a photograph in a network, or for a digit in the book's."""
    if picture is None:
        picture = Picture(images.digit(5, 0)[..., None], "5", "sample", "images.digit(5, 0)[..., None]")
    read = f"digit_classifier.read_number({picture.code})[0].input"
    layer = state.get("layer")
    words = {
        "name": network.name if network else "digit_classifier",
        "picture": picture.code,
        "layer": layer if network or layer in LAYERS else LAYERS[0],
        "filter": state.get("filter") or 0,
        "field": read if picture.own else f"{picture.code}[..., 0] / np.float32(255)",
    }
    functions = [activation_maps.look, activation_maps.silenced_photo, activation_maps.wanted_by]
    if not network:
        functions = [
            activation_maps.feature_maps, activation_maps.overlay, activation_maps.redundancy, activation_maps.silenced,
        ]  # fmt: skip
    return {
        "functions": functions,
        "snippet": (PHOTO if network else DIGIT).format(**words),
        "result": (PHOTO_RESULT if network else DIGIT_RESULT).format(**words),
        "networks": [words["name"], *(["not_a_digit"] if picture.own and not network else [])],
        "pictures": [picture],
        "instead": 'images.sample("cat")' if network else "np.repeat(images.digit(5, 0)[..., None], 3, axis=2)",
    }
