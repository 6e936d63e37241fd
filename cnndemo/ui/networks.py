"""Keras for the few things that need it: imported once, in the background, and awaited where it is not there yet."""

from __future__ import annotations

import gc
import importlib
import os
import threading

import streamlit as st

_ready = threading.Event()
_starting = threading.Lock()
_thread: threading.Thread | None = None


def start_warm_up() -> None:
    """Import TensorFlow in a daemon thread, once a process; `CNNDEMO_WARMUP=0` switches this off."""
    if os.environ.get("CNNDEMO_WARMUP", "1") != "0":
        _start()


def _start() -> None:
    global _thread
    with _starting:
        if _thread is None:
            _thread = threading.Thread(target=_import_tensorflow, name="warm-up", daemon=True)
            _thread.start()


def _import_tensorflow() -> None:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        importlib.import_module("tensorflow")
        importlib.import_module("keras")
        # Streamlit collects garbage after every run, and TensorFlow's 390,000 objects, which live as long as the
        # process, would take 150 ms each time: the collector need not look at them again.
        gc.freeze()
    finally:
        _ready.set()


def tensorflow_ready() -> bool:
    """Whether a network can run without waiting for the import."""
    return _ready.is_set()


@st.fragment(run_every=2.0)
def tell_of_loading() -> None:
    """Say that TensorFlow is being loaded, look every other second, and run the page again when it is there."""
    start_warm_up()
    if tensorflow_ready():
        st.rerun(scope="app")
    st.caption(":material/hourglass: Keras is being loaded; its result will appear here.")


def await_tensorflow() -> None:
    """Wait behind a skeleton until TensorFlow is imported."""
    if _ready.is_set():
        return
    _start()
    with st.skeleton(height=160):
        _ready.wait()
