"""Teach it: a head for the visitor's classes, how good it is, what else could be trained, and the file to take home."""

from __future__ import annotations

import numpy as np
import streamlit as st

from cnndemo import resnet_transfer as transfer
from cnndemo import ui, weights, worker
from cnndemo.jobs import Job
from cnndemo.resnet_transfer import export, finetune, naming, teaching, uploads
from cnndemo.resnet_transfer import figures as charts
from cnndemo.resnet_transfer.backbones import BACKBONES
from cnndemo.resnet_transfer.teaching import BACKBONE, Head, Report, Shot
from cnndemo.resnet_transfer.views.cheating import cheat
from cnndemo.resnet_transfer.views.lesson import Lesson, edit, lesson
from cnndemo.ui.bring import bring_file
from cnndemo.ui.session import state
from cnndemo.ui.watch import in_line, watch

FEW = 24  # pictures, below which leaving one out is far below chance on pure noise


@st.cache_data(max_entries=32, show_spinner=False)
def trained(
    _features: np.ndarray,
    _labels: np.ndarray,
    _groups: np.ndarray,
    classes: tuple,
    balanced: bool,
    stamp: str,
    views: int,
) -> tuple[Head, Report]:
    """Head and report; `stamp` stands for the pictures."""
    return teaching.learn(_features, _labels, classes, balanced, _groups, stamp)


