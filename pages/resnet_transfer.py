"""A pretrained network on the visitor's pictures, and a head retrained in seconds (book 4.2, 4.4–4.5)."""

import streamlit as st

from cnndemo import resnet_transfer as transfer
from cnndemo import ui
from cnndemo.resnet_transfer import attribution, backbones, cheating, export, naming, small_pictures, teaching
from cnndemo.resnet_transfer import views as widgets

ui.page("resnet_transfer")
ui.section("Try it")
left, right = ui.try_it()
with left:
    picture = ui.pick_image()
    running = ui.live_camera()
    if not running:
        ui.show(picture.image, f"{picture.image.shape[1]} × {picture.image.shape[0]} pixels", picture.alt)
    names = widgets.choose_networks()
with right:
    square = (widgets.name_live if running else widgets.name_it)(picture.image, picture.alt, names)

ui.section("How it works")
st.markdown(
    "A network that was trained on a million pictures has learned two things: **features**, what to look for, and a "
    "**head**, how to turn features into the names of its own classes. Transfer learning keeps the first and replaces "
    "the second. **Frozen**, the features stay as they are and only the new head trains: a few thousand numbers, a few "
    "pictures, seconds. **Unfrozen**, the last layers, or all, follow with a small learning rate. To feed a folder of "
    "pictures to such a training, see the [data generator](augmentation) of listing 4.5."
)
widgets.table_of_networks()

ui.section("The pet's breed")
with ui.guard():
    widgets.pet_breed(picture.image)

ui.section("The book's experiment", figures=("4.4", "4.5"), listings=("4.2", "4.3"))
widgets.book_experiment(picture.image, picture.alt)

ui.section("Teach it")
st.markdown(
    "Give two to eight classes some pictures each. The frozen backbone turns every picture into 1,280 numbers, once; "
    "a softmax layer on top of them is trained in the moment you look."
)
widgets.teach()

asked = names[0] if names else "efficientnet_lite0"
snippet = f"""from cnndemo import images, resnet_transfer

picture = {picture.code}
names = resnet_transfer.classify(picture, "{asked}")
for label, probability in names:
    print(f"{{probability:.1%}} {{label}}")
heat = resnet_transfer.class_activation(picture, "{asked}", names[0][0])
print(heat.shape, heat.max())   # float32 from 0 to 1, as high and wide as the picture
"""
# ResNet50 is downloaded and converted, which takes minutes: in a notebook a network that ships answers.
inside = asked if asked in backbones.SHIPPED else "efficientnet_lite0"
ui.code(
    [
        transfer.classify,
        naming.class_activation,
        attribution.class_map,
        attribution.grad_cam,
        attribution.occlusion,
        small_pictures.zero_pad,
        small_pictures.enlarge,
        teaching.fit_head,
        teaching.cross_validate,
        cheating.cheat,
        export.whole_model,
    ],
    snippet,
    result="""
    import numpy as np
    from PIL import Image

    Image.fromarray((picture * (0.25 + 0.75 * heat[..., None])).astype(np.uint8))  # bright is where it looked
    """,
    networks=[inside, f"{inside}.weights.h5"],
    alone={"code": snippet.replace(asked, inside)},
    pictures=[picture],
)
ui.check_yourself(widgets.asked(square, names))
ui.model_card(
    "efficientnet_lite0", "resnet20", "pet_breeds", "pet_presence", "cifar10_transfer", "cifar10_transfer_padded"
)
