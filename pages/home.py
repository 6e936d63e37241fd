"""The gallery's front page: one card a topic."""

import importlib

import numpy as np
import streamlit as st

from cnndemo import images, topics, ui
from cnndemo.lessons import LESSONS, lesson_words
from cnndemo.ui import lesson
from cnndemo.ui.frame import anchor


@st.cache_data(max_entries=32, show_spinner=False)
def thumbnail(stem: str) -> np.ndarray | None:
    """The picture that the topic's module makes of itself, uint8 (180, 320, 3)."""
    make = getattr(importlib.import_module(f"cnndemo.{stem}"), "thumbnail", None)
    return make() if make else None


def ways_in() -> None:
    """Four kinds of visitors; the first minute of a newcomer is one step of a lesson."""
    with st.container(horizontal=True, vertical_alignment="center"):
        start = {"on_click": lesson.begin, "args": ("photo", lesson.left_off("photo"))}
        ui.main_button("I have a picture", icon=":material/photo_camera:", key="home.start", **start)
        st.page_link(topics.TOPICS["book_index"].path, label="I read the book", icon=":material/menu_book:")
        st.page_link(topics.PAGES / "lessons.py", label="I teach", icon=":material/school:")
        own = {"on_click": lesson.begin, "args": ("train", lesson.left_off("train"))}
        st.button("I want to train", icon=":material/model_training:", type="tertiary", key="home.train", **own)


def search() -> None:
    """Pages and sections as links, steps of lessons as buttons, in which all the words occur."""
    words = st.text_input(
        "Search pages, sections and lessons", key="home.search", max_chars=60, placeholder="kernel, softmax, face …"
    )
    wanted = words.lower().split()

    def fits(*texts: str) -> bool:
        return bool(wanted) and all(word in " ".join(texts).lower() for word in wanted)

    lines = []
    for topic in topics.built():
        if fits(topic.title, topic.question):
            lines.append(f"- [{topic.title}](/{topic.stem}): {topic.question}")
        titles = [title for title in topics.sections(topic.stem) if fits(title)]
        lines += [f"- [{topic.title} · {title}](/{topic.stem}#{anchor(title)})" for title in titles]
    steps = [
        (name, number, f"{texts.title}, {number}: {said.title}")
        for name, plan in LESSONS.items()
        for texts in [lesson_words(name, lesson.language())]
        for number, (step, said) in enumerate(zip(plan.steps, texts.steps, strict=True), start=1)
        if fits(texts.title, said.title, said.do, step.section)
    ]
    if wanted and not lines + steps:
        st.caption("Nothing has these words. Try one alone.")
    if lines:
        st.markdown("\n".join(lines[:12]))
    for name, number, title in steps[:8]:
        start = {"on_click": lesson.begin, "args": (name, number), "key": f"home.{name}.{number}"}
        st.button(title, icon=":material/school:", type="tertiary", **start)


ui.state.enter("home")
st.title("How a CNN sees", anchor=False)
st.markdown(
    "Every topic of the book *Convolutional Neural Networks with Python Quick Start Guide*, live. "
    "Bring **your own picture** to any page: it travels with you through all of them. "
    "The code you are shown is the code that ran."
)
ways_in()
search()
with st.expander("Bring your picture", icon=":material/add_photo_alternate:"):
    picture = ui.pick_image(samples=("cat", "astronaut", "coffee", "rocket", "motorcycle"))
    ui.show(images.shrink(picture.image, 480), alt=picture.alt, width=320)

with st.grid(3, min_column_width=250):
    for heading, members in topics.by_chapter().items():
        for topic in members:
            with st.container(border=True, height="stretch"):
                made = thumbnail(topic.stem)
                if made is not None:
                    ui.show(made, alt=f"{topic.title}: {topic.question}", link=f"/{topic.stem}")
                st.page_link(topic.path, label=f"**{topic.title}**", icon=f":material/{topic.icon}:")
                st.markdown(topic.question)
                st.caption(heading)
st.caption("Pictures stay in this server's memory while you look at them. Nothing is stored or sent elsewhere.")
