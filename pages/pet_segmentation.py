"""Pet segmentation (book 6.1 and 6.4): U-Net on the visitor's pet, and scores one can feel."""

import numpy as np
import streamlit as st

from cnndemo import images, pet_presence, pet_segmentation, ui, weights
from cnndemo.pet_segmentation import NETWORKS, metrics
from cnndemo.pet_segmentation import figures as drawings
from cnndemo.pet_segmentation.questions import questions
from cnndemo.pet_segmentation.views import (
    CHOICES,
    SHOWN,
    TITLES,
    compare_cards,
    describe_sizes,
    how_it_works,
    paint_and_feel,
    result,
    two_sets,
)
from cnndemo.ui import state

ui.page("pet_segmentation")


@st.cache_data(max_entries=6, show_spinner=False)
def answer(image: np.ndarray, name: str, twice: bool, _predict) -> tuple[np.ndarray, np.ndarray, str | None]:
    """Labels, and probabilities as uint8, of a picture; and what a second look changed, in words."""
    values, words = pet_segmentation.probabilities(image, name, _predict), None
    if twice:
        second = pet_segmentation.second_look(image, values, pet_presence.first_look(image), name, _predict)
        values = second.probabilities
        words = pet_segmentation.told(second, pet_segmentation.labels(values))
    return pet_segmentation.labels(values), np.rint(values * 255).astype(np.uint8), words


ui.section("Try it", figures=("6.1",))
left, right = ui.try_it()
with left:
    picture = ui.pick_image(samples=("cat", "astronaut", "coffee", "motorcycle"))
    image = picture.image
    name = ui.one_of(st.segmented_control, "Network", CHOICES, "pretrained", "net")
    with ui.guard():
        st.caption(compare_cards())
    twice = st.toggle("Second look: is it a pet?", True, **state.linked("twice"))
    answers, words = {}, {}
    for other in dict.fromkeys((name, *NETWORKS)):
        with ui.guard():
            *answers[other], words[other] = answer(image, other, twice, ui.predictor(NETWORKS[other].weights))
    if name in answers:
        if not (words[name] or "").startswith("**No pet"):
            st.markdown(pet_segmentation.describe(answers[name][0]))
        if words[name]:
            st.markdown(words[name])
    ui.show(images.shrink(image, SHOWN), "The picture", alt=picture.alt)
with right:
    if name in answers:
        result(image, picture.alt, name, answers)

ui.section("How it works", figures=("6.6",), listings=("6.1",))
st.markdown(
    "On the way **down**, maps get smaller and richer: they know *what* is there, but no longer *where*. On the way "
    "**up** they grow again. **Skip connections** bring the fine maps of the way down across. Switch some off."
)
with ui.guard():
    st.caption(describe_sizes())
if name in answers:
    how_it_works(image, name)

ui.section("Training and augmentation")
histories = {TITLES[other]: rows for other, net in NETWORKS.items() if (rows := weights.history(net.weights))}
worth = pet_segmentation.ablation()
left, right = st.columns(2, gap="large")
with left:
    if histories:
        ui.chart(
            drawings.training(histories), "Mean Jaccard on validation pictures after each epoch, by network", key="log"
        )
        st.caption("On validation pictures, after each epoch. A drop is where the pictures became larger.")
with right:
    if worth:
        plain, full = worth["all of them"], worth["nothing"]
        ui.chart(drawings.worth(worth), "Mean Jaccard without each augmentation, training and validation", key="worth")
        st.caption(
            f"The book's network at 64 × 64, {full['epochs']:.0f} epochs a run, one augmentation left out. Without "
            f"any, it is {plain['training'] - plain['validation']:+.3f} better on the pictures it has seen than on new "
            f"ones; with all, {full['training'] - full['validation']:+.3f}. Augmentation closes that gap, and asks for "
            "more epochs: in so short a run, less of it scores higher."
        )

ui.section("Paint and feel")
st.markdown("A score is a feeling for errors. Paint over the mask, or start from a mask that one score likes too much.")
if name in answers:
    paint_and_feel(image, answers[name][0])

ui.section("Jaccard and Dice", figures=("6.7",))
two_sets()

ui.section("Best and worst test pictures")
with ui.guard():
    card = weights.card(NETWORKS[name].weights)
    scores = {TITLES[other]: weights.card(NETWORKS[other].weights)["test_jaccard"] for other in answers}
    middle = ", ".join(f"{np.median(values):.2f} for {title}" for title, values in scores.items())
    ui.chart(drawings.spread(scores), f"Jaccard of the pet in each test picture: half are above {middle}", key="spread")
    st.caption("Jaccard at the pictures' own size.")
    for title in ("worst", "best"):
        with st.expander(f"The ten {title} of {TITLES[name]}", expanded=title == "worst"):
            st.markdown(
                "\n".join(
                    f"- **{ui.plain(row['name'])}**: Jaccard of the pet {row['pet_jaccard']:.3f}, "
                    f"mean Jaccard {row['mean_jaccard']:.3f}. {row['what']}"
                    for row in card[title]
                )
            )
    st.caption("Names are those of the data set, whose pictures are not part of the gallery.")

answered = (
    f'pet_segmentation.segment(image, network="{name}")'
    if twice
    else f'pet_segmentation.labels(pet_segmentation.probabilities(image, "{name}"))'
)
ui.code(
    [pet_segmentation.segment, pet_segmentation.second_look, pet_presence.look, pet_segmentation.probabilities,
     pet_segmentation.cut_out, metrics.jaccard, metrics.dice,
     metrics.boundary_f_score, pet_segmentation.architecture(name).build],
    f"""
    from pathlib import Path

    from cnndemo import images, pet_segmentation

    image = {picture.code}
    # 1 pet, 2 surroundings, 3 border
    labels = {answered}
    cut = pet_segmentation.cut_out(image, pet_segmentation.animal(labels))
    Path("cut_out.png").write_bytes(images.png(cut))
    """,
    result="from PIL import Image\n\nImage.fromarray(cut)",
    networks=[NETWORKS[name].weights, *(["pet_presence", "efficientnet_lite0"] if twice else [])],
    pictures=[picture],
)  # fmt: skip
ui.check_yourself(questions({other: labels for other, (labels, _) in answers.items()}, name))
ui.model_card(*(net.weights for net in NETWORKS.values()), "pet_presence")
