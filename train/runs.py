"""A run: its folder, which nobody else's files are lost to, and its end, which falsifies nothing.

A run folder is known by its marker, `run.json`, which keeps the arguments that the run was begun with.
"""

from __future__ import annotations

import argparse
import errno
import functools
import json
import os
import shlex
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from cnndemo import weights
from cnndemo.errors import VisitorError
from train import distribution, events
from train.datasets.fetch import taken

MARKER = "run.json"
FOLDERS = ("--data-dir", "--weights-dir", "--run-dir", "--events")
FILES = ("--source", "--reference")
"""Of these a card says the name alone, for the folder is that of one machine."""
ABOUT_THE_RUN = ("--resume", "--fresh", "--publish")
FREE = (*FOLDERS, *ABOUT_THE_RUN, "--workers", "--tensorboard")
NO_SETTING = {option[2:].replace("-", "_") for option in FREE} | {"name", "loss_over"}
"""What may differ when a run goes on: it does not change the result."""

_locks: dict[Path, int] = {}


def command(arguments: argparse.Namespace, *more: str, folders: bool = False) -> str:
    """The command line of this script, without the options about a run, and with `more` of them.

    Args:
        folders: with the folders of this machine.
    """
    words, before = [], ""
    for word in sys.argv[1:]:
        option, equals, value = word.partition("=")
        if not (equals and word.startswith("--")):
            option, value = before, word
        if option in FILES and not folders:
            word = word.removesuffix(value) + Path(value).name
        if folders or not {option, word} & set(FOLDERS):
            words += [word] * (word not in ABOUT_THE_RUN)
        before = word
    backend = "" if keras.backend.backend() == "tensorflow" else f"KERAS_BACKEND={keras.backend.backend()} "
    return f"{backend}python -m train.{arguments.name} {shlex.join([*words, *more])}".rstrip()


def settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """The arguments that a result depends on, and the backend, as JSON has them."""
    known = {k: v for k, v in vars(arguments).items() if k not in NO_SETTING and not isinstance(v, Path)}
    return json.loads(json.dumps(known | {"backend": keras.backend.backend()}))


def claim(arguments: argparse.Namespace) -> None:
    """Make the run folder ours: empty for a new run, as it is for one that goes on with `--resume`.

    A run that is there already is replaced if its results are published, or with `--fresh`. Where there is none to go
    on with, `--resume` is taken back: what follows is a run from its beginning.

    Raises:
        SystemExit: the folder cannot be written to, holds other files, another run, or this one with other arguments;
            nothing was changed.
    """
    folder, marker = arguments.run_dir, arguments.run_dir / MARKER
    writable(folder, "--run-dir")
    if arguments.publish:
        writable(arguments.weights_dir, "--weights-dir")
    _lock(folder)
    if marker.is_file():
        if arguments.resume:
            return _compare(arguments, marker)
        if not arguments.fresh and not _read(marker).get("published"):
            go_on = command(arguments, "--resume", folders=True)
            raise SystemExit(f"{folder} holds a run. Go on with it:\n  {go_on}\nor replace it: --fresh.")
        for item in folder.iterdir():
            shutil.rmtree(item) if item.is_dir() and not item.is_symlink() else item.unlink()
    elif found := next(folder.iterdir(), None):
        raise SystemExit(
            f"{folder} holds files that no training has written, such as {found.name}. Name another --run-dir."
        )
    arguments.resume = False
    _write(marker, {"command": command(arguments, folders=True), "settings": settings(arguments)})


def hold(folder: Path) -> None:
    """See that a folder is that of a run, and keep other processes from it.

    Raises:
        SystemExit: no training has written it, or one is going on in it; nothing was changed.
    """
    if not _read(folder / MARKER):
        raise SystemExit(f"{folder} is not the --run-dir of a script: it has no {MARKER}, or a damaged one.")
    _lock(folder)


def published(folder: Path) -> None:
    """Note in a run folder that its results are in `weights/`: the next run may take its place unasked."""
    marker = folder / MARKER
    _write(marker, _read(marker) | {"published": True})


