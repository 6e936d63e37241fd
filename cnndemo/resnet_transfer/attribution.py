"""Where a network looked: class activation maps, Grad-CAM and occlusion.

All maps are float32 (rows, columns) from 0 to 1 on the grid of the network's last activations, or of the occluding
squares; `on_picture` spreads one over the picture.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from cnndemo.errors import VisitorError
from cnndemo.resnet_transfer.backbones import Look, Network


def class_map(look: Look, network: Network, index: int) -> np.ndarray:
    """The classic class activation map of Zhou et al. 2016.

    A network that ends in an average and a dense layer scores a class with a weighted sum of its channels' averages;
    the same weighted sum of the channels' maps, before the average, shows where the score came from.
    """
    return normalised(np.maximum(look.maps @ network.kernel[:, index], 0))


def grad_cam(model, batch: np.ndarray, index: int, layer: str | None = None) -> np.ndarray:
    """Grad-CAM of Selvaraju et al. 2017: each channel weighs as much as its average gradient.

    Args:
        model: any Keras model with one input and class scores (better than probabilities) as output; a model nested in
            it, as in listing 4.2, is found by itself.
        batch: float32 (1, height, width, channels), as the model wants it.
        index: class whose score is explained.
        layer: name of a layer with a (batch, rows, columns, channels) output; default the last one.

    Raises:
        VisitorError: the model has no such layer.
    """
    import tensorflow as tf

    return _grad_cam(with_maps(model, layer), tf.constant(batch, tf.float32), index)


def _grad_cam(joined, batch, index: int) -> np.ndarray:
    """Grad-CAM with a model that returns maps and scores."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        tape.watch(batch)
        maps, scores = joined(batch, training=False)
        score = scores[0, index]
    gradients = tape.gradient(score, maps)
    weights = tf.reduce_mean(gradients, axis=(0, 1, 2))
    return normalised(tf.nn.relu(tf.linalg.matvec(maps[0], weights)).numpy())


def with_maps(model, layer: str | None = None):
    """A model that returns (maps of `layer`, output of `model`), whether or not the layer sits in a nested model."""
    import keras

    inner = next((part for part in model.layers if isinstance(part, keras.Model)), None)
    owner = inner or model
    target = _map_layer(owner, layer)
    if inner is None:
        return keras.Model(model.inputs, [target.output, model.outputs[0]])
    position = model.layers.index(inner)
    x = inputs = keras.Input(model.input_shape[1:])
    for part in model.layers[:position]:
        x = x if isinstance(part, keras.layers.InputLayer) else part(x)
    maps, x = keras.Model(inner.inputs, [target.output, inner.outputs[0]])(x)
    for part in model.layers[position + 1 :]:
        x = part(x)
    return keras.Model(inputs, [maps, x])


def _map_layer(model, name: str | None):
    """The layer of this name, or the last one whose output is a map."""
    maps = [layer for layer in model.layers if len(getattr(layer.output, "shape", ())) == 4]
    if name is not None:
        maps = [layer for layer in maps if layer.name == name]
    if not maps:
        raise VisitorError(f"The network has no layer {name or 'with maps'} that Grad-CAM could explain.")
    return maps[-1]


def gradient_map(name: str, pixels: np.ndarray, index: int) -> np.ndarray:
    """`fast_grad_cam` of a backbone by its name, for the Keras process."""
    from cnndemo.resnet_transfer.backbones import network

    return fast_grad_cam(network(name), pixels, index)


