"""ZIPs of class folders: read as the book's generator reads a folder, and safe against whatever a stranger brings."""

import io
import struct
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cnndemo import archives
from cnndemo.archives import ArchiveError, read_class_folders


def picture(color=(200, 30, 30), size=(20, 12)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, color).save(buffer, "PNG")
    return buffer.getvalue()


def pack(files: dict[str, bytes], compression=zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


BOOK = {f"{name}/{number}.png": picture() for name in ("panda", "cat", "dog") for number in (1, 2, 3)}


def test_the_books_cats_dogs_and_pandas():
    folders = read_class_folders(pack(BOOK))
    assert folders.class_names == ("cat", "dog", "panda")
    assert folders.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    expected = np.repeat(np.eye(3), 3, axis=0)
    assert np.array_equal(archives.one_hot(folders.labels, 3), expected)
    assert folders.counts == {"cat": 3, "dog": 3, "panda": 3}
    assert folders.notes == ()


def test_agrees_with_keras_on_a_folder(tmp_path):
    import keras

    names = {"zebra": 2, "ant": 3, "bee": 1}
    files = {f"{c}/{i}.png": picture((i * 40, len(c) * 20, 99), (9, 7)) for c, n in names.items() for i in range(n)}
    for name, data in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)
    expected = keras.utils.image_dataset_from_directory(
        tmp_path, image_size=(7, 9), batch_size=99, shuffle=False, label_mode="int", verbose=False
    )
    pixels, labels = next(iter(expected))
    folders = read_class_folders(pack(files))
    batch = next(folders.batches(99, (7, 9)))
    assert list(folders.class_names) == expected.class_names
    assert batch.labels.tolist() == labels.numpy().tolist()
    assert np.array_equal(batch.images, pixels.numpy())


def test_batches_cover_all_files_once_and_are_resized():
    folders = read_class_folders(pack(BOOK))
    batches = list(folders.batches(4, (10, 6)))
    assert [len(batch.images) for batch in batches] == [4, 4, 1]
    assert all(batch.images.shape[1:] == (10, 6, 3) and batch.images.dtype == np.uint8 for batch in batches)
    assert np.concatenate([batch.labels for batch in batches]).tolist() == folders.labels.tolist()
    shuffled = np.concatenate([batch.labels for batch in folders.batches(4, (10, 6), seed=1)])
    assert shuffled.tolist() != folders.labels.tolist() and sorted(shuffled) == sorted(folders.labels)


def test_only_one_batch_is_decoded_at_a_time(monkeypatch):
    decoded = []
    original = archives.images.load
    monkeypatch.setattr(archives.images, "load", lambda data: decoded.append(1) or original(data))
    batches = read_class_folders(pack(BOOK)).batches(2, (4, 4))
    assert decoded == []
    next(batches)
    assert len(decoded) == 2


def test_wrapping_folder_and_deeper_folders():
    files = {"train/cat/1.png": picture(), "train/cat/more/2.png": picture(), "train/dog/1.JPG": picture()}
    folders = read_class_folders(pack(files))
    assert folders.counts == {"cat": 2, "dog": 1}
    assert [file.name for file in folders.files] == ["1.png", "more/2.png", "1.JPG"]


def test_two_top_folders_are_classes_even_when_they_hold_folders():
    assert read_class_folders(pack({"a/x/1.png": picture(), "b/y/1.png": picture()})).class_names == ("a", "b")


def test_hidden_files_are_ignored_without_a_word():
    files = {**BOOK, "__MACOSX/cat/._1.png": b"x", "cat/.DS_Store": b"x", ".git/config": b"x"}
    folders = read_class_folders(pack(files))
    assert folders.notes == () and folders.class_names == ("cat", "dog", "panda")


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("../../cat/evil.png", picture(), "outside"),
        ("/etc/cat/evil.png", picture(), "outside"),
        ("..\\cat\\evil.png", picture(), "outside"),
        ("C:\\cat\\evil.png", picture(), "outside"),
        ("readme.png", picture(), "no class folder"),
        ("cat/notes.txt", b"hello", "not a picture"),
        ("cat/inner.zip", pack({"a.txt": b"x"}), "not a picture"),
        ("bird/", b"", "no picture"),
    ],
)
def test_what_does_not_fit_is_left_out_and_named(name, data, words):
    folders = read_class_folders(pack({**BOOK, name: data}))
    assert len(folders) == 9 and folders.class_names == ("cat", "dog", "panda")
    assert len(folders.notes) == 1 and words in folders.notes[0]


