"""nginx in front of two replicas: sessions stay, uploads pass, and one that dies costs its own visitors a reconnect."""

import asyncio
import re
import signal
import time

import numpy as np
import pytest
from PIL import Image
from websockets.exceptions import ConnectionClosed

from tests.benchmarks.visitor import Visitor, run
from tests.conftest import encode
from tests.deploy.front import NGINX, check, configure, front

pytestmark = pytest.mark.skipif(not NGINX, reason="no nginx on this machine: apt-get install nginx-light")
STEM = "filters"


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    with front(tmp_path_factory.mktemp("nginx"), FRAME_ANCESTORS="https://school.example") as made:
        yield made


async def came_in(url: str, number: int, replica: int = 0) -> Visitor:
    """A visitor who has opened the page, at a replica if it matters which."""
    visitor = Visitor(url, number)
    if replica:
        visitor.cookies["replica"] = str(replica)
    assert (await visitor.request("GET", f"/{STEM}")).status == 200
    await visitor.connect()
    await visitor.open(STEM)
    return visitor


async def bring(visitor: Visitor, name: str, data: bytes) -> int:
    """A picture on the front page; the status of its upload."""
    await visitor.open("")
    await visitor.choose("Picture", "Upload")
    status, _ = await visitor.upload("Your picture", name, data)
    await visitor.open("")
    return status


async def left(*visitors: Visitor) -> None:
    for visitor in visitors:
        await visitor.__aexit__()


def test_the_configuration_is_one_for_any_number_of_replicas(tmp_path):
    for count in (1, 2, 5):
        addresses = [f"127.0.0.1:{9000 + number}" for number in range(count)]
        said = check(configure(tmp_path, addresses, "127.0.0.1:8999"))
        assert said.returncode == 0, said.stderr


def test_a_session_stays_with_its_replica(gallery):
    async def main():
        visitors = [await came_in(gallery.url, number) for number in range(4)]
        assert {visitor.cookies["replica"] for visitor in visitors} == {"1", "2"}
        for visitor in visitors:
            at, session = visitor.cookies["replica"], visitor.session
            await visitor.slide()
            await visitor.drop()
            await visitor.connect()
            await visitor.open(STEM)
            assert (visitor.cookies["replica"], visitor.session) == (at, session)
            assert not visitor.errors
        await left(*visitors)

    run(main())


def test_one_without_cookies_is_served_all_the_same(gallery):
    """Browsers keep cookies from frames of other sites: address and name of the browser lead to the same replica."""

    async def main():
        visitor = Visitor(gallery.url)
        visitor._remember = lambda lines: None
        async with visitor:
            for _ in range(3):
                await visitor.open(STEM)  # fetches its pictures from the replica that has drawn them
            assert visitor.page.pictures and not visitor.errors

    run(main())


def test_uploads_pass_up_to_20_mb(gallery):
    noise = np.random.default_rng(0).integers(0, 256, (2640, 2630, 3), dtype=np.uint8)
    photo = encode(Image.fromarray(noise), "BMP")  # 20.8 MB, just below the gallery's limit of 20 MiB

    async def main():
        visitor = await came_in(gallery.url, 0)
        status = await bring(visitor, "mine.bmp", photo)
        assert status == 204 and "Yours" in visitor.page.choices["Picture"].options and not visitor.errors
        refused = await visitor.request("PUT", "/_stcore/upload_file/x/y", b"0" * 26_300_000)
        assert refused.status == 413
        await left(visitor)

    run(main())


def test_an_upload_needs_the_token_and_any_replica_knows_it(gallery):
    async def main():
        visitor = await came_in(gallery.url, 0, replica=1)
        await visitor.request("GET", "/_stcore/health")
        honest = visitor.cookies["_streamlit_xsrf"]
        visitor.cookies["_streamlit_xsrf"] = "2|00000000|00000000000000000000000000000000|1700000000"
        forged = await visitor.request("PUT", f"/_stcore/upload_file/{visitor.session}/y", b"", X_Xsrftoken=honest)
        assert forged.status == 403
        other = await came_in(gallery.url, 1, replica=2)
        other.cookies["_streamlit_xsrf"] = honest  # from the replica that is gone
        status = await bring(other, "mine.png", encode(Image.new("RGB", (9, 9)), "PNG"))
        assert status == 204 and other.cookies["replica"] == "2"
        await left(visitor, other)

    run(main())


