"""The training page, run without a browser."""

import io
import re
import sys
import threading
import time
import zipfile
from dataclasses import replace

import h5py
import numpy as np
import pytest

from cnndemo import chain, images, training, worker
from cnndemo.errors import VisitorError
from cnndemo.models import layer_table
from cnndemo.training import PRESETS, Run, Settings
from cnndemo.training.questions import which_is_kept
from cnndemo.training.verdict import verdict
from cnndemo.training.views import running
from tests import tiny
from tests.pages.conftest import no_trouble, rendered_references, run_page, until
from tests.pages.test_walk import gallery, go
from tests.unit.test_architectures_own import keras_bytes, layer
from tests.waiting import BUSY

ROW = {"loss": 0.5, "accuracy": 0.9, "val_loss": 0.6, "val_accuracy": 0.85, "learning_rate": 1e-3, "seconds": 1.0}
ROW |= {"samples_per_second": 900.0}
QUICK = {"training.t_network": "My layers", "training.t_layers": "conv 4 5/2 relu; flatten", "training.t_digits": "200"}
QUICK |= {"training.t_epochs": "2"}


def texts(page) -> str:
    return " ".join(element.value for kind in ("markdown", "caption", "warning") for element in page.get(kind))


def captions(page, start: str) -> str:
    return next(caption.value for caption in page.caption if caption.value.startswith(start))


def ended(page) -> bool:
    return not page.session_state["training.job"].running


def run_of(*losses: float, name: str = "Run 1", **more) -> Run:
    rows = [ROW | {"val_loss": loss} | more for loss in losses]
    return Run(Settings(epochs=len(rows)), name, rows, answers=np.eye(10, dtype=np.float32), batches=3, best=1)


def with_runs(*runs: Run, **networks: bytes):
    state = {"training.runs": list(runs), "training.count": len(runs)}
    return run_page("training", state=state | {"training.networks": networks})


def nearest_mean(own=None) -> bytes:
    """A network as a `.keras` file that answers with the class whose mean is nearest: four of five digits are right."""
    x, y = training.held_out(own)[0]
    means = np.stack([x[y == label].reshape(-1, x[0].size).mean(axis=0) / 255 for label in np.unique(y)])
    arrays = io.BytesIO()
    with h5py.File(arrays, "w") as file:
        file["layers/dense/vars/0"] = means.T.astype(np.float32)
        file["layers/dense/vars/1"] = (-(means**2).sum(axis=1) / 2).astype(np.float32)
    layers = [
        layer("InputLayer", batch_shape=[None, *(own.shape if own else (28, 28, 1))]),
        layer("Flatten") | {"config": {"name": "flatten"}},
        layer("Dense") | {"config": {"name": "dense", "units": len(means), "activation": "softmax"}},
    ]
    return keras_bytes(config={"name": "nearest_mean", "layers": layers}, weights_file=arrays.getvalue())


@pytest.fixture(scope="module")
def reused():
    """A page whose controls any test may turn."""
    return run_page("training")


def test_opens_with_one_batch_by_hand_and_a_train_button(opened):
    page = opened("training")
    found = rendered_references(no_trouble(page))
    assert found["Try it"] == {"figure 2.19", "figure 2.20", "listing 2.6", "listing 2.7"}
    assert found["How it works"] == {"listing 2.3"} and found["Callbacks"] == {"listing 2.4", "listing 2.5"}
    assert "A **batch**: 16 digits" in texts(page) and "is stopped, and its best network stays" in texts(page)
    assert not page.button(key="training.train").disabled
    code = " ".join(block.value for block in page.code)
    assert "python -m train.digit_classifier --data shipped --network small" in code
    assert "--distribute data-parallel" in code and "def main() -> None:" in code


def test_one_batch_by_hand_goes_from_digits_to_the_loss_again():
    page = run_page("training")
    seen = []
    for _ in range(4):
        page.button(key="training.h_next").click().run()
        seen.append(page.segmented_control(key="training.h_stage").value)
    assert seen == ["loss", "gradient", "move", "again"]
    assert "The step went downhill" in texts(no_trouble(page))
    page.button(key="training.h_epoch").click().run()
    assert "That was an epoch" in texts(no_trouble(page)) and page.button(key="training.h_next_batch").disabled
    page.button(key="training.h_start").click().run()
    assert "Batch 1 of 20" in texts(no_trouble(page))


