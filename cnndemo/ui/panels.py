"""The panels at the foot of every page: code, check yourself, model card; and charts and downloads."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from types import CodeType
from typing import Any

import streamlit as st
from plotly.graph_objects import Figure

from cnndemo import figures, topics, weights
from cnndemo.errors import VisitorError
from cnndemo.figures.plain import still
from cnndemo.lessons import card_words
from cnndemo.notebook import Recipe, make, symbol
from cnndemo.questions import Question, Said
from cnndemo.ui.answers import remember
from cnndemo.ui.browser import calm
from cnndemo.ui.frame import section
from cnndemo.ui.lesson import language
from cnndemo.ui.pictures import Picture
from cnndemo.ui.session import state

NOT_RECORDED = "not recorded"  # cards of older trainings lack what newer ones tell
CHART_CONFIG = {"displayModeBar": False, "scrollZoom": False, "doubleClick": "reset"}
# Buttons and not the wheel: that must go on scrolling the page.
ZOOMS = {
    "displayModeBar": True,
    "displaylogo": False,
    "modeBarButtons": [["zoomIn2d", "zoomOut2d", "pan2d", "resetScale2d"]],
}


def chart(
    figure, alt: str, key: str | None = None, on_select: Any = "ignore", zooms: bool = False, **options: Any
):  # fmt: skip
    """A Plotly figure in the gallery's look. Returns the selection when `on_select` is not "ignore".

    Args:
        figure: from `cnndemo.figures`.
        alt: what the chart says, for those who cannot see it.
        zooms: whether buttons to zoom, drag and go back are shown over it.
        key, on_select, options: as for `st.plotly_chart`.
    """
    config = CHART_CONFIG | ZOOMS if zooms else CHART_CONFIG
    figure = still(figure) if calm() else figure
    return st.plotly_chart(figure, key=key and state.key(key), on_select=on_select, alt=alt, config=config, **options)


def table(rows: Sequence[dict[str, Any]], **options: Any):
    """Rows as a table in which whole numbers have separators; `options` as for `st.dataframe`, and its result."""
    whole = {name for row in rows for name, value in row.items() if type(value) is int}
    if "key" in options:
        options["key"] = state.key(options["key"])
    formats = {name: st.column_config.NumberColumn(format="localized") for name in whole}
    return st.dataframe(rows, hide_index=True, column_config=formats, **options)


def download(label: str, data: Any, file_name: str, mime: str, key: str | None = None) -> None:
    """A download button that does not run the page again; `data` may be a function, called on the click."""
    st.download_button(
        label,
        data,
        file_name,
        mime,
        key=state.key(key or f"download_{file_name}"),
        on_click="ignore",
        icon=":material/download:",
    )


def code(
    functions: Sequence[Callable | type],
    snippet: str,
    keras: str = "",
    result: str = "",
    networks: Sequence[str] = (),
    pictures: Sequence[Picture] = (),
    instead: str = 'images.sample("cat")',
    alone: Mapping[str, str] | None = None,
) -> None:
    """The Code section: a runnable snippet with the current settings, a notebook of it, and the functions that ran.

    Args:
        functions: functions or classes of the package; their source is read, not copied.
        snippet: Python that reproduces what is on the screen in a notebook.
        keras: what follows it where Keras is installed.
        result: Python that shows, in the notebook alone, what the snippet has made: its last line is a picture.
        networks: whose weights the snippet asks; see `cnndemo.notebook.files.of_networks`.
        alone: `code`, `result` and `keras` of the notebook, where the snippet needs the repository itself.
        pictures: those whose `code` stands in the snippet.
        instead: code of the sample that stands in the notebook for a picture of the visitor's.
    """
    section("Code")
    st.caption("Runs in a notebook next to the repository, with the settings you see above.")
    code, more, result = (inspect.cleandoc(text) for text in (snippet, keras, result))
    st.code(f"{code}\n\n{more}".rstrip(), language="python", wrap_lines=True)  # keys cannot scroll it
    recipe = Recipe(
        state.stem, code, result, more,
        [symbol(inspect.unwrap(each)) for each in functions], networks,
        own={picture.code: picture.image for picture in pictures if picture.own}, instead=instead,
    )  # fmt: skip
    notebook(replace(recipe, **(alone or {})))
    many = f"The {len(functions)} functions that ran" if len(functions) > 1 else "The function that ran"
    with st.expander(many, icon=":material/code:"):
        for function in functions:
            st.markdown(f"`{function.__module__}.{function.__qualname__}`")
            st.code(source(function), language="python", line_numbers=True, wrap_lines=True)


def source(function: Callable | type) -> str:
    """The source of a function or class as it stands in its file, without what wraps it."""
    function = inspect.unwrap(function)
    return _source(getattr(function, "__code__", function))


@lru_cache(maxsize=256)
def _source(compiled: CodeType | type) -> str:  # a function of a page is another one in each run, its code is not
    return inspect.getsource(compiled)


@st.fragment
def notebook(recipe: Recipe) -> None:
    """A button that makes the notebook of a recipe when it is clicked, and whether the visitor's picture is in it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        with_own = bool(recipe.own) and st.checkbox(
            "With my picture inside",
            key=state.key("notebook_own"),
            help="Off, a sample stands in for it. On, whoever gets the file sees your picture.",
        )
        chosen = replace(recipe, with_own=with_own)
        download(
            "Notebook of this page", lambda: make(chosen), chosen.name,
            "application/zip" if chosen.beside else "application/x-ipynb+json", key="notebook",
        )  # fmt: skip
        beside = sum(file.stat().st_size for file in chosen.beside.values())
        size = f" The weights lie beside it, in a ZIP archive of {beside / 1e6:.0f} MB." if beside else ""
        st.caption(f"For Jupyter and Colab, without the gallery: functions, settings and picture are inside.{size}")


