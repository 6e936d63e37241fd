"""The playgrounds of the Siamese networks page: the two losses and the two distances, with points to drag."""

from __future__ import annotations

import numpy as np
import streamlit as st

from cnndemo import siamese
from cnndemo.siamese import figures as drawings
from cnndemo.siamese import losses
from cnndemo.ui.panels import chart
from cnndemo.ui.plane import Points, plane
from cnndemo.ui.session import state
from cnndemo.ui.settling import settle

START = {"A": (-1.0, 0.0), "P": (0.4, 1.0), "N": (0.3, -0.9)}
POINTS = {
    "A": ("Anchor", drawings.ANCHOR),
    "P": ("Positive", drawings.POSITIVE),
    "N": ("Negative", drawings.NEGATIVE),
}


@st.fragment
def contrastive_playground(of_pair: float) -> None:
    """The loss of a pair over its distance; starts at the distance of the visitor's pair."""
    left, right = st.columns([2, 3], gap="large")
    with left:
        margin = st.slider("Margin", 0.2, 2.0, 1.0, 0.1, **state.linked("cm"))
        top = max(2.0, float(np.ceil(of_pair * 1.2)))
        start = round(of_pair, 2)
        distance = st.slider("Distance of the pair", 0.0, top, start, 0.01, **state.linked(f"cd_{start:g}"))
        squash = st.toggle("Sigmoid on the distance, as in 5.3", **state.linked("sig"))
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
    settle("contrastive", margin)


@st.fragment
def triplet_playground() -> None:
    """Three points to drag; regions, gradients and descent."""
    left, right = st.columns([3, 2], gap="medium")
    with right:
        said = st.container()
        with st.container(horizontal=True):
            margin = st.slider("Margin α", 0.0, 2.0, 1.0, 0.1, **state.linked("alpha"), width=165)
            steps = st.slider("Steps of gradient descent", 0, 60, 20, **state.linked("steps"), width=165)
    more = st.expander("In numbers, without the max, all in one point", icon=":material/trending_down:")
    with more, st.container(horizontal=True, vertical_alignment="center"):
        clip = st.toggle("max(…, 0)", True, **state.linked("max"), help="Off: the loss has no lower bound.")
        st.button("Gather them", on_click=_gather, icon=":material/adjust:", help="Then try α = 0 and α = 1.")

    def triplet(points: Points) -> losses.Triplet:
        return losses.triplet(*(points[name] for name in "APN"), margin=margin, clip=clip)

    def walk(points: Points) -> tuple[np.ndarray, np.ndarray]:
        return losses.descend(np.stack([points[name] for name in "APN"]), margin, clip, steps=steps)

    with left:
        points = plane(
            "apn",
            START,
            POINTS,
            lambda points: drawings.triplet_shapes(points, triplet(points), margin, walk(points)[0]),
            lambda points: f"Anchor, positive and negative in the plane: a {triplet(points).kind} triplet",
            line=more,
        )
        st.caption(
            "Drag A, P and N. N is :red[hard] inside the inner circle, :orange[semi-hard] in the ring, :green[easy] "
            "outside. Thick arrows: minus the gradient; thin ones: the way of the descent."
        )
    now, (paths, costs) = triplet(points), walk(points)
    with said:
        st.markdown(f"### {now.kind.capitalize()}, loss {now.loss:.3f}")
        if clip and margin == 0 and np.ptp(costs) < 1e-2 and costs[0] < 1e-2:
            st.caption("No α: a loss of almost 0, and no arrow worth the name. The points may stay on one spot.")
        elif not clip:
            st.caption(
                f"Without the max the loss falls for ever: after {steps} steps it is {costs[-1]:.3g} and the negative "
                f"is {np.linalg.norm(paths[-1, 0] - paths[-1, 2]):.3g} away. Training would never settle."
            )
    with more:
        st.latex(
            rf"\underbrace{{{now.to_positive:.2f}}}_{{d_1^2}} - \underbrace{{{now.to_negative:.2f}}}_{{d_3^2}} + "
            rf"{margin:g} = {now.to_positive - now.to_negative + margin:.2f}"
        )
        chart(drawings.descent(costs, paths), alt="Loss and distances over the steps of the descent", key="descent")
        _vectors(points)


def _gather() -> None:
    """All three points nearly in one place: what α is for."""
    state["apn"] = "A 0 0, P 0.04 0.02, N 0.03 -0.03"


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
