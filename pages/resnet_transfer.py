"""A pretrained network on the visitor's pictures, and a head retrained in seconds (book 4.2, 4.4–4.5)."""

import streamlit as st

from cnndemo import resnet_transfer as transfer
from cnndemo import ui
from cnndemo.resnet_transfer import attribution, naming
from cnndemo.ui import resnet_transfer as widgets

ui.page("resnet_transfer")
ui.section("Try it")
left, right = ui.try_it()
with left:
    picture = ui.pick_image()
    ui.show(picture.image, f"{picture.image.shape[1]} × {picture.image.shape[0]} pixels", picture.alt)
    names = widgets.choose_networks()
with right:
    widgets.name_it(picture.image, picture.alt, names)

ui.section("The pet's breed")
with ui.guard():
    widgets.pet_breed(picture.image)

ui.section("The book's experiment", figures=("4.4", "4.5"), listings=("4.2", "4.3"))
widgets.book_experiment(picture.image, picture.alt)

ui.section("How it works")
st.dataframe(transfer.overview(), hide_index=True)

ui.code(
    [transfer.classify, naming.class_activation, attribution.grad_cam, attribution.class_map, attribution.occlusion],
    f"""
    from cnndemo import images, resnet_transfer

    picture = images.sample("{picture.name if picture.source == "sample" else "cat"}")  # or images.load(bytes)
    for label, probability in resnet_transfer.classify(picture, "{names[0] if names else "efficientnet_lite0"}"):
        print(f"{{probability:.1%}} {{label}}")
    heat = resnet_transfer.class_activation(picture, "efficientnet_lite0", "tiger cat")  # float32, 0 to 1
    """,
)
ui.model_card("efficientnet_lite0", "resnet20", "pet_breeds", "cifar10_transfer")
