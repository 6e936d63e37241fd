"""Prediction beside ONNX Runtime on the same weights, preparation, and the time from a stroke to new bars."""

from __future__ import annotations

from contextlib import suppress
from statistics import median
from time import perf_counter

import numpy as np

from cnndemo import digit_classifier, images, inference, weights
from cnndemo.digit_classifier import preparation as digit_preparation
from cnndemo.errors import VisitorError
from tests.benchmarks.browser_timing import answer, gallery
from tests.benchmarks.timing import in_turn
from train import digit_scenes

STROKES = [
    [(70, 60), (205, 60)],
    [(205, 60), (125, 235)],
    [(100, 150), (200, 148)],
    [(70, 60), (72, 110)],
    [(125, 235), (60, 240)],
    [(60, 240), (58, 150)],
    [(205, 60), (215, 150)],
    [(215, 150), (190, 230)],
    [(120, 90), (160, 120)],
    [(80, 200), (110, 170)],
    [(150, 200), (180, 190)],
    [(90, 90), (110, 120)],
]
# What the visitor sees after a stroke: the labels of the bars and the prepared picture.
SEEN = """() => [...document.querySelectorAll('.bartext')].map(e => e.textContent).join()
  + [...document.querySelectorAll('[data-testid=stImage] img')].slice(0, 5).map(e => e.src).join()"""


def onnx_session(model):
    """The digit classifier in ONNX Runtime, with exactly the weights of `model`; its input is NHWC, as Keras' is."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    constants, nodes, flow = [], [], "turned"

    def constant(name: str, values: np.ndarray) -> str:
        constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    nodes.append(helper.make_node("Transpose", ["digit"], [flow], perm=[0, 3, 1, 2]))
    for layer in model.layers:
        values = [np.asarray(value) for value in layer.get_weights()]
        kind = type(layer).__name__
        if kind == "Conv2D":
            names = [
                constant(f"{layer.name}_k", values[0].transpose(3, 2, 0, 1)),
                constant(f"{layer.name}_b", values[1]),
            ]
            nodes.append(helper.make_node("Conv", [flow, *names], [f"{layer.name}_sum"]))
            nodes.append(helper.make_node("Relu", [f"{layer.name}_sum"], [layer.name]))
        elif kind == "Flatten":
            nodes.append(helper.make_node("Transpose", [flow], [f"{layer.name}_back"], perm=[0, 2, 3, 1]))
            nodes.append(helper.make_node("Flatten", [f"{layer.name}_back"], [layer.name]))
        else:
            names = [constant(f"{layer.name}_k", values[0]), constant(f"{layer.name}_b", values[1])]
            nodes.append(helper.make_node("Gemm", [flow, *names], [f"{layer.name}_sum"]))
            last = "Softmax" if layer is model.layers[-1] else "Relu"
            nodes.append(helper.make_node(last, [f"{layer.name}_sum"], [layer.name]))
        flow = layer.name
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("digit", TensorProto.FLOAT, [None, 28, 28, 1])],
        [helper.make_tensor_value_info(flow, TensorProto.FLOAT, [None, 10])],
        constants,
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])


def stroke_to_bars() -> float:
    """Median milliseconds from the end of a stroke to new bars and pictures in the browser."""
    spent = []
    with gallery() as visit:
        page = visit(digit_classifier.MODEL)
        canvas = page.locator("canvas[role=application]").first
        for stroke in STROKES:
            box = canvas.bounding_box()
            (x, y), *rest = stroke
            page.mouse.move(box["x"] + x, box["y"] + y)
            page.mouse.down()
            for x, y in rest:
                page.mouse.move(box["x"] + x, box["y"] + y, steps=5)
            spent.append(answer(page, page.mouse.up, SEEN))
    return median(spent[2:])


def photos(rounds: int = 7) -> dict[str, float]:
    """Median milliseconds to read a photo of each kind, three pictures of each."""
    spent = {}
    for name, make in (digit_scenes.KINDS | digit_scenes.NOTHING).items():
        scribe, times = digit_scenes.Scribe(*images.digits(), np.random.default_rng(1), (1600,)), []
        for _ in range(3):
            picture = images.shrink(make(scribe)[0], images.MAX_SIDE)
            for _ in range(rounds):
                start = perf_counter()
                with suppress(VisitorError):
                    digit_classifier.read_number(picture)
                times.append(perf_counter() - start)
        spent[name] = 1000 * median(times)
    return spent


def main() -> None:
    model = weights.load(digit_classifier.MODEL)
    ours, session = inference.predictor(model), onnx_session(model)
    digit = digit_classifier.sample(7, 0).astype(np.float32)[None, ..., None] / 255

    def theirs() -> np.ndarray:
        return session.run(None, {"digit": digit})[0]

    difference = float(np.abs(ours(digit) - theirs()).max())
    mine, peer = in_turn(lambda: ours(digit), theirs, rounds=300)
    print(f"predict 1 digit: {mine:.2f} ms, ONNX Runtime {peer:.2f} ms, ratio {mine / peer:.2f} (goal 2), "
          f"largest difference {difference:.1e}")  # fmt: skip
    drawing = np.full((280, 280), 255, np.uint8)
    drawing[40:240, 120:150] = 0
    prepare, whole = in_turn(
        lambda: digit_preparation.prepare(drawing), lambda: digit_classifier.read_number(drawing, ours), rounds=60
    )
    print(f"prepare a drawing: {prepare:.2f} ms; find, prepare and read: {whole:.2f} ms")
    print("read a photo of 1600 pixels (goal 40 ms): " + ", ".join(f"{name} {ms:.0f}" for name, ms in photos().items()))
    print(f"stroke to bars in the browser: median {stroke_to_bars():.0f} ms (goal 300)")


if __name__ == "__main__":
    main()
