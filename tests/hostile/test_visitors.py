"""Hostile links and names at a real server, and two visitors who must not see each other."""

import asyncio
import io
import zipfile
import zlib
from contextlib import suppress

import numpy as np
import onnx
import pytest
from PIL import Image

from cnndemo import topics
from cnndemo.face_verification.gallery import Gallery
from tests.benchmarks.visitor import Visitor, run
from tests.browser.gallery import serve
from tests.conftest import encode
from tests.hostile.mutations import BACKWARDS, HTML, MARKDOWN
from tests.unit.test_architectures_own import residual

STEMS = [topic.stem for topic in topics.built()]
PLAIN = (
    "response_id",
    "alt",
    "data",
    "default",
    "id",
    "file_name",
    "query_string",
    "url",
    "spec",
    "value",
    "label_text",
)


@pytest.fixture(scope="module")
def server():
    with serve() as served:
        yield served.url


class Watcher(Visitor):
    """A visitor who remembers what the server has sent."""

    def __init__(self, url: str):
        super().__init__(url)
        self.heard: list = []

    def _take(self, kind, message) -> None:
        self.heard.append(message)
        super()._take(kind, message)

    def all(self) -> str:
        return "\n".join(text for message in self.heard for _, text in texts(message))


def texts(message, name: str = ""):
    """Name and value of every text in a message of the protocol."""
    for field, value in message.ListFields():
        many = value if field.is_repeated else [value]
        for each in many if not isinstance(many, str | bytes) else [many]:
            if isinstance(each, str):
                yield field.name, each
            elif isinstance(each, bytes):
                yield field.name, each.decode("latin-1")
            elif hasattr(each, "ListFields"):
                yield from texts(each, field.name)


def parameters(watcher: Watcher) -> set[str]:
    """Names in the link that the page's widgets are bound to."""
    return {text for message in watcher.heard for name, text in texts(message) if name == "query_param_key"}


async def open_with_broken_links(server: str, stems: list[str]) -> None:
    async with Watcher(server) as visitor:
        for stem in stems:
            visitor.heard.clear()
            await visitor.open(stem)
            names = parameters(visitor)
            assert names
            share = 100_000 // len(names)
            visitor.hash, visitor.states = "", {}
            visitor.query = "&".join(f"{name}={'%F0%9F%98%80%00' * (share // 15)}" for name in names)
            await visitor._ask()
        assert visitor.errors == []


def test_a_link_of_100_kb_with_every_parameter_broken_opens_the_page(server):
    run(open_with_broken_links(server, ["filters", "normalization", "layer_lab"]))


@pytest.mark.slow
def test_such_a_link_opens_every_page(server):
    run(open_with_broken_links(server, STEMS))


def test_a_request_line_that_is_far_too_long_is_nobody_elses_matter(server):
    async def main():
        visitor = Visitor(server)
        with suppress(ConnectionResetError):  # it hangs up on what it does not read
            assert (await visitor.request("GET", "/filters?" + "x" * 100_000)).status in (200, 400, 414, 431)
        assert (await visitor.request("GET", "/_stcore/health")).status == 200

    run(main())


