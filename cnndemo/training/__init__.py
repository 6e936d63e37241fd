"""The book's digit network, trained while one watches (book 2.5), and what its callbacks do to a run."""

from cnndemo.training.run import (
    MOST,
    NETWORKS,
    OPTIMIZERS,
    PRESETS,
    SHOWN,
    VALIDATION,
    Run,
    Settings,
    answer_sheet,
    checkpoints,
    data,
    early_stop,
    plateau,
    shown,
    thumbnail,
    train,
)

__all__ = [
    "MOST",
    "NETWORKS",
    "OPTIMIZERS",
    "PRESETS",
    "Run",
    "SHOWN",
    "Settings",
    "VALIDATION",
    "answer_sheet",
    "checkpoints",
    "data",
    "early_stop",
    "plateau",
    "shown",
    "thumbnail",
    "train",
]
