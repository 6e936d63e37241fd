"""The augmentation page's controls, its grid of variants, the comparison, and what one can take away."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st

from cnndemo import archives, images
from cnndemo.augmentation import (
    BOOK,
    FILL_MODES,
    OPERATIONS,
    Pipeline,
    Step,
    data_sets,
    to_picture,
)
from cnndemo.errors import VisitorError
from cnndemo.ui.frame import guard, plain
from cnndemo.ui.keras import agreement
from cnndemo.ui.pictures import show
from cnndemo.ui.session import state

SAMPLES, SIDE, COMPARE_SIDE = 16, 160, 480
STEPS, FILL, CENTER, SCALE, SEED, SHOWN = "steps", "fill", "center", "scale", "seed", "compare"


@st.cache_data(max_entries=64, show_spinner=False)
def variants(
    image: np.ndarray, recipe: str, seeds: Sequence[int], mask: np.ndarray | None = None
) -> list[tuple[np.ndarray, list[str]]]:
    """For each seed: the variant as a uint8 picture, with its mask as a tint if there is one, and what was drawn."""
    pipeline = Pipeline.from_json(recipe)
    results = []
    for seed in seeds:
        draws = pipeline.draw(image.shape[:2], seed)
        picture = to_picture(pipeline.apply(image, draws), pipeline.center or pipeline.scale)
        if mask is not None:
            picture = data_sets.overlay(picture, pipeline.apply_to_mask(mask, draws))
        results.append((picture, [str(draw) for draw in draws]))
    return results


rough_mask = st.cache_data(max_entries=16, show_spinner=False)(data_sets.rough_mask)


def adopt(pipeline: Pipeline) -> None:
    """Put every control where the pipeline wants it; for callbacks."""
    kinds = [step.kind for step in pipeline.steps]
    state[STEPS] = list(dict.fromkeys(kinds))
    state[FILL] = pipeline.fill_mode
    state[CENTER], state[SCALE] = pipeline.center, pipeline.scale
    for step in pipeline.steps:
        for setting in step.operation.settings:
            value = step.complete[setting.name]
            value = value if setting.choices else type(setting.step)(value)
            state[f"{step.kind}_{setting.name}"] = value


def _move(kind: str, by: int) -> None:
    steps = list(state[STEPS])
    old = steps.index(kind)
    new = min(max(old + by, 0), len(steps) - 1)
    steps.insert(new, steps.pop(old))
    state[STEPS] = steps


def _settings(kind: str) -> dict:
    """The controls of one transform."""
    values = {}
    for setting in OPERATIONS[kind].settings:
        key = f"{kind}_{setting.name}"
        if setting.choices:
            values[setting.name] = st.radio(
                setting.label, setting.choices, **state.linked(key), horizontal=True, help=setting.help
            )
        else:
            number = type(setting.step)
            values[setting.name] = st.slider(
                setting.label, number(setting.low), number(setting.high), number(setting.default), setting.step,
                **state.linked(key), help=setting.help,
            )  # fmt: skip
    return values


def choose() -> list[str]:
    """Which transforms, in which order."""
    with st.container(horizontal=True):
        st.button("The book's generator", on_click=adopt, args=(BOOK,), icon=":material/menu_book:")
        everything = Pipeline(tuple(Step(kind) for kind in OPERATIONS), "reflect")
        st.button("Everything", on_click=adopt, args=(everything,), icon=":material/apps:")
    chosen = st.pills(
        "Transforms, in the order in which you choose them", list(OPERATIONS), selection_mode="multi", wrap=True,
        default=[step.kind for step in BOOK.steps], **state.linked(STEPS),
        format_func=lambda kind: OPERATIONS[kind].title,
    )  # fmt: skip
    return list(chosen)


def controls(chosen: Sequence[str]) -> Pipeline:
    """The pipeline of these transforms, by hand: how far each may go, and what else there is to say."""
    settings = {}
    if chosen:
        for tab, kind in zip(st.tabs([OPERATIONS[kind].title for kind in chosen]), chosen, strict=True):
            with tab:
                settings[kind] = _settings(kind)
                if OPERATIONS[kind].labels:
                    st.caption(f":material/warning: {OPERATIONS[kind].labels}")
                if len(chosen) > 1:
                    with st.container(horizontal=True):
                        for words, by in (("Earlier", -1), ("Later", 1)):
                            key = state.key(f"{words.lower()}_{kind}")
                            st.button(words, on_click=_move, args=(kind, by), key=key, type="tertiary")
    only = st.selectbox(
        "Run", ["all", *chosen], **state.linked("only"),
        format_func=lambda kind: "the whole pipeline" if kind == "all" else f"only: {OPERATIONS[kind].title}",
    )  # fmt: skip
    kinds = chosen if only == "all" else [only]
    fill = st.selectbox("Fill what is left empty with", FILL_MODES, **state.linked(FILL))
    center = st.toggle("Sample-wise centre: subtract the mean", **state.linked(CENTER))
    scale = st.toggle("Sample-wise scale: divide by the deviation", **state.linked(SCALE))
    return Pipeline(tuple(Step(kind, settings[kind]) for kind in kinds), fill, center, scale)


def _compare(number: int) -> None:
    state[SHOWN] = number


def grid(image: np.ndarray, pipeline: Pipeline, seed: int, mask: np.ndarray | None, alt: str) -> None:
    """Sixteen variants, each with the parameters that were drawn for it (figure 3.2)."""
    results = variants(image, pipeline.to_json(), range(seed, seed + SAMPLES), mask)
    with st.container(horizontal=True, gap="xsmall"):
        for number, (picture, words) in enumerate(results):
            with st.container(width=148, gap="xsmall"):
                show(picture, alt=f"variant {number + 1} of {alt}: {', '.join(words) or 'unchanged'}", target=0)
                st.button(
                    f"Compare {number + 1}",
                    on_click=_compare,
                    args=(number,),
                    key=state.key(f"c{number}"),
                    type="tertiary",
                )
                st.caption("  \n".join(words) or "unchanged")


def compare(image: np.ndarray, pipeline: Pipeline, seed: int, alt: str) -> int:
    """The original and one variant under a swipe slider; returns the variant's number, from 0."""
    number = state.get(SHOWN, 0)
    st.markdown(f"**Variant {number + 1} against the original**")
    large = images.shrink(image, COMPARE_SIDE)
    picture, words = variants(large, pipeline.to_json(), (seed + number,))[0]
    share = st.slider("Swipe: original left, variant right", 0, 100, 50, **state.linked("swipe"), format="%d %%")
    show(data_sets.swipe(large, picture, share / 100), alt=f"{alt}, and its variant: {', '.join(words)}")
    return number


