"""The gallery's colours, for charts and for pictures; free of Plotly, as Keras' process and the train scripts use them.

Colours hold on all pages: input blue, kernel orange, output green (Okabe and Ito, told apart by colour-blind people);
magnitudes viridis; signed values blue–white–red centred on zero.
"""

from __future__ import annotations

import numpy as np
from PIL import ImageColor

OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#F0E442", "#000000")
INPUT, KERNEL, OUTPUT, ACCENT = "#0072B2", "#E69F00", "#009E73", "#D55E00"
QUIET = "rgba(128, 128, 128, 0.55)"
SIGNED = ((0.0, "#2166AC"), (0.25, "#92C5DE"), (0.5, "#F7F7F7"), (0.75, "#F4A582"), (1.0, "#B2182B"))
MAGNITUDE = "Viridis"
GRAY = "Gray"
ZERO = 127
"""The white entry of `SIGNED_TABLE`."""


def _signed_table() -> np.ndarray:
    stops, colors = zip(*SIGNED, strict=True)
    levels = np.minimum(np.arange(256) / (2 * ZERO), 1)
    channels = np.transpose([ImageColor.getrgb(color) for color in colors])
    return np.stack([np.interp(levels, stops, channel) for channel in channels], axis=1).round().astype(np.uint8)


SIGNED_TABLE = _signed_table()
"""uint8 (256, 3), RGB: -1 to 1 in steps of 1/127, zero exactly white; the last entry stands twice."""


def signed_picture(values: np.ndarray, top: float) -> np.ndarray:
    """Signed numbers as colours.

    Args:
        values: of any shape.
        top: the magnitude of the strongest colours; what is beyond takes them, too.

    Returns:
        uint8 (…, 3), RGB: blue below zero, white at zero, red above.
    """
    level = np.clip(np.asarray(values, np.float32) / max(top, 1e-9), -1, 1)
    return SIGNED_TABLE[np.rint(ZERO * level + ZERO).astype(np.uint8)]