@pytest.mark.parametrize("name", PRESETS)
def test_presets_set_the_controls(reused, name):
    page = reused
    page.button(key=f"training.preset_{name}").click().run()
    settings = PRESETS[name]
    assert page.slider(key="training.t_digits").value == settings.digits
    assert float(page.select_slider(key="training.t_rate").value) == settings.rate
    assert page.slider(key="training.t_wrong").value == round(100 * settings.wrong)
    assert f"{settings.epochs} epochs of {settings.updates():,} batches" in texts(no_trouble(page))
    assert any(f"training.{settings.code()}" in block.value for block in page.code)
    assert any(settings.command() == block.value for block in page.code)


def test_layers_are_changed_added_moved_and_removed_and_an_impossible_table_does_not_train():
    page = run_page("training")

    def table() -> str:
        return page.text_input(key="training.t_layers").value

    page.number_input(key="training.row_units").set_value(12).run()
    assert table() == layer_table.NETWORKS["small"].replace("conv 8", "conv 12")
    page.button(key="training.t_add").click().run()
    assert table().startswith("conv 12 3 relu; conv 16 3 relu; pool 2")
    page.button(key="training.t_down").click().run()
    assert table().startswith("conv 12 3 relu; pool 2; conv 16 3 relu; conv 16")
    page.button(key="training.t_remove").click().run()
    assert table().startswith("conv 12 3 relu; pool 2; conv 16 3 relu; pool 2")
    assert any("conv 12 3 relu; pool 2" in block.value for block in no_trouble(page).code)
    page.text_input(key="training.t_layers").set_value("conv 8 3 relu").run()
    assert "Put “flatten” or “average” before it" in texts(no_trouble(page))
    assert page.button(key="training.train").disabled
    page.text_input(key="training.t_layers").set_value("lambda: evil").run()
    assert "is no layer" in texts(no_trouble(page)) and page.button(key="training.train").disabled
    page.text_input(key="training.t_layers").set_value("").run()
    assert "Put “flatten”" in texts(no_trouble(page))


def test_a_real_run_its_end_and_its_network_on_other_pages():
    page = gallery("training", QUICK)
    page.toggle(key="training.t_tensorboard").set_value(True).run()
    assert any(block.value.endswith("--tensorboard --run-dir runs/mine") for block in page.code)
    page.button(key="training.train").click().run()
    assert page.button(key="training.train").disabled
    no_trouble(until(page, ended).run())
    assert "Run 1: 2 of 2 epochs" in texts(page) and "What came of it" in [each.value for each in page.header]
    assert captions(page, "On the validation loss") == "On the validation loss of your run 1, 2 epochs."
    mistakes = next(metric.value for metric in page.metric if metric.label == "Mistakes")
    assert mistakes.endswith("of 500")
    assert "temperature of" in texts(page)
    assert {"History (CSV)", "TensorBoard's log"} <= {each.label for each in page.get("download_button")}
    with zipfile.ZipFile(io.BytesIO(page.session_state["training.runs"][0].log)) as log:
        folders = [name.rsplit("/", 1)[0] for name in sorted(log.namelist())]
        assert folders == ["tensorboard/train", "tensorboard/validation"] and not log.testzip()
        assert all(entry.file_size > 100 for entry in log.infolist())
    page.button(key="training.use").click().run()
    assert any("It reads on the pages about digits" in each.value for each in page.success)
    go(page, "digit_classifier")
    assert "Your own network answers here: Run 1" in page.info[0].value
    rows = next(table.value for table in page.dataframe if "layer" in table.value)
    assert list(rows["layer"]) == ["digit", "conv2d_1", "flatten_1", "dense_1"]
    go(page, "activation_maps")
    assert "Your own network" in no_trouble(page).info[0].value
    assert "conv2d_1**: 4 maps of 12 × 12" in texts(page)
    for stem in ("training", "digit_classifier", "activation_maps"):  # another visitor, all the while
        other = gallery(stem)
        assert not no_trouble(other).info and "Run 1" not in texts(other)
    page.button(key="activation_maps.shipped_network").click().run()
    assert not no_trouble(page).info and "32 maps of 26 × 26" in texts(page)


def test_without_tensorboard_there_is_no_toggle_and_a_link_that_asks_for_it_trains_without(monkeypatch):
    monkeypatch.setattr(sys.modules["cnndemo.training.views.lesson"], "find_spec", lambda name: None)
    page = no_trouble(run_page("training", {"training.t_tensorboard": "true"}))
    assert "training.t_tensorboard" not in [toggle.key for toggle in page.toggle]
    assert Settings().command() in [block.value for block in page.code]


