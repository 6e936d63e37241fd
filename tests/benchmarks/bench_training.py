"""The training page: from the click until 95 % of the validation digits are right, and what the page itself costs."""

from __future__ import annotations

import time
from pathlib import Path

from cnndemo import chain, training, worker
from cnndemo.training import by_hand
from tests.benchmarks.timing import milliseconds
from tests.pages.conftest import run_page


def peak(pid: int) -> int:
    """The most memory that a process has taken, MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) // 1000


def main() -> None:
    for state in ("cold", "warm"):
        start, reached = time.perf_counter(), None
        for run in training.train(training.Settings()):
            if reached is None and run.history and run.history[-1]["val_accuracy"] >= 0.95:
                reached = time.perf_counter() - start
        total = time.perf_counter() - start
        best = max(row["val_accuracy"] for row in run.history)
        print(f"default run, {state} process: 95 % after {reached or float('nan'):.1f} s, ended after {total:.1f} s, "
              f"best {best:.1%}, {run.speed:,.0f} digits/s")  # fmt: skip
        print(f"the process where Keras runs took {peak(worker.pid())} MB at most")
    network = chain.read(run.network)
    print(f"read and ask it 500 digits: {milliseconds(lambda: training.report(network.predictor())):.0f} ms")
    print(f"as ONNX: {milliseconds(lambda: chain.read(run.network).onnx()):.0f} ms")
    step = by_hand.epoch(16, 0.1, 0)[1]
    one = milliseconds(lambda: by_hand.one_step(step.before, step.digits, step.labels, 0.1))
    print(f"one batch by hand: {one:.1f} ms")
    page = run_page("training")
    print(f"the page again, in its process: {milliseconds(page.run, rounds=5):.0f} ms")
    worker.end()


if __name__ == "__main__":
    main()
