"""Every erratum's check runs and confirms it; the checks would notice if the book were right."""

import subprocess
import sys

import numpy as np
import pytest

from cnndemo.book_index import LISTINGS
from cnndemo.book_index.errata import ERRATA, layers, networks, order, training, undefined_names
from cnndemo.topics import TOPICS
from tests.conftest import ROOT
from tests.waiting import BUSY


@pytest.mark.parametrize("erratum", ERRATA, ids=lambda erratum: erratum.check.__name__)
def test_the_check_confirms_the_erratum(erratum):
    finding = erratum.check()
    assert finding.confirmed is True, finding.computed
    assert finding.computed and all(
        name and isinstance(value, str) and value for name, value in finding.computed.items()
    )


@pytest.mark.parametrize("erratum", ERRATA, ids=lambda erratum: erratum.check.__name__)
def test_an_erratum_is_well_formed(erratum):
    assert erratum.kind in ("wrong", "unclear", "outdated")
    assert erratum.stem in TOPICS
    assert erratum.says.endswith((".", ")", "8")) and erratum.right.endswith(".")
    listing = erratum.place.removeprefix("listing ")
    assert erratum.place[0].isdigit() or listing in {entry.number for entry in LISTINGS}
    assert 1 <= order(erratum)[0] <= 7


def test_they_come_in_the_books_order_and_each_once():
    assert list(ERRATA) == sorted(ERRATA, key=order)
    names = [one.check.__name__ for one in ERRATA]
    assert len(set(names)) == len(names) >= 14


def test_the_errata_that_the_gallery_was_planned_with_are_there():
    places = {one.place for one in ERRATA}
    for place in (
        *("3.3.2", "3.3.1", "6.4.2", "6.4", "listing 2.1", "2.3.5", "4.2", "listing 5.6", "2.4"),
        *("listing 4.1", "listing 4.3", "listing 2.7", "4.5", "5.3"),
    ):
        assert place in places


def computed(check) -> str:
    return " ".join(f"{name} {value}" for name, value in check().computed.items())


@pytest.mark.parametrize(
    ("check", "words"),
    [
        (layers.softmax_is_a_share, "97.37%"),
        (layers.sobel_last_row, "grey 100 200"),
        (layers.size_is_rounded_down, "13.5"),
        (layers.second_layer_is_deep, "18,496"),
        (training.small_is_not_zero, "4.065611775e+17"),
        (training.dice_is_never_below_jaccard, "0.936"),
        (training.dice_lacks_its_two, "0.500"),
        (training.densenet_is_small, "8,062,504"),
        (training.epochs_are_passes, "56,250"),
        (training.the_bottom_is_a_map, "802,816"),
        (networks.flatten_needs_pooling, "23,608,202 and 1,075,210"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_the_checks_computed(check, words):
    assert words in computed(check)


def test_a_check_notices_when_the_book_is_right(monkeypatch):
    monkeypatch.setattr(layers, "OUTPUTS", np.abs(layers.OUTPUTS))
    assert not layers.relu_is_never_negative().confirmed
    assert not layers.softmax_is_a_share().confirmed
    monkeypatch.setattr(training, "TRIMAP_PIXELS", (30, 10, 60))
    assert not training.trimap_classes_are_swapped().confirmed
    monkeypatch.setattr(layers, "output_size", lambda width, kernel, padding, stride: (width - kernel) / stride + 1)
    assert not layers.size_is_rounded_down().confirmed


def test_undefined_names():
    code = "import numpy as np\ndef f(a, b=2):\n    c = a + b\n    return [c + i for i in range(n)]\nf(np.pi, q)\n"
    assert set(undefined_names(code)) == {"q", "n"}
    assert undefined_names("from keras.layers import Dense\nx = Dense(3)\nprint(x)") == []


def test_importing_them_loads_no_network_library():
    code = "import sys, cnndemo.book_index.errata; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=BUSY).returncode == 0
