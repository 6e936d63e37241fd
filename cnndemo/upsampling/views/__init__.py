"""The widgets of the upsampling page, one function a section."""

from cnndemo.upsampling.views.numbers import checkerboard_view, current, resize_view, transposed_view
from cnndemo.upsampling.views.restoring import picture_view

__all__ = ["checkerboard_view", "current", "picture_view", "resize_view", "transposed_view"]
