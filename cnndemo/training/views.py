"""The training page's parts: settings, the run with its progress, and the callbacks applied to its curves."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import asdict

import numpy as np
import streamlit as st

from cnndemo import training, weights
from cnndemo.jobs import Job
from cnndemo.training import figures as charts
from cnndemo.training.run import NETWORKS, OPTIMIZERS, PRESETS, Run, Settings
from cnndemo.ui.choices import main_button, one_of
from cnndemo.ui.frame import guard, try_it
from cnndemo.ui.panels import Question, chart, download
from cnndemo.ui.pictures import show
from cnndemo.ui.session import state
from cnndemo.ui.watch import in_line, watch

JOB, RUN = "job", "run"  # the visitor's training, and the run before it, in this session's memory
RATES = ["1e-05", "1e-04", "3e-04", "0.001", "0.003", "0.01", "0.03", "0.1", "0.3"]
SIZES = [1, 4, 16, 32, 64, 128, 256]


def _use(preset: str) -> None:
    """Put the controls to a preset."""
    chosen = asdict(PRESETS[preset])
    chosen |= {"rate": min(RATES, key=lambda rate: abs(math.log(float(rate) / chosen["rate"])))}
    chosen |= {"wrong": round(100 * chosen["wrong"])}
    state.update({f"t_{name}": value for name, value in chosen.items() if name != "seed"})


def choose() -> Settings:
    """The input column: presets and controls."""
    with st.container(horizontal=True):
        for name in PRESETS:
            st.button(name, on_click=_use, args=(name,), key=state.key(f"preset_{name}"), type="tertiary")
    start = Settings()
    network = one_of(st.segmented_control, "Network", list(NETWORKS), start.network, "t_network")
    digits = st.slider("Digits to learn from", 10, training.MOST, start.digits, 10, **state.linked("t_digits"))
    epochs = st.slider("Epochs", 1, 30, start.epochs, **state.linked("t_epochs"))
    size = st.select_slider("Batch size", SIZES, start.batch_size, **state.linked("t_batch_size"))
    rate = st.select_slider("Learning rate", RATES, "0.001", **state.linked("t_rate"))
    with st.expander("More", icon=":material/tune:"):
        name = one_of(st.segmented_control, "Optimizer", OPTIMIZERS, start.optimizer, "t_optimizer")
        wrong = st.slider("Labels that are wrong", 0, 90, 0, 5, **state.linked("t_wrong"), format="%d %%")
        reduce = st.toggle("Reduce the rate on a plateau", start.reduce, **state.linked("t_reduce"))
        factor = st.slider("… by the factor", 0.1, 0.9, start.factor, 0.1, **state.linked("t_factor"))
        patience = st.slider("… after epochs without progress", 1, 10, start.patience, **state.linked("t_patience"))
    return Settings(
        network, digits, wrong / 100, name, float(rate), size, epochs, reduce,
        factor, patience,
    )  # fmt: skip


def lesson() -> Settings:
    """Settings left; right the run, live, or the last one, or how the shipped network was trained."""
    left, right = try_it()
    job: Job[Run] | None = state.get(JOB)
    running = job is not None and job.running
    with left:
        settings = choose()
        st.caption(
            f"{settings.updates:,} updates an epoch: {settings.digits:,} digits in batches of {settings.batch_size}."
        )
        with st.container(horizontal=True, vertical_alignment="center"):
            main_button(
                "Train", icon=":material/play_arrow:", key=state.key("train"), disabled=running,
                on_click=_begin, args=(settings,),
            )  # fmt: skip
            if running:
                st.button("Stop", icon=":material/stop:", key=state.key("stop_training"), on_click=job.stop)
        if running:
            st.caption("It goes on while you look at other pages, with the settings it was begun with.")
    with right:
        if job and job.error:
            st.warning(str(job.error), icon=":material/info:")
        watch(job, _live)
        run = last_run()
        if run and not running:
            with st.container(horizontal=True):
                download("History (CSV)", _table(run), "history.csv", "text/csv")
                if run.model:
                    download("Best model (.keras)", run.model, "digits.keras", "application/zip")
    return settings


def _begin(settings: Settings) -> None:
    """Callback: start a training; the run before it stays until the new one has something to show."""
    state[RUN] = last_run()
    state[JOB] = Job(lambda waiting: training.train(settings, waiting=waiting))


def last_run() -> Run | None:
    """The run to look at: the present one as soon as it has an epoch, or the one before."""
    job: Job[Run] | None = state.get(JOB)
    present = job.latest if job else None
    return present if present and present.history else state.get(RUN)


def _live() -> None:
    """The bar of a running training, and the curves so far."""
    job: Job[Run] | None = state.get(JOB)
    if job and job.running:
        st.progress(*_progress(job.latest))
    run = last_run()
    _show(run) if run else _shipped()


def _progress(run: Run | None) -> tuple[float, str]:
    """How far a run is, 0 to 1, and where it is, in words."""
    if run is None or not run.epoch:
        return 0.0, in_line("A process of its own loads Keras …")
    settings, epochs = run.settings, len(run.history)
    epoch, batch = (run.epoch, run.batch) if run.epoch > epochs else (epochs, settings.updates)
    done = min(1.0, (epoch - 1 + batch / settings.updates) / settings.epochs)
    return done, f"Epoch {epoch} of {settings.epochs}, batch {batch:,} of {settings.updates:,}, loss {run.loss:.3g}"


def _show(run: Run) -> None:
    """Curves, the ten digits and the sentence."""
    last = run.history[-1]
    _curves(run.history, run.settings.epochs)
    if run.answers is not None:
        right = int((run.answers.argmax(axis=1) == np.arange(10)).sum())
        show(
            training.answer_sheet(run.answers),
            f"Ten digits it has not learned from, and what it says after epoch {len(run.history)}.",
            alt=f"ten digits with the network's answers, {right} of them right",
        )
    chart(charts.rates([row["learning_rate"] for row in run.history]), "The learning rate of each epoch", "rates")
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
    run = last_run()
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
        factor = st.slider("Factor", 0.1, 0.9, 0.2, 0.1, **state.linked("factor"))
        patience = st.slider("Patience, epochs", 1, 10, 2, **state.linked("patience"))
        least = st.select_slider("Lowest rate", ["1e-06", "1e-05", "1e-04"], "1e-06", **state.linked("least"))
    with right:
        steps = training.plateau(losses, 1e-3, factor, patience, float(least))
        chart(charts.rates(steps, 230), f"The rate falls from {steps[0]:.1g} to {steps[-1]:.1g}", key="plateau")
        falls = sum(b < a for a, b in zip(steps, steps[1:], strict=False))
        st.caption(f"Lowered {falls} times. What the loss would then have done, only a new run can tell.")
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.markdown("**ModelCheckpoint**, listing 2.4, and **EarlyStopping**")
        only = st.toggle("Save the best only", **state.linked("best"))
        wait = st.slider("Stop after epochs without progress", 1, 20, 5, **state.linked("wait"))
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
        probability = st.slider("Probability of the right class", 0.01, 0.99, 0.6, 0.01, **state.linked("p"))
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
