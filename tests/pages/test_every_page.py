"""What holds for every page of the gallery, walked from the registry."""

import itertools
import json
import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from types import ModuleType

import numpy as np
import pytest
import streamlit as st
from streamlit.runtime.caching import get_data_cache_stats_provider
from streamlit.testing.v1.local_script_runner import LocalScriptRunner

from cnndemo import topics
from cnndemo.ui.frame import anchor
from cnndemo.ui.pictures import OWN, Picture
from tests.conftest import ROOT
from tests.pages.conftest import no_trouble, run_page

BUILT = [topic.stem for topic in topics.built()]
WITHOUT_NETWORK = [
    stem
    for stem in ("convolution", "pattern_matching", "normalization", "filters", "architectures", "book_index")
    if stem in BUILT
]


@pytest.mark.parametrize("stem", BUILT)
def test_opens_with_its_title_and_question(opened, stem):
    page = no_trouble(opened(stem))
    topic = topics.TOPICS[stem]
    assert page.title[0].value == topic.title
    words = [element.value for element in page.markdown]
    assert any(topic.question in text for text in words)
    assert topic.goal and topic.goal.able in page.expander[0].label
    assert all(any(task in text for text in words) for task in topic.goal.tasks) and len(topic.goal.tasks) == 2


@pytest.mark.parametrize("stem", [stem for stem in BUILT if stem != "book_index"])
def test_sections_come_in_the_house_order(opened, stem):
    titles = [heading.value for heading in opened(stem).header]
    assert titles[0] == "Try it"
    order = [t for t in titles if t in ("Try it", "How it works", "Code", "Check yourself", "Model card")]
    assert order == [t for t in ("Try it", "How it works", "Code", "Check yourself", "Model card") if t in order]
    assert {"How it works", "Code", "Check yourself"} <= set(titles)
    listed = [f"[{title}](#{anchor(title)})" for title in titles]
    assert [element.value for element in opened(stem).markdown][: len(titles)] == listed, "the list of contents"
    assert len(titles) == len(set(titles)), "two sections of one name have one anchor"


@pytest.mark.parametrize("stem", BUILT)
def test_takes_the_visitors_own_picture(stem, photo):
    page = run_page(stem, state={OWN: Picture(photo, "holiday_*[x](y)*.png", "upload")})
    no_trouble(page)


def test_what_all_pages_keep_of_a_first_visit_fits_twice():
    """Else one page's results push out another's, and each visitor waits again for what was known already."""
    st.cache_data.clear()
    for stem in BUILT:
        run_page(stem)
    kept = Counter()
    for stat in itertools.chain(*get_data_cache_stats_provider().get_stats().values()):
        kept[stat.cache_name] += stat.byte_length
    most = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())["server"]["maxCacheDataSize"]
    assert 0 < sum(kept.values()) < int(most.removesuffix("mb")) * 1e6 / 2, kept.most_common(5)


@pytest.mark.parametrize("stem", BUILT)
def test_what_a_page_names_is_small(stem, monkeypatch):
    """It stays as long as the visit does: fragments are functions of the page, and keep all that it names."""
    kept, arrays = [], {}
    monkeypatch.setattr(LocalScriptRunner, "_new_module", lambda self, name: kept.append(ModuleType(name)) or kept[-1])
    run_page(stem)
    assert any("ui" in vars(module) for module in kept)
    for value in itertools.chain(*(vars(module).values() for module in kept)):
        while isinstance(value, np.ndarray) and isinstance(value.base, np.ndarray):
            value = value.base
        if isinstance(value, np.ndarray) and value.flags.writeable:  # what all visitors share is not
            arrays[id(value)] = value.nbytes
    assert sum(arrays.values()) < 3_000_000


@pytest.mark.parametrize("stem", BUILT)
def test_charts_and_pictures_are_told_in_words(opened, stem):
    """An alt text says more than what stands beside: it is neither the chart's title nor a caption of the page."""
    page = opened(stem)
    charts = [element.proto for element in page if element.type == "plotly_chart"]
    titles = {json.loads(chart.spec)["layout"].get("title", {}).get("text", "") for chart in charts}
    said = {plain(text) for text in titles | {caption.value for caption in page.caption}}
    alts = [chart.alt for chart in charts]
    assert [alt for alt in alts if len(alt.split()) < 4 or plain(alt) in said or "**" in alt] == []
    pictures = [picture for element in page if element.type == "imgs" for picture in element.proto.imgs]
    assert all(picture.alt for picture in pictures)


def plain(text: str) -> str:
    """Words only, to compare."""
    return re.sub(r"<[^>]+>|[^\w ]", "", text).strip().lower()


def in_the_link(page) -> set[str]:
    """The parameters of the link that the widgets of a page are bound to."""
    protos = (getattr(element, "proto", None) for element in page)
    return {name for proto in protos if (name := getattr(proto, "query_param_key", ""))}


@pytest.mark.parametrize("value", ["", "§ <b>nonsense</b>", "-123456789", "1e999"])
@pytest.mark.parametrize("stem", BUILT)
def test_a_broken_link_opens_the_page(opened, stem, value):
    names = in_the_link(opened(stem))
    assert names
    no_trouble(run_page(stem, dict.fromkeys(names, value)))


@pytest.mark.parametrize("stem", WITHOUT_NETWORK)
def test_pages_without_a_network_load_no_tensorflow(stem):
    code = (
        "import sys; from tests.pages.conftest import run_page, no_trouble; "
        f"no_trouble(run_page({stem!r})); print('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    environment = {**os.environ, "CNNDEMO_WARMUP": "0"}
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.stdout.strip() == "False", run.stderr[-2000:]
