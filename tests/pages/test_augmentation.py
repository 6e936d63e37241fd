"""The augmentation page, run without a browser."""

import io
import json
import zipfile

import pytest

from cnndemo import images
from cnndemo.augmentation import BOOK, OPERATIONS, Pipeline, data_sets, mixing
from tests.pages.conftest import no_trouble, rendered_references, when_keras_has_spoken


def drawn(app_test):
    """The captions under the variants, one a variant."""
    captions = [caption.value for caption in app_test.caption]
    start = captions.index(next(c for c in captions if c.startswith(("turned", "moved", "hue")) or c == "unchanged"))
    return captions[start : start + 16]


def test_shows_the_books_figures_and_sixteen_variants(open_page):
    page = no_trouble(open_page("augmentation"))
    found = rendered_references(page)
    assert found["Try it"] == {"figure 3.2"}
    assert found["The data generator"] == {"figure 4.8", "listing 4.4", "listing 4.5"}
    small = images.shrink(images.sample("cat"), 160)
    pipeline = Pipeline(BOOK.steps)
    expected = ["  \n".join(map(str, pipeline.draw(small.shape[:2], seed))) for seed in range(16)]
    assert drawn(page) == expected


def test_the_seed_changes_the_draws(open_page):
    page = open_page("augmentation")
    before = drawn(page)
    page.number_input(key="augmentation.seed").set_value(1).run()
    assert drawn(no_trouble(page))[:15] == before[1:]


def test_everything_and_back_to_the_book(open_page):
    page = open_page("augmentation")
    next(b for b in page.button if b.label == "Everything").click().run()
    assert page.pills(key="augmentation.steps").value == list(OPERATIONS)
    assert len(drawn(no_trouble(page))[0].split("  \n")) == len(OPERATIONS)
    next(b for b in page.button if b.label == "The book's generator").click().run()
    no_trouble(page)
    assert page.toggle(key="augmentation.center").value and page.toggle(key="augmentation.scale").value
    assert "LayerNormalization" in page.code[-1].value or any("LayerNormalization" in c.value for c in page.code)


@pytest.mark.parametrize("end", ["low", "high"])
def test_every_transform_with_its_sliders_at_their_ends(open_page, end):
    page = open_page("augmentation")
    next(b for b in page.button if b.label == "Everything").click().run()
    for kind, operation in OPERATIONS.items():
        for setting in operation.settings:
            if not setting.choices:
                page.slider(key=f"augmentation.{kind}_{setting.name}").set_value(
                    type(setting.step)(getattr(setting, end))
                )
    page.run()
    assert len(drawn(no_trouble(page))) == 16
    page.selectbox(key="augmentation.only").set_value("hue").run()
    assert all(words.startswith("hue") for words in drawn(no_trouble(page)))


def test_the_order_is_kept_by_hand_and_in_the_code(open_page):
    page = open_page("augmentation")
    page.button(key="augmentation.later_rotation").click().run()
    assert page.pills(key="augmentation.steps").value[:2] == ["translation", "rotation"]
    code = next(c.value for c in no_trouble(page).code if "keras.Sequential" in c.value)
    assert code.index("RandomTranslation") < code.index("RandomRotation")
    page.selectbox(key="augmentation.only").set_value("zoom").run()
    code = next(c.value for c in no_trouble(page).code if "keras.Sequential" in c.value)
    assert "RandomZoom" in code and "RandomRotation" not in code


def test_no_transform_at_all(open_page):
    page = open_page("augmentation")
    page.pills(key="augmentation.steps").set_value([]).run()
    assert drawn(no_trouble(page)) == ["unchanged"] * 16


def test_mask_compare_and_swipe(open_page):
    page = open_page("augmentation", {"mask": "true"})
    assert page.toggle(key="augmentation.mask").value
    page.button(key="augmentation.c4").click().run()
    page.slider(key="augmentation.swipe").set_value(80).run()
    assert any("Variant 5 against" in text.value for text in no_trouble(page).markdown)
    assert any(text.value.startswith("Variant 5, transform") for text in page.markdown)


def test_a_link_brings_the_pipeline_back(open_page):
    page = no_trouble(open_page("augmentation", {"rotation_degrees": "90", "fill": "wrap", "seed": "7"}))
    assert (
        page.slider(key="augmentation.rotation_degrees").value == 90
        and page.selectbox(key="augmentation.fill").value == "wrap"
    )
    assert any('RandomRotation(90 / 360, fill_mode="wrap")' in c.value for c in page.code)


