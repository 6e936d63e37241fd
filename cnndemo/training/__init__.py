"""The book's digit network, trained while one watches (book 2.5), and what its callbacks do to a run."""

from cnndemo.training.by_hand import one_step, start
from cnndemo.training.callbacks import checkpoints, early_stop, plateau
from cnndemo.training.data import Own, answer_sheet, held_out, of_classes, of_drawings, shown
from cnndemo.training.evaluation import Report, report, temperature
from cnndemo.training.run import Run, thumbnail, train
from cnndemo.training.settings import DATA, MOST, OPTIMIZERS, PRESETS, Settings

__all__ = [
    "DATA",
    "MOST",
    "OPTIMIZERS",
    "PRESETS",
    "Own",
    "Report",
    "Run",
    "Settings",
    "answer_sheet",
    "checkpoints",
    "early_stop",
    "held_out",
    "of_classes",
    "of_drawings",
    "one_step",
    "plateau",
    "report",
    "shown",
    "start",
    "temperature",
    "thumbnail",
    "train",
]
