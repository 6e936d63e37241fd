"""Same person or not, and an entrance that knows its people (book 5.2 to 5.6)."""

import streamlit as st

from cnndemo import face_verification, images, ui, weights
from cnndemo.errors import VisitorError
from cnndemo.face_detection import upright
from cnndemo.face_verification import alignment, distance, gallery, rates
from cnndemo.face_verification import figures as charts
from cnndemo.face_verification.questions import questions
from cnndemo.face_verification.views import entrance, faces
from cnndemo.ui import state
from cnndemo.ui.settling import settle

ui.page("face_verification")
PEOPLE = ("obama_1", "obama_2", "obama_3", "biden_1", "astronaut")


@st.fragment
def compare() -> None:
    left, right = ui.try_it((1, 1))
    with left:
        first = ui.pick_image(PEOPLE, key="picture", label="First picture")
    with right:
        second = ui.pick_image(PEOPLE[::-1][2:] + PEOPLE[::-1][:2], key="second", shared=False, label="Second picture")
    threshold = st.slider("Threshold", 0.3, 0.9, 0.6, 0.01, **state.linked("threshold"))
    state["_pair"] = None
    with ui.guard():
        measured = rates.from_card(weights.card("face_embedding"))
        pair = [faces.one_face(picture) for picture in (first, second)]
        apart = distance(*(face.embedding for face in pair))
        state["_pair"] = first, second, *pair, apart, threshold
        for column, face, picture in zip((left, right), pair, (first, second), strict=True):
            with column:
                faces.found(picture, face)
        with ui.stage():
            said = faces.verdict(apart, threshold, pair)
            ui.chart(
                charts.ruler(measured, threshold, apart),
                f"Distances of measured pairs; this pair at {apart:.2f}, the threshold at {threshold:.2f}: {said}.",
                key="ruler",
            )
        faces.price(measured, threshold)
    settle("face_verification", (id(first.image), id(second.image), threshold))


ui.section("Try it")
st.markdown("**Same person?** Two pictures, each turned into 128 numbers by one and the same network.")
compare()
threshold, pair = state["threshold"], state["_pair"]


@st.fragment
def admit() -> None:
    left, right = st.columns(2, gap="large")
    with left, ui.guard():
        entrance.register(("biden_1", *PEOPLE[:3], "astronaut"), threshold)
    with right, ui.guard():
        entrance.door(("obama_2", "biden_1", "obama_3", "astronaut", "cat"), threshold)


ui.section("The entrance", figures=("5.2",))
st.markdown(
    "The book's company: **adding somebody is adding one picture, removing somebody is deleting it.** No network is "
    "trained again. A face in doubt stays outside: covered, turned aside, dark or small. For learning only: a picture "
    "held before the camera opens this door, too."
)
with ui.guard():
    admit()

ui.section("How it works")
with ui.guard():
    if pair is None:
        raise VisitorError("Choose two pictures with faces above, and the steps appear here.")
    first, second, one, two, apart, _ = pair
    st.markdown(
        "**1. Find** the face with the cascade, checked by a small network; another one asks whether it is an upright "
        "face and what covers it. Where there is none, the picture is turned. **2. Align**: a network marks 68 points; "
        "a turn, a scale and a shift bring 33 of them onto a mean face. **3. Describe**: the embedding network makes "
        "128 numbers of the 150 × 150 pixels. **4. Compare**: the length of the difference is the distance."
    )
    with st.container(horizontal=True):
        for picture, face in ((first, one), (second, two)):
            with st.container(width=160):
                ui.show(charts.marked(picture.image, face), "68 landmarks", f"landmarks on {picture.alt}")
            with st.container(width=160):
                ui.show(charts.fitted(face), "on the mean face", f"landmarks of {picture.alt} over the mean face")
    ui.chart(charts.embeddings(one.embedding, two.embedding), "Both embeddings and their squared differences.")
    total = float(((one.embedding - two.embedding) ** 2).sum())
    st.latex(rf"\sqrt{{\textstyle\sum_{{i=1}}^{{128}} (a_i - b_i)^2}} = \sqrt{{{total:.4f}}} = {apart:.4f}")

ui.section("The crop decides")
with ui.guard():
    about = weights.card("face_embedding")
    figures = {figure["name"]: figure for figure in about["metrics"]}
    aligned, naive = (figure for name, figure in figures.items() if name.startswith("LFW accuracy"))
    if pair is not None:
        faces.naive_crops((first, second), (one, two), apart)
    st.markdown(
        f"The same network, fed with the detector's box alone, judges **{naive['value']:.1%}** of {naive['samples']:,} "
        f"pairs rightly; with aligned faces **{aligned['value']:.1%}** (95 % interval {aligned['interval'][0]:.1%} to "
        f"{aligned['interval'][1]:.1%}). Neither curve knows more than the other: one was shown better pictures."
    )
    measured = [rates.from_card(about, crop) for crop in ("aligned", "naive")]
    ui.chart(charts.roc(measured[0], threshold, measured[1]), "Friends let in against strangers let in.", key="roc")

usual = [ui.Picture(images.sample(each), each, "sample") for each in ("obama_1", "obama_3")]
shown = faces.told_apart(*pair[:2]) if pair else usual
ui.code(
    [face_verification.describe, upright, alignment.similarity, distance, gallery.decide],
    f"""
    from cnndemo import images
    from cnndemo.face_verification import Gallery, decide, describe, distance

    first, second = (describe(picture)[0] for picture in ({", ".join(each.code for each in shown)}))
    print(distance(first.embedding, second.embedding), "same person below {threshold}")
    company = Gallery()
    company.enrol("The president", first.embedding)
    print(decide(company, second.embedding, {threshold}))
    """,
    result="""
    import numpy as np
    from PIL import Image

    Image.fromarray(np.hstack([first.chip, second.chip]))  # aligned: what the network compares
    """,
    networks=["tiny_face_detector", "face_check", "face_landmarks", "face_embedding"],
    pictures=shown,
    instead='images.sample("obama_1")',
)
with ui.guard():
    measured = rates.from_card(weights.card("face_embedding"))
    ui.check_yourself(questions(measured, threshold, pair[4] if pair else None))
ui.model_card("face_embedding", "face_check", "face_landmarks", "tiny_face_detector")
