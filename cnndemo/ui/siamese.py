"""The widgets of the Siamese networks page: two digits, the two playgrounds, the map, and the class it never saw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st

from cnndemo import images, losses, siamese, weights
from cnndemo.figures import siamese as drawings
from cnndemo.siamese import NETWORKS
from cnndemo.ui.digits import pick_digit
from cnndemo.ui.frame import guard, try_it
from cnndemo.ui.networks import model, predictor
from cnndemo.ui.panels import chart
from cnndemo.ui.pictures import show
from cnndemo.ui.plane import Points, plane
from cnndemo.ui.settling import settle

LAYERS = ("conv_1", "conv_2", "embedding")
PAIRS, TRIPLETS = 20_000, 2_000
SHOTS = [1, 2, 3, 5, 10]
START = {"A": (-1.0, 0.0), "P": (0.4, 1.0), "N": (0.3, -0.9)}
POINTS = {
    "A": ("Anchor", drawings.ANCHOR),
    "P": ("Positive", drawings.POSITIVE),
    "N": ("Negative", drawings.NEGATIVE),
}
_REQUIRED = {"required": True, "bind": "query-params"}


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


@st.cache_resource(show_spinner=False)
def _untrained(outputs: tuple[str, ...] | None):
    return siamese.embedder("untrained", list(outputs) if outputs else None)


def network(name: str, outputs: tuple[str, ...] | None = None):
    """The predict function of a shipped network, or of the base network before training."""
    if name != "untrained":
        return predictor(name, outputs)
    model("siamese")  # waits for TensorFlow behind a skeleton
    return _untrained(outputs)


@st.cache_data(max_entries=8, show_spinner=False)
def _embeddings(name: str, fingerprint: str) -> np.ndarray:
    return network(name)(siamese.prepare(images.digits()[0]))


def embeddings(name: str) -> np.ndarray:
    """Embeddings of the 5,000 shipped digits, (5000, 128); none of them was trained on."""
    return _embeddings(name, "" if name == "untrained" else weights.card(name)["sha256"])


@st.cache_data(max_entries=8, show_spinner=False)
def pair_distances(name: str, fingerprint: str) -> tuple[np.ndarray, np.ndarray]:
    """Distances of 20,000 pairs of shipped digits, and which are the same."""
    pairs = siamese.draw_pairs(images.digits()[1], PAIRS, seed=1)
    space = embeddings(name)
    return siamese.distances(space[pairs.a], space[pairs.b]), pairs.same


@st.cache_data(max_entries=8, show_spinner=False)
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
        name = st.segmented_control(
            "Network", list(NETWORKS), default="siamese", key="net", format_func=NETWORKS.get, **_REQUIRED
        )
        for tab, letter, sample in zip(st.tabs(["Digit A", "Digit B"]), "ab", ((4, 0), (9, 12)), strict=True):
            with tab, guard():
                picture = pick_digit(letter, ("mnist", "draw", "drawn", "own", "upload"), "mnist", sample)
                if picture is None:
                    st.caption("Until there is one, an MNIST digit stands in.")
                image = images.digits()[0][sample[0] * 500 + sample[1]] if picture is None else None
                pictures.append(siamese.read_digit(picture.image) if image is None else image)
        share = st.slider(
            "Threshold, as a part of the one chosen in training", 0.2, 2.0, 1.0, 0.05, key="thr", bind="query-params"
        )
    with right, guard():
        if len(pictures) < 2:
            st.info("Two digits are needed.", icon=":material/info:")
            return
        pair = _measure(name, *pictures, share)
        _verdict(pair)
        st.session_state["_pair"] = pair
        settle("pair", (name, pair.distance, pair.threshold))


def _measure(name: str, a: np.ndarray, b: np.ndarray, share: float) -> Pair:
    space = network(name)(siamese.prepare(np.stack([a, b])))
    known = _known(name, fingerprint(name))
    best = known.best_threshold() if name == "untrained" else weights.card(name)["threshold"]
    distance = float(siamese.distances(space[0], space[1]))
    return Pair(name, a, b, space, distance, best * share, known)


def _verdict(pair: Pair) -> None:
    """The two digits, the distance among those of known pairs, and what the threshold costs."""
    with st.container(horizontal=True, vertical_alignment="center"):
        show(pair.a, "A", "digit A as the network sees it", width=112)
        show(pair.b, "B", "digit B as the network sees it", width=112)
        with st.container(width=260):
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
        st.metric("ROC-AUC", f"{pair.curve.area:.4f}", width="content")
    st.caption(
        f"Measured on {PAIRS:,} pairs of the 5,000 digits that ship with the gallery. The network did not learn from "
        "them; its threshold was chosen on them. The counts are on a logarithmic scale."
    )


def layers(pair: Pair) -> None:
    """What each layer makes of the two digits: the same layers, called twice."""
    seen = network(pair.network, LAYERS)(siamese.prepare(np.stack([pair.a, pair.b])))
    for index, (letter, digit) in enumerate((("A", pair.a), ("B", pair.b))):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            show(digit, f"Picture {letter}", f"digit {letter}", width=110)
            for layer, columns in (("conv_1", 4), ("conv_2", 8)):
                maps = seen[layer][index]
                sheet = drawings.montage(maps, columns)
                words = f"{layer}: {maps.shape[2]} maps of {maps.shape[0]} × {maps.shape[1]}"
                show(sheet, words, f"feature maps of digit {letter}", width=220)


# --- The playgrounds --------------------------------------------------------------------------------------------


@st.fragment
def contrastive_playground(pair: Pair) -> None:
    """The loss of a pair over its distance."""
    left, right = st.columns([2, 3], gap="large")
    with left:
        margin = st.slider("Margin", 0.2, 2.0, 1.0, 0.1, key="cm", bind="query-params")
        top = max(2.0, float(np.ceil(pair.distance * 1.2)))
        start = round(pair.distance, 2)
        distance = st.slider("Distance of the pair", 0.0, top, start, 0.01, key=f"cd_{start}")
        squash = st.toggle("Sigmoid on the distance, as in 5.3", key="sig", bind="query-params")
        seen = siamese.sigmoid(distance) if squash else distance
        (pull, push), (pull_slope, push_slope) = (
            row.tolist() for row in losses.contrastive(np.array([seen, seen]), np.array([True, False]), margin)
        )
        st.markdown(
            f"If they are the **same**: loss {pull:.3f}, slope {pull_slope:+.3f}. "
            f"If they are **different**: loss {push:.3f}, slope {push_slope:+.3f}."
        )
        if squash:
            st.caption(
                f"The sigmoid of a distance lies between 0.5 and 1. So the same digit costs at least "
                f"{siamese.sigmoid(0) ** 2:g}, a margin above 1 is never reached, and “similarity” grows with distance."
            )
        elif distance >= margin:
            st.caption("Beyond the margin different pairs are left alone: their slope is zero.")
    with right:
        along = np.linspace(0, top, 301)
        fed = siamese.sigmoid(along) if squash else along
        same, _ = losses.contrastive(fed, np.ones_like(along), margin)
        different, _ = losses.contrastive(fed, np.zeros_like(along), margin)
        chart(
            drawings.contrastive(along, same, different, margin, distance),
            alt=f"Contrastive loss over the distance with margin {margin:g}",
            key="contrastive",
        )


@st.fragment
def triplet_playground() -> None:
    """Three points to drag; regions, gradients and descent."""
    left, right = st.columns([3, 2], gap="large")
    with right:
        margin = st.slider("Margin α", 0.0, 2.0, 1.0, 0.1, key="alpha", bind="query-params")
        clip = st.toggle("max(…, 0)", True, key="max", bind="query-params", help="Off: the loss has no lower bound.")
        steps = st.slider("Steps of gradient descent", 0, 60, 20, key="steps", bind="query-params")
        st.button(
            "Gather them in one point", on_click=_gather, icon=":material/adjust:", help="Then try α = 0 and α = 1."
        )

    def state(points: Points) -> losses.Triplet:
        return losses.triplet(*(points[name] for name in "APN"), margin=margin, clip=clip)

    def walk(points: Points) -> tuple[np.ndarray, np.ndarray]:
        return losses.descend(np.stack([points[name] for name in "APN"]), margin, clip, steps=steps)

    with left:
        points = plane(
            "apn",
            START,
            POINTS,
            lambda points: drawings.triplet_shapes(points, state(points), margin, walk(points)[0]),
            lambda points: f"Anchor, positive and negative in the plane: a {state(points).kind} triplet",
        )
        st.caption(
            "Drag A, P and N. Where N lies decides: :red[hard] inside the inner circle, :orange[semi-hard] in the "
            "ring, :green[easy] outside. Thick arrows: minus the gradient; thin ones: the way of the descent."
        )
    now, (paths, costs) = state(points), walk(points)
    with right:
        st.markdown(f"### {now.kind.capitalize()}, loss {now.loss:.3f}")
        st.latex(
            rf"\underbrace{{{now.to_positive:.2f}}}_{{d_1^2}} - \underbrace{{{now.to_negative:.2f}}}_{{d_3^2}} + "
            rf"{margin:g} = {now.to_positive - now.to_negative + margin:.2f}"
        )
        chart(drawings.descent(costs, paths), alt="Loss and distances over the steps of the descent", key="descent")
        if clip and margin == 0 and np.ptp(costs) < 1e-2 and costs[0] < 1e-2:
            st.caption("No α: a loss of almost 0, and no arrow worth the name. The points may stay on one spot.")
        elif not clip:
            st.caption(
                f"Without the max the loss falls for ever: after {steps} steps it is {costs[-1]:.3g} and the negative "
                f"is {np.linalg.norm(paths[-1, 0] - paths[-1, 2]):.3g} away. Training would never settle."
            )
    _vectors(points)


def _gather() -> None:
    """All three points nearly in one place: what α is for."""
    st.session_state["apn"] = "A 0 0, P 0.04 0.02, N 0.03 -0.03"


def _vectors(points: Points) -> None:
    """Figure 5.7: the two distances as vectors, and what it means for the third."""
    d1, d3 = points["P"] - points["A"], points["N"] - points["A"]
    d2 = d3 - d1
    lengths = [float(np.linalg.norm(v)) for v in (d1, d2, d3)]
    st.markdown(
        f"As vectors, $d_3 - d_1 = d_2$: ({d3[0]:.2f}, {d3[1]:.2f}) − ({d1[0]:.2f}, {d1[1]:.2f}) = "
        f"({d2[0]:.2f}, {d2[1]:.2f}). As lengths only an inequality holds: "
        f"$|d_2|$ = {lengths[1]:.2f} ≥ $|d_3| - |d_1|$ = {lengths[2] - lengths[0]:.2f}. A margin between the two "
        "lengths keeps P and N at least that far apart. The formula above has squares: its α promises only "
        "$α / (|d_1| + |d_3|)$."
    )


@st.fragment
def two_distances() -> None:
    """Figure 5.6, with points to drag."""
    left, right = st.columns([3, 2], gap="large")
    names = {"1": ("First point", drawings.ANCHOR), "2": ("Second point", drawings.NEGATIVE)}
    with left:
        points = plane(
            "p12",
            {"1": (-1.0, -0.5), "2": (0.5, 0.5)},
            names,
            drawings.distance_shapes,
            lambda points: "The straight way and the way along the streets between two points",
        )
    a, b = points["1"], points["2"]
    with right:
        l1, l2 = float(siamese.distances(a, b, 1)), float(siamese.distances(a, b))
        st.metric("L2, straight: √(Δx² + Δy²)", f"{l2:.3f}")
        st.metric("L1, along the streets: |Δx| + |Δy|", f"{l1:.3f}")
        st.caption(
            "The circle holds all points as far away by L2, the diamond all points as far by L1. In the plane L1 is "
            "between one and √2 ≈ 1.41 times L2; "
            f"here {l1 / max(l2, 1e-9):.2f} times. In 128 dimensions the factor can reach √128 ≈ {128**0.5:.1f}."
        )
        chart(drawings.unit_circles(250), alt="Unit circles: a diamond for L1, a circle for L2", key="units")


@st.cache_data(max_entries=8, show_spinner=False)
def _gaps(name: str, fingerprint: str) -> np.ndarray:
    """d₁² − d₃² of random triplets of shipped digits."""
    anchor, positive, negative = embeddings(name)[siamese.draw_triplets(images.digits()[1], TRIPLETS, seed=2)]
    return siamese.distances(anchor, positive) ** 2 - siamese.distances(anchor, negative) ** 2


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


# --- The map ----------------------------------------------------------------------------------------------------


@st.fragment
def maps(pair: Pair) -> None:
    """Two embedding spaces beside each other; a click picks a digit in both."""
    with st.container(horizontal=True):
        views = {"siamese": "Before and after training", "triplet": "Contrastive and triplet"}
        view = st.segmented_control("Compare", views, default="siamese", key="maps", format_func=views.get, **_REQUIRED)
        kinds = {"pca": "PCA, live", "tsne": "t-SNE, computed once"}
        kind = st.segmented_control("Projection", kinds, default="pca", key="proj", format_func=kinds.get, **_REQUIRED)
    names = ("untrained", "siamese") if view == "siamese" else ("siamese", "triplet")
    x, y = images.digits()
    with guard():
        shipped = siamese.shipped_map() if kind == "tsne" else None
        index = shipped["index"].astype(int) if shipped else np.arange(0, 5000, 9)
        picked = [row for row in st.session_state.get("_picked", []) if row < len(index)]
        for column, name in zip(st.columns(2, gap="medium"), names, strict=True):
            space, own = embeddings(name)[index], None
            if shipped:
                points, note = shipped[name].astype(float), "t-SNE keeps neighbours, not distances."
            else:
                project = siamese.principal_components(space)
                points, own = project(space), project(network(name)(siamese.prepare(pair.a)))[0]
                note = f"Two of 128 directions hold {project.explained.sum():.0%} of the variance."
            with column:
                title = NETWORKS[name]
                figure = drawings.space(points, y[index], picked, own, title)
                key = f"map_{name}_{view}_{kind}"
                chart(figure, f"Map of {len(index)} digits, {title}", key, lambda key=key: _pick(key))
                st.caption(note)
                if len(picked) == 2:
                    apart = float(siamese.distances(*space[picked]))
                    st.markdown(f"Your two points are **{apart:.3f}** apart.")
        if picked:
            with st.container(horizontal=True):
                for row in picked:
                    show(x[index[row]], f"a {y[index[row]]}", f"a handwritten {y[index[row]]}", width=84)
        st.caption("The star is your digit A. Click two digits to compare them." if not shipped else
                   "Click two digits to compare them.")  # fmt: skip


def _pick(key: str) -> None:
    """A click joins the last one; only the two last stay."""
    selection = st.session_state[key].selection
    rows = [point["point_index"] for point in selection.points if point.get("curve_number", 0) == 0]
    if rows:
        before = [row for row in st.session_state.get("_picked", []) if row != rows[-1]]
        st.session_state["_picked"] = [*before, rows[-1]][-2:]


# --- One-shot ---------------------------------------------------------------------------------------------------


@st.cache_data(max_entries=32, show_spinner=False)
def _few_shot(name: str, fingerprint: str, new_class: int, shots: int) -> tuple[float, float]:
    x, y = images.digits()
    space = embeddings(name) if name else siamese.prepare(x).reshape(len(x), -1)
    result = siamese.few_shot(space[::2], y[::2], new_class, shots, draws=10)
    return float(result.of_class.mean()), float(result.overall.mean())


@st.fragment
def one_shot(pair: Pair) -> None:
    """A class that the network never saw, learned from a few examples without any training."""
    about = weights.card("siamese_holdout")
    new, mark = about["hold_out"], about["sha256"]
    x, y = images.digits()
    left, right = st.columns([2, 3], gap="large")
    with left:
        shots = st.select_slider("Examples of each digit", SHOTS, 1, key="shots", bind="query-params")
        draw = st.number_input("Draw of the examples", 1, 999, 1, key="draw", bind="query-params")
        generator = np.random.default_rng(draw)
        chosen = np.stack([generator.choice(np.flatnonzero(y == digit), shots, replace=False) for digit in range(10)])
        with st.container(horizontal=True):
            for row in chosen[new]:
                show(x[row], None, f"an example of a {new}", width=56)
        space = embeddings("siamese_holdout")
        own = network("siamese_holdout")(siamese.prepare(pair.a))
        answer = int(siamese.classify(own, space[chosen])[0])
        st.markdown(f"Your digit A lies nearest to the examples of **{answer}**.")
        rest = np.setdiff1d(np.flatnonzero(y == new), chosen)
        right_ones = siamese.classify(space[rest], space[chosen]) == new
        st.markdown(f"With these examples, **{right_ones.mean():.1%}** of the other {new}s are recognised.")
    with right:
        curves = {
            f"network that never saw a {new}": [_few_shot("siamese_holdout", mark, new, n)[0] for n in SHOTS],
            "raw pixels": [_few_shot("", "", new, n)[0] for n in SHOTS],
        }
        chart(
            drawings.few_shot(SHOTS, curves, shots),
            alt=f"Share of the {new}s named rightly over the number of examples",
            key="few_shot",
        )
        st.caption(
            f"Ten-way: each digit goes to the class whose mean example is nearest. Mean of 10 draws on half of the "
            f"shipped digits; only the {new}s count here. The card has the figures on MNIST's test split."
        )
