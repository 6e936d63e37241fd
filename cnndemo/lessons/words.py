"""The words of lessons and of their card, from one file a language; what all languages must hold alike."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = {"en": "English", "de": "Deutsch"}
_FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class StepWords:
    """What one step says: a title, the one thing to do, the one question, why its answer is right, what to notice."""

    title: str
    do: str
    ask: str
    options: tuple[str, ...]
    why: str
    notice: str


@dataclass(frozen=True)
class LessonWords:
    """What a lesson says of itself, and its steps."""

    title: str
    whom: str
    steps: tuple[StepWords, ...]


@cache
def table(language: str) -> dict[str, Any]:
    """The whole file of a language, "en" or "de"."""
    return tomllib.loads((_FOLDER / f"{language}.toml").read_text(encoding="utf-8"))


def card_words(language: str) -> dict[str, str]:
    """The words of the card, of the list of lessons, and of the report."""
    return table(language)["card"]


@cache
def lesson_words(name: str, language: str) -> LessonWords:
    """The words of a lesson."""
    found = table(language)["lessons"][name]
    steps = tuple(StepWords(**{**step, "options": tuple(step["options"])}) for step in found["steps"])
    return LessonWords(found["title"], found["whom"], steps)
