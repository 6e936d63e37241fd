"""Train the book's digit network in the page, with its callbacks and curves (book 2.5)."""

from cnndemo import training, ui
from cnndemo.models import layer_table
from cnndemo.training import by_hand, evaluation, take_home
from cnndemo.training.questions import questions
from cnndemo.training.views import callbacks, commands, compare, lesson, loss_and_accuracy, results
from cnndemo.training.views.callbacks import history
from cnndemo.ui import state

ui.page("training")
ui.section("Try it", figures=("2.19", "2.20"), listings=("2.6", "2.7"))
settings = lesson()
results()
compare()

ui.section("How it works", listings=("2.3",))
loss_and_accuracy()

ui.section("Callbacks", listings=("2.4", "2.5"))
callbacks()

shown = settings or training.Settings()
ui.code(
    [training.train, by_hand.one_step, by_hand.backward, training.plateau, layer_table.build, evaluation.temperature],
    f"""
    from cnndemo import chain, training

    settings = training.{shown.code()}
    for run in training.train(settings):  # the script train/digit_classifier.py, in the process where Keras runs
        pass
    for row in run.history:
        print(row["epoch"], row["loss"], row["val_accuracy"])
    report = training.report(chain.read(run.network).predictor())
    print(f"{{report.accuracy:.1%}} of the test digits, temperature {{report.temperature:.2f}}")
    """,
    alone=take_home.cells(shown),
)
commands(shown)
losses = [row["val_loss"] for row in history()[0] if "val_loss" in row]
ui.check_yourself(questions(shown, losses, state.get("p") or 0.6, state.get("factor") or 0.2))
ui.model_card("digit_classifier")
