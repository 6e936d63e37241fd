"""The widgets of the transfer page."""

from cnndemo.resnet_transfer.views.closing import asked
from cnndemo.resnet_transfer.views.experiment import book_experiment
from cnndemo.resnet_transfer.views.naming import choose_networks, name_it, name_live, pet_breed, table_of_networks
from cnndemo.resnet_transfer.views.teaching import teach

__all__ = [
    "asked",
    "book_experiment",
    "choose_networks",
    "name_it",
    "name_live",
    "pet_breed",
    "table_of_networks",
    "teach",
]