def test_cookies_of_a_login_proxy_and_a_long_link_pass(gallery):
    async def main():
        visitor = Visitor(gallery.url)
        visitor.cookies = {f"login{part}": "x" * 3900 for part in range(8)}
        assert (await visitor.request("GET", f"/{STEM}")).status == 200
        async with visitor:
            await visitor.open(STEM)
        assert not visitor.errors

    run(main())


def test_headers_for_frames_and_nothing_for_strangers(gallery):
    async def main():
        visitor = Visitor(gallery.url)
        page = await visitor.request("GET", f"/{STEM}")
        assert page.all("Content-Security-Policy") == ["frame-ancestors https://school.example"]
        assert (await visitor.request("GET", "/_stcore/metrics")).status == 404
        assert not re.search("nginx/", str(page.headers))

    run(main())


async def slide_until(visitor: Visitor, end: asyncio.Event) -> list[float]:
    """Slides, and comes back as a browser does when the connection breaks; how long each break was."""
    breaks = []
    while not end.is_set():
        try:
            await visitor.slide()
            await asyncio.sleep(0.05)
        except (ConnectionClosed, OSError):
            since = time.monotonic()
            while (await visitor.request("GET", "/_stcore/health")).status != 200:
                await asyncio.sleep(0.1)
            await visitor.connect()
            await visitor.open(STEM)
            breaks.append(time.monotonic() - since)
    return breaks


@pytest.mark.slow
def test_a_replica_that_dies_costs_its_visitors_a_reconnect_and_nobody_else_anything(gallery):
    async def main():
        ours = [await came_in(gallery.url, number, replica=1) for number in range(3)]
        others = [await came_in(gallery.url, number, replica=2) for number in range(3)]
        sessions = [visitor.session for visitor in others]
        end = asyncio.Event()
        all_ = [asyncio.create_task(slide_until(visitor, end)) for visitor in ours + others]
        await asyncio.sleep(1)
        await asyncio.to_thread(gallery.end, 1, signal.SIGKILL)
        await asyncio.sleep(2)
        await asyncio.to_thread(gallery.start, 1)
        await asyncio.sleep(3)  # nginx knows again that it is there; those who moved stay where their session is
        end.set()
        breaks = await asyncio.gather(*all_)
        assert all(len(each) == 1 for each in breaks[:3]) and not any(breaks[3:])
        assert [visitor.session for visitor in others] == sessions
        assert [visitor.cookies["replica"] for visitor in ours + others] == ["2"] * 6
        assert not [error for visitor in ours + others for error in visitor.errors]
        await left(*ours, *others)

    run(main())


@pytest.mark.slow
def test_a_rolling_restart_loses_no_request_for_a_page(gallery):
    async def ask(number: int, end: asyncio.Event) -> list[int]:
        found = []
        while not end.is_set():
            visitor = Visitor(gallery.url)
            visitor.cookies["replica"] = str(number % 3)  # 0 is somebody new
            found.append((await visitor.request("GET", f"/{STEM}")).status)
            await asyncio.sleep(0.02)
        return found

    async def main():
        end = asyncio.Event()
        askers = [asyncio.create_task(ask(number, end)) for number in range(6)]
        for number in (1, 2):
            await asyncio.to_thread(gallery.end, number, signal.SIGTERM)
            await asyncio.to_thread(gallery.start, number)
        end.set()
        found = [status for each in await asyncio.gather(*askers) for status in each]
        assert set(found) == {200} and len(found) > 100

    run(main())
