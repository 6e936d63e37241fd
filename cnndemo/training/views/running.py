"""The visitor's run: started, watched, stopped; and the runs before it in this session."""

from __future__ import annotations

import numpy as np
import streamlit as st

from cnndemo import training, worker
from cnndemo.jobs import Job
from cnndemo.training import figures as charts
from cnndemo.training.comparing import MOST_RUNS
from cnndemo.training.data import Own
from cnndemo.training.run import Run
from cnndemo.training.settings import Settings
from cnndemo.training.verdict import verdict
from cnndemo.ui.choices import main_button
from cnndemo.ui.frame import stage
from cnndemo.ui.panels import chart
from cnndemo.ui.pictures import show
from cnndemo.ui.session import state
from cnndemo.ui.watch import in_line, watch

JOB, RUNS, COUNT = "job", "runs", "count"
NETWORKS = "networks"  # of the page: name of a run -> its best network as a `.keras` file
MOST_BYTES = 45_000_000  # that they may take together


def job() -> Job[Run] | None:
    """The training that was begun last."""
    return state.get(JOB)


def is_running() -> bool:
    """Whether a training of this visitor is on, or waits for its turn."""
    return job() is not None and job().running


def begin(settings: Settings, own: Own | None) -> None:
    """Callback: start a training."""
    collect()
    number = state[COUNT] = state.get(COUNT, 0) + 1
    name = f"Run {number}"

    def work(waiting):
        for run in training.train(settings, own, waiting=waiting):
            run.name, run.own = name, own
            yield run

    state[JOB] = Job(work)
    state["look_at"] = None


def stop() -> None:
    """Callback: end the training; what it has come to stays."""
    if job():
        job().stop()
    collect()


def collect() -> None:
    """Put a training that has ended among the runs of this session; the oldest go when there are too many."""
    if job() is None or job().running or job().latest is None:
        return
    run, runs = job().latest, state.setdefault(RUNS, [])
    if not run.history or any(other.name == run.name for other in runs):
        return
    networks: dict[str, bytes] = state.setdefault(NETWORKS, {})
    if run.network:
        networks[run.name], run.network = run.network, None
    runs.append(run)
    for old in runs[:-MOST_RUNS]:
        networks.pop(old.name, None)
    del runs[:-MOST_RUNS]
    while sum(map(len, networks.values())) > MOST_BYTES and len(networks) > 1:
        del networks[next(iter(networks))]


def runs() -> list[Run]:
    """The runs of this session that have ended, the oldest first."""
    return state.get(RUNS, [])


def network(run: Run) -> bytes | None:
    """The best network of a run that has ended as a `.keras` file, unless it had to go."""
    return state.get(NETWORKS, {}).get(run.name)


def shown() -> Run | None:
    """The run to look at: the present one as soon as it has something to show, the chosen one, or the last."""
    if is_running() and job().latest and (job().latest.losses or job().latest.history):
        return job().latest
    chosen = [run for run in runs() if run.name == state.get("look_at")]
    ended = job().latest if job() and not is_running() else None
    if not chosen and ended is not None and not ended.history and ended.losses:
        return ended  # it ended before its first epoch did
    return (chosen or runs()[-1:] or [None])[0]


def something() -> bool:
    """Whether there is a run to look at, or to wait for."""
    return is_running() or shown() is not None or (job() is not None and job().error is not None)


def controls(settings: Settings | None, own: Own | None) -> None:
    """Train and Stop, what it will be, and how long it may take."""
    on = is_running()
    with st.container(horizontal=True, vertical_alignment="center"):
        main_button(
            "Train", icon=":material/play_arrow:", key=state.key("train"),
            disabled=on or settings is None or not worker.installed(), on_click=begin, args=(settings, own),
        )  # fmt: skip
        if on:
            st.button("Stop", icon=":material/stop:", key=state.key("stop_training"), on_click=stop)
    if not worker.installed():
        st.caption("Training needs Keras, which is not installed here. One batch by hand needs none.")
    elif on:
        st.caption("It goes on while you look at other pages, with the settings it was begun with.")
    elif settings is not None:
        examples = len(own.training[1]) if own else settings.known
        line = worker.waiting()
        st.caption(
            f"{settings.epochs} epochs of {settings.updates(examples):,} batches: {examples:,} examples, "
            f"{settings.batch_size} at a time. One training runs at a time"
            + (f", {line} before you" if line else "")
            + f"; after {worker.MINUTES:g} minutes it is stopped, and its best network stays."
        )