def _read(marker: Path) -> dict[str, Any]:
    try:
        about = json.loads(marker.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return about if isinstance(about, dict) else {}


def _write(marker: Path, about: dict[str, Any]) -> None:
    with weights.whole(marker) as part:
        part.write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def _compare(arguments: argparse.Namespace, marker: Path) -> None:
    """Refuse to go on with other arguments than those that a run was begun with."""
    about = _read(marker)
    begun, go_on = about.get("settings"), about.get("command")
    if not isinstance(begun, dict) or not go_on:
        raise SystemExit(f"{marker} is damaged, so nobody can tell what this run was. Begin anew: --fresh.")
    now = settings(arguments)
    other = [key for key in {**begun, **now} if begun.get(key) != now.get(key)]
    if other:
        names = ", ".join(f"{_option(key)} {begun.get(key)} (now {now.get(key)})" for key in other)
        raise SystemExit(f"{marker.parent} holds a run with {names}. Go on with it:\n  {go_on} --resume")


def same_data(arguments: argparse.Namespace) -> None:
    """Note, before the first epoch, which data files a run has read; see that one that goes on has read no others.

    Raises:
        SystemExit: it has; the message names them.
    """
    marker = arguments.run_dir / MARKER
    about = _read(marker)
    if not about or not taken:
        return
    begun = about["data"] = (arguments.resume and about.get("data")) or dict(taken)
    if other := [f"{name} of {size:,} bytes" for name, size in taken.items() if begun.get(name) != size]:
        before = " and ".join(f"{name} of {size:,} bytes" for name, size in begun.items())
        raise SystemExit(
            f"{marker.parent} holds a run that was begun with {before}; now there is {' and '.join(other)}. "
            "Go on with the former (--data-dir), or begin anew: --fresh."
        )
    _write(marker, about)


def _option(key: str) -> str:
    return "KERAS_BACKEND" if key == "backend" else "--" + key.replace("_", "-")


def writable(folder: Path, option: str) -> None:
    """Make a folder where there is none, and see that a file can be written there.

    Raises:
        SystemExit: it cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise SystemExit(f"{folder} cannot be written to: {error.strerror}. Name another {option}.") from None


def room(folder: Path, needed: int, option: str) -> None:
    """See that `needed` bytes are free.

    Raises:
        SystemExit: they are not.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise SystemExit(
            f"{folder} has {free / 1e6:.0f} MB left; this training may need {needed / 1e6:.0f} MB. "
            f"Make room, or name another {option}."
        )


def _lock(folder: Path) -> None:
    """Hold a run folder until this process, or its script, ends: two runs must not write into one."""
    try:
        import fcntl
    except ImportError:  # Windows has none
        return
    folder = folder.resolve()
    if folder in _locks:
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        if error.errno in (errno.EAGAIN, errno.EACCES):
            raise SystemExit(
                f"Another process is training in {folder}. Wait for it, or name another --run-dir."
            ) from None
        return  # a file system without locks
    _locks[folder] = handle


def release() -> None:
    """Let all run folders go."""
    while _locks:
        os.close(_locks.popitem()[1])


class Ending:
    """How SIGINT and SIGTERM end a script: at once, or in `patience` at the next moment that falsifies nothing."""

    def __init__(self) -> None:
        self.signal, self.depth, self.installed, self.go_on = 0, 0, False, ""

    def __call__(self, number: int, frame: object = None) -> None:
        again, self.signal = bool(self.signal), number
        if not self.depth or again:
            self.now()
        print("\nEnding after this batch; once more ends at once.", file=sys.stderr, flush=True)

    def now(self) -> None:
        """End the script if a signal has come.

        Raises:
            SystemExit: 130 after SIGINT, 143 after SIGTERM.
        """
        if self.signal:
            number, self.signal = self.signal, 0
            hint = f"Go on with: {self.go_on}" if self.go_on else "Nothing was begun."
            print(f"\nInterrupted. {hint}", file=sys.stderr, flush=True)
            raise SystemExit(128 + number)

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Take both signals; within another such block, and outside the main thread, nothing is changed."""
        if self.installed or threading.current_thread() is not threading.main_thread():
            yield
            return
        self.installed, self.signal = True, 0
        previous = {number: signal.signal(number, self) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            self.installed = False
            for number, handler in previous.items():
                signal.signal(number, handler)

    @contextmanager
    def patience(self) -> Iterator[None]:
        """Signals wait for `now`, at the latest for the end of the block."""
        with self.handled():
            self.depth += 1
            try:
                yield
            finally:
                self.depth -= 1
            if not self.depth:
                self.now()


ending = Ending()


def script(main: Callable[[], None]) -> Callable[[], None]:
    """Wraps a script's `main`: signals end it cleanly, and what a person can mend costs one line, no traceback."""

    @functools.wraps(main)
    def run() -> None:
        distribution.join()  # JAX takes SIGTERM then; what follows takes it back
        with events.reported(), ending.handled():
            try:
                main()
            except VisitorError as error:
                raise SystemExit(str(error)) from None
            except OSError as error:
                if error.errno is None:
                    raise SystemExit(str(error)) from None
                raise SystemExit(f"{error.filename or 'A file'}: {os.strerror(error.errno)}.") from None
            finally:
                ending.go_on = ""
                taken.clear()
                release()

    return run
