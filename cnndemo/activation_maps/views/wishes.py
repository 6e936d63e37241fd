"""What a filter wants: its picture, the shipped patches that excite it most, and a question about three of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from cnndemo import weights
from cnndemo.activation_maps import drawing, wanted
from cnndemo.activation_maps import figures as charts
from cnndemo.models import efficientnet_lite0
from cnndemo.ui.frame import guard
from cnndemo.ui.panels import chart
from cnndemo.ui.pictures import show
from cnndemo.ui.session import state


@dataclass(frozen=True)
class Own:
    """The piece of the visitor's own picture that excites the filter most, and how much."""

    picture: np.ndarray
    value: float


def wish(name: str, layer: str, title: str, channel: int, own: Own | None) -> None:
    """What one filter wants.

    Args:
        name: of the network's weights.
        layer, channel: the filter.
        title: what the page calls the layer.
        own: of the visitor's picture.
    """
    if layer not in wanted.PARTS.get(name, {}):
        st.markdown(_absent(name, title))
        return
    found = wanted.wanted_by(name, layer, channel)
    if found is None:
        last = wanted.channels(name, layer)[-1]
        st.markdown(f"Such pictures were made for the filters 0 to {last} of {title}. Click one of them:")
        _all(name, layer, title, channel)
        return
    if found.value <= 0:
        st.markdown(
            f"Nothing excites filter {channel} of {title}: it is dead, and gradient ascent found nothing, either."
        )
        _all(name, layer, title, channel)
        return
    st.markdown(
        f"Start from grey, and change every pixel so that filter {channel} of {title} answers more. After "
        f"{wanted.PARTS[name][layer].steps} steps there is a picture that excites it **{_times(found)}**."
    )
    with st.container(horizontal=True, gap="medium"):
        with st.container(width=210):
            show(
                found.picture,
                f"Made for it: **{found.value:.3g}**",
                f"what filter {channel} of {title} wants",
                target=224,
            )
        with st.container(width=110):
            show(
                found.patch,
                "The part that excites it most",
                f"its most exciting {found.patch.shape[0]} pixels",
                target=110,
            )
        if found.patches:
            with st.container(width=310):
                best = drawing.tiles([patch.picture for patch in found.patches], 3)
                about = ", ".join(dict.fromkeys(patch.title for patch in found.patches))
                show(best, f"The nine shipped patches: {found.patches[0].value:.3g} to {found.patches[-1].value:.3g}",
                     f"patches of {about}")  # fmt: skip
        if own is not None:
            with st.container(width=110):
                show(own.picture, f"Yours: **{own.value:.3g}**", "the most exciting piece of your picture", target=110)
    if found.in_pets is not None:
        st.caption(
            f"In {wanted.pets():,} photographs of pets, which do not ship, no patch excites it more than "
            f"{found.in_pets:.3g}."
        )
    with st.popover("How it was made", icon=":material/info:", type="tertiary", width="content"):
        st.markdown(
            "What keeps the picture from turning into noise:\n" + "\n".join(f"- {w}" for w in wanted.REGULARISERS)
        )
        st.markdown("\n".join(f"- {_figure(metric)}" for metric in weights.card(f"{name}.filters")["metrics"]))
        st.caption(
            "After Erhan, Bengio, Courville, Vincent 2009, and Olah, Mordvintsev, Schubert 2017, “Feature "
            f"Visualization”. Patches: {'MNIST, CC BY-SA 3.0' if name == wanted.DIGITS else _credits()}."
        )
    _all(name, layer, title, channel)


def _figure(metric: dict) -> str:
    value = f"{metric['value']:.1%}" if metric["value"] <= 1 else f"{metric['value']:.3g}"
    return f"{metric['name']}: {value} (of {metric['samples']} filters)"


def _credits() -> str:
    from cnndemo import images

    return "; ".join(f"{sample.caption}: {sample.credit}" for sample in images.SAMPLES.values())


def _times(found: wanted.Wanted) -> str:
    """How much more than the best patch."""
    if not found.patches:
        return "as no shipped patch does at all"
    if found.value <= found.patches[0].value + wanted.EQUAL:
        return "just as much as the best shipped patch, which already holds all that it can want"
    return f"{found.value / found.patches[0].value:.1f} times as much as any shipped patch"


