"""A network whose maps are switched off: its served file has a factor behind every layer that the page shows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cnndemo import inference
from cnndemo.activation_maps.networks import Network, summary


def silenced(network: Network, fitted: np.ndarray, off: Mapping[str, tuple[int, ...]]) -> np.ndarray:
    """The network's answer when some maps are zero, whatever the picture.

    Args:
        network: of `NETWORKS`.
        fitted: what it sees, uint8 (size, size, 3).
        off: layer -> channels that are silent.

    Returns:
        float32 (classes,), they sum to 1.

    Raises:
        ValueError: a channel is not one of its layer.
    """
    factors = {}
    for layer, chosen in off.items():
        count = network.channels(layer)
        if wrong := [channel for channel in chosen if not 0 <= channel < count]:
            raise ValueError(f"“{layer}” has channels 0 to {count - 1}; got {wrong}.")
        factors[f"on_{layer}"] = on = np.ones((1, count, 1, 1), np.float32)
        on[0, list(chosen)] = 0.0
    return summary(inference.predictor(network.name)(network.batch(fitted), **factors)[0])
