"""What breaks on real hosts, while visitors are there: what each sees, and what is back after how long."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image
from websockets.exceptions import ConnectionClosed

from tests.benchmarks.bench_visitors import STEMS
from tests.benchmarks.visitor import Visitor
from tests.browser.gallery import free_port, serve
from tests.conftest import ROOT, encode
from tests.load.crowd import COLLECTED
from tests.load.measure import Report, children, megabytes, seconds

NOISE = np.random.default_rng(0).integers(0, 256, (1300, 1300, 3), dtype=np.uint8)
BIG = encode(Image.fromarray(NOISE), "BMP")  # 5 MB: more than an upload may take of memory before it goes to disk
SLID = "normalization"  # a page whose sliders are the same for all pictures
YEAR = 365 * 24 * 3600


async def _upload(visitor: Visitor, name: str) -> str:
    """What becomes of an upload of 5 MB."""
    await visitor.open("")
    await visitor.choose("Picture", "Upload")
    try:
        status, took = await visitor.upload("Your picture", name, BIG)
    except OSError:
        return "broken off"
    return f"taken in {took:.1f} s" if status == 204 else f"refused with {status}"


async def _all_pages(url: str) -> str:
    """How many pages open without an error."""
    async with Visitor(url) as visitor:
        for stem in STEMS:
            await visitor.open(stem)
        wrong = {error.split(":")[0] for error in visitor.errors}
        return f"{len(STEMS) - len(wrong)} of {len(STEMS)} pages open without an error" + (
            f" ({', '.join(sorted(wrong))} not)" if wrong else ""
        )


async def _words(url: str, stem: str, wanted: tuple[str, ...], patience: float = 60.0, press: str = "") -> str:
    """The sentence that a visitor reads, and after how long."""
    async with Visitor(url) as visitor:
        await visitor.open(stem)
        started = time.monotonic()
        if press:
            await visitor.press(press)
        while time.monotonic() - started < patience:
            found = next((words for words in visitor.page.words if any(part in words for part in wanted)), None)
            if found:
                return f"“{found}” after {time.monotonic() - started:.1f} s"
            await visitor.rest(0.5)
        return f"nothing of {wanted} within {patience:.0f} s" + "".join(f"; {error}" for error in visitor.errors)


async def _until(there: Callable[[], Awaitable[bool]], patience: float = 90.0) -> str:
    """After how long something is there."""
    started = time.monotonic()
    while not await there():
        if time.monotonic() - started > patience:
            return f"not within {patience:.0f} s"
        await asyncio.sleep(0.2)
    return f"{time.monotonic() - started:.1f} s"


@dataclass
class Break:
    """What a visitor sees of a server's end.

    Attributes:
        seconds: until the page was there again; None where the visitor has not noticed.
        session: whether it was another session; `settings`: whether the sliders stood where they had; `own`: whether
            the visitor's picture was there.
        errors: on the page.
    """

    seconds: float | None = None
    session: bool = False
    settings: bool = False
    own: bool = False
    errors: list[str] = field(default_factory=list)


async def _survive(url: str, number: int, here: asyncio.Semaphore, end: asyncio.Event) -> Break:
    """A visitor with a picture of his own, who slides until the end and comes back to his link when the server does."""
    visitor, found = Visitor(url, number), Break()
    await visitor.connect()
    own = await _own_picture(visitor, number)
    await visitor.open(SLID)
    here.release()
    while not end.is_set():
        places, session = _places(visitor), visitor.session
        try:
            await visitor.slide()
            await asyncio.sleep(0.5)
        except (ConnectionClosed, OSError):
            since = time.monotonic()

            async def back() -> bool:
                with suppress(OSError, ConnectionClosed):
                    if (await visitor.request("GET", "/_stcore/health")).status == 200:
                        await visitor.connect()
                        link = "&".join(f"{name}={value:g}" for name, value in places.items())  # noqa: B023 (this turn)
                        await visitor.open(SLID, link)
                        return True
                return False

            await _until(back)
            found.seconds, found.session = time.monotonic() - since, visitor.session != session
            found.settings = bool(places) and _places(visitor) == places
            found.own = (await visitor.request("GET", own)).status == 200
    await visitor.__aexit__()
    found.errors = visitor.errors
    return found


def _places(visitor: Visitor) -> dict[str, float]:
    """Where the sliders stand that are in the link."""
    return {slider.parameter: slider.value for slider in visitor.page.sliders.values() if slider.parameter}


async def _own_picture(visitor: Visitor, number: int) -> str:
    """The address under which a visitor finds his own picture."""
    await visitor.open("")
    await visitor.choose("Picture", "Upload")
    before = set(visitor.page.pictures)
    await visitor.upload("Your picture", f"{number}.png", encode(Image.fromarray(NOISE[number : number + 60]), "PNG"))
    return next(iter(visitor.page.pictures - before))


def killed(report: Report, visitors: int) -> None:
    """The server is killed while all slide, and started again at once."""
    port = free_port()

    async def main() -> list[Break]:
        here, end = asyncio.Semaphore(0), asyncio.Event()
        first = serve(port)
        server = first.__enter__()
        all_ = [asyncio.create_task(_survive(server.url, number, here, end)) for number in range(visitors)]
        for _ in range(visitors):
            await here.acquire()
        await asyncio.sleep(2)
        os.kill(server.pid, signal.SIGKILL)
        first.__exit__(None, None, None)
        second = serve(port)
        await asyncio.to_thread(second.__enter__)
        await asyncio.sleep(6)
        end.set()
        found = await asyncio.gather(*all_)
        second.__exit__(None, None, None)
        return found

    found = asyncio.run(main())
    there = [each for each in found if each.seconds is not None]
    count, errors = len(there), sum(len(each.errors) for each in found)
    report.row(
        f"server killed under {visitors} visitors, started again",
        f"no answer ({count} of {visitors}); then the page, of {count} for {sum(each.settings for each in there)} with "
        f"the settings of the link, for {sum(each.session for each in there)} in a new session, for "
        f"{sum(each.own for each in there)} with the own picture; {errors} errors",
        f"{seconds([each.seconds for each in there])} s after the kill",
    )


@contextmanager
def small_disk() -> Iterator[Path | None]:
    """A folder on a disk of 32 MB, or None where none can be mounted."""
    with tempfile.TemporaryDirectory() as folder:
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "none", folder], capture_output=True).returncode:
            yield None
            return
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


def disk_full(report: Report) -> None:
    """From one moment on, nothing can be written where temporary files go."""
    with small_disk() as folder:
        if folder is None:
            report.row("disk full", "not tried: no disk can be mounted here", "–")
            return
        with serve(environment={"TMPDIR": str(folder)}) as server:

            async def main() -> tuple[str, str, str, str]:
                async with Visitor(server.url) as visitor:
                    await _upload(visitor, "before.bmp")
                with suppress(OSError), open(folder / "full", "wb") as file:
                    while True:
                        file.write(bytes(1 << 16))
                        file.flush()
                pages = await _all_pages(server.url)
                async with Visitor(server.url) as visitor:
                    upload = await _upload(visitor, "big.bmp")
                asked = await _words(server.url, "training", ("Keras process", "examples/s"), 60, press="Train")
                (folder / "full").unlink()
                async with Visitor(server.url) as visitor:

                    async def again() -> bool:
                        return (await _upload(visitor, "again.bmp")).startswith("taken")

                    return pages, upload, asked, await _until(again)

            pages, upload, asked, back = asyncio.run(main())
    report.row(
        "disk full",
        f"{pages}; an upload of 5 MB is {upload}; training: {asked}",
        f"an upload is taken {back} after there is room again",
    )


def clock_jump(report: Report) -> None:
    """The clock jumps forward by a year, and back."""
    faketime = shutil.which("faketime")
    library = next(Path("/usr/lib").glob("**/libfaketimeMT.so.1"), None)
    if not faketime or not library:
        report.row("clock jumps a year", "not tried: apt-get install faketime", "–")
        return
    with tempfile.NamedTemporaryFile("w", suffix=".time") as clock:
        clock.write("+0")
        clock.flush()
        environment = {
            "LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": clock.name, "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1",
        }  # fmt: skip
        with serve(environment=environment) as server:

            async def main() -> tuple[list[float], list[float], list[str], list[str]]:
                first, spent, uploads = [], [], []
                async with Visitor(server.url) as visitor:
                    await visitor.request("GET", "/_stcore/health")  # the token is of the time before
                    for jump in (0, YEAR, 0):
                        Path(clock.name).write_text(f"{jump:+d}")
                        await asyncio.sleep(1.5)  # the library looks once a second
                        first.append(await visitor.open("filters"))
                        for _ in range(5):
                            spent.append(await visitor.slide())
                        uploads.append(await _upload(visitor, f"{jump}-{len(spent)}.bmp"))
                    return first, spent, uploads, visitor.errors

            first, spent, uploads, errors = asyncio.run(main())
    report.row(
        "clock jumps a year forward, and back",
        f"sliders {seconds(spent)} s, uploads {', '.join(uploads)}, {len(errors)} errors",
        f"the first page after a jump takes {max(first[1:]):.1f} s, before it {first[0]:.1f} s",
    )


def damaged_weights(report: Report) -> None:
    """A file of weights is overwritten by a damaged one while the gallery serves, then mended."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "weights"
        shutil.copytree(ROOT / "weights", folder)
        file, whole = folder / "pet_segmentation.onnx", (ROOT / "weights" / "pet_segmentation.onnx").read_bytes()
        used, kept = folder / "digit_classifier.onnx", (ROOT / "weights" / "digit_classifier.onnx").read_bytes()
        with serve(environment={"CNNDEMO_WEIGHTS": str(folder)}) as server:

            async def main() -> tuple[str, str, str]:
                async with Visitor(server.url) as visitor:
                    await visitor.open("digit_classifier")
                    for place, data in ((used, kept), (file, whole)):
                        place.write_bytes(data[: len(data) // 2] + bytes(1000) + data[len(data) // 2 :])
                    await visitor.open("digit_classifier")
                    before = "works on" if not visitor.errors else visitor.errors[0]
                said = await _words(server.url, "pet_segmentation", ("damaged",), 10)
                file.write_bytes(whole)
                started = time.monotonic()
                async with Visitor(server.url) as visitor:
                    await visitor.open("pet_segmentation")
                    back = not any("damaged" in words for words in visitor.page.words) and not visitor.errors
                return before, said, f"{time.monotonic() - started:.1f} s" if back else "it is not back"

            before, said, back = asyncio.run(main())
    report.row(
        "weights replaced by damaged ones",
        f"a network that is loaded {before}; one that is not: {said}",
        f"{back} after the file is whole again, without a restart",
    )


def worker_out_of_memory(report: Report) -> None:
    """Keras needs more than it may take; and its process is killed, as the system does when memory ends."""
    with serve(environment={"CNNDEMO_WORKER_MB": "300"}) as server:

        async def short_of_memory() -> tuple[str, str]:
            said = await _words(server.url, "training", ("needs more",), 90, press="Train")
            known = set(children(server.pid))
            async with Visitor(server.url) as visitor:
                await visitor.open("training")
                await visitor.press("Train")

                async def another() -> bool:
                    return bool(set(children(server.pid)) - known)

                return said, await _until(another)

        said, back = asyncio.run(short_of_memory())
        report.row("Keras needs more memory than it may take", said, f"another process {back} after the next request")
    with serve() as server:

        async def struck() -> str:
            async with Visitor(server.url) as visitor:
                await visitor.open("training")
                await visitor.press("The book’s")  # goes on for minutes
                await visitor.press("Train")
                deadline = time.monotonic() + 60
                while not (found := children(server.pid)) and time.monotonic() < deadline:
                    await visitor.rest(0.3)
                await visitor.rest(8)
                for child in found:
                    os.kill(child, signal.SIGKILL)
                started = time.monotonic()
                while time.monotonic() - started < 20:
                    await visitor.rest(0.5)
                    if words := next((words for words in visitor.page.words if "Keras process" in words), None):
                        return f"“{words}” after {time.monotonic() - started:.1f} s"
                return "nothing within 20 s"

        async def main() -> tuple[str, str, str]:
            said, pages = await struck(), await _all_pages(server.url)
            return said, pages, await _words(server.url, "training", ("epochs in",), 120, press="Train")

        said, pages, back = asyncio.run(main())
        report.row("Keras' process is killed in a training", said, f"{pages}; the next training: {back}")


def left_behind(report: Report, count: int) -> None:
    """Connections that are opened and left, twice: sessions without a goodbye, and requests that never end."""
    kept = 5.0  # seconds that a session waits for its visitor
    with serve(environment={"STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL": f"{kept:.0f}"}) as server:

        async def opened() -> float:
            async with Visitor(server.url) as visitor:
                return await visitor.open("filters")

        async def wave() -> tuple[list[float], list[float], float]:
            visitors, halves = [Visitor(server.url, number) for number in range(count)], []
            for visitor in visitors:
                await visitor.connect()
                await visitor.open("filters")
            for _ in range(count):
                reader, writer = await asyncio.open_connection("127.0.0.1", int(server.url.rsplit(":", 1)[1]))
                writer.write(b"GET /filters HTTP/1.1\r\nHost: x\r\n")
                halves.append(writer)
            full = megabytes(server.pid)
            during = [await opened() for _ in range(5)]
            for visitor in visitors:
                await visitor.drop()
            for writer in halves:
                writer.transport.abort()
            return during, [await opened() for _ in range(5)], full

        async def main() -> None:
            before = [await opened() for _ in range(5)]
            memory = [megabytes(server.pid)]  # with the page itself, which stays
            during, after, full = await wave()
            for _ in range(2):
                await asyncio.sleep(kept + COLLECTED)
                memory.append(megabytes(server.pid))
                if len(memory) == 2:
                    await wave()
            report.row(
                f"{count} sessions and {count} half requests opened and left",
                f"a page takes {seconds(during)} s instead of {seconds(before)} s",
                f"a page takes {seconds(after)} s at once when they are gone; the server has {memory[0]:.0f} MB before "
                f"them, {full:.0f} with them, {memory[1]:.0f} after {kept + COLLECTED:.0f} s, and "
                f"{memory[2]:.0f} after as many again",
            )

        asyncio.run(main())


def faults(report: Report, visitors: int, connections: int) -> None:
    """All of them."""
    report.section("What breaks")
    report.head("what", "what visitors see", "back")
    killed(report, visitors)
    disk_full(report)
    clock_jump(report)
    damaged_weights(report)
    worker_out_of_memory(report)
    left_behind(report, connections)
