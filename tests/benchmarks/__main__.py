"""Run the benchmarks: `python -m tests.benchmarks [name …]`. Each is a file `bench_<topic>.py` with a `main()`."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def main() -> None:
    found = sorted(file.stem for file in Path(__file__).parent.glob("bench_*.py"))
    wanted = [name for name in found if not sys.argv[1:] or name.removeprefix("bench_") in sys.argv[1:]]
    for name in wanted:
        print(f"\n== {name.removeprefix('bench_')}", flush=True)
        importlib.import_module(f"tests.benchmarks.{name}").main()


if __name__ == "__main__":
    main()
