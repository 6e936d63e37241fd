"""Errata whose checks ask Keras itself; each check imports it, so it takes seconds the first time."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from cnndemo.book_index.errata.base import Finding, registry

ERRATA, erratum = registry(keras=True)


def _refusal(action) -> str:
    """What Keras says when asked for this, on one line; empty when it agrees."""
    try:
        action()
    except (ValueError, TypeError, AttributeError) as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
    return ""


@erratum(
    "2.2",
    "outdated",
    "digit_classifier",
    "Keras runs on top of CNTK, Theano or TensorFlow.",
    "Today on TensorFlow, JAX or PyTorch.",
)
def keras_backends() -> Finding:
    from importlib import metadata

    names = {
        file.parts[3]
        for file in metadata.files("keras") or ()
        if file.parts[:3] == ("keras", "src", "backend") and len(file.parts) == 5
    }
    return Finding(
        {"tensorflow", "jax", "torch"} <= names and not {"cntk", "theano"} & names,
        {"backends in the installed package": ", ".join(sorted(names - {"common", "tests", "__pycache__"}))},
    )


@erratum(
    "listing 2.1",
    "wrong",
    "digit_classifier",
    "input_shape=(28, 28)",
    "(28, 28, 1): the channel axis is missing.",
)
def channel_axis() -> Finding:
    import keras

    def build(*shape):
        return keras.Sequential([keras.Input(shape), keras.layers.Conv2D(32, 3)])

    refused, shape = _refusal(lambda: build(28, 28)), build(28, 28, 1).output_shape
    return Finding("min_ndim=4" in refused, {"with (28, 28)": refused, "with (28, 28, 1)": f"output {shape}"})


@erratum(
    "2.4.1",
    "wrong",
    "layer_lab",
    "Dropout drops some of the weights.",
    "It drops units: outputs of the layer before it. The weights stay, and the kept outputs grow by 1 / (1 − rate).",
)
def dropout_drops_units() -> Finding:
    import keras

    layer = keras.layers.Dropout(0.5, seed=1)
    out = np.asarray(layer(np.ones((1, 12), np.float32), training=True))
    values = sorted(set(out.ravel().tolist()))
    count = len(layer.trainable_weights)
    return Finding(
        values == [0.0, 2.0] and count == 0,
        {"weights of the layer": str(count), "twelve ones, rate 0.5": " ".join(f"{value:g}" for value in out.ravel())},
    )


@erratum(
    "2.4.2",
    "unclear",
    "layer_lab",
    "Keras represents max-pooling as a regularization layer.",
    "As a pooling layer. It acts while predicting too, and makes maps smaller; less overfitting is a side effect.",
)
def pooling_is_not_regularization() -> Finding:
    import keras

    pooling, dropout = keras.layers.MaxPooling2D(), keras.layers.Dropout(0.5)
    image = np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1)
    acts = {
        layer.name.split("_")[0]: bool(np.asarray(layer(image, training=False)).shape != image.shape)
        for layer in (pooling, dropout)
    }
    modules = [type(layer).__module__.split(".")[3] for layer in (pooling, dropout)]
    return Finding(
        modules == ["pooling", "regularization"] and list(acts.values()) == [True, False],
        {"MaxPooling2D is among": modules[0], "Dropout is among": modules[1], "changes a prediction": str(acts)},
    )


@erratum(
    "2.5",
    "wrong",
    "training",
    "compile initialises the weights.",
    "Building the model does, and compile leaves them as they are; it chooses loss, optimizer and metrics.",
)
def compile_leaves_weights() -> Finding:
    import keras

    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    before = model.layers[0].kernel.numpy().copy()
    model.compile("adam", "mse")
    same = np.array_equal(before, model.layers[0].kernel.numpy())
    return Finding(
        same and bool(before.any()),
        {"weights before compile": f"{before.size}, not zero", "changed by compile": "no" if same else "yes"},
    )


@erratum(
    "listing 2.7",
    "outdated",
    "training",
    "The history holds acc and val_acc.",
    "Today accuracy and val_accuracy.",
)
def history_keys() -> Finding:
    import keras

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    data = np.zeros((4, 2), np.float32), np.zeros((4, 1), np.float32)
    keys = list(model.fit(*data, validation_data=data, verbose=0).history)
    return Finding("accuracy" in keys and "acc" not in keys, {"keys of a history": ", ".join(keys)})


@erratum(
    "listing 4.1",
    "outdated",
    "architectures",
    "Adam(lr=0.001), and RMSprop(lr=0.0001, decay=1e-6) in listing 5.1.",
    "learning_rate=…, and a schedule instead of decay.",
)
def learning_rate() -> Finding:
    import keras

    refusals = {
        "Adam(lr=0.001)": _refusal(lambda: keras.optimizers.Adam(lr=0.001)),
        "RMSprop(lr=0.0001, decay=1e-6)": _refusal(lambda: keras.optimizers.RMSprop(lr=0.0001, decay=1e-6)),
    }
    accepted = _refusal(lambda: keras.optimizers.Adam(learning_rate=0.001))
    return Finding(all(refusals.values()) and not accepted, refusals)


@lru_cache(maxsize=1)
def resnet50_numbers() -> dict[str, int]:
    """Counts of listing 4.2's network, from a ResNet50 without weights; the network is let go."""
    import keras

    base = keras.applications.ResNet50(include_top=False, weights=None, input_shape=(None, None, 3))
    for layer in base.layers[:-5]:
        layer.trainable = False
    trainable = sum(int(np.prod(weight.shape)) for weight in base.trainable_weights)
    small, usual = (base.compute_output_shape((None, side, side, 3)) for side in (32, 224))
    head = 2048 * 10 + 10
    return {
        "output at 32 pixels": int(np.prod(small[1:])),
        "flattened at 224 pixels": int(np.prod(usual[1:])),
        "total": base.count_params() + head,
        "trainable": trainable + head,
    }


