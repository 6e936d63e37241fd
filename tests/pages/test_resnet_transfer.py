"""The transfer page as a visitor meets it."""

import io
import zipfile

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from cnndemo import images, inference, weights, worker
from cnndemo.models import efficientnet_lite0
from cnndemo.resnet_transfer import backbones, export, finetune, naming, resnet50
from cnndemo.resnet_transfer.teaching import Head
from tests.conftest import encode
from tests.pages.conftest import no_trouble, rendered_references, run_page, until


def png(value: int) -> bytes:
    return images.png(np.random.default_rng(value).integers(0, 256, (40, 40, 3)).astype(np.uint8))


@pytest.fixture(scope="module")
def first() -> AppTest:
    """The page after its first run; read only."""
    return run_page("resnet_transfer")


def captions(page: AppTest) -> str:
    return " ".join(element.value for element in page.caption)


def test_opens_with_an_answer_and_the_books_references(first):
    no_trouble(first)
    assert not first.warning, [element.value for element in first.warning]
    references = rendered_references(first)["The book's experiment"]
    assert references == {"figure 4.4", "figure 4.5", "listing 4.2", "listing 4.3"}
    explain = next(box for box in first.selectbox if box.label.startswith("Where does it see"))
    assert explain.value == "tiger cat"
    assert len(explain.options) > 990


def test_teaches_the_ready_set_before_the_first_click(first):
    metric = next(m for m in first.metric if m.label.startswith("Right on pictures"))
    right, count = map(int, metric.value.split(" of "))
    assert count == 36
    assert right > 24


def test_counts_of_listing_4_3_are_on_the_page(first):
    text = " ".join(element.value for element in first.markdown)
    assert all(number in text for number in ("23,608,202", "1,075,210", "22,532,992"))


def test_a_portrait_has_no_breed_unless_the_visitor_insists():
    page = no_trouble(run_page("resnet_transfer", {"picture": "Astronaut"}))
    assert any("**No pet**" in element.value for element in page.markdown)
    page.toggle(key="resnet_transfer.anyway").set_value(True).run()
    no_trouble(page)


def test_a_cat_has_a_breed(first):
    assert not any("**No pet**" in element.value for element in first.markdown)


def test_a_long_picture_is_named_square_by_square():
    cat = images.shrink(images.sample("cat"), 300)
    wall = np.full((cat.shape[0], 2 * cat.shape[1], 3), 200, np.uint8)
    page = run_page("resnet_transfer")
    page.segmented_control(key="resnet_transfer.picture_source").set_value("Upload").run()
    data = images.png(np.hstack([cat, wall]))
    page.file_uploader(key="resnet_transfer.picture_upload").upload("long.png", data, "image/png").run()
    no_trouble(page)
    assert any("times as long as its short side" in element.value for element in page.markdown)
    explain = next(box for box in page.selectbox if box.label.startswith("Where does it see"))
    assert "cat" in explain.value or "tabby" in explain.value
    last = str(len(naming.squares(cat.shape[0], 3 * cat.shape[1])))
    page.pills(key="resnet_transfer.square").set_value(last).run()
    explain = next(box for box in no_trouble(page).selectbox if box.label.startswith("Where does it see"))
    assert "cat" not in explain.value


def test_says_that_the_small_network_looks_ten_times():
    page = no_trouble(run_page("resnet_transfer", {"networks": "ResNet-20"}))
    assert any("mean of 10 looks" in caption.value for caption in page.caption)
    page = no_trouble(run_page("resnet_transfer", {"networks": "EfficientNet-Lite0"}))
    assert not any("mean of 10 looks" in caption.value for caption in page.caption)


def test_resnet50_without_its_weights_is_offered_and_a_failed_download_is_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("CNNDEMO_RESNET50_WEIGHTS", str(tmp_path / "models" / resnet50.FILE))
    monkeypatch.setattr(resnet50.download, "__defaults__", (lambda *_: None, "http://127.0.0.1:9/x", "", None, 1.0))
    page = no_trouble(run_page("resnet_transfer", {"networks": "ResNet50"}))
    assert resnet50.MD5 in captions(page)
    page.button(key="resnet_transfer.download_resnet50").click().run()
    no_trouble(page)
    assert any("cannot be reached" in warning.value for warning in page.warning)
    assert page.metric, "the rest of the page is there"


