"""A class arrives at a server that has just been started."""

from cnndemo import topics
from tests.browser import gallery

VISITORS = 10


def test_ten_visitors_at_once_at_a_fresh_server_see_no_error(browser):
    stems = [topic.stem for topic in topics.built()][:: max(1, len(topics.built()) // VISITORS)][:VISITORS]
    with gallery.serve() as server:
        visitors = [browser.new_context(viewport=gallery.DESKTOP) for _ in range(VISITORS)]
        pages = [visitor.new_page() for visitor in visitors]
        for number, page in enumerate(pages):
            page.goto(f"{server.url}/{stems[number % len(stems)]}", wait_until="commit")
        for page in pages:
            gallery.wait_idle(page)
            assert page.get_by_test_id("stException").count() == 0, page.url
        for visitor in visitors:
            visitor.close()
