"""The widgets of the Siamese networks page that need a network: two digits, maps, and the class it never saw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from cnndemo import images, siamese, weights
from cnndemo.siamese import figures as drawings
from cnndemo.siamese import shipped
from cnndemo.siamese.pairs import NETWORKS
from cnndemo.siamese.shipped import SHOTS, TRIPLETS
from cnndemo.ui.choices import one_of
from cnndemo.ui.digits import pick_digit
from cnndemo.ui.frame import guard, stage, try_it
from cnndemo.ui.panels import chart, source, table
from cnndemo.ui.pictures import show
from cnndemo.ui.session import state
from cnndemo.ui.settling import settle

LAYERS = ("conv_1", "conv_2", "embedding")
PAIRS = 20_000
MAPPED = np.arange(0, 5000, 9)  # which of the shipped digits the live map shows
EACH = 500  # shipped digits of each class, one class after the other
_PICKS = ("pick_1", "pick_2")  # the digits that are compared on the maps, by their number among the shipped ones
HELD_OUT = {"triplet_holdout": "Triplet", "siamese_holdout": "Contrastive"}


@dataclass(frozen=True)
class Pair:
    """Two digits, uint8 (28, 28), as one network sees them."""

    network: str
    a: np.ndarray
    b: np.ndarray
    embeddings: np.ndarray
    distance: float
    threshold: float
    curve: siamese.Curve

    @property
    def same(self) -> bool:
        return self.distance <= self.threshold


@st.cache_resource(max_entries=6, show_spinner=False)
def _embeddings(name: str, fingerprint: str) -> np.ndarray:
    return shipped.embeddings(name)


def embeddings(name: str) -> np.ndarray:
    """Embeddings of the 5,000 shipped digits, (5000, 128); none of them was trained on."""
    return _embeddings(name, fingerprint(name))


@st.cache_resource(max_entries=8, show_spinner=False)
def pair_distances(name: str, fingerprint: str) -> tuple[np.ndarray, np.ndarray]:
    """Distances of 20,000 pairs of shipped digits, and which are the same."""
    pairs = siamese.draw_pairs(images.digits()[1], PAIRS, seed=1)
    space = embeddings(name)
    return siamese.distances(space[pairs.a], space[pairs.b]), pairs.same


@st.cache_resource(max_entries=8, show_spinner=False)
def _known(name: str, fingerprint: str) -> siamese.Curve:
    """The error curve of these pairs."""
    return siamese.curve(*pair_distances(name, fingerprint))


def fingerprint(name: str) -> str:
    return "" if name == "untrained" else weights.card(name)["sha256"]


# --- Try it -----------------------------------------------------------------------------------------------------


@st.fragment
def compare() -> None:
    """Two digits in, one distance out."""
    left, right = try_it()
    pictures = []
    with left:
        name = one_of(st.segmented_control, "Network", NETWORKS, "siamese", "net", label_visibility="collapsed")
        for tab, letter, sample in zip(st.tabs(["Digit A", "Digit B"]), "ab", ((4, 0), (9, 12)), strict=True):
            with tab, guard():
                picture = pick_digit(letter, ("mnist", "draw", "drawn", "own", "upload"), "mnist", sample)
                if picture is None:
                    st.caption("Until there is one, an MNIST digit stands in.")
                image = images.digits()[0][sample[0] * 500 + sample[1]] if picture is None else None
                pictures.append(siamese.read_digit(picture.image) if image is None else image)
        share = st.slider(
            "Threshold, as a part of the one chosen in training", 0.2, 2.0, 1.0, 0.05, **state.linked("thr")
        )
    with right, guard():
        if len(pictures) < 2:
            st.info("Two digits are needed.", icon=":material/info:")
            return
        pair = _measure(name, *pictures, share)
        _verdict(pair)
        state["_pair"] = pair
        settle("pair", (name, pair.distance, pair.threshold))


def _measure(name: str, a: np.ndarray, b: np.ndarray, share: float) -> Pair:
    space = siamese.embedder(name)(siamese.prepare(np.stack([a, b])))
    known = _known(name, fingerprint(name))
    best = known.best_threshold() if name == "untrained" else weights.card(name)["threshold"]
    distance = float(siamese.distances(space[0], space[1]))
    return Pair(name, a, b, space, distance, best * share, known)


def _verdict(pair: Pair) -> None:
    """The two digits, the distance among those of known pairs, and what the threshold costs."""
    with stage(second=True), st.container(horizontal=True, vertical_alignment="center"):
        show(pair.a, "A", "digit A as the network sees it", width=96)
        show(pair.b, "B", "digit B as the network sees it", width=96)
        with st.container():
            st.markdown(f"### {':green[Same]' if pair.same else ':orange[Different]'}")
            st.markdown(
                f"Distance **{pair.distance:.3f}**, {'within' if pair.same else 'beyond'} the threshold "
                f"{pair.threshold:.3f}."
            )
    distance, same = pair_distances(pair.network, fingerprint(pair.network))
    chart(
        drawings.distances(distance[same], distance[~same], pair.threshold, pair.distance),
        alt=f"Distances of 20,000 known pairs, same and different; yours is {pair.distance:.3f}",
        key="distances",
    )
    accept, reject = pair.curve.at(pair.threshold)
    with st.container(horizontal=True):
        st.metric("False accepts", f"{accept:.2%}", help="Different digits taken for the same.", width="content")
        st.metric("False rejects", f"{reject:.2%}", help="The same digit taken for two.", width="content")
        st.metric("Equal error rate", f"{pair.curve.equal_error_rate:.2%}", width="content")
    st.caption(
        f"ROC-AUC {pair.curve.area:.4f}, on {PAIRS:,} pairs of the 5,000 shipped digits: none was learned from, the "
        "threshold was chosen on them."
    )


def shared(found: siamese.Sharing) -> str:
    """What Keras counts when it builds listing 5.6."""
    return (
        f"Keras has just built it: the whole siamese network has {found.siamese:,} parameters, as many as the base "
        f"network. All {found.variables} variables are {'' if found.shared else 'not '}the very same objects."
    )


def listings(found: siamese.Sharing) -> None:
    """The Sequential and the functional CNN side by side, with their summaries from Keras."""
    for column, (title, function, rows) in zip(st.columns(2, gap="large"), found.listings, strict=True):
        with column:
            st.markdown(f"**{title}**: {sum(row['parameters'] for row in rows):,} parameters")
            table(rows)
            st.code(source(function), language="python", wrap_lines=True)


def layers(pair: Pair) -> None:
    """What each layer makes of the two digits: the same layers, called twice."""
    seen = siamese.embedder(pair.network, LAYERS)(siamese.prepare(np.stack([pair.a, pair.b])))
    for index, (letter, digit) in enumerate((("A", pair.a), ("B", pair.b))):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            show(digit, f"Picture {letter}", f"digit {letter}", width=110)
            for layer, columns in (("conv_1", 4), ("conv_2", 8)):
                maps = seen[layer][index]
                sheet = drawings.montage(maps, columns)
                words = f"{layer}: {maps.shape[2]} maps of {maps.shape[0]} × {maps.shape[1]}"
                show(sheet, words, f"feature maps of digit {letter}", width=220)
    a, b = pair.embeddings
    square = float(((a - b) ** 2).sum())
    words = f"Embeddings A and B and their squared differences, which add up to {square:.4f}"
    chart(drawings.embeddings(a, b), words, "embeddings")
    st.latex(
        rf"\begin{{aligned}} L_2(A, B) &= \sqrt{{\textstyle\sum_{{i=1}}^{{128}} (A_i - B_i)^2}} \\"
        rf"&= \sqrt{{{square:.4f}}} = {pair.distance:.4f} \end{{aligned}}"
    )


# --- Triplets of real digits -----------------------------------------------------------------------------------------


@st.cache_resource(max_entries=8, show_spinner=False)
def _gaps(name: str, fingerprint: str) -> np.ndarray:
    return shipped.gaps(name, lambda: embeddings(name))


def collapse() -> None:
    """Why α: the loss of real triplets, before training, when all embeddings shrink to one point."""
    gap = _gaps("untrained", "")
    scale = np.linspace(0, 3, 81)
    curves = {f"α = {margin}": np.maximum(scale[:, None] ** 2 * gap + margin, 0).mean(axis=1) for margin in (0, 1)}
    chart(drawings.collapse(scale, curves), alt="Mean triplet loss as all embeddings shrink", key="collapse")
    st.caption(
        f"{TRIPLETS:,} random triplets of digits in the space of the untrained network. Without α the best answer is "
        "0: one point for everything. With α that costs α, and moving apart pays. Training makes triplets easy:"
    )
    rows = []
    for name, title in NETWORKS.items():
        gap = _gaps(name, fingerprint(name))
        hard, easy = float(np.mean(gap >= 0)), float(np.mean(gap <= -1))
        rows.append({"network": title, "hard": hard, "semi-hard at α = 1": 1 - hard - easy, "easy at α = 1": easy})
    shares = [column for column in rows[0] if column != "network"]
    st.dataframe(
        rows, hide_index=True, column_config={c: st.column_config.NumberColumn(format="percent") for c in shares}
    )
    hardest = shipped.triplets()[:, int(np.argmax(_gaps("triplet", fingerprint("triplet"))))]
    x, y = images.digits()
    st.caption("The hardest of them for the triplet network:")
    with st.container(horizontal=True):
        for title, row in zip(("anchor", "positive", "negative"), hardest, strict=True):
            show(x[row], f"{title}, a {y[row]}", f"{title}: a handwritten {y[row]}", width=96)


# --- The map ----------------------------------------------------------------------------------------------------


@st.cache_resource(max_entries=8, show_spinner=False)
def _projection(name: str, fingerprint: str) -> siamese.Projection:
    return siamese.principal_components(embeddings(name)[MAPPED])


@st.fragment
def maps(pair: Pair) -> None:
    """Two embedding spaces beside each other; a click picks a digit in both."""
    with st.container(horizontal=True):
        views = {"siamese": "Before and after training", "triplet": "Contrastive and triplet"}
        view = one_of(st.segmented_control, "Compare", views, "siamese", "maps", label_visibility="collapsed")
        kinds = {"pca": "PCA, live", "tsne": "t-SNE, computed once"}
        kind = one_of(st.segmented_control, "Projection", kinds, "pca", "proj", label_visibility="collapsed")
    names = ("untrained", "siamese") if view == "siamese" else ("siamese", "triplet")
    x, y = images.digits()
    with guard():
        known = siamese.shipped_map() if kind == "tsne" else None
        index = known["index"].astype(int) if known else MAPPED
        stage = st.container()
        said = st.empty()
        picked = [row for digit in _choose_two(index, y) for row in np.flatnonzero(index == digit)]
        notes = []
        # Beside each other on a phone, too: what training does is seen at one glance.
        for column, name in zip(stage.columns(2, wrap=False), names, strict=True):
            space, own = embeddings(name)[index], None
            if known:
                points = known[name].astype(float)
            else:
                project = _projection(name, fingerprint(name))
                points, own = project(space), project(siamese.embedder(name)(siamese.prepare(pair.a)))[0]
                notes.append(f"{project.explained.sum():.0%}")
            with column:
                title = NETWORKS[name]
                figure = drawings.space(points, y[index], picked, own, title)
                key = f"map_{name}_{view}_{kind}"
                chart(figure, f"Map of {len(index)} digits, {title}", key, lambda key=key: _pick(key, index))
                if len(picked) == 2:
                    apart = float(siamese.distances(*space[picked]))
                    st.markdown(f"Your two points are **{apart:.3f}** apart.")
        about = (
            "t-SNE keeps neighbours, not distances."
            if known
            else f"Two of 128 directions hold {' and '.join(notes)} of the variance. The star: digit A."
        )
        said.caption(f"{about} Click two digits to compare them.")
        with stage.container(horizontal=True):
            for row in picked:
                show(x[index[row]], f"a {y[index[row]]}", f"a handwritten {y[index[row]]}", width=84)


def _choose_two(index: np.ndarray, y: np.ndarray) -> list[int]:
    """The digits that are compared, by their number among the shipped ones; a click on the map chooses them, too."""
    offered = sorted({*index.tolist(), *(state[key] for key in _PICKS if state.get(key) is not None)})
    with st.expander("Or choose the two by number", icon=":material/keyboard:"), st.container(horizontal=True):
        chosen = [
            st.selectbox(
                label, offered, index=None, placeholder="A digit", width=165, **state.linked(key),
                format_func=lambda row: f"{y[row]}, example {row % EACH + 1}",
            )
            for key, label in zip(_PICKS, ("First digit", "Second digit"), strict=True)
        ]  # fmt: skip
    return [digit for digit in chosen if digit is not None]


def _pick(key: str, index: np.ndarray) -> None:
    """A click joins the last one; only the two last stay, as numbers of shipped digits."""
    selection = state[key].selection
    rows = [point["point_index"] for point in selection.points if point.get("curve_number", 0) == 0]
    if rows:
        digit = int(index[rows[-1]])
        before = [state[key] for key in _PICKS if state.get(key) not in (None, digit)]
        state.update(dict(zip(_PICKS, [*before, digit][-2:], strict=False)))


# --- One-shot ---------------------------------------------------------------------------------------------------


@st.cache_resource(max_entries=8, show_spinner=False)
def _few_shot(name: str, fingerprint: str, new_class: int) -> list[float]:
    space = shipped.pixels if name == "raw pixels" else lambda: embeddings(name)
    return shipped.of_new_class(name, space, new_class).tolist()


@st.fragment
@guard()  # a fragment's errors do not reach its caller
def one_shot(pair: Pair) -> None:
    """A class that the networks never saw, learned from a few examples without any training."""
    about = {name: weights.card(name) for name in HELD_OUT}
    new = about["triplet_holdout"]["hold_out"]
    x, y = images.digits()
    left, right = st.columns([2, 3], gap="large")
    with left:
        name = one_of(st.segmented_control, "Network", HELD_OUT, "triplet_holdout", "one")
        shots = st.select_slider("Examples of each digit", SHOTS, 1, **state.linked("shots"))
        draw = st.number_input("Draw of the examples", 1, 999, 1, **state.linked("draw"))
        generator = np.random.default_rng(draw)
        chosen = np.stack([generator.choice(np.flatnonzero(y == digit), shots, replace=False) for digit in range(10)])
        with st.container(horizontal=True):
            for row in chosen[new]:
                show(x[row], None, f"an example of a {new}", width=56)
        space = embeddings(name)
        rest = np.setdiff1d(np.flatnonzero(y == new), chosen)
        right_ones = siamese.classify(space[rest], space[chosen]) == new
        st.markdown(f"With these examples, **{right_ones.mean():.1%}** of the other {new}s are recognised.")
        answer = int(siamese.classify(siamese.embedder(name)(siamese.prepare(pair.a)), space[chosen])[0])
        st.markdown(f"Your digit A lies nearest to the examples of **{answer}**.")
    with right:
        curves = {title: _few_shot(name, about[name]["sha256"], new) for name, title in HELD_OUT.items()}
        curves["raw pixels"] = _few_shot("raw pixels", "", new)
        chart(
            drawings.few_shot(SHOTS, curves, shots),
            alt=f"Share of the {new}s named rightly over the number of examples, for two networks and raw pixels",
            key="few_shot",
        )
        st.caption(
            f"Each digit goes to the class, of ten, whose mean example is nearest; only the {new}s count here. Mean of "
            "10 draws on half of the shipped digits; the cards have the figures on MNIST's test split."
        )
    st.markdown(
        f"Both networks never saw a {new}. **Contrastive** training drew nine classes into nine spots, and an unknown "
        "digit lands on one of them. The **triplet** network learned turned and mirrored digits as classes of their "
        "own, so it had to look at strokes, and keeps more of what is new."
    )
