"""The film and the pictures of the README: there, small, and described."""

from __future__ import annotations

import re

import pytest
from PIL import Image

from cnndemo import topics
from tests.conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
PICTURES = {place: alt for alt, place in re.findall(r"!\[([^\]]*)\]\(([^)\s]+)\)", README)}
CHAPTERS = [f"docs/pictures/chapter_{chapter}.webp" for chapter in topics.CHAPTERS]


def test_the_film_lasts_twenty_seconds_and_begins_anew():
    file = ROOT / "docs" / "film.webp"
    assert file.stat().st_size < 3_000_000
    with Image.open(file) as film:
        assert film.is_animated and film.info["loop"] == 0 and film.width >= 780
        lasts = 0
        for number in range(film.n_frames):
            film.seek(number)
            film.load()
            lasts += film.info["duration"]
    assert 19_000 <= lasts <= 21_000 and film.n_frames > 60


def test_pictures_are_there_small_and_described():
    assert {"docs/film.webp", *CHAPTERS} == set(PICTURES)
    assert {file.name for file in (ROOT / "docs" / "pictures").iterdir()} == {
        place.split("/")[-1] for place in CHAPTERS
    }
    assert sum((ROOT / place).stat().st_size for place in CHAPTERS) < 1_000_000
    assert len(set(PICTURES.values())) == len(PICTURES) and all(len(alt) > 30 for alt in PICTURES.values())


@pytest.mark.parametrize("stem", [topic.stem for topic in topics.built()])
def test_the_readme_leads_to_every_page(stem):
    assert f"](pages/{stem}.py)" in README


def test_the_film_comes_first():
    assert (
        README.index("docs/film.webp") < README.index("\nA gallery in which") and README.index("# How a CNN sees") == 0
    )
