"""What is known beforehand is what pages ask for when they open: or it would be computed by whoever comes first."""

from collections import OrderedDict

import pytest
import streamlit as st

from cnndemo import beforehand
from cnndemo.resnet_transfer import teaching
from tests.pages.conftest import no_trouble, run_page

OPENED = ["face_detection", "face_verification", "pet_segmentation", "resnet_transfer", "siamese"]


@pytest.mark.parametrize("stem", OPENED)
def test_a_page_opens_with_what_is_known(monkeypatch, stem):
    asked, read = {}, beforehand._read

    def look(entry: str) -> beforehand.Arrays | None:
        asked[entry] = read(entry)
        return asked[entry]

    monkeypatch.setattr(beforehand, "_read", look)
    monkeypatch.setattr(teaching, "_features", OrderedDict())
    st.cache_data.clear()
    st.cache_resource.clear()
    no_trouble(run_page(stem))
    assert asked and [entry for entry, found in asked.items() if found is None] == []
