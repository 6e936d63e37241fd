"""A visitor without a browser: it speaks Streamlit's WebSocket protocol, so that fifty of them fit beside the server.

It asks for pages, moves sliders, uploads and downloads files, fetches the pictures of a page, keeps cookies and the
clocks of fragments, and comes back to its session, as a browser does; it does not draw, nor fetch Streamlit's own
scripts.
"""

from __future__ import annotations

import asyncio
import random
import re
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import NamedTuple
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import connect

PATIENCE = 120.0  # seconds for one answer
COLORED = re.compile(r":[a-z]+\[(.*)\]")  # words in a colour of the theme
AGENT = "visitor"  # of requests and of the connection: a proxy may tell visitors without cookies apart by it


@dataclass
class Slider:
    """A slider on the page, the fragment in which it lies, and its name in the link ("" for none)."""

    id: str
    label: str
    fragment: str
    low: float
    high: float
    step: float
    value: float
    parameter: str = ""


class Answer(NamedTuple):
    """To a request: status, names and values of the headers, body."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass
class Widget:
    """A field for files, a button, or a choice of one of several: its options, and the fragment in which it lies."""

    id: str
    label: str
    fragment: str
    options: list[str] = field(default_factory=list)


@dataclass
class Page:
    """What the server has sent of the page."""

    sliders: dict[str, Slider] = field(default_factory=dict)
    uploaders: dict[str, Widget] = field(default_factory=dict)  # label -> field
    choices: dict[str, Widget] = field(default_factory=dict)
    buttons: dict[str, Widget] = field(default_factory=dict)
    downloads: dict[str, str] = field(default_factory=dict)  # label -> what is to be asked for the file
    words: list[str] = field(default_factory=list)  # texts, in the order in which they came
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
        self.files: dict[str, bytes] = {}  # label of a download -> what it brought
        self.cookies: dict[str, str] = {}
        self.session = ""
        self._due: dict[str, float] = {}
        self._places: dict[str, object] = {}  # name of a file -> where it may be uploaded to
        self._made: dict[str, object] = {}  # what was asked for -> where the file lies that was made
        self._uploaded: dict[str, object] = {}  # label of an uploader -> where its file lies

    async def __aenter__(self) -> Visitor:
        await self.connect()
        return self

    async def __aexit__(self, *_) -> None:
        await self._socket.close()

    async def connect(self) -> None:
        """Connect, or come back to the session that there was."""
        address = "ws" + self.url.removeprefix("http") + "/_stcore/stream"
        token = self.cookies.get("_streamlit_xsrf", "none")
        self._socket = await connect(
            address,
            subprotocols=["streamlit", *([token, self.session] if self.session else [])],
            additional_headers={"Cookie": self._cookie()} if self.cookies else {},
            user_agent_header=AGENT,
            max_size=None,
            open_timeout=PATIENCE,
        )
        self._remember(self._socket.response.headers.get_all("Set-Cookie"))

    async def drop(self) -> None:
        """Lose the connection, without a word."""
        self._socket.transport.abort()

    async def request(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """Any other request of the browser, with its cookies."""
        place = urlsplit(self.url)
        lines = [f"{method} {path} HTTP/1.1", f"Host: {place.netloc}", "Connection: close", f"User-Agent: {AGENT}"]
        lines += [f"Content-Length: {len(body)}"] * (method not in ("GET", "HEAD"))
        lines += [f"Cookie: {self._cookie()}"] * bool(self.cookies)
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        try:
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            raw = await asyncio.wait_for(reader.read(), PATIENCE)
        finally:
            writer.close()
        head, _, rest = raw.partition(b"\r\n\r\n")
        first, *others = head.decode("latin-1").split("\r\n")
        if not first.startswith("HTTP/"):
            raise ConnectionResetError(f"{path} got no answer")
        answer = Answer(int(first.split()[1]), [tuple(line.split(": ", 1)) for line in others if ": " in line], rest)
        self._remember(answer.all("Set-Cookie"))
        return answer

    def _cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def _remember(self, lines: list[str]) -> None:
        for line in lines:
            for name, found in SimpleCookie(line).items():
                self.cookies[name] = found.coded_value

    async def open(self, stem: str, query: str = "") -> float:
        """Go to a page, perhaps by a link with settings; seconds until all of it is there, its pictures too."""
        self.stem, self.hash, self.query, self.states = stem, "", query, {}
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

    async def choose(self, label: str, option: str) -> float:
        """Choose one of several by its words; seconds until everything that follows is there."""
        widget = self.page.choices[label]
        state = WidgetState(id=widget.id)
        state.string_array_value.data.append(option)
        self.states[widget.id] = state
        return await self._ask(widget.fragment)

    async def press(self, label: str) -> float:
        """Press a button; seconds until everything that follows is there."""
        widget = self.page.buttons[label]
        self.states[widget.id] = WidgetState(id=widget.id, trigger_value=True)
        try:
            return await self._ask(widget.fragment)
        finally:
            self.states.pop(widget.id, None)

    async def upload(self, label: str, name: str, data: bytes) -> tuple[int, float]:
        """Bring a file; status of the upload, and seconds until everything that follows is there."""
        started = time.perf_counter()
        if "_streamlit_xsrf" not in self.cookies:
            await self.request("GET", "/_stcore/health")
        ask = BackMsg()
        ask.file_urls_request.request_id, ask.file_urls_request.session_id = name, self.session
        ask.file_urls_request.file_names.append(name)
        await self._socket.send(ask.SerializeToString())
        while name not in self._places:
            self._take(*await asyncio.wait_for(self._next(), PATIENCE))
        place, mark = self._places.pop(name), "7d1f"
        body = (
            f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode() + data
        answer = await self.request(
            "PUT", place.upload_url, body + f"\r\n--{mark}--\r\n".encode(),
            X_Xsrftoken=self.cookies.get("_streamlit_xsrf", ""), Content_Type=f"multipart/form-data; boundary={mark}",
        )  # fmt: skip
        if answer.status != 204:
            return answer.status, time.perf_counter() - started
        if before := self._uploaded.pop(label, None):  # as the browser does: the field holds one file
            await self.request("DELETE", before.delete_url, X_Xsrftoken=self.cookies.get("_streamlit_xsrf", ""))
        self._uploaded[label] = place
        widget = self.page.uploaders[label]
        state = WidgetState(id=widget.id)
        info = state.file_uploader_state_value.uploaded_file_info.add()
        info.name, info.size, info.file_id = name, len(data), place.file_id
        info.file_urls.CopyFrom(place)
        self.states[widget.id] = state
        await self._ask(widget.fragment)
        return answer.status, time.perf_counter() - started

    async def download(self, label: str) -> bytes:
        """Press a button that brings a file which is made by then; it is kept in `files`, too.

        Raises:
            OSError: none was made.
        """
        wanted = self.page.downloads[label]
        ask = BackMsg()
        asked = ask.backend_operation_request
        asked.request_id, asked.session_id, asked.deferred_file.file_id = wanted, self.session, wanted
        await self._socket.send(ask.SerializeToString())
        while wanted not in self._made:
            self._take(*await asyncio.wait_for(self._next(), PATIENCE))
        made = self._made.pop(wanted)
        answer = made.deferred_file.url and await self.request("GET", made.deferred_file.url)
        if not answer or answer.status != 200:
            raise OSError(f"{label}: {made.error_msg or answer.status}")
        self.files[label] = answer.body
        return answer.body

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
            kind, message = await self._next()
            if kind == "script_finished" and message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                return
            self._take(kind, message)

    async def _next(self) -> tuple[str, ForwardMsg]:
        message = ForwardMsg.FromString(await self._socket.recv())
        return message.WhichOneof("type"), message

    def _take(self, kind: str, message: ForwardMsg) -> None:
        if kind == "file_urls_response":
            self._places[message.file_urls_response.response_id] = message.file_urls_response.file_urls[0]
        elif kind == "backend_operation_response":
            self._made[message.backend_operation_response.request_id] = message.backend_operation_response
        elif kind == "new_session":
            self.session = message.new_session.initialize.session_id or self.session
            self.hash = message.new_session.page_script_hash
            if not message.metadata.run.fragment_ids:
                self.page, self._due = Page(errors=self.page.errors), {}
        elif kind == "navigation":  # the session's name for the page; the one before was that of the whole app
            self.hash = message.navigation.page_script_hash
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
        elif kind == "file_uploader":
            self.page.uploaders[element.file_uploader.label] = Widget(
                element.file_uploader.id, element.file_uploader.label, fragment
            )
        elif kind == "button":
            words = COLORED.sub(r"\1", element.button.label)
            self.page.buttons[words] = Widget(element.button.id, words, fragment)
        elif kind == "download_button":
            self.page.downloads[element.download_button.label] = element.download_button.deferred_file_id
        elif kind == "button_group":
            words = [option.content for option in element.button_group.options]
            self.page.choices[element.button_group.label] = Widget(
                element.button_group.id, element.button_group.label, fragment, words
            )
        elif kind in ("markdown", "alert"):
            self.page.words.append(getattr(element, kind).body)
        elif kind == "imgs":
            self.page.pictures |= {image.url for image in element.imgs.imgs if image.url.startswith("/media/")}
        elif kind == "slider" and element.slider.type == element.slider.SLIDER and not element.slider.options:
            s, old = element.slider, self.page.sliders.get(element.slider.id)
            if len(s.default) == 1 and not s.disabled and s.max > s.min:
                value = s.value[0] if s.set_value else old.value if old else s.default[0]
                self.page.sliders[s.id] = Slider(
                    s.id, s.label, fragment, s.min, s.max, s.step, value, s.query_param_key
                )  # fmt: skip

    async def _fetch(self, path: str) -> None:
        answer = await self.request("GET", path)
        if answer.status != 200:
            self.errors.append(f"{self.stem}: picture {path} answers {answer.status}")


def run(coroutine):
    """`asyncio.run` in a thread of its own: in the tests' own thread the browser's driver has a loop already."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()
