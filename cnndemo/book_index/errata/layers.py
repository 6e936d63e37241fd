"""Errata of chapters 1 to 3: sliding, layers and filters."""

from __future__ import annotations

import math

import numpy as np

from cnndemo.book_index.errata.base import Finding, registry, undefined_names
from cnndemo.pattern_matching import correlate, find
from cnndemo.pattern_matching.scenes import make_scene, shape_pattern

ERRATA, erratum = registry()


@erratum(
    "1.3",
    "unclear",
    "convolution",
    "Convolution in machine learning is the dot product of the sliding pattern.",
    "That is cross-correlation. The convolution of 1.1 flips one of the two first; Keras' Conv2D does not.",
)
def convolution_flips() -> Finding:
    signal, kernel = np.array([1, 2, 4, 8]), np.array([1, 0, -3])
    slid = np.array([signal[i : i + 3] @ kernel for i in range(2)])
    convolved = np.convolve(signal, kernel, "valid")
    flipped = np.convolve(signal, kernel[::-1], "valid")
    return Finding(
        not np.array_equal(slid, convolved) and np.array_equal(slid, flipped),
        {"sliding dot product": str(slid), "convolution": str(convolved), "convolution, flipped": str(flipped)},
    )


@erratum(
    "listing 1.1",
    "wrong",
    "pattern_matching",
    "The loops run to n and m.",
    "Neither is defined in the listing: they are the rows and columns of X.",
)
def dot_product_sizes() -> Finding:
    code = (
        "def dot_product(X, Y):\n    result = 0\n    for i in range(n):\n        for j in range(m):\n"
        "            result += X[i][j] * Y[i][j]\n    return result\n"
    )
    space: dict = {}
    exec(code, space)  # the listing, as printed
    try:
        outcome = str(space["dot_product"]([[1]], [[1]]))
    except NameError as error:
        outcome = f"NameError: {error}"
    return Finding("NameError" in outcome, {"calling it": outcome, "undefined": ", ".join(undefined_names(code))})


@erratum(
    "1.3",
    "wrong",
    "pattern_matching",
    "The highest score is where the pattern matches; the score is the amount of similarity.",
    "A plain dot product is highest where the image is bright: a white patch beats the exact pattern. "
    "Taking off the means and normalising makes it a similarity.",
)
def bright_beats_right() -> Finding:
    image = np.zeros((6, 12), np.uint8)
    image[1:4, 1:4] = np.eye(3) * 100  # the pattern itself, at grey value 100
    image[1:4, 7:10] = 255
    plain, normalised = (find(image, np.eye(3), method)[0] for method in ("plain", "normalised"))
    return Finding(
        plain.column > 4 and (normalised.row, normalised.column) == (1, 1),
        {
            "score of the diagonal": f"{correlate(image, np.eye(3))[1, 1]:g}",
            "plain dot product finds": f"the white patch, score {plain.score:g}",
            "normalised finds": f"row {normalised.row}, column {normalised.column}: the diagonal",
        },
    )


@erratum(
    "1.3",
    "unclear",
    "pattern_matching",
    "The bright dot of the result is the centre of the pattern.",
    "The result is smaller than the image: its dot marks the upper left corner of the window. The centre is half a "
    "pattern further down and right.",
)
def dot_is_a_corner() -> Finding:
    scene, size = make_scene(), 90
    match, center = find(scene.image, shape_pattern("circle", size))[0], scene.center("circle")
    miss = math.dist((match.row, match.column), center)
    return Finding(
        bool(miss > size / 2 and match.hits(center)),
        {
            "bright dot": f"row {match.row}, column {match.column}",
            "true centre of the circle": f"row {center[0]:.1f}, column {center[1]:.1f}",
            "dot + half the pattern": f"row {match.center[0]:.1f}, column {match.center[1]:.1f}",
        },
    )


def output_size(width: int, kernel: int, padding: int, stride: int) -> int:
    """Number of positions of a kernel, by putting it down."""
    return len(range(0, width + 2 * padding - kernel + 1, stride))


@erratum(
    "2.3.1",
    "wrong",
    "layer_lab",
    "The output has (W − F + 2P) / S + 1 columns.",
    "Rounded down: the last step may not fit.",
)
def size_is_rounded_down() -> Finding:
    formula, counted = (28 - 3) / 2 + 1, output_size(28, 3, 0, 2)
    return Finding(
        formula != counted == math.floor(formula),
        {"28 pixels, kernel 3, stride 2, by the formula": f"{formula:g}", "counted": str(counted)},
    )


