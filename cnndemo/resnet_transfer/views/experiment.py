"""The book's experiment: a small picture padded with zeros, against the same picture scaled up."""

from __future__ import annotations

import numpy as np
import streamlit as st

from cnndemo import resnet_transfer as transfer
from cnndemo import ui, weights
from cnndemo.errors import VisitorError
from cnndemo.models import resnet20
from cnndemo.resnet_transfer import attribution, naming, resnet50
from cnndemo.resnet_transfer import figures as charts

SIDE = 200  # pixels of a picture on the page


@st.cache_data(max_entries=64, show_spinner=False)
def fed(small: np.ndarray, way: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What the network saw, the ten probabilities, and how strongly each cell of its last grid responds."""
    pixels, probabilities, seen = naming.small_picture(small, way)
    return pixels, probabilities, seen.maps.mean(axis=2)


def book_experiment(image: np.ndarray, alt: str) -> None:
    """Figures 4.4 and 4.5, listings 4.2 and 4.3, and the accuracies of `train/cifar10_transfer.py`."""
    small = resnet20.preprocess(image)
    st.markdown(
        "CIFAR-10's pictures have 32 × 32 pixels, an ImageNet network wants 224 × 224. The book surrounds them with "
        "zeros. Here your picture is shrunk to 32 × 32 and fed both ways to the same frozen backbone, each with the "
        "head that was trained for that way."
    )
    with ui.guard():
        _two_ways(small, alt)
    with ui.guard():
        _figures()
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown('**Listing 4.2** in today\'s Keras, with `pooling="avg"`, which the printed numbers need.')
        st.code(ui.source(resnet50.book_model), language="python", wrap_lines=True)
    with right:
        rows = resnet50.listing_4_3()
        total, train = (sum(row[name] for row in rows) for name in ("parameters", "train"))
        st.markdown("**Listing 4.3**, by arithmetic from the architecture.")
        ui.table(rows)
        st.markdown(f"Together **{total:,}**, of which **{train:,}** train and **{total - train:,}** are frozen.")
        st.caption(
            "Frozen weights are not “zeroed gradients” alone: Keras leaves them out of what the optimizer gets, "
            "and a frozen batch normalization also stops updating its averages."
        )


def _two_ways(small: np.ndarray, alt: str) -> None:
    answers = {way: fed(small, way) for way in ("padded", "scaled")}
    with st.container(horizontal=True):
        with st.container(width=SIDE):
            ui.show(small, "32 × 32 pixels (figure 4.4)", f"{alt}, 32 by 32 pixels", target=SIDE)
        for way, (pixels, _, response) in answers.items():
            side = pixels.shape[0]
            name = "padded with zeros (figure 4.5)" if way == "padded" else f"scaled up to {side}"
            with st.container(width=SIDE):
                ui.show(grid(pixels, response.shape[0]), name, f"the picture {name}, with the cells of the last grid")
    for column, (way, (_, probabilities, _)) in zip(st.columns(2, gap="large"), answers.items(), strict=True):
        pairs = naming.best(probabilities, resnet20.CLASSES, 3)
        with column:
            ui.chart(
                charts.answers(pairs, pairs[0][0], way.capitalize()),
                alt=f"{way}: " + ", ".join(f"{name} {value:.1%}" for name, value in pairs),
                key=f"experiment_{way}",
            )
    cells = answers["padded"][2].shape[0]
    st.caption(
        f"The grid is what the network averages at its end: {cells} × {cells} cells when padded. The 32 pixels cover "
        f"about one of the {cells * cells} cells; the rest say “black”, and the average listens to all of them alike."
    )
    with ui.guard():
        pairs = transfer.classify(small, "resnet20", 3)
        st.caption(
            "ResNet-20, made for pictures of 32 × 32 pixels, says: "
            + ", ".join(f"{name} {value:.0%}" for name, value in pairs)
            + "."
        )


def _figures() -> None:
    """The card's table."""
    about = weights.card("cifar10_transfer")
    small = resnet20_row()
    rows = about["experiments"] + small
    ui.chart(
        charts.experiment(rows),
        alt="; ".join(f"{row['input']}, {row['trained']}: {row['accuracy']:.1%}" for row in rows),
        key="experiment_table",
    )
    splits = about["data"]["splits"]
    words = "Orange as in the book, green scaled up, both with a frozen backbone and a new head"
    commands = [about["command"]]
    tuned = [row for row in about["experiments"] if row["trained"] in ("all layers", "from scratch")]
    if tuned:
        words += (
            f"; blue with all layers training for {about['tuning']['epochs']} epochs, from ImageNet's weights or from "
            "scratch"
        )
        words += "".join(f", and a small network from scratch for {row['epochs']} epochs" for row in small)
        commands += [row["command"] for row in tuned if "command" in row]
    st.caption(
        f"{words}. {splits['train']:,} training and {splits['test']:,} test pictures; thin lines are 95 % intervals. "
        f"Made by {', '.join(f'`{command}`' for command in dict.fromkeys(commands))}."
    )
    frozen = max(row["accuracy"] for row in rows if row["trained"] == "head")
    if small and small[0]["accuracy"] > frozen:
        st.caption(
            f"With {small[0]['training_pictures']:,} pictures a small network that learns from scratch "
            f"({small[0]['accuracy']:.1%}) beats every frozen head (at most {frozen:.1%}). Transfer pays where "
            "pictures are few (see “Teach it”)"
            + "".join(f", or where all layers may train: {row['accuracy']:.1%}" for row in tuned[:1])
            + "."
        )


def resnet20_row() -> list[dict]:
    """ResNet-20's row of the table, with one look a picture like the others; none without its card."""
    try:
        about = weights.card("resnet20")
    except VisitorError:
        return []
    return [
        {
            "input": "ResNet-20 at 32",
            "trained": "from scratch",
            "accuracy": figure["value"],
            "interval": figure["interval"],
            "training_pictures": about["data"]["splits"]["train"],
            "epochs": about["epochs"],
        }
        for figure in about["metrics"]
        if figure["name"] == resnet20.ONE_LOOK
    ]


def grid(pixels: np.ndarray, cells: int) -> np.ndarray:
    """The picture with the lines of the network's last grid, uint8."""
    result = attribution.spread_pixels(pixels, 224)
    for line in np.linspace(0, 224, cells + 1).astype(int)[1:-1]:
        result[line - 1 : line + 1] = result[:, line - 1 : line + 1] = (0, 158, 115)
    return result
