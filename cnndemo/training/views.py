"""The training page's parts: settings, the run with its progress, and the callbacks applied to its curves."""

from __future__ import annotations

import csv
import io
import math
from contextlib import closing
from dataclasses import asdict

import numpy as np
import streamlit as st

from cnndemo import training, weights
from cnndemo.training import figures as charts
from cnndemo.training.run import NETWORKS, OPTIMIZERS, PRESETS, Run, Settings
from cnndemo.ui.choices import one_of
from cnndemo.ui.frame import guard, try_it
from cnndemo.ui.panels import Question, chart, download
from cnndemo.ui.pictures import show

RUN = "_training"  # the visitor's last run, in this session's memory
RATES = ["1e-05", "1e-04", "3e-04", "0.001", "0.003", "0.01", "0.03", "0.1", "0.3"]
SIZES = [1, 4, 16, 32, 64, 128, 256]
LINKED = {"bind": "query-params"}


def _use(preset: str) -> None:
    """Put the controls to a preset."""
    chosen = asdict(PRESETS[preset])
    chosen |= {"rate": min(RATES, key=lambda rate: abs(math.log(float(rate) / chosen["rate"])))}
    chosen |= {"wrong": round(100 * chosen["wrong"])}
    st.session_state.update({f"t_{name}": value for name, value in chosen.items() if name != "seed"})


def choose() -> Settings:
    """The input column: presets and controls."""
    with st.container(horizontal=True):
        for name in PRESETS:
            st.button(name, on_click=_use, args=(name,), key=f"preset_{name}", type="tertiary")
    start = Settings()
    network = one_of(st.segmented_control, "Network", list(NETWORKS), start.network, "t_network")
    digits = st.slider("Digits to learn from", 10, training.MOST, start.digits, 10, key="t_digits", **LINKED)
    epochs = st.slider("Epochs", 1, 30, start.epochs, key="t_epochs", **LINKED)
    size = st.select_slider("Batch size", SIZES, start.batch_size, key="t_batch_size", **LINKED)
    rate = st.select_slider("Learning rate", RATES, "0.001", key="t_rate", **LINKED)
    with st.expander("More", icon=":material/tune:"):
        name = one_of(st.segmented_control, "Optimizer", OPTIMIZERS, start.optimizer, "t_optimizer")
        wrong = st.slider("Labels that are wrong", 0, 90, 0, 5, key="t_wrong", format="%d %%", **LINKED)
        reduce = st.toggle("Reduce the rate on a plateau", start.reduce, key="t_reduce", **LINKED)
        factor = st.slider("… by the factor", 0.1, 0.9, start.factor, 0.1, key="t_factor", **LINKED)
        patience = st.slider("… after epochs without progress", 1, 10, start.patience, key="t_patience", **LINKED)
    return Settings(
        network, digits, wrong / 100, name, float(rate), size, epochs, reduce,
        factor, patience,
    )  # fmt: skip


