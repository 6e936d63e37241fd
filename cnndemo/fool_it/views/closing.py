"""The foot of the page: code and questions, of what is on the screen."""

from __future__ import annotations

import numpy as np

from cnndemo import ui
from cnndemo.fool_it.fooling import Fooled
from cnndemo.fool_it.views.attack import Subject
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
