"""Name it: the answers of pretrained networks, and where they looked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import streamlit as st

from cnndemo import images, pet_presence, ui, weights, worker
from cnndemo import resnet_transfer as transfer
from cnndemo.errors import VisitorError
from cnndemo.figures.boxes import boxed
from cnndemo.palette import ACCENT
from cnndemo.resnet_transfer import attribution, backbones, naming, resnet50, resnet50_onnx
from cnndemo.resnet_transfer import figures as charts
from cnndemo.resnet_transfer.backbones import BACKBONES, Look
from cnndemo.ui.frame import guard
from cnndemo.ui.live import Answer, Shown, live
from cnndemo.ui.session import state

SIDE = 160  # pixels of a map on the page: two fit side by side on a phone
COVER = "_cover"


class Frame(NamedTuple):
    """A rectangle in pixels."""

    left: float
    top: float
    width: float
    height: float


@dataclass
class Cover:
    """An occlusion map that was asked for: of which picture and network, of which class; `falls` when it is done."""

    identity: str
    index: int
    label: str
    falls: np.ndarray | None = None


@st.cache_data(max_entries=64, show_spinner=False)
def look(name: str, pixels: np.ndarray) -> Look:
    """A network's outputs for a prepared square; cached by the square's content."""
    return transfer.network(name).see(pixels)


@st.cache_data(max_entries=64, show_spinner=False)
def heat_map(name: str, pixels: np.ndarray, index: int) -> np.ndarray:
    """Grad-CAM of a class, by Keras."""
    return worker.ask("cnndemo.resnet_transfer.attribution:gradient_map", name, pixels, index)


@st.cache_data(max_entries=32, show_spinner=False)
def untrained_map(name: str, pixels: np.ndarray) -> tuple[np.ndarray, str]:
    """Map and answer of the network with shuffled weights, which is let go again: it is as large as the trained one."""
    network = transfer.randomised(name)
    seen = network.see(pixels)
    index = int(seen.scores.argmax())
    return attribution.class_map(seen, network, index), network.backbone.labels()[index]


def choose_networks() -> list[str]:
    """Which backbones answer; ResNet50 can be downloaded from here."""
    chosen = st.pills(
        "Networks",
        list(BACKBONES),
        selection_mode="multi",
        default=["efficientnet_lite0"],
        **state.linked("networks"),
        format_func=lambda name: BACKBONES[name].title,
        wrap=True,
    )
    if "resnet50" in chosen and not (_prepared() if resnet50.available() else _offer_download()):
        chosen = [name for name in chosen if name != "resnet50"]
    return chosen


def _prepared() -> bool:
    """Whether ResNet50 can be served; the first time it is turned to ONNX, with progress."""
    if resnet50_onnx.ready():
        return True
    bar = st.progress(0.0, "ResNet50 is prepared, once for all visitors …")
    with ui.guard():
        for share in worker.steps("cnndemo.resnet_transfer.resnet50_onnx:convert"):
            bar.progress(min(1.0, share), "ResNet50 is prepared, once for all visitors …")
    bar.empty()
    return resnet50_onnx.ready()


def _offer_download() -> bool:
    """The button that fetches ResNet50's weights, with size, progress, checksum and place; whether they are there."""
    st.caption(
        f"ResNet50 is the book's network. Its weights are too large to ship: {resnet50.BYTES / 1e6:.0f} MB from "
        f"Keras' storage into `{resnet50.path().parent.name}/{resnet50.path().name}` of this server's Keras folder, "
        f"accepted only with the MD5 `{resnet50.MD5}`."
    )
    if st.button("Download ResNet50", icon=":material/download:", key=state.key("download_resnet50")):
        bar = st.progress(0.0, "Asking for the file …")
        try:
            with ui.guard():
                resnet50.download(lambda done, total: bar.progress(min(1.0, done / total), f"{done / 1e6:.0f} MB"))
                st.rerun()
        finally:
            bar.empty()
    return False


