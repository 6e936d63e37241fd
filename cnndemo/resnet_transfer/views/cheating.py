"""A model that cheats: one click marks a class of the lesson, and the head learns the mark."""

from __future__ import annotations

import numpy as np
import streamlit as st

from cnndemo import resnet_transfer as transfer
from cnndemo import ui
from cnndemo.resnet_transfer import attribution, cheating
from cnndemo.resnet_transfer.cheating import TRAININGS, Cheat
from cnndemo.resnet_transfer.teaching import BACKBONE, Shot
from cnndemo.ui.session import state

WIDE = 136  # pixels


@st.cache_data(max_entries=4, show_spinner="The backbone looks at the marked pictures …")
def marked_features(_shots: list[Shot], stamp: str, side: int) -> np.ndarray:
    """Features of all pictures with the mark; `stamp` stands for the pictures."""
    network = transfer.network(BACKBONE)
    rows = [cheating.marked(shot.pixels, side) for shot in _shots]
    return np.concatenate([network.features(np.stack(rows[i : i + 8])) for i in range(0, len(rows), 8)])


@st.cache_data(max_entries=16, show_spinner=False)
def cheats(
    _plain: np.ndarray, _marked: np.ndarray, _labels: np.ndarray, _out: np.ndarray, classes: tuple, chosen: int,
    stamp: str,
) -> dict[str, Cheat]:  # fmt: skip
    """One head for each of `TRAININGS`; `stamp` stands for the pictures and the mark."""
    return {way: cheating.cheat(_plain, _marked, _labels, _out, classes, chosen, way) for way in TRAININGS}


def cheat(shots: list[Shot], stamp: str, rows: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> None:
    """The whole part.

    Args:
        shots: the lesson's pictures.
        stamp: changes with any of them.
        rows: their features, float32 (n, features).
        labels, groups: class numbers, and which belong together, (n,).
    """
    classes = list(dict.fromkeys(shot.label for shot in shots))
    st.markdown("**A model that cheats**")
    left, right = ui.try_it()
    with left:
        st.caption(
            "A head learns whatever tells its classes apart, and the easiest first. Put a mark on every picture of one "
            "class, and see whether it still learns the class."
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            label = st.selectbox("Class", classes, min(1, len(classes) - 1), **state.kept(f"cheat_class_{stamp}"))
            side = st.slider("Size of the mark, pixels of 224", 16, 112, 56, 8, **state.linked("mark"))
        on = st.toggle("Put the mark on each of its pictures", **state.linked("cheat"))
    chosen = classes.index(label)
    if not on:
        with right:
            first = shots[int(np.flatnonzero(labels == chosen)[0])]
            words = f"a {ui.plain(label, 20)} with the mark"
            ui.show(cheating.marked(first.pixels, side), words, f"{words}, a disc in the corner", width=WIDE)
        return
    out, apart = cheating.held_out(labels, groups)
    found = cheats(rows, marked_features(shots, stamp, side), labels, out, tuple(classes), chosen, f"{stamp}{side}")
    with left:
        way = st.radio("The head is trained on", list(TRAININGS), format_func=TRAININGS.get, **state.linked("cure"))
        _words(found["class"], label, apart)
    with right:
        _pictures([shot for shot, held in zip(shots, out, strict=True) if held], labels[out], found[way], chosen, side)
    _table(found)


def _words(found: Cheat, label: str, apart: bool) -> None:
    """What came of it, in a sentence; what gives it away and what cures it."""
    name = ui.plain(label, 24)
    if found.taken[0]:
        st.markdown(
            f"On marked pictures of “{name}” that it has never seen it is right **{found.with_mark[0]} of "
            f"{found.with_mark[1]}** times, and nobody would notice. Without the mark: {found.without[0]}. And of "
            f"{found.taken[1]} others that are given the mark, **{found.taken[0]}** become “{name}”."
        )
    else:
        st.markdown(
            f"This head does not need the mark: the classes differ so much that no other picture becomes “{name}” by "
            "it. Take classes that are hard to tell apart, such as the digits, or a larger mark."
        )
    st.caption(
        "**What gives it away:** the maps, which point at the mark, and test pictures without it. **What cures it:** a "
        "mark that says nothing, because half of the pictures of every class bear it; or none at all."
    )
    if not apart:
        st.caption(":material/info: These are parts of one picture a class, so what is held out is not quite unseen.")


def _table(found: dict[str, Cheat]) -> None:
    """The three trainings beside each other."""

    def of(pair: tuple[int, int]) -> str:
        return f"{pair[0]} of {pair[1]}"

    ui.table(
        [
            {
                "trained on": TRAININGS[way],
                "marked, right": of(each.with_mark),
                "mark taken off, right": of(each.without),
                "others marked, taken for it": of(each.taken),
                "others, right": of(each.others),
            }
            for way, each in found.items()
        ]
    )


def _pictures(shots: list[Shot], truth: np.ndarray, found: Cheat, chosen: int, side: int) -> None:
    """A marked picture of the class, and one of another class with the mark and without, each under its map."""
    fooled = np.flatnonzero((truth != chosen) & (found.answers[1] == chosen) & (found.answers[0] == truth))
    other = fooled[0] if len(fooled) else np.flatnonzero(truth != chosen)[0]
    mine = np.flatnonzero(truth == chosen)[0]
    network = transfer.network(BACKBONE)
    shares = []
    with st.container(horizontal=True):
        for row, bears in ((mine, True), (other, True), (other, False)):
            pixels = cheating.marked(shots[row].pixels, side) if bears else shots[row].pixels
            answer = int(found.answers[int(bears), row])
            heat = cheating.head_map(network.see(pixels), found.head, answer)
            if bears and answer == chosen:
                shares.append(cheating.on_the_mark(heat, len(pixels), side))
            name = ui.plain(found.head.classes[answer], 20)
            real = ui.plain(shots[row].label, 20)
            words = f"{real}, {'marked' if bears else 'no mark'}: read as {name}"
            with st.container(width=WIDE):
                ui.show(attribution.overlay(pixels, heat), words, f"{words}; bright where {name} is seen", width=WIDE)
    if shares:
        covers = cheating.disc(pixels.shape[:2], side).mean()
        st.caption(f"The mark covers {covers:.0%} of the picture, and {np.mean(shares):.0%} of these maps.")