@st.cache_data(max_entries=32, show_spinner=False)
def related(_shots: list[Shot], stamp: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Which pictures are left out together, and what to say of copies; `stamp` stands for the pictures."""
    return teaching.related(_shots)


@st.cache_data(max_entries=4, show_spinner=False)
def freeze_rows(classes: int) -> list[dict]:
    """The table of what trains, counted on the real network."""
    return teaching.freeze_table(weights.layers(BACKBONE), classes)


@st.cache_resource(max_entries=1, show_spinner=False)
def stage_six():
    """The shared backbone up to where fine-tuning begins."""
    from cnndemo import inference

    return inference.predictor(BACKBONE, (finetune.FROZEN_END, "average_pool"))


@st.fragment
def teach() -> None:
    """The whole section."""
    current = lesson()
    left, right = ui.try_it()
    head = None
    with left:
        edit(current)
    with right, ui.guard():
        teaching.check(current.shots, current.classes)
        network = transfer.network(BACKBONE)
        with st.container(horizontal=True):
            balanced = st.toggle("Every class counts the same", True, **state.linked("balanced"))
            views = teaching.VIEWS * st.toggle("Augment the pictures", False, **state.linked("augment"))
        bar = st.progress(0.0, "The backbone looks at each picture once …")
        rows = teaching.features(current.shots, network, views, lambda done: bar.progress(done, "Looking …"))
        bar.empty()
        labels, classes = teaching.numbers(current.shots, current.classes), tuple(current.classes)
        groups, _ = related(current.shots, current.stamp)
        head, report = trained(rows, labels, groups, classes, balanced, current.stamp, views)
        _results(current, rows, labels, head, report, balanced, views)
    if head is None:
        return
    with ui.guard():
        _test(current, rows, labels, head)
    with ui.guard():
        cheat(current.shots, current.stamp, rows[:, 0], labels, groups)
    left, right = st.columns(2, gap="large")
    with left, ui.guard():
        _freezing(current)
    with right, ui.guard():
        _take_home(current, head)


def _results(
    current: Lesson, rows: np.ndarray, labels: np.ndarray, head: Head, report: Report, balanced: bool, views: int
) -> None:
    """Accuracy, confusion matrix and the pictures of a cell."""
    groups, copied = related(current.shots, current.stamp)
    judged = int(report.judged.sum())
    with st.container(horizontal=True):
        share = f"{report.right} of {judged}" if judged else f"– of {len(labels)}"
        st.metric("Right on pictures it was not trained on", share, border=True)
        mean = report.balanced_accuracy
        st.metric("Mean over the classes", "–" if np.isnan(mean) else f"{mean:.1%}", border=True)
    for note in [*copied, *report.notes]:
        st.caption(f":material/info: {ui.plain(note, 400)}")
    one_by_one = report.scheme == teaching.SINGLY
    words = "one picture after the other left out" if one_by_one else "a fifth left out, five times"
    if views:
        _, plain = trained(rows[:, :1], labels, groups, head.classes, balanced, current.stamp, 0)
        words += f"; without augmentation {plain.right} of {int(plain.judged.sum())}"
    size = head.kernel.size + head.bias.size
    few = ""
    if one_by_one and len(labels) < FEW:
        few = " With so few it judges too low rather than too high: the class that lost a picture is the rarer one."
    st.caption(f"Measured with {words}.{few} The head has {size:,} numbers; the backbone is frozen.")
    key, chart_key = f"cell_{current.stamp}_{views}", f"confusion_{current.stamp}_{views}"

    def clicked() -> None:
        if points := state[chart_key].selection.points:
            state[key] = (int(points[0]["y"]), int(points[0]["x"]))

    ui.chart(
        charts.confusion(report.matrix, head.classes),
        alt="; ".join(
            f"{name}: {report.matrix[i, i]} of {report.matrix[i].sum()} right" for i, name in enumerate(head.classes)
        ),
        key=chart_key,
        on_select=clicked,
        selection_mode="points",
    )
    cell = st.selectbox(
        "Pictures of a cell: click it, or choose it here",
        [(truth, answer) for truth, answer in np.ndindex(report.matrix.shape)],
        index=None,
        placeholder="A cell",
        format_func=lambda cell: f"{head.classes[cell[0]]} answered {head.classes[cell[1]]}: {report.matrix[cell]}",
        **state.kept(key),
        width=340,
    )
    if cell:
        truth, answer = cell
        chosen = np.flatnonzero((report.truth == truth) & (report.answers == answer))
        st.caption(f"{len(chosen)} × “{ui.plain(head.classes[truth])}” answered “{ui.plain(head.classes[answer])}”:")
        with st.container(horizontal=True):
            for row in chosen[:12]:
                shot = current.shots[row]
                ui.show(shot.pixels, ui.plain(shot.name, 20), f"a picture of {shot.label}", width=96)


def _test(current: Lesson, rows: np.ndarray, labels: np.ndarray, head: Head) -> None:
    """A new picture: the head's answer, and where it lies among the others."""
    st.markdown("**Test it with a picture that it has never seen**")
    left, middle, right = st.columns([2, 2, 3], gap="medium")
    with left:
        sources = ["A new digit", "A picture"] if current.ready == "digits" else ["A picture"]
        source = ui.one_of(st.segmented_control, "Test picture", sources, sources[0], "test_from")
        if source == "A new digit":
            number = st.number_input("Number", 1, 400, 3, **state.linked("test_number"))
            image, name = uploads.unseen_digit(number), f"unseen digit {number}"
        else:
            picked = ui.pick_image(key="test", shared=False, label="Picture to test")
            image, name = picked.image, picked.name
        fresh = uploads.shot(image, name, "")
        ui.show(fresh.pixels, "what the network sees", f"test picture {name}", width=160)
    features = teaching.features([fresh], transfer.network(BACKBONE))[:, 0]
    tuned = current.sure_tuned()
    with middle:
        answers = {"Frozen backbone": head.probabilities(features)[0]}
        if tuned:
            answers["Last block fine-tuned"] = _fine_tuned(tuned.head, tuned.tail, fresh.pixels, "_tuned_end")
        for title, probabilities in answers.items():
            pairs = naming.best(probabilities, head.classes, len(head.classes))
            ui.chart(
                charts.answers(pairs, pairs[0][0], title),
                alt=f"{title}: " + ", ".join(f"{label} {value:.1%}" for label, value in pairs),
                key=f"test_{title}",
            )
        st.caption("It chooses among your classes only; there is no answer “none of these”.")
    with right:
        flat = teaching.principal_plane(rows[:, 0])
        ui.chart(
            charts.plane(
                flat.project(rows[:, 0]), labels, head.classes, [s.name for s in current.shots], flat.project(features)
            ),
            alt="each picture's features as a point; classes that are easy to tell apart form separate clouds",
            key="plane",
        )


def _fine_tuned(head: Head, tail: list[np.ndarray], pixels: np.ndarray, slot: str) -> np.ndarray:
    """The answer of a network with another end; the end is built once and kept in a slot of the session."""
    maps = stage_six()(BACKBONES[BACKBONE].feed(pixels[None]))[finetune.FROZEN_END]
    known = state.get(slot)
    if known is None or known[0] is not tail or not np.array_equal(known[1], maps):
        known = state[slot] = tail, maps, worker.ask("cnndemo.resnet_transfer.finetune:tail_features", tail, maps)
    return head.probabilities(known[2])[0]


def _freezing(current: Lesson) -> None:
    """What could train, and the figures of the last block's training."""
    st.markdown("**Freeze or unfreeze?**")
    ui.table(freeze_rows(len(current.classes)))
    job = current.tuning
    running = job is not None and job.running
    with st.container(horizontal=True):
        st.button(
            "Fine-tune the last block", icon=":material/lock_open:", key=state.key("tune"), disabled=running,
            on_click=_begin_tuning, args=(current,),
        )  # fmt: skip
        if running:
            st.button("Stop", icon=":material/stop:", key=state.key("stop_tuning"), on_click=job.stop)
    if job and job.error:
        st.warning(str(job.error), icon=":material/info:")
    watch(job, lambda: _tuning(job))
    tuned = current.sure_tuned()
    if tuned:
        st.markdown(
            f"Of {tuned.held_out} pictures held out: frozen **{tuned.before:.0%}** right, "
            f"fine-tuned **{tuned.after:.0%}**."
        )
    st.caption(
        "The new layer is trained first, then the last block with a small rate, because a fresh head's errors would "
        "wreck what the block has learned. A quarter of the pictures is held out to measure both."
    )


def _begin_tuning(current: Lesson) -> None:
    """Callback: the last block's training, in a process of its own, on the pictures that are there now."""
    network, run = transfer.network(BACKBONE), stage_six()
    shots, labels = current.shots, teaching.numbers(current.shots, current.classes)
    classes, (groups, _) = tuple(current.classes), related(current.shots, current.stamp)

    def work(waiting):
        rows = teaching.features(shots, network)[:, 0]
        return finetune.tune(_stage_six_maps(shots, run), rows, labels, classes, waiting=waiting, groups=groups)

    current.tuning, current.tuned_for = Job(work), current.stamp


def _tuning(job: Job[finetune.Epoch | finetune.Tuned] | None) -> None:
    """How far the fine-tuning is."""
    if job is None or not job.running:
        return
    step = job.latest
    if isinstance(step, finetune.Epoch):
        words = f"Epoch {step.number} of {step.epochs}, loss {step.loss:.3f}, held out {step.accuracy:.0%} right"
        st.progress(step.number / step.epochs, words)
    else:
        st.progress(0.0, in_line(job, "A process of its own starts …"))


def _stage_six_maps(shots: list[Shot], run) -> np.ndarray:
    """What the frozen part makes of each picture, (n, 7, 7, 192)."""
    pixels, feed = np.stack([shot.pixels for shot in shots]), BACKBONES[BACKBONE].feed
    return np.concatenate(
        [run(feed(pixels[first : first + 8]))[finetune.FROZEN_END] for first in range(0, len(pixels), 8)]
    )


def _take_home(current: Lesson, head: Head) -> None:
    """Downloads, and loading a model back."""
    st.markdown("**Take it home**")
    tuned = current.sure_tuned()
    best = tuned.head if tuned else head
    tail = tuned.tail if tuned else None
    with st.container(horizontal=True):
        model = lambda: worker.ask("cnndemo.resnet_transfer.export:keras_file", best, tail)  # noqa: E731
        ui.download("Model (.keras)", model, "model.keras", "application/zip", "get_model")
        ui.download("Script", export.script(best.classes), "predict.py", "text/x-python", "get_script")
        pictures = lambda: uploads.take_home(current.shots)  # noqa: E731
        ui.download("Pictures (.zip)", pictures, "pictures.zip", "application/zip", "get_pictures")
        ui.download("Classes", "\n".join(best.classes) + "\n", "classes.txt", "text/plain", "get_classes")
    st.caption(
        "One flat model, backbone and head; plain Keras loads it. The script names pictures with it. The pictures come "
        "as one folder a class, for this page and for `keras.utils.image_dataset_from_directory`."
    )
    file = bring_file("Load a model of this page back", "load_back", ["keras"])
    if not file:
        return
    known = state.get("_loaded")
    if known is None or known[0] != file.identity:
        known = state["_loaded"] = file.identity, *export.load_back(file.data)
    _, loaded, loaded_tail = known
    names = ui.plain(", ".join(loaded.classes), 200)
    st.success(f"A model for {len(loaded.classes)} classes: {names}", icon=":material/check:")
    picked = ui.pick_image(key="loaded", shared=False, label="Picture for the loaded model")
    pixels = uploads.shot(picked.image, picked.name, "").pixels
    if loaded_tail is None:
        probabilities = loaded.probabilities(transfer.network(BACKBONE).features(pixels[None]))[0]
    else:
        probabilities = _fine_tuned(loaded, loaded_tail, pixels, "_loaded_end")
    pairs = naming.best(probabilities, loaded.classes, 5)
    ui.chart(
        charts.answers(pairs, pairs[0][0]),
        alt="loaded model: " + ", ".join(f"{label} {value:.1%}" for label, value in pairs),
        key="loaded_answers",
    )