def _absent(name: str, title: str) -> str:
    if name in wanted.PARTS:
        others = [layer.title for layer in wanted.NETWORKS[name].layers if layer.name in wanted.PARTS[name]]
        return f"For {title} no such pictures were made. They are there for: {', '.join(others)}."
    return "For this network no such pictures were made; look at those of EfficientNet-Lite0 or of the digits."


def _all(name: str, layer: str, title: str, channel: int) -> None:
    """The pictures of all filters of the layer; a click chooses one."""
    own, key, columns = wanted.channels(name, layer), f"wanted_{name}_{layer}", 8

    def pick() -> None:
        points = state[key].selection.points
        if points:
            chosen = points[0]["customdata"]
            state["filter"] = int(chosen[0] if isinstance(chosen, list) else chosen)

    sheet = charts.picture_sheet(wanted.pictures(name, layer), columns)
    st.markdown(f"**What the filters of {title} want**")
    chart(
        charts.clickable(sheet, own, columns, channel, pixels=84),
        f"pictures for {len(own)} filters of {title}",
        key=key,
        on_select=pick,
        selection_mode="points",
    )


def answers(name: str, layer: str) -> None:
    """What the answers themselves want: a picture a class."""
    own = wanted.channels(name, layer)
    labels = efficientnet_lite0.labels()
    names = [str(channel) if name == wanted.DIGITS else labels[channel] for channel in own]
    st.markdown(
        "The same for the network's **answers**, one picture a class. "
        + (
            "Hardly one looks like a digit: the network needs no whole digit to be sure."
            if name == wanted.DIGITS
            else "Textures and parts, over and over: fur, eyes, petals. Nothing tells it how many there should be."
        )
    )
    with st.container(horizontal=True, gap="small"):
        for picture, word in zip(wanted.pictures(name, layer), names, strict=True):
            with st.container(width=112):
                show(picture, word, f"what the answer {word} wants", target=112)


@st.fragment
@guard()  # a fragment's errors do not reach its caller
def quiz(name: str, layer: str, title: str, maps: np.ndarray) -> None:
    """Three pictures that filters want, and the maps of six: which belongs to which?

    Args:
        maps: of the picture on the page, float32 (height, width, channels).
    """
    if layer not in wanted.PARTS.get(name, {}):
        return
    made = wanted.channels(name, layer)
    ranked = [int(channel) for channel in drawing.strength(maps) if channel in made][:6]
    if len(ranked) < 6:
        return
    chance = np.random.default_rng(ranked)
    asked, offered = chance.permutation(ranked)[:3].tolist(), sorted(ranked)
    signed = name != wanted.DIGITS
    st.markdown(f"**Did you see this?** Six maps of {title} for your picture; below, what three of these filters want.")
    with st.container(horizontal=True, gap="small"):
        for channel in offered:
            with st.container(width=104):
                small = drawing.map_sheet(maps, [channel], 1, signed, 96)[1:-1, 1:-1]
                show(small, f"Filter {channel}", f"map of filter {channel}")
    right = 0
    given = []
    with st.container(horizontal=True, gap="medium"):
        for place, channel in enumerate(asked):
            with st.container(width=200):
                show(wanted.pictures(name, layer)[made.index(channel)], None, f"picture {'ABC'[place]}", target=168)
                key = f"quiz_{layer}_{'_'.join(map(str, offered))}_{place}"
                given.append(st.pills(f"Picture {'ABC'[place]} is filter …", offered, **state.kept(key)))
                right += given[-1] == channel
    if None not in given:
        words = ", ".join(f"{'ABC'[place]} is {channel}" for place, channel in enumerate(asked))
        tell = st.success if right == 3 else st.warning
        tell(
            f"{right} of 3 right: {words}. The map is red where the picture has what the filter wants."
            if signed
            else f"{right} of 3 right: {words}. The map is bright where the digit has what the filter wants.",
            icon=":material/check:" if right == 3 else ":material/close:",
        )
