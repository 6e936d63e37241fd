"""Networks as plans (book 4.1–4.4): shapes, parameters and work without a weight; and how gradients survive depth."""

from cnndemo.architectures.blocks import Block, connections, dense_block, plain_block_parameters, residual_block
from cnndemo.architectures.counting import Layer, Plan
from cnndemo.architectures.gradients import chain, gradient_sizes
from cnndemo.architectures.networks import NETWORKS, Network, plan
from cnndemo.architectures.pictures import field_of, thumbnail

__all__ = [
    "NETWORKS", "Block", "Layer", "Network", "Plan", "chain", "connections", "dense_block", "field_of",
    "gradient_sizes", "plain_block_parameters", "plan", "residual_block", "thumbnail",
]  # fmt: skip
