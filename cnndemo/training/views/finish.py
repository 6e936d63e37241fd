"""What came of a run: what it mixes up, whether its percentages can be believed, the network elsewhere and at home."""

from __future__ import annotations

import hashlib
import io

import numpy as np
import streamlit as st

from cnndemo import calibration, chain, training
from cnndemo.figures.confusion import confusion
from cnndemo.training import evaluation, take_home
from cnndemo.training import figures as charts
from cnndemo.training.run import Run
from cnndemo.training.views import running
from cnndemo.ui import own_network
from cnndemo.ui.frame import guard, plain, section
from cnndemo.ui.panels import chart, download
from cnndemo.ui.pictures import show
from cnndemo.ui.session import state

MOST_SHOWN = 24
PAIRS = 8  # of classes that are mixed up most, to choose without a mouse


@st.cache_data(max_entries=12, show_spinner="The network reads what it has never seen …")
def _report(digest: str, data: str, _network: bytes, _run: Run) -> training.Report:
    """How a network does on what it has never seen; cached by its bytes and the name of the data."""
    return training.report(chain.read(_network).predictor(), _run.own, data)


def results() -> None:
    """The section about the run that is looked at, once it has ended."""
    run = running.shown()
    if run is None or running.is_running() or not run.history:
        return
    section("What came of it")
    network = running.network(run)
    if network is None:
        st.caption(f"The network of {run.name} had to make room for later ones; its curves are still here.")
        return
    with guard():
        report = _report(hashlib.sha256(network).hexdigest(), run.settings.data, network, run)
        _figures(run, report)
        left, right = st.columns(2, gap="large")
        with left:
            _mixed_up(run, report)
        with right:
            _calibration(report)
        _worst(run, report)
    _onwards(run, network)


def _figures(run: Run, report: training.Report) -> None:
    wrong = int((report.answers != report.truth).sum())
    with st.container(horizontal=True):
        st.metric("Right on the test digits" if not run.own else "Right on what was held out", f"{report.accuracy:.1%}",
                  border=True, width="content")  # fmt: skip
        st.metric("Mistakes", f"{wrong} of {len(report.truth)}", border=True, width="content")
        st.metric("Best epoch", f"{run.best} of {len(run.history)}", border=True, width="content")
    if report.validated:
        st.caption("So few pictures were brought that the same ones choose the best epoch and judge it: it flatters.")
    else:
        st.caption(f"Neither learning nor the choice of the best epoch has seen these {len(report.truth)}.")


def _mixed_up(run: Run, report: training.Report) -> None:
    """The confusion matrix; a cell, or a pair chosen below it, shows its pictures."""
    st.markdown("**What it mixes up**")
    matrix = report.matrix
    selection = chart(
        confusion(matrix, report.classes, 28),
        "; ".join(f"{name}: {matrix[i, i]} of {matrix[i].sum()} right" for i, name in enumerate(report.classes)),
        key=f"confusion_{run.name}", on_select="rerun", selection_mode="points",
    )  # fmt: skip
    points = selection.selection.points if selection else []
    off = matrix - np.diag(np.diag(matrix))
    pairs = [divmod(int(place), len(matrix)) for place in np.argsort(-off, axis=None)[:PAIRS] if off.flat[place]]
    names = [plain(name, 14) for name in report.classes]
    chosen = None
    if pairs:
        chosen = st.pills(
            "Click a cell, or choose what was mixed up most", pairs, wrap=True, **state.kept(f"pair_{run.name}"),
            format_func=lambda pair: f"{names[pair[0]]} read as {names[pair[1]]} ({off[pair]})",
        )  # fmt: skip
    cell = (int(points[0]["y"]), int(points[0]["x"])) if points else chosen
    if cell is None:
        return
    rows = report.cell(*cell)
    st.caption(f"{len(rows)} × {names[cell[0]]} answered {names[cell[1]]}, the surest first:")
    _pictures(report, rows[:MOST_SHOWN])


