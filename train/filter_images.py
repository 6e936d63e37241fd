"""What each filter wants: pictures made by gradient ascent, one sheet a network, and where shipped pictures excite it.

    python -m train.filter_images                                # both networks, into runs/filter_images
    python -m train.filter_images efficientnet_lite0 --publish   # one of them, into weights/
    python -m train.filter_images --measure                      # how well the published ones excite, anew

Starts from grey and climbs: Adam moves the picture so that one filter answers more, on average over all places and in
the middle (Erhan, Bengio, Courville, Vincent 2009, "Visualizing Higher-Layer Features of a Deep Network"). What keeps
the picture from turning into fine noise is told in `cnndemo.activation_maps.wanted.REGULARISERS`, after Olah,
Mordvintsev, Schubert 2017, "Feature Visualization", https://distill.pub/2017/feature-visualization.

Photographs of pets, which do not ship, say what a filter of EfficientNet-Lite0 gives at most for real pictures.

A layer that is done lies in the run folder, with the seconds that it took; with `--resume`, a run that was struck goes
on with the next.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np
from keras import ops
from PIL import Image

from cnndemo import images, weights
from cnndemo.activation_maps import wanted
from cnndemo.activation_maps.fields import seen
from cnndemo.activation_maps.networks import shapes
from cnndemo.models import efficientnet_lite0
from train import common, intervals, pet_library, runs
from train.datasets import mnist
from train.filter_patches import in_pets, kept, patches

PHOTOGRAPHS = {
    "name": "the shipped photographs",
    "source": "cnndemo/samples/README.md",
    "licence": "public domain, CC0",
}


class Canvas(keras.layers.Layer):
    """The pictures that climb: its weights are their pixels, as a pyramid from the whole size down to a few pixels.

    Args:
        count: pictures.
        part: their size, how the network sees them, and their contrast.
        colors: float32 (channels, channels), by which independent colours become those of photographs.
        seed: of the first grey.
    """

    def __init__(self, count: int, part: wanted.Part, colors: np.ndarray, seed: int):
        super().__init__(name="canvas")
        self.size, self.repeat, self.enlarge = part.size, part.repeat_while_made, part.enlarge
        self.contrast, self.colors = part.contrast, ops.convert_to_tensor(colors, "float32")
        self.levels = []
        side, draw = self.size, keras.initializers.RandomNormal(stddev=0.02, seed=seed)
        while side >= 3:
            shape = (count, side, side, len(colors))
            self.levels.append(self.add_weight(shape, initializer=draw, name=f"level{side}"))
            side //= 2

    def pictures(self):
        """What they are now: (count, size, size, channels) in [0, 1]."""
        total = sum(ops.image.resize(level, (self.size, self.size), "bilinear") for level in self.levels)
        return ops.sigmoid(self.contrast * ops.matmul(total, self.colors))

    def call(self, shift):
        """What the network sees: moved around by `shift` (1, 2) pixels, in on one side what leaves on the other."""
        seen = ops.roll(self.pictures(), (shift[0, 0], shift[0, 1]), (1, 2))
        seen = ops.tile(seen, (1, self.repeat, self.repeat, 1))
        side = self.size * self.repeat * self.enlarge
        return ops.image.resize(seen, (side, side), "bilinear") if self.enlarge > 1 else seen


def digit_layer(layer: str) -> keras.Model:
    """The digit classifier up to a layer, without that layer's activation: (batch, 28, 28, 1) in [0, 1] to its maps."""
    model = weights.load("digit_classifier")
    x = source = keras.Input((None, None, 1) if layer.startswith("conv") else model.inputs[0].shape[1:])
    for each in model.layers:
        if each.name == layer:
            each.activation = keras.activations.linear
        x = each(x)
        if each.name == layer:
            return keras.Model(source, x)
    raise ValueError(f"The digit classifier has no layer “{layer}”.")


def photo_layer(layer: str, size: int) -> keras.Model:
    """EfficientNet-Lite0 up to a layer whose output is linear, for pictures (batch, size, size, 3) in [0, 1]."""
    trained = weights.load("efficientnet_lite0")
    model = efficientnet_lite0.build(size)
    model.set_weights(trained.get_weights())
    folded = efficientnet_lite0.fold(model)
    up_to = keras.Model(folded.inputs[0], folded.get_layer(layer.replace("_normalization", "_convolution")).output)
    source = keras.Input((size, size, 3))
    return keras.Model(source, up_to(source * 255.0))


def photo_colors() -> np.ndarray:
    """The square root of the covariance of the shipped photographs' colours, scaled to a largest row sum of one."""
    pixels = np.concatenate([images.sample(name).reshape(-1, 3)[::50] for name in images.SAMPLES]) / 255.0
    values, vectors = np.linalg.eigh(np.cov(pixels.T))
    root = vectors * np.sqrt(values) @ vectors.T
    mixed = (vectors * np.sqrt(values)).T
    return (mixed / np.linalg.norm(root, axis=1).max()).astype(np.float32)


