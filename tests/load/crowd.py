"""Classes of visitors, what one of them costs, and how many replicas a thousand need."""

from __future__ import annotations

import asyncio
import heapq
import random
import time
from dataclasses import dataclass

import numpy as np

from cnndemo import memory, worker
from tests.benchmarks.bench_visitors import ACTS, PAUSE, STEMS, class_of
from tests.benchmarks.visitor import Visitor
from tests.browser.gallery import serve
from tests.load.measure import Report, megabytes, processor_seconds, seconds

SLIDES = 0.7  # share of acts that move a slider, as in a class of `bench_visitors`
GOALS = {"slider": 0.5, "page": 2.0}  # seconds, 95th percentile, for the thousand
COLLECTED = memory.EVERY * (memory.AT_LEAST + 1)  # seconds after which the server has given back what nobody uses
ROOM = 0.9  # of a replica's work a second; the rest is for those who train


@dataclass(frozen=True)
class Cost:
    """What a visitor costs: processor seconds of an act, megabytes of server and visit, and acts a second at most."""

    page: list[float]
    slider: list[float]
    server: float
    visit: float
    most: float


def classes(report: Report, counts: tuple[int, ...]) -> None:
    """Visitors who arrive within three seconds, at a fresh server and then at the same, warm one."""
    report.section(
        "A class arrives",
        f"All within three seconds, then an act every {PAUSE:g} s: a slider in seven of ten, else another page; "
        f"{ACTS} acts each.",
    )
    report.head("visitors", "server", "page, s", "slider, s", "processor, s", "memory, MB", "errors")
    for count in counts:
        with serve() as server:
            for state in ("cold", "warm"):
                before = processor_seconds(server.pid)
                spent, errors = asyncio.run(class_of(server.url, count))
                report.row(
                    count, state, seconds(spent["page"]), seconds(spent["slider"]),
                    f"{processor_seconds(server.pid) - before:.0f}", f"{megabytes(server.pid):.0f}", len(errors),
                )  # fmt: skip


def cost(report: Report, rounds: int, seconds_of_rush: float) -> Cost:
    """One visitor alone at a warm server, act by act; then six without pauses."""
    with serve() as server:
        pages, sliders = [], []

        async def alone() -> None:
            async with Visitor(server.url) as visitor:
                for stem in STEMS:
                    await visitor.open(stem)
                for _ in range(rounds):
                    for stem in STEMS:
                        before = processor_seconds(server.pid)
                        await visitor.open(stem)
                        pages.append(processor_seconds(server.pid) - before)
                        if not visitor.page.sliders:
                            continue
                        before, moved = processor_seconds(server.pid), 0
                        while moved < 3 and visitor.page.sliders:  # a move may lead to a view without any
                            await visitor.slide()
                            moved += 1
                        sliders.append((processor_seconds(server.pid) - before) / moved)

        async def stay(count: int) -> float:
            """Megabytes of a visitor who has seen three pages and is still there."""
            visitors = [Visitor(server.url, number) for number in range(count)]
            for number, visitor in enumerate(visitors):
                await visitor.connect()
                for stem in STEMS[number % 5 :: 6]:
                    await visitor.open(stem)
            await asyncio.sleep(COLLECTED)
            after = megabytes(server.pid)
            await asyncio.gather(*(visitor.__aexit__() for visitor in visitors))
            return (after - empty) / count

        asyncio.run(alone())
        time.sleep(COLLECTED)
        empty = megabytes(server.pid)
        visit = asyncio.run(stay(4 * rounds + 8))
        done, begun, started = 0, processor_seconds(server.pid), time.monotonic()

        async def rush() -> int:
            return sum(len(each) for each in await asyncio.gather(*(_hurried(server.url, n, 10) for n in range(6))))

        while time.monotonic() < started + seconds_of_rush:
            done += asyncio.run(rush())
        took = time.monotonic() - started
        cores = (processor_seconds(server.pid) - begun) / took
    found = Cost(pages, sliders, empty, visit, done / took)
    report.section("What a visitor costs", "One alone at a warm server; then six without pauses, who load it fully.")
    report.head("", "")
    report.row("a page, processor seconds", seconds(pages))
    report.row("a slider, processor seconds", seconds(sliders))
    report.row("a server that has shown all pages, MB", f"{found.server:.0f}")
    report.row("a visitor who is there, MB", f"{found.visit:.1f}")
    report.row("acts a second at full load", f"{found.most:.1f}, on {cores:.1f} cores")
    return found


def simulate(
    costs: Cost, visitors: int, replicas: int, acts: int = 12, seed: int = 0, crowd: float = 60.0
) -> dict[str, list[float]]:
    """Seconds that acts take when visitors are spread over replicas, each of which does one thing after another.

    A replica's acts take what they were measured to cost, stretched so that it does `ROOM` of what a real one did at
    full load; a visitor thinks for about `PAUSE` seconds after each answer, and all arrive within `crowd` seconds.
    """
    draw = random.Random(seed)
    mean = SLIDES * np.mean(costs.slider) + (1 - SLIDES) * np.mean(costs.page)
    stretch = 1 / (ROOM * costs.most) / mean
    spent: dict[str, list[float]] = {"page": [], "slider": []}
    free = [0.0] * replicas
    events = [(draw.uniform(0, crowd), number, 0) for number in range(visitors)]
    heapq.heapify(events)
    while events:
        now, number, act = heapq.heappop(events)
        kind = "page" if act == 0 or draw.random() > SLIDES else "slider"
        work = draw.choice(costs.page if kind == "page" else costs.slider) * stretch
        replica = number % replicas
        free[replica] = max(free[replica], now) + work
        spent[kind].append(free[replica] - now)
        if act < acts:
            heapq.heappush(events, (free[replica] + PAUSE * draw.uniform(0.7, 1.3), number, act + 1))
    return spent


async def _hurried(url: str, number: int, acts: int) -> list[float]:
    """A visitor without pauses: seconds of each act, sliders and pages as in a class."""
    async with Visitor(url, number) as visitor:
        spent = [await visitor.open(STEMS[number % len(STEMS)])]
        while len(spent) < acts:
            slides = visitor.page.sliders and visitor.random.random() < SLIDES
            spent.append(await (visitor.slide() if slides else visitor.open(visitor.random.choice(STEMS))))
        return spent


def thousand(report: Report, costs: Cost, visitors: int = 1000) -> None:
    """How many replicas of what size, by simulation."""
    report.section(
        f"{visitors:,} visitors at once",
        "A simulation from the costs above: all arrive within a minute and then act as a class does, every "
        f"{PAUSE:g} s, which is far more than people do who read. Goal: sliders within {GOALS['slider']} s, pages "
        f"within {GOALS['page']:g} s for 95 of 100. Memory is the server's, which is all that a lean replica takes; in "
        f"a full one Keras takes up to {worker.MOST:,} MB more.",
    )
    report.head("replicas of two cores", "page, s", "slider, s", "memory of each, MB", "")
    replicas = max(1, round(visitors / PAUSE / costs.most / 2))
    for _ in range(40):
        spent = simulate(costs, visitors, replicas)
        good = all(np.percentile(spent[kind], 95) <= goal for kind, goal in GOALS.items())
        memory = costs.server + costs.visit * visitors / replicas
        report.row(
            replicas, seconds(spent["page"]), seconds(spent["slider"]), f"{memory:.0f}", "enough" if good else ""
        )
        if good:
            return
        replicas = max(replicas + 1, round(replicas * 1.15))
