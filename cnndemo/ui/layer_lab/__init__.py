"""The views of the layer lab, one function a section of the page."""

from cnndemo.ui.layer_lab.convolution import Settings, convolution_view, settings, snippet
from cnndemo.ui.layer_lab.pooling import pooling_view
from cnndemo.ui.layer_lab.stack import stack_view
from cnndemo.ui.layer_lab.units import activation_view, dense_view, dropout_view, softmax_view

__all__ = [
    "Settings",
    "activation_view",
    "convolution_view",
    "dense_view",
    "dropout_view",
    "pooling_view",
    "settings",
    "snippet",
    "softmax_view",
    "stack_view",
]
