"""The runs of a session on one chart, and what differs between them."""

from __future__ import annotations

import streamlit as st

from cnndemo.training import comparing
from cnndemo.training import figures as charts
from cnndemo.training.views import running
from cnndemo.training.views.lesson import use
from cnndemo.ui.choices import one_of
from cnndemo.ui.frame import section
from cnndemo.ui.panels import chart, table
from cnndemo.ui.session import state

FIGURES = {
    "val_loss": "Validation loss",
    "val_accuracy": "Validation accuracy",
    "loss": "Training loss",
    "accuracy": "Training accuracy",
}


def compare() -> None:
    """All runs of this session that have ended, up to six."""
    runs = running.runs()
    if not runs:
        return
    section("Your runs")
    if len(runs) == 1:
        st.caption("Train once more with one thing changed, and both are compared here.")
        return
    figure = one_of(st.segmented_control, "Figure", FIGURES, "val_loss", "c_figure", wrap=True)
    best = ", ".join(f"{run.name} {run.history[-1][figure]:.3g}" for run in runs)
    chart(charts.overlay(runs, figure), f"{FIGURES[figure]} of {len(runs)} runs, at their ends {best}", key="overlay")
    same = "" if comparing.differing(runs) else " They were told the same, so any difference is chance."
    st.caption(f"What differs between them, and how they went.{same} The last {comparing.MOST_RUNS} runs are kept.")
    table(comparing.table(runs))
    names = [run.name for run in runs]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        looked = running.shown()
        name = st.pills(
            "Look at a run", names, default=looked.name if looked and looked.name in names else names[-1],
            required=True, key=state.key(f"c_look_{len(names)}_{names[-1]}"), disabled=running.is_running(),
            on_change=_look, args=(f"c_look_{len(names)}_{names[-1]}",),
        )  # fmt: skip
        chosen = next((run for run in runs if run.name == name), runs[-1])
        st.button("Its settings", icon=":material/tune:", key=state.key("c_use"), on_click=use, args=(chosen.settings,),
                  type="tertiary", help="Puts the controls above to what this run was told.")  # fmt: skip


def _look(name: str) -> None:
    """Callback: the page shows the chosen run."""
    state["look_at"] = state[name]