def climb(
    network: keras.Model, part: wanted.Part, channels: list[int], steps: int, seed: int, middle: bool = False
) -> np.ndarray:
    """Pictures that excite channels of a layer.

    Args:
        network: up to the layer, without its activation.
        part: how large the pictures are, and how the network sees them.
        channels: one picture each.
        steps: of Adam; the last quarter without moving the picture around.
        seed: of the first grey and of the moves.
        middle: only the place in the middle counts, nothing moves, and colours are free.

    Returns:
        uint8 (channels, size, size, 1 or 3).
    """
    network.trainable = False
    depth = network.inputs[0].shape[-1]
    colors = photo_colors() if depth == 3 and not middle else np.eye(depth, dtype=np.float32)
    canvas = Canvas(len(channels), part, colors, seed)
    shift = keras.Input((2,), dtype="int32")
    answers = network(canvas(shift))
    mine = ops.one_hot(np.array(channels), answers.shape[-1])
    if len(answers.shape) == 4:
        maps = ops.einsum("nhwc,nc->nhw", answers, mine)
        place = maps.shape[1] // 2
        excited = maps[:, place, place] + (0.0 if middle else ops.mean(maps, (1, 2)))
    else:
        excited = ops.einsum("nc,nc->n", answers, mine)
    model = keras.Model(shift, ops.reshape(ops.sum(excited), (1, 1)))
    model.compile(keras.optimizers.Adam(part.rate), loss=lambda _, found: -ops.sum(found))
    chance = np.random.default_rng([seed, *channels])
    nothing = np.zeros((1, 1), np.float32)
    for step in range(steps):
        jitter = part.jitter if step < steps * 3 // 4 and not middle else 0
        move = chance.integers(-jitter, jitter + 1, (1, 2))
        model.train_on_batch(move.astype(np.int32), nothing)
    return np.round(255 * ops.convert_to_numpy(canvas.pictures())).astype(np.uint8)


