"""Lessons: steps through the pages, each with one thing to do, one question and what to notice.

The order, the settings and the right answers are in `plans`; all words are in one file a language, `en.toml` and
`de.toml`.
"""

from cnndemo.lessons.plans import LESSONS, Lesson, Shown, Step
from cnndemo.lessons.words import LANGUAGES, LessonWords, StepWords, card_words, lesson_words

__all__ = [
    "LANGUAGES",
    "LESSONS",
    "Lesson",
    "LessonWords",
    "Shown",
    "Step",
    "StepWords",
    "card_words",
    "lesson_words",
]
