"""Lessons as data: every language says the same things, and every step leads somewhere."""

from __future__ import annotations

import csv
import io
from urllib.parse import parse_qs, urlsplit

import cv2
import numpy as np
import pytest
import segno

from cnndemo import topics
from cnndemo.lessons import LANGUAGES, LESSONS, lesson_words
from cnndemo.lessons.words import table
from cnndemo.ui import answers
from docs import sheets


def shape(value):
    """Keys and lengths of a table, without its words; for a text, what is to be filled in."""
    if isinstance(value, dict):
        return {key: shape(part) for key, part in value.items()}
    if isinstance(value, list):
        return [shape(part) for part in value]
    assert value.strip() == value and value, "an empty text"
    return sorted(part.split("}")[0] for part in value.split("{")[1:])


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_everything(language):
    assert shape(table(language)) == shape(table("en"))
    assert list(table(language)["lessons"]) == list(LESSONS)


def test_languages_differ():
    english, german = ({**table(name)["card"]} for name in ("en", "de"))
    same = {key for key in english if english[key] == german[key]}
    assert same <= {"name_line"}


def test_seven_lessons_of_chapters_and_three_across():
    chapters = [lesson.chapter for lesson in LESSONS.values()]
    assert sorted(chapters) == [0, 0, 0, 1, 2, 3, 4, 5, 6, 7]
    assert all(30 <= lesson.minutes <= 45 for lesson in LESSONS.values())


@pytest.mark.parametrize("name", LESSONS)
def test_a_step_has_words_an_answer_and_a_page(name):
    lesson = LESSONS[name]
    said = lesson_words(name, "en").steps
    assert len(said) == len(lesson.steps) >= 4
    for number, (step, words) in enumerate(zip(lesson.steps, said, strict=True), start=1):
        assert 0 <= step.answer < len(words.options) and len(set(words.options)) == len(words.options) > 2
        assert topics.TOPICS[step.page].built and step.moves
        link = urlsplit(lesson.link(number, "de"))
        query = {key: values[0] for key, values in parse_qs(link.query).items()}
        assert link.path == f"/{step.page}"
        assert query == {"lesson": name, "step": str(number), "lang": "de"} | step.link


def test_the_right_answer_has_no_favourite_place():
    places = [step.answer for lesson in LESSONS.values() for step in lesson.steps]
    assert all(places.count(place) > len(places) / 5 for place in range(3))


ROW = {"where": "Filters", "question": "1 < 2 & <b>?", "answer": "=1+1", "right": "no", "reason": "Since, “so”"}
HEADS = ["Where", "Question", "Answer", "Right answer", "Reason"]


def test_the_report_as_csv_runs_no_formula():
    rows = list(csv.reader(io.StringIO(answers.as_csv([ROW], HEADS).decode("utf-8-sig"))))
    assert rows == [HEADS, ["Filters", "1 < 2 & <b>?", "'=1+1", "no", "Since, “so”"]]


def test_the_report_as_a_page_is_whole_and_loads_nothing():
    page = answers.as_page([ROW], HEADS, "Your answers", "Name", "en")
    assert "1 &lt; 2 &amp; &lt;b&gt;?" in page and "<b>" not in page
    assert "http" not in page and "<script" not in page and "@media print" in page


def test_sheets_are_up_to_date_and_whole():
    wanted = {sheets.file_name(name, language) for name in LESSONS for language in LANGUAGES}
    assert {file.name for file in sheets.FOLDER.glob("*.html")} == wanted, "make lessons"
    for name in LESSONS:
        for language in LANGUAGES:
            written = (sheets.FOLDER / sheets.file_name(name, language)).read_text(encoding="utf-8")
            assert written == sheets.sheet(name, language), "make lessons"
            assert written.count("<svg") == len(LESSONS[name].steps) and "<script" not in written


def test_a_code_on_a_sheet_is_the_link_of_its_step():
    link = sheets.ADDRESS + LESSONS["layers"].link(1, "de")  # the longest
    picture = io.BytesIO()
    segno.make(link, error="m", micro=False).save(picture, kind="png", scale=4, border=2)
    read = cv2.imdecode(np.frombuffer(picture.getvalue(), np.uint8), cv2.IMREAD_GRAYSCALE)
    assert cv2.QRCodeDetector().detectAndDecode(read)[0] == link
    assert sheets.code_of(link) in sheets.sheet("layers", "de")