def test_keras_agrees_and_a_half_turn_changes_a_six(open_page):
    page = no_trouble(when_keras_has_spoken(open_page("augmentation", {"digit": "6"})))
    assert any("gave" in c.value or "give exactly the same" in c.value or "at most" in c.value for c in page.caption)
    assert any("changes the label of a 6" in warning.value for warning in page.warning)
    page.segmented_control(key="augmentation.label").set_value("mirror").run()
    page.pills(key="augmentation.digit").set_value(0).run()
    assert any("a 0 mostly stays a 0" in c.value for c in no_trouble(page).caption)


def test_two_pictures_into_one(open_page):
    page = open_page("augmentation", {"draw": "8"})
    page.segmented_control(key="augmentation.mix").set_value("CutMix").run()
    captions = [str(image.proto) for image in no_trouble(page).image]
    weight = mixing.draw_weight(1.0, 8)
    assert any(f"CutMix, weight {weight:.2f}" in caption for caption in captions)


def test_every_way_out_of_uneven_classes(open_page):
    page = open_page("augmentation")
    for strategy in data_sets.STRATEGIES:
        page.radio(key="augmentation.strategy").set_value(strategy).run()
        caption = next(c.value for c in no_trouble(page).caption if c.value.startswith("Always answering"))
        assert ("99.0%" in caption) is (strategy == "as it is")


def upload(name: str, data: bytes):
    return (name, data, "application/octet-stream")


def make_zip(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_a_zip_of_class_folders_becomes_a_batch(open_page):
    pixel = images.png(images.sample("coffee")[:30, :40])
    files = {f"{name}/{number}.png": pixel for name in ("panda", "cat", "dog") for number in range(3)}
    page = open_page("augmentation")
    page.file_uploader(key="augmentation.folders").upload(
        *upload("animals.zip", make_zip({**files, "../evil.png": pixel}))
    ).run()
    no_trouble(page)
    assert any("**0** cat (3), **1** dog (3), **2** panda (3)" in text.value for text in page.markdown)
    assert any("outside the archive" in caption.value for caption in page.caption)
    assert any(f"{1 / 3:.1%}" in c.value for c in page.caption), "the class balance takes the folders' counts"
    page.radio(key="augmentation.mode").set_value("binary").run()
    assert any(c.value == "y = (0 0 0 1 1 1 2 2 2)" for c in no_trouble(page).code)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty"),
        (b"not a zip", "not a ZIP"),
        (make_zip({"cat/1.png": bytes(9_000_000)}), "times its size"),
        (make_zip({"readme.txt": b"x"}), "no folder with pictures"),
        (make_zip({"cat/": b""}), "no picture"),
    ],
)
def test_hostile_zips_are_a_sentence(open_page, data, words):
    page = open_page("augmentation", {"batch": "6"})
    page.file_uploader(key="augmentation.folders").upload(*upload("x.zip", data)).run()
    assert any(words in warning.value for warning in no_trouble(page).warning)
    assert page.select_slider(key="augmentation.batch").value == 6
    assert any("rocket" in text.value for text in page.markdown), "the small set stays"


def test_a_pipeline_comes_back_from_its_json(open_page):
    page = open_page("augmentation")
    wanted = Pipeline.from_json(
        json.dumps({"format": 1, "fill_mode": "wrap", "steps": [{"kind": "hue", "settings": {"factor": 0.5}}]})
    )
    page.file_uploader(key="augmentation.recipe").upload(*upload("pipeline.json", wanted.to_json().encode())).run()
    no_trouble(page)
    assert (
        page.pills(key="augmentation.steps").value == ["hue"]
        and page.slider(key="augmentation.hue_factor").value == 0.5
    )
    assert page.selectbox(key="augmentation.fill").value == "wrap"


def test_a_bad_json_keeps_the_controls(open_page):
    page = open_page("augmentation", {"rotation_degrees": "77"})
    page.file_uploader(key="augmentation.recipe").upload(
        *upload("x*.json", b'{"format": 1, "steps": [{"kind": "magic"}]}')
    ).run()
    assert any("no transform" in warning.value for warning in no_trouble(page).warning)
    assert page.slider(key="augmentation.rotation_degrees").value == 77


def test_a_zip_of_variants(open_page):
    page = open_page("augmentation")
    page.number_input(key="augmentation.zip_count").set_value(3).run()
    next(b for b in page.button if b.label == "Make the ZIP").click().run()
    no_trouble(page)
    count, data = page.session_state["augmentation.zip"]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == [f"variant_{number:03d}.png" for number in (1, 2, 3)]
        first = images.load(archive.read("variant_001.png"))
    assert count == 3 and first.shape == images.shrink(images.sample("cat"), 224).shape
