"""Pictures of digits as people bring them, a kind at a time, with chance in place, size, colour, light and perspective.

The test set of the card is made of them, and the tests' pictures. A scene is uint8 (height, width, 3) RGB, with what is
written on it; in scenes without any digit that is the empty string.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from train import digit_strokes

Generator = np.random.Generator


@dataclass(frozen=True)
class Page:
    """What is on the paper before it is photographed.

    Attributes:
        ink: float32 (height, width) in [0, 1].
        written: the digits in reading order.
        box: (top, left, height, width) around all of them.
        pen: width of the pen in pixels.
        colors: of the pen and of the paper, RGB.
    """

    ink: np.ndarray
    written: str
    box: tuple[int, int, int, int]
    pen: float
    colors: tuple[np.ndarray, np.ndarray]


class Scribe:
    """Writes digits, of MNIST or from skeletons.

    Args:
        x, y: MNIST's digits, uint8 (n, 28, 28), and labels; None for skeletons only.
        generator: source of chance.
        sides: of the pages, one by chance, in pixels of the long side.
    """

    def __init__(
        self,
        x: np.ndarray | None,
        y: np.ndarray | None,
        generator: Generator,
        sides: tuple[int, ...] = (400, 640, 960, 1600),
    ):
        self.x, self.y, self.generator, self.sides = x, y, generator, sides

    def digit(self, size: float, pen: float, only: int | None = None) -> tuple[np.ndarray, str]:
        """One digit as ink of about `size` pixels height, and what it is."""
        chance = self.generator
        if self.x is not None and only is None and chance.random() < 0.5:
            number = chance.integers(len(self.x))
            return digit_strokes.mnist_ink(self.x[number], chance, size), str(self.y[number])
        digit = int(chance.integers(10)) if only is None else only
        return digit_strokes.skeleton(digit, chance, size, pen, 0.015), str(digit)

    def page(self, count: int = 0, only: int | None = None, share: tuple[float, float] = (0.35, 0.7)) -> Page:
        """A row of digits, one to three, somewhere on a page; `share`: their height as a part of its short side."""
        chance = self.generator
        count = count or int(chance.choice([1, 1, 2, 3]))
        long_side = int(chance.choice(self.sides))
        height, width = round(long_side * chance.uniform(0.7, 1.0)), long_side
        size = min(chance.uniform(*share) * height, 0.75 * width / (0.95 * count))
        pen = max(2.5, size * chance.uniform(0.05, 0.11))
        digits = [self.digit(size, pen, only) for _ in range(count)]
        gap = round(size * chance.uniform(0.12, 0.4))
        tall = max(ink.shape[0] for ink, _ in digits)
        wide = sum(ink.shape[1] for ink, _ in digits) + gap * (count - 1)
        height, width = max(height, tall + 60), max(width, wide + 60)
        margin = 0.12 if count > 1 else 0.16
        rooms = [(side - part, min(margin * side, (side - part) / 2)) for side, part in ((height, tall), (width, wide))]
        top, left = (round(chance.uniform(least, room - least)) for room, least in rooms)
        ink, at = np.zeros((height, width), np.float32), left
        for one, _ in digits:
            lay(ink, one, top + (tall - one.shape[0]) // 2, at)
            at += one.shape[1] + gap
        return Page(ink, "".join(name for _, name in digits), (top, left, tall, wide), pen, colors(chance))


def lay(ink: np.ndarray, other: np.ndarray, top: int, left: int) -> None:
    """Add ink to a page, in place; what would stand over its edge is cut off."""
    top, left = max(0, top), max(0, left)
    target = ink[top : top + other.shape[0], left : left + other.shape[1]]
    np.maximum(target, other[: target.shape[0], : target.shape[1]], out=target)


def colors(generator: Generator) -> tuple[np.ndarray, np.ndarray]:
    """A dark or blue or red pen, and white or tinted paper."""
    pens = ((25, 25, 30), (25, 25, 70), (40, 50, 150), (150, 30, 40), (20, 90, 50), (60, 60, 65))
    pen = np.array(pens[generator.integers(len(pens))]) + generator.uniform(-15, 15, 3)
    paper = generator.uniform(205, 250) - np.array([0, 0, 1]) * generator.uniform(0, 25)
    return np.clip(pen, 0, 255), paper


def painted(page: Page) -> np.ndarray:
    """Ink on paper in colour, float32 (height, width, 3)."""
    pen, paper = page.colors
    return (paper + page.ink[..., None] * (pen - paper)).astype(np.float32)


def developed(picture: np.ndarray, generator: Generator, clean: bool = False) -> np.ndarray:
    """What the camera makes of it: falling light, focus, noise; uint8."""
    if not clean:
        height, width = picture.shape[:2]
        y, x = np.mgrid[-0.5 : 0.5 : height * 1j, -0.5 : 0.5 : width * 1j].astype(np.float32)
        angle = generator.uniform(0, 2 * np.pi)
        light = 1 - generator.uniform(0, 0.25) * (0.5 + np.cos(angle) * x + np.sin(angle) * y)
        picture = cv2.GaussianBlur(
            picture * light[..., None], (0, 0), generator.uniform(0.3, 0.9) * max(1, width / 800)
        )
        picture = picture + generator.normal(0, generator.uniform(0, 4), picture.shape)
    return np.clip(np.round(picture), 0, 255).astype(np.uint8)


# --- the kinds ---


def drawing(scribe: Scribe) -> tuple[np.ndarray, str]:
    """A clean drawing on the pad, black on white or white on black."""
    page = scribe.page()
    picture = np.repeat(255 * (1 - page.ink[..., None]), 3, axis=2)
    return developed(
        255 - picture if scribe.generator.random() < 0.3 else picture, scribe.generator, clean=True
    ), page.written


def photo(scribe: Scribe) -> tuple[np.ndarray, str]:
    """Nothing but paper and pen."""
    page = scribe.page()
    return developed(painted(page), scribe.generator), page.written


def chalk(scribe: Scribe) -> tuple[np.ndarray, str]:
    """Light ink on a dark ground."""
    page, chance = scribe.page(), scribe.generator
    ground = np.array([(30, 40, 35), (25, 25, 25), (40, 60, 110)][chance.integers(3)]) + chance.uniform(-10, 15)
    page = Page(page.ink, page.written, page.box, page.pen, (np.full(3, chance.uniform(190, 250)), ground))
    return developed(painted(page), chance), page.written


def on_table(scribe: Scribe, share: tuple[float, float] = (0.45, 0.85), plain: bool = False) -> tuple[np.ndarray, str]:
    """A sheet lying on a table, askew, in perspective; `share`: its side as a part of the picture's."""
    page, chance = scribe.page(), scribe.generator
    sheet = painted(page)
    height, width = sheet.shape[:2]
    scale = chance.uniform(*share)
    tall, wide = round(height / scale), round(width / scale)
    shrink = min(1.0, 1600 / max(tall, wide))
    tall, wide, height, width = (round(v * shrink) for v in (tall, wide, height, width))
    sheet = cv2.resize(sheet, (width, height), interpolation=cv2.INTER_AREA)
    paper = float(page.colors[1].mean())
    ground = chance.uniform(20, 0.72 * paper) * np.array([1, chance.uniform(0.75, 1.05), chance.uniform(0.55, 1.1)])
    table = np.ones((tall, wide, 3), np.float32) * ground
    if not plain and chance.random() < 0.5:  # grain of wood
        grain = cv2.GaussianBlur(chance.normal(0, 40, (tall, wide)).astype(np.float32), (0, 0), 40, sigmaY=1.5)
        table += grain[..., None] * chance.uniform(0.3, 1.5)
    top, left = chance.uniform(0.02, 0.98) * (tall - height), chance.uniform(0.02, 0.98) * (wide - width)
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    turn = np.radians(0 if plain else chance.uniform(-9, 9))
    middle = corners.mean(axis=0)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    target = (corners - middle) @ matrix.T * (1 if plain else 0.93) + middle + (left, top)
    target += 0 if plain else chance.uniform(-0.05, 0.05, (4, 2)) * min(height, width)
    warp = cv2.getPerspectiveTransform(corners, target.astype(np.float32))
    over = cv2.warpPerspective(np.ones((height, width), np.float32), warp, (wide, tall))[..., None]
    picture = table * (1 - over) + cv2.warpPerspective(sheet, warp, (wide, tall)) * over
    return developed(picture, chance), page.written