def test_a_broken_picture_is_skipped_and_named(bad_files):
    files = {**BOOK, **{f"cat/{name}": data for name, data in bad_files.items()}}
    folders = read_class_folders(pack(files))
    batch = next(folders.batches(50, (4, 4)))
    assert len(batch.images) == 9
    assert len(batch.skipped) == len(bad_files)
    assert any("text.png" in sentence for sentence in batch.skipped)
    with pytest.raises(ArchiveError, match="bomb.png"):
        folders.image([file.name for file in folders.files].index("bomb.png"))


def test_a_batch_of_broken_pictures_is_empty():
    batch = next(read_class_folders(pack({"cat/1.png": b"no"})).batches(4, (5, 6)))
    assert batch.images.shape == (0, 5, 6, 3) and len(batch.skipped) == 1


@pytest.mark.parametrize("data", [b"", b"not a zip at all", b"PK\x03\x04" + bytes(50), pack(BOOK)[:-30]])
def test_no_zip(data):
    with pytest.raises(ArchiveError, match=r"empty|not a ZIP"):
        read_class_folders(data)


def test_ratio_bomb_is_refused_unopened():
    with pytest.raises(ArchiveError, match="times its size"):
        read_class_folders(pack({"cat/1.png": bytes(20_000_000)}))


def test_total_is_bounded():
    files = {f"cat/{number}.png": np.random.default_rng(number).bytes(40_000) for number in range(5)}
    with pytest.raises(ArchiveError, match="unpacks to more"):
        read_class_folders(pack(files), max_total_bytes=150_000)
    assert len(read_class_folders(pack(files), max_total_bytes=250_000)) == 5


def test_number_of_entries_is_bounded():
    files = {f"cat/{number}.png": b"" for number in range(60)}
    with pytest.raises(ArchiveError, match="more than 50 files"):
        read_class_folders(pack(files), max_entries=50)


def test_number_of_classes_is_bounded():
    files = {f"class{number}/1.png": b"x" for number in range(archives.MAX_CLASSES + 1)}
    with pytest.raises(ArchiveError, match="class folders; at most"):
        read_class_folders(pack(files))


def test_a_lie_about_the_size_unpacks_no_more_than_announced():
    content = bytes(5_000_000)
    data = bytearray(pack({"cat/1.png": content}))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(signature) + offset
        data[at : at + 4] = struct.pack("<I", 10)
    batch = next(read_class_folders(bytes(data)).batches(1, (4, 4)))
    assert len(batch.images) == 0 and len(batch.skipped) == 1


