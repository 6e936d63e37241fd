"""`make size`: what pip says is added up, and each flavour is measured by its own Python."""

from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.load import size
from tests.load.measure import Report

SAID = """Looking in links: /wheels
Collecting streamlit<2,>=1.67 (from -r requirements-lean.txt (line 2))
  Downloading streamlit-1.67.0-py3-none-any.whl.metadata (9.8 kB)
Processing {local}
Downloading https://files.example/a/numpy-2.3.5-cp312-cp312-manylinux_2_27_x86_64.whl (16.6 MB)
Downloading tensorflow_cpu-2.21.0-cp312-cp312-manylinux_2_27_x86_64.whl (1.2 GB)
Installing collected packages: numpy, streamlit
"""


def test_all_that_pip_fetches_is_added_up(tmp_path):
    local = tmp_path / "onnx-1.20.0-py3-none-any.whl"
    local.write_bytes(bytes(2_500_000))
    expected = 0.0098 + 2.5 + 16.6 + 1200
    for place in (local, f"file://{local}"):
        assert size.downloaded(SAID.format(local=place)) == pytest.approx(expected)


def test_each_flavour_is_installed_and_held_by_itself(monkeypatch, capsys):
    @contextmanager
    def installed(requirements: Path):
        assert requirements.is_file()
        yield size.Installed(Path(requirements.stem), 10.0, 20.0, 30.0)

    held = {"requirements-lean": (300.0, 0.0), "requirements": (301.0, 700.0)}
    monkeypatch.setattr(size, "installed", installed)
    monkeypatch.setattr(size, "held", lambda python: held[python.name])
    monkeypatch.setattr(size, "gallery", lambda: 90.0)
    size.sizes(Report(), ["lean", "full"])
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith(("| lean", "| full"))]
    assert rows == ["| lean | 10 | 20 | 30 | 90 | 300 | – |", "| full | 10 | 20 | 30 | 90 | 301 | 700 |"]


def test_the_gallery_is_counted_as_it_travels():
    weights = size.taken((size.ROOT / "weights").rglob("*"))
    assert weights < size.gallery() < weights + 25  # samples and sources, and nothing of the tests