def name_it(image: np.ndarray, alt: str, names: list[str]) -> np.ndarray:
    """Bars and maps of each chosen network; what of the picture they were shown."""
    if not names:
        st.caption("Choose at least one network.")
        return image
    with ui.guard():
        image = choose_square(image)
    for name in names:
        with ui.guard():
            pixels = BACKBONES[name].prepare(image)
            explain(name, pixels, alt, first=name == names[0])
            cover(name, pixels)
    return image


def name_live(image: np.ndarray, alt: str, names: list[str]) -> np.ndarray:
    """The first of the chosen networks on what the camera sees; until it runs, on the picture, which is returned."""
    if not names:
        st.caption("Choose at least one network.")
        return image
    backbone = BACKBONES[names[0]]
    if len(names) > 1:
        st.caption(f"{backbone.title} answers while the camera runs: the first of those that you chose.")

    def answer(frame: np.ndarray) -> Answer:
        network = transfer.network(backbone.name)
        seen = network.see(backbone.prepare(frame))
        pairs = naming.best(seen.probabilities, backbone.labels(), 5)
        label = pairs[0][0]
        values = attribution.class_map(seen, network, naming.class_index(backbone.name, label, seen.scores))
        map_ = attribution.overlay(_large(seen.pixels), values)
        shown = Shown(map_, "Bright where it sees the first of these", f"where {backbone.title} sees {label}")
        return Answer((shown,), f"{backbone.title} says", tuple(pairs))

    live(answer, image, f"What {backbone.title} calls the things in front of your camera")
    return image


def choose_square(image: np.ndarray) -> np.ndarray:
    """A picture of usual shape, or the square of a long one that is seen; and what each of its squares is called."""
    parts = naming.squares(*image.shape[:2])
    if len(parts) == 1:
        return image
    prepare, labels = BACKBONES["efficientnet_lite0"].prepare, BACKBONES["efficientnet_lite0"].labels()
    seen = [(part, look("efficientnet_lite0", prepare(image[part]))) for part in parts]
    height, width = image.shape[:2]
    st.markdown(
        f"This picture is {max(height, width) / min(height, width):.1f} times as long as its short side, and a network "
        f"sees a square. So {len(parts)} squares were looked at; the surest answer counts, unless you choose another."
    )
    numbers = [str(number + 1) for number in range(len(parts))]
    chosen = ui.one_of(st.pills, "Square", ["surest", *numbers], "surest", "square")
    number = naming.surest(seen) if chosen == "surest" else int(chosen) - 1
    names = [naming.best(each.probabilities, labels, 1)[0] for _, each in seen]
    said = ", ".join(f"{number}: {label} {share:.0%}" for number, (label, share) in zip(numbers, names, strict=True))
    rows, columns = parts[number]
    small = images.shrink(image, 640)
    factor = small.shape[1] / width
    places = (columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)
    frame = Frame(*(value * factor for value in places))
    alt = f"square {number + 1} of {len(parts)} is framed"
    ui.show(boxed(small, {ACCENT: [frame]}), f"Square {number + 1} of {len(parts)}. {said}", alt)
    return image[parts[number]]


