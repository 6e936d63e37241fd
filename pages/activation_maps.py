"""What each filter of the digit classifier answers to, and what goes when it is switched off (book 7)."""

import numpy as np
import streamlit as st

from cnndemo import activation_maps, digit_classifier, ui, weights
from cnndemo.activation_maps import LAYERS
from cnndemo.activation_maps import figures as charts
from cnndemo.activation_maps.views import Shown, clickable_maps, enlarge, pick_mapped_digit
from cnndemo.ui import own_network, state

MODEL = digit_classifier.MODEL
DIGITS = {"a": 5, "b": 7}  # the book's
PRESETS = {"spare": "Spare maps", "first": "Spare maps of layer 1", "second": "Layer 2", "own": "My choice"}


@st.cache_data(max_entries=4, show_spinner=False)
def redundancy(count: int, key: str) -> dict[str, activation_maps.Redundancy]:
    outputs = network.predictor(layers)(activation_maps.validation_digits(count)[0])
    return {layer: activation_maps.redundancy(maps) for layer, maps in outputs.items()}


@st.cache_data(max_entries=256, show_spinner="Reading the shipped digits again …")
def accuracy(off: dict[str, tuple[int, ...]], count: int, key: str) -> tuple[float, np.ndarray]:
    return activation_maps.accuracy(off, count, network)


def pick_off(alike: dict[str, activation_maps.Redundancy]) -> dict[str, tuple[int, ...]]:
    """Which maps the visitor switches off: layer -> channels."""
    threshold = st.slider("Twins correlate above", 0.6, 0.99, 0.9, 0.01, **state.linked("twins"))
    spare = {layer: tuple(found.spare(threshold)) for layer, found in alike.items()}
    for layer, found in alike.items():
        twins = len(found.twins(threshold))
        st.markdown(f"- `{layer}`: {len(found.dead)} dead maps, {twins} pairs of twins, {len(spare[layer])} to spare")
    preset = st.radio("Switch off", list(PRESETS), format_func=PRESETS.get, **state.linked("off"))
    every = {layer: tuple(range(len(found.correlation))) for layer, found in alike.items()}
    if preset == "own":
        return {layer: tuple(st.multiselect(layer, every[layer], **state.linked(f"off_{layer}"))) for layer in layers}
    first, second = layers[0], layers[-1]
    return {"spare": spare, "first": {first: spare[first]}, "second": {second: every[second]}}[preset]


@st.fragment
def narrower(digits: dict[str, Shown]) -> None:
    """Switch maps off and see what is lost."""
    alike = redundancy(200, network.key)
    left, right = ui.try_it()
    with left:
        off = pick_off(alike)
        count = ui.one_of(st.segmented_control, "Shipped digits to read", (1000, 5000), 1000, "count")
        with st.expander("How alike the maps are, over all places of many digits"):
            for layer, found in alike.items():
                ui.chart(
                    charts.correlations(found.correlation, layer), f"correlations in {layer}", key=f"alike_{layer}"
                )
    with right:
        (before, each_before), (after, each_after) = (accuracy(which, count, network.key) for which in ({}, off))
        by_chance = activation_maps.random_off(off, {layer: len(found.correlation) for layer, found in alike.items()})
        with st.container(horizontal=True):
            st.metric("All maps", f"{before:.1%}", width="content")
            st.metric(f"Without these {sum(map(len, off.values()))}", f"{after:.1%}", width="content")
            st.metric("Without as many at random", f"{accuracy(by_chance, count, network.key)[0]:.1%}", width="content")
        ui.chart(charts.by_digit(each_before, each_after), f"for each digit; overall {before:.1%} and {after:.1%}")
        for shown in digits.values():
            batch = shown.field[None, :, :, None]
            was, now = (activation_maps.silenced(batch, which, network)[0] for which in ({}, off))
            st.markdown(f"- {shown.name}: {was.argmax()} ({was.max():.1%}) → **{now.argmax()}** ({now.max():.1%})")
        st.caption("The part of the shipped digits that is read right; the network was not trained on them.")


