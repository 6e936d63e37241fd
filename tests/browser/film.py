"""Film the gallery into docs/: film.webp, 20 seconds of the real app, and one picture a chapter.

`python -m tests.browser.film [--out FOLDER] [--scene WORD]`; a browser plays each scene below and is photographed at
every step. How long a step is seen does not depend on how long this machine took for it.
"""

from __future__ import annotations

import argparse
import io
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import Locator, Page

from cnndemo import palette
from tests.browser.gallery import chromium, go, serve, wait_idle
from tests.conftest import ROOT

WIDTH, HEIGHT, LINE = 960, 700, 44  # of the browser, pixels, and of the line of words below it
QUALITY = 75
ARROW = ((0, 0), (0, 19), (5, 15), (8, 22), (11, 21), (8, 14), (14, 14))  # the mouse, which photographs leave out
Point = tuple[float, float]


@dataclass
class Reel:
    """Photographs of a page, with how long each is seen.

    Attributes:
        page: of the browser.
        words: the line below the pictures.
        frames: pictures and their weights; a scene's seconds are shared out by weight.
        mouse: where it is, None while it is not used.
    """

    page: Page
    words: str
    frames: list[tuple[Image.Image, float]] = field(default_factory=list)
    mouse: Point | None = None

    def shoot(self, weight: float = 1.0) -> None:
        """One photograph, seen `weight` times as long as others; what looks like the last one prolongs it."""
        raw = Image.open(io.BytesIO(self.page.screenshot())).convert("RGB")
        if self.mouse:
            _draw_mouse(raw, self.mouse)
        frame = Image.new("RGB", (WIDTH, HEIGHT + LINE), "white")
        frame.paste(raw)
        pen = ImageDraw.Draw(frame)
        pen.rectangle((0, HEIGHT, WIDTH, HEIGHT + LINE), fill=palette.INPUT)
        pen.text((16, HEIGHT + LINE / 2), self.words, "white", ImageFont.load_default(22), anchor="lm")
        if self.frames and self.frames[-1][0].tobytes() == frame.tobytes():
            frame, before = self.frames.pop()
            weight += before
        self.frames.append((frame, weight))

    def move(self, to: Point, steps: int = 6, weight: float = 0.5) -> None:
        """The mouse goes to a place in the window, photographed on its way."""
        start = self.mouse or (WIDTH / 2, HEIGHT / 2)
        for step in range(1, steps + 1):
            part = step / steps
            self.mouse = tuple(a + part * (b - a) for a, b in zip(start, to, strict=True))
            self.page.mouse.move(*self.mouse)
            self.page.wait_for_timeout(60)
            self.shoot(weight)

    def click(self, target: Locator) -> None:
        """Go to the middle of an element and press it."""
        target.scroll_into_view_if_needed()
        box = target.bounding_box()
        self.move((box["x"] + box["width"] / 2, box["y"] + box["height"] / 2), 4)
        self.page.mouse.click(*self.mouse)
        wait_idle(self.page)
        self.shoot(3)

    def follow(self, places: Iterable[Point], pause: int = 90) -> None:
        """Press, go from place to place, each photographed, and let go."""
        for number, place in enumerate(places):
            self.mouse = place
            self.page.mouse.move(*place)
            if number == 0:
                self.page.mouse.down()
            self.page.wait_for_timeout(pause)
            self.shoot()
        self.page.mouse.up()
        wait_idle(self.page)

    def keys(self, key: str, times: int) -> None:
        """Press a key again and again, with a photograph of what it does."""
        for _ in range(times):
            self.page.keyboard.press(key)
            wait_idle(self.page, quiet=0.2)
            self.shoot()


def _draw_mouse(picture: Image.Image, place: Point) -> None:
    shape = [(place[0] + 1.4 * x, place[1] + 1.4 * y) for x, y in ARROW]
    ImageDraw.Draw(picture).polygon(shape, fill="black", outline="white", width=2)


def inside(box: dict[str, float], place: Point) -> Point:
    """A place in shares of a box, in pixels of the window."""
    return box["x"] + place[0] * box["width"], box["y"] + place[1] * box["height"]