def class_folders(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number, name in enumerate(names):
            for shade in range(3):
                picture = np.full((32, 32, 3), 40 + 60 * shade + number, np.uint8)
                archive.writestr(f"{name}/{name}{shade}.png", encode(Image.fromarray(picture), "PNG"))
    return buffer.getvalue()


def people(*names: str) -> bytes:
    gallery, random = Gallery(), np.random.default_rng(zlib.crc32(names[0].encode()))
    for name in names:
        gallery.enrol(name, random.normal(0, 0.1, 128))
    return gallery.export()


async def bring_all(visitor: Visitor, mark: str, face_names: tuple[str, ...]) -> None:
    """A picture, people, class folders, a head for them and a network, all of whose names hold the mark."""
    pixels = np.random.default_rng(zlib.crc32(mark.encode())).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    await visitor.open("")
    await visitor.choose("Picture", "Upload")
    before = set(visitor.page.pictures)
    assert (await visitor.upload("Your picture", f"{mark}.png", encode(Image.fromarray(pixels), "PNG")))[0] == 204
    visitor.own = visitor.page.pictures - before
    await visitor.open("filters")
    await visitor.open("face_verification")
    assert (await visitor.upload("Import", "people.json", people(*face_names)))[0] == 204
    await visitor.open("augmentation")
    folders = class_folders(mark, f"{mark}2")
    assert (await visitor.upload("A ZIP of class folders", f"{mark}.zip", folders))[0] == 204
    await visitor.open("resnet_transfer")
    await visitor.choose("Add pictures from", "ZIP of class folders")
    assert (await visitor.upload("ZIP archive, one folder a class", f"{mark}.zip", folders))[0] == 204
    await visitor.press("Add its classes")
    await visitor.open("architectures", "architectures.own=true")
    network = onnx.load_from_string(residual())
    network.graph.node[0].name = f"{mark} layer"
    field = "Your network, .onnx or .keras"
    assert (await visitor.upload(field, f"{mark}.onnx", network.SerializeToString()))[0] == 204
    for _ in range(100):  # it is read in a process beside
        if any(words.startswith("Takes 1 × 3 × 32 × 32") for words in visitor.page.words):
            break
        await visitor.rest(0.5)
    else:
        raise AssertionError(f"{mark[:20]}’s network was not read")
    assert not visitor.errors


def test_two_visitors_see_nothing_of_each_other(server):
    async def main():
        async with Watcher(server) as one, Watcher(server) as other, Watcher(server) as third:
            await asyncio.gather(
                bring_all(one, "MARKONE", ("MARKONE Ann", "MARKONE Ben")),
                bring_all(other, "MARKTWO", ("MARKTWO Cleo",)),
            )
            for stem in ("", "filters", "face_verification", "augmentation", "resnet_transfer", "architectures"):
                await third.open(stem, "architectures.own=true" if stem == "architectures" else "")
            for watcher, mark in ((one, "MARKONE"), (other, "MARKTWO")):  # or a network would not be looked for
                assert f"{mark} layer" in watcher.all() and f"{mark}2 answered {mark}" in watcher.all()
            assert "MARKONE" in one.all() and "MARKTWO" in other.all()
            assert "MARKTWO" not in one.all() and "MARKONE" not in other.all() and "MARK" not in third.all()
            assert one.own and other.own and not one.own & other.own
            assert not (one.own | other.own) & third.known
            assert len({one.session, other.session, third.session}) == 3

    run(main())


def test_nobody_uploads_into_a_session_that_there_is_not(server):
    async def main():
        visitor = Visitor(server)
        await visitor.request("GET", "/_stcore/health")
        token = visitor.cookies["_streamlit_xsrf"]
        answer = await visitor.request("PUT", "/_stcore/upload_file/guessed/1", b"", X_Xsrftoken=token)
        assert answer.status == 400

    run(main())


def test_names_are_shown_as_what_they_are(server):
    """No text that is drawn as Markdown has a picture or a link of the name's, and none turns what stands behind it."""
    name = f"{BACKWARDS}{MARKDOWN}{HTML}".replace("/", ":").replace('"', "'")  # as names of files can be
    name = name.ljust(4000, "n")

    async def main():
        async with Watcher(server) as visitor:
            await bring_all(visitor, name, (HTML[:50], MARKDOWN[:50]))
            await visitor.open("")
            await visitor.choose("Picture", "Upload")
            await visitor.upload("Your picture", f"{name[:60]}.png", b"no picture")  # refused by its name
            heard = [pair for message in visitor.heard for pair in texts(message)]
            wrong = ("](http", "<script", "\u202e")
            drawn = [
                (field, text[:999]) for field, text in heard if field not in PLAIN and any(w in text for w in wrong)
            ]
            assert not drawn
            assert max(len(text) for field, text in heard if field in ("alt", "caption")) < 500

    run(main())
