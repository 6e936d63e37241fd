"""Trains the second look at a face: upright or not, mouth covered, eyes covered.

    python -m train.face_check

Faces are those of Labeled Faces in the Wild, as found and marked by the shipped networks; masks, scarves and dark
glasses are painted on them (`train/covers.py`). What is no face: windows that the cascade takes for one in pictures of
pets and things, chance windows, and faces that lie or stand on their heads. The three folds hold different people:
three trainings leave out one fold each and give the figures on the card, a fourth on all of them is what ships.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import keras
import numpy as np
from keras import ops

from cnndemo import images, inference, weights
from cnndemo.face_detection import Box, detect, locate, search, square, turned, upright
from cnndemo.face_verification import faces as verifying
from cnndemo.face_verification import rates
from cnndemo.models import face_check
from train import common, covers, engine, intervals, schedules
from train.checkpoints import Stream
from train.datasets import cifar10, lfw, oxford_breeds
from train.datasets.fetch import stored
from train.pictures import corners, crops

FOLDS = 3
SHIFT = 3
"""Pixels by which training moves a square, at most."""
IGNORED = -1.0
"""Target of an answer that means nothing: whether the mouth of what is no face is covered."""


@dataclass(frozen=True)
class Sitter:
    """A face of LFW: its picture's name and fold, the boxes that detectors gave it, and 68 landmarks."""

    name: str
    fold: int
    boxes: tuple[Box, ...]
    points: np.ndarray


def networks(folder: Path, checker: verifying.Predictor | None = None) -> verifying.Networks:
    """Those that find and describe faces, see `common.helper`, with a checker that is tried out."""
    names = verifying.NAMES[:3] if checker else verifying.NAMES
    return verifying.Networks(*(common.helper(name, folder) for name in names), *([checker] if checker else []))


def sitters(data_dir: Path, folder: Path) -> tuple[list[Sitter], dict[str, np.ndarray]]:
    """The face in the middle of each picture of LFW, and the pictures; `folder` holds what finds it."""
    pairs, picture = lfw.load(data_dir)
    folds = {name: pair.fold for pair in pairs for name in (pair.first, pair.second)}
    detector, marks = (common.helper(name, folder) for name in ("tiny_face_detector", "face_landmarks"))
    found, pictures = [], {}
    progress = keras.utils.Progbar(len(folds), unit_name="picture")
    for name, fold in sorted(folds.items()):
        progress.add(1)
        pictures[name] = image = picture(name)
        middle = np.array(image.shape[1::-1]) / 2

        def near(box: Box, middle=middle) -> float:
            return float(np.hypot(*(np.array(box.centre) - middle)))

        fitted = verifying.fit(image, detect(image, detector), marks)
        if not fitted or near(min((face[0] for face in fitted), key=near)) > 40:
            continue
        first, points, *_ = min(fitted, key=lambda face: near(face[0]))
        others = [*locate(image, detector, 0.3), *search(image).boxes, *search(image, "frontal default").boxes]
        boxes = (first, *(box for box in others if box != first and box.overlap(first) > 0.4))
        found.append(Sitter(name, fold, boxes, points))
    return found, pictures


def jittered(box: Box, generator: np.random.Generator) -> Box:
    """A box a little beside the mark and a little too large or too small, as detectors draw them."""
    scale, (right, down) = np.exp(generator.normal(0, 0.09)), generator.normal(0, 0.05, 2)
    x, y = box.centre[0] + right * box.width, box.centre[1] + down * box.height
    width, height = box.width * scale, box.height * scale
    return replace(box, left=x - width / 2, top=y - height / 2, width=width, height=height)


