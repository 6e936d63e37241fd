"""Work that goes on in the background, and that ends when nobody wants it."""

import gc
import threading
import time
from types import SimpleNamespace

import pytest

from cnndemo import jobs
from cnndemo.errors import VisitorError
from cnndemo.jobs import Job
from tests.waiting import BUSY, until


def counting(ended: threading.Event):
    def work(waiting):
        try:
            number = 0
            while True:
                waiting()
                yield (number := number + 1)
                time.sleep(0.005)
        finally:
            ended.set()

    return work


def test_it_goes_on_alone_and_tells_where_it_is():
    job = Job(lambda waiting: iter(range(5)))
    assert job.wait(BUSY) and job.latest == 4 and not job.running and job.error is None


def test_stop_ends_it_at_once_and_keeps_what_there_is():
    ended = threading.Event()
    job = Job(counting(ended))
    until(lambda: (job.latest or 0) > 2)
    job.stop()
    assert ended.is_set() and not job.running and job.latest > 2 and job.error is None


def test_it_ends_with_the_last_who_knows_of_it():
    ended = threading.Event()
    jobs = [Job(counting(ended))]
    until(lambda: jobs[0].latest)
    jobs.clear()
    gc.collect()
    assert ended.wait(BUSY)


def test_it_ends_when_nobody_looks_and_not_while_somebody_does(monkeypatch):
    clock, ended = SimpleNamespace(now=0.0), threading.Event()
    monkeypatch.setattr(jobs, "time", SimpleNamespace(monotonic=lambda: clock.now))
    job = Job(counting(ended), patience=3)
    for _ in range(10):
        clock.now += 2
        later = (job._shared.latest or 0) + 3
        until(lambda later=later: (job._shared.latest or 0) >= later)  # it has asked the clock since
        assert job.running
    clock.now += 4
    assert ended.wait(BUSY)


def test_what_the_work_says_to_the_visitor_is_kept():
    def work(waiting):
        yield 1
        raise VisitorError("Too few digits.")

    job = Job(work)
    assert job.wait(BUSY) and str(job.error) == "Too few digits." and job.latest == 1


def test_a_generator_that_cannot_even_begin():
    def work(waiting):
        raise VisitorError("Not now.")

    job = Job(work)
    assert job.wait(BUSY) and str(job.error) == "Not now."


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_fault_of_ours_ends_it_with_a_sentence():
    job = Job(lambda waiting: iter([1 / 0 for _ in "x"]))
    assert job.wait(BUSY) and not job.running and job.error is not None
