"""The rare full garbage collection behind quick answers."""

import gc
import weakref

import pytest

from cnndemo.ui import memory


class Ring:
    """An object that only the garbage collector can free."""

    def __init__(self):
        self.me = self


@pytest.fixture(autouse=True)
def thawed():
    yield
    gc.unfreeze()


def many():
    return [[] for _ in range(memory.YOUNG + 1)]


def test_survivors_are_not_searched_again():
    new = many()
    memory.collect_rarely()
    assert gc.get_freeze_count() > len(new)
    assert len(gc.get_objects()) < 1000


def test_what_died_frozen_is_freed_by_the_next_full_collection():
    ring = Ring()
    new = many()
    memory.collect_rarely()
    known = weakref.ref(ring)
    del ring
    gc.collect()
    assert known() is not None, "frozen objects are out of sight"
    new += many()
    memory.collect_rarely()
    assert known() is None


def test_few_new_objects_are_left_alone():
    new = many()
    memory.collect_rarely()
    frozen = gc.get_freeze_count()
    new += [[] for _ in range(100)]
    memory.collect_rarely()
    assert gc.get_freeze_count() <= frozen