@erratum(
    "2.3.1",
    "unclear",
    "layer_lab",
    "Raising the stride with 2 halves the output; a kernel larger by a constant shrinks the output by that constant.",
    "Raising it to 2 about halves it, adding 2 divides by three; and the second holds for stride 1 only.",
)
def stride_by_two() -> Finding:
    sizes = {stride: output_size(28, 4, 0, stride) for stride in (1, 2, 3)}
    shrunk = output_size(28, 3, 0, 2) - output_size(28, 5, 0, 2)
    return Finding(
        sizes[1] / sizes[3] > 2.5 and shrunk != 2,
        {
            "columns at stride 1, 2, 3": ", ".join(map(str, sizes.values())),
            "stride 2, kernel 3 to 5 shrinks by": str(shrunk),
        },
    )


@erratum(
    "2.3.1",
    "wrong",
    "layer_lab",
    "Without padding the output is kernel_size / 2 smaller on each side.",
    "kernel_size − 1 smaller in all: (k − 1) / 2 a side for odd kernels.",
)
def valid_loses_half_a_kernel() -> Finding:
    loss = {kernel: 28 - output_size(28, kernel, 0, 1) for kernel in (2, 3, 5)}
    return Finding(
        all(lost == kernel - 1 != kernel for kernel, lost in loss.items()),
        {f"kernel {kernel}": f"{lost} pixels in all, not {kernel}" for kernel, lost in loss.items()},
    )


@erratum(
    "2.3.1",
    "unclear",
    "layer_lab",
    "padding=“same” adds kernel_size / 2 pixels on each side, so that the output has the size of the input.",
    "The same size at stride 1 only, otherwise ceil(W / S); and where the padding is odd, the extra pixel goes to the "
    "right and the bottom.",
)
def same_is_not_always_same() -> Finding:
    def padded(width: int, kernel: int, stride: int) -> tuple[int, int, int]:
        size = math.ceil(width / stride)
        total = max((size - 1) * stride + kernel - width, 0)
        return size, total // 2, total - total // 2

    even, strided = padded(28, 2, 1), padded(28, 3, 2)
    return Finding(
        even == (28, 0, 1) and strided[0] == 14,
        {
            "kernel 2, stride 1": f"{even[0]} columns, padded {even[1]} left and {even[2]} right",
            "kernel 3, stride 2": f"{strided[0]} columns, padded {strided[1]} left and {strided[2]} right",
        },
    )


@erratum(
    "2.3.2",
    "unclear",
    "digit_classifier",
    "The second layer repeats the first with 64 filters of size 3 × 3.",
    "Each of its filters is 3 × 3 × 32: it sums over all 32 maps of the first layer. Otherwise listing 2.2's own "
    "count would not come out.",
)
def second_layer_is_deep() -> Finding:
    flat, deep = 64 * (3 * 3 + 1), 64 * (3 * 3 * 32 + 1)
    return Finding(
        deep == 18_496 != flat, {"parameters of 3 × 3 filters": f"{flat:,}", "of 3 × 3 × 32 filters": f"{deep:,}"}
    )


@erratum(
    "2.3.4",
    "wrong",
    "layer_lab",
    "ReLU deals well with exploding and vanishing gradients.",
    "With vanishing ones: its slope is 1 where it is active. It does nothing against exploding.",
)
def relu_explodes() -> Finding:
    value, slope = 1.0, 1.0
    squashed = 1.0
    for _ in range(100):
        value, slope = max(0.0, 1.5 * value), slope * 1.5
        squashed *= 0.25  # the steepest slope of a sigmoid
    return Finding(
        slope > 1e17 and squashed < 1e-60,
        {
            "slope of 100 ReLU layers with weight 1.5": f"{slope:.3g}",
            "steepest slope of 100 sigmoids with weight 1": f"{squashed:.3g}",
        },
    )


OUTPUTS = np.array([-0.113, 1.24, 12.1, 8.401, -0.999, -3.1144, 0.101, 4.0, 2.909, 5.8])


def softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max())
    return powers / powers.sum()


@erratum(
    "2.3.5",
    "wrong",
    "layer_lab",
    "ReLU in the last layer could give [-0.113, 1.24, 12.1, …, -3.1144, …].",
    "ReLU gives no negative number; this is the layer without an activation.",
)
def relu_is_never_negative() -> Finding:
    negative = OUTPUTS[OUTPUTS < 0]
    return Finding(
        bool(negative.size > 0 and np.maximum(OUTPUTS, 0).min() == 0),
        {"negative in the book's output": str(negative.tolist()), "after ReLU": str(np.maximum(negative, 0).tolist())},
    )


