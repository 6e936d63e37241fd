"""Files as strangers bring them: cut off, animated, with thumbnails, in formats that only have a name here."""

import base64
import importlib.util
import io
import os
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import tifffile
from PIL import Image

from cnndemo import decoding, images
from tests.conftest import ROOT, encode, png_header_of


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    rows, columns = np.mgrid[0:240, 0:320]
    noise = np.random.default_rng(0).integers(-20, 20, (240, 320))
    return np.clip(np.stack([rows, columns * 0.7, 255 - rows], -1) + noise[..., None], 0, 255).astype(np.uint8)


def tiff(*pages: tuple[np.ndarray, dict]) -> bytes:
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        for array, options in pages:
            writer.write(array, **options)
    return buffer.getvalue()


# Cut off


@pytest.mark.parametrize("options", [{"kind": "PNG"}, {"kind": "JPEG", "quality": 90}, {"kind": "BMP"}])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_cut_file_is_shown_as_far_as_it_goes(picture, options, share):
    data = encode(Image.fromarray(picture), **options)
    loaded = images.read(data[: int(share * len(data))])
    assert loaded.image.shape == picture.shape and loaded.notes == (decoding.CUT,)
    rows = slice(-20, None) if options["kind"] == "BMP" else slice(0, 20)  # a BMP begins below
    assert np.abs(loaded.image[rows].astype(int) - picture[rows]).mean() < 12


