"""Book index: every figure and listing of the book and where it is alive, and where the book errs."""

import inspect

import streamlit as st

from cnndemo import book_index, topics, ui, worker
from cnndemo.book_index import ENTRIES, Entry
from cnndemo.book_index.errata import ERRATA, Erratum, Finding, order
from cnndemo.book_index.questions import questions
from cnndemo.topics import CHAPTERS, TOPICS
from cnndemo.ui import state
from cnndemo.ui.frame import anchor

ALL = "All"
LABELS = {"wrong": ":red-badge[wrong]", "unclear": ":orange-badge[unclear]", "outdated": ":blue-badge[outdated]"}


@st.cache_resource(max_entries=128, show_spinner=False)
def finding(name: str) -> Finding:
    """The result of a check, computed once; those that ask Keras run where Keras runs."""
    erratum = next(erratum for erratum in ERRATA if erratum.check.__name__ == name)
    return worker.ask("cnndemo.book_index.errata:check", name) if erratum.keras else erratum.check()


def line(entry: Entry) -> str:
    """An entry with a link to the section that shows it, or "not yet"."""
    link = f"[{entry.topic.title} · {entry.section}](/{entry.stem}#{anchor(entry.section)})"
    return f"- **{entry.name}** (book {entry.book_section}): {entry.shows}. {link if entry.live else ':gray[Not yet.]'}"


def show_entries(entries: tuple[Entry, ...], narrowed: bool) -> None:
    """One list a chapter, open when the visitor has searched."""
    if not entries:
        st.info("Nothing has these words. Try fewer, or a number such as 2.11.", icon=":material/search_off:")
    for chapter, title in CHAPTERS.items():
        members = [entry for entry in entries if entry.chapter == chapter]
        if members:
            count = f"{sum(entry.live for entry in members)} of {len(members)} alive"
            with st.expander(f"**{chapter} · {title}** :gray[{count}]", expanded=narrowed or chapter == 1):
                st.markdown("\n".join(map(line, members)))


def show_erratum(erratum: Erratum, run: bool, expanded: bool) -> None:
    """What the book says, what is right, and what the check computed."""
    with st.expander(f"**{erratum.place}** {LABELS[erratum.kind]} {erratum.says}", expanded=expanded):
        topic = TOPICS[erratum.stem]
        see = f" See it on [{topic.title}](/{topic.stem})." if topic.built else ""
        st.markdown(f"**Right:** {erratum.right}{see}")
        if not run:
            st.caption("This check asks Keras. Switch it on above.")
            return
        found = finding(erratum.check.__name__)
        st.markdown("\n".join(f"- {name}: `{value}`" for name, value in found.computed.items()))
        st.markdown(":green-badge[:material/check: checked]" if found.confirmed else ":red-badge[not confirmed]")
        source = inspect.getsource(erratum.check)
        st.code(source[source.index("\ndef ") + 1 :], language="python", wrap_lines=True)


def calls(errata: list[Erratum]) -> str:
    """Code that runs the checks of errata."""
    places = [f"{erratum.check.__module__.rpartition('.')[2]}.{erratum.check.__name__}" for erratum in errata]
    modules = ", ".join(sorted({place.partition(".")[0] for place in places}))
    lines = [
        f"from cnndemo.book_index.errata import {modules}\n\nchecks = [",
        *(f"    {place}," for place in places),
        "]\nfindings = [check() for check in checks]",
        "for check, found in zip(checks, findings):\n    print(check.__name__, found)",
    ]
    return "\n".join(lines) if errata else ""


ui.page("book_index")
ui.section("Find it")
live = sum(entry.live for entry in ENTRIES)
st.markdown(f"**{live} of {len(ENTRIES)}** figures and listings of the book are alive in this gallery.")
with st.container(horizontal=True, vertical_alignment="bottom"):
    words = st.text_input("Search", **state.linked("q"), placeholder="2.11, kernel, triplet …", max_chars=60)
    kinds = [ALL, "figure", "listing"]
    kind = ui.one_of(st.segmented_control, "Show", kinds, ALL, "kind")
    only_live = st.toggle("Only what is alive", **state.linked("live"))
found = book_index.search(words or "", None if kind == ALL else kind, only_live)
show_entries(found, narrowed=bool(words))
ui.download("Table", lambda: book_index.to_csv(found), "book_index.csv", "text/csv")

ui.section("What the book does not have")
beyond = [topic for topic in topics.built() if not topic.book]
st.markdown("\n".join(f"- [{topic.title}](/{topic.stem}): {topic.question}" for topic in beyond))

ui.section("Where the book errs")
st.markdown(
    f"{len(ERRATA)} places, each with a check that runs here. *Wrong* contradicts itself or the facts, *unclear* "
    "invites a wrong reading, *outdated* was true when it was written."
)
with st.container(horizontal=True, vertical_alignment="bottom"):
    names = [ALL, *map(str, CHAPTERS)]
    chapter = ui.one_of(st.segmented_control, "Chapter", names, ALL, "chapter")
    keras = st.toggle("Run the checks that ask Keras too", **state.linked("keras"), help="They take some seconds.")
shown = [erratum for erratum in ERRATA if chapter in (ALL, str(int(order(erratum)[0])))]
with st.spinner("Checking …", show_time=True):
    for erratum in shown:
        show_erratum(erratum, run=keras or not erratum.keras, expanded=erratum is shown[0])

ui.code(
    [book_index.search],
    calls([each for each in shown if not each.keras] or [each for each in ERRATA if not each.keras]),
    calls([each for each in shown if each.keras and keras]),
    result="""
    import plotly.graph_objects as go

    columns = [[check.__name__ for check in checks], [found.confirmed for found in findings]]
    columns.append(["; ".join(f"{name}: {value}" for name, value in found.computed.items()) for found in findings])
    go.Figure(go.Table(header={"values": ["check", "the book errs", "computed"]}, cells={"values": columns}))
    """,
)
ui.check_yourself(questions(found, len(ENTRIES)))