def test_a_password_is_refused():
    data = bytearray(pack({"cat/1.png": picture()}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    with pytest.raises(ArchiveError, match="password"):
        read_class_folders(bytes(data))


def test_no_class_folder_says_why():
    with pytest.raises(ArchiveError, match=r"no class folder.*cat/1\.jpg"):
        read_class_folders(pack({"a.png": picture(), "b.png": picture()}))


def test_one_class_is_too_few_for_a_classifier():
    with pytest.raises(ArchiveError, match="at least 2"):
        read_class_folders(pack({"cat/1.png": picture()}), min_classes=2)


def test_names_are_made_harmless():
    folders = read_class_folders(pack({"<b>*c*</b>" + "x" * 200 + "/[1](2).png": picture()}))
    assert len(folders.class_names[0]) <= 80
    assert not set("<>*[]`|$") & set(folders.class_names[0] + folders.files[0].name)


@pytest.mark.parametrize(("batch_size", "size"), [(0, (4, 4)), (1, (0, 4))])
def test_impossible_batches(batch_size, size):
    with pytest.raises(archives.VisitorError, match="at least 1"):
        next(read_class_folders(pack(BOOK)).batches(batch_size, size))


def test_pack_and_read_back():
    pictures = {f"{c}/{n}": np.full((5, 4, 3), n, np.uint8) for c in ("a", "b") for n in range(2)}
    folders = read_class_folders(archives.pack(pictures.items()))
    assert [np.unique(folders.image(index)).tolist() for index in range(4)] == [[0], [1], [0], [1]]


def test_packing_is_bounded():
    noise = np.random.default_rng(0).integers(0, 256, (50, 50, 3), dtype=np.uint8)
    taken = []

    def pictures():
        for number in range(1000):
            taken.append(number)
            yield str(number), noise

    with pytest.raises(ArchiveError, match="fewer or smaller"):
        archives.pack(pictures(), max_bytes=40_000)
    assert len(taken) < 10


WHOLE = pack(BOOK)


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), max_size=12), st.integers(0, len(WHOLE))
)
def test_damage_never_gets_past_a_sentence(changes, end):
    data = bytearray(WHOLE)
    for position, value in changes:
        data[position] = value
    try:
        folders = read_class_folders(bytes(data[:end] if end < len(WHOLE) // 8 else data))
        for batch in folders.batches(4, (3, 3)):
            assert len(batch.images) + len(batch.skipped) <= 4
    except archives.VisitorError as error:
        assert str(error)


# Names


def raw(names: list[bytes], flag: int = 0, extra: bytes = b"") -> bytes:
    """A ZIP, stored, whose names are these bytes."""
    listed, body = b"", b""
    for number, name in enumerate(names):
        data = picture((number, 0, 0))
        about = struct.pack("<HHHHHIII", 20, flag, 0, 0, 33, zlib.crc32(data), len(data), len(data))
        about += struct.pack("<HH", len(name), len(extra))
        listed += b"PK\x01\x02" + struct.pack("<H", 20) + about + struct.pack("<HHHII", 0, 0, 0, 0, len(body))
        listed += name + extra
        body += b"PK\x03\x04" + about + name + extra + data
    end = struct.pack("<HHHHIIH", 0, 0, len(names), len(names), len(listed), len(body), 0)
    return body + listed + b"PK\x05\x06" + end


@pytest.mark.parametrize(
    ("coding", "names"),
    [
        ("utf-8", ("Käfer", "Vögel")),
        ("utf-8", ("猫", "犬")),
        ("cp437", ("Käfer", "Vögel")),
        ("cp850", ("Øl", "blåbær")),
        ("cp932", ("犬", "猫")),
        ("cp932", ("いぬ", "ネコ")),
        ("gbk", ("狗", "猫")),
        ("cp866", ("кошка", "собака")),
        ("cp1251", ("кошка", "собака")),
    ],
)
def test_names_without_a_flag_are_read_in_the_coding_of_their_computer(coding, names):
    folders = read_class_folders(raw([f"{name}/1.png".encode(coding) for name in names]))
    assert set(folders.class_names) == set(names)
    assert len(next(folders.batches(9, (4, 4))).images) == 2


def test_the_flag_and_the_unicode_field_are_believed():
    assert read_class_folders(raw(["Käfer/1.png".encode()], flag=0x800)).class_names == ("Käfer",)
    field = "Käfer/1.png".encode()
    extra = struct.pack("<HHBI", 0x7075, 5 + len(field), 1, 0) + field
    assert read_class_folders(raw([b"K\xfffer/2.png"], extra=extra)).class_names == ("Käfer",)


def test_a_flag_that_lies_costs_neither_the_archive_nor_the_picture():
    folders = read_class_folders(raw([b"c\xffat/1.png", b"dog/1.png"], flag=0x800))
    assert len(folders.class_names) == 2 and "dog" in folders.class_names
    assert len(next(folders.batches(9, (4, 4))).images) == 2


def test_composed_and_decomposed_names_are_one_class():
    folders = read_class_folders(pack({"Ka\u0308fer/1.png": picture(), "K\u00e4fer/2.png": picture()}))
    assert folders.counts == {"K\u00e4fer": 2}


def test_long_names_and_names_that_are_cleaned_never_merge():
    long = "x" * 200
    names = [long, long + "y", long + "z", "a*b", "a_b", "a|b"]
    folders = read_class_folders(pack({f"{name}/1.png": picture() for name in names}))
    assert len(folders.class_names) == len(names) and max(map(len, folders.class_names)) <= 40


# Which folders are classes


@pytest.mark.parametrize(
    ("names", "counts", "stray"),
    [
        (["a/b/c/cat/1.png", "a/b/c/dog/1.png"], {"cat": 1, "dog": 1}, 0),
        (["train/cat/1.png", "train/dog/1.png", "README.txt"], {"cat": 1, "dog": 1}, 1),
        (["set/cat/1.png", "set/cat/2.png", "set/dog/1.png", "set/cover.png"], {"cat": 2, "dog": 1}, 1),
        (["set/cat/1.png", "set/dog/1.png", "set/labels.csv", "notes.md"], {"cat": 1, "dog": 1}, 1),
        (["cat/tabby/1.png", "cat/siamese/1.png", "dog/pug/1.png"], {"cat": 2, "dog": 1}, 0),
        (["cat/1.png", "dog/1.png", "cover.png"], {"cat": 1, "dog": 1}, 1),
        (["train/1.png", "car/1.png"], {"train": 1, "car": 1}, 0),
        (["train/cat/1.png", "train/dog/1.png", "test/0001.png"], {"cat": 1, "dog": 1}, 1),
        (["./cat/1.png", "./dog/1.png"], {"cat": 1, "dog": 1}, 0),
        (["cat\\1.png", "dog\\1.png"], {"cat": 1, "dog": 1}, 0),
    ],
)
def test_classes_at_any_depth(names, counts, stray):
    folders = read_class_folders(pack({name: picture() for name in names}))
    assert folders.counts == counts and folders.splits == ()
    assert len(folders.notes) == stray, folders.notes


def test_splits_are_known_and_offered():
    names = ["data/train/cat/1.png", "data/train/cat/2.png", "data/train/dog/1.png", "data/val/cat/3.png"]
    folders = read_class_folders(pack({name: picture((index, 9, 9)) for index, name in enumerate(names)}))
    assert folders.splits == ("train", "val") and folders.counts == {"cat": 3, "dog": 1}
    assert "“train” with 3, “val” with 1" in folders.notes[-1]
    assert folders.of("train").counts == {"cat": 2, "dog": 1} and folders.of("val").counts == {"cat": 1}
    assert folders.of("val").image(0)[0, 0].tolist() == [3, 9, 9]


def test_two_entries_of_one_name_are_two_pictures():
    folders = read_class_folders(raw([b"cat/1.png", b"cat/1.png"]))
    assert sorted(folders.image(index)[0, 0, 0] for index in range(2)) == [0, 1]


def test_pictures_by_other_endings_or_none():
    buffer = io.BytesIO()
    Image.new("RGB", (9, 9), (200, 0, 0)).save(buffer, "JPEG")
    files = {"cat/1": picture(), "cat/2.jfif": buffer.getvalue(), "cat/notes": b"text"}
    files["cat/3.jxl"] = b"\xff\x0a" + bytes(50)
    folders = read_class_folders(pack(files))
    batch = next(folders.batches(9, (4, 4)))
    assert len(batch.images) == 2 and "notes" in folders.notes[0] and "JPEG XL" in batch.skipped[0]


def test_links_and_other_archives_are_named():
    link = zipfile.ZipInfo("cat/1.png")
    link.external_attr = 0o120777 << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(link, b"/etc/passwd")
        archive.writestr("cat/2.png", picture())
    folders = read_class_folders(buffer.getvalue())
    assert len(folders) == 1 and "link" in folders.notes[0]
    with pytest.raises(ArchiveError, match="RAR"):
        read_class_folders(b"Rar!\x1a\x07\x00" + bytes(100))


def test_a_way_of_packing_that_is_unknown_here_is_said():
    data = raw([b"cat/1.png"]).replace(struct.pack("<HHHHH", 20, 0, 0, 0, 33), struct.pack("<HHHHH", 20, 0, 9, 0, 33))
    batch = next(read_class_folders(data).batches(1, (4, 4)))
    assert "cannot be unpacked" in batch.skipped[0]


def test_no_mutant_gets_past_a_sentence():
    random = np.random.default_rng(0)
    whole = bytearray(raw(["train/K\u00e4fer/1.png".encode("cp437"), b"train/dog/2.png", b"val/dog/3"]))
    for _ in range(600):
        data = bytearray(whole)
        for place in random.integers(0, len(data), random.integers(1, 9)):
            data[place] = random.integers(256)
        try:
            for _ in read_class_folders(bytes(data)).batches(4, (3, 3)):
                pass
        except archives.VisitorError as error:
            assert str(error)
