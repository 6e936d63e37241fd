"""“Check yourself” on every page: enough questions, each with one right answer, in every language."""

from __future__ import annotations

import re

import pytest

from cnndemo import topics, ui
from cnndemo.layer_lab.questions import questions
from cnndemo.lessons import LANGUAGES, card_words
from cnndemo.questions import Question
from tests.pages.conftest import no_trouble, run_page

BUILT = [topic.stem for topic in topics.built()]
LEAST = 4
STATES = {  # other settings than those a page opens with, as a link has them
    "activation_maps": {"network": "efficientnet_lite0"},
    "architectures": {"net": "ResNet50"},
    "augmentation": {"alpha": "0.3", "draw": "7"},
    "book_index": {"q": "kernel"},
    "convolution": {"f": "box", "g": "exponential", "op": "keep"},
    "digit_classifier": {"digit_from": "mnist", "digit": "9"},
    "face_detection": {"picture": "cat", "cascade": "frontal default", "smallest": "200", "scale": "1.5"},
    "face_verification": {"picture": "cat", "threshold": "0.3"},
    "filters": {"kernel": "box_blur"},
    "fool_it": {"epsilon_digit": "0", "way": "one"},
    "layer_lab": {"h": "3", "w": "3", "kh": "5", "kw": "5", "pad": "valid"},
    "normalization": {"a": "-1", "b": "1", "c": "-1", "d": "1", "lr": "1"},
    "pattern_matching": {"growth": "1.6"},
    "pet_segmentation": {"picture": "coffee"},
    "resnet_transfer": {"networks": "resnet20", "picture": "rocket"},
    "siamese": {"cm": "0.2"},
    "training": {"p": "0.99", "factor": "0.9"},
    "upsampling": {"n": "8", "k": "2", "s": "2"},
}


def asked(stem: str, language: str, settings: dict[str, str], monkeypatch) -> list[Question]:
    """The questions that a page puts, after checking that it shows them in this language."""
    put: list[Question] = []
    shown = ui.check_yourself
    monkeypatch.setattr(
        ui, "check_yourself", lambda questions: (put.__setitem__(slice(None), questions), shown(questions))
    )
    query = {f"{stem}.{name}": value for name, value in settings.items()}
    page = no_trouble(run_page(stem, {**query, "lang": language}))
    assert card_words(language)["check"] in [heading.value for heading in page.header]
    radios = {radio.label: radio.options for radio in page.radio if radio.key and ".question_" in radio.key}
    said = [question.said(language) for question in put]
    assert radios == {each.prompt: list(each.options) for each in said}
    return put


@pytest.mark.parametrize("state", ["as it opens", "otherwise"])
@pytest.mark.parametrize("stem", BUILT)
def test_a_page_asks_enough(stem, state, monkeypatch):
    settings, language = ({}, "de") if state == "as it opens" else (STATES[stem], "en")
    put = asked(stem, language, settings, monkeypatch)
    assert len(put) >= LEAST and len({question.name for question in put}) == len(put)
    for question in put:
        for other in LANGUAGES:
            said = question.said(other)
            assert said.options.count(said.answer) == 1 and len(set(said.options)) == len(said.options) >= 2, said
            assert re.search(r"\d", said.why), said
            assert "nan" not in " ".join((said.prompt, said.why, *said.options)).lower().split(), said


@pytest.mark.parametrize(("language", "verdict"), [("en", "Right."), ("de", "Richtig.")])
def test_an_answer_is_judged_in_the_language_of_the_question(language, verdict):
    page = run_page("layer_lab", {"lang": language})
    radio = page.radio(key="layer_lab.question_1")
    said = questions((6, 6), (3, 3), (1, 1), (1, 1), "valid", 1, 1)[0].said(language)
    radio.set_value(radio.options[-1]).run()
    assert no_trouble(page).warning[0].value.startswith("Nicht ganz" if language == "de" else "Not quite")
    page.radio(key="layer_lab.question_1").set_value(said.answer).run()
    assert page.success[0].value == f"**{verdict}** {said.why}"