def held_up(scribe: Scribe) -> tuple[np.ndarray, str]:
    """A sheet held up before a wall: it fills a third of the picture or less."""
    return on_table(scribe, (0.38, 0.58), plain=scribe.generator.random() < 0.5)


def shadow(scribe: Scribe) -> tuple[np.ndarray, str]:
    """The edge of a hard shadow runs through the picture."""
    page, chance = scribe.page(), scribe.generator
    picture = painted(page)
    height, width = picture.shape[:2]
    y, x = np.mgrid[0:height, 0:width]
    angle = chance.uniform(0, 2 * np.pi)
    top, left, tall, wide = page.box
    at = np.array([left + wide * chance.uniform(0, 1), top + tall * chance.uniform(0, 1)])
    dark = ((x - at[0]) * np.cos(angle) + (y - at[1]) * np.sin(angle) > 0).astype(np.float32)
    dark = cv2.GaussianBlur(dark, (0, 0), chance.uniform(0.5, 3.0))
    return developed(picture * (1 - chance.uniform(0.35, 0.6) * dark[..., None]), chance), page.written


def colored(scribe: Scribe) -> tuple[np.ndarray, str]:
    """Pen and paper of about the same brightness, in different colours."""
    page, chance = scribe.page(), scribe.generator
    red, green, blue, orange = (255, 40, 40), (0, 170, 60), (60, 110, 255), (235, 120, 20)
    violet, teal = (200, 60, 220), (0, 150, 150)
    couples = ((red, green), (green, red), (blue, orange), (orange, blue), (violet, teal), (red, teal), (green, violet))
    pen, paper = (np.array(color) + chance.uniform(-12, 12, 3) for color in couples[chance.integers(len(couples))])
    weights = np.array([0.299, 0.587, 0.114])
    pen = np.clip(pen * np.clip((paper @ weights) / (pen @ weights), 0.5, 1.3), 0, 255)
    page = Page(page.ink, page.written, page.box, page.pen, (pen, paper))
    return developed(painted(page), chance), page.written


