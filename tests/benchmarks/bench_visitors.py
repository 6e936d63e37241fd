"""A class at a server that has just been started, and at one that is warm; and what 3,000 runs leave in its memory."""

from __future__ import annotations

import asyncio
import time

import numpy as np

from cnndemo import topics
from tests.benchmarks.bench_house import resident_megabytes
from tests.benchmarks.visitor import Visitor
from tests.browser.gallery import serve

STEMS = [topic.stem for topic in topics.built()]
ARRIVAL, PAUSE, ACTS = 3.0, 3.0, 8  # seconds in which all arrive, seconds between two acts, acts of each


async def one(url: str, number: int, spent: dict[str, list[float]]) -> list[str]:
    """One of a class: a page, then a slider or another page every few seconds. Returns the errors that it saw."""
    async with Visitor(url, number) as visitor:
        await asyncio.sleep(visitor.random.uniform(0, ARRIVAL))
        spent["page"].append(await visitor.open(STEMS[number % len(STEMS)]))
        for _ in range(ACTS):
            await visitor.rest(PAUSE * visitor.random.uniform(0.7, 1.3))
            if visitor.page.sliders and visitor.random.random() < 0.7:
                spent["slider"].append(await visitor.slide())
            else:
                spent["page"].append(await visitor.open(visitor.random.choice(STEMS)))
        return visitor.errors


async def class_of(url: str, count: int) -> tuple[dict[str, list[float]], list[str]]:
    """Seconds of each kind of act, and the errors, of `count` visitors at once."""
    spent: dict[str, list[float]] = {"page": [], "slider": []}
    found = await asyncio.gather(*(one(url, number, spent) for number in range(count)))
    return spent, [error for errors in found for error in errors]


def report(words: str, spent: dict[str, list[float]], errors: list[str], goal: str) -> None:
    """One line: how many, median and 95th percentile."""
    parts = [f"{kind} {np.median(t):.2f} / {np.percentile(t, 95):.2f} s of {len(t)}" for kind, t in spent.items()]
    print(f"{words:24} {', '.join(parts)} (median / p95; asked p95 {goal}), errors {len(errors)}", flush=True)
    for error in sorted(set(errors)):
        print("    " + error)


def classes() -> None:
    """20 and 50 visitors who arrive within three seconds, at a fresh and then at the same, warm server."""
    goals = {20: ("3 / 0.3", "1 / 0.15"), 50: ("6 / 0.8", "2 / 0.5")}
    for count, (cold, warm) in goals.items():
        with serve() as server:
            report(f"{count} visitors, cold", *asyncio.run(class_of(server.url, count)), cold)
            report(f"{count} visitors, warm", *asyncio.run(class_of(server.url, count)), warm)


async def restless(url: str, number: int, runs: int) -> list[str]:
    """A visitor without pauses: `runs` runs, one in five a new page."""
    async with Visitor(url, number) as visitor:
        await visitor.open(STEMS[number % len(STEMS)])
        for _ in range(runs - 1):
            if visitor.page.sliders and visitor.random.random() < 0.8:
                await visitor.slide()
            else:
                await visitor.open(visitor.random.choice(STEMS))
        return visitor.errors


async def all_pages(url: str) -> list[str]:
    """One visitor who sees every page."""
    async with Visitor(url) as visitor:
        for stem in STEMS:
            await visitor.open(stem)
            await visitor.rest(0.5)
        return visitor.errors


async def six(url: str, runs: int) -> list[str]:
    """Six restless visitors."""
    found = await asyncio.gather(*(restless(url, number, runs // 6) for number in range(6)))
    return [error for errors in found for error in errors]


def memory(runs: int = 3000) -> None:
    """The server after all pages, after half of the runs, and after all."""
    with serve() as server:
        errors = asyncio.run(all_pages(server.url))
        print(f"after all pages, one visitor: {resident_megabytes(server.pid):.0f} MB (asked 350)", flush=True)
        begun, seen = time.perf_counter(), []
        for _ in range(2):
            errors += asyncio.run(six(server.url, runs // 2))
            seen.append(resident_megabytes(server.pid))
        print(
            f"after {runs} runs of six visitors in {time.perf_counter() - begun:.0f} s: {seen[1]:.0f} MB (asked 420), "
            f"{seen[1] / seen[0] - 1:+.1%} in the second half (asked +3 %), errors {len(errors)}",
            flush=True,
        )
        for error in sorted(set(errors)):
            print("    " + error)


def main() -> None:
    classes()
    memory()


if __name__ == "__main__":
    main()
