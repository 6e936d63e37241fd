"""The augmentation page's panels on data: labels that change, mixed pictures, uneven classes, the data generator."""

from __future__ import annotations

import numpy as np
import streamlit as st

from cnndemo import archives, images
from cnndemo.augmentation import Draw, Pipeline, data_sets, mixing, to_picture
from cnndemo.augmentation import figures as charts
from cnndemo.augmentation.views.pipeline import variants
from cnndemo.errors import VisitorError
from cnndemo.figures import bars
from cnndemo.inference import predictor
from cnndemo.ui.bring import bring_file, edit_table
from cnndemo.ui.choices import one_of
from cnndemo.ui.frame import guard, plain, try_it
from cnndemo.ui.panels import chart
from cnndemo.ui.pictures import pick_image, show
from cnndemo.ui.session import state
from cnndemo.ui.settling import settle

USUAL = {"cat": 1_000_000, "panda": 10_000}  # the book's classes, class name -> pictures
COUNTS = "_folder_counts"  # class name -> pictures, of the visitor's ZIP


@st.cache_data(max_entries=1, show_spinner=False)
def _demonstration() -> bytes:
    """The small archive that stands in until the visitor brings one."""
    return data_sets.demonstration_zip()


HALF_TURN = "half turn"
PIPELINE = "the pipeline above"
DIGIT_RECIPES: dict[str, tuple[Draw, ...]] = {
    HALF_TURN: (Draw("rotation", {"angle": 180.0}),),
    "mirror": (Draw("flip_horizontal", {"flip": True}),),
    "upside down": (Draw("flip_vertical", {"flip": True}),),
}


def _digit_variants(digit: int, recipe: str, pipeline: Pipeline, seed: int, count: int = 12) -> tuple[np.ndarray, list]:
    """Variants of shipped digits: uint8 (count, 28, 28), and what was drawn for each."""
    x, y = images.digits()
    chosen = np.random.default_rng(seed).choice(np.flatnonzero(y == digit), count, replace=False)
    plain_pipeline = Pipeline(pipeline.steps, pipeline.fill_mode)
    pictures, drawn = [], []
    for number, index in enumerate(chosen):
        image = np.repeat(x[index][..., None], 3, axis=-1)
        draws = DIGIT_RECIPES.get(recipe) or plain_pipeline.draw(image.shape[:2], seed + number)
        pictures.append(images.to_gray(to_picture(plain_pipeline.apply(image, draws))))
        drawn.append(draws)
    return np.stack(pictures), drawn


def _read_digits(digit: int, pictures: np.ndarray, drawn: list, answers: np.ndarray | None) -> None:
    """Augmented digits, what was drawn, and what the digit CNN reads in each, float32 (n, 10), when it is there."""
    with st.container(horizontal=True):
        for number, (variant, draws) in enumerate(zip(pictures, drawn, strict=True)):
            words, mark = "", ""
            if answers is not None:
                read = int(answers[number].argmax())
                words = f"reads {read}, {answers[number][read]:.0%}"
                mark = "" if read == digit else ":material/warning: "
            alt = f"a {digit}: {', '.join(map(str, draws))}; {words}"
            show(variant, f"{mark}{words}", alt, width=112, target=112)
    if answers is None:
        return
    wrong = int((answers.argmax(axis=1) != digit).sum())
    if wrong > len(answers) / 4:
        st.warning(
            f"{wrong} of {len(answers)} are read as another digit: this transform changes the label of a {digit}."
        )
    else:
        st.caption(f"{wrong} of {len(answers)} are read as another digit: a {digit} mostly stays a {digit}.")


def _show_batch(
    folders: archives.ClassFolders,
    size: tuple[int, int],
    batch_size: int,
    mode: str,
    pipeline: Pipeline | None,
    seed: int,
) -> None:
    """The first batch of an archive, as the generator of listing 4.5 delivers it (figure 4.8)."""
    for note in folders.notes:
        st.caption(f":material/info: {note}")
    batch = next(folders.batches(batch_size, size))
    for sentence in batch.skipped:
        st.caption(f":material/info: {plain(sentence, 200)}")
    names = [plain(name) for name in folders.class_names]
    counted = zip(names, folders.counts.values(), strict=True)
    st.markdown("Classes: " + ", ".join(f"**{index}** {name} ({count})" for index, (name, count) in enumerate(counted)))
    with st.container(horizontal=True):
        for index, (picture, label) in enumerate(zip(batch.images, batch.labels, strict=True)):
            if pipeline is not None:
                picture = variants(picture, pipeline.to_json(), (seed + index,))[0][0]
            alt = f"a picture of class {folders.class_names[label]}"
            show(picture, names[label] if mode != "None" else None, alt, width=110, target=0)
    if mode == "categorical" and len(batch.labels):
        hot = archives.one_hot(batch.labels, len(names))
        chart(charts.labels(hot), f"One-hot labels, one row a picture: {hot.astype(int).tolist()}", key="one_hot")
    elif mode == "binary":
        st.code(f"y = ({' '.join(map(str, batch.labels))})", language=None, wrap_lines=True)
    values = batch.images / np.float32(255)
    everything = data_sets.memory(len(folders), size) / 1e6
    st.caption(
        f"Batch {values.shape}, rescaled by 1/255. Unpacked at a time: {values.nbytes / 1e6:.2f} MB as float32; "
        f"all {len(folders):,} pictures at once would be {everything:,.2f} MB."
    )


