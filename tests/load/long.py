"""What lasts: thousands of runs, a thousand uploads, and all that Keras can be asked while others slide."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import numpy as np
from PIL import Image

from tests.benchmarks.bench_visitors import all_pages, six
from tests.benchmarks.visitor import Visitor
from tests.browser.gallery import serve
from tests.conftest import encode
from tests.load import asking
from tests.load.measure import Report, children, megabytes, seconds

PARTS = 5


def soak(report: Report, runs: int) -> None:
    """Six visitors without pauses; what stays in the server's memory."""
    report.section(f"Soak: {runs:,} runs", "Six visitors without pauses, one run in five a new page.")
    report.head("after runs", "minutes", "server, MB", "threads", "open files", "errors")
    with serve() as server:
        errors, begun = asyncio.run(all_pages(server.url)), time.monotonic()
        for part in range(PARTS + 1):
            if part:
                errors += asyncio.run(six(server.url, runs // PARTS))
            report.row(
                f"{part * runs // PARTS:,}", f"{(time.monotonic() - begun) / 60:.0f}", f"{megabytes(server.pid):.0f}",
                *_held(server.pid), len(errors),
            )  # fmt: skip
        for error in sorted(set(errors)):
            report.say(f"- {error}")


def _held(pid: int) -> tuple[int, int]:
    """Threads and open files of a process (Linux)."""
    return len(list(Path(f"/proc/{pid}/task").iterdir())), len(list(Path(f"/proc/{pid}/fd").iterdir()))


def uploads(report: Report, count: int) -> None:
    """One visitor brings a photograph after the other, a new one each time."""
    report.section(f"{count:,} uploads in a row", "Photographs of 12 megapixels as JPEG, by one visitor.")
    report.head("after uploads", "upload to picture, s", "server, MB", "refused")
    noise = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    large = Image.fromarray(noise).resize((4000, 3000), Image.Resampling.BICUBIC)
    photo = encode(large, "JPEG", quality=90)

    async def main(server) -> None:
        refused = 0
        async with Visitor(server.url) as visitor:
            await visitor.open("")
            await visitor.choose("Picture", "Upload")
            report.row(0, "–", f"{megabytes(server.pid):.0f}", 0)
            for part in range(1, PARTS + 1):
                spent = []
                for number in range(count // PARTS):
                    # What follows a JPEG's end is not part of the picture, and makes it another file.
                    status, took = await visitor.upload(
                        "Your picture", f"{part}-{number}.jpg", photo + str((part, number)).encode()
                    )
                    refused += status != 204
                    spent.append(took)
                report.row(part * (count // PARTS), seconds(spent), f"{megabytes(server.pid):.0f}", refused)
            report.say()
            report.say(f"Each of {len(photo) / 1e6:.1f} MB. Errors on the page: {len(visitor.errors)}.")

    with serve() as server:
        asyncio.run(main(server))


async def _slide(url: str, number: int, end: asyncio.Event) -> list[float]:
    async with Visitor(url, number) as visitor:
        spent = []
        while not end.is_set():
            if not visitor.page.sliders:
                await visitor.open(("filters", "normalization", "siamese", "layer_lab")[number % 4])
            spent.append(await visitor.slide())
            await asyncio.sleep(0.7)
        return spent


def keras(report: Report, visitors: int = 10) -> None:
    """Sliders of ten visitors, alone and while others ask Keras everything."""
    report.section(
        "Keras works while visitors slide",
        f"{visitors} visitors move a slider every 0.7 s; others, one after the other, ask everything that Keras can be "
        "asked, and wait for what it says.",
    )
    report.head("", "slider, s", "server, MB", "Keras, MB", "errors")

    async def for_a_while(server, work) -> tuple[list[float], asking.Answers, list[str], float]:
        end, most = asyncio.Event(), 0.0

        async def look() -> None:
            nonlocal most
            while not end.is_set():
                most = max([most, *(megabytes(child) for child in children(server.pid))])
                await asyncio.sleep(0.5)

        sliding = [asyncio.create_task(_slide(server.url, number, end)) for number in range(visitors)]
        looking = asyncio.create_task(look())
        answers, errors = await work
        end.set()
        await looking
        return [value for each in await asyncio.gather(*sliding) for value in each], answers, errors, most

    async def nothing() -> tuple[asking.Answers, list[str]]:
        await asyncio.sleep(20)
        return {}, []

    with serve() as server:
        asyncio.run(all_pages(server.url))
        for words, work in (("alone", nothing()), ("with Keras", asking.everything(server.url))):
            spent, answers, errors, most = asyncio.run(for_a_while(server, work))
            report.row(
                words, seconds(spent), f"{megabytes(server.pid):.0f}", f"{most:.0f}" if most else "–", len(errors)
            )
    answered = sum(took is not None for took in answers.values())
    report.say(f"\nOf {len(answers)} things that are asked, {answered} were answered:")
    report.head("asked", "answer seen after, s")
    for function, took in answers.items():
        report.row(f"`{function.removeprefix('cnndemo.')}`", "not seen" if took is None else f"{took:.1f}")
    for error in errors:
        report.say(f"\n- {error}")
