"""The process in which Keras runs: on demand, in line, stopped at any moment, and gone when nobody needs it."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from cnndemo import training, worker
from cnndemo.errors import VisitorError
from cnndemo.jobs import Job
from cnndemo.resnet_transfer import finetune
from cnndemo.worker import Worker
from tests.conftest import ROOT
from tests.waiting import BUSY, joined, until


@pytest.fixture
def own():
    """A worker of one's own."""
    mine = Worker()
    yield mine
    mine.end()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def test_it_answers_with_arrays_and_with_the_visitors_sentence(own):
    x = np.arange(16.0).reshape(4, 4)
    result = own.ask("cnndemo.upsampling.methods:upsample", x, 2, "nearest")
    np.testing.assert_array_equal(result, x.repeat(2, axis=0).repeat(2, axis=1))
    first = own.pid
    with pytest.raises(VisitorError, match="at least 1"):
        own.ask("cnndemo.grids:whole", 0, "The stride", 1)
    with pytest.raises(VisitorError, match="could not do this"):
        own.ask("cnndemo.grids:nowhere")
    with pytest.raises(VisitorError, match="could not do this"):
        own.ask("os:getcwd")
    assert own.pid == first, "a mistake in a request must not cost the process"


def test_keras_runs_there_and_not_here():
    code = (
        "import sys, numpy as np; from cnndemo import worker; "
        "print(worker.ask('cnndemo.layer_lab.agreement:keras_softmax', np.zeros(4)).tolist(), 'keras' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=BUSY)
    assert run.stdout.strip() == "[0.25, 0.25, 0.25, 0.25] False", run.stderr[-1500:]


def test_a_crash_is_a_sentence_and_the_next_request_is_answered(own):
    own.ask("cnndemo.grids:whole", 3, "The stride", 1)
    first = own.pid
    os.kill(first, signal.SIGKILL)
    until(lambda: own.pid is None)
    assert own.ask("cnndemo.grids:whole", 3, "The stride", 1) == 3 and own.pid != first


def test_who_waits_while_another_thread_ends_the_process_is_told(own):
    own.end()
    with pytest.raises(worker.Crashed, match="it was ended"):
        own._watch(time.monotonic() + 9)


def test_a_full_disk_is_a_sentence(own, monkeypatch):
    def full(prefix: str) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "mkdtemp", full)
    with pytest.raises(VisitorError, match="could not be started"):
        own.ask("cnndemo.grids:whole", 3, "The stride", 1)
    monkeypatch.undo()
    assert own.ask("cnndemo.grids:whole", 3, "The stride", 1) == 3


def test_closing_a_long_request_ends_the_process_at_once_and_clears_its_folder(own):
    steps = own.steps("cnndemo.training.run:fit", _settings(epochs=30))
    next(steps)
    pid, folder = own.pid, own._folder
    assert os.path.isdir(folder) and os.listdir(folder), "it keeps the best epoch there"
    steps.close()
    assert not alive(pid) and not os.path.exists(folder)


def _settings(**more):
    from cnndemo.training import Settings

    return Settings(network="conv 4 5/2 relu; flatten", digits=2000, batch_size=4, **more)


def test_short_requests_go_before_long_ones_and_each_sees_how_many_wait(own):
    order = []
    steps = own.steps("cnndemo.training.run:fit", _settings(epochs=30))
    next(steps)

    def long():
        for _ in own.steps("cnndemo.training.run:fit", _settings(epochs=1)):
            order.append("long")
            break

    def short():
        own.ask("cnndemo.grids:whole", 3, "The stride", 1)
        order.append("short")

    threads = [threading.Thread(target=long), threading.Thread(target=short)]
    threads[0].start()
    until(lambda: own.waiting() == 2)
    threads[1].start()
    until(lambda: own.waiting() == 3)
    steps.close()
    joined(threads)
    assert order == ["short", "long"] and own.waiting() == 0


def test_it_ends_when_it_was_idle():
    own = Worker(idle=0.5)
    own.ask("cnndemo.grids:whole", 3, "The stride", 1)
    pid = own.pid
    until(lambda: not alive(pid))
    assert own.pid is None


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_it_ends_with_its_server_in_the_middle_of_a_batch(how):
    code = (
        "from cnndemo import worker; from cnndemo.training import Settings\n"
        "steps = worker.steps('cnndemo.training.run:fit', Settings(digits=4000, epochs=30, batch_size=1))\n"
        "next(steps); print(worker.pid(), flush=True)\n"
        "for _ in steps: pass"
    )
    server = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    pid = int(server.stdout.readline())
    assert alive(pid)
    server.send_signal(how)
    server.wait(BUSY)
    server.stdout.close()
    until(lambda: not alive(pid))


