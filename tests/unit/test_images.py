import numpy as np
import pytest
from PIL import Image

from cnndemo import images, tones
from tests.conftest import encode


def test_bad_files_are_refused_with_a_sentence(bad_files):
    for name, data in bad_files.items():
        with pytest.raises(images.ImageError) as caught:
            images.load(data)
        assert str(caught.value).endswith("."), name
        assert len(str(caught.value)) > 30, name


def test_a_bomb_is_refused_before_it_is_decoded(bad_files, monkeypatch):
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("was decoded"))
    with pytest.raises(images.ImageError, match="megapixels"):
        images.load(bad_files["bomb.png"])


def test_odd_files_become_rgb(odd_files):
    for name, data in odd_files.items():
        image = images.load(data)
        assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3, name


def test_one_pixel_keeps_its_colour(odd_files):
    assert images.load(odd_files["one_pixel.png"]).tolist() == [[[10, 20, 30]]]


def test_exif_orientation_is_obeyed(odd_files, photo):
    assert images.load(odd_files["rotated.jpg"]).shape[:2] == photo.shape[1::-1]


def test_transparency_is_laid_on_white(odd_files):
    assert (images.load(odd_files["transparent.png"]) == 255).all()


def test_deep_gray_keeps_its_gradient(odd_files):
    row = images.load(odd_files["deep_gray.png"])[0, :, 0].astype(int)
    assert row[0] == 0 and row[-1] == 79 * 800 >> 8 and (np.diff(row) >= 0).all()


def test_cmyk_keeps_its_colours(odd_files, photo):
    difference = np.abs(images.load(odd_files["cmyk.jpg"]).astype(int) - photo)
    assert np.median(difference) < 12


def test_an_animation_gives_its_first_frame(odd_files, photo):
    difference = np.abs(images.load(odd_files["animated.gif"]).astype(int) - photo)
    assert np.median(difference) < 30


def test_long_sides_shrink_and_stay_in_proportion():
    wide = images.load(encode(Image.new("RGB", (4000, 1000)), "JPEG"))
    assert wide.shape == (400, 1600, 3)
    thin = images.load(encode(Image.new("RGB", (9000, 2)), "PNG"))
    assert thin.shape == (1, 1600, 3)


def test_a_photo_is_decoded_at_half_its_size(monkeypatch):
    decoded, shrink = [], tones.shrink
    monkeypatch.setattr(tones, "shrink", lambda size, *given: decoded.append(size) or shrink(size, *given))
    photo, lying = Image.fromarray(np.tile(np.arange(200, dtype=np.uint8), (3000, 20))), Image.Exif()
    lying[0x0112] = 6
    image = images.load(encode(photo, "JPEG", exif=lying))
    assert decoded == [(2000, 1500)]
    assert image.shape == (1600, 1200, 3)
    assert abs(image.mean() - np.asarray(photo).mean()) < 1


def test_letterbox_keeps_proportions_and_says_where(photo):
    square, (top, left, height, width) = images.letterbox(photo, 128, fill=7)
    assert square.shape == (128, 128, 3) and (height, width) == (96, 128) and (top, left) == (16, 0)
    assert (square[:top] == 7).all() and (square[top + height :] == 7).all()


def test_png_round_trip(photo):
    assert (images.load(images.png(photo)) == photo).all()


def test_gray_is_luma():
    pixel = np.array([[[255, 0, 0]]], dtype=np.uint8)
    assert images.to_gray(pixel).tolist() == [[76]]
    assert images.to_gray(images.to_gray(pixel)).tolist() == [[76]]


def test_enlarge_repeats_pixels():
    assert images.enlarge(np.array([[1, 2]]), 2).tolist() == [[1, 1, 2, 2], [1, 1, 2, 2]]


def test_samples_are_there_and_cannot_be_changed():
    for name in images.SAMPLES:
        image = images.sample(name)
        assert min(image.shape[:2]) > 100
        with pytest.raises(ValueError):
            image[0, 0] = 0


def test_every_sample_is_credited():
    credits = (images.SAMPLES_DIR / "README.md").read_text(encoding="utf-8")
    for file in images.SAMPLES_DIR.iterdir():
        assert file.name == "README.md" or f"`{file.name}`" in credits


def test_digits_are_five_hundred_of_each():
    x, y = images.digits()
    assert x.shape == (5000, 28, 28) and np.bincount(y).tolist() == [500] * 10
