"""The people of the entrance: enrol, rename, remove, find, and files from strangers."""

from __future__ import annotations

import base64
import contextlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnndemo.errors import VisitorError
from cnndemo.face_verification import Gallery, decide
from cnndemo.face_verification.gallery import LARGEST_FILE, LONGEST_NAME, MOST_PEOPLE, tidy


def embedding(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, 128).astype(np.float32)


@pytest.fixture
def gallery() -> Gallery:
    people = Gallery()
    for seed, name in enumerate(("Ada", "Alan", "Grace")):
        people.enrol(name, embedding(seed))
    return people


def test_nearest_first_and_each_person_once(gallery):
    gallery.enrol("Ada", embedding(10))
    query = embedding(10) + 0.001
    matches = gallery.nearest(query)
    assert [match.name for match in matches][0] == "Ada" and len(matches) == 3
    assert matches[0].distance == pytest.approx(0.001 * np.sqrt(128), rel=1e-3)
    assert [m.distance for m in matches] == sorted(m.distance for m in matches)
    assert len(gallery.nearest(query, 2)) == 2
    assert Gallery().nearest(query) == []


def test_removing_and_renaming_are_found_at_once(gallery):
    gallery.nearest(embedding(0))  # builds the matrix
    gallery.rename("Ada", "Ada Lovelace")
    assert gallery.nearest(embedding(0))[0].name == "Ada Lovelace"
    assert list(gallery.people) == ["Ada Lovelace", "Alan", "Grace"]
    gallery.remove("Ada Lovelace")
    assert [match.name for match in gallery.nearest(embedding(0))].count("Ada Lovelace") == 0
    assert len(gallery) == 2
    gallery.rename("Alan", "ALAN")  # only the capitals change
    assert "ALAN" in gallery.people


def test_names_that_are_taken_or_unknown(gallery):
    for action in (
        lambda: gallery.rename("Ada", "Alan"),
        lambda: gallery.rename("Ada", "alan"),
        lambda: gallery.rename("Nobody", "Somebody"),
        lambda: gallery.remove("Nobody"),
    ):
        with pytest.raises(VisitorError):
            action()
    assert list(gallery.people) == ["Ada", "Alan", "Grace"]


def test_another_picture_joins_the_person_whatever_the_capitals(gallery):
    assert gallery.enrol(" ada ", embedding(20)) == "Ada"
    assert len(gallery.people["Ada"]) == 2 and len(gallery) == 3


def test_the_same_picture_twice_is_told(gallery):
    with pytest.raises(VisitorError, match="enrolled already"):
        gallery.enrol("Somebody else", embedding(0))
    assert len(gallery) == 3


@pytest.mark.parametrize("name", ["", "   ", "x" * 1000, "a\u0000b", "a\u202eb", "\u200b"])
def test_names_that_are_none(gallery, name):
    with pytest.raises(VisitorError):
        gallery.enrol(name, embedding(50))
    assert len(gallery) == 3


def test_odd_names_are_kept_as_they_are(gallery):
    for seed, name in enumerate(
        ("<script>alert(1)</script>", "![x](http://a.b/c)", "李小龍", "e\u0301mile", "O'Neil; --")
    ):
        kept = gallery.enrol(name, embedding(100 + seed))
        assert kept == tidy(name)
    assert "émile" in gallery.people
    assert Gallery.load(gallery.export()).people.keys() == gallery.people.keys()


@pytest.mark.parametrize(
    "bad", [np.zeros(127), np.full(128, np.nan), np.full(128, np.inf), np.full(128, 1e6), np.zeros((1, 128))]
)
def test_embeddings_that_are_none(gallery, bad):
    with pytest.raises(VisitorError):
        gallery.enrol("X", bad)


@given(st.dictionaries(st.text(min_size=1, max_size=LONGEST_NAME), st.integers(1, 3), max_size=8))
@settings(max_examples=60, deadline=None)
def test_what_is_exported_comes_back(people):
    gallery, seed = Gallery(), 0
    for name, count in people.items():
        for _ in range(count):
            seed += 1
            with contextlib.suppress(VisitorError):  # not a name
                gallery.enrol(name, embedding(seed))
    again = Gallery.load(gallery.export())
    assert list(again.people) == list(gallery.people)
    for name, rows in gallery.people.items():
        assert np.array_equal(rows, again.people[name])


