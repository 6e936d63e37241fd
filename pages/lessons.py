"""All lessons, where one left off, and what one answered."""

import streamlit as st

from cnndemo import topics, ui
from cnndemo.lessons import LANGUAGES, LESSONS, card_words, lesson_words
from cnndemo.ui import answers, lesson
from cnndemo.ui.frame import leave_old_navigation

leave_old_navigation()
ui.state.enter("lessons")


def change_language() -> None:
    st.session_state["lang"] = st.session_state["lessons.language"]
    st.query_params["lang"] = st.session_state["lang"]


def listed(chapters: bool) -> None:
    """Cards of the lessons of chapters, or of those across them."""
    with st.grid(3, min_column_width=250):
        for name, plan in LESSONS.items():
            if bool(plan.chapter) != chapters:
                continue
            texts, at = lesson_words(name, language), lesson.left_off(name)
            place = words["across"]
            if chapters:
                place = f"{words['chapter'].format(number=plan.chapter)} · {topics.CHAPTERS[plan.chapter]}"
            with st.container(border=True, height="stretch"):
                st.caption(place)
                st.markdown(f"**{texts.title}**")
                st.markdown(texts.whom)
                st.caption(words["minutes"].format(minutes=plan.minutes, steps=len(plan.steps)))
                label = words["start"] if at == 1 else words["go_on"].format(number=at)
                st.button(
                    label, key=f"lessons.{name}", icon=":material/play_arrow:",
                    on_click=lesson.begin, args=(name, at),
                )  # fmt: skip


language = lesson.language()
words = card_words(language)
with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
    st.title(words["lessons"], anchor=False, width="content")
    st.segmented_control(
        "Language · Sprache", list(LANGUAGES), default=language, format_func=LANGUAGES.get, required=True,
        key="lessons.language", on_change=change_language, label_visibility="collapsed",
    )  # fmt: skip
st.markdown(words["intro"])
listed(chapters=False)
listed(chapters=True)

st.header(words["yours"], anchor="yours", divider="gray")
given = answers.given()
if given:
    st.caption(words["yours_words"])
    heads = [words[name] for name in ("where", "question", "answer", "right_answer", "reason")]
    st.dataframe([dict(zip(heads, row.values(), strict=True)) for row in given], hide_index=True)
    with st.container(horizontal=True):
        ui.download(words["csv"], answers.as_csv(given, heads), "answers.csv", "text/csv")
        page = answers.as_page(given, heads, words["yours"], words["name_line"], language)
        ui.download(words["page"], page, "answers.html", "text/html")
else:
    st.caption(words["none_yet"])

st.header(words["sheet"], anchor="sheets", divider="gray")
st.markdown(words["sheet_words"])
