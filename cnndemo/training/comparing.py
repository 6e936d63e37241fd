"""What differs between runs, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from cnndemo.training.run import Run
from cnndemo.training.settings import DATA, Settings

MOST_RUNS = 6
WORDS = {
    "network": "network", "data": "data", "digits": "digits", "wrong": "wrong labels", "augment": "distorted",
    "optimizer": "optimizer", "rate": "learning rate", "batch_size": "batch size", "epochs": "epochs asked",
    "reduce": "plateau", "factor": "… factor", "patience": "… patience", "least": "… lowest rate",
    "stop": "early stopping", "every": "every epoch kept", "seed": "seed",
}  # fmt: skip


def differing(runs: Sequence[Run]) -> list[str]:
    """The settings in which runs differ, in the order of `Settings`."""
    rows = [asdict(run.settings) for run in runs]
    return [name for name in asdict(Settings()) if name in WORDS and len({str(row[name]) for row in rows}) > 1]


def table(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """One row a run: its name, what differs, and how it went."""
    names, rows = differing(runs), []
    for run in runs:
        told = {WORDS[name]: _words(name, getattr(run.settings, name)) for name in names}
        best = run.history[run.best - 1] if run.history and run.best else {}
        rows.append(
            {"run": run.name}
            | told
            | {
                "parameters": run.parameters,
                "epochs": len(run.history),
                "best epoch": run.best,
                "validation accuracy": f"{best['val_accuracy']:.1%}" if best else "–",
                "validation loss": f"{best['val_loss']:.4f}" if best else "–",
                "seconds": round(sum(row["seconds"] for row in run.history)),
            }
        )
    return rows


def _words(name: str, value: Any) -> str:
    if name == "data":
        return DATA[value]
    if name == "wrong":
        return f"{value:.0%}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
