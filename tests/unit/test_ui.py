"""The shared widgets, run in small apps of their own."""

import ast
import io

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from cnndemo import images, weights
from cnndemo.face_verification.views.faces import told_apart
from cnndemo.ui import frame
from cnndemo.ui.pictures import OWN, Picture, packed


def test_an_upload_is_never_written_to_disk():
    """Nor on its way: the web server would do so from 1 MB on."""
    from starlette.formparsers import MultiPartParser
    from streamlit import config

    assert MultiPartParser.spool_max_size > config.get_option("server.maxUploadSize") * 1024 * 1024


def pick():
    import streamlit as st

    from cnndemo import ui

    picture = ui.pick_image(samples=("cat", "rocket"))
    st.text(f"{picture.source} {picture.name} {picture.image.shape} {picture.image[0, 0].tolist()}")


def ask():
    from cnndemo import ui
    from cnndemo.questions import about

    ui.check_yourself([about("convolution")("area", 4.0, [3.0, 0.0], first=2.0, second=2.0)])


def complain():
    import streamlit as st

    from cnndemo import ui
    from cnndemo.errors import VisitorError

    with ui.guard():
        raise VisitorError("Please choose a smaller pattern.")
    st.text("still here")


def show_code():
    from cnndemo import images, ui

    ui.code([images.letterbox], "from cnndemo import images")


def missing_card():
    from cnndemo import ui

    ui.model_card("unheard_of")


def run(app, **state) -> AppTest:
    app_test = AppTest.from_function(app)
    app_test.session_state["page"] = "home"
    for key, value in state.items():
        app_test.session_state[key] = value
    return app_test.run()


def upload(app_test: AppTest, name: str, data: bytes) -> AppTest:
    app_test.segmented_control[0].set_value("Upload").run()
    return app_test.file_uploader[0].set_value((name, data, "image/png")).run()


def test_a_sample_is_there_before_the_first_click():
    page = run(pick)
    assert page.text[0].value.startswith("sample cat (300, 451, 3)")


def test_an_upload_is_decoded_and_remembered(photo):
    page = upload(run(pick), "mine.png", images.png(photo))
    assert page.text[0].value == "upload mine.png (60, 80, 3) [0, 0, 0]"
    assert page.session_state[OWN].name == "mine.png"


def test_one_upload_after_the_other_replaces_the_picture(photo):
    page = upload(run(pick), "first.png", images.png(photo))
    for height in (10, 11, 12):
        page.file_uploader[0].set_value((f"{height}.png", images.png(photo[:height]), "image/png")).run()
        assert page.text[0].value.startswith(f"upload {height}.png ({height}, 80, 3)")


def test_bad_uploads_give_a_sentence_and_keep_the_page(bad_files):
    for name, data in bad_files.items():
        page = upload(run(pick), name, data)
        assert not page.exception, name
        if data:
            assert name.split(".")[0] in page.warning[0].value, name
        assert page.text[0].value.startswith("sample cat"), name