def put_middle(
    pictures: np.ndarray, others: np.ndarray, name: str, layer: str, channels: list[int], folder: Path
) -> None:
    """Replace the pixels that the middle place looks at by those of pictures which were made for it alone."""
    part, way = wanted.PARTS[name][layer], wanted.steps(name, layer)
    places = network_places(name, layer) * part.repeat_while_made // part.repeat
    first, last = seen(way, places // 2)
    field = np.arange(first, last + 1) % part.size
    own = stretched(others[:, field[:, None], field])
    if name == wanted.DIGITS:
        every = wanted.channels(name, layer)
        where = patches(name, layer, folder)[1][[every.index(channel) for channel in channels], 0]
        digits, side = images.digits()[0], len(field)
        real = [digits[at[0], at[1] : at[1] + side, at[2] : at[2] + side, None] for at in where]
        own = polished(digit_layer(layer), own, np.stack(real), channels)
    pictures[:, field[:, None], field] = own


def stretched(pictures: np.ndarray, end: int = 12) -> np.ndarray:
    """What a sigmoid leaves almost black or almost white becomes so; uint8 in and out."""
    wide = (pictures.astype(np.float32) - end) * 255 / (255 - 2 * end)
    return np.clip(np.round(wide), 0, 255).astype(np.uint8)


def polished(
    network: keras.Model, pictures: np.ndarray, real: np.ndarray, channels: list[int], rounds: int = 24
) -> np.ndarray:
    """Try each pixel black and white, keep what excites the filter most, until nothing helps.

    Starts from the picture, from black, from white and from the best real patch: climbing may end on a lower hill.

    Args:
        network: up to the layer; takes pictures of the size of one field, (n, side, side, 1) in [0, 1].
        pictures: uint8 (n, side, side, 1).
        real: patches of shipped digits, of the same shape.
        channels: of each picture.
    """
    count, pixels = len(pictures), pictures[0].size

    def excited(flat: np.ndarray) -> np.ndarray:  # (count, tries, pixels) -> (count, tries)
        batch = flat.reshape(-1, *pictures.shape[1:]).astype(np.float32) / 255
        maps = ops.convert_to_numpy(network(batch)).reshape(count, flat.shape[1], -1)
        return maps[np.arange(count), :, channels]

    found, height = pictures.reshape(count, -1), np.full(count, -np.inf)
    for start in (found.copy(), np.zeros_like(found), np.full_like(found, 255), real.reshape(count, -1)):
        now = start
        for _ in range(rounds):
            tries = np.repeat(now[:, None], 2 * pixels + 1, axis=1)
            at = np.arange(pixels)
            tries[:, at, at], tries[:, pixels + at, at] = 0, 255
            values = excited(tries)
            best = values.argmax(axis=1)
            if (best == 2 * pixels).all():
                break
            now = np.where((values.max(axis=1) > values[:, -1] + 1e-7)[:, None], tries[np.arange(count), best], now)
        values = excited(now[:, None])[:, 0]
        found, height = np.where((values > height)[:, None], now, found), np.maximum(values, height)
    return found.reshape(pictures.shape)


def network_places(name: str, layer: str) -> int:
    """How many rows and columns the maps of a layer have."""
    return shapes(name)[layer][0]


def made(name: str, layer: str, folder: Path, arguments: argparse.Namespace) -> np.ndarray:
    """The pictures of a layer, from the run folder if they are there."""
    file, count = folder / f"{name}.{layer}.npz", len(wanted.channels(name, layer))
    return kept(file, {"pictures": count}, lambda: {"pictures": climbed(name, layer, folder, arguments)})["pictures"]


def climbed(name: str, layer: str, folder: Path, arguments: argparse.Namespace) -> np.ndarray:
    """The pictures of a layer, some of them at once."""
    part, channels = wanted.PARTS[name][layer], wanted.channels(name, layer)
    done = []
    for first in range(0, len(channels), part.batch):
        started = time.time()
        keras.backend.clear_session()
        network = digit_layer(layer) if name == "digit_classifier" else photo_layer(
            layer, part.size * part.repeat_while_made * part.enlarge)  # fmt: skip
        some, steps = channels[first : first + part.batch], arguments.steps or part.steps
        done.append(climb(network, part, some, steps, arguments.seed))
        if part.exact:
            put_middle(
                done[-1], climb(network, part, some, steps, arguments.seed, middle=True), name, layer, some, folder
            )
        print(f"{name} {layer} {some[0]}–{some[-1]}: {time.time() - started:.0f} s", flush=True)
    return np.concatenate(done)


def share(name: str, beaten: np.ndarray, **more: Any) -> dict[str, Any]:
    """The figure of a card: the part of the filters whose picture excites them more than something."""
    return intervals.metric(
        name, beaten.mean(), len(beaten), intervals.wilson(int(beaten.sum()), len(beaten)), "filters", **more
    )


def measured(
    name: str, made: dict[str, np.ndarray], folder: Path, data_dir: Path
) -> tuple[dict[str, np.ndarray], list[dict]]:
    """What the sheet's table holds, and the figures of its card; real patches are looked for once a run."""
    pets = in_pets(name, folder, data_dir) if name == wanted.PHOTOS else {}
    table = {}
    for layer, pictures in made.items():
        best, where = patches(name, layer, folder)
        excited, peak = wanted.excited(name, layer, pictures, wanted.channels(name, layer))
        found = {"best": best, "where": where, "excited": excited, "peak": peak}
        table |= {f"{layer}/{key}": values for key, values in (found | ({"pets": pets[layer]} if pets else {})).items()}
        times = excited / np.maximum(best[:, 0], 1e-6)
        print(f"{name} {layer}: more than all shipped patches {(times > 1).mean():.1%}, median {np.median(times):.2f} "
              f"times, least {times.min():.3f}", flush=True)  # fmt: skip
    values = np.concatenate([table[f"{layer}/excited"] for layer in made])
    real = np.concatenate([table[f"{layer}/best"][:, 0] for layer in made])
    note = "the highest value of the filter in its picture against that in every patch of every shipped picture"
    figures = [
        share("excites its filter more than any shipped patch", values > real + wanted.EQUAL, note=note),
        share("at least as much as any shipped patch", values >= real - wanted.EQUAL, note=note),
        median_times("times the most exciting shipped patch, median", values, real),
    ]
    if pets:
        real = np.concatenate([pets[layer] for layer in made])
        count = int(pets["pets"][0])
        what = f"patch of {count} photographs of pets"
        note = "the same against all patches of five views of each; these photographs do not ship"
        figures += [
            share(f"excites its filter more than any {what}", values > real + wanted.EQUAL, note=note, pets=count),
            median_times(f"times the most exciting {what}, median", values, real),
        ]
    return table, figures


def median_times(name: str, values: np.ndarray, real: np.ndarray) -> dict[str, Any]:
    """The figure of a card: how many times as much as real patches the pictures excite those filters that answer."""
    times = values[real > 0] / real[real > 0]
    return intervals.metric(name, float(np.median(times)), len(times), intervals.bootstrap(times, np.median), "filters")


def pieces(name: str, sheet: Path) -> dict[str, np.ndarray]:
    """Layer -> its pictures as a sheet holds them after its compression, uint8 (filters, height, width, channels)."""
    pixels, channels = np.asarray(Image.open(sheet).convert("RGB")), 1 if name == wanted.DIGITS else 3
    return {layer: wanted.cut(name, layer, pixels)[..., :channels] for layer in wanted.PARTS[name]}


def tabled(name: str, sheet: Path, work: Path, data_dir: Path) -> dict[str, Any]:
    """Measure a sheet, and write its table beside it.

    Args:
        work: folder of what is looked for once.
        data_dir: of the photographs of pets.

    Returns:
        What its card says of it.
    """
    table, metrics = measured(name, pieces(name, sheet), work, data_dir)
    with weights.whole(sheet.with_suffix(".npz")) as part:
        np.savez_compressed(part, **table)
    return {"metrics": metrics, "table_sha256": weights.sha256(sheet.with_suffix(".npz"))}


def written(name: str, made: dict[str, np.ndarray], arguments: argparse.Namespace) -> None:
    """Write sheet, table and card into the results of the run, and with `--publish` into `weights/`."""
    folder, stem = arguments.run_dir / common.RESULTS, f"{name}.filters"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{stem}.webp"
    with weights.whole(file) as part:
        sheet = Image.fromarray(wanted.sheet(name, made))
        sheet.save(part, "WEBP", quality=arguments.quality, lossless=name == wanted.DIGITS, method=6)
    about = {
        "name": stem,
        "about": "Pictures that gradient ascent found for filters; see cnndemo/activation_maps/wanted.py.",
        "network": {"name": name, "sha256": weights.card(name)["sha256"]},
        "seed": arguments.seed,
        "regularisers": list(wanted.REGULARISERS),
        "filters": {layer: len(wanted.channels(name, layer)) for layer in made},
        "data": mnist.SOURCE if name == wanted.DIGITS else {
            key: f"{own}; {pet_library.SOURCE[key]}" for key, own in PHOTOGRAPHS.items()
        },
        "file": file.name,
        "sha256": weights.sha256(file),
        "bytes": file.stat().st_size,
        "dtype": "uint8",
    }  # fmt: skip
    found = tabled(name, file, arguments.run_dir, arguments.data_dir)
    about["seconds"] = round(sum(float(np.load(kept)["seconds"]) for kept in arguments.run_dir.glob(f"{name}.*.npz")))
    weights.write_card(stem, about | found | common.circumstances(arguments), folder)
    if arguments.publish:
        common.put([folder / f"{stem}.{kind}" for kind in ("webp", "npz", "json")], arguments.weights_dir)


def measure(name: str, arguments: argparse.Namespace) -> None:
    """Put the figures of a published sheet on its card anew."""
    folder, stem = arguments.weights_dir, f"{name}.filters"
    card = weights.card(stem, folder)
    with TemporaryDirectory() as work:
        found = tabled(name, folder / card["file"], Path(work), arguments.data_dir)
    weights.write_card(stem, card | found | {"measured": common.circumstances(arguments)}, folder)


def names_of(text: str) -> str:
    """The type of a name of a network."""
    if text not in wanted.PARTS:
        raise argparse.ArgumentTypeError(f"there is no network {text}; choose of {', '.join(wanted.PARTS)}")
    return text


def options() -> argparse.ArgumentParser:
    """The arguments of this script."""
    parser = common.parser(__doc__.split("\n")[0], "filter_images", trains=False)
    parser.add_argument("names", nargs="*", type=names_of, metavar="NAME", help="of a network; without, all")
    parser.add_argument("--seed", type=common.at_least(0), default=0, help="of the first grey and of the moves")
    parser.add_argument("--steps", type=common.at_least(0), default=0, help="of Adam; 0: as many as the layer has")
    parser.add_argument("--quality", type=common.at_least(1), default=88, help="of the sheet of photographs' filters")
    parser.add_argument("--resume", action="store_true", help="go on with the next layer of the run in --run-dir")
    parser.add_argument("--fresh", action="store_true", default=False, help="replace the run that --run-dir holds")
    return parser


@common.script
def main() -> None:
    """Let the pictures of the networks that are named climb, or of both."""
    arguments = options().parse_args()
    names = arguments.names or list(wanted.PARTS)
    if arguments.measure:
        for name in names:
            measure(name, arguments)
        return
    common.prepare(arguments)
    for name in names:
        for layer in wanted.PARTS[name]:  # some pictures start from the best patches; each has its own seconds
            patches(name, layer, arguments.run_dir)
        pictures = {layer: made(name, layer, arguments.run_dir, arguments) for layer in wanted.PARTS[name]}
        written(name, pictures, arguments)
    if arguments.publish:
        runs.published(arguments.run_dir)


if __name__ == "__main__":
    main()
