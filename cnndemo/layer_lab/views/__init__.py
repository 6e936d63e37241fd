"""The views of the layer lab, one function a section of the page."""

from cnndemo.layer_lab.views.convolution import Settings, convolution_view, settings, snippet
from cnndemo.layer_lab.views.pooling import pooling_view
from cnndemo.layer_lab.views.stack import stack_view
from cnndemo.layer_lab.views.units import activation_view, dense_view, dropout_view, softmax_view

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