@st.fragment
def digits(pipeline: Pipeline, seed: int) -> None:
    """Digits through a transform, and what the digit CNN makes of them."""
    digit = one_of(st.pills, "Digit", range(10), 6, "digit")
    recipe = one_of(st.segmented_control, "Transform", [*DIGIT_RECIPES, PIPELINE], HALF_TURN, "label")
    pictures, drawn = _digit_variants(digit, recipe, pipeline, seed)
    answers = None
    with guard():
        answers = predictor("digit_classifier")(pictures[..., None] / np.float32(255))
    _read_digits(digit, pictures, drawn, answers)


@st.fragment
def mix(image: np.ndarray, alt: str) -> None:
    """MixUp and CutMix of the picture with a second one."""
    left, right = try_it()
    with left:
        samples = ("coffee", "rocket", "astronaut", "cat")
        second = pick_image(samples, key="second", shared=False, label="Second picture")
        kind = one_of(st.segmented_control, "By", ["MixUp", "CutMix"], "MixUp", "mix")
        alpha = st.slider("Alpha", 0.1, 5.0, 1.0, 0.1, **state.linked("alpha"), help="Small: mostly one of them.")
        draw = st.number_input("Draw", 0, 9999, 3, **state.linked("draw"))
    with right, guard():
        first = images.shrink(image, 320)
        other = mixing.fit(second.image, *first.shape[:2])
        weight = mixing.draw_weight(alpha, draw)
        x, y = np.random.default_rng([draw, 1]).random(2)
        mixed = mixing.mix_up(first, other, weight) if kind == "MixUp" else mixing.cut_mix(first, other, weight, x, y)
        caption = f"{kind}, weight {mixed.weight:.2f}"
        show(to_picture(mixed.image), caption, f"{alt} mixed with {second.alt}")
        label = [mixed.weight, 1 - mixed.weight]
        said = "The mixed label: {:.0%} the first picture's, {:.0%} the second's".format(*label)
        chart(bars(["first", "second"], label), said, key="mixed_label")
        st.caption("The label is mixed as the pixels are: the network learns to be as sure as the picture allows.")


@st.fragment
def uneven() -> None:
    """What an epoch shows of the book's cats and pandas, or of the visitor's classes."""
    left, right = try_it()
    counts = state.get(COUNTS) or USUAL
    with left, guard():
        start = {"class": list(counts), "pictures": list(counts.values())}
        rows = edit_table("counts", start, num_rows="dynamic", hide_index=True)
        strategies = data_sets.STRATEGIES
        strategy = st.radio(
            "An epoch shows",
            list(strategies),
            2,
            **state.linked("strategy"),
            captions=list(strategies.values()),
        )
    with right, guard():
        balanced = data_sets.balance(data_sets.counts(rows["class"], rows["pictures"]), strategy)
        chart(charts.balance(balanced), f"Pictures of each class in an epoch: {strategy}", key="balance")
        st.dataframe(data_sets.table(balanced), hide_index=True)
        always = data_sets.accuracy_of_always_largest(balanced)
        st.caption(
            f"Always answering the most frequent class would count as {always:.1%} right; "
            f"with {len(balanced)} even classes it is {1 / len(balanced):.1%}."
        )


@st.fragment
def from_directory(pipeline: Pipeline, seed: int) -> tuple[int, int, str]:
    """Listing 4.5 on a ZIP of class folders."""
    left, right = try_it()
    with left:
        file = bring_file("A ZIP of class folders", "folders", ["zip"], "cat/1.jpg, dog/1.jpg, …")
        folders = archives.read_class_folders(_demonstration())
        counts = None
        try:
            if file:
                folders = archives.read_class_folders(file.data)
                if folders.splits:
                    splits, name = folders.splits, f"split_{file.identity[:8]}"
                    folders = folders.of(
                        st.segmented_control("Split", splits, default=splits[0], required=True, **state.kept(name))
                    )
                counts = folders.counts
        except VisitorError as error:
            st.warning(f"{error} Until then you see the gallery's small set.", icon=":material/info:")
        before, state[COUNTS] = state.get(COUNTS), counts if counts and len(counts) > 1 else None
        if before != state[COUNTS]:
            st.rerun(scope="app")  # the class balance stands above
        size = st.select_slider("target_size", [28, 64, 96, 150, 224], 96, **state.linked("target"))
        batch_size = st.select_slider("batch_size", [3, 6, 9, 16, 32], 9, **state.linked("batch"))
        mode = st.radio("class_mode", list(data_sets.LABEL_MODES), **state.linked("mode"), horizontal=True)
        augment = st.toggle("Augment by the pipeline above", True, **state.linked("augment"))
    with right, guard():
        _show_batch(folders, (size, size), batch_size, mode, pipeline if augment else None, seed)
    state["_generator"] = (size, batch_size, mode)
    settle("generator", (size, batch_size, mode, tuple((counts or {}).items())))
