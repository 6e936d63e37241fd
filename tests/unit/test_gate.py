"""Work that keeps a core busy takes turns, fairly, and what is light passes by."""

import threading
import time

import numpy as np
import pytest
from streamlit.runtime.scriptrunner import ScriptRunContext, add_script_run_ctx
from streamlit.runtime.state import SafeSessionState, SessionState
from streamlit.testing.v1 import AppTest

from cnndemo import gate as gates
from cnndemo import inference
from cnndemo.gate import Gate
from cnndemo.ui import line
from tests.conftest import ROOT
from tests.waiting import BUSY, joined, until


def test_never_more_at_once_than_there_are_places():
    gate, now, most, lock = Gate(3), 0, 0, threading.Lock()

    def work():
        nonlocal now, most
        with gate.turn():
            with lock:
                now += 1
                most = max(most, now)
            time.sleep(0.01)
            with lock:
                now -= 1

    threads = [threading.Thread(target=work) for _ in range(24)]
    for thread in threads:
        thread.start()
    joined(threads)
    assert most == 3 and gate.waiting() == 0


def held_by(gate: Gate) -> tuple[threading.Event, threading.Thread]:
    """Somebody who keeps a place until the event."""
    go, there = threading.Event(), threading.Event()

    def keep():
        with gate.turn():
            there.set()
            go.wait(BUSY)

    thread = threading.Thread(target=keep)
    thread.start()
    assert there.wait(BUSY)
    return go, thread


def waits(gate: Gate, count: int) -> None:
    until(lambda: gate.waiting() == count)


def test_one_who_asks_much_does_not_hold_up_the_others():
    gate = Gate(1, who=lambda: threading.current_thread().name)
    order: list[str] = []

    def work(who: str):
        with gate.turn():
            order.append(who)

    go, holder = held_by(gate)
    threads = []
    for number, who in enumerate(["greedy"] * 5 + ["modest", "quiet"], start=1):
        threads.append(threading.Thread(target=work, args=(who,), name=who))
        threads[-1].start()
        waits(gate, number)
    go.set()
    joined([holder, *threads])
    assert order == ["greedy", "modest", "quiet"] + ["greedy"] * 4


def of_session(name: str) -> ScriptRunContext:
    """What Streamlit knows of a run of a session."""
    memory = SafeSessionState(SessionState(), lambda: None)
    return ScriptRunContext(name, lambda message: None, "", memory, None, "", {}, None, None)


def test_the_gallery_is_fair_between_sessions_not_their_threads(monkeypatch):
    gate, order = Gate(1), []
    monkeypatch.setattr(line, "gate", gate)
    monkeypatch.setattr(line, "pages", Gate(1))
    line.prepare_line()

    def work(session: str) -> None:
        with gate.turn():
            order.append(session)

    go, holder = held_by(gate)
    threads = []
    for number, session in enumerate(["greedy"] * 4 + ["modest"], start=1):
        threads.append(threading.Thread(target=work, args=(session,)))
        add_script_run_ctx(threads[-1], of_session(session))
        threads[-1].start()
        waits(gate, number)
    go.set()
    joined([holder, *threads])
    assert order == ["greedy", "modest"] + ["greedy"] * 3


def test_a_place_in_line_is_told_after_half_a_second_and_not_before(monkeypatch):
    monkeypatch.setattr(gates, "PATIENCE", 0.3)
    gate, told = Gate(1), []
    gate.told = lambda before: told.append((before, time.monotonic() - began))
    go, holder = held_by(gate)
    began = time.monotonic()
    others = [threading.Thread(target=_briefly, args=(gate,)) for _ in range(2)]
    for number, thread in enumerate(others, start=1):
        thread.start()
        waits(gate, number)
    until(lambda: len(told) >= 2)
    go.set()
    joined([holder, *others])
    assert sorted({before for before, _ in told}) == [0, 1] and all(seconds >= 0.3 for _, seconds in told)


def _briefly(gate: Gate) -> None:
    with gate.turn():
        pass


def test_nobody_hears_anything_when_there_is_room():
    gate, told = Gate(2), []
    gate.told = told.append
    for _ in range(1000):
        with gate.turn():
            pass
    assert told == []