def test_a_training_that_fails_is_a_sentence(open_page, monkeypatch):
    def train(settings, own, waiting):
        raise VisitorError("The training diverged.")
        yield

    monkeypatch.setattr(training, "train", train)
    page = open_page("training")
    page.button(key="training.train").click().run()
    until(page, ended).run()
    assert "diverged" in no_trouble(page).warning[0].value
    assert "One batch by hand" in texts(page)


def test_after_its_minutes_a_run_is_stopped_and_its_best_network_stays(monkeypatch):
    network = nearest_mean()

    def train(settings, own, waiting):
        yield replace(run_of(0.9, 0.5), network=network)
        raise VisitorError("This took longer than 15 minutes and was stopped.")

    monkeypatch.setattr(training, "train", train)
    page = run_page("training")
    page.button(key="training.train").click().run()
    no_trouble(until(page, ended).run())
    assert "longer than 15 minutes" in page.warning[0].value and not page.button(key="training.train").disabled
    assert page.session_state["training.networks"]["Run 1"] == network
    assert "What came of it" in [each.value for each in page.header] and page.button(key="training.use")


def test_without_keras_there_is_a_sentence_and_the_page_lives(without_keras):
    page = no_trouble(run_page("training"))
    assert page.button(key="training.train").disabled and "Keras, which is not installed here" in texts(page)


@pytest.mark.parametrize(
    ("run", "word"),
    [
        (run_of(2.0, 1.0, 0.5), "Still learning"),
        (run_of(0.5, 0.9, 1.2, accuracy=1.0), "Overfitting"),
        (run_of(2.3, 2.3, loss=2.31, val_accuracy=0.1), "does not learn"),
        (run_of(1e30, 1e30, loss=1e30, val_accuracy=0.1), "does not learn"),
        (run_of(1.0, 0.7, 0.61, 0.6, 0.59, accuracy=0.8, val_accuracy=0.8), "Underfitting"),
        (run_of(0.5, 0.3, 0.31), "Settled"),
    ],
)
def test_the_verdict_reads_the_curves(run, word):
    assert word in verdict(run)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Small and quick", "Settled|Still learning|Rescued"),
        ("Overfitting", "Overfitting"),
        ("Underfitting", "Underfitting"),
        ("Rate too high", "does not learn"),
        ("Wrong labels", "begun to learn the lies"),
        ("Plateau rescued", "Rescued from a plateau"),
    ],
)
def test_a_preset_does_what_it_promises(name, words):
    run = list(training.train(PRESETS[name]))[-1]
    assert re.search(words, verdict(run)), verdict(run)
    if name == "Small and quick":
        assert max(row["val_accuracy"] for row in run.history) > 0.95


def test_a_plateau_that_was_left_is_seen():
    run = run_of(0.5, 0.51, 0.52, 0.3)
    run.history[3]["learning_rate"] = 1e-4
    assert "Rescued" in verdict(run)


def test_runs_are_overlaid_and_compared():
    first, second = run_of(0.9, 0.5), run_of(0.8, 0.7, 0.6, name="Run 2")
    second.settings = Settings(rate=0.1, epochs=3)
    page = no_trouble(with_runs(first, second))
    assert list(compared(page)["learning rate"]) == ["0.002", "0.1"] and "Run 2: 3 of 3 epochs" in texts(page)
    page.pills(key="training.c_look_2_Run 2").set_value("Run 1").run()
    assert "Run 1: 2 of 2 epochs" in texts(no_trouble(page))
    page.button(key="training.c_use").click().run()
    assert page.slider(key="training.t_epochs").value == 2


def compared(page):
    """The table of what differs between the runs."""
    return next(table.value for table in page.dataframe if "run" in table.value)


@pytest.fixture
def one_more(monkeypatch):
    """Trains once more on a page of runs; the new run is there at once."""
    network = nearest_mean()

    def train(settings, own, waiting):
        answers = np.eye(len(own.classes) if own else 10)
        yield replace(run_of(0.5, 0.4), network=nearest_mean(own), settings=settings, answers=answers)

    monkeypatch.setattr(training, "train", train)

    def press(page):
        page.button(key="training.train").click().run()
        return no_trouble(until(page, ended).run())

    press.network = network
    return press


