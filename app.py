"""The gallery: page config, navigation from the topic registry."""

import streamlit as st

from cnndemo import memory, topics, ui

GALLERY = "How a CNN sees"

memory.keep_small()
ui.prepare_line()
home = st.Page(topics.PAGES / "home.py", title="Gallery", icon=":material/grid_view:", default=True)
lessons = st.Page(topics.PAGES / "lessons.py", title=ui.lesson_title(), icon=":material/school:", url_path="lessons")
chapters = {
    heading: [
        st.Page(topic.path, title=topic.title, icon=f":material/{topic.icon}:", url_path=topic.stem)
        for topic in members
    ]
    for heading, members in topics.by_chapter().items()
}
page = st.navigation({"": [home, lessons], **chapters})
title = GALLERY if page is home else f"{page.title} · {GALLERY}"
st.set_page_config(page_title=title, page_icon=ui.icon(), layout="wide")
if not ui.starting_again():
    with ui.beside_lesson(page.url_path):
        page.run()
        ui.next_topic(page.url_path)
ui.prepare_browser()
