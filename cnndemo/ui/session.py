"""What a page remembers in a visitor's session, under keys that no other page can reach.

All pages of Streamlit share one session, and a widget's key is also its name in the link. So each page has keys of its
own, made here from its stem and a short name: `steps` of the page `normalization` is `normalization.steps`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, MutableMapping, Set
from typing import Any

import numpy as np
import streamlit as st

MOST = 100_000_000  # bytes that one session may keep
_SMALL = 50_000  # what is smaller is never let go: settings, names, figures
_PAGE, _VISIT = "page", "visit"  # of the session: the stem of the page it looks at, and how many pages it has entered
_LEFT, _LET_GO = "left", "let_go"  # page -> the visit in which it was left; pages of which something was let go


class PageState(MutableMapping[str, Any]):
    """The part of `st.session_state` that belongs to the page which the visitor looks at; keys are short names."""

    def enter(self, stem: str) -> bool:
        """First line of a page: from now on, the short names are those of `stem`. Whether another page was left."""
        before = st.session_state.get(_PAGE)
        st.session_state[_PAGE] = stem
        if before != stem:
            st.session_state[_VISIT] = self.visit + 1
            if before:
                st.session_state.setdefault(_LEFT, {})[before] = self.visit
        return before != stem

    @property
    def stem(self) -> str:
        """The page that the visitor looks at."""
        return st.session_state[_PAGE]

    @property
    def visit(self) -> int:
        """Counts the pages that were entered; what a component cannot keep is put back once a visit."""
        return st.session_state.get(_VISIT, 0)

    def key(self, name: str) -> str:
        """The key of a widget or of a value: `steps` -> `normalization.steps`."""
        return f"{self.stem}.{name}"

    def linked(self, name: str) -> dict[str, str]:
        """Arguments of a setting that the link holds: `st.slider("Steps", 1, 9, **state.linked("steps"))`.

        Its value is found again when the visitor comes back to the page.
        """
        return {"key": self.key(name), "bind": "query-params"}

    def kept(self, name: str) -> dict[str, str]:
        """Arguments of a setting that is found again but is not in the link: it only fits what else is on the page."""
        return {"key": self.key(name), "persist_state": "session"}

    def in_link(self, name: str) -> bool:
        """Whether the link holds this setting."""
        return self.key(name) in st.query_params

    def __getitem__(self, name: str) -> Any:
        return st.session_state[self.key(name)]

    def __setitem__(self, name: str, value: Any) -> None:
        st.session_state[self.key(name)] = value

    def __delitem__(self, name: str) -> None:
        del st.session_state[self.key(name)]

    def __iter__(self) -> Iterator[str]:
        prefix = self.key("")
        return (key.removeprefix(prefix) for key in list(st.session_state) if str(key).startswith(prefix))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def clear(self) -> None:
        """Forget everything of this page; what still works for it, and so has a `stop`, is stopped."""
        for name in list(self):
            value = self.pop(name, None)
            if hasattr(value, "stop"):
                value.stop()

    def __contains__(self, name: object) -> bool:
        return self.key(str(name)) in st.session_state


state = PageState()


def size(value: Any, seen: set[int] | None = None) -> int:
    """About how many bytes a value holds: arrays, bytes and texts, also within containers and objects."""
    seen = set() if seen is None else seen
    if id(value) in seen:
        return 0
    seen.add(id(value))
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, (bytes, bytearray, str)):
        return len(value)
    if isinstance(value, Mapping):
        return sum(size(part, seen) for part in value.values())
    if isinstance(value, (list, tuple, Set)):
        return sum(size(part, seen) for part in value)
    if dataclasses.is_dataclass(value):
        return sum(size(getattr(value, field.name, None), seen) for field in dataclasses.fields(value))
    return sum(size(part, seen) for part in getattr(value, "__dict__", {}).values())


def let_go(most: int = MOST) -> None:
    """Keep the session within `most` bytes: the largest things go first, from the page that was left longest ago."""
    sizes = {str(key): size(value) for key, value in st.session_state.items()}
    left = st.session_state.get(_LEFT, {})
    # The present page comes last; what belongs to no page, such as the visitor's own picture, stays.
    order = sorted((stem for stem in left if stem != state.stem), key=left.get) + [state.stem]
    total = sum(sizes.values())
    for stem in order:
        own = {key: bytes_ for key, bytes_ in sizes.items() if key.startswith(f"{stem}.") and bytes_ > _SMALL}
        for key in sorted(own, key=own.get, reverse=True):
            if total <= most:
                return
            del st.session_state[key]
            total -= own[key]
            st.session_state.setdefault(_LET_GO, set()).add(stem)


def was_let_go() -> bool:
    """Whether something of this page was let go since the visitor last heard of it; asked once."""
    told = st.session_state.get(_LET_GO, set())
    if state.stem in told:
        told.discard(state.stem)
        return True
    return False
