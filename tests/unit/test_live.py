"""A running camera: seats, frames from strangers, and what is answered to them."""

import base64
import gc
import threading
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cnndemo import frames, images
from cnndemo.errors import VisitorError
from cnndemo.images import ImageError
from cnndemo.seats import Seats
from cnndemo.ui import live
from tests.conftest import encode
from tests.waiting import joined

PATIENCE = 8.0
STILL = np.full((30, 40, 3), 90, np.uint8)


def jpeg(height: int = 24, width: int = 32, mode: str = "RGB") -> bytes:
    rows, columns = np.mgrid[0:height, 0:width]
    photo = np.stack([rows % 256, columns % 256, (rows + columns) % 256], axis=-1).astype(np.uint8)
    return encode(Image.fromarray(photo).convert(mode), "JPEG")


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_two_sit_and_the_third_does_not_until_one_gets_up():
    seats = Seats(2, PATIENCE, Clock())
    assert seats.take("a") and seats.take("b") and not seats.take("c")
    assert seats.take("a"), "who sits may stay"
    assert seats.holds("a") and not seats.holds("c") and seats.taken() == 2
    seats.leave("a")
    seats.leave("nobody")
    assert seats.take("c") and not seats.take("a")


def test_a_seat_is_free_when_no_frame_came_for_some_seconds():
    clock = Clock()
    seats = Seats(2, PATIENCE, clock)
    seats.take("a")
    clock.now += PATIENCE - 1
    seats.take("b")
    assert not seats.take("c")
    clock.now += 2
    assert not seats.holds("a") and seats.take("c"), "a has gone without a word"
    clock.now += PATIENCE + 1
    assert seats.taken() == 0


def test_many_at_once_never_get_more_than_there_are():
    seats, sitting = Seats(2, PATIENCE), []
    threads = [
        threading.Thread(target=lambda who=who: sitting.append(who) if seats.take(who) else None) for who in range(40)
    ]
    for thread in threads:
        thread.start()
    joined(threads)
    assert len(sitting) == 2 == seats.taken()


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_frame_is_a_picture_of_at_most_320_pixels(mode):
    picture = frames.decode(text(jpeg(24, 32, mode)))
    assert picture.shape == (24, 32, 3) and picture.dtype == np.uint8
    assert frames.decode(text(jpeg(480, 640, mode))).shape == (240, 320, 3)


@pytest.mark.parametrize(
    "sent",
    [
        None, 5, True, [], {}, "", "no base64!", "é", text(b""), text(b"\xff\xd8\xff"), text(b"GIF89a"),
        text(encode(Image.new("RGB", (8, 8)), "PNG")), text(jpeg()[:40]), "A" * (frames.LONGEST + 4), "A" * 4000,
        b"bytes", float("nan"),
    ],
)  # fmt: skip
def test_what_is_no_frame_is_refused_with_a_sentence(sent):
    with pytest.raises(ImageError, match="cannot be read"):
        frames.decode(sent)


def test_a_huge_frame_is_refused_before_it_is_decoded():
    huge = encode(Image.new("L", (4000, 3000)), "JPEG", quality=1)
    assert len(text(huge)) < frames.LONGEST
    with pytest.raises(ImageError, match="4000 pixels"):
        frames.decode(text(huge))


@pytest.mark.parametrize("picture", [np.arange(64, dtype=np.uint8).reshape(8, 8), np.zeros((200, 300, 3), np.uint8)])
def test_pictures_go_back_as_addresses_and_small_ones_exactly(picture):
    address = frames.encode(picture)
    kind, data = address.removeprefix("data:image/").split(";base64,")
    back = images.load(base64.b64decode(data))
    assert kind == ("png" if picture.ndim == 2 else "jpeg") and back.shape[:2] == picture.shape[:2]
    assert np.array_equal(back[..., 0], picture if picture.ndim == 2 else picture[..., 0])


@pytest.fixture
def room(monkeypatch) -> Seats:
    """Two seats, and nobody in line."""
    seats = Seats(2, PATIENCE)
    monkeypatch.setattr(live, "seats", seats)
    monkeypatch.setattr(live.gate, "who", lambda: "me")
    return seats


def mean(frame: np.ndarray) -> live.Answer:
    return live.Answer((live.Shown(frame, "as it is", "a frame"),), f"mean {frame.mean():.0f}", (("light", 0.5),))