def test_the_seventh_run_pushes_the_first_out_with_its_network(one_more):
    names = [f"Run {number}" for number in range(1, 8)]
    page = with_runs(*(run_of(0.9, name=name) for name in names[:6]), **dict.fromkeys(names[:6], one_more.network))
    assert list(compared(no_trouble(page))["run"]) == names[:6]
    one_more(page)
    assert list(compared(page)["run"]) == names[1:] == list(page.session_state["training.networks"])
    assert "Run 7: 2 of 8 epochs" in texts(page)


def test_networks_that_are_too_large_together_go_and_the_curves_stay(one_more, monkeypatch):
    monkeypatch.setattr(running, "MOST_BYTES", int(2.5 * len(one_more.network)))
    names = ["Run 1", "Run 2"]
    page = one_more(with_runs(*(run_of(0.9, name=name) for name in names), **dict.fromkeys(names, one_more.network)))
    assert list(page.session_state["training.networks"]) == ["Run 2", "Run 3"]
    page.pills(key="training.c_look_3_Run 3").set_value("Run 1").run()
    assert "The network of Run 1 had to make room" in texts(no_trouble(page))
    assert list(compared(page)["run"]) == ["Run 1", "Run 2", "Run 3"]
    monkeypatch.setattr(running, "MOST_BYTES", 1)
    one_more(page)
    assert list(page.session_state["training.networks"]) == ["Run 4"], "the last one stays, however large"


def test_what_was_mixed_up_most_is_shown_in_pictures():
    network = nearest_mean()
    page = no_trouble(with_runs(run_of(0.9, 0.5), **{"Run 1": network}))
    report = training.report(chain.read(network).predictor())
    wrong = report.matrix - np.diag(np.diag(report.matrix))
    truth, answer = divmod(int(wrong.argmax()), 10)
    pairs = page.pills(key="training.pair_Run 1")
    assert pairs.options[0] == f"{truth} read as {answer} ({wrong.max()})" and len(pairs.options) == 8
    before = len(page.get("image"))
    pairs.set_value((truth, answer)).run()
    words = f"{wrong.max()} × {truth} answered {answer}, the surest first:"
    assert words in [caption.value for caption in no_trouble(page).caption]
    assert len(page.get("image")) == before + wrong.max()


@pytest.mark.parametrize(
    ("key", "value"),
    [("factor", 0.1), ("patience", 10), ("wait", 1), ("wait", 20), ("p", 0.01), ("p", 0.99), ("t_digits", 10)]
    + [("t_digits", 4000), ("t_epochs", 1), ("t_epochs", 30), ("t_wrong", 90), ("t_stop", 20)],
)
def test_every_slider_at_its_ends(reused, key, value):
    page = reused
    page.slider(key=f"training.{key}").set_value(value).run()
    no_trouble(page)


def test_checkpoints_and_early_stopping_on_a_run():
    page = with_runs(run_of(0.9, 0.5, 0.7, 0.6, 0.4))
    assert captions(page, "5 files") == "5 files in 5 of 5 epochs."
    page.toggle(key="training.best").set_value(True).run()
    assert captions(no_trouble(page), "3 files") == "3 files in 5 of 5 epochs."
    page.slider(key="training.wait").set_value(2).run()
    assert captions(no_trouble(page), "2 files").endswith("EarlyStopping would have saved 1 epochs.")


def test_the_network_that_is_kept_can_be_told():
    question = which_is_kept([0.5, 0.08834, 0.08831, 0.08833, 0.2])
    said = question.said("en")
    assert said.answer == "epoch 3" and "0.08834; 0.08831; 0.08833" in said.prompt
    assert which_is_kept([0.5, 0.5, 0.5]) is None
    long = which_is_kept([0.1 + abs(number - 60) / 100 for number in range(75)]).said("en")
    assert long.answer == "epoch 61" and len(long.options) == 4


def test_digits_drawn_here_and_classes_of_the_transfer_page():
    page = run_page("training", {"training.t_data": "Digits drawn here"})
    assert "Nothing is drawn yet" in texts(no_trouble(page)) and page.button(key="training.train").disabled
    x, y = images.digits()
    drawn = [(x[row], int(y[row])) for row in range(0, 5000, 250)]
    page = run_page("training", {"training.t_data": "Digits drawn here"}, {"training.drawn": drawn})
    assert "20 examples, 32 at a time" in texts(no_trouble(page)) and not page.button(key="training.train").disabled
    assert any("--data mine.npz" in block.value for block in page.code)
    page = run_page("training", {"training.t_data": "My classes"})
    assert "There are no classes of yours yet" in texts(no_trouble(page))


