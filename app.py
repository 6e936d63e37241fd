"""The gallery: page config, navigation from the topic registry."""

import streamlit as st

from cnndemo import memory, topics, ui

memory.keep_small()
ui.prepare_line()
st.set_page_config(page_title="How a CNN sees", page_icon=ui.icon(), layout="wide")

home = st.Page(topics.PAGES / "home.py", title="Gallery", icon=":material/grid_view:", default=True)
chapters = {
    heading: [
        st.Page(topic.path, title=topic.title, icon=f":material/{topic.icon}:", url_path=topic.stem)
        for topic in members
    ]
    for heading, members in topics.by_chapter().items()
}
page = st.navigation({"": [home], **chapters})
if not ui.starting_again():
    page.run()
ui.prepare_browser()
