"""The row of layers and the magnifying glass: what answers in the browser, without the server."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from cnndemo import images
from cnndemo.activation_maps.drawing import colored
from cnndemo.activation_maps.networks import Layer, Network
from cnndemo.ui.session import state

_HERE = Path(__file__).resolve().parent
_MAGNIFIER = """
<div class="both"><canvas class="whole" width="448" height="448" tabindex="0" role="application"></canvas>
<div class="side"><p>The pixels that this place looks at</p><canvas class="patch" width="220" height="220"></canvas>
<p class="said" role="status"></p><label>How much of the map<input class="over" type="range" value="55"></label></div>
</div>
"""
_strip = st.components.v2.component(
    "cnndemo_layer_strip",
    html='<div class="row" role="group"></div>',
    css=(_HERE / "strip.css").read_text(encoding="utf-8"),
    js=(_HERE / "strip.js").read_text(encoding="utf-8"),
)
_magnifier = st.components.v2.component(
    "cnndemo_magnifier",
    html=_MAGNIFIER,
    css=(_HERE / "magnifier.css").read_text(encoding="utf-8"),
    js=(_HERE / "magnifier.js").read_text(encoding="utf-8"),
)


def data_url(picture: np.ndarray) -> str:
    """A uint8 picture as an address that holds it."""
    return "data:image/png;base64," + base64.b64encode(images.png(picture)).decode()


def card(network: Network, layer: Layer, thumbnail: str) -> dict[str, Any]:
    """What the row shows of a layer: its field in the middle of the picture in per cent, and a map's address."""
    height, width, channels = (*network_shape(network, layer),)
    middle = layer.looks_at(height // 2, width // 2, network.size)
    whole = layer.field > network.size
    return {
        "name": layer.name,
        "title": layer.title,
        "shape": f"{height} × {width} × {channels}",
        "sees": "all of it" if whole else f"{layer.field} × {layer.field} pixels",
        "field": [round(100 * value / network.size, 2) for value in middle],
        "map": thumbnail,
    }


def network_shape(network: Network, layer: Layer) -> tuple[int, int, int]:
    """Height, width and channels of a layer's maps."""
    from cnndemo.activation_maps.networks import shapes

    return shapes(network.name)[layer.name]


def strip(network: Network, picture: str, cards: list[dict[str, Any]], chosen: str) -> None:
    """The row of layers; a click sets the page's `layer`.

    Args:
        picture: address of what the network saw.
        cards: from `card`.
        chosen: name of the layer that is shown.
    """

    def pick() -> None:
        name = getattr(state.get("strip"), "picked", None)
        if name in {each["name"] for each in cards}:
            state["layer"] = name

    _strip(
        key=state.key("strip"),
        data={
            "network": network.name,
            "picture": picture,
            "layers": cards,
            "chosen": chosen,
            "alt": f"The layers of {network.title}, from edges to parts",
        },
        on_picked_change=pick,
    )


def magnifier(network: Network, layer: Layer, picture: str, values: np.ndarray, alt: str) -> None:
    """One map over the picture; the place that one points at shows the pixels it looks at.

    Args:
        picture: address of what the network saw.
        values: the map, float32 (height, width).
        alt: what there is to see.
    """
    low, high = float(values.min()), float(values.max())
    levels = np.round((values - low) / max(high - low, 1e-9) * 65535).astype("<u2")
    rows, columns = values.shape
    fields = [layer.looks_at(place, place, network.size) for place in range(max(rows, columns))]
    peak = np.unravel_index(int(values.argmax()), values.shape)
    _magnifier(
        key=state.key("magnifier"),
        data={
            "picture": picture,
            "map": data_url(colored(values, layer.signed)),
            "values": base64.b64encode(levels.tobytes()).decode(),
            "low": low,
            "high": high,
            "count": rows,
            "columns": columns,
            "size": network.size,
            "rows": [[top, height] for top, _, height, _ in fields[:rows]],
            "cols": [[left, width] for _, left, _, width in fields[:columns]],
            "place": [int(peak[0]), int(peak[1])],
            "stamp": alt,
            "alt": alt,
        },
    )
