"""Train the book's digit network in the page, with its callbacks and curves (book 2.5)."""

import math

from cnndemo import training, ui
from cnndemo.models import digit_classifier as architecture
from cnndemo.ui.training import callbacks, history, lesson, loss_and_accuracy

ui.page("training")
ui.section("Try it", figures=("2.19", "2.20"), listings=("2.6", "2.7"))
settings = lesson()

ui.section("How it works", listings=("2.3",))
loss_and_accuracy()

ui.section("Callbacks", listings=("2.4", "2.5"))
callbacks()

filters = training.NETWORKS[settings.network]
reduce = f"keras.callbacks.ReduceLROnPlateau(factor={settings.factor:g}, patience={settings.patience}, min_lr=1e-6)"
ui.code(
    [training.data, training.train, training.plateau, architecture.variant],
    f"""
    import keras

    from cnndemo import training
    from cnndemo.models import digit_classifier

    settings = training.{settings.code()}
    (x, y), validation = training.data(settings)
    model = digit_classifier.variant({filters})
    model.compile(
        optimizer=keras.optimizers.{settings.optimizer}({settings.rate:g}),
        loss=keras.losses.SparseCategoricalCrossentropy(),
        metrics=["accuracy"],
    )
    callbacks = [
        keras.callbacks.ModelCheckpoint("best.keras", "val_loss", save_best_only=True),
        {reduce if settings.reduce else "# no ReduceLROnPlateau"},
    ]
    history = model.fit(
        x, y, {settings.batch_size}, {settings.epochs}, callbacks=callbacks, validation_data=validation
    )
    """,
)
updates = {f"{n:,}" for n in (settings.updates * settings.epochs, settings.epochs, settings.digits * settings.epochs)}
rows, whose = history()
questions = [
    ui.Question(
        f"{settings.digits:,} digits, batches of {settings.batch_size}, {settings.epochs} epochs: how often are the "
        "weights updated?",
        sorted(updates, key=lambda words: int(words.replace(",", ""))),
        f"{settings.updates * settings.epochs:,}",
        f"An epoch is one pass over all digits: ⌈{settings.digits:,} / {settings.batch_size}⌉ = {settings.updates:,} "
        "updates. The book says an epoch is one batch.",
    )
]
if rows:
    held = [row["val_loss"] for row in rows]
    best = held.index(min(held)) + 1
    options = sorted({best, len(rows), max(1, math.ceil(best / 2))})
    questions.append(
        ui.Question(
            f"Look at the loss of {whose}. Which epoch's weights would ModelCheckpoint keep as the best?",
            [f"epoch {number}" for number in options],
            f"epoch {best}",
            f"Its validation loss, {min(held):.4f}, is the lowest. The last epoch has {held[-1]:.4f}.",
        )
    )
ui.check_yourself(questions)
ui.model_card("digit_classifier")
