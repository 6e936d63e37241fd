"""Write weights/README.md from the model cards: `python -m train.cards`."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

from cnndemo import weights


def facts(card: dict[str, Any]) -> tuple[str, ...]:
    """One row of the first table: model, parameters, size, data, licence, commands."""
    licence = (card.get("source") or card["data"]).get("licence", "")
    size = f"{card['bytes'] / 1e6:.2f} MB"
    data = card["data"].get("name", "")
    commands = ", then ".join(f"`{command}`" for command in weights.commands(card))
    return f"`{card['name']}`", f"{card['parameters']:,}", size, data, licence, commands


def figures(card: dict[str, Any]) -> list[tuple[str, ...]]:
    """One row a figure: model (named once), figure, value, 95 % interval, samples, split."""
    rows = []
    for metric in card["metrics"]:
        interval = "–".join(f"{end:.4f}" for end in metric.get("interval") or [])
        name = "" if rows else f"`{card['name']}`"
        samples, split = f"{metric['samples']:,}", metric.get("split", "")
        rows.append((name, metric["name"], f"{metric['value']:.4f}", interval, samples, split))
    return rows


def table(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    """A Markdown table, line by line."""
    return [f"| {' | '.join(row)} |" for row in (titles, ("--",) * len(titles), *rows)]


def readme() -> str:
    """The text of weights/README.md."""
    cards = [weights.card(name) for name in weights.names()]
    lines = [
        "# Weights",
        "",
        "Written by `make cards` from the cards beside the files, which hold more: splits, seeds, notes.",
        "",
        *table(("model", "parameters", "file", "data", "licence", "made by"), map(facts, cards)),
        "",
        "## How good they are",
        "",
        "With 95 % interval, number of samples and split. Networks without a row were converted, not measured.",
        "",
        *table(("model", "figure", "value", "95 % interval", "samples", "split"), chain(*map(figures, cards))),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with weights.whole(weights.WEIGHTS_DIR / "README.md") as part:
        part.write_text(readme(), encoding="utf-8")
