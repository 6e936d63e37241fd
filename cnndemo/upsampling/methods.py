"""Making a picture larger: by a fixed rule, or by a transposed convolution (book 6.2 and 6.3, figures 6.2–6.5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cnndemo.errors import VisitorError
from cnndemo.grids import pair, whole

METHODS = ("nearest", "bilinear", "bicubic")
NAMES = {"nearest": "Nearest", "bilinear": "Bilinear", "bicubic": "Bicubic"}
LARGEST_FACTOR = 16
BOOK_INPUT = ((1.0, 2.0), (3.0, 4.0))


def _cubic(distance: np.ndarray) -> np.ndarray:
    """Keys' cubic with a = −0.5, the weight at a distance of 0–2 cells."""
    d, a = np.abs(distance), -0.5
    near = (a + 2) * d**3 - (a + 3) * d**2 + 1
    far = a * (d**3 - 5 * d**2 + 8 * d - 4)
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


def interpolation_matrix(n: int, factor: int, method: str) -> np.ndarray:
    """(n · factor, n): each new cell as a weighted sum of the old ones, rows summing to 1.

    New cell i lies at (i + ½) / factor − ½ between the old ones (half-pixel centres, as Keras places them). Weights
    that would fall outside are given to the cells that exist: bilinear repeats the edge, bicubic rescales the rest.
    """
    whole(n, "The input size", 1)
    whole(factor, "The factor", 1, LARGEST_FACTOR)
    if method == "nearest":
        return np.repeat(np.eye(n), factor, axis=0)
    places = (np.arange(n * factor) + 0.5) / factor - 0.5
    if method == "bilinear":
        places = np.clip(places, 0, n - 1)
        return np.clip(1 - np.abs(places[:, None] - np.arange(n)), 0, None)
    if method == "bicubic":
        # TensorFlow reads the cubic from a table of 1024 steps a cell; rounding the place likewise agrees to 1e-6.
        places = np.floor(places) + np.round((places - np.floor(places)) * 1024) / 1024
        weights = _cubic(places[:, None] - np.arange(n))
        return weights / weights.sum(axis=1, keepdims=True)
    raise VisitorError(f"There is no method “{method}”. Choose one of: {', '.join(METHODS)}.")


def upsample(x, factor: int, method: str = "nearest") -> np.ndarray:
    """What ``UpSampling2D(factor, interpolation=method)`` computes.

    x: (H, W) or (H, W, C), any numbers. factor: 1–16. Returns float64, (H · factor, W · factor[, C]).
    """
    x = np.asarray(x, dtype=float)
    if x.ndim not in (2, 3):
        raise VisitorError("Upsampling needs an input of shape (H, W) or (H, W, C).")
    rows = interpolation_matrix(x.shape[0], factor, method)
    columns = interpolation_matrix(x.shape[1], factor, method)
    return np.moveaxis(np.tensordot(columns, np.tensordot(rows, x, 1), (1, 1)), 0, 1)


def shares(n: tuple[int, int], factor: int, method: str, cell: tuple[int, int]) -> np.ndarray:
    """(H, W): how much each input cell counts in output ``cell`` (row, column)."""
    rows = interpolation_matrix(n[0], factor, method)[cell[0]]
    return np.outer(rows, interpolation_matrix(n[1], factor, method)[cell[1]])


@dataclass(frozen=True)
class Placement:
    """Along one axis: the size before the crop, and what the crop takes away at the two ends."""

    full: int
    before: int
    after: int

    @property
    def output(self) -> int:
        return self.full - self.before - self.after


