"""The widgets of the transfer page."""

from cnndemo.ui.resnet_transfer.experiment import book_experiment
from cnndemo.ui.resnet_transfer.naming import choose_networks, name_it, pet_breed

__all__ = ["book_experiment", "choose_networks", "name_it", "pet_breed"]