def test_a_cut_progressive_jpeg_is_shown_whole_but_blurred(picture):
    data = encode(Image.fromarray(picture), "JPEG", progressive=True, quality=90)
    loaded = images.read(data[: len(data) // 2])
    assert loaded.notes == (decoding.CUT,)
    assert np.abs(loaded.image.astype(int) - picture).mean() < 20


@pytest.mark.parametrize("missing", [1, 2, 3, 22])
def test_a_jpeg_whose_last_bytes_are_missing_is_shown(picture, missing):
    data = encode(Image.fromarray(picture), "JPEG", quality=90)
    assert np.abs(images.load(data[:-missing]).astype(int) - images.load(data)).mean() < 3


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_file_cut_before_its_first_row_is_refused(picture, kind):
    with pytest.raises(images.ImageError, match="damaged or cut off"):
        images.load(encode(Image.fromarray(picture), kind)[:40])


def test_a_whole_file_has_no_note(picture):
    for kind in ("PNG", "JPEG", "WEBP", "AVIF", "BMP", "TIFF", "GIF"):
        assert images.read(encode(Image.fromarray(picture), kind)).notes == (), kind


# Which picture of a file


def test_an_animation_begins_behind_its_hidden_default_image():
    red, green, blue = (Image.new("RGB", (12, 8), color) for color in ("red", "lime", "blue"))
    hidden = encode(red, "PNG", save_all=True, default_image=True, append_images=[green, blue])
    assert images.load(hidden)[0, 0].tolist() == [0, 255, 0]
    shown = encode(red, "PNG", save_all=True, append_images=[green, blue])
    assert images.load(shown)[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("first", [{"subfiletype": 1}, {"extratags": [(255, 3, 1, 2, True)]}])
def test_the_full_page_of_a_tiff_not_its_thumbnail(first):
    small, full = np.zeros((16, 16, 3), np.uint8), np.full((20, 30, 3), 200, np.uint8)
    data = tiff((small, {"photometric": "rgb"} | first), (full, {"photometric": "rgb"}))
    image = images.load(data)
    assert image.shape == (20, 30, 3) and (image == 200).all()


def test_a_tiff_of_thumbnails_only_gives_the_largest():
    pages = [
        (np.full((side, side, 3), side, np.uint8), {"photometric": "rgb", "subfiletype": 1}) for side in (9, 30, 20)
    ]
    assert images.load(tiff(*pages)).shape == (30, 30, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_in_every_format(kind, orientation):
    upright = np.zeros((40, 60, 3), np.uint8)
    upright[:20, :30] = 200
    upright[20:, 30:] = 90
    undo = {6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270} | {
        turn: way for turn, way in images.TURNS.items() if turn not in (6, 8)
    }
    stored = Image.fromarray(upright)
    stored = stored.transpose(undo[orientation]) if orientation > 1 else stored
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = images.load(encode(stored, kind, exif=exif))
    assert image.shape == upright.shape
    assert np.abs(image.astype(int) - upright).mean() < 8


# What has only a name here


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"\xff\x0a", "JPEG XL.*export"),
        (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL.*export"),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"FUJIFILMCCD-RAW 0201", "RAW.*RAF.*export"),
        (b"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01crx isom", "RAW.*CR3"),
        (b"II*\x00\x10\x00\x00\x00CR\x02\x00", "RAW.*CR2"),
        (b"IIU\x00\x18\x00\x00\x00", "RAW.*RW2"),
        (b"8BPS", "Photoshop"),
        (b"%PDF-1.7", "PDF"),
        (b'<?xml version="1.0"?><svg width="9">', "SVG"),
    ],
)
def test_a_format_that_cannot_be_read_is_named(start, words):
    with pytest.raises(images.ImageError, match=words):
        images.load(start + bytes(100))


def test_a_heic_that_cannot_be_read_is_named(monkeypatch):
    monkeypatch.setattr(decoding, "HEIF", False)
    with pytest.raises(images.ImageError, match="HEIC.*iPhones.*export"):
        images.load(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(50))


def test_raw_files_that_are_tiffs_too_are_named():
    sensor = np.zeros((64, 64), np.uint16)
    filters = [(33421, 3, 2, (2, 2), True), (33422, 1, 4, b"\0\1\1\2", True)]
    thumbnail = {"photometric": "rgb", "subfiletype": 1, "subifds": 1, "extratags": [(271, 2, 0, "NIKON CORP", True)]}
    nef = tiff((np.zeros((16, 16, 3), np.uint8), thumbnail), (sensor, {"photometric": 32803, "extratags": filters}))
    with pytest.raises(images.ImageError, match="RAW file \\(NEF\\)"):
        images.load(nef)
    with pytest.raises(images.ImageError, match="RAW file \\(DNG\\)"):
        images.load(tiff((sensor, {"extratags": [(50706, 1, 4, b"\1\4\0\0", True)]})))


def test_uploaders_offer_what_can_be_read():
    assert {"avif", "jfif", "webp", "tiff"} <= set(images.SUFFIXES)
    assert ("heic" in images.SUFFIXES) == bool(importlib.util.find_spec("pi_heif"))


# Bounds


def test_bytes_are_bounded_beside_pixels(monkeypatch, picture):
    monkeypatch.setattr(decoding, "MAX_BYTES", 1_000_000)  # the picture has 77,000 pixels
    assert images.load(encode(Image.fromarray(picture), "PNG")).shape == picture.shape
    with pytest.raises(images.ImageError, match="MB to unpack"):
        images.load(encode(Image.fromarray(picture), "WEBP"))  # takes 16 bytes a pixel
    one_strip = {"compression": "zlib", "rowsperstrip": 240, "photometric": "minisblack"}
    with pytest.raises(images.ImageError, match="MB to unpack"):
        images.load(tiff((np.ones((240, 600), np.float32), one_strip)))
    noise = np.random.default_rng(0).integers(0, 255, (400, 600), dtype=np.uint8)
    with pytest.raises(images.ImageError, match="MB to unpack"):
        images.load(encode(Image.fromarray(noise).convert("RGB"), "JPEG", progressive=True, subsampling=0))
    assert len(png_header_of(9000, 9000)) < 2000
    with pytest.raises(images.ImageError, match="megapixels"):
        images.load(png_header_of(9000, 9000))


LARGE = {
    "RGBA": "Image.new('RGBA', (7000, 7000), (10, 200, 30, 128)).save(buffer, 'PNG', compress_level=1)",
    "float": "tifffile.imwrite(buffer, np.ones((7000, 7000), np.float32), compression='zlib')",
    "LA": "Image.new('LA', (7000, 7000), (10, 200)).save(buffer, 'PNG', compress_level=1)",
}


@pytest.mark.skipif(not os.access("/proc/self/clear_refs", os.W_OK), reason="this system does not tell the peak")
@pytest.mark.parametrize("kind", LARGE)
def test_a_large_picture_takes_at_most_250_megabytes_more(kind, tmp_path):
    make = f"import io, sys, numpy as np, tifffile\nfrom PIL import Image\nbuffer = io.BytesIO()\n{LARGE[kind]}\n"
    make += "open(sys.argv[1], 'wb').write(buffer.getvalue())"
    look = """
        import sys, numpy as np
        from cnndemo import images
        def peak():
            return int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]) / 1024
        data = open(sys.argv[1], "rb").read()
        open("/proc/self/clear_refs", "w").write("5")
        before, shape = peak(), images.load(data).shape
        print(shape, peak() - before)
    """
    for code in (make, textwrap.dedent(look)):
        done = subprocess.run([sys.executable, "-c", code, tmp_path / "x"], capture_output=True, text=True, cwd=ROOT)
        assert not done.returncode, done.stderr
    shape, grown = done.stdout.rsplit(" ", 1)
    assert shape == "(1600, 1600, 3)" and float(grown) < 250


# HEIC


@pytest.mark.skipif(not decoding.HEIF, reason="pi-heif is not installed")
def test_a_heic_is_read():
    image = images.load(base64.b64decode(HEIC))
    assert image.shape == (100, 29, 3) and image.std() > 5


@pytest.mark.skipif(not decoding.HEIF, reason="pi-heif is not installed")
def test_a_damaged_heic_is_a_sentence():
    data = base64.b64decode(HEIC)
    for end in (20, 100, 400):
        with pytest.raises(images.ImageError):
            images.load(data[:end])


#: A grey ramp, 29 × 100 pixels of 10 bits; from the tests of pillow-heif (BSD-3-Clause).
HEIC = """
AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAWNtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAAA5waXRtAAAAAAAB
AAAAImlsb2MAAAAAREAAAQABAAAAAAGHAAEAAAAAAAACZQAAACNpaW5mAAAAAAABAAAAFWluZmUCAAAAAAEAAGh2YzEAAAAA42lwcnAAAADEaXBjbwAA
AHJodmNDAQQIAAAAAAAAAAAA//AA/Pz6+gAADwMgAAEAF0ABDAH//wQIAAADAJ34AAADAAD/ugJAIQABACdCAQEECAAAAwCd+AAAAwAA/8CCBp8rZbqr
prmwIAAAAwAgAAADACEiAAEABkQBwXGLEgAAABRpc3BlAAAAAAAAAEAAAABkAAAAKGNsYXAAAAAdAAAAAQAAAGQAAAAB////3QAAAAIAAAAAAAAAAgAA
AA5waXhpAAAAAAEKAAAAF2lwbWEAAAAAAAAAAQABBIECgwQAAAJtbWRhdAAAAmEoAa4LZz47VmxnySx7NDMf//5AIcnwscN5McCRsE35DNDPQJfYVCES
+NVol9kS+NVpEohdAD/E/T9+XXOiK7QmO5Mae7K1JoAASTw61utEEsxQkOP6yvmUQAAdBZm/Zn0F1tmK7d/ZV5NuVM7XooAMrQAADtJI3EHeuGAxKF7i
2LClgAAQ0HDGPdoT/Ua+ABjtS4s5OwA94oqLnaHFKWetmCflWUAAzUVHJGk483bEC2EI0gHrQAB0lB74EwLXZHflVeTo7GNPNT0NFr8AAD1IQVsGjyNm
OVfl8yfYxcAANE+XvhWoqNsH2cdc3quXsjgDUvrY+ci9w1yFUW5pXUQAJ9seR68OaEVlUJfvO/WEQADiMj49P8E9/ebxMwEFPcfo2G2sIZEAAHGW4xkZ
FnX43djkGh4HDoADsJXnPIGiQNMUXHc/c2ychgCWHUv1G6tctq9pdZPu6gAUjU4c90Xbe5SPbjhW4+sYACxW+BYl3PpmwmNClWxIZvrEvGAipQAAlvRP
fE1s97oJVHKm5kt7gAXipYHwVlZwAdIdDc/i1AmAASBexR9Bw4FFdgx7bfbZIAAew4gsIYWFSMPNaHl1extgAWm2+GQzM+OyNqkteSx3/4AAbeEB61Rt
ugfMpd6Let5duCngAADgMIpTOECKhiGlVmlxKOMADJRb9QZzv0+AxwmN6IZHbzwA0UP3c1v559DlReA//oAAw83jjPv7S6dY1Cy3A/kdwALxRu9+BK/l
66RAA5+5p4wEAOOoMRL4/iFsMNMX+NWfQnIAAbhodP6BkmaYbFQoefAmPsijW9I=
"""