def changed(gallery: Gallery, change) -> bytes:
    content = json.loads(gallery.export())
    change(content)
    return json.dumps(content).encode()


def test_files_from_strangers(gallery):
    whole = gallery.export()
    many = {"name": "x", "embeddings": json.loads(whole)["people"][0]["embeddings"]}
    code = base64.b64encode(np.full(128, np.nan, "<f4").tobytes()).decode()
    short = base64.b64encode(np.zeros(64, "<f4").tobytes()).decode()
    odd = base64.b64encode(b"abc").decode()
    files = {
        "empty": b"",
        "text": b"hello",
        "truncated": whole[: len(whole) // 2],
        "binary": b"\x80\x04\x95" + bytes(100),
        "not an object": b"[1, 2, 3]",
        "number": b"7",
        "deep": b"[" * 200_000,
        "huge number": b'{"format": ' + b"9" * 10_000 + b"}",
        "other format": changed(gallery, lambda c: c.update(format="x")),
        "no people": changed(gallery, lambda c: c.pop("people")),
        "people is a text": changed(gallery, lambda c: c.update(people="Ada")),
        "ten million people": changed(gallery, lambda c: c.update(people=[0] * (MOST_PEOPLE + 1))),
        "person is a number": changed(gallery, lambda c: c.update(people=[3])),
        "no name": changed(gallery, lambda c: c["people"][0].pop("name")),
        "name is a list": changed(gallery, lambda c: c["people"][0].update(name=["x"])),
        "long name": changed(gallery, lambda c: c["people"][0].update(name="x" * 1000)),
        "same name twice": changed(gallery, lambda c: c["people"][1].update(name="ADA")),
        "no embeddings": changed(gallery, lambda c: c["people"][0].update(embeddings=[])),
        "embedding is a number": changed(gallery, lambda c: c["people"][0].update(embeddings=[1.0])),
        "not base64": changed(gallery, lambda c: c["people"][0].update(embeddings=["***"])),
        "not ascii": changed(gallery, lambda c: c["people"][0].update(embeddings=["é"])),
        "not whole floats": changed(gallery, lambda c: c["people"][0].update(embeddings=[odd])),
        "other dimension": changed(gallery, lambda c: c["people"][0].update(embeddings=[short])),
        "not a number": changed(gallery, lambda c: c["people"][0].update(embeddings=[code])),
        "too many pictures": changed(gallery, lambda c: c.update(people=[many | {"embeddings": ["x"] * 50_000}])),
        "too large": b" " * (LARGEST_FILE + 1),
    }
    for kind, data in files.items():
        with pytest.raises(VisitorError):
            Gallery.load(data)
            pytest.fail(f"{kind} was accepted")


def test_a_file_holds_no_picture_and_nothing_to_execute(gallery):
    content = json.loads(gallery.export())
    assert set(content) == {"format", "dimension", "people"}
    assert all(set(person) == {"name", "embeddings"} for person in content["people"])


def test_five_thousand_people():
    generator = np.random.default_rng(0)
    gallery = Gallery(
        {f"Person {n}": [row] for n, row in enumerate(generator.normal(0, 0.1, (5000, 128)).astype("f4"))}
    )
    again = Gallery.load(gallery.export())
    query = again.people["Person 4321"][0] + np.float32(0.001)
    assert again.nearest(query)[0].name == "Person 4321"
    reference = min(gallery.people, key=lambda name: np.linalg.norm(gallery.people[name][0] - query))
    assert reference == "Person 4321"


def test_the_door():
    gallery = Gallery()
    assert not decide(gallery, embedding(0), 0.6).admitted
    gallery.enrol("Ada", embedding(0))
    near, far = embedding(0) + 0.01, embedding(0) + 1
    answer = decide(gallery, near, 0.6)
    assert answer.admitted and answer.name == "Ada" and answer.nearest[0].distance == pytest.approx(0.113, abs=1e-3)
    assert not decide(gallery, far, 0.6).admitted
    assert not decide(gallery, near, 0.1).admitted
    refused = decide(gallery, near, 0.6, doubt="Too dark.")
    assert not refused.admitted and refused.reason == "Too dark." and refused.name is None
