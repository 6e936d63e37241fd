"""How one picture becomes many: random transforms, their parameters, and the data generator (book 3.2 and 4.5)."""

import numpy as np
import streamlit as st

from cnndemo import archives, figures, images, ui
from cnndemo.augmentation import BOOK, Pipeline, data_sets, mixing, to_picture
from cnndemo.augmentation import reference as keras_layers
from cnndemo.errors import VisitorError
from cnndemo.figures import augmentation as charts
from cnndemo.ui import augmentation as panels
from cnndemo.ui.settling import settle

ui.page("augmentation")
RECALL = "_augmentation"


def recall() -> tuple[np.ndarray, str, Pipeline, int]:
    """Picture, alt text, pipeline and seed as last set."""
    return st.session_state.get(RECALL, (images.sample("cat"), images.SAMPLES["cat"].alt, BOOK, 0))


@st.fragment
def try_it() -> None:
    left, right = ui.try_it()
    with left, ui.guard():
        picture = ui.pick_image()
        seed = st.number_input("Seed", 0, 9999, 0, key="seed", bind="query-params", help="Same seed, same variants.")
        pipeline = panels.controls()
        st.session_state[RECALL] = (picture.image, picture.alt, pipeline, seed)
    image, alt, pipeline, seed = recall()
    small = images.shrink(image, panels.SIDE)
    with right, ui.guard():
        with_mask = st.toggle("Send a segmentation mask along", key="mask", bind="query-params")
        panels.compare(image, pipeline, seed, alt)
        if with_mask:
            st.caption(
                "Green is the mask, guessed by GrabCut. It moves with the picture; light, noise and blur leave it."
            )
    with ui.guard():
        panels.grid(small, pipeline, seed, panels.rough_mask(small) if with_mask else None, alt)
        panels.honesty(small, pipeline, seed)
    settle("augmentation", (alt, image.shape, pipeline.to_json(), seed, st.session_state.get(panels.SHOWN, 0)))


ui.section("Try it", figures=("3.2",))
try_it()
image, alt, pipeline, seed = recall()
small = images.shrink(image, panels.SIDE)

ui.section("How it works")
number = st.session_state.get(panels.SHOWN, 0)
st.markdown(f"Variant {number + 1}, transform by transform. Each draws its numbers anew for every picture and epoch.")
panels.step_by_step(small, pipeline, seed + number, alt)

ui.section("When the label changes")
st.markdown(
    "A variant must still be what its label says. A cat mirrored is a cat; for a car that keeps to its lane, left and "
    "right are the answer. With digits the network can tell us:"
)


@st.fragment
def digits() -> None:
    digit = st.pills("Digit", range(10), default=6, required=True, key="digit", bind="query-params")
    recipe = st.segmented_control(
        "Transform", [*panels.DIGIT_RECIPES, panels.PIPELINE], default=panels.HALF_TURN, required=True, key="label",
        bind="query-params",
    )  # fmt: skip
    pictures, drawn = panels.digit_variants(digit, recipe, pipeline, seed)
    answers = None
    if ui.tensorflow_ready():
        with ui.guard():
            answers = ui.predictor("digit_classifier")(pictures[..., None] / np.float32(255))
    else:
        panels.agreement(str)
    panels.read_digits(digit, pictures, drawn, answers)


digits()

ui.section("Two pictures into one")


@st.fragment
def mix() -> None:
    left, right = ui.try_it()
    with left:
        second = ui.pick_image(
            ("coffee", "rocket", "astronaut", "cat"), key="second", shared=False, label="Second picture"
        )
        kind = st.segmented_control(
            "Mix by", ["MixUp", "CutMix"], default="MixUp", required=True, key="mix", bind="query-params"
        )
        alpha = st.slider(
            "Alpha", 0.1, 5.0, 1.0, 0.1, key="alpha", bind="query-params", help="Small: mostly one of both."
        )
        draw = st.number_input("Draw", 0, 9999, 3, key="draw", bind="query-params")
    with right, ui.guard():
        first = images.shrink(image, 320)
        other = mixing.fit(second.image, *first.shape[:2])
        weight = mixing.draw_weight(alpha, draw)
        x, y = np.random.default_rng([draw, 1]).random(2)
        mixed = mixing.mix_up(first, other, weight) if kind == "MixUp" else mixing.cut_mix(first, other, weight, x, y)
        ui.show(
            to_picture(mixed.image), f"{kind}, weight {mixed.weight:.2f}", f"{alt} mixed with {second.alt}", width=420
        )
        ui.chart(
            figures.bars(["first", "second"], [mixed.weight, 1 - mixed.weight]), "The mixed label", key="mixed_label"
        )
        st.caption("The label is mixed as the pixels are: the network learns to be as sure as the picture allows.")