def ruled(scribe: Scribe, squares: bool = False) -> tuple[np.ndarray, str]:
    """Ruled paper; the rules are paler than the pen, from faint to strong, and may run askew."""
    page, chance = scribe.page(), scribe.generator
    height, width = page.ink.shape
    pitch = page.box[2] * (chance.uniform(0.12, 0.3) if squares else chance.uniform(0.16, 0.8))
    pitch = max(pitch, 12 * max(1.0, page.pen / 6))
    thick = max(1, round(page.pen * chance.uniform(0.08, 0.22)))
    lines = np.zeros((3 * height, 3 * width), np.float32)
    for start in np.arange(chance.uniform(0, pitch), 3 * height, pitch):
        cv2.line(lines, (0, round(start)), (3 * width, round(start)), 1.0, thick)
    for start in np.arange(chance.uniform(0, pitch), 3 * width, pitch) if squares else ():
        cv2.line(lines, (round(start), 0), (round(start), 3 * height), 1.0, thick)
    turn = cv2.getRotationMatrix2D((1.5 * width, 1.5 * height), chance.choice([0, chance.uniform(-4, 4)]), 1.0)
    lines = cv2.warpAffine(lines, turn, lines.shape[::-1])[height : 2 * height, width : 2 * width]
    pen, paper = page.colors
    tint = np.array([(130, 150, 190), (160, 180, 220), (190, 140, 140), (150, 150, 150)][chance.integers(4)])
    ground = paper + lines[..., None] * (np.minimum(tint, 0.85 * paper) - paper)
    return developed(ground + page.ink[..., None] * (np.minimum(pen, 0.6 * tint) - ground), chance), page.written


def squared(scribe: Scribe) -> tuple[np.ndarray, str]:
    """Squared paper."""
    return ruled(scribe, squares=True)


