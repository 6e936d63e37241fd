"""The widgets of the transfer page."""

from cnndemo.ui.resnet_transfer.experiment import book_experiment, questions
from cnndemo.ui.resnet_transfer.naming import choose_networks, name_it, pet_breed, table_of_networks
from cnndemo.ui.resnet_transfer.teaching import teach

__all__ = ["book_experiment", "choose_networks", "name_it", "pet_breed", "questions", "table_of_networks", "teach"]
