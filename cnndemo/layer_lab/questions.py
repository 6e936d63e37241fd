"""The questions of the layer lab: size, parameters, work and receptive field of the convolution as it is set."""

from __future__ import annotations

from cnndemo.errors import VisitorError
from cnndemo.layer_lab.geometry import geometry
from cnndemo.layer_lab.sliding import count_work
from cnndemo.questions import Question, about

ask = about("layer_lab")


def questions(
    size: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int],
    padding: str, channels: int, filters: int,
) -> list[Question]:  # fmt: skip
    """To predict, then reveal; a kernel that does not fit into its input is asked about with padding “same”."""
    try:
        shape = geometry(size, kernel, stride, dilation, padding)
    except VisitorError:
        padding = "same"
        shape = geometry(size, kernel, stride, dilation, padding)
    count = count_work((*kernel, channels, filters), shape.output)
    height, width = shape.output
    parameters, weights, work = (count[name] for name in ("parameters", "weights", "multiply_adds"))
    reach, step = shape.rows.reach, stride[0]
    sees = reach + (reach - 1) * step
    return [
        ask(
            "height", height, [height + 1, max(height - 1, 0), size[0]],
            size=size[0], kernel=kernel[0], stride=step, dilation=dilation[0], padding=padding,
            pads=sum(shape.rows.pads), padded=shape.rows.padded, reach=reach,
        ),
        ask(
            "learned", parameters, [weights, work, 2 * parameters],
            channels=channels, filters=filters, rows=kernel[0], columns=kernel[1],
        ),
        ask(
            "work", work, [weights, height * width, work + height * width],
            rows=height, columns=width, weights=weights,
        ),
        ask("sees", sees, [reach, 2 * reach, sees + step], reach=reach, step=step, less=reach - 1),
    ]  # fmt: skip
