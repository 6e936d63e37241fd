"""Questions about what is on a page, to predict and then reveal; their words are in one file a topic, in all languages.

`cnndemo/<topic>/questions.toml` has a table for each question and language, side by side: what is asked, the options or
how a number among them is written, and why the answer is right. Fields in braces are filled with the numbers of the
page, in the manner of the language: 1,234.5 is 1.234,5 in German.
"""

from __future__ import annotations

import string
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from numbers import Integral, Real
from pathlib import Path
from typing import Any

Option = float | str
MOST, LEAST = 4, 3  # numbers to choose from
_SWAPPED = str.maketrans(",.", ".,")


@cache
def words(topic: str) -> dict[str, dict[str, dict[str, Any]]]:
    """The words of a topic's questions: name -> language -> ask, why, and option or options."""
    file = Path(__file__).parent / topic / "questions.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


class _Filling(string.Formatter):
    """Fills numbers into words as a language writes them; of several, each. `{name!o}` is what an option is called."""

    def __init__(self, language: str, named: Mapping[str, str]):
        self.language, self.named = language, named

    def convert_field(self, value: Any, conversion: str | None) -> Any:
        return self.named[value] if conversion == "o" else super().convert_field(value, conversion)

    def format_field(self, value: Any, format_spec: str) -> str:
        if isinstance(value, (list, tuple)):
            return "; ".join(self.format_field(part, format_spec) for part in value)
        text = format(value, format_spec)
        if not isinstance(value, Real):
            return text
        text = "−" + text[1:] if text.startswith("-") else text
        return text.translate(_SWAPPED).replace("%", "\u00a0%") if self.language == "de" else text


@dataclass(frozen=True)
class Said:
    """A question in a language: what is asked, the options, the right one of them, and why it is right."""

    prompt: str
    options: tuple[str, ...]
    answer: str
    why: str


@dataclass(frozen=True)
class Question:
    """A question before it is put into words.

    Attributes:
        topic: stem of the topic that has its words.
        name: of its table there.
        answer: the right option: a number, the name of one of the words' options, or what is shown as it is.
        others: wrong options. What reads like an option before it is left out; of numbers, further ones come in.
        values: what the fields of its words stand for.
    """

    topic: str
    name: str
    answer: Option
    others: tuple[Option, ...]
    values: Mapping[str, Any]

    def said(self, language: str) -> Said:
        """The question in a language that the topic's words have."""
        own = words(self.topic)[self.name][language]
        named = own.get("options", {})
        fill = _Filling(language, named)

        def shown(option: Option) -> str:
            pattern = named.get(option, "") or own.get("option", "{option}")
            return fill.format(pattern, option=option, **self.values)

        right = shown(self.answer)
        options: dict[str, Option] = {right: self.answer}
        for other in self.others:
            if isinstance(other, str) or len(options) < MOST:
                options.setdefault(shown(other), other)
        for other in _further(self.answer):
            if len(options) < LEAST:
                options.setdefault(shown(other), other)
        places = list(named)
        order = sorted(options, key=lambda text: _place(options[text], places))
        values = {**self.values, "answer": right}
        return Said(fill.format(own["ask"], **values), tuple(order), right, fill.format(own["why"], **values))


def _place(option: Option, named: Sequence[str]) -> Any:
    """Where an option stands: names in the order of their words, numbers by size, other texts by the alphabet."""
    if option in named:
        return named.index(option)
    return option


def _further(answer: Option) -> Iterator[Option]:
    """Wrong numbers, for a state of the page in which those that were thought of read alike."""
    if isinstance(answer, Real):
        yield from (answer * 2, answer // 2 if isinstance(answer, Integral) else answer / 2, answer + 1, answer + 2)


def about(topic: str) -> Callable[..., Question]:
    """What makes questions of a topic: `ask = about("filters")`, then `ask(name, answer, others, **values)`."""

    def ask(name: str, answer: Option, others: Sequence[Option], /, **values: Any) -> Question:
        return Question(topic, name, answer, tuple(others), values)

    return ask
