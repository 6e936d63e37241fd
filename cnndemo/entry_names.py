"""Names inside ZIP files: by the UTF-8 flag, else UTF-8 if it decodes, else the code page of the computer that packed.

A ZIP does not say which code page that was. All names of the archive decide together: each code page is scored by how
usual the letters are that it makes of them.
"""

from __future__ import annotations

import struct
import unicodedata
import zipfile
from collections.abc import Sequence
from contextlib import suppress

UTF8_FLAG = 0x800
_UNICODE_PATH = 0x7075  # Info-ZIP's extra field with the name in UTF-8
#: How the headers of a file begin, in the list and before its bytes, and where flags, length of the name and name are.
_HEADERS = ((b"PK\x01\x02", 8, 28, 46), (b"PK\x03\x04", 6, 26, 30))
_COMMON_CYRILLIC = set("оеаинтсрвлкмдпуяыбг")
#: In order of preference where two are as likely.
_CODE_PAGES = ("cp437", "cp850", "cp1252", "cp932", "gbk", "cp949", "big5", "cp866", "cp1251")


def decoded(entries: Sequence[zipfile.ZipInfo]) -> list[str]:
    """The name of each entry, composed (NFC)."""
    known = [_certain(entry) for entry in entries]
    rest = {entry.orig_filename for entry, name in zip(entries, known, strict=True) if name is None}
    read = _read_together({name: name.encode("cp437", "replace") for name in rest})
    names = (read[entry.orig_filename] if name is None else name for entry, name in zip(entries, known, strict=True))
    return [unicodedata.normalize("NFC", name.split("\0")[0]) for name in names]


def _certain(entry: zipfile.ZipInfo) -> str | None:
    """The name where the archive tells its coding."""
    if entry.flag_bits & UTF8_FLAG or entry.orig_filename.isascii():
        return entry.orig_filename
    return _unicode_path(entry.extra) or None


def _read_together(names: dict[str, bytes]) -> dict[str, str]:
    """Names, by what zipfile made of them, all in one coding: UTF-8 if that is what most are in, else a code page."""
    as_utf8 = {}
    for name, raw in names.items():
        with suppress(UnicodeDecodeError):
            as_utf8[name] = raw.decode("utf-8")
    if len(as_utf8) <= len(names) / 2:
        as_utf8 = {}
    rest = [raw for name, raw in names.items() if name not in as_utf8]
    page = code_page(rest) if rest else ""
    return {name: as_utf8[name] if name in as_utf8 else raw.decode(page, "replace") for name, raw in names.items()}


def _unicode_path(extra: bytes) -> str:
    """The name in Info-ZIP's field, "" if there is none."""
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack("<HH", extra[at : at + 4])
        if kind == _UNICODE_PATH and size > 5:
            return extra[at + 9 : at + 4 + size].decode("utf-8", "ignore")
        at += 4 + size
    return ""


def code_page(names: Sequence[bytes]) -> str:
    """The likeliest code page of names that are not UTF-8."""
    parts = [part for name in names for part in name.replace(b"\\", b"/").split(b"/") if not part.isascii()][:500]
    scores = {page: sum(_likely(part, page) for part in parts) for page in _CODE_PAGES}
    return max(_CODE_PAGES, key=lambda page: round(scores[page], 6))


def _likely(part: bytes, page: str) -> float:
    """0 to 1: how usual the letters are that a code page makes of a name."""
    try:
        text = part.decode(page)
    except UnicodeDecodeError:
        return -1.0
    stem = text.rsplit(".", 1)[0]
    odd = [letter for letter in stem if not letter.isascii()]
    if not odd:
        return 0.0
    value = sum(_usual(letter, page) for letter in odd) / len(odd)
    plain = sum(letter.isascii() and letter.isalpha() for letter in stem)
    # In European words most letters are plain ones, and none stands in the middle of small ones in capitals.
    strange = plain <= len(odd) or any(a.islower() and b.isupper() for a, b in zip(stem, stem[1:], strict=False))
    return 0.5 * value if page in ("cp437", "cp850", "cp1252") and strange else value


def _usual(letter: str, page: str) -> float:
    if page in ("cp866", "cp1251"):
        if not "а" <= letter.lower() <= "я":
            return 0.0
        return 0.9 if letter.lower() in _COMMON_CYRILLIC else 0.4
    if page in ("cp437", "cp850", "cp1252"):
        return {"cp437": 1.0, "cp850": 0.99, "cp1252": 0.95}[page] if letter.isalpha() and letter < "\u0250" else 0.0
    raw = letter.encode(page, "replace")
    if page == "cp932":  # kana, and the 2,965 kanji of the first level
        first_level = len(raw) == 2 and 0x889F <= int.from_bytes(raw) <= 0x9872
        return 1.0 if first_level or "\u3041" <= letter <= "\u30fe" else 0.1
    if len(raw) != 2:
        return 0.1
    first, second = raw
    levels = {"gbk": (0xB0, 0xD7, 0.98), "cp949": (0xB0, 0xC8, 0.9), "big5": (0xA4, 0xC6, 0.8)}
    low, high, value = levels[page]
    return value if low <= first <= high and (page == "big5" or second >= 0xA1) else 0.2


def without_false_flags(data: bytes) -> bytes:
    """The archive with the UTF-8 flag taken off names that are not; Python's zipfile refuses the whole otherwise."""
    mended = bytearray(data)
    for start, flags_at, length_at, name_at in _HEADERS:
        at = data.find(start)
        while 0 <= at <= len(data) - name_at:
            (flags,), (length,) = (struct.unpack_from("<H", data, at + where) for where in (flags_at, length_at))
            try:
                data[at + name_at : at + name_at + length].decode("utf-8")
            except UnicodeDecodeError:
                struct.pack_into("<H", mended, at + flags_at, flags & ~UTF8_FLAG)
            at = data.find(start, at + 4)
    return bytes(mended)
