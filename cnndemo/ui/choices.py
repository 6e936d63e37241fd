"""A choice that the link keeps, and the one button that stands out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import streamlit as st

from cnndemo.ui.session import state

Option = TypeVar("Option")


def one_of(
    widget: Callable, label: str, options: Iterable[Option] | Mapping[Option, str], default: Option, key: str, **more
) -> Option:
    """Let the visitor choose one of some options; there is always one, and the link keeps it.

    An empty parameter in a link (`?view=`) clears even a choice that is required; the default then stands in.

    Args:
        widget: `st.pills` or `st.segmented_control`.
        options: what to choose from, or for each option the title that is shown, and written into the link.
        key: short name of the setting; the link holds it.
        more: further arguments of the widget.
    """
    if isinstance(options, Mapping):
        more["format_func"] = options.get
    more.setdefault("wrap", True)  # or a long choice sticks out of a narrow screen
    chosen = widget(label, list(options), default=default, required=True, **state.linked(key), **more)
    return default if chosen is None else chosen


def main_button(label: str, **options: Any) -> bool:
    """`st.button` for what a page is there to do: it stands out, and its words can be read in both themes."""
    return st.button(f":violet[{label}]", type="primary", **options)
