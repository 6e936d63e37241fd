"""Train the book's digit network in the page, with its callbacks and curves (book 2.5)."""

from cnndemo import training, ui
from cnndemo.models import digit_classifier as architecture
from cnndemo.training.views import callbacks, lesson, loss_and_accuracy, questions

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
ui.check_yourself(questions(settings))
ui.model_card("digit_classifier")
