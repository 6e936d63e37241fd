"""Questions in words: every language says the same things, and in every state one option alone is right."""

from __future__ import annotations

import re
import string

import numpy as np
import pytest

from cnndemo import questions, topics
from cnndemo.architectures import NETWORKS, plan
from cnndemo.architectures.questions import questions as of_architectures
from cnndemo.augmentation import BOOK
from cnndemo.augmentation.questions import questions as of_augmentation
from cnndemo.book_index import ENTRIES
from cnndemo.book_index.questions import questions as of_book_index
from cnndemo.convolution import Curve
from cnndemo.convolution.questions import questions as of_convolution
from cnndemo.digit_classifier.questions import questions as of_digit
from cnndemo.face_detection import CASCADES, haar, search
from cnndemo.face_detection.questions import BASE, window_sizes
from cnndemo.face_detection.questions import questions as of_face_detection
from cnndemo.face_verification.questions import questions as of_face_verification
from cnndemo.face_verification.rates import Rates
from cnndemo.filters.questions import questions as of_filters
from cnndemo.fool_it.questions import questions as of_fool_it
from cnndemo.layer_lab.geometry import PADDINGS
from cnndemo.layer_lab.questions import questions as of_layer_lab
from cnndemo.lessons import LANGUAGES
from cnndemo.normalization.questions import questions as of_normalization
from cnndemo.pattern_matching.questions import questions as of_pattern_matching
from cnndemo.pattern_matching.scenes import SHAPES
from cnndemo.pet_segmentation.questions import questions as of_pets
from cnndemo.resnet_transfer.questions import questions as of_transfer
from cnndemo.siamese import curve
from cnndemo.siamese.questions import questions as of_siamese
from cnndemo.training import Settings
from cnndemo.training.questions import questions as of_training
from cnndemo.upsampling.questions import questions as of_upsampling
from tests.conftest import ROOT

STEMS = [topic.stem for topic in topics.built()]


def fields(text: str) -> list[str]:
    """What is to be filled into a text, such as "rate:.3g"."""
    return sorted(f"{name}!{turn}:{spec}" for _, name, spec, turn in string.Formatter().parse(text) if name)


def shape(words: dict) -> dict:
    """Keys of the words of a question in a language, and the numbers that it wants."""
    asked = set(fields(words["ask"]) + fields(words["why"]))
    return {
        "keys": set(words), "options": list(words.get("options", ())), "option": fields(words.get("option", "")),
        "numbers": {field.split("!")[0] for field in asked},
    }  # fmt: skip


@pytest.mark.parametrize("stem", STEMS)
def test_every_language_says_everything(stem):
    for name, languages in questions.words(stem).items():
        assert set(languages) == set(LANGUAGES), name
        for language, words in languages.items():
            assert shape(words) == shape(languages["en"]), (name, language)
            assert ("option" in words) != ("options" in words) and fields(words["why"]), (name, language)
            texts = [words["ask"], words["why"], *words.get("options", {}).values()]
            assert all(text and text == text.strip() for text in texts), (name, language)
            assert words["ask"].endswith(("?", ".")) and words["why"].endswith(".")
            assert language == "en" or words["ask"] != languages["en"]["ask"]


@pytest.mark.parametrize("stem", STEMS)
def test_words_and_questions_know_each_other(stem):
    """No words without a question, no question without words."""
    source = (ROOT / "cnndemo" / stem / "questions.py").read_text(encoding="utf-8")
    asked = set(re.findall(r'ask\(\s*"(\w+)"', source)) | set(
        re.findall(r'"(\w+)" if (?:flip|two_networks) else', source)
    )
    asked |= set(re.findall(r'if (?:flip|two_networks) else "(\w+)"', source))
    assert asked == set(questions.words(stem))


def test_numbers_are_written_as_the_language_does():
    ask = questions.about("training")
    question = ask("updates", 12_500, [8, 100_000], digits=50_000, batch=32, epochs=8, each=1563)
    assert question.said("en").options == ("8", "12,500", "100,000")
    assert question.said("de").options == ("8", "12.500", "100.000") and "50.000 / 32" in question.said("de").why
    share = questions.about("activation_maps")("awake", 0.255, [-0.5], layer="a", digit="b", values=1).said("de")
    assert share.options[:2] == ("−50,0\u00a0%", "25,5\u00a0%")


def test_options_that_read_alike_are_replaced():
    said = questions.about("convolution")("area", 1.0, [1.001, 0.999, 1.0], first=1.0, second=1.0).said("en")
    assert said.answer == "1.00" and len(set(said.options)) == 3 and list(said.options) == sorted(said.options)


def whole(random, low: int, high: int) -> int:
    return int(random.integers(low, high))


def two(random, low: int, high: int) -> tuple[int, int]:
    return whole(random, low, high), whole(random, low, high)


def a_curve(random) -> Curve:
    kind = str(random.choice(["normal", "box", "triangle", "exponential"]))
    return Curve(kind, float(random.uniform(-1, 1)), float(random.uniform(0.2, 1)))


def some_rates(random) -> Rates:
    return Rates(random.integers(0, 40, 160), random.integers(0, 40, 160))


def a_share(random, count: int) -> np.ndarray:
    """Probabilities; sometimes of a network that is quite sure."""
    values = random.dirichlet(np.full(count, 0.3)).astype(np.float32)
    return np.eye(count, dtype=np.float32)[3] if random.random() < 0.2 else values


def some_rows(random) -> list[dict]:
    return [{"layer": f"layer_{i}", "parameters": whole(random, 0, 3) * 500} for i in range(4)]


