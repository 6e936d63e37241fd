"""A visitor without a browser: it speaks Streamlit's WebSocket protocol, so that fifty of them fit beside the server.

It asks for pages, moves sliders, fetches the pictures of a page and keeps the clocks of fragments, as a browser does;
it does not draw, and does not fetch Streamlit's own scripts.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import connect

PATIENCE = 120.0  # seconds for one answer


@dataclass
class Slider:
    """A slider on the page, and the fragment in which it lies ("" for none)."""

    id: str
    label: str
    fragment: str
    low: float
    high: float
    step: float
    value: float


@dataclass
class Page:
    """What the server has sent of the page."""

    sliders: dict[str, Slider] = field(default_factory=dict)
    clocks: dict[str, float] = field(default_factory=dict)  # fragment -> seconds
    errors: list[str] = field(default_factory=list)
    pictures: set[str] = field(default_factory=set)


class Visitor:
    """One session. Use it as an asynchronous context; its answers come one after another."""

    def __init__(self, url: str, seed: int = 0):
        self.url, self.random = url, random.Random(seed)
        self.page, self.stem, self.query, self.hash = Page(), "", "", ""
        self.states: dict[str, WidgetState] = {}
        self.known: set[str] = set()  # pictures that the browser has kept
        self.errors: list[str] = []
        self._due: dict[str, float] = {}

    async def __aenter__(self) -> Visitor:
        address = "ws" + self.url.removeprefix("http") + "/_stcore/stream"
        self._socket = await connect(address, subprotocols=["streamlit"], max_size=None, open_timeout=PATIENCE)
        return self

    async def __aexit__(self, *_) -> None:
        await self._socket.close()

    async def open(self, stem: str) -> float:
        """Go to a page; seconds until all of it is there, its pictures too."""
        self.stem, self.hash, self.query, self.states = stem, "", "", {}
        return await self._ask()

    async def slide(self, slider: Slider | None = None) -> float:
        """Move a slider by a step; seconds until everything that follows is there.

        Raises:
            LookupError: there is none.
        """
        found = list(self.page.sliders.values())
        if not found:
            raise LookupError(f"{self.stem} has no slider")
        slider = slider or self.random.choice(found)
        up = slider.value + slider.step
        slider.value = up if up <= slider.high else max(slider.low, slider.value - slider.step)
        state = WidgetState(id=slider.id)
        state.double_array_value.data.append(slider.value)
        self.states[slider.id] = state
        return await self._ask(slider.fragment)

    async def rest(self, seconds: float) -> None:
        """Look at the page for a while; fragments with a clock are asked for when they are due."""
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end:
            due = min(self._due, key=self._due.get, default=None)
            if due is None or self._due[due] >= end:
                await asyncio.sleep(end - now)
                return
            await asyncio.sleep(max(0.0, self._due[due] - now))
            self._due[due] = time.monotonic() + self.page.clocks[due]
            await self._ask(due, by_clock=True)

    async def _ask(self, fragment: str = "", by_clock: bool = False) -> float:
        started, message = time.perf_counter(), BackMsg()
        asked = message.rerun_script
        asked.query_string, asked.fragment_id, asked.is_auto_rerun = self.query, fragment, by_clock
        asked.page_name, asked.page_script_hash = ("", self.hash) if self.hash else (self.stem, "")
        asked.widget_states.widgets.extend(self.states.values())
        if not fragment:
            self.page, self._due = Page(), {}
        await self._socket.send(message.SerializeToString())
        await asyncio.wait_for(self._finished(), PATIENCE)
        self.errors += [f"{self.stem}: {error}" for error in self.page.errors]
        self.page.errors.clear()
        await asyncio.gather(*map(self._fetch, self.page.pictures - self.known))
        self.known |= self.page.pictures
        return time.perf_counter() - started

    async def _finished(self) -> None:
        """Take in messages until the run has ended, with those that it called up itself."""
        while True:
            message = ForwardMsg.FromString(await self._socket.recv())
            kind = message.WhichOneof("type")
            if kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                return
            self._take(kind, message)

    def _take(self, kind: str, message: ForwardMsg) -> None:
        if kind == "new_session":
            self.hash = message.new_session.page_script_hash
            if not message.metadata.run.fragment_ids:
                self.page, self._due = Page(errors=self.page.errors), {}
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "auto_rerun":
            fragment, interval = message.auto_rerun.fragment_id, message.auto_rerun.interval
            self.page.clocks[fragment], self._due[fragment] = interval, time.monotonic() + interval
        elif kind == "delta" and message.delta.HasField("new_element"):
            self._draw(message.delta.new_element, message.delta.fragment_id)

    def _draw(self, element, fragment: str) -> None:
        kind = element.WhichOneof("type")
        if kind == "exception":
            self.page.errors.append(f"{element.exception.type}: {element.exception.message}")
        elif kind == "imgs":
            self.page.pictures |= {image.url for image in element.imgs.imgs if image.url.startswith("/media/")}
        elif kind == "slider" and element.slider.type == element.slider.SLIDER and not element.slider.options:
            s, old = element.slider, self.page.sliders.get(element.slider.id)
            if len(s.default) == 1 and not s.disabled and s.max > s.min:
                value = s.value[0] if s.set_value else old.value if old else s.default[0]
                self.page.sliders[s.id] = Slider(s.id, s.label, fragment, s.min, s.max, s.step, value)

    async def _fetch(self, path: str) -> None:
        place = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {place.netloc}\r\nConnection: close\r\n\r\n".encode())
        answer = await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()
        if b" 200 " not in answer[:20]:
            self.errors.append(f"{self.stem}: picture {path} answers {answer[:40]!r}")
