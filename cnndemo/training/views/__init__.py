"""The training page's widgets: what a run is told, the run itself, what came of it, and one batch by hand."""

from cnndemo.training.views.callbacks import callbacks, loss_and_accuracy
from cnndemo.training.views.comparing import compare
from cnndemo.training.views.finish import results
from cnndemo.training.views.lesson import commands, lesson

__all__ = ["callbacks", "commands", "compare", "lesson", "loss_and_accuracy", "results"]
