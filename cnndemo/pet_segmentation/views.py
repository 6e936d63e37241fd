"""The pet segmentation page's views of an answer, and two playgrounds: paint a mask, and drag two sets."""

from __future__ import annotations

import hashlib

import numpy as np
import streamlit as st

from cnndemo import images, pet_segmentation, weights
from cnndemo.inference import predictor
from cnndemo.palette import INPUT, KERNEL
from cnndemo.pet_segmentation import figures as drawings
from cnndemo.pet_segmentation import masks as pet_masks
from cnndemo.pet_segmentation import metrics
from cnndemo.pet_segmentation.segmenting import NETWORKS
from cnndemo.ui.choices import one_of
from cnndemo.ui.frame import stage
from cnndemo.ui.pad import pad
from cnndemo.ui.panels import chart, download
from cnndemo.ui.pictures import show
from cnndemo.ui.plane import Points, plane, written
from cnndemo.ui.session import state

OWN = "The mask above"
SIDE = 320  # pixels: the canvas fits on a phone
VIEWS = ["Overlay", "Cut-out", "Probabilities", "Confidence", "Both"]
BACKGROUNDS = ["transparent", "blurred", "colour", "rocket", "coffee"]
SHOWN, HOVERED = 640, 320  # pixels on the long side of pictures, and of charts with numbers under the cursor
TITLES = {"pretrained": "Pretrained encoder, beyond the book", "book": "The book's U-Net"}
CHOICES = {"pretrained": "Pretrained", "book": "Book"}  # the words in the link


def compare_cards() -> str:
    """How good the two networks are, in a sentence from their cards."""
    cards = {name: weights.card(net.weights) for name, net in NETWORKS.items()}
    score = "mean Jaccard of the classes"
    values = {name: next(m for m in card["metrics"] if m["name"] == score) for name, card in cards.items()}
    return (
        f"{TITLES['pretrained']}: {score} **{values['pretrained']['value']:.3f}** on "
        f"{values['pretrained']['samples']} test pictures. {TITLES['book']}: **{values['book']['value']:.3f}**."
    )


def describe_sizes() -> str:
    """Levels and parameters of the two networks, from their modules and cards."""
    sizes = {name: f"{weights.card(net.weights)['parameters']:,}" for name, net in NETWORKS.items()}
    depth = {name: len(pet_segmentation.architecture(name).SKIPS) for name in NETWORKS}
    return (
        f"The book's U-Net (listing 6.1) goes {depth['book']} levels down and has {sizes['book']} parameters, all "
        f"trained on pets. The other goes {depth['pretrained'] + 1} levels down and has {sizes['pretrained']}, most of "
        "them trained on ImageNet first: EfficientNet-Lite0 is its way down. Above, each looks twice: at the picture "
        "and at its mirror image, and the mean of both answers counts. Here it looks once."
    )


@st.fragment
def result(image: np.ndarray, alt: str, name: str, answers: dict) -> None:
    """The result column: what the network says, in five views."""
    found, values = answers[name]
    view = one_of(st.segmented_control, "View", VIEWS, "Overlay", "view")
    small = images.shrink(image, SHOWN)
    if view == "Overlay":
        with st.container(horizontal=True, vertical_alignment="center"):
            opacity = st.slider("Opacity", 0, 100, 50, **state.linked("opacity"), format="%d %%", width=200)
            contour = st.toggle("Contour", True, **state.linked("contour"))
        labels = pet_segmentation.resize_labels(found, small.shape)
        tinted = pet_segmentation.overlay(small, labels, opacity / 100, contour)
        with stage():
            show(tinted, "Green: pet. Orange: border. Blue: surroundings.", alt=f"Labels laid over {alt}")
    elif view == "Cut-out":
        with st.container(horizontal=True, vertical_alignment="bottom"):
            behind = one_of(st.pills, "Background", BACKGROUNDS, "transparent", "behind")
            if behind == "colour":
                behind = st.color_picker("Colour", "#56B4E9", **state.linked("colour"))
            border = st.toggle("With the border", True, **state.linked("border"))
        mask = pet_segmentation.animal(found, border)
        ground = images.sample(behind) if behind in images.SAMPLES else behind
        cut = pet_segmentation.cut_out(image, mask, ground)
        with stage():
            show(images.shrink(cut, SHOWN), "The animal, cut out", alt=f"The cut-out of {alt} on {behind} ground")
        with st.container(horizontal=True):
            download("Cut-out", lambda: images.png(cut), "cut_out.png", "image/png")
            download("Mask", lambda: images.png(mask.astype(np.uint8) * 255), "mask.png", "image/png")
            download("Trimap", lambda: images.png(found), "trimap.png", "image/png")
    elif view == "Both":
        with stage(), st.grid(2, min_column_width=150):
            for other, (labels, _) in answers.items():
                labels = pet_segmentation.resize_labels(labels, small.shape)
                show(pet_segmentation.overlay(small, labels), TITLES[other], alt=f"Labels by the {other} network")
        if len(answers) > 1:
            share = pet_segmentation.disagreement(*(labels for labels, _ in answers.values()))
            st.caption(f"They differ on {share:.1%} of the pixels.")
    else:
        tiny = images.shrink(image, HOVERED)
        fine = np.dstack([images.shrink(channel, HOVERED) for channel in np.moveaxis(values, -1, 0)])
        if view == "Probabilities":
            with stage():
                chart(drawings.probe(tiny, fine), f"{alt}, with the three probabilities under the cursor", key="probe")
            st.caption("Point at a pixel, or tap it: its probabilities of pet, surroundings and border.")
        else:
            sure = fine.max(axis=-1) / 255
            with stage():
                chart(drawings.share_map(sure, "sure to", low=1 / 3), f"Confidence of each pixel of {alt}", key="sure")
            st.caption(f"The largest of the three probabilities; its mean is {sure.mean():.1%}. Outlines are unsure.")


