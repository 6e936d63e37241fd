"""Name the cat, teach two classes from uploads, test a third picture, and take the model home."""

import base64
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from cnndemo import images
from tests.browser.gallery import go, wait_idle
from tests.conftest import encode

# A camera that films one picture.
CAMERA = """
const canvas = document.createElement('canvas'), picture = new Image();
[canvas.width, canvas.height] = [640, 480];
picture.src = 'data:image/jpeg;base64,%s';
setInterval(() => canvas.getContext('2d').drawImage(picture, 0, 0, 640, 480), 50);
navigator.mediaDevices.getUserMedia = async () => canvas.captureStream(20);
"""


def crops(name: str, count: int) -> list[dict]:
    """Random crops of a sample as files to upload."""
    image, random = images.sample(name), np.random.default_rng(3)
    height, width = image.shape[:2]
    side = int(0.7 * min(height, width))
    files = []
    for number in range(count):
        top, left = random.integers(0, height - side), random.integers(0, width - side)
        data = images.png(image[top : top + side, left : left + side])
        files.append({"name": f"{name}_{number}.png", "mimeType": "image/png", "buffer": data})
    return files


def test_names_the_cat_and_shows_where_it_looked(visit):
    page = visit("resnet_transfer")
    page.get_by_text("EfficientNet-Lite0 says").first.wait_for()
    assert page.get_by_text("Class activation map for “tiger cat”").is_visible()
    heat = page.get_by_alt_text("bright where EfficientNet-Lite0 sees tiger cat")
    assert heat.evaluate("image => image.naturalWidth") >= 224
    assert page.get_by_test_id("stException").count() == 0


def test_a_click_on_a_bar_explains_that_class(visit):
    page = visit("resnet_transfer")
    page.get_by_text("Class activation map for “tiger cat”").wait_for()
    chart = page.locator("[class*=st-key-resnet_transfer-bars_]")
    fifth = chart.locator(".ytick text").first.text_content()  # from below; its bar is thinner than a pixel
    box = chart.locator(".barlayer .point path").last.bounding_box()
    page.mouse.click(box["x"] + 40, box["y"] + box["height"] / 2)
    expect(page.get_by_text(f"Class activation map for “{fifth}”")).to_be_visible()
    assert fifth != "tiger cat"


@pytest.mark.slow
def test_one_click_makes_a_head_that_cheats(visit):
    page = visit("resnet_transfer")
    page.get_by_text("Put the mark on each of its pictures").click()
    expect(page.get_by_text("nobody would notice")).to_be_visible()
    expect(page.get_by_alt_text(re.compile("no mark: read as"))).to_be_visible()
    assert page.get_by_test_id("stException").count() == 0


def test_teaches_two_classes_tests_a_third_picture_and_downloads_a_model_that_keras_loads(visit, tmp_path):
    import keras

    page = visit("resnet_transfer")
    page.get_by_role("button", name="My own classes").click()
    page.get_by_text("There is no class yet").wait_for()
    for label, sample in (("whiskers", "cat"), ("cup", "coffee")):
        wait_idle(page)
        name = page.get_by_label("Class", exact=True)
        name.fill(label)
        page.get_by_label("Pictures of this class").locator("input[type=file]").set_input_files(crops(sample, 3))
        page.get_by_text(f"{sample}_2.png").wait_for()
        page.get_by_role("button", name="Add to the class").click()
        page.get_by_text(f"{label} · 3").wait_for()
    wait_idle(page)
    metric = page.get_by_test_id("stMetric").filter(has_text="Right on pictures").get_by_test_id("stMetricValue")
    assert metric.inner_text().strip() == "6 of 6"
    page.get_by_test_id("stMain").get_by_role("radio", name="Coffee").or_(
        page.get_by_test_id("stMain").get_by_role("button", name="Coffee")
    ).last.click()
    wait_idle(page)
    page.get_by_alt_text("test picture coffee").wait_for()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Model (.keras)").click()
    path = tmp_path / "model.keras"
    waiting.value.save_as(path)
    model = keras.models.load_model(path)
    assert model.output_shape == (None, 2)
    from cnndemo.models import efficientnet_lite0

    cup = efficientnet_lite0.preprocess(images.sample("coffee")).astype(np.float32)
    assert int(np.asarray(model(cup[None]))[0].argmax()) == 1


