"""Put the results of a run into `weights/`: `python -m train.publish RUN`.

Every file is copied beside its place and takes it only when all copies are whole; the card comes last.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path

from cnndemo import weights
from train.runs import ending, hold, published, room, script, writable

RESULTS = "results"


def whole_results(run: Path, names: list[str] | None = None) -> list[Path]:
    """The files of a run's results, cards last, after a look at each network's hashes.

    Args:
        run: the run folder.
        names: of the networks; default all of them, and what else a script has left there.

    Raises:
        SystemExit: there are none, or one is damaged.
    """
    files = sorted(file for file in (run / RESULTS).glob("*") if file.is_file())
    cards = [file for file in files if file.suffix == ".json" and not file.stem.endswith(".layers")]
    if names is not None:
        cards = [file for file in cards if file.stem in names]
        files = [file for file in files if file.name.split(".")[0] in names]
    if not files:
        raise SystemExit(f"{run} holds no results. A script writes them there at its end.")
    for card in cards:
        try:
            about = json.loads(card.read_text(encoding="utf-8"))
            parts = [about, *(about[key] for key in about if key == "onnx" or key.startswith("onnx_"))]
            bad = [part["file"] for part in parts if weights.sha256(card.with_name(part["file"])) != part["sha256"]]
        except (OSError, ValueError, KeyError, TypeError):
            bad = [card.name]
        if bad:
            raise SystemExit(
                f"{card.with_name(bad[0])} is missing or damaged. Let the script write it again: --resume."
            )
    return [*(file for file in files if file not in cards), *cards]


def put(files: list[Path], folder: Path) -> None:
    """Copy files into a folder so that at no moment one of them is half there, in the order in which they are named.

    Raises:
        SystemExit: the folder cannot be written to, or lacks room; nothing was changed.
        OSError: copying failed; nothing was changed.
    """
    writable(folder, "--weights-dir")
    room(folder, sum(file.stat().st_size for file in files), "--weights-dir")
    with ending.patience(), tempfile.TemporaryDirectory(prefix=".part-", dir=folder) as scratch:
        copies = [Path(shutil.copyfile(file, Path(scratch) / file.name)) for file in files]
        for copy in copies:
            copy.replace(folder / copy.name)
    print(f"{folder} now has {', '.join(file.name for file in files)}. Its README: make cards", flush=True)


def compare(card: Path, folder: Path) -> None:
    """Print each figure of a card beside that of the network which it replaces."""
    about = json.loads(card.read_text(encoding="utf-8"))
    try:
        earlier = {figure["name"]: figure["value"] for figure in weights.card(card.stem, folder)["metrics"]}
    except weights.WeightsError:
        earlier = {}
    for figure in about["metrics"]:
        was = f", was {earlier[figure['name']]:.4f}" if figure["name"] in earlier else ""
        print(f"{card.stem}: {figure['name']} {figure['value']:.4f}{was}")


@script
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("run", type=Path, metavar="RUN", help="the --run-dir of a script that has ended")
    parser.add_argument("--weights-dir", type=Path, default=weights.WEIGHTS_DIR, help="where they go")
    arguments = parser.parse_args()
    hold(arguments.run)
    for card in [file for file in whole_results(arguments.run) if file.suffix == ".json"]:
        if not card.stem.endswith(".layers"):
            about = json.loads(card.read_text(encoding="utf-8"))
            if "builder" in about and "onnx" not in about:  # a network, not what lies beside one
                from train import common

                common.serve(card.stem, card.parent)
            compare(card, arguments.weights_dir)
    put(whole_results(arguments.run), arguments.weights_dir)
    published(arguments.run)


if __name__ == "__main__":
    main()
