"""What a visitor brings besides pictures, and what he types into tables: kept while he looks at other pages.

The browser forgets the contents of an upload and of a table when it leaves their page; the session does not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from starlette.formparsers import MultiPartParser

from cnndemo.class_folders import readable
from cnndemo.ui.frame import plain
from cnndemo.ui.pictures import LONGEST_NAME
from cnndemo.ui.session import state

# The web server would write what is larger than 1 MB to the disk on its way; uploads stay in memory. They have 20 MB.
MultiPartParser.spool_max_size = 1 << 25


@dataclass(frozen=True)
class Upload:
    """A file in memory: its name, its bytes, Streamlit's id of it, and the visit in which it was last in its field."""

    name: str
    data: bytes
    identity: str
    visit: int


def bring_file(label: str, name: str, types: Sequence[str], help: str | None = None) -> Upload | None:
    """An upload that is found again. `name` is its short name, `types` are the endings that are taken."""
    file = st.file_uploader(label, type=list(types), key=state.key(name), help=help)
    slot = f"{name}.file"
    kept: Upload | None = state.get(slot)
    if file is not None:
        if kept is None or kept.identity != file.file_id or kept.visit != state.visit:
            kept = state[slot] = Upload(_short(file.name), file.getvalue(), file.file_id, state.visit)
        return kept
    if kept is not None and kept.visit == state.visit:  # it was taken out of the field
        del state[slot]
        return None
    if kept is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"Still here: {plain(kept.name)}")
            st.button("Remove", key=state.key(f"{name}.remove"), on_click=state.pop, args=(slot, None), type="tertiary")
    return kept


def _short(name: str) -> str:
    """A file's name that can be shown; it keeps its ending, which tells what the file is."""
    path = PurePath(name)
    return readable(path.stem, LONGEST_NAME) + (readable(path.suffix, 10) if path.suffix else "")


def edit_table(name: str, start: Any, **options: Any) -> Any:
    """`st.data_editor` that finds again what was typed; another `start` begins anew.

    Args:
        name: short name.
        start: what the table holds at first: an array, a data frame, or columns.
        options: as for `st.data_editor`.
    """
    text = start.tolist() if isinstance(start, np.ndarray) else start
    text = start.to_csv() if isinstance(start, pd.DataFrame) else text
    identity = hashlib.sha1(str(text).encode()).hexdigest()[:12]
    kept = state.get(f"{name}.table")
    if kept is None or kept["identity"] != identity:
        kept = {"identity": identity, "visit": state.visit, "base": start, "now": start}
    elif kept["visit"] != state.visit:
        kept = kept | {"visit": state.visit, "base": kept["now"]}
    now = st.data_editor(kept["base"], key=state.key(f"{name}.{identity}.{state.visit}"), **options)
    state[f"{name}.table"] = kept | {"now": now}
    return now