ui.page("activation_maps")
own = own_network.notice()
if own and not own.chain.named("Conv2D"):
    st.caption("It has no convolution, so it has no maps: here the shipped network is shown.")
    own = None
network = own_network.reader(MODEL, own)
layers = network.named("Conv2D") if own else LAYERS
ui.section("Try it", figures=("7.2", "7.3", "7.4", "7.5", "7.6", "7.7"))
digits: dict[str, Shown] = {}
for (key, digit), side in zip(DIGITS.items(), st.columns(2, gap="large"), strict=True):
    with side, ui.guard():
        shown = pick_mapped_digit(network, key, digit)
        if shown:
            digits[key] = shown
with st.container(horizontal=True, vertical_alignment="bottom"):
    sort = ui.one_of(st.segmented_control, "Sort by", activation_maps.SORTS, "number", "sort")
    over = st.toggle("Lay the maps over the digit", True, **state.linked("over"))
for key, side in zip(digits, st.columns(2, gap="large"), strict=False):
    with side:
        for layer in layers:
            clickable_maps(digits[key], key, layer, over, sort)
st.caption("Dark is no answer, yellow the strongest of its map. Click a map to enlarge it.")
enlarge(network, digits)

ui.section("How it works")
st.markdown(
    "A feature map is what one filter gives for the whole image, after the rectifier; each value lies over the place "
    "that it answers for. The book takes high values for important ones. That is a first look, not a proof: the dense "
    "layer may ignore a strong map. So switch maps off and measure, below."
)
ui.section("The kernels", figures=("7.1",))
with ui.guard():
    raw = network.arrays(layers[0])[0][:, :, 0]
    st.markdown(
        f"The raw kernels of layer 1: {raw[..., 0].size} numbers each, all that it has learned. Blue is negative, red "
        "positive. One with a red and a blue side answers to an edge, one that is red all over to ink of any shape."
    )
    names = [f"kernel {i}" for i in range(raw.shape[2])]
    ui.chart(
        charts.kernel_sheet(raw, 8, names),
        f"{len(names)} kernels of {raw.shape[0]} × {raw.shape[1]} weights",
        key="raw",
    )
ui.section("What would a narrower network lose?")
with ui.guard():
    st.markdown("Many maps look alike, so the book expects that fewer would do. Silence some, without training anew:")
    narrower(digits)
    study = weights.card(MODEL).get("study")
    if study:
        st.markdown(f"Trained anew, each network alike for {study['epochs']} epochs, it learns to do without:")
        st.dataframe(activation_maps.study_table(study["networks"]), hide_index=True)

ui.code(
    [activation_maps.feature_maps, activation_maps.overlay, activation_maps.redundancy, activation_maps.silenced],
    """
    from cnndemo import activation_maps, digit_classifier, weights

    five = digit_classifier.sample(5, 0)
    maps = activation_maps.feature_maps(weights.load("digit_classifier"), five)
    print({layer: values.shape for layer, values in maps.items()})
    picture = activation_maps.overlay(maps["conv2d_1"][..., 0], five / 255.0)
    """,
)
if digits:
    shown = next(iter(digits.values()))
    means = activation_maps.statistics(shown.maps[layers[0]])["mean"]
    ranked = np.argsort(-means)
    strongest = ui.Question(
        f"Which of these maps of {layers[0]} has the highest mean for {shown.name}?",
        [str(channel) for channel in sorted(set(ranked[np.linspace(0, 0.87 * len(ranked), 4).astype(int)].tolist()))],
        str(ranked[0]),
        f"Its mean is {means[ranked[0]]:.3f}. Sort by mean, and it comes first.",
    )
    silent = ui.Question(
        "The whole last layer of maps is silent. What is left for the dense layer to read?",
        ["The maps before it", "Zeros only", "The digit itself"],
        "Zeros only",
        "It reads the last maps and nothing else: all digits look the same. To leave a layer out one must train anew.",
    )
    ui.check_yourself([strongest, silent] if len(ranked) > 3 else [silent])
ui.model_card(MODEL)
