"""The foot of the page: code and questions, of what is on the screen."""

from __future__ import annotations

from cnndemo.fool_it.questions import questions
from cnndemo.fool_it.views.attack import Subject
from cnndemo.questions import Question
from cnndemo.ui.session import state


def snippet() -> str:
    """Python that makes what is on the screen; a sample stands in for a picture of the visitor's own."""
    subject: Subject | None = state.get("_subject")
    if subject and subject.kind == "photo":
        wanted = subject.target is not None
        name = state.get("picture") if state.get("picture_source") == "Sample" else None
        aim = f'reader.labels.index("{subject.target}")' if wanted else "int(reader.ask(square[None])[0].argmax())"
        return f"""
        from cnndemo import fool_it, images, worker
        from cnndemo.fool_it import readers

        square = readers.square(images.sample("{name or "cat"}"))  # or images.load(bytes)
        reader = fool_it.photo_reader()
        index = {aim}
        changed, milliseconds = worker.ask(
            "cnndemo.fool_it.photo_gradient:attack", square, index, {subject.epsilon}, {subject.steps}, {wanted}
        )
        for picture in (square, changed):
            print(reader.best(reader.ask(picture[None])[0]))
        """
    epsilon, steps, target = (subject.epsilon, subject.steps, subject.target) if subject else (26, 10, None)
    digit, number = (state.get("digit", 5), state.get("digit_n", 1)) if state.get("digit_from") == "mnist" else (5, 1)
    aimed = f", target={target}" if target else ""
    return f"""
    import numpy as np
    from cnndemo import fool_it, images

    digit = images.digit({digit}, {number - 1})  # or any, uint8 (28, 28), bright ink on black
    changed = fool_it.fool_digit(digit, epsilon={epsilon}, steps={steps}{aimed})
    reader = fool_it.digit_reader()
    for picture in (digit, changed):
        print(reader.best(reader.ask(picture[None])[0]))
    print("largest change:", np.abs(changed.astype(int) - digit).max())
    """


def asked() -> list[Question]:
    """Predict, then reveal, of what is on the screen."""
    found: Subject | None = state.get("_subject")
    return questions(found.picture.size, found.epsilon, found.steps, found.fooled) if found else []
