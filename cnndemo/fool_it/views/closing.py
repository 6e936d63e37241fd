"""The foot of the page: code and questions, of what is on the screen."""

from __future__ import annotations

from typing import Any

import numpy as np

from cnndemo import images, ui
from cnndemo.fool_it.fooling import Fooled
from cnndemo.fool_it.views.attack import Subject
from cnndemo.ui.session import state


def snippet() -> dict[str, Any]:
    """Python that makes what is on the screen, and what its notebook needs, as `ui.code` takes them."""
    subject: Subject | None = state.get("_subject")
    source = subject.source if subject else ui.Picture(images.digit(5, 0), "5", "sample", "images.digit(5, 0)")
    more = {"pictures": [source], "networks": ["digit_classifier", "digit_classifier.weights.h5"]}
    if subject and subject.kind == "photo":
        more["networks"] = ["efficientnet_lite0", "efficientnet_lite0.weights.h5"]
        return more | _photo(subject, source.code)
    epsilon, steps, target = (subject.epsilon, subject.steps, subject.target) if subject else (26, 10, None)
    aimed = f", target={target}" if target else ""
    field = f"readers.field({source.code}, mnist={not source.own})" if subject else source.code
    code = f"""
    import numpy as np
    from cnndemo import fool_it, images
    from cnndemo.fool_it import readers

    digit = {field}  # or any, uint8 (28, 28), bright ink on black
    changed = fool_it.fool_digit(digit, epsilon={epsilon}, steps={steps}{aimed})
    reader = fool_it.digit_reader()
    for picture in (digit, changed):
        print(reader.best(reader.ask(picture[None])[0]))
    print("largest change:", np.abs(changed.astype(int) - digit).max())
    """
    result = """
    from PIL import Image

    difference = (128 + np.clip(changed.astype(int) - digit, -127, 127)).astype(np.uint8)  # grey is no change
    pictures = np.hstack([digit, changed, difference])
    Image.fromarray(pictures).resize((6 * pictures.shape[1], 6 * pictures.shape[0]), Image.Resampling.NEAREST)
    """
    more["instead"] = "np.repeat(images.digit(5, 0)[..., None], 3, axis=2)"
    if source.own:  # then the two networks of the digit page bring it into its field
        more["networks"].append("not_a_digit")
    return more | {"snippet": code, "result": result}


def _photo(subject: Subject, source: str) -> dict[str, Any]:
    """The same of a photograph, whose attack asks Keras for the gradient."""
    wanted = subject.target is not None
    aim = f'reader.labels.index("{subject.target}")' if wanted else "int(reader.ask(square[None])[0].argmax())"
    code = f"""
    from cnndemo import fool_it, images
    from cnndemo.fool_it import readers

    square = readers.square({source})
    reader = fool_it.photo_reader()
    print(reader.best(reader.ask(square[None])[0]))
    """
    keras = f"""
    import numpy as np
    from PIL import Image

    from cnndemo import worker

    changed, milliseconds = worker.ask(
        "cnndemo.fool_it.photo_gradient:attack", square, {aim}, {subject.epsilon}, {subject.steps}, {wanted}
    )
    print(reader.best(reader.ask(changed[None])[0]))
    Image.fromarray(np.hstack([square, changed]))
    """
    return {"snippet": code, "keras": keras, "result": "from PIL import Image\n\nImage.fromarray(square)"}


def questions() -> list[ui.Question]:
    """Predict, then reveal, of what is on the screen."""
    found = state.get("_subject")
    result = found.fooled if found else None
    if result is None:
        return []
    labels, (before, after, _) = result.reader.labels, result.classes
    moved = int((result.pictures[1] != result.pictures[0]).sum())
    share = moved / result.pictures[0].size
    options = ["fewer than 10 %", "10 to 50 %", "more than 50 %"]
    asked = [
        ui.Question(
            "Which part of the values did the attack change?",
            options,
            options[0 if share < 0.1 else 1 if share <= 0.5 else 2],
            f"{moved:,} of {result.pictures[0].size:,}, or {share:.0%}: many tiny changes, which add up in the scores.",
        )
    ]
    if after != before:
        asked.append(
            ui.Question(
                "The change is taken off from the picture instead of added. What will be read?",
                [labels[before], labels[after]],
                _reversed(result),
                "Away from the one class is not the same as back to it: compare how sure it is.",
            )
        )
    return asked


def _reversed(result: Fooled) -> str:
    """What is read when the change is subtracted; one of the two classes, the likelier."""
    change = result.pictures[1].astype(int) - result.pictures[0]
    other = np.clip(result.pictures[0] - change, 0, 255).astype(np.uint8)
    answer = result.reader.ask(other[None])[0]
    before, after, _ = result.classes
    return result.reader.labels[before if answer[before] >= answer[after] else after]
