"""Activation maps: from a photo to the maps of a layer, in the server and from a click in the browser."""

from __future__ import annotations

import re
import time
from functools import partial

from cnndemo import activation_maps, digit_classifier, images
from cnndemo.activation_maps import drawing, nearest, switches
from cnndemo.digit_classifier import neighbours
from tests.benchmarks.browser_timing import answers, gallery
from tests.benchmarks.timing import milliseconds


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


# The heading of the maps is another element after a click, so it is looked for anew.
HEADING = """() => [...document.querySelectorAll('p')].map((each) => each.innerText)
  .find((text) => /maps of \\d+ ×/.test(text)) ?? null"""


def in_the_browser() -> None:
    with gallery() as visit:
        page = visit("activation_maps?activation_maps.network=EfficientNet-Lite0")
        heading = page.get_by_text(re.compile("maps of [0-9]+ × [0-9]+")).first
        cards = [page.get_by_role("button", name=re.compile(f"^stage {n}: ")) for n in (4, 5)]  # the row hides some
        layers = [partial(card.evaluate, "card => card.click()") for card in cards]
        print(f"a click on a layer: {answers(heading, *layers, read=HEADING):.0f} ms until its maps are there (median)")


if __name__ == "__main__":
    main()
