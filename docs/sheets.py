"""Sheets for teachers: one HTML page a lesson and language, with QR codes of the steps, and the answers apart.

`python -m docs.sheets [ADDRESS]`, or `make lessons`, writes them into `docs/lessons/`.
"""

from __future__ import annotations

import sys
from html import escape
from pathlib import Path

from cnndemo import topics
from cnndemo.lessons import LANGUAGES, LESSONS, card_words, lesson_words

FOLDER = Path(__file__).resolve().parent / "lessons"
ADDRESS = "http://localhost:8501"  # where `make run` serves; a class that has a server of its own names that
_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; color: #10181f; background: #fff; max-width: 48rem; margin: 2rem auto;
  padding: 0 1rem; }
h1 { margin: 0 0 .2rem; font-size: 1.7rem; } h2 { font-size: 1.05rem; margin: 0 0 .2rem; } p { margin: .25rem 0; }
.quiet { color: #4a5560; } ol.options { list-style: none; margin: .2rem 0; padding: 0; }
ol.options li::before { content: "☐ "; }
.step { display: grid; grid-template-columns: 1fr 7.5rem; gap: 1rem; border-top: 1px solid #9aa4ad; padding: .7rem 0;
  break-inside: avoid; }
.step svg { width: 7.5rem; height: 7.5rem; } .answers { break-before: page; margin-top: 3rem; }
.answers .step { display: block; }
@media print { body { margin: 0; max-width: none; padding: 0; font-size: 10.5pt; } .answers { margin-top: 0; } }
@page { size: A4; margin: 16mm; }
""".strip()


def code_of(link: str) -> str:
    """A QR code as an SVG element, black on white."""
    import segno

    return segno.make(link, error="m", micro=False).svg_inline(border=2, omitsize=True)


def sheet(name: str, language: str, address: str = ADDRESS) -> str:
    """The printable page of a lesson: the steps with their codes, then, on a sheet apart, the answers."""
    lesson, words, texts = LESSONS[name], card_words(language), lesson_words(name, language)
    steps, answers = [], []
    for number, (step, said) in enumerate(zip(lesson.steps, texts.steps, strict=True), start=1):
        link = address + lesson.link(number, language)
        place = f"{words['book']} {step.book}" if step.book else words["beyond"]
        head = f"<h2>{number} · {escape(said.title)} <span class=quiet>{escape(place)}</span></h2>"
        options = "".join(f"<li>{escape(option)}</li>" for option in said.options)
        where = f"{topics.TOPICS[step.page].title} · {step.section}"
        label = escape(f"{words['scan']}: {number}")
        steps.append(
            f"<section class=step><div>{head}<p class=quiet>{escape(where)}</p><p>{escape(said.do)}</p>"
            f"<p><b>{escape(said.ask)}</b></p><ol class=options>{options}</ol></div>"
            f'<a href="{escape(link)}" aria-label="{label}">{code_of(link)}</a></section>'
        )
        answers.append(
            f"<section class=step>{head}<p>{escape(said.ask)}</p><p><b>{escape(said.options[step.answer])}</b>. "
            f"{escape(said.why)}</p><p>{escape(words['notice'])} {escape(said.notice)}</p></section>"
        )
    chapter = words["chapter"].format(number=lesson.chapter) if lesson.chapter else words["across"]
    length = words["minutes"].format(minutes=lesson.minutes, steps=len(lesson.steps))
    title = escape(texts.title)
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta name="viewport" content="width=device-width">\n<style>\n{_STYLE}\n</style></head><body>\n'
        f"<h1>{title}</h1><p class=quiet>{escape(chapter)} · {escape(length)}</p><p>{escape(texts.whom)}</p>"
        f"<p>{escape(words['name_line'])}: ______________________________ &nbsp; "
        f"<span class=quiet>{escape(words['scan'])}.</span></p>\n"
        + "\n".join(steps)
        + f"\n<section class=answers><h1>{title}: {escape(words['answers_title'])}</h1>"
        f"<p class=quiet>{escape(words['for_teachers'])}</p>\n" + "\n".join(answers) + "\n</section>\n</body></html>\n"
    )


def file_name(name: str, language: str) -> str:
    return f"{name}.{language}.html"


def main() -> None:
    address = sys.argv[1].rstrip("/") if len(sys.argv) > 1 else ADDRESS
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = {file_name(name, language): (name, language) for name in LESSONS for language in LANGUAGES}
    for old in FOLDER.glob("*.html"):
        if old.name not in wanted:
            old.unlink()
    for file, (name, language) in wanted.items():
        (FOLDER / file).write_text(sheet(name, language, address), encoding="utf-8")
        print(FOLDER / file)


if __name__ == "__main__":
    main()
