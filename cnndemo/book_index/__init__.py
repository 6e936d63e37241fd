"""Where each figure and listing of the book is alive in the gallery."""

from cnndemo.book_index.entries import (
    ENTRIES,
    FIGURES,
    LISTINGS,
    Entry,
    Kind,
    of_topic,
    rows,
    search,
    thumbnail,
    to_csv,
)

__all__ = [
    "ENTRIES",
    "Entry",
    "FIGURES",
    "Kind",
    "LISTINGS",
    "of_topic",
    "rows",
    "search",
    "thumbnail",
    "to_csv",
]
