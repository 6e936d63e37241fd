"""The transfer page as a visitor meets it."""

import io
import zipfile

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from cnndemo import images
from cnndemo.resnet_transfer import resnet50
from tests.pages.conftest import no_trouble, rendered_references, run_page


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


def test_resnet50_without_its_weights_is_offered_and_a_failed_download_is_a_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("CNNDEMO_RESNET50_WEIGHTS", str(tmp_path / "models" / resnet50.FILE))
    monkeypatch.setattr(resnet50.download, "__defaults__", (lambda *_: None, "http://127.0.0.1:9/x", "", None, 1.0))
    page = no_trouble(run_page("resnet_transfer", {"networks": "ResNet50"}))
    assert resnet50.MD5 in captions(page)
    page.button(key="download_resnet50").click().run()
    no_trouble(page)
    assert any("cannot be reached" in warning.value for warning in page.warning)
    assert page.metric, "the rest of the page is there"


def test_own_classes_from_files_with_a_broken_one_and_one_class_only(bad_files):
    page = run_page("resnet_transfer")
    page.button(key="ready_own").click().run()
    assert any("no class yet" in warning.value for warning in page.warning)
    page.text_input(key="class_name_0").set_value("noise *bold*")
    files = [("good.png", png(1), "image/png"), ("broken.png", bad_files["text.png"], "image/png")]
    page.file_uploader(key="class_files").set_value(files)
    next(b for b in page.button if b.label == "Add to the class").click().run()
    no_trouble(page)
    assert any("only the class" in warning.value for warning in page.warning)
    assert "broken" in captions(page)
    page.text_input(key="class_name_1").set_value("other")
    page.file_uploader(key="class_files").set_value(
        [("two.png", png(2), "image/png"), ("three.png", png(1), "image/png")]
    )
    next(b for b in page.button if b.label == "Add to the class").click().run()
    no_trouble(page)
    assert "two classes" in captions(page)
    assert next(m for m in page.metric if m.label.startswith("Right on")).value.endswith(" of 2")


def test_a_zip_of_folders_and_a_file_that_is_none():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(4):
            archive.writestr(f"{'ab'[number % 2]}/{number}.png", png(number))
    page = run_page("resnet_transfer")
    page.segmented_control(key="add_from").set_value("ZIP of class folders").run()
    page.file_uploader(key="class_zip").set_value(("set.zip", b"no archive", "application/zip"))
    next(b for b in page.button if b.label == "Add its classes").click().run()
    assert any("not a ZIP" in warning.value for warning in no_trouble(page).warning)
    assert next(m for m in page.metric if m.label.startswith("Right on")).value.endswith(" of 36")
    page.file_uploader(key="class_zip").set_value(("set.zip", buffer.getvalue(), "application/zip"))
    next(b for b in page.button if b.label == "Add its classes").click().run()
    no_trouble(page)
    assert next(m for m in page.metric if m.label.startswith("Right on")).value.endswith(" of 4")