def test_who_leaves_the_line_frees_his_place_and_no_other():
    gate = Gate(1)

    class Gone(Exception):
        pass

    go, holder = held_by(gate)

    def leave():
        raise Gone

    gate.left = leave
    with pytest.raises(Gone), gate.turn():
        raise AssertionError("there was no place")
    assert gate.waiting() == 0
    gate.left = lambda: None
    go.set()
    joined([holder])
    with gate.turn():
        assert gate.waiting() == 0


def test_a_turn_within_a_turn_waits_for_nobody():
    gate = Gate(1)
    with gate.turn(), gate.turn():
        pass
    with gate.turn():
        pass


def test_a_fault_gives_the_place_back():
    gate = Gate(1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), gate.turn():
            raise ZeroDivisionError
    with gate.turn():
        pass


def test_a_heavy_function_keeps_its_name_and_its_source():
    @gates.heavy
    def square(value: int) -> int:
        """Its square."""
        return value * value

    assert square(3) == 9 and square.__doc__ == "Its square." and square.__wrapped__


def test_a_small_network_passes_by_a_full_gate():
    """The digit network answers in 2 ms; it must not wait behind somebody's photographs."""
    predict = inference.predictor("siamese_holdout")
    batch = np.zeros((1, 28, 28, 1), np.float32)
    for _ in range(5):
        predict(batch)
    places = [held_by(gates.gate) for _ in range(gates.gate.places)]
    try:
        answer = []
        light = threading.Thread(target=lambda: answer.append(predict(batch)))
        light.start()
        joined([light])
        assert answer
    finally:
        for go, thread in places:
            go.set()
            joined([thread])


def busy_page():
    import streamlit as st

    from cnndemo import gate, ui

    ui.prepare_line()
    with gate.turn():
        st.text("done")


def test_a_page_that_waits_says_so(monkeypatch):
    monkeypatch.setattr(gates, "PATIENCE", 0.2)
    hooks = (gates.gate.who, gates.gate.told, gates.gate.left)
    places = [held_by(gates.gate) for _ in range(gates.gate.places)]
    told, toast = threading.Event(), line.st.toast
    monkeypatch.setattr(line.st, "toast", lambda *words, **options: (toast(*words, **options), told.set()))

    def release():
        assert told.wait(BUSY)
        for go, _ in places:
            go.set()

    threading.Thread(target=release).start()
    try:
        page = AppTest.from_function(busy_page).run(timeout=BUSY)
    finally:
        for go, thread in places:
            go.set()
            joined([thread])
        gates.gate.who, gates.gate.told, gates.gate.left = hooks
    assert page.text[0].value == "done" and "busy" in page.toast[0].value
    assert len(page.toast) == 1


def test_who_only_waits_gives_the_place_up_and_comes_back_to_one():
    gate, inside = Gate(1), threading.Event()

    def other():
        with gate.turn():
            inside.set()

    with gate.turn():
        with gate.outside():
            thread = threading.Thread(target=other)
            thread.start()
            assert inside.wait(BUSY)
            joined([thread])
        last = threading.Thread(target=_briefly, args=(gate,))
        last.start()
        waits(gate, 1)  # the place is taken again
    joined([last])
    assert gate.waiting() == 0


def test_an_exception_while_waiting_outside_leaves_no_place_taken():
    gate = Gate(1)
    with pytest.raises(KeyError), gate.turn(), gate.outside():
        raise KeyError
    with gate.turn():
        pass
    assert not gate._inside.total()


def test_outside_without_a_turn_is_nothing():
    gate = Gate(1)
    with gate.outside(), gate.turn():
        pass
    assert not gate._inside.total()


def test_a_whole_page_waits_for_its_turn_and_is_whole_then():
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=BUSY)
    held = [held_by(gates.pages) for _ in range(gates.pages.places)]
    thread = threading.Thread(target=page.run)
    thread.start()
    waits(gates.pages, 1)
    for go, holder in held:
        go.set()
        joined([holder])
    joined([thread])
    assert not page.exception and page.title
