"""The pattern under the finger: dragged over the scene, it shows its score and uncovers the response (figure 1.6)."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import numpy as np
import streamlit as st

from cnndemo import images
from cnndemo.pattern_matching import figures
from cnndemo.pattern_matching.matching import Match
from cnndemo.ui.session import state

CELLS = 300  # scores on the long side: the browser gets the best of each block
_HERE = Path(__file__).resolve().parent
_HTML = """
<div class="pair"><div><canvas class="scene" tabindex="0" role="application"></canvas></div>
<div class="line">Score <span class="sum"></span>
<span class="bar" role="meter" aria-label="Score, from the lowest to the highest of this scene" aria-valuemin="0"
  aria-valuemax="100"><span></span></span>
<button type="button" class="all">Show the whole response</button>
<button type="button" class="best">Go to the best</button></div>
<div class="answer"><canvas class="map" role="img" aria-label="The response, where the pattern has been"></canvas></div>
</div><div class="said" role="status"></div>
"""
_component = st.components.v2.component(
    "cnndemo_slide", html=_HTML, css=(_HERE / "slide.css").read_text(), js=(_HERE / "slide.js").read_text()
)


def slide(image: np.ndarray, pattern: np.ndarray, scores: np.ndarray, best: Match, wanted: str) -> None:
    """The pattern on the scene, to be dragged; where it is put down, the step view looks.

    Args:
        image: uint8 (H, W).
        pattern: (h, w).
        scores: float32 (H - h + 1, W - w + 1), the response.
        best: the best match.
        wanted: what the pattern is, in a word.
    """
    cells, block = figures.pooled(scores, CELLS)
    low, high = float(cells[np.isfinite(cells)].min()), float(cells.max())
    identity = hashlib.sha1(image.tobytes() + np.asarray(pattern).tobytes() + scores.tobytes()).hexdigest()
    kept = state.get("slide")
    if kept is None or kept["identity"] != (identity, state.visit):
        known = {axis: state.get(state[f"{axis}_key"]) for axis in ("row", "column")}
        # It starts beside the best place, so that there is something to find.
        beside = (max(0, best.row - round(0.4 * best.height)), max(0, best.column - round(0.3 * best.width)))
        row, column = (beside[i] if value is None else value for i, value in enumerate(known.values()))
        kept = state["slide"] = {"identity": (identity, state.visit), "row": row, "column": column}
    share = np.nan_to_num((cells - low) / ((high - low) or 1.0), neginf=0.0).clip(0, 1)

    def move() -> None:
        if place := state["slide_pattern"].place:
            for axis in ("row", "column"):
                state[state[f"{axis}_key"]] = int(place[axis])

    _component(
        key=state.key("slide_pattern"),
        data={
            "identity": f"{identity} {state.visit}", "row": kept["row"], "column": kept["column"],
            "height": image.shape[0], "width": image.shape[1],
            "pattern_height": pattern.shape[0], "pattern_width": pattern.shape[1],
            "rows": cells.shape[0], "columns": cells.shape[1], "block": block, "low": low, "high": high,
            "best": [best.row, best.column],
            "scores": base64.b64encode(np.rint(share * 65535).astype("<u2").tobytes()).decode(),
            "image": _data_url(image), "pattern": _data_url(figures.overlay(pattern)),
            "response": _data_url(figures.response_picture(share)),
            "alt": f"The scene, and on it in orange the pattern: {wanted}",
        },
        on_place_change=move,
    )  # fmt: skip


def _data_url(picture: np.ndarray) -> str:
    return "data:image/png;base64," + base64.b64encode(images.png(picture)).decode()