def test_what_is_to_be_said_of_an_upload_is_said(photo):
    page = upload(run(pick), "whole.png", images.png(photo))
    assert not page.caption
    noise = images.png(np.random.default_rng(0).integers(0, 256, (240, 320, 3)).astype(np.uint8))
    page.file_uploader[0].set_value(("cut.png", noise[: len(noise) // 2], "image/png")).run()
    assert not page.warning and "cut off" in page.caption[0].value
    assert page.text[0].value.startswith("upload cut.png (240, 320, 3)")


def test_the_picture_of_the_last_page_comes_first(photo):
    page = run(pick, **{OWN: Picture(photo, "mine.png", "upload")})
    assert page.text[0].value.startswith("upload mine.png")


def test_a_link_to_a_sample_wins_over_the_own_picture(photo):
    page = AppTest.from_function(pick)
    page.session_state[OWN] = Picture(photo, "mine.png", "upload")
    page.session_state["page"] = "home"
    page.query_params["home.picture"] = "Rocket"
    assert page.run().text[0].value.startswith("sample rocket")


@pytest.mark.parametrize(("choice", "kind"), [("4.00", "success"), ("3.00", "warning")])
def test_a_question_reveals_the_answer(choice, kind):
    page = run(ask)
    assert not page.success and not page.warning
    page.radio[0].set_value(choice).run()
    assert "2.00 × 2.00" in page.get(kind)[0].value
    assert ("Right." in page.get(kind)[0].value) is (choice == "4.00")


def test_guard_shows_the_sentence_and_goes_on():
    page = run(complain)
    assert page.warning[0].value == "Please choose a smaller pattern." and page.text[0].value == "still here"


def test_code_is_the_source_that_ran():
    page = run(show_code)
    assert "def letterbox(image: np.ndarray, size: int" in page.code[1].value


def shipped_cards():
    from cnndemo import ui

    for name in ("siamese", "not_a_digit"):
        ui.model_card(name)


def test_a_card_tells_commit_and_versions_or_that_they_were_not_recorded():
    older, newer = (each.value for each in run(shipped_cards).markdown if "**Hardware:**" in each.value)
    assert "**Scripts:** commit not recorded" in older and "**Versions:** not recorded" in older
    first, last = weights.stages(weights.card("not_a_digit"))
    assert f"commit {first['commit'][:12]}, then commit {last['commit'][:12]}" in newer
    assert f"keras {last['versions']['keras']}" in newer and "not recorded" not in newer


def test_a_missing_card_is_a_sentence():
    assert "python -m train.unheard_of" in run(missing_card).warning[0].value


def test_names_of_files_cannot_format_the_page():
    assert frame.plain("**a**[b](c)<i>.png") == r"\*\*a\*\*\[b\]\(c\)\<i\>\.png"
    assert len(frame.plain("x" * 500)) == 60


def test_anchors():
    assert frame.anchor("What the network saw") == "what-the-network-saw"


def test_small_grids_are_enlarged_by_repetition():
    from cnndemo.images import enlarge

    assert np.unique(enlarge(np.arange(4, dtype=np.uint8).reshape(2, 2), 100)).tolist() == [0, 1, 2, 3]


def test_the_code_of_a_picture_makes_it():
    image = np.zeros((2, 3, 3), np.uint8)
    assert Picture(image, "cat", "sample").code == 'images.sample("cat")'
    assert Picture(image, "5", "sample", "images.digit(5, 0)").code == "images.digit(5, 0)"
    mine = Picture(image, 'a "b".jpg', "upload")
    assert mine.own and ast.parse(mine.code).body[0].value.args[0].func.value.args[0].value == 'a "b".jpg'
    camera = Picture(image, "camera", "camera")
    assert camera.code == 'images.load(open("camera.png", "rb").read())'
    assert told_apart(camera, camera)[1].code == 'images.load(open("second camera.png", "rb").read())'


def test_grids_reach_the_browser_exactly_and_photographs_as_small_files():
    photograph, small = images.sample("cat"), images.digit(7, 0)
    grid = images.enlarge(np.random.default_rng(0).integers(0, 256, (9, 9, 3), dtype=np.uint8), 40)
    for picture in (grid, small, images.enlarge(small, 11), small[:1]):
        data, kind = packed(picture)
        assert kind == "PNG" and np.array_equal(np.asarray(Image.open(io.BytesIO(data))), picture)
    data, kind = packed(photograph)
    back = np.asarray(Image.open(io.BytesIO(data))).astype(float)
    assert kind == "JPEG" and len(data) < photograph.size / 6 and np.abs(back - photograph).mean() < 3


def test_streamlit_sends_a_picture_as_it_was_packed(monkeypatch):
    """It would make a JPEG of any PNG without transparency."""
    from streamlit.elements.lib import image_utils

    sent = []
    kept = image_utils._ensure_image_size_and_format

    def spy(data, *rest):
        found = kept(data, *rest)
        sent.append(found == data)
        return found

    monkeypatch.setattr(image_utils, "_ensure_image_size_and_format", spy)

    def page():
        from cnndemo import images, ui

        ui.show(images.digit(3, 0), "a digit")
        ui.show(images.sample("cat"), "a photograph")
        ui.show(images.sample("cat"), "a small photograph", width=200)

    assert not AppTest.from_function(page).run().exception
    assert sent == [True] * 3
