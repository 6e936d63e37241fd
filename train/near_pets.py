"""How often the nearest of other pets is of the same breed, in pixels and by layer: why depth helps, as numbers.

    python -m train.near_pets --publish      # two minutes; weights/<network>.near.json

Each photograph asks for the nearest of all others, as the page "activation_maps" looks for the visitor's. As many of
each breed are asked, so that chance alone finds one breed in 37, and a cat or a dog as often as there are others.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np

from cnndemo import weights
from cnndemo.activation_maps import NETWORKS, nearest
from cnndemo.digit_classifier.neighbours import distances
from train import common, intervals, pet_library, provenance
from train.runs import script


def found(name: str, pets: pet_library.Pets) -> dict[str, np.ndarray]:
    """The number of the nearest other pet, word -> int (n,), in `pixels`, `early`, `middle` and `last`."""
    network = NETWORKS[name]
    result = {}
    for word, values in nearest.gathered(network, map(network.fit, pets.pictures), len(pets)).items():
        points = values.astype(np.float32)
        away = distances(points, points)
        np.fill_diagonal(away, np.inf)
        result[word] = away.argmin(axis=1)
    return result


def figures(pets: pet_library.Pets, others: dict[str, np.ndarray]) -> list[dict[str, Any]]:
    """Of a card: for each space the shares whose nearest other pet, `others`, is of the same breed and species."""
    result = []
    for space, nearest_one in others.items():
        for alike, values in (("breed", pets.breeds), ("species", pets.cats)):
            right = values == values[nearest_one]
            interval = intervals.wilson(int(right.sum()), len(right))
            name = f"nearest is of the same {alike}, {space}"
            result.append(
                intervals.metric(name, right.mean(), len(right), interval, "trainval", space=space, alike=alike)
            )
    return result


@script
def main() -> None:
    """Measure all networks, print the figures, and with `--publish` write their cards."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--data-dir", type=Path, default=common.DATA_DIR, help="the photographs of pets")
    parser.add_argument("--weights-dir", type=Path, default=weights.WEIGHTS_DIR, help="published cards")
    parser.add_argument("--publish", action="store_true", help="put the cards into --weights-dir")
    arguments = parser.parse_args()
    pets = pet_library.load(arguments.data_dir)
    for name in NETWORKS:
        started = time.time()
        metrics = figures(pets, found(name, pets))
        card = {
            "name": f"{name}.near",
            "about": "How often the nearest of other pets is alike; see cnndemo/activation_maps/nearest.py.",
            "network": {"name": name, "sha256": weights.card(name)["sha256"]},
            "command": weights.command(f"{name}.near"),
            "breeds": len(pets.names),
            "metrics": metrics,
            "data": pet_library.SOURCE,
            "hardware": provenance.hardware(),
            "date": time.strftime("%Y-%m-%d"),
            "seconds": round(time.time() - started),
        }
        print(name, {metric["name"]: metric["value"] for metric in metrics}, flush=True)
        if arguments.publish:
            weights.write_card(f"{name}.near", card, arguments.weights_dir)


if __name__ == "__main__":
    main()
