"""The layers of a CNN taken apart (book 2.3 and 2.4), in NumPy: arrays in, arrays out.

``geometry`` says where a window goes, ``sliding`` what it computes, ``units`` holds the layers without a window,
``grids`` turns what was typed into arrays, ``agreement`` asks Keras for the same.
"""

from cnndemo.grids import as_grid, number_text, pair, whole
from cnndemo.layer_lab.agreement import (
    keras_activation,
    keras_convolve,
    keras_dense,
    keras_pool,
    keras_softmax,
    largest_difference,
)
from cnndemo.layer_lab.geometry import (
    PADDINGS,
    Axis,
    Geometry,
    StackLayer,
    geometry,
    output_size,
    pad,
    path_counts,
    receptive_field,
)
from cnndemo.layer_lab.presets import INPUTS, KERNELS, input_preset, kernel_preset
from cnndemo.layer_lab.sliding import (
    Cell,
    average_pool,
    convolve,
    convolve_by_hand,
    count_work,
    explain_convolution,
    max_pool,
    pool_gradient,
    to_keras_code,
)
from cnndemo.layer_lab.thumbnails import thumbnail
from cnndemo.layer_lab.units import (
    ACTIVATIONS,
    BOOK_LOGITS,
    activate,
    activation_slope,
    check_rate,
    dense,
    dropout,
    dropout_average,
    flat_place,
    flatten,
    naive_softmax,
    softmax,
)

__all__ = [
    "ACTIVATIONS", "Axis", "BOOK_LOGITS", "Cell", "Geometry", "INPUTS", "KERNELS", "PADDINGS", "StackLayer",
    "activate", "activation_slope", "as_grid", "average_pool", "check_rate", "convolve", "convolve_by_hand",
    "count_work", "dense", "dropout", "dropout_average", "explain_convolution", "flat_place", "flatten", "geometry",
    "input_preset", "keras_activation", "keras_convolve", "keras_dense", "keras_pool", "keras_softmax",
    "kernel_preset", "largest_difference", "max_pool", "naive_softmax", "number_text", "output_size", "pad", "pair",
    "path_counts", "pool_gradient", "receptive_field", "softmax", "thumbnail", "to_keras_code", "whole",
]  # fmt: skip
