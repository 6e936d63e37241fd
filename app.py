"""The gallery: page config, navigation from the topic registry."""

import streamlit as st

from cnndemo import memory, topics, ui
from cnndemo.gate import pages

GALLERY = "How a CNN sees"

memory.keep_small()
ui.prepare_line()
# Before the navigation: or the browser would ask another host for the picture of the page's icon.
st.set_page_config(page_title=GALLERY, page_icon=ui.icon(), layout="wide")
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
if page is not home:
    st.set_page_config(page_title=f"{page.title} · {GALLERY}")
if not ui.starting_again():
    with ui.beside_lesson(page.url_path), pages.turn():
        page.run()
        ui.next_topic(page.url_path)
ui.prepare_browser()