@erratum(
    "2.3.5",
    "wrong",
    "layer_lab",
    "The softmax value 0.9737 means 0.9737 % confidence.",
    "It means 97.37 %.",
)
def softmax_is_a_share() -> Finding:
    share = softmax(OUTPUTS)[2]
    return Finding(
        round(float(share), 4) == 0.9737,
        {
            "softmax of the book's output at 2": f"{share:.4f} = {share:.2%}",
            "all ten add up to": f"{softmax(OUTPUTS).sum():.3f}",
        },
    )


@erratum(
    "2.3.5",
    "wrong",
    "layer_lab",
    "The label of the digit 2 as infinities has nine entries.",
    "Ten digits need ten entries.",
)
def nine_entries() -> Finding:
    printed = ["-∞", "-∞", "+∞", "-∞", "-∞", "-∞", "-∞", "-∞", "-∞"]
    return Finding(len(printed) == 9 != OUTPUTS.size, {"printed": str(len(printed)), "outputs": str(OUTPUTS.size)})


@erratum(
    "2.3.5",
    "unclear",
    "layer_lab",
    "Softmax gives a vector proportional to its input.",
    "It keeps the order, not the proportions: differences become ratios.",
)
def softmax_is_not_proportional() -> Finding:
    before, after = OUTPUTS[2] / OUTPUTS[3], softmax(OUTPUTS)[2] / softmax(OUTPUTS)[3]
    difference = math.exp(OUTPUTS[2] - OUTPUTS[3])
    return Finding(
        after > 10 * before and math.isclose(after, difference),
        {
            "12.1 to 8.401 before": f"{before:.2f} : 1",
            "after": f"{after:.1f} : 1",
            "e^(12.1 − 8.401)": f"{difference:.1f}",
        },
    )


@erratum(
    "3.3.1",
    "wrong",
    "filters",
    "The gradient points where intensity decreases most.",
    "Where it increases most.",
)
def gradient_points_up() -> Finding:
    ramp = np.tile(np.arange(8.0), (8, 1)) * 10  # brighter to the right
    down, right = (float(part.mean()) for part in np.gradient(ramp))
    return Finding(
        right > 0 and down == 0,
        {"image": "10 brighter with each column to the right", "gradient (x, y)": f"({right:g}, {down:g})"},
    )


@erratum(
    "3.3.2",
    "wrong",
    "filters",
    "The last row of the Sobel x kernel is 1 0 1.",
    "1 0 −1: a derivative's kernel sums to zero, as 3.3.3 says of all of them.",
)
def sobel_last_row() -> Finding:
    printed = np.array([[1, 0, -1], [2, 0, -2], [1, 0, 1]])
    right = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])
    flat = np.full((3, 3), 100)
    answers = [float(correlate(flat, kernel)[0, 0]) for kernel in (printed, right)]
    return Finding(
        answers[0] != 0 == answers[1],
        {"answer of the printed kernel to flat grey 100": f"{answers[0]:g}", "of the right one": f"{answers[1]:g}"},
    )


@erratum(
    "3.3.2",
    "unclear",
    "filters",
    "The Sobel kernels are the gradient kernels with a heavier middle.",
    "With the opposite sign as well: the gradient kernels give plus where it gets brighter, these give minus.",
)
def sobel_has_the_other_sign() -> Finding:
    ramp = np.tile(np.arange(3), (3, 1))
    plain, sobel = np.array([[-1, 0, 1]] * 3), np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])
    answers = [float(correlate(ramp, kernel)[0, 0]) for kernel in (plain, sobel)]
    return Finding(
        answers[0] > 0 > answers[1],
        {"3.3.1 on a ramp of slope 1": f"{answers[0]:+g}", "3.3.2 on the same": f"{answers[1]:+g}"},
    )


@erratum(
    "3.3.3",
    "wrong",
    "filters",
    "Kernels that sum to zero keep the image's brightness; other sums make it brighter or darker.",
    "The sum must be one to keep the brightness. A sum of zero takes it away and leaves only what changes.",
)
def zero_sum_removes_brightness() -> Finding:
    flat = np.full((3, 3), 100)
    laplacian = np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])
    answers = {
        "Laplacian, sum 0": laplacian,
        "box blur, sum 1": np.full((3, 3), 1 / 9),
        "Laplacian plus the image, sum 1": laplacian + np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]]),
    }
    computed = {name: float(correlate(flat, kernel)[0, 0]) for name, kernel in answers.items()}
    right = all(math.isclose(value, 0 if "sum 0" in name else 100, abs_tol=1e-3) for name, value in computed.items())
    return Finding(right, {f"{name}, on flat grey 100": f"{value:g}" for name, value in computed.items()})