@st.fragment
@guard()  # a fragment's errors do not reach its caller
def explain(name: str, pixels: np.ndarray, alt: str, first: bool) -> None:
    """The top five of one network; a click on a bar, or the list, chooses the class that is explained.

    Only the first network of several stays in view on a phone.
    """
    try:
        seen = look(name, pixels)
    except VisitorError as error:
        st.warning(str(error), icon=":material/info:")
        return
    backbone = BACKBONES[name]
    pairs = naming.best(seen.probabilities, backbone.labels(), 5)
    identity = _identity(name, pixels)
    key, chart_key = f"explain_{identity}", f"bars_{identity}"

    def clicked() -> None:
        points = state[chart_key].selection.points
        if points:
            state[key] = points[0]["customdata"]

    answers = ui.stage() if first else st.container()
    likely = [label for label, _ in pairs]
    options = likely + [label for label in dict.fromkeys(backbone.labels()) if label not in likely]
    label = st.selectbox(
        "Where does it see … (click a bar, or choose any class)",
        options,
        **state.linked(key),
        width=340,
        help="Type to search.",
    )
    with answers:
        ui.chart(
            charts.answers(pairs, label, f"{backbone.title} says"),
            alt=f"{backbone.title}: " + ", ".join(f"{text} {value:.1%}" for text, value in pairs),
            key=chart_key,
            on_select=clicked,
            selection_mode="points",
        )
        if (count := len(backbone.looks(pixels))) > 1:
            st.caption(
                f"The mean of {count} looks: the picture moved by a few pixels, and mirrored. AlexNet was tested with "
                "as many; the maps are of the first."
            )
    index = naming.class_index(name, label, seen.scores)
    with answers, st.container(horizontal=True):
        _map(pixels, None, "What the network saw", f"{alt}, cut to the square that the network sees")
        values = attribution.class_map(seen, transfer.network(name), index)
        _map(pixels, values, f"Class activation map for “{label}”", f"bright where {backbone.title} sees {label}")
        shown = st.empty()
    st.caption(
        "For a network that ends in an average and one dense layer this map and Grad-CAM are the same thing, and it "
        "needs no gradient."
    )
    with st.container(horizontal=True):
        shuffle = st.button("Shuffle its weights", key=state.key(f"shuffle_{identity}"), icon=":material/shuffle:")
        prove = st.button(
            "Let Keras take the gradient", key=state.key(f"prove_{identity}_{index}"), icon=":material/check:"
        )
        hide = st.button(
            "Cover it piece by piece", key=state.key(f"occlude_{identity}_{index}"), icon=":material/grid_on:"
        )
    if shuffle:
        with st.spinner("The weights are shuffled …"):
            noise, nonsense = untrained_map(name, pixels)
        with shown.container(width=SIDE):
            words = f"Shuffled weights: “{nonsense}”"
            _map(pixels, noise, words, "the same kind of map from a network that knows nothing")
        st.caption("This network knows nothing. If you would believe its map too, do not believe the other.")
    if prove:
        with st.spinner("Keras is asked …"):
            slow = heat_map(name, pixels, index)
        with shown.container(width=SIDE):
            _map(pixels, slow, f"Grad-CAM for “{label}”", f"Grad-CAM for {label}, made from the gradient")
        st.caption(f"Grad-CAM and the class activation map differ by at most {np.abs(slow - values).max():.0e}.")
    if hide:
        state[COVER] = Cover(identity, index, label)
        st.rerun()


def _identity(name: str, pixels: np.ndarray) -> str:
    return f"{name}_{hashlib.sha1(pixels.tobytes()).hexdigest()[:10]}"


def cover(name: str, pixels: np.ndarray) -> None:
    """The occlusion map that was asked for; outside the fragment, where a click on Stop would wait for its end."""
    asked: Cover | None = state.get(COVER)
    if asked is None or asked.identity != _identity(name, pixels):
        return
    if asked.falls is None:
        del state[COVER]  # so that it is not begun again when it is stopped
        with st.container():
            bar = st.progress(0.0, "Covering …")
            st.button("Stop", icon=":material/stop:", key=state.key("stop_covering"))
            for done, falls in attribution.occlusion(transfer.network(name), pixels, asked.index):
                asked.falls = falls
                bar.progress(done, f"Covering … {done:.0%}")
        state[COVER] = asked
        st.rerun()
    _map(
        pixels,
        attribution.normalised(asked.falls),
        f"Occlusion: at most −{asked.falls.max():.1%}",
        f"bright where a grey square costs {asked.label} most",
    )
    st.caption(
        f"A grey square slides over the picture; bright is where hiding it takes most from “{asked.label}”. This looks "
        "at the answers only, never inside the network."
    )