def check_yourself(questions: Sequence[Question]) -> None:
    """The Check yourself section; a question that changes with the page's state starts unanswered again."""
    section("Check yourself", shown=card_words(language())["check"])
    for number, question in enumerate(questions, start=1):
        _ask(question.said(language()), f"question_{number}")


@st.fragment
def _ask(question: Said, name: str) -> None:
    words = card_words(language())
    asked = (question.prompt, question.options, question.answer)
    if state.get(f"{name}_asked", asked) != asked:
        state[name] = None
    state[f"{name}_asked"] = asked
    choice = st.radio(question.prompt, list(question.options), index=None, **state.kept(name))
    if choice is None:
        return
    topic = topics.TOPICS.get(state.stem)
    remember(topic.title if topic else state.stem, question.prompt, choice, question.answer, question.why)
    if choice == question.answer:
        st.success(f"**{words['right']}** {question.why}", icon=":material/check:")
    else:
        st.warning(f"{words['wrong']} **{question.answer}**. {question.why}", icon=":material/close:")


def model_card(*names: str) -> None:
    """The Model card section: what was trained on what, by which command, and how good it is, from the cards."""
    section("Model card")
    if len(names) == 1:
        _card(names[0])
        return
    for tab, name in zip(st.tabs([name.replace("_", " ") for name in names]), names, strict=True):
        with tab:
            _card(name)


def _card(name: str) -> None:
    try:
        about = weights.card(name)
    except VisitorError as error:
        st.warning(str(error), icon=":material/info:")
        return
    notes = list(dict.fromkeys(metric["note"] for metric in about["metrics"] if metric.get("note")))
    rows = [
        {
            "figure": metric["name"],
            "value": metric["value"],
            "95 % interval": " – ".join(f"{end:.4g}" for end in metric.get("interval") or []),
            "samples": metric.get("samples"),
            "split": metric.get("split", ""),
            "note": str(notes.index(metric["note"]) + 1) if metric.get("note") else "",
        }
        for metric in about["metrics"]
    ]
    if rows:
        keep = [column for column in rows[0] if any(row[column] not in ("", None) for row in rows)]
        st.dataframe([{column: row[column] for column in keep} for row in rows], hide_index=True)
    for number, note in enumerate(notes, start=1):
        # Below the table, since a column of long sentences would be cut off.
        st.caption(f"Note {number}: {note}.")
    with st.expander("Data, licence, training, command", icon=":material/receipt_long:"):
        left, right = st.columns(2, gap="large")
        with left:
            st.markdown("\n".join(f"- **{label}:** {value}" for label, value in _facts(about)))
        with right:
            st.caption("Made by")
            st.code("\n".join(weights.commands(about)), language="bash", wrap_lines=True)
            _curves(name)
        remarks = about.get("notes", ())
        if remarks:
            st.caption(remarks if isinstance(remarks, str) else " ".join(remarks))


def _facts(about: dict[str, Any]) -> list[tuple[str, str]]:
    """The facts of a card as (label, words), leaving out what it does not say, but for commit and versions."""
    data, source = about.get("data") or {}, about.get("source") or {}
    splits = ", ".join(f"{count:,} {split}" for split, count in (data.get("splits") or {}).items())
    speed, stages = about.get("speed"), weights.stages(about)
    training = f"{about['epochs']} epochs, {about.get('seconds', 0) / 60:.1f} min" if about.get("epochs") else None
    if training and any(stage.get("resumed") for stage in stages):
        training += ", interrupted and resumed from a checkpoint"
    facts = [
        ("Data", ". ".join(filter(None, (data.get("name"), data.get("source"))))),
        ("Splits", splits),
        ("Licence of the data", data.get("licence")),
        ("Weights from", " ".join(str(value) for key, value in source.items() if key != "licence")),
        ("Licence of the weights", source.get("licence")),
        ("Parameters", f"{about['parameters']:,}" if "parameters" in about else None),
        ("File", f"{about['bytes'] / 1e6:.1f} MB, {about['dtype']}, sha256 {about['sha256'][:12]}…"),
        ("Training", training),
        ("Hardware", ", then ".join(dict.fromkeys(filter(None, (stage.get("hardware") for stage in stages))))),
        ("Scripts", ", then ".join(dict.fromkeys(map(_commit, stages)))),
        ("Versions", ", ".join(" ".join(each) for each in about.get("versions", {}).items()) or NOT_RECORDED),
        ("Speed", f"{speed['milliseconds']} ms: {speed['what']}, {speed['hardware']}" if speed else None),
        ("Seed", str(about["seed"]) if about.get("epochs") else None),
        ("Made on", about.get("date")),
    ]
    return [(label, value) for label, value in facts if value]


def _commit(stage: Mapping[str, Any]) -> str:
    """With which state of the scripts a stage was trained."""
    commit = stage.get("commit", "")
    return f"commit {commit[:12]}" + ", changed" * commit.endswith("+") if commit else f"commit {NOT_RECORDED}"


def _curves(name: str) -> None:
    """Loss and accuracy over the epochs, where the card has a history beside it."""
    epochs, figure = _history(name, weights.card(name)["sha256"])
    if epochs > 1:
        chart(figure, alt=f"Loss over {epochs} epochs of training", key=f"history_{name}")


@st.cache_resource(max_entries=32, show_spinner=False)
def _history(name: str, fingerprint: str) -> tuple[int, Figure]:
    """Number of epochs, and their curves; the same for everybody, and on most pages."""
    rows = weights.history(name)
    return len(rows), figures.history(rows)