@st.cache_data(max_entries=16, show_spinner=False)
def way_through(
    image: np.ndarray, name: str, off: tuple[str, ...], _predict
) -> tuple[list[drawings.Level], np.ndarray, np.ndarray]:
    """What the U shows of a picture; its labels with every skip connection, and without those that are off."""
    module, net = pet_segmentation.architecture(name), NETWORKS[name]
    square, box = pet_segmentation.prepare(image, net)
    maps = _predict(square[None])
    small = images.shrink(image, SHOWN).shape
    full, cut = (
        pet_segmentation.labels(pet_segmentation.restore(pet_segmentation.decode(maps, name, skips), box, small))
        for skips in ((), off)
    )
    return drawings.levels(maps, module, box, net.size, images.shrink(image, HOVERED), off), full, cut


@st.fragment
def how_it_works(image: np.ndarray, name: str) -> None:
    """The picture's way through the U, with skips to switch off."""
    module, net = pet_segmentation.architecture(name), NETWORKS[name]
    served = predictor(net.weights, module.LEVELS)
    sizes = {layer.name: f"{layer.shape[1]} × {layer.shape[2]}" for layer in weights.layers(net.weights)}
    on = st.pills(
        "Skip connections that are on", module.SKIPS, selection_mode="multi", default=module.SKIPS,
        **state.linked(f"skips_{name}"), format_func=sizes.__getitem__,
    )  # fmt: skip
    off = tuple(layer for layer in module.SKIPS if layer not in on)
    levels, full, cut = way_through(image, name, off, served)
    small = images.shrink(image, SHOWN)
    left, right = st.columns([3, 2], gap="large")
    with left:
        chart(drawings.u_shape(levels), f"Feature maps of {len(module.LEVELS)} levels in the shape of a U", key="u")
    with right:
        show(pet_segmentation.overlay(small, full), "All skips on", alt="The mask with every skip connection")
        if off:
            show(pet_segmentation.overlay(small, cut), "With the skips you chose", alt="The mask without some skips")
            whole, part = pet_segmentation.animal(full), pet_segmentation.animal(cut)
            with st.container(horizontal=True):
                st.metric("Jaccard with the full mask", f"{metrics.jaccard(whole, part):.3f}", width="content")
                st.metric("Agreement of outlines", f"{metrics.boundary_f_score(whole, part):.3f}", width="content")
        st.caption(
            "A skip that is off still carries each channel's mean, so the decoder learns what is there, but not where."
        )


@st.fragment
def paint_and_feel(image: np.ndarray, found: np.ndarray) -> None:
    """Edit a mask with brush, eraser and sliders; pixel accuracy, Jaccard, Dice and boundary F move together."""
    presets = list(pet_masks.PRESETS)
    preset = one_of(st.pills, "Start from", [OWN, *presets], presets[0], "preset")
    small = None
    if preset == OWN:
        small = images.shrink(image, SIDE)
        truth = pet_segmentation.animal(pet_segmentation.resize_labels(found, small.shape))
        start = truth
    else:
        truth, start = pet_masks.preset(preset)
    left, right = st.columns([2, 3], gap="large")
    with left:
        width = st.slider("Width of the brush", 3, 60, 24, **state.linked("brush"), width=200)
        with st.popover("Grow, shift, fill", icon=":material/tune:"):
            grow = st.slider("Dilate (erode below 0), pixels", -20, 20, 0, **state.linked("grow"))
            right_by = st.slider("Shift right, pixels", -60, 60, 0, **state.linked("dx"))
            down_by = st.slider("Shift down, pixels", -60, 60, 0, **state.linked("dy"))
            fill = st.toggle("Fill holes", **state.linked("fill"))
        edited = pet_masks.edit(start, grow, down_by, right_by, fill)
        scale = SIDE / max(truth.shape)
        height, wide = (max(1, round(side * scale)) for side in truth.shape)
        content = hashlib.sha1(truth.tobytes() + preset.encode()).hexdigest()[:10]
        backdrop = pet_masks.compare(truth, edited, small)
        drawn = pad(
            f"paint_{content}", height, wide, "The mask over the pet: the pen adds to it, the eraser takes away", width,
            pet_masks.BRUSH, background=backdrop, eraser=pet_masks.ERASER,
        )  # fmt: skip
    predicted = drawn.on(edited)
    with right:
        values = pet_masks.scores(truth, predicted)
        with st.container(horizontal=True):
            for name, value in values.items():
                st.metric(name, f"{value:.3f}", width="content")
        show(
            pet_masks.compare(truth, predicted, small),
            "Green: in both. Blue: missed. Vermilion: invented.",
            alt=f"Two masks compared: {truth.sum()} pixels are true, {predicted.sum()} predicted",
        )
        st.markdown(verdict(truth, predicted, values))
        download(
            "The edited mask",
            lambda: images.png(predicted.astype(np.uint8) * 255),
            "mask.png",
            "image/png",
            key="painted",
        )
    if preset == OWN:
        st.caption("There is no truth for this picture: the network's own answer plays it, and your edits are judged.")


