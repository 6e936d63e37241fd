"""The foot of the page: code and questions, of what is on the screen."""

from __future__ import annotations

from typing import Any

from cnndemo import images, ui
from cnndemo.fool_it.questions import questions
from cnndemo.fool_it.views.attack import Subject
from cnndemo.questions import Question
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


def asked() -> list[Question]:
    """Predict, then reveal, of what is on the screen."""
    found: Subject | None = state.get("_subject")
    return questions(found.picture.size, found.epsilon, found.steps, found.fooled) if found else []
