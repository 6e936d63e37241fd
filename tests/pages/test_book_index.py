"""Each entry that the index calls alive is rendered by the section of the page that it names."""

import re

import pytest

from cnndemo import book_index
from cnndemo.book_index import ENTRIES
from cnndemo.book_index.errata import ERRATA, order
from cnndemo.topics import TOPICS
from cnndemo.ui.frame import anchor
from tests.pages.conftest import no_trouble, rendered_references

LIVE = [stem for stem in TOPICS if book_index.of_topic(stem) and TOPICS[stem].built]


@pytest.mark.parametrize("stem", LIVE)
def test_every_live_entry_is_rendered_by_its_section(opened, stem):
    page = no_trouble(opened(stem))
    rendered = rendered_references(page)
    missing = [
        f"{entry.name}: section “{entry.section}”"
        for entry in book_index.of_topic(stem)
        if entry.name.lower() not in rendered.get(entry.section, set())
    ]
    assert not missing, f"pages/{stem}.py renders {rendered}"
    numbers = {reference for references in rendered.values() for reference in references}
    assert numbers <= {entry.name.lower() for entry in ENTRIES}, "a page names a figure that the book does not have"


def test_the_index_links_every_live_entry_to_its_section(opened):
    page = no_trouble(opened("book_index"))
    text = "\n".join(element.value for element in page.markdown)
    for entry in ENTRIES:
        line = next(line for line in text.splitlines() if f"**{entry.name}**" in line)
        assert entry.shows in line
        assert (f"(/{entry.stem}#{anchor(entry.section)})" in line) == entry.live
        assert ("Not yet" in line) != entry.live


def test_it_counts_what_is_alive(opened):
    text = " ".join(element.value for element in opened("book_index").markdown)
    assert f"**{sum(entry.live for entry in ENTRIES)} of 92**" in text


def test_a_topic_without_page_is_not_yet(open_page, monkeypatch, tmp_path):
    monkeypatch.setattr("cnndemo.topics.PAGES", tmp_path)
    text = " ".join(element.value for element in no_trouble(open_page("book_index")).markdown)
    assert "**0 of 92**" in text and "](/" not in text and text.count("Not yet") == 92


def test_search_and_its_empty_answer(open_page):
    found = open_page("book_index", {"q": "sobel"})
    assert sum("**Figure 3." in element.value for element in found.markdown) == 1
    assert any("Figure 3.7" in element.value for element in found.markdown)
    nothing = no_trouble(open_page("book_index", {"q": "](x) <b>", "kind": "", "chapter": ""}))
    assert "Nothing has these words" in nothing.info[0].value


def test_the_checks_without_keras_have_run_and_the_others_wait(opened):
    page = opened("book_index")
    verdicts = [element.value for element in page.markdown if element.value.startswith(":green-badge")]
    waiting = [element.value for element in page.caption if "asks Keras" in element.value]
    assert len(waiting) == sum(erratum.keras for erratum in ERRATA)
    assert len(verdicts) == len(ERRATA) - len(waiting)
    assert not any("not confirmed" in element.value for element in page.markdown)


def test_a_chapter_shows_its_errata_with_keras_on_demand(open_page):
    page = no_trouble(open_page("book_index", {"chapter": "5", "keras": "true"}))
    verdicts = [element.value for element in page.markdown if element.value.startswith(":green-badge")]
    assert len(verdicts) == sum(order(erratum)[0] == 5 for erratum in ERRATA)
    assert re.search("distance of an input to itself: `0`", " ".join(element.value for element in page.markdown))