def _around(scribe: Scribe, mark: Callable[[np.ndarray, Page], None]) -> tuple[np.ndarray, str]:
    """A page to which a mark is added in ink."""
    page = scribe.page(share=(0.3, 0.55))
    extra = np.zeros(page.ink.shape, np.uint8)
    mark(extra, page)
    page = Page(np.maximum(page.ink, extra.astype(np.float32) / 255), page.written, page.box, page.pen, page.colors)
    return developed(painted(page), scribe.generator), page.written


def boxed(scribe: Scribe) -> tuple[np.ndarray, str]:
    """In the box of a form, all digits in one, or each in its own where there is room."""
    chance = scribe.generator

    def mark(extra: np.ndarray, page: Page) -> None:
        top, left, tall, wide = page.box
        away = page.pen + tall * chance.uniform(0.08, 0.3, 4)
        shape = ((left - away[0], top - away[1]), (left + wide + away[2], top + tall + away[3]))
        low, high = (tuple(int(round(v)) for v in corner) for corner in shape)
        cv2.rectangle(extra, low, high, 255, max(1, round(page.pen * chance.uniform(0.2, 0.9))), cv2.LINE_AA)

    return _around(scribe, mark)


def ringed(scribe: Scribe) -> tuple[np.ndarray, str]:
    """Circled."""
    chance = scribe.generator

    def mark(extra: np.ndarray, page: Page) -> None:
        top, left, tall, wide = page.box
        middle = (round(left + wide / 2), round(top + tall / 2))
        axes = (np.array([wide, tall]) / 2 * 1.4142 + page.pen + tall * chance.uniform(0.03, 0.2)).round().astype(int)
        thick = max(1, round(page.pen * chance.uniform(0.25, 0.9)))
        turn, start = chance.uniform(-6, 6), chance.uniform(0, 360)
        cv2.ellipse(
            extra, middle, axes.tolist(), turn, start, start + chance.uniform(350, 372), 255, thick, cv2.LINE_AA
        )

    return _around(scribe, mark)


def underlined(scribe: Scribe) -> tuple[np.ndarray, str]:
    """Underlined, once or twice."""
    chance = scribe.generator

    def mark(extra: np.ndarray, page: Page) -> None:
        top, left, tall, wide = page.box
        y = top + tall + page.pen + tall * chance.uniform(0.06, 0.3)
        for step in range(1 + (chance.random() < 0.2)):
            start, end = left - tall * chance.uniform(0, 0.4), left + wide + tall * chance.uniform(0, 0.4)
            row = y + 2.2 * step * page.pen
            points = [(round(start), round(row + chance.normal(0, 2))), (round(end), round(row + chance.normal(0, 2)))]
            cv2.line(extra, *points, 255, max(1, round(page.pen * chance.uniform(0.4, 1.1))), cv2.LINE_AA)

    return _around(scribe, mark)


