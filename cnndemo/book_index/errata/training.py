"""Errata about training, architectures, faces and segmentation whose checks need arithmetic only."""

from __future__ import annotations

import math

import numpy as np

from cnndemo.book_index.errata.base import Finding, registry, undefined_names

ERRATA, erratum = registry()


@erratum(
    "2.4",
    "wrong",
    "training",
    "To regularise, add the sum of the weights to the loss.",
    "Then weights that the data leave free fall without end and take the loss with them. L1 adds absolute values, "
    "L2 squares: both have a bottom.",
)
def raw_sum_has_no_bottom() -> Finding:
    x = np.array([1.0, 2.0, 3.0])
    features, target = np.stack([x, 2 * x], axis=1), x
    raw, absolute = [], []
    for free in (0.0, 1e3, 1e6):
        weights = np.array([1 - 2 * free, free])  # every one of these fits the target exactly
        fit = float(((target - features @ weights) ** 2).sum())
        raw.append(fit + float(weights.sum()))
        absolute.append(fit + float(np.abs(weights).sum()))
    return Finding(
        raw[2] < raw[1] < raw[0] and raw[2] < -1e5 and min(absolute) >= 0,
        {
            "three perfect fits, loss with the raw sum": ", ".join(f"{loss:.6g}" for loss in raw),
            "with the absolute sum": ", ".join(f"{loss:.6g}" for loss in absolute),
        },
    )


@erratum(
    "2.4",
    "wrong",
    "training",
    "Summing four million weights in each step would be tedious and hard to keep in 32 or 64 bits.",
    "It is one reduction, done in milliseconds, and float32 holds the result. Keras does it: kernel_regularizer.",
)
def millions_of_weights_add_up() -> Finding:
    weights = np.random.default_rng(0).normal(0, 0.01, 4_738_826).astype(np.float32)
    single = float((weights * weights).sum(dtype=np.float32))
    double = float((weights.astype(np.float64) ** 2).sum())
    error = abs(single - double) / double
    return Finding(
        math.isfinite(single) and error < 1e-4,
        {
            "weights": f"{weights.size:,}",
            "sum of squares in float32": f"{single:.4f}",
            "relative error": f"{error:.1e}",
        },
    )


@erratum(
    "2.5",
    "wrong",
    "training",
    "Epochs are the number of times a batch is drawn and the weights are updated.",
    "An epoch is one pass over all data: N / batch_size updates, rounded up.",
)
def epochs_are_passes() -> Finding:
    per_epoch = math.ceil(60_000 / 16)
    ragged = len(range(0, 1000, 16))
    return Finding(
        15 * per_epoch == 56_250 != 15 and ragged == 63 != 1000 / 16,
        {
            "updates in the 15 epochs of listing 2.6 on MNIST": f"{15 * per_epoch:,}",
            "batches of 16 in 1,000 examples": f"{ragged}, not {1000 / 16:g}",
        },
    )


@erratum(
    "listing 2.6",
    "wrong",
    "training",
    "The test data serve as validation data.",
    "Whatever is chosen by them, the rate or the epoch, makes their score too good. Cut validation data from the "
    "training split and touch the test data once.",
)
def choosing_on_the_test_data_flatters() -> Finding:
    random = np.random.default_rng(0)
    models, examples = 15, 100  # 15 epochs that all guess between two classes
    scores = random.binomial(examples, 0.5, (2000, models)) / examples
    chosen = float(scores.max(axis=1).mean())
    fresh = float(random.binomial(examples, 0.5, 2000).mean() / examples)
    return Finding(
        chosen > 0.56 and abs(fresh - 0.5) < 0.01,
        {
            "best of 15 guessing models on the data that chose it": f"{chosen:.1%}",
            "the same on fresh data": f"{fresh:.1%}",
        },
    )


def _alexnet(side: int, first_stride: int, dense: tuple[int, ...]) -> tuple[int, list[int]]:
    """Flattened size of listing 4.1's convolutions on a side × side image, and parameters of its dense layers."""
    side = (side - 11) // first_stride + 1
    for _ in range(3):  # the other convolutions keep the size; three of the five are followed by pooling
        side = (side - 3) // 2 + 1
    flat = side * side * 64
    sizes = [flat, *dense]
    return flat, [a * b + b for a, b in zip(sizes, sizes[1:], strict=False)]


