"""One picture becomes many: random transforms with their parameters written down (book 3.2 and 4.5).

The transforms run in NumPy and OpenCV, so that each page view is quick and everything drawn can be shown; the Keras
layers of the same pipeline are written out as code, and `reference.run` proves that they give the same pixels.
"""

from cnndemo.augmentation.data_sets import thumbnail
from cnndemo.augmentation.operation import Operation, Setting
from cnndemo.augmentation.operations import OPERATIONS
from cnndemo.augmentation.pipeline import BOOK, Draw, Pipeline, Step, to_picture
from cnndemo.augmentation.resampling import FILL_MODES, affine

__all__ = [
    "BOOK",
    "FILL_MODES",
    "OPERATIONS",
    "Draw",
    "Operation",
    "Pipeline",
    "Setting",
    "Step",
    "affine",
    "thumbnail",
    "to_picture",
]