def finger(scribe: Scribe) -> tuple[np.ndarray, str]:
    """A finger or thumb in a corner or at a side of the picture."""
    page, chance = scribe.page(), scribe.generator
    picture = painted(page)
    height, width = picture.shape[:2]
    top, left, tall, wide = page.box
    over = np.zeros((height, width), np.uint8)
    side = chance.integers(4)
    corner = (0 if side % 2 else width, 0 if side // 2 else height)
    room = (left if side % 2 else width - left - wide, top if side // 2 else height - top - tall)
    reach = 0.9 * max(room)  # it must not cover a digit: along the side with room, it may be long
    axes = (
        (reach, chance.uniform(0.5, 1.4) * reach) if room[0] >= room[1] else (chance.uniform(0.5, 1.4) * reach, reach)
    )
    axes = (max(20, round(axes[0])), max(20, round(axes[1])))
    cv2.ellipse(over, corner, axes, 0, 0, 360, 255, -1, cv2.LINE_AA)
    skin = np.array([(190, 130, 105), (224, 172, 150), (120, 80, 60), (80, 55, 45)][chance.integers(4)])
    skin = skin + chance.uniform(-12, 12, 3)
    over = cv2.GaussianBlur(over.astype(np.float32) / 255, (0, 0), chance.uniform(0.5, 2.5))[..., None]
    return developed(picture * (1 - over) + skin * over, chance), page.written


def bold(scribe: Scribe) -> tuple[np.ndarray, str]:
    """One digit with a very wide pen, cut so tightly that its strokes touch the picture's edges."""
    chance = scribe.generator
    digit, size = int(chance.integers(10)), chance.uniform(150, 420)
    lines = digit_strokes.strokes(digit) if digit != 1 else digit_strokes.european_one(chance)
    ink = digit_strokes.draw(digit_strokes.shaken(lines, chance, 0.008), size, size * chance.uniform(0.17, 0.25))
    cut = [int(chance.uniform(0, 0.06) * side) for side in (*ink.shape, *ink.shape)]
    ink = ink[cut[0] : ink.shape[0] - cut[2], cut[1] : ink.shape[1] - cut[3]]
    picture = np.repeat(255 * (1 - ink[..., None]), 3, axis=2)
    return developed(255 - picture if chance.random() < 0.3 else picture, chance, clean=True), str(digit)


def touching(scribe: Scribe) -> tuple[np.ndarray, str]:
    """Two or three digits that touch."""
    chance = scribe.generator
    size = chance.uniform(90, 260)
    pen = size * chance.uniform(0.05, 0.1)
    ink, written = scribe.digit(size, pen)
    for _ in range(1 + (chance.random() < 0.3)):
        other, name = scribe.digit(size, pen)
        ink, written = digit_strokes.beside(ink, other), written + name
    sheet = np.zeros(
        (round(ink.shape[0] * chance.uniform(1.3, 2.2)), round(ink.shape[1] * chance.uniform(1.2, 2))), np.float32
    )
    top, left = (int(chance.uniform(0.1, 0.9) * (a - b)) for a, b in zip(sheet.shape, ink.shape, strict=True))
    lay(sheet, ink, top, left)
    return developed(painted(Page(sheet, written, (top, left, *ink.shape), pen, colors(chance))), chance), written


def thirty(scribe: Scribe) -> tuple[np.ndarray, str]:
    """A sheet with thirty digits, five rows of six."""
    chance = scribe.generator
    pitch = int(chance.uniform(130, 230))
    size = pitch * chance.uniform(0.5, 0.65)
    pen = size * chance.uniform(0.06, 0.11)
    sheet, written = np.zeros((5 * pitch + 60, 6 * pitch + 60), np.float32), ""
    for row in range(5):
        for column in range(6):
            ink, name = scribe.digit(size, pen)
            top = 30 + row * pitch + (pitch - ink.shape[0]) // 2 + int(chance.normal(0, 0.03 * pitch))
            lay(
                sheet, ink, top, 30 + column * pitch + (pitch - ink.shape[1]) // 2 + int(chance.normal(0, 0.04 * pitch))
            )
            written += name
    return developed(painted(Page(sheet, written, (0, 0, *sheet.shape), pen, colors(chance))), chance), written


def beside_symbol(scribe: Scribe) -> tuple[np.ndarray, str]:
    """Digits with a minus, plus, equals sign or slash, or a letter, before, between or after them."""
    chance = scribe.generator
    size = chance.uniform(110, 300)
    pen = size * chance.uniform(0.05, 0.1)
    place, count = int(chance.integers(3)), int(chance.integers(1, 4))
    pieces, written = [], ""
    for index in range(count + 1):
        if index == min(place, count):
            if chance.random() < 0.75:
                name = ("minus", "plus", "equals", "slash")[chance.integers(4)]
                pieces.append(digit_strokes.symbol(name, chance, size * (1.1 if name == "slash" else 0.55), pen))
            else:
                pieces.append(digit_strokes.typed(chance.choice(list(digit_strokes.LETTERS)), chance, 0.9 * size))
        if index < count:
            ink, name = scribe.digit(size, pen)
            pieces.append(ink)
            written += name
    gap = round(size * chance.uniform(0.2, 0.4))
    tall, wide = max(p.shape[0] for p in pieces), sum(p.shape[1] for p in pieces) + gap * (len(pieces) - 1)
    sheet = np.zeros((round(1.8 * tall), round(wide + 0.8 * tall)), np.float32)
    at = round(0.4 * tall)
    for ink in pieces:
        lay(sheet, ink, round(0.9 * tall - ink.shape[0] / 2), at)
        at += ink.shape[1] + gap
    return developed(painted(Page(sheet, written, (0, 0, *sheet.shape), pen, colors(chance))), chance), written


def european(scribe: Scribe) -> tuple[np.ndarray, str]:
    """One to three European ones, some with a shallow flag."""
    chance = scribe.generator
    size = chance.uniform(120, 300)
    pen, count = size * chance.uniform(0.05, 0.1), int(chance.integers(1, 4))
    sheet = np.zeros((round(1.8 * size), round(size * (0.9 * count + 0.7))), np.float32)
    for index in range(count):
        ink = digit_strokes.draw(digit_strokes.shaken(digit_strokes.european_one(chance), chance, 0.01, 0.2), size, pen)
        lay(sheet, ink, round(0.4 * size), round(size * (0.4 + 0.9 * index)))
    page = Page(sheet, "1" * count, (0, 0, *sheet.shape), pen, colors(chance))
    return developed(painted(page), chance), page.written


def _without(scribe: Scribe, ink: Callable[[float, float], np.ndarray]) -> tuple[np.ndarray, str]:
    """A page with something that is no digit."""
    chance = scribe.generator
    size = chance.uniform(90, 320)
    pen = size * chance.uniform(0.04, 0.11)
    some = [ink(size, pen) for _ in range(int(chance.choice([1, 1, 2])))]
    tall, wide = max(p.shape[0] for p in some), sum(p.shape[1] for p in some) + round(0.5 * size) * (len(some) - 1)
    sheet = np.zeros(
        (round(tall + chance.uniform(0.5, 2) * size), round(wide + chance.uniform(0.5, 2) * size)), np.float32
    )
    top, at = (
        int((sheet.shape[0] - tall) * chance.uniform(0.2, 0.8)),
        int((sheet.shape[1] - wide) * chance.uniform(0.2, 0.8)),
    )
    for one in some:
        lay(sheet, one, top + (tall - one.shape[0]) // 2, at)
        at += one.shape[1] + round(0.5 * size)
    return developed(
        painted(Page(sheet, "", (0, 0, *sheet.shape), pen, colors(chance))), chance, chance.random() < 0.3
    ), ""


def no_symbol(scribe: Scribe) -> tuple[np.ndarray, str]:
    """Plus, minus, equals, slash and other symbols; no digit."""
    chance = scribe.generator
    names = ("plus", "minus", "equals", "slash", *digit_strokes.SYMBOLS)
    return _without(
        scribe, lambda size, pen: digit_strokes.symbol(names[chance.integers(len(names))], chance, size, pen)
    )


def no_letter(scribe: Scribe) -> tuple[np.ndarray, str]:
    """Letters; no digit."""
    chance = scribe.generator
    letters = list(digit_strokes.LETTERS)
    return _without(scribe, lambda size, pen: digit_strokes.typed(chance.choice(letters), chance, size))


def no_scribble(scribe: Scribe) -> tuple[np.ndarray, str]:
    """Scribbles; no digit."""
    return _without(scribe, lambda size, pen: digit_strokes.scribble(scribe.generator, size, pen))


def no_frame(scribe: Scribe) -> tuple[np.ndarray, str]:
    """Empty boxes and grids; no digit."""
    return _without(scribe, lambda size, pen: digit_strokes.frame(scribe.generator, size, pen))


KINDS: dict[str, Callable[[Scribe], tuple[np.ndarray, str]]] = {
    "clean drawing": drawing,
    "paper and pen": photo,
    "light on dark": chalk,
    "paper on a table": on_table,
    "paper held up": held_up,
    "edge of a hard shadow": shadow,
    "colours of equal brightness": colored,
    "ruled paper": ruled,
    "squared paper": squared,
    "in the box of a form": boxed,
    "circled": ringed,
    "underlined": underlined,
    "finger in the picture": finger,
    "very bold, tightly cut": bold,
    "touching digits": touching,
    "thirty on a sheet": thirty,
    "beside a symbol or letter": beside_symbol,
    "European 1": european,
}
"""Scenes with digits."""
NOTHING: dict[str, Callable[[Scribe], tuple[np.ndarray, str]]] = {
    "symbols": no_symbol,
    "letters": no_letter,
    "scribbles": no_scribble,
    "frames": no_frame,
}
"""Scenes without any."""
