"""The network that the visitor has trained, where another page takes it in place of the shipped one."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import streamlit as st

from cnndemo import chain
from cnndemo.ui.session import state

_SLOT = "own_network"  # of the session, for all pages: one network, at most some 20 MB


@dataclass(frozen=True)
class OwnNetwork:
    """A network of this session.

    Attributes:
        name: of the run that made it.
        words: how good it is.
        file: in Keras' format.
    """

    name: str
    words: str
    file: bytes

    @property
    def digest(self) -> str:
        """Tells networks apart."""
        return hashlib.sha256(self.file).hexdigest()[:16]

    @property
    def chain(self) -> chain.Chain:
        """Its layers, and the network as a function."""
        return _read(self.digest, self.file)


@st.cache_resource(max_entries=2, show_spinner=False)
def _read(digest: str, _file: bytes) -> chain.Chain:
    return chain.read(_file)


def adopt(name: str, words: str, file: bytes) -> None:
    """Let the pages that read digits take this network in this session."""
    st.session_state[_SLOT] = OwnNetwork(name, words, file)


def let_go() -> None:
    """Back to the shipped network."""
    st.session_state.pop(_SLOT, None)


def in_use() -> OwnNetwork | None:
    """The visitor's network, if he has taken one."""
    return st.session_state.get(_SLOT)


def notice() -> OwnNetwork | None:
    """Say on a page that the visitor's network answers there, with a way back; the network, or None."""
    own = in_use()
    if own is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info(f"Your own network answers here: {own.name}, {own.words}.", icon=":material/model_training:")
            st.button(
                "Back to the shipped network", key=state.key("shipped_network"), icon=":material/undo:",
                on_click=let_go,
            )  # fmt: skip
    return own


def reader(shipped: str, own: OwnNetwork | None) -> chain.Reader:
    """The network that a page about digits asks.

    Args:
        shipped: name of the one that ships.
        own: the visitor's, if it is to be asked.
    """
    if own is None:
        return chain.shipped(shipped)
    made = own.chain
    return chain.Reader(own.digest, lambda: made.layers, made.predictor, made.arrays.__getitem__)