def three() -> list[Point]:
    """A 3 as a pen draws it, in shares of the pad."""
    upper = [(0.48 + 0.20 * math.sin(turn), 0.31 - 0.16 * math.cos(turn)) for turn in _turns(-1.2, 3.0)]
    lower = [(0.48 + 0.23 * math.sin(turn), 0.66 - 0.19 * math.cos(turn)) for turn in _turns(0.1, 4.3)]
    return upper + lower


def _turns(start: float, end: float, count: int = 13) -> list[float]:
    return [start + (end - start) * number / (count - 1) for number in range(count)]


def digit(reel: Reel) -> None:
    box = reel.page.locator("canvas[role=application]").first.bounding_box()
    reel.shoot(3)
    reel.move(inside(box, three()[0]), 4)
    reel.follow([inside(box, place) for place in three()], 130)
    reel.shoot(8)


def pattern(reel: Reel) -> None:
    box = reel.page.locator("canvas.scene").bounding_box()
    reel.shoot(2)
    reel.move(inside(box, (0.79, 0.26)), 4)
    way = [
        (0.79, 0.26),
        (0.62, 0.50),
        (0.56, 0.72),
        (0.36, 0.70),
        (0.17, 0.80),
        (0.15, 0.42),
        (0.30, 0.30),
        (0.44, 0.33),
    ]
    way += [(0.60, 0.36), (0.75, 0.36), (0.84, 0.355)]
    places = [(a[0] + (b[0] - a[0]) * s / 3, a[1] + (b[1] - a[1]) * s / 3)
              for a, b in zip(way, way[1:], strict=False) for s in range(3)]  # fmt: skip
    reel.follow([inside(box, place) for place in (*places, way[-1])])
    reel.shoot(5)


def pet(reel: Reel) -> None:
    hold(reel.page.get_by_role("slider", name="Opacity"))
    reel.page.keyboard.press("Home")
    wait_idle(reel.page)
    reel.shoot(2)
    reel.keys("PageUp", 7)
    reel.shoot(3)
    reel.click(reel.page.get_by_text("Cut-out", exact=True))
    reel.shoot(4)


def maps(reel: Reel) -> None:
    reel.shoot(3)
    for layer in ("stem", "stage 2", "stage 4", "stage 6"):
        reel.click(reel.page.get_by_role("button", name=re.compile(f"^{layer}: ")))
        reel.shoot(2)


def cat(reel: Reel) -> None:
    hold(reel.page.get_by_role("slider", name=re.compile("^ε")).first)
    reel.page.keyboard.press("Home")
    wait_idle(reel.page)
    reel.shoot(4)
    for _ in range(3):
        reel.page.keyboard.press("ArrowRight")
        settled(reel.page)
        reel.shoot(4)
    reel.shoot(6)


def hold(slider: Locator) -> None:
    """Give a slider the keys, without a jump of the page."""
    slider.evaluate("slider => slider.focus({ preventScroll: true })")


def settled(page: Page) -> None:
    """Until the page is idle and Keras has answered."""
    wait_idle(page)
    page.wait_for_function("() => !document.body.innerText.includes('hourglass')", timeout=120_000)
    wait_idle(page)


#: Words below, page, seconds, scroll in pixels beyond “Try it”, what happens.
SCENES: dict[str, tuple[str, str, float, int, Callable[[Reel], None]]] = {
    "digit": ("Draw a digit: the network reads along", "digit_classifier", 5, 90, digit),
    "pattern": ("Drag a pattern: the response lights up where it fits", "pattern_matching", 4, 60, pattern),
    "pet": ("Find the pet, pixel by pixel, and cut it out", "pet_segmentation", 3.5, 90, pet),
    "maps": (
        "What each layer sees in your photo", "activation_maps?activation_maps.network=EfficientNet-Lite0",
        3.5, 230, maps,
    ),
    "cat": ("Changes too small to see: a cat becomes a toaster", "fool_it?fool_it.subject=A+photo", 4, 70, cat),
}  # fmt: skip