@erratum(
    "4.2",
    "wrong",
    "resnet_transfer",
    "With pretrained weights the input must have the size 224 × 224.",
    "Only the original head needs that. With include_top=False the same weights take any size from 32 × 32 up.",
)
def any_size_from_32() -> Finding:
    numbers = resnet50_numbers()
    return Finding(
        numbers["output at 32 pixels"] == 2048 and numbers["total"] == 23_608_202,
        {"ResNet50 on 32 × 32": "built, output 1 × 1 × 2048", "parameters with the head": f"{numbers['total']:,}"},
    )


@erratum(
    "listing 4.3",
    "unclear",
    "resnet_transfer",
    "Flatten gives 2048.",
    "After pooling=“avg” only, which listing 4.2 leaves out; without it, 7 × 7 × 2048 at 224 pixels. With it, the "
    "counts of the listing come out.",
)
def flatten_needs_pooling() -> Finding:
    numbers = resnet50_numbers()
    right = (numbers["total"], numbers["trainable"]) == (23_608_202, 1_075_210)
    return Finding(
        right and numbers["flattened at 224 pixels"] == 100_352,
        {
            "flattened without pooling": f"{numbers['flattened at 224 pixels']:,}",
            "total and trainable with pooling": f"{numbers['total']:,} and {numbers['trainable']:,}",
        },
    )


@erratum(
    "listing 4.2",
    "wrong",
    "resnet_transfer",
    "All layers are set trainable, then fit is called again.",
    "A change of trainable counts from the next compile on; without it the second fit trains the head alone again.",
)
def unfreezing_needs_compile() -> Finding:
    import keras

    base = keras.layers.Dense(3, trainable=False)
    model = keras.Sequential([keras.Input((4,)), base, keras.layers.Dense(1)])
    data = np.ones((8, 4), np.float32), np.ones((8, 1), np.float32)
    moved = []

    def fit() -> None:
        before = base.kernel.numpy().copy()
        model.fit(*data, verbose=0)
        moved.append(not np.array_equal(before, base.kernel.numpy()))

    model.compile("adam", "mse")
    fit()
    base.trainable = True
    fit()
    model.compile("adam", "mse")
    fit()
    words = ["frozen", "unfrozen, as in the listing", "unfrozen and compiled again"]
    return Finding(
        moved == [False, False, True],
        {word: "moves" if has else "stays" for word, has in zip(words, moved, strict=True)},
    )


TODAY = {
    "samplewise_center, samplewise_std_normalization": "LayerNormalization, or a Lambda in the data pipeline",
    "featurewise_center, rescale": "Normalization, Rescaling",
    "rotation_range": "RandomRotation",
    "width_shift_range, height_shift_range": "RandomTranslation",
    "shear_range": "RandomShear",
    "zoom_range": "RandomZoom",
    "brightness_range": "RandomBrightness",
    "horizontal_flip, vertical_flip": "RandomFlip",
    "flow_from_directory": "utils.image_dataset_from_directory",
}


@erratum(
    "4.5",
    "outdated",
    "augmentation",
    "ImageDataGenerator with fit_generator and predict_generator (also announced in 3.1).",
    "Deprecated or gone. Each argument is a layer today: " + "; ".join(f"{a} → {b}" for a, b in TODAY.items()) + ".",
)
def generators_are_gone() -> Finding:
    import keras

    gone = [name for name in ("fit_generator", "predict_generator") if not hasattr(keras.Model, name)]
    names = [word.strip() for value in TODAY.values() for word in value.split(",") if word.strip()[0].isupper()]
    layers = [name for name in names if hasattr(keras.layers, name)]
    wanted = ("RandomRotation", "RandomTranslation", "RandomShear", "RandomZoom", "RandomBrightness", "RandomFlip")
    return Finding(
        len(gone) == 2 and set(wanted) <= set(layers),
        {"absent from keras.Model": ", ".join(gone), "layers of today": ", ".join(wanted)},
    )


@erratum(
    "listing 5.6",
    "wrong",
    "siamese",
    "The model does not share weights: two models are defined.",
    "One base network is called twice, and both calls use the same weights, as 5.3 wants it.",
)
def the_towers_share() -> Finding:
    import keras

    base = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4)])
    left, right = keras.Input((6,)), keras.Input((6,))
    siamese = keras.Model([left, right], keras.layers.Subtract()([base(left), base(right)]))
    same = np.random.default_rng(0).normal(size=(1, 6)).astype(np.float32)
    distance = float(np.abs(np.asarray(siamese([same, same]))).max())
    return Finding(
        siamese.count_params() == base.count_params() and distance == 0,
        {
            "parameters of one tower": str(base.count_params()),
            "of both": str(siamese.count_params()),
            "distance of an input to itself": f"{distance:g}",
        },
    )
