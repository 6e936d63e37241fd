"""Choosing a picture (sample, upload, camera) and showing one."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import streamlit as st
from PIL import Image

from cnndemo import images
from cnndemo.class_folders import readable
from cnndemo.images import ImageError
from cnndemo.ui.choices import one_of
from cnndemo.ui.frame import plain
from cnndemo.ui.session import state

OWN = "own_picture"  # the visitor's last picture, kept in this session's memory only
LONGEST_NAME = 80  # letters of a file's name; alt texts and captions say it
EVEN = 0.4  # share of pixels that are equal to the one beside them, from which on a picture is no photograph
PHOTOGRAPH = 64  # pixels of its short side, at least
_SAMPLE, _OWN, _UPLOAD, _CAMERA = "Sample", "Yours", "Upload", "Camera"


@dataclass(frozen=True)
class Picture:
    """A chosen picture.

    Attributes:
        image: uint8 (height, width, 3) RGB.
        name: what it shows, or its file's.
        source: "sample", "upload", "camera" or "draw".
        made_by: code that makes a sample which is none of `images.SAMPLES`.
    """

    image: np.ndarray
    name: str
    source: str
    made_by: str = ""

    @property
    def alt(self) -> str:
        """Words for those who cannot see it."""
        about = images.SAMPLES.get(self.name)
        return about.alt if about and self.source == "sample" else f"your picture {self.name}"

    @property
    def own(self) -> bool:
        """Whether the visitor brought or drew it."""
        return self.source != "sample"

    @property
    def code(self) -> str:
        """Python that gives its image where `images` is imported; what is the visitor's is read from a file."""
        if not self.own:
            return self.made_by or f"images.sample({json.dumps(self.name)})"
        name = self.name if "." in self.name else f"{self.name}.png"
        return f'images.load(open({json.dumps(name, ensure_ascii=False)}, "rb").read())'


def own_picture() -> Picture | None:
    """The picture that the visitor brought, on whichever page."""
    return st.session_state.get(OWN)


def pick_image(
    samples: Sequence[str] = ("cat", "coffee", "astronaut", "rocket", "motorcycle"),
    key: str = "picture",
    camera: bool = True,
    upload: bool = True,
    shared: bool = True,
    label: str = "Picture",
) -> Picture:
    """Let the visitor choose a picture; there is always one.

    The visitor's own picture of another page is taken first, so that one image goes through the whole book. A file that
    cannot be read shows a sentence and leaves the picture as it was.

    Args:
        samples: names from `images.SAMPLES`, the first is the default; the choice is kept in the link under `key`.
        key: prefix of the widgets' keys, unique on the page.
        camera, upload: whether these sources are offered.
        shared: take the visitor's own picture from other pages, and pass it on to them; off where a page asks for a
            second picture, which then is remembered under its key only.
        label: what the picture is for.
    """
    own = (own_picture() if shared else state.get(f"{key}_own")) if upload else None
    sources = [_SAMPLE] + [_OWN] * (own is not None) + [_UPLOAD] * upload + [_CAMERA] * camera
    linked = state.in_link(key)
    default = _OWN if own is not None and not linked else _SAMPLE
    if own is not None and state.get(f"{key}_source") in (_UPLOAD, _CAMERA):
        default = state[f"{key}_source"]  # the first own picture came from there just now; so may the next
    source = st.segmented_control(
        label,
        sources,
        default=default,
        required=True,
        **state.kept(f"{key}_source{'' if own is None else '_own'}"),
        wrap=True,
    )
    if source == _UPLOAD:
        file = st.file_uploader(
            "Your picture",
            type=list(images.SUFFIXES),
            key=state.key(f"{key}_upload"),
            help="It stays in this server's memory while you look at it, and is written nowhere.",
        )
        chosen = read_upload(file, "upload", key, shared) if file else None
    elif source == _CAMERA:
        shot = st.camera_input("Take a picture", key=state.key(f"{key}_camera"))
        chosen = read_upload(shot, "camera", key, shared) if shot else None
    elif source == _OWN:
        chosen = own
    else:
        chosen = None
    if chosen is None and source != _SAMPLE:
        chosen = own
    if chosen is not None:
        return chosen
    name = samples[0]
    if source == _SAMPLE and len(samples) > 1:
        captions = {sample: images.SAMPLES[sample].caption for sample in samples}
        name = one_of(st.pills, "Sample", captions, name, key, label_visibility="collapsed", wrap=True)
    return Picture(images.sample(name), name, "sample")