def verdict(truth: np.ndarray, predicted: np.ndarray, values: dict[str, float]) -> str:
    """Why the scores agree or part, in a sentence with the numbers of the two masks."""
    both_empty = ~(truth | predicted)
    gap = values["Pixel accuracy"] - values["Jaccard"]
    if gap > 0.1:
        return (
            f"{both_empty.mean():.0%} of the picture is surroundings that both agree on. Pixel accuracy counts them as "
            f"success and says **{values['Pixel accuracy']:.0%}**; Jaccard looks at the pet only: "
            f"**{values['Jaccard']:.0%}**."
        )
    if gap < -0.1:
        return "The pet fills most of the picture: here Jaccard is kinder than pixel accuracy."
    if values["Boundary F"] + 0.1 < values["Jaccard"]:
        return "The areas overlap well, the outlines do not: only the boundary F-score complains."
    return "All scores agree. Erase half of the pet, or paint beside it, and watch which falls first."


def _arrange(name: str) -> None:
    """Put the two discs as in one of the configurations of figure 6.7."""
    a, b, state["ra"], state["rb"] = pet_masks.DISCS[name]
    state["sets"] = written({"A": np.array(a), "B": np.array(b)})


@st.fragment
def two_sets() -> None:
    """Two discs to drag and resize, both scores, and where they stand on the curve."""
    with st.container(horizontal=True):
        for name in pet_masks.DISCS:
            st.button(name, on_click=_arrange, args=(name,), type="tertiary")
    a, b, *radii = next(iter(pet_masks.DISCS.values()))
    left, right = st.columns([2, 3], gap="large")
    with left:
        with st.container(horizontal=True):
            radii = [
                st.slider(f"Radius of {name}", 0.2, 3.0, radius, 0.05, **state.linked(f"r{name.lower()}"), width=150)
                for name, radius in zip("AB", radii, strict=True)
            ]

        def shapes(points: Points) -> list[dict]:
            return [
                {"kind": "circle", "x": float(x), "y": float(y), "r": radius, "fill": color, "opacity": 0.45}
                for (x, y), radius, color in zip(points.values(), radii, (INPUT, KERNEL), strict=True)
            ]

        titles = {"A": ("Set A", INPUT), "B": ("Set B", KERNEL)}
        points = plane("sets", {"A": a, "B": b}, titles, shapes, lambda _: "Two discs, A and B, that can be dragged")
    discs = [pet_masks.disc((x, y), radius) for (x, y), radius in zip(points.values(), radii, strict=True)]
    union, both = (int(part.sum()) for part in (discs[0] | discs[1], discs[0] & discs[1]))
    jaccard, dice = metrics.jaccard(*discs), metrics.dice(*discs)
    with right:
        st.latex(rf"J = \frac{{|A \cap B|}}{{|A \cup B|}} = \frac{{{both}}}{{{union}}} = {jaccard:.3f}")
        st.latex(rf"D = \frac{{2\,|A \cap B|}}{{|A|+|B|}} = \frac{{2 \cdot {both}}}{{{union + both}}} = {dice:.3f}")
        alt = f"Dice over Jaccard: a curve above the diagonal; the sets stand at J = {jaccard:.3f}, D = {dice:.3f}"
        chart(drawings.dice_over_jaccard(jaccard), alt, key="curve")
        st.caption(
            f"The book's Dice lacks the 2 and would say {dice / 2:.3f}; two equal sets would score 0.5. Its figures, a "
            f"Jaccard of 0.88 with a Dice of 0.85, lie below the diagonal, where no pair of sets can be: "
            f"J = 0.88 means D = {metrics.dice_from_jaccard(0.88):.3f}."
        )
