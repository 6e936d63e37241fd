"""Digits as people photograph them: each kind of picture is drawn here, and read."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from cnndemo import digit_classifier
from cnndemo.digit_classifier import looking, segmentation, sheet, strokes
from cnndemo.digit_classifier.preparation import NoInk
from cnndemo.errors import VisitorError

LINES = {  # points x,y in percent of a square; several strokes parted by a slash
    "0": "50,8 30,18 24,50 30,82 50,92 70,82 76,50 70,18 50,8",
    "2": "24,30 38,12 60,12 72,28 66,48 24,90 80,90",
    "3": "26,14 72,14 46,44 74,64 60,88 24,84",
    "4": "56,8 18,62 84,62 / 62,30 62,94",
    "5": "76,10 32,10 28,46 60,42 76,66 58,90 24,84",
    "7": "20,10 80,10 44,92",
    "8": "50,48 30,30 50,8 70,30 50,48 26,70 50,92 74,70 50,48",
}
PEN, PAPER = (30, 30, 60), (238, 236, 230)


def stroke(lines: str, size: int = 260, pen: float = 0.075) -> np.ndarray:
    """Lines as ink, float32 (size, size) in [0, 1]."""
    ink = np.zeros((size, size), np.uint8)
    for line in lines.split("/"):
        points = np.array([point.split(",") for point in line.split()], float) * size / 100
        cv2.polylines(ink, [points.round().astype(np.int32)], False, 255, max(1, round(pen * size)), cv2.LINE_AA)
    return ink.astype(np.float32) / 255


def page(ink: np.ndarray, pen=PEN, paper=PAPER, margin: int = 70) -> np.ndarray:
    """Ink on paper, uint8 RGB."""
    ink = np.pad(ink, margin)[..., None]
    return np.round(np.array(paper) + ink * (np.array(pen, float) - paper)).astype(np.uint8)


def rules(picture: np.ndarray, pitch: int, squares: bool) -> np.ndarray:
    """Pale blue lines under what is written."""
    lined = np.full_like(picture, 238)
    for at in range(pitch // 2, max(picture.shape), pitch):
        cv2.line(lined, (0, at), (picture.shape[1], at), (130, 155, 195), 2)
        if squares:
            cv2.line(lined, (at, 0), (at, picture.shape[0]), (130, 155, 195), 2)
    return np.minimum(picture, lined)


def on_table(picture: np.ndarray) -> np.ndarray:
    """A sheet that lies askew on a brown table."""
    height, width = picture.shape[:2]
    corners = np.float32([(0, 0), (width, 0), (width, height), (0, height)])
    seen = np.float32([(90, 70), (350, 100), (330, 370), (60, 330)])
    warp = cv2.getPerspectiveTransform(corners, seen)
    table = np.full((480, 640, 3), (110, 80, 55), np.uint8)
    over = cv2.warpPerspective(np.ones((height, width), np.float32), warp, (640, 480))[..., None]
    return (table * (1 - over) + cv2.warpPerspective(picture, warp, (640, 480)) * over).astype(np.uint8)


def half_in_shadow(picture: np.ndarray) -> np.ndarray:
    """The edge of a shadow runs slantwise through the digit."""
    y, x = np.mgrid[: picture.shape[0], : picture.shape[1]]
    return np.where((x + 0.7 * y > 330)[..., None], picture * 0.45, picture).astype(np.uint8)


def with_thumb(picture: np.ndarray) -> np.ndarray:
    return cv2.ellipse(picture.copy(), (400, 400), (120, 95), 0, 0, 360, (205, 150, 125), -1, cv2.LINE_AA)


def very_bold(digit: str) -> np.ndarray:
    ink = stroke(LINES[digit], 260, 0.22)
    rows, columns = np.nonzero(ink.any(axis=1))[0], np.nonzero(ink.any(axis=0))[0]
    cut = ink[rows[0] + 12 : rows[-1] - 11, columns[0] + 12 : columns[-1] - 11]
    return page(cut, (0, 0, 0), (255, 255, 255), 0)


def boxed(picture: np.ndarray) -> np.ndarray:
    return cv2.rectangle(picture.copy(), (35, 30), (365, 372), PEN, 4)


KINDS: dict[str, Callable[[str], np.ndarray]] = {
    "paper and pen": lambda digit: page(stroke(LINES[digit])),
    "paper on a table": lambda digit: on_table(page(stroke(LINES[digit]))),
    "paper held up": lambda digit: np.pad(
        cv2.resize(page(stroke(LINES[digit])), (240, 240), interpolation=cv2.INTER_AREA),
        ((110, 130), (260, 140), (0, 0)), constant_values=150,
    ),
    "edge of a shadow": lambda digit: half_in_shadow(page(stroke(LINES[digit]))),
    "red on green of equal brightness": lambda digit: page(stroke(LINES[digit]), (250, 45, 40), (0, 168, 65)),
    "ruled paper": lambda digit: rules(page(stroke(LINES[digit])), 44, False),
    "squared paper": lambda digit: rules(page(stroke(LINES[digit])), 26, True),
    "in a box": lambda digit: boxed(page(stroke(LINES[digit]))),
    "circled": lambda digit: cv2.circle(page(stroke(LINES[digit])), (200, 200), 186, PEN, 5, cv2.LINE_AA),
    "underlined": lambda digit: cv2.line(page(stroke(LINES[digit])), (40, 362), (360, 366), PEN, 9),
    "thumb in the corner": lambda digit: with_thumb(page(stroke(LINES[digit]))),
    "very bold, tightly cut": very_bold,
}  # fmt: skip


def read(picture: np.ndarray) -> str:
    try:
        return "".join(str(reading.digit) for reading in digit_classifier.read_number(picture))
    except VisitorError:
        return "refused"


@pytest.mark.parametrize("kind", KINDS)
def test_digits_are_read_in_pictures_of_every_kind(kind):
    got = {digit: read(KINDS[kind](digit)) for digit in LINES}
    assert got == {digit: digit for digit in LINES}


OTHERS = {
    "plus": "50,15 50,85 / 15,50 85,50",
    "minus": "10,50 90,52",
    "equals": "12,40 88,38 / 12,60 88,60",
    "slash": "90,8 14,92",
    "times": "15,15 85,85 / 15,85 85,15",
    "A": "15,95 50,5 85,95 / 30,62 70,62",
    "E": "80,8 22,8 22,92 80,92 / 22,50 70,50",
    "H": "22,5 22,95 / 78,5 78,95 / 22,50 78,50",
    "K": "22,5 22,95 / 78,8 22,52 80,94",
    "M": "12,95 16,6 50,70 84,6 88,95",
    "box": "12,12 88,12 88,88 12,88 12,12",
    "zigzag": "5,40 15,70 25,35 35,72 45,36 55,70 65,34 75,70 85,38 95,66",
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_digit_is_said_to_be_none(name):
    for picture in (page(stroke(OTHERS[name])), 255 - page(stroke(OTHERS[name], pen=0.05))):
        with pytest.raises(digit_classifier.NoDigit) as caught:
            digit_classifier.read_number(picture)
        (other, *_) = caught.value.others
        assert other.certainty > 0.5 and max(other.box[2:]) > 120
        assert caught.value.ink.strength.max() > 0.5
        assert isinstance(caught.value, NoInk) and "not a digit" in str(caught.value)


@pytest.mark.parametrize("name", ["plus", "minus", "equals", "slash", "A", "K"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_symbols_beside_digits_are_marked_and_not_read(name, place):
    pieces = [stroke(LINES["7"], 200), stroke(LINES["3"], 200)]
    pieces.insert(place, np.pad(stroke(OTHERS[name], 130, 0.1), ((35, 35), (20, 20))))
    readings = digit_classifier.read_number(page(np.hstack(pieces)))
    assert [reading.digit for reading in readings] == [7, 3]
    assert readings.others and all(other.box[1] >= 0 for other in readings.others)
    assert digit_classifier.boxed(page(np.hstack(pieces)), readings).shape[2] == 3


@pytest.mark.parametrize("tip", ["30,34", "24,26", "34,20"])
def test_a_one_with_a_flag_is_a_one(tip):
    assert read(page(stroke(f"{tip} 60,8 57,92"))) == "1"


def test_digits_that_touch_are_cut():
    for first, second in (("2", "5"), ("0", "3"), ("4", "7"), ("8", "0")):
        ink = np.zeros((260, 480), np.float32)
        left, right = stroke(LINES[first]), stroke(LINES[second])
        left, right = (one[:, one.any(axis=0)] for one in (left, right))
        ink[:, 20 : 20 + left.shape[1]] = left
        reach, begins = left.shape[1] - (left[:, ::-1] > 0.5).argmax(axis=1), (right > 0.5).argmax(axis=1)
        rows = (left > 0.5).any(axis=1) & (right > 0.5).any(axis=1)
        start = 20 + int((reach - begins)[rows].max()) - 3
        ink[:, start : start + right.shape[1]] = np.maximum(ink[:, start : start + right.shape[1]], right)
        assert len(segmentation.digits(ink)) == 1
        assert read(page(ink)) == first + second


def test_thirty_digits_on_a_sheet_are_read_in_order():
    names = (list(LINES) * 5)[:30]
    rows = [np.hstack([np.pad(stroke(LINES[d], 90, 0.08), 22) for d in names[i : i + 6]]) for i in range(0, 30, 6)]
    assert read(page(np.vstack(rows))) == "".join(names)


def test_a_part_of_a_picture_is_read_alone():
    picture = page(np.hstack([stroke(LINES["2"]), stroke(LINES["8"])]))
    whole = digit_classifier.read_number(picture)
    part = digit_classifier.read_number(picture, area=(20, 330, 360, 320))
    assert [reading.digit for reading in whole] == [2, 8] and [reading.digit for reading in part] == [8]
    assert np.array(part[0].box) == pytest.approx(np.array(whole[1].box), abs=6)


def test_a_sheet_is_found_and_its_boxes_lie_in_the_picture():
    picture = on_table(page(stroke(LINES["5"])))
    found = sheet.find_sheet(picture)
    assert found.corners == pytest.approx(np.array([(90, 70), (350, 100), (330, 370), (60, 330)]), abs=14)
    (reading,) = digit_classifier.read_number(picture)
    top, left, height, width = reading.box
    dark = (picture.max(axis=2) < 75) & (picture[..., 2] > picture[..., 0])  # the pen is blue, the table brown
    rows, columns = np.nonzero(dark)
    assert abs(top - rows.min()) < 12 and abs(top + height - rows.max()) < 12
    assert abs(left - columns.min()) < 12 and abs(left + width - columns.max()) < 12


@pytest.mark.parametrize("name", ["edge of a shadow", "in a box", "paper and pen", "thumb in the corner"])
def test_what_is_no_sheet_is_not_taken_for_one(name):
    assert sheet.find_sheet(KINDS[name]("5")) is None


def test_rules_go_and_the_strokes_that_cross_them_stay():
    written = (stroke(LINES["4"], 300) > 0.5).astype(np.uint8)
    lined = written.copy()
    lined[20::40] = lined[21::40] = 1
    found = np.where(written, 200, np.where(lined, 110, 0)).astype(np.uint8)
    left = strokes.without_rules(lined, found)
    assert (left & ~written & 1).mean() < 0.002
    assert (left & written).sum() > 0.97 * written.sum()
    with pytest.raises(NoInk):
        strokes.without_rules(written, found)


def test_a_stroke_in_a_shadow_has_the_contrast_of_one_in_the_light():
    paper = np.full((120, 200), 220, np.uint8)
    paper[40:80, 20:26] = paper[40:80, 150:156] = 60
    paper[:, 100:] = (paper[:, 100:] * 0.5).astype(np.uint8)
    found = strokes.contrast(paper, 31)
    assert found[60, 23] == pytest.approx(int(found[60, 153]), abs=4) and found[60, 23] > 170
    assert found[:, 90:110].max() == 0  # the edge of the shadow is none


@pytest.mark.parametrize("shape", [(8, 300), (300, 8), (40, 41), (61, 900), (700, 60)])
def test_grain_and_odd_shapes_give_digits_or_a_sentence(shape):
    generator = np.random.default_rng(0)
    for picture in (
        generator.integers(0, 255, (*shape, 3)).astype(np.uint8),
        np.where(generator.random((*shape, 1)) < 0.1, 0, 255).astype(np.uint8).repeat(3, axis=2),
        np.tile(np.arange(shape[1]) * 40 % 256, (shape[0], 1)).astype(np.uint8),
    ):
        assert isinstance(read(picture), str)


def test_the_judge_is_asked_and_believed():
    def nothing(batch: np.ndarray) -> np.ndarray:
        return np.eye(12, dtype=np.float32)[np.full(len(batch), looking.NONE)]

    def eight(batch: np.ndarray) -> np.ndarray:
        return np.eye(12, dtype=np.float32)[np.full(len(batch), 8)]

    picture = page(stroke(LINES["3"]))
    with pytest.raises(digit_classifier.NoDigit):
        digit_classifier.read_number(picture, judge=nothing)
    assert digit_classifier.read_number(picture, judge=eight)[0].certainty == 1.0


def test_the_book_s_network_alone_has_no_eleventh_answer():
    with pytest.raises(digit_classifier.NoDigit) as caught:
        digit_classifier.read_number(page(stroke(OTHERS["plus"])))
    alone = digit_classifier.answer_to(caught.value.ink)
    assert alone.digit in range(10) and alone.probabilities.sum() == pytest.approx(1, abs=1e-4)


# --- the generator and the training script ---


def test_scenes_of_every_kind_are_pictures_with_what_is_written():
    from train import digit_scenes

    scribe = digit_scenes.Scribe(None, None, np.random.default_rng(3), sides=(400,))
    for name, make in (digit_scenes.KINDS | digit_scenes.NOTHING).items():
        picture, written = make(scribe)
        assert picture.dtype == np.uint8 and picture.ndim == 3 and picture.std() > 2, name
        assert (written == "") if name in digit_scenes.NOTHING else written.isdigit(), name
    assert len(digit_scenes.thirty(scribe)[1]) == 30 and set(digit_scenes.european(scribe)[1]) == {"1"}


def test_the_same_seed_makes_the_same_scene():
    from train import digit_scenes

    for make in (digit_scenes.ruled, digit_scenes.on_table):
        first, second = (make(digit_scenes.Scribe(None, None, np.random.default_rng(5), (400,))) for _ in range(2))
        assert np.array_equal(first[0], second[0]) and first[1] == second[1]


def test_examples_of_every_kind_go_through_the_page_s_preparation():
    from cnndemo import images
    from train import not_a_digit

    x, y = images.digits()
    generator = np.random.default_rng(1)
    for kind in not_a_digit.SHARES:
        ink, label = not_a_digit.example(kind, x, y, generator)
        made = not_a_digit.field(ink)
        assert made.shape == (28, 28) and made.max() > 100, kind
        assert 0 <= label <= not_a_digit.SEVERAL
    assert sum(not_a_digit.SHARES.values()) == pytest.approx(1)
    fields, labels = not_a_digit.generated(x, y, 60, seed=2)
    assert len(fields) == len(labels) <= 60 and {not_a_digit.NONE} <= set(labels.tolist())


def test_two_digits_side_by_side_touch():
    from train import digit_strokes

    first, second = (stroke(LINES[name], 80) for name in "38")
    both = digit_strokes.beside(digit_strokes.cropped(first), digit_strokes.cropped(second))
    count, _ = cv2.connectedComponents((both > 0.5).astype(np.uint8))
    assert count == 2 and both.shape[1] > 1.5 * digit_strokes.cropped(first).shape[1]
