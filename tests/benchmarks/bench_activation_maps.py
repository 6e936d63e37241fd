"""Activation maps: from a photo to the maps of a layer, in the server and from a click in the browser."""

from __future__ import annotations

import re
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from cnndemo import activation_maps, digit_classifier, images
from cnndemo.activation_maps import drawing, nearest, switches
from cnndemo.digit_classifier import neighbours
from tests.benchmarks.browser_timing import answers, gallery
from tests.benchmarks.timing import milliseconds
from tests.browser.gallery import wait_idle


def main() -> None:
    photo = images.sample("cat")
    for network in activation_maps.NETWORKS.values():
        layer = network.layers[len(network.layers) // 2]

        def shown(network=network, layer=layer) -> None:
            maps = activation_maps.look(network, photo, (layer.name,)).maps[layer.name]
            images.png(drawing.map_sheet(maps, drawing.strength(maps)[:64], 8, layer.signed, 48))

        fitted = network.fit(photo)
        off = {layer.name: (0, 1, 2)}
        print(f"{network.title}: photo to 64 maps as a picture {milliseconds(shown):.0f} ms (median)")
        answered = milliseconds(lambda n=network, f=fitted, o=off: switches.silenced(n, f, o))
        print(f"{network.title}: the answer with filters off {answered:.0f} ms (median)")
    start = time.perf_counter()
    size = sum(points.nbytes for points in nearest.index("efficientnet_lite0").values()) / 1e6
    print(f"index of photographs: {time.perf_counter() - start:.1f} s once, {size:.1f} MB")
    start = time.perf_counter()
    size = sum(points.levels.nbytes for points in neighbours.index(neighbours.SPACES).values()) / 1e6
    print(f"index of digits: {time.perf_counter() - start:.1f} s once, {size:.1f} MB")
    field = digit_classifier.sample(5, 0) / 255.0
    print(f"nearest digits in four spaces: {milliseconds(lambda: digit_classifier.nearest(field)):.0f} ms")
    in_the_browser()


# Another element after each answer, so it is looked for anew: the address of the first chart's picture.
SHEET = "() => document.querySelector('.stPlotlyChart .imagelayer image')?.getAttribute('href') ?? null"
STAGES = range(1, 8)


def photographs(folder: Path) -> list[Path]:
    """The shipped photographs as files that no cache knows, one for each."""
    files = []
    for place, name in enumerate(sorted(images.SAMPLES)):
        files.append(folder / f"{name}.jpg")
        turned = np.ascontiguousarray(np.roll(images.sample(name), 7 * place + 1, axis=1))
        Image.fromarray(turned).save(files[-1], quality=90)
    return files


def in_the_browser() -> None:
    with gallery() as visit, TemporaryDirectory() as folder:
        page = visit("activation_maps?activation_maps.network=EfficientNet-Lite0")
        sheet = page.get_by_test_id("stPlotlyChart").first
        cards = [page.get_by_role("button", name=re.compile(f"^stage {n}: ")) for n in STAGES]  # the row hides some
        layers = [partial(card.evaluate, "card => card.click()") for card in (*cards[3:], *cards[:2])]
        spent = answers(sheet, *layers, read=SHEET, rounds=len(layers))
        print(f"a click on a layer not looked at before: {spent:.0f} ms until its maps are there (median, goal 150)")
        page.get_by_test_id("stButtonGroup").get_by_text("Upload", exact=True).click()
        wait_idle(page)
        given = page.locator("input[type=file]").first
        photos = [partial(given.set_input_files, file) for file in photographs(Path(folder))]
        spent = answers(sheet, *photos, read=SHEET, rounds=len(photos))
        print(f"an own photograph: {spent:.0f} ms until all maps of a layer are there (median, goal 150)")


if __name__ == "__main__":
    main()
