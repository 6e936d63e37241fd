"""The gallery's front page: one card a topic."""

import importlib

import numpy as np
import streamlit as st

from cnndemo import images, topics, ui


@st.cache_data(max_entries=32, show_spinner=False)
def thumbnail(stem: str) -> np.ndarray | None:
    """The picture that the topic's module makes of itself, uint8 (180, 320, 3)."""
    make = getattr(importlib.import_module(f"cnndemo.{stem}"), "thumbnail", None)
    return make() if make else None


ui.state.enter("home")
st.title("How a CNN sees", anchor=False)
st.markdown(
    "Every topic of the book *Convolutional Neural Networks with Python Quick Start Guide*, live. "
    "Bring **your own picture** to any page: it travels with you through all of them. "
    "The code you are shown is the code that ran."
)
with st.expander("Bring your picture", icon=":material/add_photo_alternate:"):
    picture = ui.pick_image(samples=("cat", "astronaut", "coffee", "rocket", "motorcycle"))
    ui.show(images.shrink(picture.image, 480), alt=picture.alt, width=320)

with st.grid(3, min_column_width=250):
    for heading, members in topics.by_chapter().items():
        for topic in members:
            with st.container(border=True, height="stretch"):
                made = thumbnail(topic.stem)
                if made is not None:
                    st.image(made, width="stretch", alt=f"{topic.title}: {topic.question}", link=f"/{topic.stem}")
                st.page_link(topic.path, label=f"**{topic.title}**", icon=f":material/{topic.icon}:")
                st.markdown(topic.question)
                st.caption(heading)
st.caption("Pictures stay in this server's memory while you look at them. Nothing is stored or sent elsewhere.")