mix()

ui.section("Uneven classes")


@st.fragment
def uneven() -> None:
    left, right = ui.try_it()
    with left, ui.guard():
        rows = st.data_editor(
            {"class": ["cat", "panda"], "pictures": [1_000_000, 10_000]},
            num_rows="dynamic",
            key="counts",
            hide_index=True,
        )
        strategy = st.radio("An epoch shows", list(data_sets.STRATEGIES), 2, key="strategy", bind="query-params",
                            captions=list(data_sets.STRATEGIES.values()))  # fmt: skip
    with right, ui.guard():
        balanced = data_sets.balance(data_sets.counts(rows["class"], rows["pictures"]), strategy)
        ui.chart(charts.balance(balanced), f"Pictures of each class in an epoch, {strategy}", key="balance")
        st.dataframe(data_sets.table(balanced), hide_index=True)
        always = data_sets.accuracy_of_always_largest(balanced)
        st.caption(
            f"Always answering the most frequent class would count as {always:.1%} right. Near 50 % for two is fair."
        )


uneven()

ui.section("The data generator", figures=("4.8",), listings=("4.4", "4.5"))
columns = ("The book's argument", "Today", "What to know")
st.table([dict(zip(columns, (f"`{old}`", f"`{new}`", note), strict=True)) for old, new, note in data_sets.TODAY])


@st.fragment
def from_directory() -> None:
    left, right = ui.try_it()
    with left, ui.guard():
        file = st.file_uploader("A ZIP of class folders", type=["zip"], key="folders", help="cat/1.jpg, dog/1.jpg, …")
        folders = archives.read_class_folders(panels.demonstration())
        try:
            folders = archives.read_class_folders(file.getvalue()) if file else folders
        except VisitorError as error:
            st.warning(f"{error} Until then you see the gallery's small set.", icon=":material/info:")
        size = st.select_slider("target_size", [28, 64, 96, 150, 224], 96, key="target", bind="query-params")
        batch_size = st.select_slider("batch_size", [3, 6, 9, 16, 32], 9, key="batch", bind="query-params")
        mode = st.radio("class_mode", list(data_sets.LABEL_MODES), key="mode", bind="query-params", horizontal=True)
        augment = st.toggle("Augment by the pipeline above", True, key="augment", bind="query-params")
    with right, ui.guard():
        panels.show_batch(folders, (size, size), batch_size, mode, pipeline if augment else None, seed)
    st.session_state["_generator"] = (size, batch_size, mode)


from_directory()

ui.section("Take it with you")
left, right = st.columns(2, gap="large")
with left:
    ui.download("Pipeline as JSON", pipeline.to_json(), "pipeline.json", "application/json")
    st.file_uploader("Load a pipeline", type=["json"], key="recipe", on_change=panels.load_recipe)
    if note := st.session_state.get("recipe_note"):
        st.warning(note, icon=":material/info:")
with right:
    panels.make_zip(image, pipeline, seed)
size, batch_size, mode = st.session_state.get("_generator", (96, 9, "categorical"))
ui.code(
    [Pipeline, keras_layers.run, mixing.mix_up, mixing.cut_mix, archives.read_class_folders, data_sets.balance],
    pipeline.to_keras_code()
    + f"""
import numpy as np
from cnndemo import images

pictures = np.stack([images.sample("cat")] * 16).astype("float32")
variants = augment(pictures, training=True)

# from a folder with one folder a class:
# keras.utils.image_dataset_from_directory(
#     "imagenet/imagenet_images", image_size=({size}, {size}), batch_size={batch_size},
#     label_mode={data_sets.LABEL_MODES[mode]!r},
# ).map(lambda pictures, labels: (augment(pictures, training=True), labels))
""",
)
moving = [step.operation.title for step in pipeline.steps if step.operation.mask == "moves"]
pandas = data_sets.balance({"cat": 1_000_000, "panda": 10_000}, "oversample")[1]
ui.check_yourself(
    [
        ui.Question(
            "How many of the transforms in your pipeline must also be done to a segmentation mask?",
            [str(number) for number in range(len(pipeline.steps) + 1)] if pipeline.steps else ["0", "1"],
            str(len(moving)),
            f"Those that move pixels: {', '.join(moving) or 'none of yours'}. Light, noise and erasing leave the mask.",
        ),
        ui.Question(
            f"1,000,000 cats, {pandas.originals:,} pandas, oversampled: how often does each panda occur in an epoch?",
            ["once", f"{pandas.copies:.0f} times", f"{pandas.shown:,} times"],
            f"{pandas.copies:.0f} times",
            "Each time as another variant; but all of them are made of the same few pandas.",
        ),
    ]
)
ui.model_card("digit_classifier")
