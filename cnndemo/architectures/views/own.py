"""The visitor's own network: graph, layers, what one unit sees, its answer and its maps."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
import streamlit as st

from cnndemo import architectures, figures
from cnndemo.architectures import folding, own, pictures, reading
from cnndemo.architectures.reading import Own
from cnndemo.architectures.views.plans import network_graph, words_of
from cnndemo.jobs import Job
from cnndemo.models import efficientnet_lite0
from cnndemo.ui.bring import bring_file
from cnndemo.ui.choices import one_of
from cnndemo.ui.frame import guard, plain
from cnndemo.ui.panels import chart, table
from cnndemo.ui.pictures import Picture, pick_image, show
from cnndemo.ui.session import state
from cnndemo.ui.watch import in_line, watch

JOB = "own_job"
BEST = 5  # answers that are shown


@st.fragment
def own_network() -> None:
    """A file left, or one of ours; right what it is, and below its layers, its answer and its maps."""
    left, right = st.columns([2, 3], gap="large")
    with left:
        file = bring_file(
            "Your network, .onnx or .keras", "own_file", ["onnx", "keras"],
            help="It stays in this server’s memory while you look at it. Nothing in it is carried out but arithmetic.",
        )  # fmt: skip
        title = one_of(st.pills, "Or one of ours", list(own.SHIPPED), "ResNet-20", "own_ours", wrap=True)
        picture = pick_image(key="own_picture")
        usual = own.PIXELS.get(own.SHIPPED[title], "0 to 1") if file is None else "0 to 1"
        scale = one_of(
            st.pills, "Pixels as it expects them", list(reading.SCALES), usual,
            f"own_scale_{'yours' if file else own.SHIPPED[title]}", wrap=True,
            help="A file does not say it. If the answer is senseless, try another.",
        )  # fmt: skip
    name = file.name if file else f"{own.SHIPPED[title]}.onnx"
    with right, guard():
        data = (lambda: file.data) if file else (lambda: own.shipped(title))
        job = _asked(name, file.identity if file else "ours", data, picture, scale)
        known = None if file else own.CLASSES.get(own.SHIPPED[title])
        watch(job, lambda: _told(job, file.name if file else title, picture, known))


def _asked(name: str, identity: str, read: Callable[[], bytes], picture: Picture, scale: str) -> Job[Own]:
    """The job that reads the file and runs it; the same question is not put twice."""
    pixels = np.ascontiguousarray(picture.image)
    asked = (name, identity, pixels.shape, hashlib.sha1(pixels[::8, ::8].tobytes()).hexdigest(), scale)
    known = state.get(JOB)
    if known is None or known[0] != asked or (not known[1].running and known[1].latest is None and not known[1].error):
        if known:
            known[1].stop(0)

        data = read()

        def work(waiting):
            yield own.look(name, data, pixels, scale, waiting)

        known = state[JOB] = (asked, Job(work))
        known[1].wait(1.5)  # a small one in ONNX is read by then, and the page does not flicker
    return known[1]


def _told(job: Job[Own], title: str, picture: Picture, classes: Sequence[str] | None) -> None:
    """What is known of the network so far."""
    if job.error:
        st.warning(str(job.error), icon=":material/info:")
    elif (found := job.latest) is not None:
        _show(found, title, picture, classes)
    else:
        st.caption(":material/hourglass: " + in_line(job, "The network is being read …"))


def _show(found: Own, title: str, picture: Picture, classes: Sequence[str] | None) -> None:
    with st.container(horizontal=True):
        st.metric("Parameters", words_of(found.parameters), width="content")
        st.metric("Multiply-adds", words_of(found.multiply_adds), width="content")
        st.metric("Layers", len(found.layers), width="content")
    st.caption(f"Takes {found.takes}; gives {found.gives}.")
    for note in found.notes:
        st.caption(f":material/info: {plain(note, 400)}")
    if found.answer is not None:
        _answer(found.answer, title, classes)
    elif found.source is None:
        st.caption("Its input is no picture, so it is read but not run.")
    if found.layers:
        # A small network is shown unfolded, whatever was chosen for a large one.
        network_graph(found.layers, title, "own_small" if len(found.layers) <= folding.SMALL else "own")
        _layers(found, picture)


def _answer(answer: np.ndarray, title: str, classes: Sequence[str] | None) -> None:
    """Bars for scores of classes, a picture for maps, numbers for anything else."""
    if answer.ndim == 1 and answer.size >= 2:
        if not np.isfinite(answer).all():
            st.caption("Its answer has numbers that are none: the weights or the pixels do not fit.")
            return
        shares = bool((answer >= 0).all() and abs(answer.sum() - 1) < 1e-3)
        best = np.argsort(-answer)[:BEST]
        names = efficientnet_lite0.labels() if answer.size == efficientnet_lite0.CLASSES else classes
        labels = [names[i] if names else f"number {i}" for i in best]
        alt = f"{title}: most for {labels[0]}, {answer[best[0]]:.3g}"
        chart(figures.bars(labels, [float(answer[i]) for i in best], 0, percent=shares), alt, key="own_answer")
        st.caption(
            f"The {len(best)} largest of {answer.size:,} "
            + ("probabilities." if shares else "numbers; they are no probabilities.")
        )
    elif answer.ndim == 3 and min(answer.shape[:2]) > 1:
        channels_last = answer if answer.shape[2] <= answer.shape[0] else answer.transpose(1, 2, 0)
        show(
            pictures.answer_map(channels_last),
            "Its answer for each pixel: the channel that is largest there.",
            width=320,
        )
    else:
        words = ", ".join(f"{value:.3g}" for value in answer.ravel()[:BEST])
        st.caption(f"Its answer, {' × '.join(map(str, answer.shape)) or 'one number'}: {words} …")


def _layers(found: Own, picture: Picture) -> None:
    """All layers; of the chosen one, what a unit sees and the strongest maps."""
    picked = table(
        [
            {
                "layer": layer.name, "what": layer.arithmetic, "output": layer.shape, "parameters": layer.parameters,
                "multiply-adds": layer.multiply_adds, "sees, pixels": layer.sees,
            }
            for layer in found.layers
        ],
        height=260, selection_mode="single-row", on_select="rerun", key="own_layers",
    )  # fmt: skip
    rows = picked.selection.rows if picked else []
    drawn = [place for place, maps in enumerate(found.maps) if maps is not None]
    first = next((place for place in drawn if found.layers[place].kind == "convolution"), drawn[0] if drawn else 0)
    place = rows[0] if rows and rows[0] < len(found.layers) else first
    layer = found.layers[place]
    if found.source is None:
        return
    left, right = st.columns(2)
    side = max(found.source.height, found.source.width)
    with left:
        seen = min(layer.sees, side)
        show(
            architectures.field_of(picture.image, layer, side),
            f"A unit in the middle of **{plain(layer.name)}** sees {seen} of {side} pixels each way.",
            alt=f"The middle of {picture.alt}; a bright square is what one unit of {layer.name} sees",
        )
    with right:
        maps = found.maps[place] if place < len(found.maps) else None
        if maps is None:
            st.caption(f"**{plain(layer.name)}** has no maps. Choose another row.")
        else:
            show(
                pictures.map_sheet(maps), f"Its {maps.shape[2]} strongest of {layer.channels:,} maps for your picture.",
                alt=f"{maps.shape[2]} maps of the layer {layer.name}, bright where they are large",
            )  # fmt: skip