def watched() -> None:
    """The run that is on, or the one looked at; drawn again while it changes."""
    if job() and job().error:
        st.warning(str(job().error), icon=":material/info:")
    watch(job(), _live)


def _live() -> None:
    run = shown()
    with stage():
        if is_running():
            st.progress(*_progress(job().latest))
        if run is not None:
            _losses(run)
    if run is not None:
        _show(run)


def _progress(run: Run | None) -> tuple[float, str]:
    """How far a run is, 0 to 1, and where it is, in words."""
    if run is None or not run.epoch:
        return 0.0, in_line(job(), "A process of its own loads Keras …")
    ended = len(run.history)
    epoch, batch = (run.epoch, run.batch) if run.epoch > ended else (ended, run.batches)
    done = min(1.0, (epoch - 1 + batch / run.batches) / run.settings.epochs)
    words = f"Epoch {epoch} of {run.settings.epochs}, batch {batch:,} of {run.batches:,}, loss {run.loss:.3g}"
    if run.speed:
        words += f" · {run.speed:,.0f} examples/s · {run.left:.0f} s left"
    return done, words


def _losses(run: Run) -> None:
    """The curve that is watched first."""
    rows = run.history
    alt = f"loss of {run.name}: " + (
        f"after {len(rows)} epochs training {rows[-1]['loss']:.3g}, validation {rows[-1]['val_loss']:.3g}"
        if rows else f"batch by batch, now {run.loss:.3g}"
    )  # fmt: skip
    chart(charts.losses(run), alt, key="loss")


def _show(run: Run) -> None:
    """The other curves, the answers to the shown digits, and what they mean."""
    rows = run.history
    if not rows:
        return
    last = rows[-1]
    left, right = st.columns([3, 2])
    with left:
        alt = (
            f"accuracy after {len(rows)} epochs: training {last['accuracy']:.3g}, validation {last['val_accuracy']:.3g}"
        )
        chart(charts.accuracies(run), alt, key="accuracy")
    with right:
        rates = [row["learning_rate"] for row in rows]
        chart(
            charts.rates(rates), f"The learning rate of each epoch, from {rates[0]:.3g} to {rates[-1]:.3g}", key="rates"
        )
    if run.answers is not None:
        truth = training.shown(run.own, run.settings.data)[1]
        right_ones = int((run.answers.argmax(axis=1) == truth).sum())
        show(
            training.answer_sheet(run.answers, run.own, run.settings.data),
            f"What it says after epoch {len(rows)} to {len(truth)} examples that it has not learned from",
            alt=f"{len(truth)} examples with the network's answers, {right_ones} of them right",
        )
    st.markdown(verdict(run))
    seconds = sum(row["seconds"] for row in rows)
    speed = float(np.median([row["samples_per_second"] for row in rows]))
    st.caption(
        f"{run.name}: {len(rows)} of {run.settings.epochs} epochs in {seconds:.0f} s, {speed:,.0f} examples/s; "
        f"{last['val_accuracy']:.1%} of the validation digits right. Saved: {_files(run.saved)}"
    )


def _files(names: list[str]) -> str:
    """The files of ModelCheckpoint, in the pattern of listing 2.4."""
    few = names if len(names) <= 3 else [names[0], "…", names[-1]]
    listed = ", ".join(f"`{name}`" if name != "…" else name for name in few)
    return f"{listed} ({len(names)} files)." if len(names) > 1 else f"{listed}, whenever it was the best so far."