def honesty(image: np.ndarray, pipeline: Pipeline, seed: int) -> None:
    """Which code made the pictures, and what the Keras layers make of the same parameters."""

    def words(difference: float) -> str:
        unit = "standard deviations" if pipeline.scale else "grey levels of 255"
        verdict = f"differ from it by at most {difference:.1g} {unit}" if difference else "give exactly the same pixels"
        return (
            "The gallery's own NumPy code made these pictures and wrote down what it drew. The Keras layers, just now "
            f"given the same parameters for variant 1, {verdict}."
        )

    agreement(words, "cnndemo.augmentation.reference:difference", image, pipeline.to_json(), seed)


def step_by_step(image: np.ndarray, pipeline: Pipeline, seed: int, alt: str) -> None:
    """One variant after each transform of its pipeline."""
    draws = pipeline.draw(image.shape[:2], seed)
    with st.container(horizontal=True):
        show(image, "Original", alt, width=165, target=0)
        values = image.astype(np.float32)
        for number, draw in enumerate(draws, start=1):
            values = draw.operation.apply(values, dict(draw.parameters), pipeline.fill_mode)
            show(to_picture(values), f"{number}. {draw}", f"{alt}, {draw}", width=165, target=0)
        if pipeline.center or pipeline.scale:
            picture = to_picture(pipeline.standardize(values), standardized=True)
            show(picture, "Standardised, zero as mid-grey", f"{alt}, standardised", width=165, target=0)


def load_recipe() -> None:
    """Callback of the upload: read the JSON and move the controls, or keep everything and say why not."""
    file = state["recipe"]
    state["recipe_note"] = None
    if file is None:
        return
    try:
        adopt(Pipeline.from_json(file.getvalue()))
        state["only"] = "all"
    except VisitorError as error:
        state["recipe_note"] = f"**{plain(file.name)}**: {error}"


@st.fragment
def make_zip(image: np.ndarray, pipeline: Pipeline, seed: int) -> None:
    """A ZIP of many variants, with progress; a click on Stop, or on anything else, ends it."""
    with st.container(horizontal=True):
        count = st.number_input("How many variants", 1, 200, 50, **state.linked("zip_count"), width=160)
        side = st.select_slider(
            "Long side, pixels", [96, 160, 224, 320, 512], 224, **state.linked("zip_side"), width=200
        )
    small = images.shrink(image, side)
    if st.button("Make the ZIP", icon=":material/folder_zip:"):
        stopped = st.button("Stop", icon=":material/stop:", key=state.key("zip_stop"))
        progress = st.progress(0.0, "Making variants")

        def pictures():
            for number in range(count):
                values, _ = pipeline.sample(small, seed + number)
                yield f"variant_{number + 1:03d}", to_picture(values, pipeline.center or pipeline.scale)
                progress.progress((number + 1) / count, f"{number + 1} of {count}")

        with guard():
            state["zip"] = None if stopped else (count, archives.pack(pictures()))
        progress.empty()
    if made := state.get("zip"):
        st.download_button(
            f"ZIP of {made[0]} pictures, {len(made[1]) / 1e6:.1f} MB", made[1], "variants.zip", "application/zip",
            on_click="ignore", icon=":material/download:", key=state.key("zip_download"),
        )  # fmt: skip
