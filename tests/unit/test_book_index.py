"""The map of the book is complete, and each entry points to a topic."""

import csv
import io

import numpy as np
import pytest

from cnndemo import book_index
from cnndemo.book_index import ENTRIES, FIGURES, LISTINGS, of_topic, search, to_csv
from cnndemo.topics import TOPICS

FIGURES_A_CHAPTER = {1: 13, 2: 20, 3: 9, 4: 8, 5: 8, 6: 7, 7: 7}
LISTINGS_A_CHAPTER = {1: 1, 2: 7, 4: 5, 5: 6, 6: 1}


@pytest.mark.parametrize(
    ("entries", "counts"), [(FIGURES, FIGURES_A_CHAPTER), (LISTINGS, LISTINGS_A_CHAPTER)], ids=["figures", "listings"]
)
def test_every_number_of_the_book_is_there_once_and_in_order(entries, counts):
    expected = [f"{chapter}.{number}" for chapter, count in counts.items() for number in range(1, count + 1)]
    assert [entry.number for entry in entries] == expected


def test_there_are_92_entries_with_different_names():
    assert len(ENTRIES) == len({entry.name for entry in ENTRIES}) == 72 + 20


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_an_entry_is_well_formed(entry):
    assert entry.stem in TOPICS and entry.stem != "book_index"
    assert entry.section and entry.section == entry.section.strip()
    assert 8 <= len(entry.shows) <= 90 and entry.shows[0].isupper() and not entry.shows.endswith(".")
    assert entry.book_section.split(".")[0] == str(entry.chapter)


def test_the_sections_of_the_book_never_go_back():
    for entries in (FIGURES, LISTINGS):
        places = [tuple(map(int, entry.book_section.split("."))) for entry in entries]
        assert places == sorted(places)


def test_live_follows_the_pages(monkeypatch, tmp_path):
    entry = next(entry for entry in ENTRIES if entry.stem == "pattern_matching")
    assert entry.live
    monkeypatch.setattr("cnndemo.topics.PAGES", tmp_path)
    assert not entry.live
    (tmp_path / "pattern_matching.py").touch()
    assert entry.live


def test_the_entries_of_a_topic():
    assert [entry.name for entry in of_topic("normalization")] == ["Figure 3.1"]
    assert sum(len(of_topic(stem)) for stem in TOPICS) == len(ENTRIES)


def test_search():
    assert [entry.name for entry in search("2.11")] == ["Figure 2.11"]
    assert [entry.name for entry in search("2.1")] == ["Figure 2.1", "Listing 2.1"]  # 2.1 is no 2.11
    assert [entry.name for entry in search("2.1", "listing")] == ["Listing 2.1"]
    assert search("SOBEL along") == search("along sobel") and len(search("sobel")) == 2
    assert search("no such words") == () and search("") == search("  ") == ENTRIES
    assert all(entry.stem == "upsampling" for entry in search("upsampling"))


def test_search_can_leave_out_what_is_not_built(monkeypatch, tmp_path):
    monkeypatch.setattr("cnndemo.topics.PAGES", tmp_path)
    assert search(live_only=True) == ()
    (tmp_path / "filters.py").touch()
    assert {entry.stem for entry in search(live_only=True)} == {"filters"}


def test_the_table_reads_back():
    table = list(csv.DictReader(io.StringIO(to_csv(ENTRIES))))
    assert [row["entry"] for row in table] == [entry.name for entry in ENTRIES]
    assert all(
        row["section"] == (entry.section if entry.live else "not yet")
        for row, entry in zip(table, ENTRIES, strict=True)
    )


def test_the_thumbnail_has_a_square_for_each_entry():
    picture = book_index.thumbnail()
    assert picture.shape == (180, 320, 3) and picture.dtype == np.uint8
    coloured = (picture != 255).any(axis=2).sum()
    assert coloured == len(ENTRIES) * 17 * 17
