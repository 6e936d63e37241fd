"""The training page, run without a browser."""

import time

import numpy as np
import pytest

from cnndemo import training, weights
from cnndemo.errors import VisitorError
from cnndemo.training import PRESETS, Run, Settings
from cnndemo.training.views import RUN
from tests.pages.conftest import no_trouble, rendered_references, run_page, until
from tests.pages.test_walk import gallery, go

ROW = {"loss": 0.5, "accuracy": 0.9, "val_loss": 0.6, "val_accuracy": 0.85, "learning_rate": 1e-3, "seconds": 1.0}


def texts(page) -> str:
    return " ".join(element.value for kind in ("markdown", "caption", "warning") for element in page.get(kind))


def captions(page, start: str) -> str:
    return next(caption.value for caption in page.caption if caption.value.startswith(start))


def ended(page) -> bool:
    return not page.session_state["training.job"].running


def run_of(*losses: float, **more) -> Run:
    rows = [ROW | {"val_loss": loss} | more for loss in losses]
    return Run(Settings(epochs=len(rows)), rows, np.eye(10, dtype=np.float32))


def test_shows_the_books_figures_and_the_shipped_training(opened):
    page = opened("training")
    found = rendered_references(page)
    assert found["Try it"] == {"figure 2.19", "figure 2.20", "listing 2.6", "listing 2.7"}
    assert found["How it works"] == {"listing 2.3"} and found["Callbacks"] == {"listing 2.4", "listing 2.5"}
    assert f"{weights.card('digit_classifier')['epochs']} epochs" in captions(page, "How the gallery")


@pytest.mark.parametrize("name", PRESETS)
def test_presets_set_the_controls(open_page, name):
    page = open_page("training")
    page.button(key=f"training.preset_{name}").click().run()
    settings = PRESETS[name]
    assert page.slider(key="training.t_digits").value == settings.digits
    assert float(page.select_slider(key="training.t_rate").value) == settings.rate
    assert page.slider(key="training.t_wrong").value == round(100 * settings.wrong)
    assert f"{settings.updates:,} updates an epoch" in texts(no_trouble(page))
    assert any(f"training.{settings.code()}" in block.value for block in page.code)


def test_trains_with_what_the_controls_say(open_page, monkeypatch):
    asked = []

    def train(settings, waiting):
        asked.append(settings)
        waiting()
        run = Run(settings)
        run.epoch, run.batch, run.loss = 1, 3, 0.7
        yield run
        run.history.append(ROW)
        run.answers = np.eye(10, dtype=np.float32)
        yield run
        run.model = b"a model"
        yield run

    monkeypatch.setattr(training, "train", train)
    page = open_page("training", {"t_digits": "200", "t_batch_size": "4", "t_epochs": "1"})
    page.button(key="training.train").click().run()
    no_trouble(until(page, ended).run())
    assert asked == [Settings(digits=200, batch_size=4, epochs=1)]
    assert "1 of 1 epochs" in texts(page)
    assert page.session_state["training.job"].latest.model == b"a model"
    assert "your run" not in captions(page, "On the validation loss"), "one epoch is too few to try callbacks on"


def test_a_real_run_of_two_epochs(open_page):
    page = open_page("training", {"t_digits": "100", "t_batch_size": "32", "t_epochs": "2"})
    page.button(key="training.train").click().run()
    assert page.button(key="training.train").disabled
    no_trouble(until(page, ended).run())
    assert not page.button(key="training.train").disabled
    assert "2 of 2 epochs" in texts(page)
    assert captions(page, "On the validation loss") == "On the validation loss of your run, 2 epochs."


def test_a_training_that_fails_is_a_sentence(open_page, monkeypatch):
    def train(settings, waiting):
        raise VisitorError("Another visitor is training right now. Try again in a minute.")
        yield

    monkeypatch.setattr(training, "train", train)
    page = open_page("training")
    page.button(key="training.train").click().run()
    until(page, ended).run()
    assert "Another visitor" in no_trouble(page).warning[0].value
    assert "How the gallery" in texts(page)


@pytest.mark.parametrize(
    ("run", "word"),
    [
        (run_of(2.0, 1.0, 0.5), "Still learning"),
        (run_of(0.5, 0.9, 1.2, accuracy=1.0), "Overfitting"),
        (run_of(2.3, 2.3, loss=2.31, val_accuracy=0.1), "does not learn"),
        (run_of(1e30, 1e30, loss=1e30, val_accuracy=0.1), "does not learn"),
        (run_of(0.5, 0.3, 0.31), "Settled"),
    ],
)
def test_the_verdict_reads_the_curves(run, word):
    assert word in texts(no_trouble(run_page("training", state={f"training.{RUN}": run})))


@pytest.mark.parametrize(
    ("key", "value"),
    [("factor", 0.1), ("factor", 0.9), ("patience", 1), ("patience", 10), ("wait", 1), ("wait", 20), ("p", 0.01)]
    + [("p", 0.99), ("t_digits", 10), ("t_digits", 4000), ("t_epochs", 1), ("t_epochs", 30), ("t_wrong", 90)],
)
def test_every_slider_at_its_ends(open_page, key, value):
    page = open_page("training")
    page.slider(key=f"training.{key}").set_value(value).run()
    no_trouble(page)


def test_checkpoints_and_early_stopping_on_a_run():
    page = run_page("training", state={f"training.{RUN}": run_of(0.9, 0.5, 0.7, 0.6, 0.4)})
    assert captions(page, "5 files") == "5 files in 5 of 5 epochs."
    page.toggle(key="training.best").set_value(True).run()
    assert captions(no_trouble(page), "3 files") == "3 files in 5 of 5 epochs."
    page.slider(key="training.wait").set_value(2).run()
    assert captions(no_trouble(page), "2 files").endswith("EarlyStopping would have saved 1 epochs.")


def endless(settings, waiting):
    run = Run(settings)
    run.epoch, run.batch, run.loss = 1, 1, 0.7
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


def test_start_again_ends_the_training_and_forgets_the_settings(monkeypatch):
    monkeypatch.setattr(training, "train", endless)
    page = gallery("training")
    page.slider(key="training.t_epochs").set_value(7).run()
    page.button(key="training.train").click().run()
    shared = page.session_state["training.job"]._shared
    page.button(key="training.start_again").click().run()
    assert shared.done.wait(5), "it works for nobody"
    until(page, lambda page: len(page.slider) > 0)
    assert page.slider(key="training.t_epochs").value == Settings().epochs
