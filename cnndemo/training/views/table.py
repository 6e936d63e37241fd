"""The network of a run: one of four, or a table of layers to change."""

from __future__ import annotations

import streamlit as st

from cnndemo.errors import VisitorError
from cnndemo.models import layer_table
from cnndemo.models.layer_table import ACTIVATIONS, KINDS, NETWORKS, Row, line, parse
from cnndemo.ui.choices import one_of
from cnndemo.ui.session import state

MINE = "mine"
TITLES = {
    "small": "Small",
    "pooling": "Max-pooling",
    "dropout": "Dropout",
    "book": "The book’s",
    MINE: "My layers",
}
NETWORK, LAYERS = "t_network", "t_layers"
_FIELDS = ("kind", "units", "size", "stride", "activation", "share")


def pick_network(shape: tuple[int, int, int], classes: int) -> str:
    """The network of the run: a key of `NETWORKS`, or a table in one line.

    Args:
        shape, classes: of the data.

    Raises:
        VisitorError: the table cannot be read, or is of a network that cannot be; it can still be changed.
    """
    chosen = one_of(st.pills, "Network", TITLES, "small", NETWORK, wrap=True)
    with st.expander("Its layers, to change", icon=":material/table_rows:"):
        text = NETWORKS.get(chosen, "")
        if chosen == MINE:
            text = st.text_input(
                "All of them in one line", NETWORKS["small"], max_chars=400, **state.linked(LAYERS),
                help="For the link, and for those who like to type: conv 8 3 relu; pool 2; flatten; dense 32 relu",
            )  # fmt: skip
        rows = parse(text)  # unreadable: the sentence stands for the table
        problem = _table(rows, shape, classes)
        if problem:
            st.warning(problem, icon=":material/info:")
        _edit(rows)
    if problem:
        raise VisitorError(problem)
    return text if chosen == MINE else chosen


def _table(rows: tuple[Row, ...], shape: tuple[int, int, int], classes: int) -> str:
    """Shape and parameters of each layer; why the network cannot be, if so."""
    try:
        shapes = layer_table.plan(rows, shape, classes)
    except VisitorError as error:
        return str(error)
    words = [*map(str, rows), f"dense {classes} softmax"]
    lines = ["| layer | output | parameters |", "|:--|:--|--:|"]  # unlike a data frame it fits a narrow column
    for word, each in zip(words, shapes, strict=True):
        lines.append(f"| {word} | {'×'.join(map(str, each.output))} | {each.parameters:,} |")
    st.markdown("\n".join(lines))
    total = sum(each.parameters for each in shapes)
    work = sum(each.multiply_adds for each in shapes)
    st.caption(
        f"**{total:,}** parameters, {work:,} multiply-adds a picture. The last layer, a unit for each class, is always "
        "there."
    )
    return ""


def _edit(rows: tuple[Row, ...]) -> None:
    """The controls of one layer, and the buttons that move, remove and add."""
    count = len(rows)
    place = 0
    if count:
        place = st.pills(
            "Layer to change", range(count), default=0, required=True, wrap=True, **state.kept(f"t_place_{count}"),
            format_func=lambda number: f"{number + 1} {rows[number]}" if number < count else "",
        ) or 0  # fmt: skip
        _fields(rows, place)
    with st.container(horizontal=True, gap="small"):
        for name, icon, label, off in (
            ("up", "arrow_upward", "Earlier", place == 0),
            ("down", "arrow_downward", "Later", place >= count - 1),
            ("remove", "delete", "Remove", not count),
            ("add", "add", "Add after it", count >= layer_table.MOST_LAYERS),
        ):
            st.button(
                label, icon=f":material/{icon}:", key=state.key(f"t_{name}"), disabled=off, type="tertiary",
                on_click=_arrange, args=(rows, place, name),
            )  # fmt: skip


def _fields(rows: tuple[Row, ...], place: int) -> None:
    """What the chosen layer is told; the widgets follow the table, which may have been typed."""
    row = rows[place]
    for name in _FIELDS:
        state[f"row_{name}"] = getattr(row, name)
    more = {"on_change": _change, "args": (rows, place)}
    kinds = list(KINDS)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox("Kind", kinds, format_func=KINDS.get, key=state.key("row_kind"), width=180, **more)
        if row.kind in ("conv", "dense"):
            label = "Kernels" if row.kind == "conv" else "Units"
            st.number_input(label, 1, 1024, key=state.key("row_units"), width=120, **more)
        if row.kind in ("conv", "pool"):
            label = "Kernel side" if row.kind == "conv" else "Window side"
            st.number_input(label, 1, 28, key=state.key("row_size"), width=120, **more)
            st.number_input("Stride", 1, 28, key=state.key("row_stride"), width=120, **more)
        if row.kind in ("conv", "dense"):
            st.selectbox("Activation", ACTIVATIONS, key=state.key("row_activation"), width=130, **more)
        if row.kind == "drop":
            st.slider("Silenced", 0.0, 0.9, step=0.05, key=state.key("row_share"), width=200, **more)


def _change(rows: tuple[Row, ...], place: int) -> None:
    """Callback: the chosen layer is what the widgets say."""
    old = rows[place]
    told = {name: state.get(f"row_{name}", getattr(old, name)) for name in _FIELDS}
    if told["kind"] != old.kind:
        told = {"kind": told["kind"]} | ({"size": 2, "stride": 2} if told["kind"] == "pool" else {})
    _keep([*rows[:place], Row(**told), *rows[place + 1 :]], place)


def _arrange(rows: tuple[Row, ...], place: int, how: str) -> None:
    """Callback: a layer moves, goes, or gets another one behind it."""
    new = list(rows)
    if how == "add":
        flat = any(row.kind in ("flatten", "average") for row in new[: place + 1])
        place = min(place + 1, len(new))
        new.insert(place, Row("dense", 32) if flat else Row("conv", 16))
    elif how == "remove":
        new.pop(place)
        place = max(0, min(place, len(new) - 1))
    else:
        other = place + (1 if how == "down" else -1)
        new[place], new[other] = new[other], new[place]
        place = other
    _keep(new, place)


def _keep(rows: list[Row], place: int) -> None:
    state[LAYERS], state[NETWORK] = line(rows), MINE
    state[f"t_place_{len(rows)}"] = place
