"""Fixtures of the tests of train scripts."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from tests import tiny


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory):
    """Data sets of a handful of examples."""
    return tiny.make(tmp_path_factory.mktemp("data"))


@pytest.fixture
def run(data_dir, tmp_path, monkeypatch):
    """Calls a script's `main()` as a command line would; its run folder is `tmp_path / "run"`."""
    tiny.shrink(monkeypatch.setattr)

    given = {"data_dir": data_dir, "weights_dir": tmp_path / "w", "run_dir": tmp_path / "run"}

    def call(name: str, *words: str, **more: Path) -> Path:
        folders = [word for key, path in (given | more).items() for word in (f"--{key.replace('_', '-')}", str(path))]
        monkeypatch.setattr(sys, "argv", [name, *words, *folders])
        importlib.import_module(f"train.{name}").main()
        return (given | more)["run_dir"]

    return call
