"""The architectures page in a real browser: a graph unfolds and zooms, a network is brought, a hostile one refused."""

import re

from tests.browser.gallery import wait_idle
from tests.unit.test_architectures_own import keras_bytes, layer, residual

WIDTH = "graph => graph.querySelector('.trace.bars .point path').getBoundingClientRect().width"


def test_unfold_a_stage_zoom_then_bring_networks(visit):
    page = visit("architectures", "architectures.net=ResNet-50&architectures.own=true")
    graph = page.get_by_label(re.compile("ResNet-50 as 6 boxes"))
    graph.wait_for()
    graph.locator(".trace.bars .point path").nth(1).click(force=True)
    graph = page.get_by_label(re.compile("ResNet-50 as (?!6 )[0-9]+ boxes"))
    graph.wait_for()

    handle = graph.element_handle()
    width = handle.evaluate(WIDTH)
    for title, factor in (("Zoom in", 2), ("Reset axes", 1)):
        handle.query_selector(f"[data-title='{title}']").click()
        page.wait_for_function(f"([graph, wanted]) => Math.abs(({WIDTH})(graph) / wanted - 1) < 0.05",
                               arg=[handle, factor * width])  # fmt: skip

    field = page.locator(".st-key-architectures-own_file input[type=file]")
    field.set_input_files({"name": "mine.onnx", "mimeType": "application/octet-stream", "buffer": residual()})
    page.get_by_text("gives 1 × 5, float").wait_for()
    page.get_by_label(re.compile(r"mine\.onnx as 6 boxes")).wait_for()
    page.get_by_text("5 numbers; they are no probabilities").wait_for()

    hostile = keras_bytes(layer("Lambda"))
    field.set_input_files({"name": "evil.keras", "mimeType": "application/zip", "buffer": hostile})
    page.get_by_text("This network has a Lambda").wait_for()
    wait_idle(page)