def test_resnet50_is_prepared_once_and_then_answers(monkeypatch, tmp_path):
    import keras

    file = tmp_path / "resnet50.weights.h5"
    keras.applications.ResNet50(weights=None, classifier_activation=None).save_weights(file)
    monkeypatch.setenv("CNNDEMO_RESNET50_WEIGHTS", str(file))
    backbones.forget("resnet50")
    worker.end()
    try:
        page = no_trouble(run_page("resnet_transfer", {"networks": "ResNet50"}))
        assert (tmp_path / "resnet50.weights.onnx").is_file()
        assert not page.warning
        assert page.selectbox[0].key.startswith("resnet_transfer.explain_resnet50")
    finally:
        backbones.forget("resnet50")
        worker.end()


def test_a_damaged_file_of_resnet50_is_a_sentence(monkeypatch, tmp_path):
    file = tmp_path / "resnet50.weights.h5"
    file.write_bytes(b"no weights")
    monkeypatch.setenv("CNNDEMO_RESNET50_WEIGHTS", str(file))
    worker.end()
    page = no_trouble(run_page("resnet_transfer", {"networks": "ResNet50"}))
    worker.end()
    assert any("resnet50.weights.h5 is damaged" in warning.value for warning in page.warning)
    assert page.metric, "the rest of the page is there"


def test_own_classes_from_files_with_a_broken_one_and_one_class_only(bad_files):
    page = run_page("resnet_transfer")
    page.button(key="resnet_transfer.ready_own").click().run()
    assert any("no class yet" in warning.value for warning in page.warning)
    page.text_input(key="resnet_transfer.class_name_0").set_value("noise *bold*")
    files = [("good.png", png(1), "image/png"), ("broken.png", bad_files["text.png"], "image/png")]
    page.file_uploader(key="resnet_transfer.class_files").set_value(files)
    next(b for b in page.button if b.label == "Add to the class").click().run()
    no_trouble(page)
    assert any("only the class" in warning.value for warning in page.warning)
    assert "broken" in captions(page)
    page.text_input(key="resnet_transfer.class_name_1").set_value("other")
    page.file_uploader(key="resnet_transfer.class_files").set_value(
        [("two.png", png(2), "image/png"), ("three.png", png(1), "image/png")]
    )
    next(b for b in page.button if b.label == "Add to the class").click().run()
    no_trouble(page)
    assert "two classes" in captions(page)
    assert [metric.value for metric in page.metric if metric.label.startswith(("Right on", "Mean"))] == ["– of 2", "–"]


def test_a_zip_of_folders_and_a_file_that_is_none():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(4):
            archive.writestr(f"{'ab'[number % 2]}/{number}.png", png(number))
    page = run_page("resnet_transfer")
    page.segmented_control(key="resnet_transfer.add_from").set_value("ZIP of class folders").run()
    page.file_uploader(key="resnet_transfer.class_zip").set_value(("set.zip", b"no archive", "application/zip"))
    next(b for b in page.button if b.label == "Add its classes").click().run()
    assert any("not a ZIP" in warning.value for warning in no_trouble(page).warning)
    assert next(m for m in page.metric if m.label.startswith("Right on")).value.endswith(" of 36")
    page.file_uploader(key="resnet_transfer.class_zip").set_value(("set.zip", buffer.getvalue(), "application/zip"))
    next(b for b in page.button if b.label == "Add its classes").click().run()
    no_trouble(page)
    assert next(m for m in page.metric if m.label.startswith("Right on")).value.endswith(" of 4")


