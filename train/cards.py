"""Write weights/README.md from the model cards: `python -m train.cards`."""

from __future__ import annotations

from cnndemo import weights


def row(card: dict) -> str:
    """One line of the table: model, parameters, size, data, its figures, the command."""
    figures = "; ".join(
        f"{metric['name']} {metric['value']:.4g}"
        + (f" ({metric['interval'][0]:.4g}–{metric['interval'][1]:.4g})" if metric.get("interval") else "")
        + f" on {metric['samples']:,}"
        for metric in card["metrics"][:4]
    )
    data = card["data"].get("name", "")
    licence = (card.get("source") or card["data"]).get("licence", "")
    return (
        f"| `{card['name']}` | {card['parameters']:,} | {card['bytes'] / 1e6:.1f} MB | {data} | {licence} "
        f"| {figures} | `{card['command']}` |"
    )


def readme() -> str:
    """The text of weights/README.md."""
    head = [
        "# Weights",
        "",
        "Written by `make cards` from the cards beside the files, which hold more: splits, seeds, all figures.",
        "Figures are with their 95 % interval and the number of test samples.",
        "",
        "| model | parameters | file | data | licence | figures | made by |",
        "|--|--|--|--|--|--|--|",
    ]
    return "\n".join([*head, *(row(weights.card(name)) for name in weights.names()), ""])


if __name__ == "__main__":
    (weights.WEIGHTS_DIR / "README.md").write_text(readme(), encoding="utf-8")
