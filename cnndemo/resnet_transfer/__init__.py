"""Transfer learning (book 4.2): pretrained networks, where they look, and a new head for the visitor's own classes."""

from cnndemo.resnet_transfer.backbones import BACKBONES, network, overview, randomised
from cnndemo.resnet_transfer.naming import breed, class_activation, classify
from cnndemo.resnet_transfer.small_pictures import thumbnail

__all__ = ["BACKBONES", "breed", "class_activation", "classify", "network", "overview", "randomised", "thumbnail"]