def _pictures(report: training.Report, rows: np.ndarray) -> None:
    with st.container(horizontal=True, gap="small"):
        for row in rows:
            answer, truth = report.answers[row], report.truth[row]
            name, right = plain(report.classes[answer], 12), plain(report.classes[truth], 12)
            sure = report.probabilities[row, answer]
            show(report.pictures[row], f"{name} {sure:.0%}", f"a {right}, read as {name}, {sure:.0%} sure", width=56)


def _worst(run: Run, report: training.Report) -> None:
    rows = report.worst()
    if len(rows):
        st.markdown("**Its worst mistakes**: wrong, and surest of it")
        _pictures(report, rows)
    else:
        st.caption("It makes no mistake here.")


def _calibration(report: training.Report) -> None:
    """The reliability diagram, and the temperature that mends it."""
    st.markdown("**Can its percentages be believed?**")
    cooled = evaluation.warmed(report.probabilities, report.temperature)
    before, after = (calibration.diagram(each, report.truth) for each in (report.probabilities, cooled))
    chart(
        charts.reliability(before, after),
        f"on average its sureness and its share right are {before.error:.1%} apart; with temperature {after.error:.1%}",
        key="reliability",
    )
    if report.temperature > 0.99 * evaluation.HOTTEST:
        st.caption("It guesses: the best it could say is the same percentage for every class.")
        return
    word = "too sure" if report.temperature > 1 else "not sure enough"
    losses = [calibration.cross_entropy(each, report.truth) for each in (report.probabilities, cooled)]
    st.caption(
        f"It is {word}: scores divided by a **temperature of {report.temperature:.2f}**, found on the validation "
        f"digits, change the test loss from {losses[0]:.4f} to {losses[1]:.4f} and no answer. Distance to the diagonal "
        f"{before.error:.1%} → {after.error:.1%} (expected calibration error; Guo et al. 2017)."
    )


def _onwards(run: Run, network: bytes) -> None:
    """Use the network on other pages; take it home."""
    best = run.history[run.best - 1]["val_accuracy"]
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Use this network**")
        current = own_network.in_use()
        if run.own is not None and run.own.shape[2] != 1:
            st.caption("It has learned classes of yours, not digits, so the pages about digits cannot use it.")
        elif current is not None and current.file == network:
            st.success("It reads on the pages about digits, in this session.", icon=":material/check:")
            st.button(
                "Back to the shipped network", icon=":material/undo:", key=state.key("unuse"),
                on_click=own_network.let_go,
            )  # fmt: skip
            with st.container(horizontal=True):
                st.page_link("pages/digit_classifier.py", label="Draw a digit for it", icon=":material/draw:")
                st.page_link("pages/activation_maps.py", label="See its maps", icon=":material/visibility:")
        else:
            st.caption("The digit classifier and the activation maps can run it instead of the shipped one.")
            st.button(
                "Use it for digits", icon=":material/model_training:", key=state.key("use"),
                on_click=own_network.adopt, args=(run.name, f"{best:.1%} right in validation", network),
            )  # fmt: skip
    with right:
        st.markdown("**Take it home**")
        with st.container(horizontal=True, gap="small"):
            download("Network (.keras)", lambda: network, "digits.keras", "application/zip")
            download(
                "ONNX", lambda: chain.read(network).onnx(switches=False), "digits.onnx", "application/octet-stream"
            )
            download("History (CSV)", lambda: take_home.history(run), "history.csv", "text/csv")
            download("Script", lambda: take_home.script(run), "my_training.py", "text/x-python")
            download("Notebook", lambda: take_home.notebook(run), "my_training.ipynb", "application/x-ipynb+json")
            if run.log:
                download("TensorBoard's log", run.log, "tensorboard.zip", "application/zip")
            if run.own is not None:
                download("Examples (.npz)", lambda: _examples(run), "mine.npz", "application/octet-stream")
        st.caption(
            "The script repeats the run in the gallery's folder. The notebook needs only Keras and trains with Keras' "
            "own `fit`, so its figures differ a little. Both look at what they have made."
        )


def _examples(run: Run) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **run.own.arrays())
    return buffer.getvalue()