def test_the_still_picture_is_answered_until_a_camera_runs(room):
    found = live.respond({}, mean, STILL)
    assert found["still"] and found["words"] == "mean 90" and found["pictures"][0]["alt"] == "a frame"
    assert room.taken() == 0
    assert live.respond({"number": 7, "asks": True}, mean, STILL) == {"number": 7}
    assert live.respond({}, mean, STILL) == {}, "a setting was moved: the next frame will show it"
    found = live.respond({"number": 8, "jpeg": text(jpeg())}, mean, STILL)
    assert found["number"] == 8 and "still" not in found and len(found["pictures"]) == 1 and found["spent"] >= 0
    assert live.respond({"number": 9, "ends": True}, mean, STILL)["still"] and room.taken() == 0


def test_the_third_hears_that_all_seats_are_taken(room):
    room.take("a"), room.take("b")
    for message in ({"asks": True}, {"jpeg": text(jpeg())}):
        assert live.respond({"number": 1} | message, mean, STILL) == {"number": 1, "refused": live.FULL}
    room.leave("a")
    assert "refused" not in live.respond({"number": 2, "jpeg": text(jpeg())}, mean, STILL)


def test_while_others_wait_frames_are_dropped_unseen(room, monkeypatch):
    monkeypatch.setattr(live.gate, "waiting", lambda: 1)
    found = live.respond({"number": 3, "jpeg": text(jpeg())}, lambda frame: pytest.fail("was looked at"), STILL)
    assert found == {"number": 3, "busy": True} and room.holds("me")


def test_what_cannot_be_answered_is_a_sentence_and_the_camera_goes_on(room):
    def refuse(frame):
        raise VisitorError("There is no face.")

    assert live.respond({"number": 1, "jpeg": "garbage"}, mean, STILL)["words"] == frames.DAMAGED
    found = live.respond({"number": 2, "jpeg": text(jpeg())}, refuse, STILL)
    assert found["words"] == "There is no face." and found["pictures"] == [] and "refused" not in found


def test_a_frame_is_gone_when_it_was_answered(room):
    seen = []

    def answer(frame: np.ndarray) -> live.Answer:
        seen.append(weakref.ref(frame))
        return mean(frame)

    live.respond({"number": 1, "jpeg": text(jpeg())}, answer, STILL)
    gc.collect()
    assert seen[0]() is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["number", "jpeg", "asks"]), inner),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["number", "jpeg", "asks", "ends"]), JSON))
def test_whatever_is_sent_there_is_an_answer_or_a_sentence(sent):
    found = live.respond(sent, mean, STILL)
    assert isinstance(found, dict)
    live.seats.leave(live.gate.who())


def filtered() -> None:
    from cnndemo.filters import views

    views.show_live(STILL, "", np.ones((3, 3)), "reflect", "signed")


def faces() -> None:
    from cnndemo.face_detection import views

    views.show_live(STILL, ("frontal alt2", 1.1, 3, 24), 0.5, ["raw hits"])


def named() -> None:
    from cnndemo.resnet_transfer.views import naming

    naming.name_live(STILL, "", ["efficientnet_lite0"])


def mapped() -> None:
    from cnndemo.activation_maps.networks import NETWORKS
    from cnndemo.activation_maps.views import running

    network = NETWORKS["efficientnet_lite0"]
    running.live_photo(network, network.layers[2], 1, STILL)


def digits() -> None:
    from cnndemo import chain
    from cnndemo.activation_maps.views import running
    from cnndemo.activation_maps.views.digits import Shown
    from cnndemo.ui import Picture

    digit = Shown("5", images.digit(5, 0).astype(np.float32) / 255, {}, Picture(STILL, "5", "sample"))
    running.live_digit(chain.shipped("digit_classifier"), "conv2d_1", 1, digit)


@pytest.mark.parametrize("page", [filtered, faces, named, mapped, digits])
def test_frames_of_any_shape_are_answered_or_a_sentence_on_every_page(room, monkeypatch, page):
    found = []

    def kept(answer, still, about, facing="environment"):
        found.append(answer)

    for module in ("filters.views", "face_detection.views", "resnet_transfer.views.naming",
                   "activation_maps.views.running"):  # fmt: skip
        monkeypatch.setattr(f"cnndemo.{module}.live", kept)
    page()
    for height, width in ((1, 1), (1, 320), (320, 1)):
        back = live.respond({"number": 1, "jpeg": text(jpeg(height, width))}, found[0], STILL)
        assert back["number"] == 1 and (back["pictures"] or back["words"]), (height, width)
