"""What each filter of a network answers to, what it wants, and what goes when it is switched off (book 7)."""

import streamlit as st

from cnndemo import activation_maps, digit_classifier, ui
from cnndemo.activation_maps import LAYERS
from cnndemo.activation_maps import figures as charts
from cnndemo.activation_maps.networks import Network
from cnndemo.activation_maps.questions import of_digit, of_photo
from cnndemo.activation_maps.views import choosing, closing, digits, narrower, near, photos, wishes
from cnndemo.activation_maps.views.running import live_digit
from cnndemo.questions import Question
from cnndemo.ui import own_network, state

MODEL = digit_classifier.MODEL
PAIR = {"a": 5, "b": 7}  # the book's digits


def with_digits() -> tuple[list[Question], ui.Picture | None]:
    """The book's figures, on two digits; the questions that follow from them, and the first digit."""
    own = own_network.notice()
    if own and not own.chain.named("Conv2D"):
        st.caption("It has no convolution, so it has no maps: here the shipped network is shown.")
        own = None
    reader = own_network.reader(MODEL, own)
    layers = reader.named("Conv2D") if own else LAYERS
    shown: dict[str, digits.Shown] = {}
    with ui.scene():
        running, place = ui.live_camera(), st.container()
        for (key, digit), side in zip(PAIR.items(), st.columns(2, gap="large"), strict=True):
            with side, ui.guard():
                if found := digits.pick_mapped_digit(reader, key, digit):
                    shown[key] = found
        with st.container(horizontal=True, vertical_alignment="bottom"):
            sort = ui.one_of(st.segmented_control, "Sort by", activation_maps.SORTS, "number", "sort")
            over = st.toggle("Lay the maps over the digit", True, **state.linked("over"))
        for layer in layers:
            both = st.grid(2, min_column_width=300)
            for key, found in shown.items():
                first = (layer, key) == (layers[0], next(iter(shown)))
                with both.cell(), ui.stage() if first else st.container():
                    digits.clickable_maps(found, key, layer, over, sort)
    st.caption("Dark is no answer, yellow the strongest of its map. Click a map to enlarge it.")
    chosen = digits.enlarge(reader, shown)
    if running and chosen:
        with place:
            live_digit(reader, *chosen, next(iter(shown.values())))
    ui.section("What a filter wants")
    if own:
        st.caption("This takes minutes of training for each filter, so it is there for the shipped network only.")
    elif chosen:
        layer, channel = chosen
        first = next(iter(shown.values()))
        with ui.guard():
            wishes.wish(MODEL, layer, layer, channel, digits.own_patch(first, layer, channel))
            wishes.quiz(MODEL, layer, layer, first.maps[layer])
            wishes.answers(MODEL, "dense_2")
    how_it_works()
    ui.section("The kernels", figures=("7.1",))
    with ui.guard():
        raw = reader.arrays(layers[0])[0][:, :, 0]
        st.markdown(
            f"The raw kernels of layer 1: {raw[..., 0].size} numbers each, all that it has learned. Blue is negative, "
            "red positive. One with a red and a blue side answers to an edge, one that is red all over to any ink."
        )
        names = [f"kernel {i}" for i in range(raw.shape[2])]
        ui.chart(charts.kernel_sheet(raw, 8, names), f"{len(names)} kernels of {raw.shape[:2]} weights", key="raw")
    ui.section("Nearest by layer")
    if st.toggle("Look for the shipped digits nearest to these", **state.linked("near")):
        if own:
            st.caption("Layers are those of the shipped network.")
        for found, side in zip(shown.values(), st.columns(2, gap="large"), strict=False):
            with side, ui.guard():
                near.near_digit(found.name, found.field)
        st.caption("One that is misread: the {} of example {}.".format(*near.MISREAD))
    else:
        st.caption("Takes some seconds the first time: all 5,000 digits go through the network once.")
    ui.section("What would a narrower network lose?")
    with ui.guard():
        st.markdown(
            "Many maps look alike, so the book expects that fewer would do. Silence some, without training anew:"
        )
        narrower.narrower(reader, shown)
        narrower.trained_anew(MODEL)
    first = next(iter(shown.values()), None)
    if not first:
        return [], None
    shapes = {layer: reader.arrays(layer)[0].shape for layer in first.maps}
    return of_digit(first.name, first.maps, shapes), first.picture


def with_photo(network: Network) -> tuple[list[Question], ui.Picture]:
    """Any layer of a network, on the visitor's photograph; questions, and the photograph."""
    st.caption(network.about)
    picture = ui.pick_image()
    running = ui.live_camera()
    with ui.guard():
        photos.explore(network, picture, running)
        if network.name == "efficientnet_lite0":
            wishes.answers(network.name, "logits")
    how_it_works()
    ui.section("Nearest by layer")
    with ui.guard():
        near.near_photo(network, picture)
    return of_photo(network, state.get("layer") or network.layers[0].name), picture


def how_it_works() -> None:
    """What a feature map is, and what it is not."""
    ui.section("How it works")
    st.markdown(
        "A feature map is what one filter gives for the whole image; each value lies over the place that it answers "
        "for, and looks at a part of the picture, its receptive field, which grows with every layer. The book takes "
        "high values for important ones. That is a first look, not a proof: what follows may ignore a strong map. So "
        "switch maps off and measure."
    )


ui.page("activation_maps")
ui.section("Try it", figures=("7.2", "7.3", "7.4", "7.5", "7.6", "7.7"))
network = choosing.pick_network()
questions, picture = with_photo(network) if network else with_digits()
ui.code(**closing.code(network, picture))
if questions:
    ui.check_yourself(questions)
name = network.name if network else MODEL
ui.model_card(name, *([f"{name}.filters"] if name in activation_maps.PARTS else []))