@erratum(
    "listing 4.1",
    "wrong",
    "architectures",
    "The exact AlexNet with a quarter of its filters: dense layers of 2304, 1024, 1024 and 8.",
    "AlexNet has three dense layers. 2304 is the flattened size, not a layer; and its first stride is 4, not 2.",
)
def alexnet_has_three_dense_layers() -> Finding:
    flat, printed = _alexnet(128, 2, (2304, 1024, 1024, 8))
    original, quarter = _alexnet(227, 4, (1024, 1024, 250))
    return Finding(
        flat == original == 2304 and len(printed) == 4 and len(quarter) == 3,
        {
            "flattened size in the listing": f"{flat:,}",
            "in a quarter of AlexNet, 227 pixels, stride 4": f"{original:,}",
            "parameters of the layer too many": f"{printed[0]:,} of {sum(printed):,} in dense layers",
        },
    )


@erratum(
    "4.1",
    "wrong",
    "architectures",
    "Five convolutional layers followed by max-pooling layers.",
    "Three of the five are followed by pooling, in the paper and in listing 4.1.",
)
def three_poolings() -> Finding:
    listing = ["conv", "pool", "conv", "pool", "conv", "conv", "conv", "pool", "flatten", *["dense"] * 4]
    followed = sum(a == "conv" and b == "pool" for a, b in zip(listing, listing[1:], strict=False))
    return Finding(
        (listing.count("conv"), followed) == (5, 3),
        {"convolutions in listing 4.1": str(listing.count("conv")), "followed by pooling": str(followed)},
    )


@erratum(
    "4.2",
    "wrong",
    "architectures",
    "One layer suffices to approximate any function.",
    "One hidden layer with a nonlinearity, and any continuous function on a bounded region. One layer alone cannot "
    "even do exclusive or.",
)
def one_layer_cannot_xor() -> Finding:
    inputs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], float)
    target = np.array([0, 1, 1, 0], float)
    weights, *_ = np.linalg.lstsq(np.c_[inputs, np.ones(4)], target, rcond=None)
    single = np.c_[inputs, np.ones(4)] @ weights
    hidden = np.maximum(inputs @ np.array([[1, 1], [1, 1]]) + np.array([0, -1]), 0) @ np.array([1, -2])
    return Finding(
        bool(np.allclose(single, 0.5) and np.array_equal(hidden, target)),
        {
            "best single layer on 00, 01, 10, 11": str(single.round(3).tolist()),
            "two hidden ReLU units": str(hidden.tolist()),
        },
    )


@erratum(
    "4.2",
    "wrong",
    "architectures",
    "A hundred weights of 0.8 multiply to zero, or round to it.",
    "To 2e−10: small, but far from what float32 rounds to zero. The 4.07e17 for 1.5 is right.",
)
def small_is_not_zero() -> Finding:
    small, large = np.float32(0.8) ** np.float32(100), 1.5**100
    tiny = float(np.finfo(np.float32).smallest_subnormal)
    return Finding(
        float(small) > 1e20 * tiny and math.isclose(large, 4.065611775e17, rel_tol=1e-9),
        {
            "0.8^100 in float32": f"{small:.3g}",
            "smallest float32 above zero": f"{tiny:.2g}",
            "1.5^100": f"{large:.10g}",
        },
    )


@erratum(
    "4.3",
    "unclear",
    "architectures",
    "n layers have n(n − 1) / 2 connections.",
    "Among the layers alone. The paper counts the block's input too: n(n + 1) / 2, 15 in a block of five.",
)
def connections_count_the_input() -> Finding:
    among = sum(1 for to in range(5) for start in range(5) if start < to)
    with_input = sum(1 for to in range(1, 6) for start in range(6) if start < to)
    return Finding((among, with_input) == (10, 15), {"among 5 layers": str(among), "with the input": str(with_input)})