def seen(image: np.ndarray, box: Box, turn: float, generator: np.random.Generator) -> np.ndarray:
    """A square around a face, turned by so many degrees, in another light, sharpness and colour; uint8 (48, 48, 3)."""
    matrix = cv2.getRotationMatrix2D(box.centre, turn, 1.0)
    image = cv2.warpAffine(image, matrix, image.shape[1::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if generator.random() < 0.15:  # the picture's edge cuts the face's surroundings
        x, y = (round(value) for value in box.centre)
        cut = (slice(max(0, y - round(0.6 * box.height)), None), slice(max(0, x - round(0.6 * box.width)), None))
        image = image[cut]
        box = replace(box, left=box.left - cut[1].start, top=box.top - cut[0].start)
    return disturbed(square(image, jittered(box, generator)), generator)


def disturbed(pixels: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Another light, colour, sharpness; half of the squares mirrored."""
    if generator.random() < 0.3:
        small = int(generator.integers(18, 44))
        pixels = cv2.resize(cv2.resize(pixels, (small, small), interpolation=cv2.INTER_AREA), pixels.shape[1::-1])
    values = pixels.astype(np.float32)
    if generator.random() < 0.15:
        values = np.repeat(values.mean(axis=2, keepdims=True), 3, axis=2)
    values = 255 * (np.clip(values, 0, 255) / 255) ** np.exp(generator.normal(0, 0.35))
    values = (values - 128) * np.exp(generator.normal(0, 0.2)) + 128 + generator.normal(0, 15)
    values = values * np.exp(generator.normal(0, 0.06, 3)) + generator.normal(0, generator.uniform(0, 8), values.shape)
    pixels = np.clip(values, 0, 255).astype(np.uint8)
    return pixels[:, ::-1] if generator.random() < 0.5 else pixels


def of_sitter(sitter: Sitter, image: np.ndarray, generator: np.random.Generator) -> list[tuple[np.ndarray, tuple]]:
    """Squares of one face with their targets: bare, covered in several ways, and turned."""
    result = []
    for mouth, eyes in ((0, 0), (0, 0), (0, 0), (1, 0), (1, 0), (0, 1), (0, 1), (1, 1)):
        drawn = image
        if not eyes and generator.random() < 0.15:
            drawn = covers.spectacles(drawn, sitter.points, generator)
        for covered, styles in ((eyes, covers.EYES), (mouth, covers.MOUTH)):
            if covered:
                drawn = styles[generator.integers(len(styles))](drawn, sitter.points, generator)
        box = sitter.boxes[generator.integers(len(sitter.boxes))]
        result.append((seen(drawn, box, generator.normal(0, 12), generator), (1, mouth, eyes)))
    for quarter in (90, 180, 180, 270):
        box = sitter.boxes[generator.integers(len(sitter.boxes))]
        turn = quarter + generator.normal(0, 15)
        result.append((seen(image, box, turn, generator), (0, IGNORED, IGNORED)))
    return result


def without_people(data_dir: Path, limit: int = 0) -> dict[str, list[np.ndarray]]:
    """Pictures without people: pets of the training split, things of CIFAR-10 enlarged, and the samples of things."""
    train = oxford_breeds.load(data_dir)[0][0]
    (small, _), _, _ = cifar10.load(data_dir)
    chosen = np.random.default_rng(0).permutation(len(small))[:1500]
    things = [cv2.resize(small[row], (224, 224), interpolation=cv2.INTER_CUBIC) for row in chosen]
    return {"pets": train[: limit or None], "things": things[: limit or None]}


def windows_of(image: np.ndarray, generator: np.random.Generator, most: int = 8) -> list[np.ndarray]:
    """Squares without a face: where single windows of the cascade mistake something for one, and chance places."""
    image = np.ascontiguousarray(np.rot90(image, generator.integers(4)))
    hits = [box for name in ("frontal alt2", "frontal default") for box in search(image, name, neighbours=0).boxes]
    chosen = [hits[row] for row in generator.permutation(len(hits))[: most - 2]]
    while len(chosen) < most:
        side = min(image.shape[:2]) * generator.uniform(0.15, 0.95)
        top, left = (generator.uniform(0, length - side) for length in image.shape[:2])
        chosen.append(Box(left, top, side, side))
    return [disturbed(square(image, box), generator) for box in chosen]


def mistakes(
    image: np.ndarray, generator: np.random.Generator, detector: verifying.Predictor, copies: int = 4
) -> list[np.ndarray]:
    """Squares around what the detectors together call a face, in a picture without any, as it is and turned once."""
    found = []
    for turn in (0, int(generator.integers(1, 4))):
        picture = turned(image, turn)
        for box in detect(picture, detector):
            found += [disturbed(square(picture, jittered(box, generator)), generator) for _ in range(copies)]
    return found


def prepare(arguments: Namespace):
    """All squares with targets and folds, kept in the run folder; the sitters and pictures for measuring.

    `--limit` cuts what squares are made of; what is measured with stays whole.
    """
    file, folder = arguments.run_dir / "squares.npz", arguments.weights_dir
    people, pictures = sitters(arguments.data_dir, folder)
    if file.is_file():
        made = stored(file, "Begin anew: --fresh.", ("x", "y", "fold"))
        return people, pictures, (made["x"], made["y"], made["fold"])
    generator, rows = np.random.default_rng(arguments.seed), []
    detector = common.helper("tiny_face_detector", folder)
    for sitter in common.spread(people, arguments.limit):
        rows += [(x, y, sitter.fold) for x, y in of_sitter(sitter, pictures[sitter.name], generator)]
    for pictures_of in without_people(arguments.data_dir, arguments.limit).values():
        for number, image in enumerate(pictures_of):
            nothing = (0, IGNORED, IGNORED)
            image = images.shrink(image, 400)
            squares = windows_of(image, generator) + mistakes(image, generator, detector)
            rows += [(x, nothing, number % FOLDS) for x in squares]
    x, y, fold = (np.stack([row[part] for row in rows]) for part in range(3))
    with weights.whole(file) as half:
        np.savez(half, x=x, y=y.astype(np.float32), fold=fold)
    return people, pictures, (x, y.astype(np.float32), fold)


def loss(truth, logits):
    """Cross-entropy of the answers that mean something."""
    known = ops.cast(truth >= 0, "float32")
    each = ops.relu(logits) - logits * truth + ops.softplus(-ops.abs(logits))
    return ops.sum(each * known, axis=-1)


class Squares(Stream):
    """Batches of squares, uint8, each time moved by up to three pixels, and a little brighter or darker."""

    def __init__(self, x: np.ndarray, y: np.ndarray, batch_size: int, seed: int):
        super().__init__(len(x), batch_size, seed, whole=True, max_queue_size=8)
        self.padded, self.y = np.pad(x, ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0)), mode="edge"), y

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        rows, random = self.rows(index), self.chance(index)
        places = corners(len(rows), SHIFT, random)
        gain = np.exp(random.normal(0, 0.15, (len(rows), 1, 1, 3))).astype(np.float32)
        light = random.normal(0, 12, (len(rows), 1, 1, 1)).astype(np.float32)
        part = self.part(rows)
        moved = crops(self.padded[rows[part]], SHIFT, places[part])
        return np.clip(moved * gain[part] + light[part], 0, 255).astype(np.uint8), self.y[rows[part]]


def fit(squares: tuple[np.ndarray, np.ndarray], arguments: Namespace, stage: str) -> tuple[keras.Model, list[dict]]:
    """A network trained on squares, x uint8 and y; every twentieth is left out to choose the best epoch."""
    x, y = squares
    keras.utils.set_random_seed(arguments.seed)
    held = np.arange(len(x)) % 20 == 0
    with engine.precision(arguments):
        network = face_check.build()
    model = engine.trainee(network, before=[keras.layers.RandomFlip("horizontal", seed=arguments.seed)])
    training = Squares(x[~held], y[~held], arguments.batch_size, arguments.seed)
    rate, _ = schedules.cosine(arguments.learning_rate, arguments.epochs, len(training))
    model.compile(keras.optimizers.Adam(rate, **engine.optimizer_options(arguments)), loss)
    history = common.fit(model, training, (x[held], y[held]), arguments, stage=stage, reduce=False)
    return engine.exact(network), history


def options() -> ArgumentParser:
    """The arguments of this script."""
    parser = common.parser(__doc__.splitlines()[0], "face_check", epochs=12, batch_size=128)
    parser.add_argument("--learning-rate", type=common.above_zero, default=2e-3, help="at the start; falls to 0")
    return parser


@common.script
def main() -> None:
    arguments = options().parse_args()
    if arguments.measure:
        measure_again(arguments)
        return
    common.prepare(arguments)
    people, pictures, (x, y, fold) = prepare(arguments)
    print(f"{len(x)} squares, {int((y[:, 0] == 1).sum())} of them upright faces")
    model, history = fit((x, y), arguments, "all")
    trials = []
    pairs = lfw.load(arguments.data_dir)[0]
    for k in range(FOLDS):
        checker = inference.traced(fit((x[fold != k], y[fold != k]), arguments, f"fold{k}")[0])
        using = networks(arguments.weights_dir, checker)
        strangers = [pair for pair in pairs if pair.fold == k and not pair.same]
        trials.append(try_out(k, [sitter for sitter in people if sitter.fold == k], pictures, strangers, using))
    publish(model, history, {"faces": len(people), "squares": len(x)}, *report(trials), arguments)
    print("Next, with the weights in their place: python -m train.face_check --measure")


def measure_again(arguments: Namespace) -> None:
    """Put the figures of pictures without people on the card; those of the folds need the networks of the folds."""
    folder = arguments.weights_dir

    def facts(served: common.Served) -> dict:
        found = false_faces(arguments.data_dir, networks(folder, served.predict_on_batch))
        names = {figure["name"] for figure in found}
        kept = [figure for figure in weights.card("face_check", folder)["metrics"] if figure["name"] not in names]
        return {"metrics": kept + found}

    common.measure("face_check", arguments, facts)


def publish(
    model: keras.Model,
    history: list[dict],
    splits: dict[str, int],
    metrics: list[dict],
    distances: dict,
    arguments: Namespace,
) -> None:
    """Write the network, its served file and its card, as yet without the figures of pictures without people."""
    common.publish(
        model,
        arguments,
        "cnndemo.models.face_check:build",
        data=lfw.SOURCE
        | {
            "name": "Labeled Faces in the Wild with painted masks, scarves and glasses; Oxford-IIIT Pet, CIFAR-10",
            "splits": splits,
        },
        metrics=metrics,
        distances=distances,
        history=history,
        notes=[
            "Figures of faces: for each of three folds by a network that has not seen its people, trained as the one "
            "that ships, which has seen all. Figures of pictures without faces: the shipped network, test splits.",
            "Masks and glasses are painted; real ones, hands and hair may be told less well. Dark glasses that people "
            "wear in the data set were learned as bare faces, there are few.",
            "The people of the data set are not balanced: do not expect these figures for everybody.",
        ],
    )


KINDS = {
    "bare": None,
    "pale blue mask": covers.surgical,
    "black glasses": covers.black_glasses,
    "any mask, scarf or patch": lambda *a: covers.MOUTH[a[2].integers(len(covers.MOUTH))](*a),
    "any dark glasses or bar": lambda *a: covers.EYES[a[2].integers(len(covers.EYES))](*a),
}
THRESHOLD = 0.6


def try_out(k: int, people: list[Sitter], pictures: dict, pairs: list[lfw.Pair], using: verifying.Networks) -> dict:
    """The faces of one fold, bare and covered, on the side and on the head, with a network that has not seen them.

    Args:
        k: number of the fold.
        people, pictures: its faces, and the pictures by name.
        pairs: of two people of the fold.
        using: the networks, with the checker that has not seen them.

    Returns:
        Kind -> numbers of pictures, of faces found and of faces doubted, and the distances of pairs of two people: of
        all, and infinite where a face is doubted. And "turns": how many pictures of how many were set upright.
    """
    sitting, trial = {sitter.name: sitter for sitter in people}, {}
    for kind, style in KINDS.items():
        chosen = pairs[:: 6 if "any" in kind else 2]
        names = sorted({name for pair in chosen for name in (pair.first, pair.second)} & set(sitting))
        generator, faces = np.random.default_rng(7), {}
        for name in names:
            image = pictures[name]
            if style:
                image = style(image, sitting[name].points, generator)
            if (face := nearest(verifying.describe(image, using), image.shape[0])) is not None:
                faces[name] = face
        doubted = sum(face.doubt is not None for face in faces.values())
        far, clear = apart(chosen, faces), apart(chosen, faces, clear=True)
        trial[kind] = {"counts": (len(names), len(faces), doubted), "all": far, "without a doubt": clear}
        print(f"fold {k}, {kind}: {len(names)} pictures, {len(faces)} faces, {doubted} doubted", flush=True)
    trial["turns"] = turns(people[:: max(1, len(people) // 50)], pictures, using)
    return trial


def report(trials: list[dict]) -> tuple[list[dict], dict]:
    """The figures of all folds together, and the distances of each kind, counted as on the card of `face_embedding`."""
    metrics, counted = [], {}
    for kind, style in KINDS.items():
        pictures, found, doubted = np.sum([trial[kind]["counts"] for trial in trials], axis=0)
        if style is None:
            metrics.append(rate("bare faces that are doubted", doubted, found))
        else:
            metrics.append(rate(f"covered faces found and not doubted, {kind}", found - doubted, pictures))
        counted[kind] = {}
        for which, how in (("all", "doubts ignored"), ("without a doubt", "and not doubted")):
            values = np.concatenate([trial[kind][which] for trial in trials])
            accepted = int((values < THRESHOLD).sum())
            metrics.append(rate(f"strangers accepted at {THRESHOLD:.2f}, {kind}, {how}", accepted, len(values)))
            counted[kind][which] = rates.count(values).tolist()
    for turn, name in enumerate(("as it is", "on its right side", "upside down", "on its left side")):
        right, total = np.sum([trial["turns"][turn] for trial in trials], axis=0)
        metrics.append(rate(f"pictures set upright, {name}", right, total))
    for row in metrics:
        print(f"{row['name']}: {row['value']:.4f} of {row['samples']}")
    return metrics, counted


def apart(pairs: list[lfw.Pair], faces: dict, clear: bool = False) -> np.ndarray:
    """Distances of pairs; infinite where a face is missing or, with `clear`, doubted."""
    known = {name: face for name, face in faces.items() if not (clear and face.doubt)}
    return np.array(
        [
            verifying.distance(known[pair.first].embedding, known[pair.second].embedding)
            if pair.first in known and pair.second in known
            else np.inf
            for pair in pairs
        ]
    )


def turns(people: list[Sitter], pictures: dict[str, np.ndarray], using: verifying.Networks) -> list[tuple[int, int]]:
    """For each turn: how many pictures were set upright, of how many."""
    found = []
    for turn in range(4):
        ways = [turned(pictures[sitter.name], -turn % 4) for sitter in people]
        looks = [upright(picture, using.detector, using.checker) for picture in ways]
        found.append((sum(look.turn == turn and bool(look.boxes) for look in looks), len(people)))
    return found


def false_faces(data_dir: Path, using: verifying.Networks) -> list[dict]:
    """Pictures without people, of the test splits, in which a face is found."""
    (small, _), rows = cifar10.load(data_dir)[2], []
    chosen = np.random.default_rng(1).permutation(len(small))[:300]
    things = [cv2.resize(small[row], (224, 224), interpolation=cv2.INTER_CUBIC) for row in chosen]
    pets = oxford_breeds.load(data_dir)[2][0][::2]
    for name, pictures in (("pets", pets), ("things", things)):
        wrong = sum(bool(verifying.describe(image, using)) for image in pictures)
        rows.append(rate(f"pictures of {name} in which a face is found", wrong, len(pictures), "test"))
    return rows


def nearest(faces: list[verifying.Face], side: int) -> verifying.Face | None:
    """The face next to the middle of the picture."""
    return min(faces, key=lambda face: np.hypot(*np.subtract(face.box.centre, side / 2)), default=None)


def rate(name: str, count: int, total: int, split: str = "left-out folds") -> dict:
    count, total = int(count), int(total)
    return intervals.metric(name, count / total, total, intervals.wilson(count, total), split)


if __name__ == "__main__":
    main()
