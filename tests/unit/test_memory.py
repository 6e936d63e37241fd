"""What was freed goes back to the system."""

import ctypes
import subprocess
import sys

import pytest

from cnndemo import memory
from tests.conftest import ROOT
from tests.waiting import BUSY


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="not glibc 2.33 or later")
def test_what_stays_lies_apart_from_what_goes():
    code = """
import ctypes
import numpy as np
from cnndemo import memory

class Info(ctypes.Structure):  # of malloc.h
    _fields_ = [(f"before_{number}", ctypes.c_size_t) for number in range(4)] + [("hblkhd", ctypes.c_size_t)]
    _fields_ += [(f"after_{number}", ctypes.c_size_t) for number in range(5)]

library = ctypes.CDLL(None)
library.mallinfo2.restype = Info
before = library.mallinfo2().hblkhd  # bytes that have pages of their own
with memory.own_pages():
    weights = np.ones(1_000_000)
within = library.mallinfo2().hblkhd
passing = np.ones(1_000_000)
print(within - before >= weights.nbytes, library.mallinfo2().hblkhd - within < passing.nbytes)
"""
    # in a process of its own: where the heap has room already, an array takes that
    assert _run(code) == "True True"


@pytest.mark.skipif(not memory.resident_bytes(), reason="this system does not tell")
def test_rings_of_large_things_are_collected_and_given_back_by_themselves():
    code = """
import gc, time
gc.disable()
from cnndemo import memory
memory.EVERY = 1.0
memory.keep_small()
memory.keep_small()  # app.py calls it in every run
import threading
assert sum(thread.name == "memory" for thread in threading.enumerate()) == 1
time.sleep(0.5)  # its first look comes at once, when there is nothing to collect
class Ring: pass
for number in range(200):
    ring = Ring()
    ring.itself, ring.block = ring, bytearray(300_000)
del ring
grown = memory.resident_bytes()
deadline = time.monotonic() + 60
while memory.resident_bytes() > grown - 30_000_000 and time.monotonic() < deadline:
    time.sleep(0.05)
print(memory.resident_bytes() <= grown - 30_000_000)
"""
    # its thread looks once a second here
    assert _run(code) == "True"


def _run(code: str) -> str:
    """What a process of its own prints."""
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=BUSY)
    return run.stdout.strip() or run.stderr[-1500:]


def test_the_gallery_bounds_its_results_together_and_does_not_collect_after_every_run():
    import tomllib

    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert config["runner"]["postScriptGC"] is False
    assert config["server"]["maxCacheDataSize"]
