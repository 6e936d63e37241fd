"""A class arrives at a server that has just been started."""

import asyncio

import pytest

from cnndemo import topics
from tests.benchmarks.visitor import Visitor, run
from tests.browser import gallery

VISITORS = 10
STEMS = [topic.stem for topic in topics.built()][:: max(1, len(topics.built()) // VISITORS)][:VISITORS]


def test_ten_visitors_at_once_at_a_fresh_server_see_no_error():
    async def arrive(url: str, number: int) -> list[str]:
        async with Visitor(url, number) as visitor:
            await visitor.open(STEMS[number % len(STEMS)])
            assert visitor.page.pictures or visitor.page.sliders
            return visitor.errors

    async def main(url: str) -> list[list[str]]:
        return await asyncio.gather(*(arrive(url, number) for number in range(VISITORS)))

    with gallery.serve() as server:
        assert run(main(server.url)) == [[]] * VISITORS


def test_a_visitor_without_a_browser_presses_what_a_button_says(server):
    async def train(url: str) -> list[str]:
        async with Visitor(url) as visitor:
            await visitor.open("training")
            await visitor.press("Train")
            assert "Stop" in visitor.page.buttons, "this is another page"
            await visitor.press("Stop")
            return visitor.errors

    assert run(train(server)) == []


@pytest.mark.slow
def test_ten_browsers_at_once_at_a_fresh_server_see_no_error(browser):
    with gallery.serve() as server:
        visitors = [browser.new_context(viewport=gallery.DESKTOP) for _ in range(VISITORS)]
        pages = [visitor.new_page() for visitor in visitors]
        for number, page in enumerate(pages):
            page.goto(f"{server.url}/{STEMS[number % len(STEMS)]}", wait_until="commit")
        for page in pages:
            gallery.wait_idle(page)
            assert page.get_by_test_id("stException").count() == 0, page.url
        for visitor in visitors:
            visitor.close()