def lesson() -> Settings:
    """Settings left; right the run, live, or the last one, or how the shipped network was trained.

    Not a fragment: a click in a fragment would wait for the training instead of stopping it.
    """
    left, right = try_it()
    with left:
        settings = choose()
        st.caption(
            f"{settings.updates:,} updates an epoch: {settings.digits:,} digits in batches of {settings.batch_size}."
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            begin = st.button("Train", type="primary", icon=":material/play_arrow:", key="train")
            stop = st.empty()
    with right:
        bar, place = st.empty(), st.empty()
        if begin:
            with guard():
                _watch(settings, bar, place, stop)
            bar.empty()
            stop.empty()
        run = st.session_state.get(RUN)
        with place.container():
            _show(run) if run and run.history else _shipped()
        if run and run.history:
            with st.container(horizontal=True):
                download("History (CSV)", _table(run), "history.csv", "text/csv")
                if run.model:
                    download("Best model (.keras)", run.model, "digits.keras", "application/zip")
    return settings


def _watch(settings: Settings, bar, place, stop) -> None:
    """Trains and draws; a click on Stop, or on anything else, ends it and keeps what there is."""
    stop.button("Stop", icon=":material/stop:", key="stop_training")
    done, words, epochs = 0.0, "A process of its own loads Keras …", 0
    bar.progress(done, words)
    with closing(training.train(settings, waiting=lambda: bar.progress(done, words))) as steps:
        for run in steps:
            st.session_state[RUN] = run
            epoch, batch = (
                (run.epoch, run.batch) if run.epoch > len(run.history) else (len(run.history), settings.updates)
            )
            done = min(1.0, (epoch - 1 + batch / settings.updates) / settings.epochs) if epoch else 0.0
            words = f"Epoch {epoch} of {settings.epochs}, batch {batch:,} of {settings.updates:,}, loss {run.loss:.3g}"
            bar.progress(done, words)
            if len(run.history) > epochs:
                epochs = len(run.history)
                with place.container():
                    _show(run, f"_{epochs}")


def _show(run: Run, suffix: str = "") -> None:
    """Curves, the ten digits and the sentence."""
    last = run.history[-1]
    _curves(run.history, run.settings.epochs, suffix)
    if run.answers is not None:
        right = int((run.answers.argmax(axis=1) == np.arange(10)).sum())
        show(
            training.answer_sheet(run.answers),
            f"Ten digits it has not learned from, and what it says after epoch {len(run.history)}.",
            alt=f"ten digits with the network's answers, {right} of them right",
        )
    chart(
        charts.rates([row["learning_rate"] for row in run.history]), "The learning rate of each epoch", f"rates{suffix}"
    )
    st.markdown(verdict(run))
    st.caption(
        f"{len(run.history)} of {run.settings.epochs} epochs in {sum(row['seconds'] for row in run.history):.0f} s; "
        f"{last['val_accuracy']:.1%} of {training.VALIDATION:,} held-out digits right."
    )


def _curves(rows: list[dict[str, float]], epochs: int, suffix: str = "") -> None:
    for name, column in zip(("loss", "accuracy"), st.columns(2), strict=True):
        with column:
            last = rows[-1]
            alt = f"{name} after {len(rows)} epochs: training {last[name]:.3g}, validation {last[f'val_{name}']:.3g}"
            chart(charts.curve(rows, name, epochs), alt, key=f"{name}{suffix}")


def _shipped() -> None:
    """Something to see before the first click: the log of the network that the gallery ships."""
    rows = weights.history("digit_classifier")
    if not rows:
        st.info("Press Train to see the curves.", icon=":material/info:")
        return
    _curves(rows, len(rows), "_shipped")
    with guard():
        card = weights.card("digit_classifier")
        st.caption(
            f"How the gallery's own digit network was trained: {card['epochs']} epochs on "
            f"{card['data']['splits']['training']:,} digits, {card['seconds'] / 60:.0f} min on one {card['hardware']}. "
            "Its training digits are distorted, so they are harder than those of validation. Press **Train** for yours."
        )


def verdict(run: Run) -> str:
    """What the curves say, in a sentence with their numbers."""
    last, held = run.history[-1], [row["val_loss"] for row in run.history]
    best = int(np.argmin(held)) + 1
    if not last["loss"] < 100 or last["val_accuracy"] < 0.2 and len(held) > 1 and last["loss"] > 2:
        return (
            "**It does not learn.** A rate that is too high throws the weights about; one that is too low hardly moves "
            "them. Guessing is right one time in ten."
        )
    gap = last["accuracy"] - last["val_accuracy"]
    if gap > 0.08 and best < len(held):
        return (
            f"**Overfitting.** {last['accuracy']:.0%} of its own digits are right, {last['val_accuracy']:.0%} of new "
            f"ones. After epoch {best} the validation loss was never as low again: there one would have stopped."
        )
    if run.history[0]["val_loss"] - held[-1] > 0 and best == len(held):
        return "**Still learning.** The last epoch is the best so far; more of them may help."
    return f"**Settled.** The validation loss was lowest after epoch {best}: {min(held):.3f}."


def _table(run: Run) -> str:
    """The history as CSVLogger would write it."""
    buffer = io.StringIO()
    columns = ["epoch", *run.history[0]]
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({"epoch": number, **row} for number, row in enumerate(run.history))
    return buffer.getvalue()


def history() -> tuple[list[dict[str, float]], str]:
    """The curves that callbacks can be tried on, and whose they are."""
    run = st.session_state.get(RUN)
    if run and len(run.history) > 1:
        return run.history, "your run"
    return weights.history("digit_classifier"), "the shipped network's training"


@st.fragment
def callbacks() -> None:
    """What the callbacks of listings 2.4 and 2.5 would do along a validation loss, without training again."""
    rows, whose = history()
    losses = [row["val_loss"] for row in rows if "val_loss" in row]
    if not losses:
        return
    st.caption(f"On the validation loss of {whose}, {len(losses)} epochs.")
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.markdown("**ReduceLROnPlateau**, listing 2.5")
        factor = st.slider("Factor", 0.1, 0.9, 0.2, 0.1, key="factor", **LINKED)
        patience = st.slider("Patience, epochs", 1, 10, 2, key="patience", **LINKED)
        least = st.select_slider("Lowest rate", ["1e-06", "1e-05", "1e-04"], "1e-06", key="least", **LINKED)
    with right:
        steps = training.plateau(losses, 1e-3, factor, patience, float(least))
        chart(charts.rates(steps, 230), f"The rate falls from {steps[0]:.1g} to {steps[-1]:.1g}", key="plateau")
        falls = sum(b < a for a, b in zip(steps, steps[1:], strict=False))
        st.caption(f"Lowered {falls} times. What the loss would then have done, only a new run can tell.")
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.markdown("**ModelCheckpoint**, listing 2.4, and **EarlyStopping**")
        only = st.toggle("Save the best only", key="best", **LINKED)
        wait = st.slider("Stop after epochs without progress", 1, 20, 5, key="wait", **LINKED)
    with right:
        end = training.early_stop(losses, wait)
        files = training.checkpoints(losses[:end], only)
        st.code("\n".join(files if len(files) <= 6 else [*files[:3], f"… {len(files) - 5} more …", *files[-2:]]), None)
        st.caption(
            f"{len(files)} files in {end} of {len(losses)} epochs"
            + ("." if end == len(losses) else f"; EarlyStopping would have saved {len(losses) - end} epochs.")
        )


@st.fragment
def loss_and_accuracy() -> None:
    """Why one descends the loss and not the accuracy (listing 2.3)."""
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.markdown(
            "Accuracy counts: right or wrong. Nudge a weight, and it stays where it is, until it jumps; a flat line "
            "has no slope to follow. **Cross-entropy**, −ln p of the right class, moves with every nudge, and "
            "punishes those who are wrong and sure of it."
        )
        probability = st.slider("Probability of the right class", 0.01, 0.99, 0.6, 0.01, key="p", **LINKED)
        st.metric("Cross-entropy", f"{-math.log(probability):.3f}", width="content")
        st.caption(f"Its slope here is {-1 / probability:.2f}; that of the accuracy is 0.")
    with right:
        alt = f"Loss falls smoothly with the probability, accuracy jumps at one half; at {probability:g} the loss is "
        chart(charts.proxy(probability), alt + f"{-math.log(probability):.3f}", key="proxy")


def questions(settings: Settings) -> list[Question]:
    """How many updates the run makes, and which epoch's weights are kept."""
    total = settings.updates * settings.epochs
    found = [
        Question(
            f"{settings.digits:,} digits, batches of {settings.batch_size}, {settings.epochs} epochs: how often are "
            "the weights updated?",
            [f"{number:,}" for number in sorted({total, settings.epochs, settings.digits * settings.epochs})],
            f"{total:,}",
            f"An epoch is one pass over all digits: ⌈{settings.digits:,} / {settings.batch_size}⌉ = "
            f"{settings.updates:,} updates. The book says an epoch is one batch.",
        )
    ]
    rows, whose = history()
    if rows:
        held = [row["val_loss"] for row in rows]
        best = held.index(min(held)) + 1
        found.append(
            Question(
                f"Look at the loss of {whose}. Which epoch's weights would ModelCheckpoint keep as the best?",
                [f"epoch {number}" for number in sorted({best, len(rows), (best + 1) // 2})],
                f"epoch {best}",
                f"Its validation loss, {min(held):.4f}, is the lowest. The last epoch has {held[-1]:.4f}.",
            )
        )
    return found