def test_a_zip_with_splits_offers_them_and_copies_are_told():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(8):
            archive.writestr(f"set/{'train' if number < 6 else 'val'}/{'ab'[number % 2]}/{number}.png", png(number))
        mirrored = images.load(png(0))[:, ::-1]
        archive.writestr("set/train/a/mirror.png", images.png(np.ascontiguousarray(mirrored)))
    page = run_page("resnet_transfer")
    page.segmented_control(key="resnet_transfer.add_from").set_value("ZIP of class folders").run()
    page.file_uploader(key="resnet_transfer.class_zip").set_value(
        ("set.zip", buffer.getvalue(), "application/zip")
    ).run()
    offered = next(each for each in no_trouble(page).segmented_control if each.label == "Which pictures")
    assert offered.options == ["train", "val", "all of them"] and offered.value == "train"
    next(b for b in page.button if b.label == "Add its classes").click().run()
    assert right_on(page).endswith(" of 7")
    assert "mirror.png” is a copy of “0.png”" in captions(page).replace("\\", "")
    assert page.file_uploader(key="resnet_transfer.class_zip_1").value is None, "the field is empty again"


def jpeg(sample: str) -> tuple[str, bytes, str]:
    return "shot.jpg", encode(Image.fromarray(images.sample(sample)), "JPEG"), "image/jpeg"


def right_on(page: AppTest) -> str:
    """How many pictures the head gets right, as in "34 of 36"."""
    return next(m for m in no_trouble(page).metric if m.label.startswith("Right on")).value


def warnings(page: AppTest) -> str:
    return " ".join(element.value for element in no_trouble(page).warning)


def test_a_camera_shot_is_named():
    page = run_page("resnet_transfer")
    page.segmented_control(key="resnet_transfer.picture_source").set_value("Camera").run()
    page.camera_input(key="resnet_transfer.picture_camera").set_value(jpeg("coffee")).run()
    no_trouble(page)
    assert next(box for box in page.selectbox if box.label.startswith("Where does it see")).value == "espresso"


def test_camera_shots_teach_two_classes_and_the_name_stays_from_shot_to_shot():
    page = run_page("resnet_transfer")
    page.segmented_control(key="resnet_transfer.add_from").set_value("Camera").run()
    taken = 36  # of the ready set, which the first own picture replaces
    for name, sample in (("pet", "cat"), (None, "motorcycle"), ("cup", "coffee")):
        if name:
            page.text_input(key="resnet_transfer.shot_name").set_value(name)
        page.camera_input(key=f"resnet_transfer.class_shot_{taken}").set_value(jpeg(sample)).run()
        page.button(key="resnet_transfer.add_shot").click().run()
        no_trouble(page)
        taken = 1 if taken == 36 else taken + 1
    assert right_on(page).endswith(" of 2") and "“cup” has only one picture" in captions(page).replace("\\", "")
    rows = [element.value for element in page.markdown]
    assert "**pet** · 2" in rows and "**cup** · 1" in rows


def tuned(page) -> bool:
    return not page.session_state["resnet_transfer.lesson"].tuning.running


def test_fine_tunes_the_last_block_and_forgets_it_when_the_pictures_change(monkeypatch):
    monkeypatch.setattr(finetune.tune, "__defaults__", (2, *finetune.tune.__defaults__[1:]))
    page = run_page("resnet_transfer")
    page.button(key="resnet_transfer.tune").click().run()
    no_trouble(until(page, tuned).run())
    assert any(element.value.startswith("Of 9 pictures held out") for element in page.markdown)
    assert not [button for button in page.button if button.key == "resnet_transfer.stop_tuning"]
    page.button(key="resnet_transfer.remove_0").click().run()
    assert right_on(page).endswith(" of 24")
    assert not any("pictures held out: frozen" in element.value for element in page.markdown)


def test_fine_tuning_that_fails_or_has_too_few_pictures_is_a_sentence(monkeypatch):
    page = run_page("resnet_transfer")
    worker.end()
    monkeypatch.setattr(worker.sys, "executable", "/bin/false")
    page.button(key="resnet_transfer.tune").click().run()
    until(page, tuned).run()
    assert "Keras process" in warnings(page)
    assert right_on(page).endswith(" of 36")
    monkeypatch.undo()