def read_upload(file, source: str, key: str, shared: bool) -> Picture | None:
    """Decode an upload once and remember it, for all pages if it is shared, or say why it cannot be read.

    What is to be said of it, such as that it is cut off, is said under it.
    """
    memory = state.setdefault(f"{key}_decoded", {})
    if file.file_id not in memory:
        notes: tuple[str, ...] = ()
        try:
            loaded = images.read(file.getvalue())
            notes = loaded.notes
            name = readable(file.name, LONGEST_NAME) if source == "upload" else "camera"
            decoded = Picture(loaded.image, name, source)
        except ImageError as error:
            decoded = error
        memory.clear()
        memory[file.file_id] = decoded, notes
    decoded, notes = memory[file.file_id]
    for note in notes:
        st.caption(f":material/info: {note}")
    if isinstance(decoded, ImageError):
        st.warning(f"**{plain(file.name)}**: {decoded}", icon=":material/info:")
        return None
    state[f"{key}_own"] = decoded
    if shared:
        st.session_state[OWN] = decoded
    return decoded


def show(
    image: np.ndarray,
    caption: str | None = None,
    alt: str | None = None,
    width: int | str = "stretch",
    target: int = 320,
    link: str | None = None,
) -> None:
    """Show a picture; small grids are enlarged without smoothing so that each pixel can be seen.

    Args:
        image: uint8, grey (height, width), RGB or RGBA.
        caption: one line under it.
        alt: words for those who cannot see it; default the caption.
        width: pixels, "stretch" or "content".
        target: pictures smaller than this are enlarged by a whole factor to about it.
        link: where a click leads.
    """
    factor = target // max(image.shape[:2])
    if factor > 1:
        image = images.enlarge(image, factor)
    for axis in (0, 1):  # a line one pixel thin would be scaled down to nothing
        if image.shape[axis] < max(image.shape[:2]) / 64:
            image = image.repeat(-(-max(image.shape[:2]) // (64 * image.shape[axis])), axis=axis)
    if isinstance(width, int) and image.shape[1] > width:
        image = images.shrink(image, max(1, round(width * max(image.shape[:2]) / image.shape[1])))
    data, kind = packed(image)
    st.image(data, caption, width=width, output_format=kind, alt=alt or caption, link=link)


def packed(image: np.ndarray) -> tuple[bytes, Literal["PNG", "JPEG"]]:
    """A picture as it travels to the browser, and its format.

    Grids and drawings stay exact: a lossy picture of them would invent grey levels that are not there. Photographs are
    a fifth as large as JPEG, and nobody sees the difference. Packing both here, lightly, takes a fifth of the time that
    Streamlit takes, which makes a JPEG of any picture, also of a PNG, that has no transparency.

    Args:
        image: uint8, grey (height, width), RGB or RGBA.
    """
    buffer, picture = io.BytesIO(), Image.fromarray(image)
    even = (image[:, 1:] == image[:, :-1]).mean() if image.shape[1] > 1 else 1.0
    if even > EVEN or min(image.shape[:2]) < PHOTOGRAPH or picture.mode == "RGBA":
        picture.save(buffer, "PNG", compress_level=1)
        return buffer.getvalue(), "PNG"
    picture.save(buffer, "JPEG", quality=92, subsampling=0)
    return buffer.getvalue(), "JPEG"
