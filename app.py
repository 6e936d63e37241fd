"""The gallery: page config, navigation from the topic registry."""

import streamlit as st

from cnndemo import memory, topics, ui

GALLERY = "How a CNN sees"

memory.keep_small()
ui.prepare_line()
home = st.Page(topics.PAGES / "home.py", title="Gallery", icon=":material/grid_view:", default=True)
chapters = {
    heading: [
        st.Page(topic.path, title=topic.title, icon=f":material/{topic.icon}:", url_path=topic.stem)
        for topic in members
    ]
    for heading, members in topics.by_chapter().items()
}
page = st.navigation({"": [home], **chapters})
title = GALLERY if page is home else f"{page.title} · {GALLERY}"
st.set_page_config(page_title=title, page_icon=ui.icon(), layout="wide")
if not ui.starting_again():
    page.run()
    ui.next_topic(page.url_path)
ui.prepare_browser()
