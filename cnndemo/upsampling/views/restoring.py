"""A picture shrunk and enlarged again, also by a kernel that learns it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from cnndemo import images, upsampling
from cnndemo.figures import grids
from cnndemo.grids import read_out
from cnndemo.palette import KERNEL
from cnndemo.ui.choices import main_button
from cnndemo.ui.frame import guard
from cnndemo.ui.panels import chart, download
from cnndemo.ui.pictures import pick_image, show
from cnndemo.ui.session import state
from cnndemo.upsampling import figures as charts
from cnndemo.upsampling.methods import NAMES

LONG_SIDE = 320


@st.cache_data(max_entries=24, show_spinner=False)
def _restored(image: np.ndarray, factor: int) -> tuple[dict[str, np.ndarray], dict[str, dict[str, float]]]:
    """By method: the restored picture as it is shown, and its quality."""
    original, small = upsampling.shrink_by(image, factor)
    restored = {NAMES[method]: upsampling.upsample(small, factor, method) for method in upsampling.METHODS}
    tent = upsampling.kernel_preset("bilinear", 2 * factor, factor)
    restored["Transposed, tent kernel"] = upsampling.transposed_convolution(small, tent, factor)
    scores = {name: upsampling.quality(original, picture) for name, picture in restored.items()}
    return {name: _bytes(picture) for name, picture in restored.items()}, scores


def _bytes(picture: np.ndarray) -> np.ndarray:
    return (np.clip(picture, 0, 1) * 255).round().astype(np.uint8)


@st.fragment
def picture_view() -> None:
    """Shrink a picture, restore it by each method, and learn a kernel for it."""
    left, right = st.columns([2, 3], gap="large")
    with left, guard():
        picture = pick_image()
        factor = st.select_slider("Shrink, then enlarge, by", [2, 3, 4, 8], 4, **state.linked("f"))
        taps = st.select_slider("Size of the learned kernel, in strides", [1, 2, 3], 2, **state.linked("taps"))
        steps = st.slider("Steps of learning", 50, 400, 200, 50, **state.linked("epochs"))
        with st.container(horizontal=True):
            start = main_button("Learn a kernel on this picture", icon=":material/school:")
            st.button("Stop", icon=":material/stop:", help="Keeps what was learned so far.")
    original = None
    with right, guard():
        image = images.shrink(picture.image, LONG_SIDE)
        original, small = upsampling.shrink_by(image, factor)
        restored, scores = _restored(image, factor)
        progress = st.empty()
        identity = (picture.name, picture.source, original.shape, float(original.mean()), factor, taps)
        if start:
            _learn(progress, identity, small, original, factor * taps, steps)
        learned = state.get("_learned")
        pictures, rows = dict(restored), dict(scores)
        if learned and learned["identity"] == identity:
            result = upsampling.transposed_convolution(small, learned["kernel"], factor)
            pictures["Transposed, learned"] = _bytes(result)
            rows["Transposed, learned"] = upsampling.quality(original, result)
        table = pd.DataFrame(rows).T.rename_axis("method").reset_index()
        st.dataframe(
            table, hide_index=True,
            column_config={
                "PSNR": st.column_config.NumberColumn("PSNR, dB", format="%.2f"),
                "SSIM": st.column_config.NumberColumn(format="%.4f"),
            },
        )  # fmt: skip
        best = table.loc[table["PSNR"].idxmax(), "method"]
        st.caption(f"Against the original: higher is closer. Best by PSNR: **{best}**.")
    if original is None:
        return
    with guard():
        with st.container(horizontal=True):
            shown = {f"Original, {original.shape[1]} × {original.shape[0]}": _bytes(original),
                     f"Shrunk, {small.shape[1]} × {small.shape[0]}": _bytes(small)} | pictures  # fmt: skip
            for title, values in shown.items():
                with st.container(width=250):
                    show(values, title, f"{title}: {picture.alt}")
        if learned and learned["identity"] == identity:
            _learned(learned, small, original)
        download("Best picture as PNG", lambda: images.png(pictures[best]), "enlarged.png", "image/png")


def _learn(progress, identity, small: np.ndarray, original: np.ndarray, size: int, steps: int) -> None:
    losses = []
    for step in upsampling.learn_kernel(small, original, size, steps):
        losses.append(step.loss)
        if step.step % 10 == 0 or step.step == steps:
            state["_learned"] = {"identity": identity, "kernel": step.kernel, "losses": list(losses)}
            progress.progress(step.step / steps, f"Step {step.step} of {steps}, mean squared error {step.loss:.5f}")
    progress.empty()


def _learned(learned: dict, small: np.ndarray, original: np.ndarray) -> None:
    kernel = learned["kernel"]
    best = upsampling.best_kernel(small, original, kernel.shape[0])
    stride = original.shape[0] // small.shape[0]
    floor = float(np.mean((upsampling.transposed_convolution(small, best, stride) - original) ** 2))
    fixed = {
        NAMES[method]: float(np.mean((upsampling.upsample(small, stride, method) - original) ** 2))
        for method in upsampling.METHODS
    }
    columns = st.columns([3, 2], gap="large")
    with columns[0]:
        said = f"The error fell to {learned['losses'][-1]:.5f}; no kernel of this size gets below {floor:.5f}."
        chart(charts.learning(learned["losses"], floor, fixed), said, "learning")
        st.caption(said)
    with columns[1]:
        drawn = grids.cells(kernel.round(2), "The kernel it learned", KERNEL, height=300)
        chart(drawn, f"The learned kernel, row by row: {read_out(kernel.round(2))}", "kernel")
        other = "coffee" if learned["identity"][0] != "coffee" else "cat"
        original, small = upsampling.shrink_by(images.shrink(images.sample(other), LONG_SIDE), stride)
        mine = upsampling.quality(original, upsampling.transposed_convolution(small, kernel, stride))["PSNR"]
        theirs = upsampling.quality(original, upsampling.upsample(small, stride, "bicubic"))["PSNR"]
        st.caption(
            f"On a picture that it never saw ({images.SAMPLES[other].caption.lower()}) this kernel reaches "
            f"{mine:.2f} dB, bicubic {theirs:.2f} dB."
        )
