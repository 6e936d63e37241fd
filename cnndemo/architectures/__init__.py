"""Networks as plans (book 4.1–4.4): shapes, parameters and work without a weight; how gradients survive depth; and
networks that visitors bring."""

from cnndemo.architectures.blocks import Block, connections, dense_block, plain_block_parameters, residual_block
from cnndemo.architectures.counting import Layer, Plan
from cnndemo.architectures.gradients import chain, gradient_sizes
from cnndemo.architectures.networks import NETWORKS, Network, plan
from cnndemo.architectures.own import look
from cnndemo.architectures.pictures import field_of, thumbnail

__all__ = [
    "NETWORKS", "Block", "Layer", "Network", "Plan", "chain", "connections", "dense_block", "field_of",
    "gradient_sizes", "look", "plain_block_parameters", "plan", "residual_block", "thumbnail",
]  # fmt: skip