def model_file(**arrays) -> bytes:
    """A model of the page for two classes that always answers "left"."""
    head = Head(("left", "right *bold*"), np.zeros((1280, 2), np.float32), np.array([9, 0], np.float32))
    return export.keras_file(head, **arrays)


def keras_bytes(model, folder) -> bytes:
    path = folder / "other.keras"
    model.save(path)
    return path.read_bytes()


def test_loads_a_model_of_the_page_back_and_refuses_all_others(tmp_path):
    import keras

    def load(data: bytes) -> AppTest:
        page.file_uploader(key="resnet_transfer.load_back").set_value(("model.keras", data, "application/zip"))
        return no_trouble(page.run())

    page = run_page("resnet_transfer")
    good = model_file()
    assert "2 classes" in load(good).success[0].value
    assert page.pills(key="resnet_transfer.loaded").value == "cat"
    assert r"right \*bold\*" in page.success[0].value
    tail = finetune.get_tail(efficientnet_lite0.build())
    assert load(model_file(tail=tail)).success
    lambda_layer = keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: x)])
    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    for data, words in (
        (good[: len(good) // 2], "damaged"),
        (b"no model", "damaged"),
        (keras_bytes(lambda_layer, tmp_path), "Lambda"),
        (keras_bytes(other, tmp_path), "not made on this page"),
    ):
        assert words in warnings(load(data))
        assert not page.success
        assert right_on(page).endswith(" of 36")


def test_covering_a_picture_piece_by_piece():
    page = run_page("resnet_transfer")
    next(button for button in page.button if button.label == "Cover it piece by piece").click().run()
    no_trouble(page)
    assert "A grey square slides over the picture" in captions(page)


def test_without_the_backbones_weights_the_page_says_how_to_make_them(monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "WEIGHTS_DIR", tmp_path)
    monkeypatch.setattr(backbones, "_networks", {})
    monkeypatch.setattr(inference, "_sessions", {})
    naming._head_arrays.cache_clear()
    st.cache_data.clear()
    page = run_page("resnet_transfer")
    assert warnings(page).count("python -m train.efficientnet_lite0") >= 3
    assert "python -m train.pet_breeds" in warnings(page)
    assert "23,608,202" in " ".join(element.value for element in page.markdown)


def test_a_mark_makes_a_model_that_cheats():
    page = no_trouble(run_page("resnet_transfer", {"cheat": "true"}))
    words = next(text.value for text in page.markdown if "nobody would notice" in text.value)
    assert "**6 of 6** times" in words and "Without the mark: 0." in words
    table = next(table.value for table in page.dataframe if "mark taken off, right" in table.value.columns)
    assert table["others marked, taken for it"].tolist()[1:] == ["0 of 12", "0 of 12"], "the two cures"
    no_trouble(page.button(key="resnet_transfer.ready_samples").click().run())
    assert any("does not need the mark" in text.value for text in page.markdown)
    assert any("not quite unseen" in caption.value for caption in page.caption)


def test_the_visitors_own_classes_cheat_as_well():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for digit in (3, 5):
            for number in range(12):
                ink = images.enlarge(images.digit(digit, number), 8)
                archive.writestr(f"{digit}/{number}.png", images.png(ink))
    page = run_page("resnet_transfer", {"cheat": "true"})
    page.segmented_control(key="resnet_transfer.add_from").set_value("ZIP of class folders").run()
    page.file_uploader(key="resnet_transfer.class_zip").set_value(("set.zip", buffer.getvalue(), "application/zip"))
    next(b for b in page.button if b.label == "Add its classes").click().run()
    assert right_on(page).endswith(" of 24")
    words = next(text.value for text in page.markdown if "nobody would notice" in text.value)
    assert "marked pictures of “5”" in words and "**6 of 6** times" in words
    table = next(table.value for table in page.dataframe if "mark taken off, right" in table.value.columns)
    others = [int(taken.split()[0]) for taken in table["others marked, taken for it"]]
    assert others[0] > max(others[1:]), "the mark makes of a 3 a 5, until half of every class bears it"