def _map(pixels: np.ndarray, values: np.ndarray | None, caption: str, alt: str) -> None:
    """One square of the row."""
    with st.container(width=SIDE):
        ui.show(pixels if values is None else attribution.overlay(_large(pixels), values), caption, alt, target=SIDE)


def _large(pixels: np.ndarray, side: int = 224) -> np.ndarray:
    """Small squares enlarged without smoothing, so that a map over them is not blocky."""
    factor = max(1, side // pixels.shape[0])
    return pixels.repeat(factor, axis=0).repeat(factor, axis=1)


@st.cache_data(ttl=600, max_entries=4, show_spinner=False)
def _overview(loaded: tuple[str, ...]) -> list[dict]:
    return transfer.overview()


def table_of_networks() -> None:
    """One row a backbone; time and memory were measured on this server."""
    states = tuple(f"{name} {backbones.state(name)}" for name in BACKBONES)
    ui.table(_overview(states), placeholder="–")
    st.caption(
        "Time is the median of five runs on this server, for networks that are loaded. Weights take four bytes each. "
        "Beside the shipped networks at most one stays in memory."
    )


@st.cache_data(max_entries=16, show_spinner=False)
def _sight(image: np.ndarray) -> pet_presence.Sight:
    """Whether and where a picture shows a cat or a dog."""
    return pet_presence.first_look(image)


def _missed() -> str:
    """How many pets the second look misses, from its card, in a sentence; empty where it was not measured."""
    rows = {row["name"]: row for row in weights.card("pet_presence")["metrics"]}
    row = rows.get("pets that are missed")
    return f"It misses {row['value']:.1%} of {row['samples']} pets." if row else ""


def _breeds(image: np.ndarray) -> None:
    """The chart of the three most likely breeds, or a word when there is no pet; the visitor may ask all the same."""
    sight = _sight(image)
    if not sight.pet:
        st.markdown("**No pet**: neither a cat nor a dog is seen in this picture.")
        st.caption(
            f"ImageNet's own head gives cats and dogs at most {sight.share:.1%} in any part of it. The head of breeds "
            f"has no such answer; another looks first. {_missed()}"
        )
        if not st.toggle("Name a breed all the same", **state.linked("anyway")):
            return
    pairs = naming.breeds(naming.where_pet(image, sight), 3)
    readable = [(name.replace("_", " "), value) for name, value in pairs]
    ui.chart(
        charts.answers(readable, readable[0][0]),
        alt="breeds: " + ", ".join(f"{name} {value:.1%}" for name, value in readable),
        key="breed",
    )


def pet_breed(image: np.ndarray) -> None:
    """The three most likely breeds or "no pet", and how good the head is."""
    about = weights.card("pet_breeds")
    figures = {metric["name"]: metric for metric in about["metrics"]}
    names = about["classes"]
    left, right = st.columns(2, gap="large")
    with left:
        _breeds(image)
    with right:
        overall, mean = figures["accuracy"], figures["mean over breeds"]
        st.markdown(
            f"The backbone is frozen; only a softmax layer of {about['parameters']:,} numbers was trained, on "
            f"{about['data']['splits']['train']:,} pictures of {len(names)} breeds. It is right for "
            f"**{overall['value']:.1%}** of {overall['samples']} test pictures; the mean over breeds is "
            f"**{mean['value']:.1%}**."
        )
        known = about["imagenet_breeds"]
        st.caption(
            f"{len(known)} of the {len(names)} breeds are classes of ImageNet too, so the backbone has met them: "
            f"{figures['accuracy, breeds of ImageNet']['value']:.1%} right among those, "
            f"{figures['accuracy, other breeds']['value']:.1%} among the others."
        )
        worst = sorted(about["breed_accuracy"].items(), key=lambda item: item[1])[:3]
        st.caption("Hardest breeds: " + ", ".join(f"{n.replace('_', ' ')} {value:.0%}" for n, value in worst) + ".")
