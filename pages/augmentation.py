"""How one picture becomes many: random transforms, their parameters, and the data generator (book 3.2 and 4.5)."""

import json

import streamlit as st

from cnndemo import archives, images, ui
from cnndemo.augmentation import BOOK, Pipeline, data_sets, mixing, reference
from cnndemo.augmentation.questions import questions
from cnndemo.augmentation.views import data
from cnndemo.augmentation.views import pipeline as panels
from cnndemo.ui import state
from cnndemo.ui.settling import settle

ui.page("augmentation")
RECALL = "_augmentation"


def recall() -> tuple[ui.Picture, Pipeline, int]:
    """Picture, pipeline and seed as last set."""
    return state.get(RECALL, (ui.Picture(images.sample("cat"), "cat", "sample"), BOOK, 0))


@st.fragment
def try_it() -> None:
    stage, controls = ui.try_it((3, 2))  # the picture first: on a phone it is above what changes it, and in view
    sheet = st.container()
    with controls:
        picture, chosen = ui.pick_image(), panels.choose()
    with controls, st.expander("How far, and in which order", icon=":material/tune:"), ui.guard():
        pipeline = panels.controls(chosen)
        seed = st.number_input("Seed", 0, 9999, 0, **state.linked("seed"), help="Same seed, same variants.")
        with_mask = st.toggle("Send a segmentation mask along", **state.linked("mask"))
        state[RECALL] = (picture, pipeline, seed)
    picture, pipeline, seed = recall()
    image, alt = picture.image, picture.alt
    small = images.shrink(image, panels.SIDE)
    with stage, ui.stage(), ui.guard():
        panels.compare(image, pipeline, seed, alt)
    with sheet, ui.guard():
        if with_mask:
            st.caption(
                "Green is the mask, guessed by GrabCut. It moves with the picture; light, noise and blur leave it."
            )
        panels.grid(small, pipeline, seed, panels.rough_mask(small) if with_mask else None, alt)
    with ui.guard():
        panels.honesty(small, pipeline, seed)
    settle("augmentation", (alt, image.shape, pipeline.to_json(), seed, state.get(panels.SHOWN, 0)))


ui.section("Try it", figures=("3.2",))
try_it()
picture, pipeline, seed = recall()
image, alt = picture.image, picture.alt
small = images.shrink(image, panels.SIDE)

ui.section("How it works")
number = state.get(panels.SHOWN, 0)
st.markdown(f"Variant {number + 1}, transform by transform. Each draws its numbers anew for every picture and epoch.")
panels.step_by_step(small, pipeline, seed + number, alt)

ui.section("When the label changes")
st.markdown(
    "A variant must still be what its label says. A cat mirrored is a cat; for a car that keeps to its lane, left and "
    "right are the answer. With digits the network can tell us:"
)
data.digits(pipeline, seed)

ui.section("Two pictures into one")

data.mix(image, alt)

ui.section("Uneven classes")
data.uneven()

ui.section("The data generator", figures=("4.8",), listings=("4.4", "4.5"))
st.markdown(
    "The book's argument, today's layer for it, and what to know:\n"
    + "".join(f"\n- `{old}` → `{new}`: {note}" for old, new, note in data_sets.TODAY)
)
st.caption("Listing 4.5 on your own folders. Pictures are unpacked one batch at a time, so memory stays small.")
data.from_directory(pipeline, seed)

ui.section("Take it with you")
left, right = st.columns(2, gap="large")
with left:
    ui.download("Pipeline as JSON", pipeline.to_json(), "pipeline.json", "application/json")
    st.file_uploader("Load a pipeline", type=["json"], key=state.key("recipe"), on_change=panels.load_recipe)
    if note := state.get("recipe_note"):
        st.warning(note, icon=":material/info:")
with right:
    panels.make_zip(image, pipeline, seed)
size, batch_size, mode = state.get("_generator", (96, 9, "categorical"))
ui.code(
    [Pipeline, reference.run, mixing.mix_up, mixing.cut_mix, archives.read_class_folders, data_sets.balance],
    f"""
    from cnndemo import images
    from cnndemo.augmentation import Pipeline, to_picture

    pipeline = Pipeline.from_json({json.dumps(json.loads(pipeline.to_json()))!r})
    image = images.shrink({picture.code}, {panels.SIDE})
    variants = [pipeline.sample(image, seed) for seed in range({seed}, {seed} + 8)]
    for _, draws in variants:
        print(*draws, sep="; ")
    """,
    pipeline.to_keras_code()
    + f"""
import numpy as np
from cnndemo import images

pictures = np.stack([{picture.code}] * 16).astype("float32")
variants = augment(pictures, training=True)

# from a folder with one folder a class:
# keras.utils.image_dataset_from_directory(
#     "imagenet/imagenet_images", image_size=({size}, {size}), batch_size={batch_size},
#     label_mode={data_sets.LABEL_MODES[mode]!r},
# ).map(lambda pictures, labels: (augment(pictures, training=True), labels))
""",
    result=f"""
    import numpy as np
    from PIL import Image

    changed = [to_picture(values, {pipeline.center or pipeline.scale}) for values, _ in variants]
    Image.fromarray(np.vstack([np.hstack(changed[:4]), np.hstack(changed[4:])]))
    """,
    pictures=[picture],
)
alpha, draw = (state.get(name, usual) for name, usual in (("alpha", 1.0), ("draw", 3)))
counts = state.get(data.COUNTS) or data.USUAL
ui.check_yourself(questions(pipeline, mixing.draw_weight(alpha, draw), size, batch_size, counts))
ui.model_card("digit_classifier")