def test_a_request_has_its_time_and_its_memory(own, monkeypatch):
    monkeypatch.setattr(worker, "MINUTES", 0.02)
    with pytest.raises(VisitorError, match="longer than"):
        list(own.steps("cnndemo.training.run:fit", _settings(epochs=30)))
    monkeypatch.undo()
    monkeypatch.setenv("CNNDEMO_WORKER_MB", "200")
    with pytest.raises(VisitorError, match="more than the 200 MB"):
        list(own.steps("cnndemo.training.run:fit", _settings(epochs=30)))
    monkeypatch.undo()
    assert own.ask("cnndemo.grids:whole", 3, "The stride", 1) == 3


def test_a_host_without_memory_and_one_without_keras_are_told(own, monkeypatch):
    monkeypatch.setattr(worker, "available", lambda: 300)
    with pytest.raises(VisitorError, match="only 300 MB"):
        own.ask("cnndemo.grids:whole", 3, "The stride", 1)
    monkeypatch.setattr(worker, "installed", lambda: False)
    with pytest.raises(VisitorError, match="not installed"):
        own.ask("cnndemo.grids:whole", 3, "The stride", 1)
    assert own.waiting() == 0


def test_what_raises_while_waiting_ends_the_request(own):
    def enough():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(own.steps("cnndemo.training.run:fit", _settings(epochs=30), waiting=enough))
    assert own.waiting() == 0 and own.pid is None


SMALL = np.zeros((32, 32, 3), np.uint8)
REQUESTS = {  # each kind that a page makes, and how far it gets before it is struck
    "training": lambda: training.train(training.Settings(epochs=30, digits=4000)),
    "fine-tuning": lambda: finetune.tune(
        np.zeros((16, 7, 7, 192), np.float32), np.eye(16, 1280, dtype=np.float32), np.arange(16) % 2, ("a", "b"),
        epochs=500,
    ),
    "a gradient": lambda: iter([worker.ask("cnndemo.resnet_transfer.attribution:gradient_map", "resnet20", SMALL, 3)]),
    "a line that Keras agrees": lambda: iter([worker.ask("cnndemo.siamese.pairs:sharing")]),
    "an erratum": lambda: iter([worker.ask("cnndemo.book_index.errata:check", "channel_axis")]),
}  # fmt: skip


@pytest.mark.parametrize("kind", REQUESTS)
def test_killed_in_the_middle_of_each_kind_of_request_is_a_sentence_and_leaves_nothing(kind, monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    worker.end()

    def strike():
        until(lambda: worker.pid() is not None)
        time.sleep(0.1)  # it imports, or works
        os.kill(worker.pid(), signal.SIGKILL)

    killer = threading.Thread(target=strike)
    killer.start()
    with pytest.raises(VisitorError, match="Keras process"):
        list(REQUESTS[kind]())
    killer.join()
    assert worker.ask("cnndemo.grids:whole", 3, "The stride", 1) == 3, "the next visitor is served"
    worker.end()
    assert not list(tmp_path.iterdir())


def test_each_is_told_how_many_are_before_it():
    """Those behind do not count, nor does oneself; a short one goes before the long ones that wait."""
    line, go = worker.Worker(), threading.Event()

    def work(long):
        with line._place(long, lambda: None):
            go.wait(BUSY)
        yield

    places = []
    for long in (True, True, False, True, False):
        places.append(Job(lambda waiting, long=long: work(long)))
        until(lambda: line.waiting() == len(places))
    assert [worker.before(job.thread) for job in places] == [0, 3, 1, 4, 2]
    go.set()
    assert all(job.wait(BUSY) for job in places)
    assert [worker.before(job.thread) for job in places] == [0] * 5


def test_ten_visitors_train_at_once_and_each_comes_to_an_end_or_leaves():
    """Seven wait for their turn; two press Stop, and one closes the tab."""
    tiny = training.Settings(network="conv 4 5/2 relu; flatten", digits=20, epochs=1)
    jobs = [Job(lambda waiting: training.train(tiny, waiting=waiting)) for _ in range(9)]
    closed = Job(lambda waiting: training.train(training.Settings(epochs=30), waiting=waiting))
    until(lambda: worker.waiting() == 10)
    shared = closed._shared
    del closed  # the session that held it is gone
    for job in jobs[:2]:
        job.stop()
    for job in jobs[2:]:
        assert job.wait(BUSY)
        assert job.error is None and job.latest.history and job.latest.network
    assert shared.done.wait(BUSY) and worker.waiting() == 0