#: Chapter -> page, how far it is scrolled beyond “Try it”, and what is cut out: left, top, width, pixels.
CHAPTERS = {
    1: ("pattern_matching", 60, 70, 140, 820),
    2: ("layer_lab", 60, 76, 180, 800),
    3: ("filters", 60, 426, 180, 480),
    4: ("architectures", 60, 426, 378, 480),
    5: ("face_detection", 60, 424, 190, 480),
    6: ("pet_segmentation", 90, 430, 240, 480),
    7: ("activation_maps?activation_maps.network=EfficientNet-Lite0", 230, 56, 180, 740),
}
SMALL = (480, 300)  # of a chapter's picture, pixels


def open_at(page: Page, address: str, beyond: int) -> None:
    """The page without its sidebar, scrolled to “Try it” and some pixels further."""
    go(page, address)
    settled(page)
    collapse = page.get_by_test_id("stSidebarCollapseButton")
    if collapse.count():
        page.get_by_test_id("stSidebar").hover()
        collapse.locator("button").first.click()
    page.evaluate("document.getElementById('try-it').scrollIntoView()")
    page.mouse.move(4, 300)
    page.evaluate("beyond => document.querySelector('[data-testid=stMain]').scrollBy(0, beyond)", beyond)
    page.wait_for_timeout(900)
    wait_idle(page)


def durations(frames: list[tuple[Image.Image, float]], seconds: float) -> list[int]:
    """Milliseconds of each frame, which add up to the seconds of the scene."""
    total = sum(weight for _, weight in frames)
    ends, past = [], 0.0
    for _, weight in frames:
        past += weight
        ends.append(round(1000 * seconds * past / total))
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]


def film(pages: Callable[[str, int], Page], scenes: Iterable[str], file: Path) -> None:
    """Play the scenes and write them as one animated WebP that begins anew."""
    pictures: list[Image.Image] = []
    times: list[int] = []
    for name in scenes:
        words, address, seconds, beyond, play = SCENES[name]
        reel = Reel(pages(address, beyond), words)
        play(reel)
        reel.page.close()
        pictures += [frame for frame, _ in reel.frames]
        times += durations(reel.frames, seconds)
        print(name, len(reel.frames), "frames", flush=True)
    pictures[0].save(
        file, save_all=True, append_images=pictures[1:], duration=times, loop=0, quality=QUALITY, method=6,
        minimize_size=False, allow_mixed=True,
    )  # fmt: skip
    print(file, f"{file.stat().st_size / 1e6:.2f} MB, {sum(times) / 1000:.1f} s", flush=True)


def chapters(pages: Callable[[str, int], Page], folder: Path) -> None:
    """One picture a chapter."""
    folder.mkdir(exist_ok=True)
    for chapter, (address, beyond, left, top, wide) in CHAPTERS.items():
        page = pages(address, beyond)
        clip = {"x": left, "y": top, "width": wide, "height": wide * SMALL[1] / SMALL[0]}
        picture = Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB")
        picture.resize(SMALL, Image.Resampling.LANCZOS).save(folder / f"chapter_{chapter}.webp", quality=85, method=6)
        page.close()
        print(folder / f"chapter_{chapter}.webp", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "docs", help="folder (default: docs/)")
    parser.add_argument(
        "--scene", choices=[*SCENES, "chapters"], help="one scene alone, or the pictures of the chapters"
    )
    parser.add_argument("--port", type=int, help="of the server that is filmed (default: a free one)")
    wanted = parser.parse_args()
    wanted.out.mkdir(parents=True, exist_ok=True)
    with serve(wanted.port) as server, chromium() as browser:
        context = browser.new_context(
            viewport={"width": WIDTH, "height": HEIGHT}, color_scheme="light", reduced_motion="reduce"
        )

        def pages(address: str, beyond: int) -> Page:
            page = context.new_page()
            open_at(page, f"{server.url}/{address}", beyond)
            return page

        if wanted.scene != "chapters":
            film(pages, [wanted.scene] if wanted.scene else SCENES, wanted.out / "film.webp")
        if wanted.scene in (None, "chapters"):
            chapters(pages, wanted.out / "pictures")


if __name__ == "__main__":
    main()