def densenet_parameters(blocks: tuple[int, ...] = (6, 12, 24, 16), growth: int = 32, classes: int = 1000) -> int:
    """Parameters of a DenseNet-BC with half compression, batch norm statistics included (DenseNet-121 by default)."""
    channels = 64
    total = 7 * 7 * 3 * channels + 4 * channels
    for index, layers in enumerate(blocks):
        for _ in range(layers):
            total += 4 * channels + channels * 4 * growth + 4 * 4 * growth + 3 * 3 * 4 * growth * growth
            channels += growth
        if index < len(blocks) - 1:
            total += 4 * channels + channels * (channels // 2)
            channels //= 2
    return total + 4 * channels + channels * classes + classes


@erratum(
    "4.3",
    "wrong",
    "architectures",
    "With so many connections it is easy to end up with an enormous network.",
    "Connections cost little, since each layer adds few maps: DenseNet-121 has a third of ResNet50's parameters.",
)
def densenet_is_small() -> Finding:
    dense, resnet = densenet_parameters(), 23_587_712 + 2048 * 1000 + 1000  # listing 4.3's count, and 1,000 classes
    return Finding(
        dense == 8_062_504 and dense < resnet / 3,
        {"DenseNet-121": f"{dense:,} parameters", "ResNet50": f"{resnet:,}", "share": f"{dense / resnet:.0%}"},
    )


@erratum(
    "listing 4.4",
    "wrong",
    "augmentation",
    "The generator is fitted to X_train, then flows from x_train.",
    "Python tells them apart. And fitting is needed for featurewise statistics only, which the listing does not use.",
)
def two_names_for_one_array() -> Finding:
    code = "datagenerator.fit(X_train)\nmodel.fit_generator(datagenerator.flow(x_train, y_train))"
    names = [name for name in undefined_names(code) if name.lower() == "x_train"]
    return Finding(len(names) == 2, {"names for the images": ", ".join(names)})


@erratum(
    "5.3",
    "wrong",
    "siamese",
    "The sigmoid of the distance is a similarity between 0 and 1.",
    "A distance is never negative, so its sigmoid is never below 0.5, and it grows as the faces differ. Use a "
    "threshold on the distance, or a function that falls.",
)
def sigmoid_of_a_distance() -> Finding:
    distances = np.array([0.0, 0.6, 1.2, 5.0])
    sigmoid = 1 / (1 + np.exp(-distances))
    return Finding(
        sigmoid.min() == 0.5 and bool((np.diff(sigmoid) > 0).all()),
        {f"distance {distance:g}": f"{value:.3f}" for distance, value in zip(distances, sigmoid, strict=True)},
    )


@erratum(
    "5.6.1",
    "unclear",
    "siamese",
    "The triplet loss subtracts L2 norms; in other letters it is max(d1 − d3 + α, 0).",
    "The formula squares the norms. With plain distances it is another loss.",
)
def squared_or_not() -> Finding:
    near, far, alpha = 3.0, 4.0, 2.0
    squared, plain = max(near**2 - far**2 + alpha, 0), max(near - far + alpha, 0)
    return Finding(
        squared == 0 != plain,
        {"distances 3 and 4, margin 2, squared": f"loss {squared:g}", "plain": f"loss {plain:g}"},
    )


@erratum(
    "listing 5.6",
    "wrong",
    "siamese",
    "The listing is complete.",
    "The base network is never created, and the inputs, the distance and the accuracy are never defined.",
)
def siamese_listing_lacks_names() -> Finding:
    code = (
        "def create_base_network(input_shape): ...\ninput_shape = (28, 28, 1)\n"
        "processed_a = base_network(input_a)\nprocessed_b = base_network(input_b)\n"
        "distance = Lambda(euclidean_distance)([processed_a, processed_b])\n"
        "model = Model([input_a, input_b], distance)\n"
        "model.compile(loss=contrastive_loss, optimizer=RMSprop(), metrics=[accuracy])\n"
    )
    imports = {"Lambda", "Model", "RMSprop", "contrastive_loss"}
    missing = [name for name in undefined_names(code) if name not in imports]
    expected = {"base_network", "input_a", "input_b", "euclidean_distance", "accuracy"}
    return Finding(set(missing) == expected, {"undefined": ", ".join(missing)})


@erratum(
    "6.1",
    "wrong",
    "pet_segmentation",
    "The encoder of U-Net ends in a latent space of 1024 dimensions.",
    "In a map with 1024 channels, 28 × 28 of them for the paper's 572 × 572 image: more numbers than pixels.",
)
def the_bottom_is_a_map() -> Finding:
    side = 572
    for _ in range(4):
        side = (side - 4) // 2  # two unpadded 3 × 3 convolutions, then pooling
    side -= 4
    return Finding(
        side == 28 and side * side * 1024 > 572 * 572,
        {"numbers at the bottom": f"{side} × {side} × 1024 = {side * side * 1024:,}", "pixels in": f"{572 * 572:,}"},
    )


@erratum(
    "6.2",
    "wrong",
    "upsampling",
    "Figure 6.2 shows both methods upsizing 2 × 2 to 32 × 32 with the layers shown.",
    "With size=(2, 2) they make 4 × 4. The figure needs size=(16, 16).",
)
def two_by_two_makes_four() -> Finding:
    small = np.array([[1, 2], [3, 4]])
    shapes = {size: np.kron(small, np.ones((size, size))).shape for size in (2, 16)}
    return Finding(
        shapes == {2: (4, 4), 16: (32, 32)}, {f"size=({size}, {size})": str(shape) for size, shape in shapes.items()}
    )


# Pixels of the values 1, 2 and 3 in the 549 exact trimaps of the part of the data set that this gallery trains on,
# and in the frame of one pixel round each of them, counted with NumPy.
TRIMAP_PIXELS = (5_592_015, 11_449_806, 2_402_499)
TRIMAP_FRAME = (26_986, 371_661, 17_891)


@erratum(
    "6.4",
    "wrong",
    "pet_segmentation",
    "Class 2 is the pet's border, class 3 its surroundings.",
    "The other way round in the files: 1 pet, 2 surroundings, 3 border.",
)
def trimap_classes_are_swapped() -> Finding:
    all_shares, frame = (np.array(counts) / sum(counts) for counts in (TRIMAP_PIXELS, TRIMAP_FRAME))
    return Finding(
        bool(all_shares[1] > 0.5 > 0.2 > all_shares[2] and frame[1] > 0.85),
        {
            "share of values 1, 2, 3 in 549 files": ", ".join(f"{share:.0%}" for share in all_shares),
            "along the edge of the pictures": ", ".join(f"{share:.0%}" for share in frame),
        },
    )


@erratum(
    "6.4.2",
    "wrong",
    "pet_segmentation",
    "Dice is |A∩B| / (|A| + |B|).",
    "Twice that. Only then is J = D / (2 − D), as the book says next.",
)
def dice_lacks_its_two() -> Finding:
    both, first, second = 3, 5, 4
    jaccard, printed = both / (first + second - both), both / (first + second)
    right = 2 * printed
    return Finding(
        math.isclose(jaccard, right / (2 - right)) and not math.isclose(jaccard, printed / (2 - printed)),
        {
            "sets of 5 and 4 with 3 in common, Jaccard": f"{jaccard:.3f}",
            "from the printed Dice": f"{printed / (2 - printed):.3f}",
            "from the right one": f"{right / (2 - right):.3f}",
            "Dice of a set with itself, as printed": f"{both / (both + both):g}",
        },
    )


@erratum(
    "6.4",
    "wrong",
    "pet_segmentation",
    "The network reaches a Jaccard of 0.88 and a Dice of 0.85.",
    "Not both: Dice is never below Jaccard.",
)
def dice_is_never_below_jaccard() -> Finding:
    jaccard = np.linspace(0, 1, 101)
    dice = 2 * jaccard / (1 + jaccard)
    return Finding(
        bool((dice >= jaccard).all()),
        {
            "Dice that belongs to a Jaccard of 0.88": f"{2 * 0.88 / 1.88:.3f}",
            "Jaccard of a Dice of 0.85": f"{0.85 / 1.15:.3f}",
        },
    )