def test_names_what_the_camera_sees_and_adds_it_to_a_class(context, visit):
    coffee = encode(Image.fromarray(images.sample("coffee")), "JPEG")
    context.add_init_script(CAMERA % base64.b64encode(coffee).decode())
    page = visit("resnet_transfer")
    page.get_by_text("Camera", exact=True).first.click()
    page.get_by_role("button", name="Take Photo").first.click()
    page.get_by_text("Class activation map for “espresso”").wait_for()
    wait_idle(page)
    page.get_by_text("Camera", exact=True).last.click()
    lesson = page.get_by_test_id("stCameraInput").last
    lesson.get_by_role("button", name="Take Photo").click()
    page.locator(".st-key-resnet_transfer-add_shot button").click()
    page.get_by_text("class 1 · 1").wait_for()
    assert page.get_by_test_id("stException").count() == 0


def test_a_click_on_a_cell_of_the_confusion_matrix_shows_its_pictures(visit):
    page = visit("resnet_transfer")
    chart = page.locator("[class*=st-key-resnet_transfer-confusion_]")
    chart.scroll_into_view_if_needed()
    cell = chart.locator(".scatterlayer .point").first
    box = cell.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    said = page.get_by_text(re.compile(r"^\d+ × “(.+)” answered “\1”:$"))
    expect(said).to_be_visible()
    count = int(said.inner_text().split()[0])
    pictures = page.get_by_alt_text(re.compile("^a picture of "))
    expect(pictures).to_have_count(min(count, 12))
    assert count > 0
    # By keys: another cell of the list.
    page.get_by_test_id("stSelectbox").filter(has_text="Pictures of a cell").get_by_role("combobox").focus()
    for key in ("ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    expect(page.get_by_text(re.compile(r"^\d+ × “(?!(.+)” answered “\1”).+:$"))).to_be_visible()


def test_two_visitors_teach_at_once_and_neither_sees_the_other(browser, server, visit):
    page = visit("resnet_transfer")
    other = browser.new_context()
    second = go(other.new_page(), f"{server}/resnet_transfer")
    for place, label in ((page, "mine"), (second, "yours")):
        place.get_by_role("button", name="My own classes").click()
        place.get_by_text("There is no class yet").wait_for()
        place.get_by_label("Class", exact=True).fill(label)
    for place, sample in ((page, "cat"), (second, "coffee")):
        place.get_by_label("Pictures of this class").locator("input[type=file]").set_input_files(crops(sample, 2))
        place.get_by_text(f"{sample}_1.png").wait_for()
        place.get_by_role("button", name="Add to the class").click()
    for place, own, foreign in ((page, "mine", "yours"), (second, "yours", "mine")):
        expect(place.get_by_text(f"{own} · 2")).to_be_visible()
        expect(place.get_by_text(f"{foreign} · 2")).to_have_count(0)
    other.close()


def test_fine_tuning_stops_at_a_click_and_else_tells_what_it_gained(visit):
    page = visit("resnet_transfer")
    start = page.get_by_role("button", name="Fine-tune the last block")
    stop = page.locator(".st-key-resnet_transfer-stop_tuning button")
    gained = page.get_by_text("9 pictures held out: frozen")
    start.click()
    expect(page.get_by_text("A process of its own starts")).to_be_visible()
    stop.click()
    expect(stop).to_have_count(0)
    wait_idle(page)
    assert gained.count() == 0, "it ran to its end"
    start.click()
    expect(gained).to_be_visible()
    expect(stop).to_have_count(0)
    assert page.get_by_text("Another visitor").count() == 0
