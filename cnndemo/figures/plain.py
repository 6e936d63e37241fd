"""Figures for controls that must answer at once."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import plotly.graph_objects as go

from cnndemo.figures import TEMPLATE


@lru_cache(maxsize=1)
def _template() -> dict[str, Any]:
    return TEMPLATE.to_plotly_json()


class Plain(go.Figure):
    """A figure from plain dictionaries that Plotly does not check; checking takes some 10 ms a chart.

    Args:
        data: traces, each with its ``type``; lists, not arrays.
        layout: as for any figure; the gallery's template is added.
        frames: for animations.
    """

    def __init__(self, data: list[dict], layout: dict, frames: list[dict] | tuple[dict, ...] = ()) -> None:
        super().__init__()
        self.__dict__["plain"] = {"data": data, "layout": {"template": _template(), **layout}, "frames": list(frames)}

    def to_dict(self) -> dict[str, Any]:
        """What Plotly draws."""
        plain = self.__dict__["plain"]
        return {key: plain[key] for key in ("data", "layout", "frames") if plain[key]}


def still(figure: go.Figure) -> go.Figure:
    """A figure without what plays: its frames, and the buttons that start them."""
    drawn = figure.to_dict()
    if not drawn.get("frames"):
        return figure
    return Plain(drawn["data"], {name: part for name, part in drawn["layout"].items() if name != "updatemenus"})
