"""Normalization: the steps that need not be taken, and from a click to the new numbers in the browser."""

from __future__ import annotations

import time

from cnndemo import normalization
from tests.benchmarks.browser_timing import answers, click, gallery


def main() -> None:
    problem = normalization.make(*normalization.PRESETS["book"])
    start = time.perf_counter()
    steps = normalization.steps_needed(problem, problem.best_rate)
    exact = time.perf_counter() - start
    start = time.perf_counter()
    normalization.descend(problem, problem.best_rate, 2000)
    taken = (time.perf_counter() - start) / 2000
    print(f"{steps:,.0f} steps known after {1000 * exact:.1f} ms; taking them would need {taken * steps / 3600:.1f} h")
    with gallery() as visit:
        page = visit("normalization")
        watched = page.get_by_test_id("stMarkdown").filter(has_text="As they are.").first
        clicks = [click(page.get_by_role("button", name=name)) for name in ("The book's ranges", "A gentle case")]
        print(f"preset: {answers(watched, *clicks):.0f} ms from click to numbers (median)")


if __name__ == "__main__":
    main()