def fast_grad_cam(network: Network, pixels: np.ndarray, index: int) -> np.ndarray:
    """Grad-CAM of a loaded backbone for a uint8 square (size, size, 3); the gradient is compiled once a network."""
    import tensorflow as tf

    compiled = network.grad_cam
    if compiled is None:
        import keras

        model, backbone = network.model, network.backbone
        outputs = [model.get_layer(name).output for name in (backbone.maps, backbone.scores)]
        joined = keras.Model(model.inputs, outputs)

        @tf.function(
            input_signature=[tf.TensorSpec((1, *model.input_shape[1:]), tf.float32), tf.TensorSpec((), tf.int32)],
            jit_compile=False,
        )
        def compiled(batch, chosen):
            with tf.GradientTape() as tape:
                tape.watch(batch)
                maps, scores = joined(batch, training=False)
                score = scores[0, chosen]
            weights = tf.reduce_mean(tape.gradient(score, maps), axis=(0, 1, 2))
            return tf.nn.relu(tf.linalg.matvec(maps[0], weights))

        network.grad_cam = compiled
    batch = network.backbone.feed(pixels[None])
    return normalised(compiled(tf.constant(batch), tf.constant(index, tf.int32)).numpy())


def occlusion(
    network: Network, pixels: np.ndarray, index: int, cells: int = 12, batch_size: int = 12
) -> Iterator[tuple[float, np.ndarray]]:
    """Slides a grey square over the picture and notes how far the probability of a class falls.

    Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", 2013. It needs no look inside.

    Args:
        pixels: uint8 (size, size, 3).
        cells: places in each direction; the square is two places wide.
        batch_size: pictures at a time; between two batches the caller may stop.

    Yields:
        The fraction done, and the map so far: float32 (cells, cells), the fall of the probability, 0 where it rose.
    """
    from cnndemo.resnet_transfer.backbones import softmax

    size = pixels.shape[0]
    width = max(1, round(2 * size / (cells + 1)))
    starts = np.round(np.linspace(0, size - width, cells)).astype(int)
    usual = softmax(network.scores(pixels[None]))[0, index]
    falls = np.zeros(cells * cells, np.float32)
    for first in range(0, cells * cells, batch_size):
        places = range(first, min(first + batch_size, cells * cells))
        batch = np.repeat(pixels[None], len(places), axis=0)
        for row, place in enumerate(places):
            top, left = starts[place // cells], starts[place % cells]
            batch[row, top : top + width, left : left + width] = 127
        falls[first : first + len(places)] = usual - softmax(network.scores(batch))[:, index]
        yield (first + len(places)) / (cells * cells), np.maximum(falls, 0).reshape(cells, cells)


def normalised(values: np.ndarray) -> np.ndarray:
    """Scaled to a largest value of 1; all zeros stay zeros."""
    top = float(values.max(initial=0.0))
    return (values / top if top > 0 else np.zeros_like(values)).astype(np.float32)


def spread(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """A small map enlarged smoothly to (height, width), float32 in 0–1."""
    height, width = size
    enlarged = cv2.resize(values.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(enlarged, 0, 1)


def overlay(pixels: np.ndarray, values: np.ndarray, strength: float = 0.55) -> np.ndarray:
    """A picture under a map in viridis: uint8 (height, width, 3).

    Args:
        pixels: uint8 RGB picture.
        values: (rows, columns) in 0–1 of any grid; 0 leaves the picture dimmed, 1 is bright yellow.
        strength: how much the map covers.
    """
    map_ = spread(values, pixels.shape[:2])
    viridis = cv2.applyColorMap((255 * map_).astype(np.uint8), cv2.COLORMAP_VIRIDIS)[..., ::-1].astype(np.float32)
    gray = pixels.mean(axis=2, keepdims=True)
    return np.clip((1 - strength) * (0.5 * gray + 0.5 * pixels) + strength * viridis, 0, 255).astype(np.uint8)


def on_picture(values: np.ndarray, shape: tuple[int, int], crop: tuple[int, int, int]) -> np.ndarray:
    """A map of the cropped square in the place where the square was cut: float32 (height, width), zero outside."""
    top, left, side = crop
    result = np.zeros(shape, np.float32)
    result[top : top + side, left : left + side] = spread(values, (side, side))
    return result


def spread_pixels(pixels: np.ndarray, side: int) -> np.ndarray:
    """A square picture enlarged without smoothing to about `side` pixels, then exactly; uint8 (side, side, 3)."""
    return cv2.resize(pixels, (side, side), interpolation=cv2.INTER_NEAREST)