def placement(n: int, kernel: int, stride: int, padding: str = "same") -> Placement:
    """Where the copies of a kernel go: ``n`` of them, ``stride`` apart.

    ``same`` crops to n · stride cells, the extra one at the end, as Keras does (the book drops the last row and
    column); ``valid`` crops nothing. A stride wider than the kernel leaves empty cells, also after the last copy.
    """
    whole(n, "The input size", 1)
    whole(kernel, "The kernel size", 1)
    whole(stride, "The stride", 1)
    if padding not in ("same", "valid"):
        raise VisitorError(f"A transposed convolution knows the paddings “same” and “valid”, not “{padding}”.")
    extra = max(kernel - stride, 0)
    if padding == "valid":
        return Placement(n * stride + extra, 0, 0)
    return Placement(n * stride + extra, extra // 2, extra - extra // 2)


def transposed_convolution(x, kernel, stride=2, padding: str = "same") -> np.ndarray:
    """The book's recipe: each pixel times the kernel, placed ``stride`` apart, overlaps summed, the rest cropped.

    x: (H, W) or (H, W, C), the channels apart. kernel: (h, w). stride: one whole number or (down, across).
    Returns float64; with padding ``same`` (H · stride, W · stride[, C]). Equals ``Conv2DTranspose`` with one filter.
    """
    x, kernel = np.asarray(x, dtype=float), np.asarray(kernel, dtype=float)
    if x.ndim not in (2, 3) or kernel.ndim != 2:
        raise VisitorError("The input must be (H, W) or (H, W, C) and the kernel (h, w).")
    down, across = pair(stride, "The stride")
    rows = placement(x.shape[0], kernel.shape[0], down, padding)
    columns = placement(x.shape[1], kernel.shape[1], across, padding)
    full = np.zeros((rows.full, columns.full, *x.shape[2:]))
    height, width = x.shape[:2]
    for a in range(kernel.shape[0]):
        for b in range(kernel.shape[1]):
            # All pixels at once: kernel cell (a, b) lands at (i · stride + a, j · stride + b).
            full[a : a + height * down : down, b : b + width * across : across] += kernel[a, b] * x
    return full[rows.before : rows.full - rows.after, columns.before : columns.full - columns.after]


def placements(x, kernel, stride: int, steps: int) -> np.ndarray:
    """The sum, not yet cropped, after the first ``steps`` pixels were placed, row by row: for the step view."""
    x, kernel = np.asarray(x, dtype=float), np.asarray(kernel, dtype=float)
    rows = placement(x.shape[0], kernel.shape[0], stride, "valid")
    columns = placement(x.shape[1], kernel.shape[1], stride, "valid")
    full = np.zeros((rows.full, columns.full))
    for step in range(min(steps, x.size)):
        i, j = divmod(step, x.shape[1])
        top, left = i * stride, j * stride
        full[top : top + kernel.shape[0], left : left + kernel.shape[1]] += x[i, j] * kernel
    return full


def overlap_counts(n: int, kernel: int, stride: int, padding: str = "same") -> np.ndarray:
    """How many kernel cells land on each output cell: the checkerboard, made visible. (n · stride, n · stride)."""
    return transposed_convolution(np.ones((n, n)), np.ones((kernel, kernel)), stride, padding)


def overlap_levels(kernel: int, stride: int) -> np.ndarray:
    """How many kernel cells land on output cells far from the border, each number once; one alone: no checkerboard."""
    along = transposed_convolution(np.ones((8 + 2 * kernel, 1)), np.ones((kernel, 1)), (stride, 1))[:, 0]
    inside = along[kernel + stride : len(along) - kernel - stride]
    return np.unique(np.outer(inside, inside))


def resize_then_convolve(x, kernel, factor: int) -> np.ndarray:
    """The cure of Odena et al. 2016: repeat each pixel, then an ordinary convolution, edges repeated.

    x: (H, W) or (H, W, C), channels apart; kernel (h, w). Returns (H · factor, W · factor[, C]).
    """
    large = upsample(x, factor, "nearest")
    kernel = np.asarray(kernel, dtype=float)
    height, width = kernel.shape
    pads = [((height - 1) // 2, height // 2), ((width - 1) // 2, width // 2)]
    padded = np.pad(large, pads + [(0, 0)] * (large.ndim - 2), mode="edge")
    result = np.zeros_like(large)
    for a in range(height):
        for b in range(width):
            result += kernel[a, b] * padded[a : a + large.shape[0], b : b + large.shape[1]]
    return result


def kernel_preset(name: str, size: int, stride: int) -> np.ndarray:
    """A (size, size) kernel: ``ones``; ``bilinear`` (a tent as wide as the stride); ``random`` (always the same)."""
    whole(size, "The kernel size", 1, 32)
    if name == "ones":
        return np.ones((size, size))
    if name == "bilinear":
        tent = np.clip(1 - np.abs(np.arange(size) - (size - 1) / 2) / stride, 0, None)
        return np.outer(tent, tent)
    if name == "random":
        return np.random.default_rng(0).normal(0.5, 0.5, (size, size)).round(1)
    raise VisitorError(f"There is no kernel “{name}”. Choose ones, bilinear or random.")


def shrink_by(image: np.ndarray, factor: int) -> tuple[np.ndarray, np.ndarray]:
    """(original, small): ``image`` cut so that ``factor`` divides it, and its block means; float64, 0–1.

    image: (H, W) or (H, W, C) uint8 or float 0–1.
    """
    whole(factor, "The factor", 2, LARGEST_FACTOR)
    image = np.asarray(image)
    image = image / 255.0 if image.dtype == np.uint8 else image.astype(float)
    height, width = (side // factor * factor for side in image.shape[:2])
    if height < 8 * factor or width < 8 * factor:
        raise VisitorError(
            f"The picture is too small to be shrunk by {factor}: it needs at least {8 * factor} pixels a side."
        )
    original = image[:height, :width]
    blocks = original.reshape(height // factor, factor, width // factor, factor, *original.shape[2:])
    return original, blocks.mean(axis=(1, 3))


SSIM_WINDOW = 7  # pixels a side, as in scikit-image
SSIM_C1, SSIM_C2 = 0.01**2, 0.03**2  # keep quotients finite; for values in 0–1


def quality(original: np.ndarray, restored: np.ndarray) -> dict[str, float]:
    """PSNR in decibels and SSIM (−1 to 1) of float pictures in 0–1; values outside are clipped.

    SSIM: Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", 2004, equation 13, in
    windows of equal weight. Both equal scikit-image's, which would bring 76 MB of SciPy into the server.
    """
    restored = np.clip(restored, 0, 1)
    with np.errstate(divide="ignore"):
        psnr = float(-10 * np.log10(np.mean((original - restored) ** 2)))
    return {"PSNR": psnr, "SSIM": float(_similarity(original, restored).mean())}


def _similarity(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """SSIM of each window that lies within the pictures, float (H − 6, W − 6[, C])."""
    import cv2

    edge = SSIM_WINDOW // 2
    unbiased = SSIM_WINDOW**2 / (SSIM_WINDOW**2 - 1)

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.blur(values, (SSIM_WINDOW, SSIM_WINDOW))[edge:-edge, edge:-edge]

    mean_x, mean_y = mean(x), mean(y)
    variance_x, variance_y = (unbiased * (mean(v * v) - m * m) for v, m in ((x, mean_x), (y, mean_y)))
    covariance = unbiased * (mean(x * y) - mean_x * mean_y)
    above = (2 * mean_x * mean_y + SSIM_C1) * (2 * covariance + SSIM_C2)
    return above / ((mean_x**2 + mean_y**2 + SSIM_C1) * (variance_x + variance_y + SSIM_C2))


@dataclass(frozen=True)
class LearningStep:
    """One step of the learning: its number, the mean squared error before it, and the kernel after it."""

    step: int
    loss: float
    kernel: np.ndarray


def _kernel_gradient(small: np.ndarray, error: np.ndarray, kernel_size: int, stride: int) -> np.ndarray:
    """How the summed squared error changes with each kernel cell: the picture's error, read where the cell landed."""
    place = placement(small.shape[0], kernel_size, stride)
    padded = np.pad(error, [(place.before, place.after)] * 2 + [(0, 0)] * (error.ndim - 2))
    gradient = np.empty((kernel_size, kernel_size))
    height, width = small.shape[:2]
    for a in range(kernel_size):
        for b in range(kernel_size):
            landed = padded[a : a + height * stride : stride, b : b + width * stride : stride]
            # Not np.vdot: for arrays this small, waking the threads of BLAS takes longer than the sum.
            gradient[a, b] = 2 * (landed * small).sum()
    return gradient


def learn_kernel(
    small: np.ndarray, original: np.ndarray, kernel_size: int, steps: int = 200, rate: float = 0.03, seed: int = 0
) -> Iterator[LearningStep]:
    """Learn a transposed convolution that turns ``small`` into ``original``, by Adam on the mean squared error.

    small: (h, w[, C]) 0–1, original: (h · stride, w · stride[, C]); one kernel serves all channels. Starts from small
    random numbers, yields after each step, and can be stopped at any of them.
    """
    stride = original.shape[0] // small.shape[0]
    if small.shape[0] * stride != original.shape[0] or small.shape[1] * stride != original.shape[1]:
        raise VisitorError("The large picture must be a whole number of times as large as the small one.")
    if kernel_size < stride:
        raise VisitorError(f"A kernel of {kernel_size} leaves holes at stride {stride}: take at least {stride}.")
    kernel = np.random.default_rng(seed).normal(0, 0.1, (kernel_size, kernel_size))
    momentum, scale = np.zeros_like(kernel), np.zeros_like(kernel)
    for step in range(1, steps + 1):
        error = transposed_convolution(small, kernel, stride) - original
        gradient = _kernel_gradient(small, error, kernel_size, stride) / error.size
        momentum = 0.9 * momentum + 0.1 * gradient
        scale = 0.99 * scale + 0.01 * gradient**2
        kernel = kernel - rate * (momentum / (1 - 0.9**step)) / (np.sqrt(scale / (1 - 0.99**step)) + 1e-8)
        yield LearningStep(step, float(np.mean(error**2)), kernel)


def best_kernel(small: np.ndarray, original: np.ndarray, kernel_size: int) -> np.ndarray:
    """The kernel with the least squared error, solved directly: what the learning can reach at best.

    Output cells of one phase (their place modulo the stride) read the same few kernel cells and no others, so each
    phase is a small least-squares problem of its own.
    """
    stride = original.shape[0] // small.shape[0]
    offset, height, width = placement(small.shape[0], kernel_size, stride).before, *original.shape[:2]
    rim = -(-kernel_size // stride)
    rimmed = np.pad(small, [(rim, rim)] * 2 + [(0, 0)] * (small.ndim - 2))
    kernel = np.zeros((kernel_size, kernel_size))
    for down, across in np.ndindex(min(stride, kernel_size), min(stride, kernel_size)):
        rows = np.arange(offset, offset + height)
        columns = np.arange(offset, offset + width)
        rows, columns = rows[rows % stride == down], columns[columns % stride == across]
        cells = [(a, b) for a in range(down, kernel_size, stride) for b in range(across, kernel_size, stride)]
        read = [rimmed[np.ix_((rows - a) // stride + rim, (columns - b) // stride + rim)].ravel() for a, b in cells]
        target = original[np.ix_(rows - offset, columns - offset)].ravel()
        found = np.linalg.lstsq(np.stack(read, axis=1), target, rcond=None)[0]
        for (a, b), weight in zip(cells, found, strict=True):
            kernel[a, b] = weight
    return kernel


def keras_upsample(x, factor: int, method: str) -> np.ndarray:
    """``keras.layers.UpSampling2D`` on x (H, W): float32. Imports Keras when called."""
    import keras

    result = keras.layers.UpSampling2D(factor, interpolation=method)(np.asarray(x, "float32")[None, :, :, None])
    return keras.ops.convert_to_numpy(result)[0, :, :, 0]


def keras_upsamples(x, factor: int, methods: tuple[str, ...]) -> list[np.ndarray]:
    """`keras_upsample` by several methods."""
    return [keras_upsample(x, factor, method) for method in methods]


def keras_transposed(x, kernel, stride=2, padding: str = "same") -> np.ndarray:
    """``keras.layers.Conv2DTranspose`` with one filter on x (H, W): float32. Imports Keras when called."""
    import keras

    kernel = np.asarray(kernel, "float32")
    layer = keras.layers.Conv2DTranspose(1, kernel.shape, strides=stride, padding=padding, use_bias=False)
    layer.build((None, *np.shape(x), 1))
    layer.set_weights([kernel[:, :, None, None]])
    return keras.ops.convert_to_numpy(layer(np.asarray(x, "float32")[None, :, :, None]))[0, :, :, 0]


def thumbnail() -> np.ndarray:
    """The page in one picture for the front page: 2 × 2 cells, by nearest and bicubic; (180, 320, 3) uint8."""
    x = np.array([[40.0, 210], [150, 90]])
    picture = np.full((180, 320, 3), 255, np.uint8)
    for left, method in ((18, "nearest"), (174, "bicubic")):
        gray = np.clip(np.kron(upsample(x, 16, method), np.ones((4, 4))), 0, 255)
        strength = gray[..., None] / 255
        picture[26:154, left : left + 128] = (strength * [214, 236, 250] + (1 - strength) * [0, 84, 130]).astype(
            np.uint8
        )
    return picture
