"""What a visitor answered: kept in the session only, handed out as CSV or as a page to print."""

from __future__ import annotations

import csv
import html
import io
from collections.abc import Mapping, Sequence

import streamlit as st

_ANSWERS = "answers"  # of the session: (where, question) -> Answer as a dictionary
COLUMNS = ("where", "question", "answer", "right", "reason")
MOST = 400  # answers that are kept


def remember(where: str, question: str, answer: str, right: str, reason: str) -> None:
    """Keep the last answer to a question.

    Args:
        where: title of the page, or of the lesson and its step.
        right: the right answer; the same as `answer` when that was right.
        reason: why.
    """
    kept = st.session_state.setdefault(_ANSWERS, {})
    kept.pop((where, question), None)
    kept[where, question] = dict(zip(COLUMNS, (where, question, answer, right, reason), strict=True))
    while len(kept) > MOST:
        kept.pop(next(iter(kept)))


def given() -> list[dict[str, str]]:
    """The answers of this visit, in the order in which they were last given."""
    return list(st.session_state.get(_ANSWERS, {}).values())


def as_csv(rows: Sequence[Mapping[str, str]], heads: Sequence[str]) -> bytes:
    """UTF-8 with a mark that spreadsheets look for; a cell that they would take for a formula is quoted.

    Args:
        heads: titles of the five columns, in the visitor's language.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(heads)
    for row in rows:
        cells = [row[column] for column in COLUMNS]
        writer.writerow([f"'{cell}" if cell[:1] in ("=", "+", "-", "@") else cell for cell in cells])
    return text.getvalue().encode("utf-8-sig")


def as_page(rows: Sequence[Mapping[str, str]], heads: Sequence[str], title: str, line: str, language: str) -> str:
    """One HTML page to print, with a line for the name, and nothing in it from elsewhere.

    Args:
        title: heading of the page.
        line: label of the line on which the pupil writes a name.
    """
    head = "".join(f"<th>{html.escape(name)}</th>" for name in heads)
    body = "".join(
        f'<tr class="{"right" if row["answer"] == row["right"] else "other"}">'
        + "".join(f"<td>{html.escape(row[column])}</td>" for column in COLUMNS)
        + "</tr>"
        for row in rows
    )
    style = (
        "body{font:15px/1.4 system-ui,sans-serif;margin:2rem auto;max-width:60rem;color:#10181f;background:#fff}"
        "table{border-collapse:collapse;width:100%}td,th{border:1px solid #888;padding:.4rem;vertical-align:top;"
        "text-align:left}.other td:nth-child(3){text-decoration:underline wavy}tr{break-inside:avoid}"
        "@media print{body{margin:0;font-size:11pt}}"
    )
    return (
        f'<!doctype html><html lang="{language}"><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f"<style>{style}</style><h1>{html.escape(title)}</h1><p>{html.escape(line)}: ______________________________</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></html>"
    )
