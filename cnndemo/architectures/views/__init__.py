"""The architectures page's parts."""

from cnndemo.architectures.views.comparing import comparison
from cnndemo.architectures.views.depth import dense_connections, race, skip_connections
from cnndemo.architectures.views.own import own_network
from cnndemo.architectures.views.plans import TITLES, layer_table, most_of, network_graph, words_of

__all__ = [
    "TITLES", "comparison", "dense_connections", "layer_table", "most_of", "network_graph", "own_network",
    "race", "skip_connections", "words_of",
]  # fmt: skip