def test_the_classes_of_the_transfer_page_are_learned_here_and_go_home_with_the_run(one_more):
    page = gallery("resnet_transfer")
    lesson = page.session_state["resnet_transfer.lesson"]
    go(page, "training", {"training.t_data": "My classes"})
    words = f"{len(lesson.shots)} pictures of {len(lesson.classes)} classes, as small as the network sees them"
    assert any(words in str(element.proto) for element in page.get("image"))
    one_more(page)
    run = page.session_state["training.runs"][0]
    assert run.own.classes == tuple(lesson.classes) and run.own.shape == (28, 28, 3)
    assert "the same ones choose the best epoch and judge it" in texts(page)
    assert "It has learned classes of yours, not digits" in texts(page)
    assert "Examples (.npz)" in [each.label for each in page.get("download_button")]


def test_all_of_mnist_is_offered_where_it_is_and_tested_on_digits_of_its_own(one_more, tmp_path, monkeypatch):
    sheets, draw = [], training.answer_sheet
    monkeypatch.setattr(training, "answer_sheet", lambda *given: sheets.append(given[2]) or draw(*given))
    monkeypatch.setenv("CNNDEMO_DATA", str(tmp_path))
    assert "All of MNIST" not in run_page("training").pills(key="training.t_data").options
    tiny.mnist(tmp_path)
    page = run_page("training", {"training.t_data": "All of MNIST"})
    page.slider(key="training.t_mnist").set_value(55_000).run()
    assert "8 epochs of 1,719 batches: 55,000 examples" in texts(no_trouble(page))
    assert any("--data mnist --network small" in block.value for block in page.code)
    one_more(page)
    assert next(metric.value for metric in page.metric if metric.label == "Mistakes").endswith("of 200")
    assert "has seen these 200" in texts(page) and set(sheets) == {"mnist"}


def endless(settings, own, waiting):
    run = Run(settings, epoch=1, batch=1, batches=9, loss=0.7, speed=1234.5, left=17.6)
    while True:
        waiting()
        yield run
        time.sleep(0.01)


def test_a_training_goes_on_through_other_settings_and_other_pages_and_stops_at_a_click(monkeypatch):
    monkeypatch.setattr(training, "train", endless)
    page = gallery("training")
    page.button(key="training.train").click().run()
    job = page.session_state["training.job"]
    page.slider(key="training.t_epochs").set_value(7).run()
    assert job.running and page.button(key="training.train").disabled
    go(page, "filters")
    assert job.running
    until(go(page, "training"), lambda page: page.get("progress"))
    assert page.slider(key="training.t_epochs").value == 7
    page.button(key="training.stop_training").click().run()
    assert not job.running and not no_trouble(page).button(key="training.train").disabled


def test_a_training_tells_its_place_in_line_and_then_its_speed_and_the_time_left(monkeypatch):
    first = threading.Event()

    def train(settings, own, waiting):
        while not first.is_set():
            waiting()
            time.sleep(0.01)
        yield from endless(settings, own, waiting)

    monkeypatch.setattr(training, "train", train)
    monkeypatch.setattr(worker, "waiting", lambda: 2)
    monkeypatch.setattr(worker, "before", lambda thread: 0 if first.is_set() else 2)
    page = run_page("training")
    assert "One training runs at a time, 2 before you; after 15 minutes it is stopped" in texts(page)
    page.button(key="training.train").click().run()

    def told(words: str) -> None:
        until(page, lambda page: any(bar.proto.text == words for bar in page.get("progress")))

    told("2 before you …")
    first.set()
    told("Epoch 1 of 8, batch 1 of 9, loss 0.7 · 1,234 examples/s · 18 s left")
    page.button(key="training.stop_training").click().run()
    no_trouble(page)


def test_start_again_ends_the_training_and_forgets_the_settings(monkeypatch):
    monkeypatch.setattr(training, "train", endless)
    page = gallery("training")
    page.slider(key="training.t_epochs").set_value(7).run()
    page.button(key="training.train").click().run()
    shared = page.session_state["training.job"]._shared
    page.button(key="training.start_again").click().run()
    assert shared.done.wait(BUSY), "it works for nobody"
    until(page, lambda page: len(page.slider) > 0)
    assert page.slider(key="training.t_epochs").value == Settings().epochs