def kernels(random) -> np.ndarray:
    return [np.zeros((3, 3)), np.ones((5, 5)), random.integers(-3, 4, (3, 3)).astype(float)][whole(random, 0, 3)]


#: Topic -> questions of a state that chance has chosen.
CHANCE = {
    "architectures": lambda r: of_architectures(
        plan(name := str(r.choice(list(NETWORKS))), 128, float(r.choice([0.25, 1.0, 2.0]))), name
    ),
    "augmentation": lambda r: of_augmentation(
        BOOK, float(r.uniform()), whole(r, 28, 225), whole(r, 3, 33),
        {"a": whole(r, 1, 40), "b": whole(r, 1, 4), "c": whole(r, 1, 9)},
    ),
    "book_index": lambda r: of_book_index(ENTRIES[whole(r, 0, 40) : whole(r, 0, 92)], len(ENTRIES)),
    "convolution": lambda r: of_convolution(a_curve(r), a_curve(r), bool(whole(r, 0, 2))),
    "digit_classifier": lambda r: of_digit(a_share(r, 10), some_rows(r), np.zeros((whole(r, 1, 200), 10))),
    "face_detection": lambda r: of_face_detection(
        whole(r, 0, 3) * 40, str(r.choice(list(haar.KINDS))), two(r, 16, 900), str(r.choice(list(BASE))),
        float(r.uniform(1.03, 1.5)), whole(r, 20, 200),
    ),
    "face_verification": lambda r: of_face_verification(
        some_rates(r), round(float(r.uniform(0.3, 0.9)), 2), float(r.uniform(0, 1.2)) if whole(r, 0, 2) else None
    ),
    "filters": lambda r: of_filters(r.integers(0, 256, two(r, 3, 40)).astype(np.uint8), kernels(r)),
    "fool_it": lambda r: of_fool_it(28 * 28, whole(r, 0, 80), whole(r, 1, 40), None),
    "layer_lab": lambda r: of_layer_lab(
        two(r, 1, 12), two(r, 1, 6), two(r, 1, 4), two(r, 1, 4), str(r.choice(PADDINGS)), whole(r, 1, 5), whole(r, 1, 5)
    ),
    "normalization": lambda r: of_normalization(
        (-whole(r, 0, 2), whole(r, 1, 9)), (0, whole(r, 1, 9)), float(r.uniform(0, 2))
    ),
    "pattern_matching": lambda r: of_pattern_matching(
        r.integers(0, 2, two(r, 4, 20)).astype(float), r.integers(0, 2, two(r, 1, 4)).astype(float),
        str(r.choice(SHAPES)),
    ),
    "pet_segmentation": lambda r: of_pets(
        {name: np.where(r.random((9, 9)) < r.choice([0, 0.3, 1]), 1, 2) for name in ("a", "b")}, "a"
    ),
    "resnet_transfer": lambda r: of_transfer(a_share(r, 1000), "cat", "A network", whole(r, 2, 9), whole(r, 2, 99)),
    "siamese": lambda r: of_siamese(
        float(r.uniform(0, 2)), float(r.uniform(0.1, 1)), curve(r.random(60), r.random(60) < 0.5), 103_744,
        float(r.uniform(0.2, 2)),
    ),
    "training": lambda r: of_training(
        Settings(epochs=whole(r, 1, 31), batch_size=whole(r, 1, 300), digits=whole(r, 10, 4001)),
        np.round(r.random(whole(r, 0, 9)), whole(r, 1, 4)).tolist(), float(r.uniform(0.01, 0.99)),
        float(r.uniform(0.1, 0.9)),
    ),
    "upsampling": lambda r: of_upsampling(
        r.integers(-2, 3, (n := whole(r, 1, 9), n)).astype(float),
        r.integers(-2, 3, (k := whole(r, 1, 6), k)).astype(float),
        whole(r, 1, 5), str(r.choice(["same", "valid"])),
    ),
}  # fmt: skip


def test_chance_knows_every_topic():
    """Activation maps are asked in tests/pages/test_questions.py, where there are networks to look into."""
    assert set(CHANCE) == set(STEMS) - {"activation_maps"}


@pytest.mark.parametrize("stem", CHANCE)
def test_one_option_is_right_in_any_state(stem):
    random = np.random.default_rng(5)
    for _ in range(6 if stem in ("architectures", "pattern_matching") else 40):
        asked = CHANCE[stem](random)
        assert len(asked) >= (3 if stem == "training" else 4) and len({each.name for each in asked}) == len(asked)
        for question in asked:
            for language in LANGUAGES:
                said = question.said(language)
                assert said.options.count(said.answer) == 1 and len(set(said.options)) == len(said.options) >= 2, said
                assert re.search(r"\d", said.why) and "{" not in said.why + said.prompt, said
                assert not re.search(r"\b(nan|inf)\b", " ".join(said.options)), said


def test_windows_are_those_that_opencv_tries(monkeypatch):
    """Every raw hit has one of the sizes, whatever the settings; and the base sizes are those of the files."""
    import cv2

    for name, base in BASE.items():
        classifier = cv2.CascadeClassifier(cv2.data.haarcascades + CASCADES[name])
        assert classifier.getOriginalWindowSize() == (base, base)
    noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3)).astype(np.uint8)
    from cnndemo import images

    for picture in (images.shrink(images.sample("astronaut"), 400), noise):
        for factor, smallest in ((1.1, 24), (1.3, 60)):
            hits = search(picture, "frontal alt2", factor, 0, smallest, raw=True).raw
            sizes = set(window_sizes(20, factor, smallest, min(picture.shape[:2])))
            assert {int(hit.width) for hit in hits} <= sizes
