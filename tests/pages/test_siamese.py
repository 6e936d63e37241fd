"""The Siamese networks page under AppTest."""

import numpy as np
import pytest
import streamlit as st

from cnndemo import images, inference, siamese, weights
from cnndemo.ui.digits import LAST_DRAWING
from cnndemo.ui.pictures import Picture
from tests.pages.conftest import no_trouble, rendered_references


def headline(page) -> str:
    return next(e.value for e in page.markdown if e.value.startswith("### :"))


def metric(page, label: str) -> str:
    return next(e.value for e in page.metric if e.label == label)


def test_every_figure_and_listing_is_named(open_page):
    found = set().union(*rendered_references(no_trouble(open_page("siamese"))).values())
    assert {f"figure 5.{n}" for n in range(3, 9)} | {f"listing 5.{n}" for n in range(1, 7)} <= found


def test_the_same_digit_is_the_same_and_another_is_not(open_page):
    page = no_trouble(open_page("siamese", {"a": "3", "b": "3", "b_n": "40"}))
    assert "Same" in headline(page)
    page = no_trouble(open_page("siamese", {"a": "3", "b": "7"}))
    assert "Different" in headline(page)


def test_a_lower_threshold_accepts_less(open_page):
    page = open_page("siamese")
    before = metric(page, "False accepts"), metric(page, "False rejects")
    page.slider(key="siamese.thr").set_value(0.4).run()
    after = metric(no_trouble(page), "False accepts"), metric(page, "False rejects")
    rates = [[float(words.rstrip("%")) for words in pair] for pair in (before, after)]
    assert rates[1][0] < rates[0][0] and rates[1][1] > rates[0][1]


@pytest.mark.parametrize("network", ["triplet", "untrained"])
def test_the_other_networks_open_too(open_page, network):
    views = {"net": siamese.NETWORKS[network], "maps": "Contrastive and triplet", "proj": "t-SNE, computed once"}
    page = no_trouble(open_page("siamese", views))
    assert f"embedder('{network}')" in "".join(block.value for block in page.code)


def test_an_equal_pair_has_no_distance(open_page):
    page = no_trouble(open_page("siamese", {"a": "5", "a_n": "9", "b": "5", "b_n": "9"}))
    assert any("Distance **0.000**" in e.value for e in page.markdown)


def test_a_blank_drawing_is_told_and_the_page_stays(open_page):
    blank = Picture(np.full((90, 90, 3), 255, np.uint8), "your drawing", "draw")
    page = no_trouble(open_page("siamese", state={LAST_DRAWING: blank}))
    page.segmented_control(key="siamese.a_from").set_value("drawn").run()
    no_trouble(page)
    assert page.warning or page.info
    page.segmented_control(key="siamese.a_from").set_value("mnist").run()
    assert headline(no_trouble(page))


def test_the_triplet_follows_the_link_and_refuses_nonsense(open_page):
    page = no_trouble(open_page("siamese", {"apn": "A 0 0, P 1 0, N 0 2.9"}))
    assert any(e.value == "### Easy, loss 0.000" for e in page.markdown)
    page.text_input(key="siamese.apn").set_value("A 0 0, P 1 0, N <b>x</b> 1").run()
    assert any("for example" in e.value for e in no_trouble(page).warning)


def test_without_the_max_the_loss_falls_below_zero(open_page):
    page = no_trouble(open_page("siamese", {"max": "false", "steps": "60"}))
    assert any("falls for ever" in e.value for e in page.caption)


def test_points_gathered_in_one_place_cost_the_margin(open_page):
    page = open_page("siamese")
    next(button for button in page.button if "Gather" in button.label).click().run()
    assert any(e.value.startswith("### ") and "loss 0.99" in e.value or "loss 1.00" in e.value for e in page.markdown)
    page.slider(key="siamese.alpha").set_value(0.0).run()
    assert any("No α" in e.value for e in no_trouble(page).caption)


def test_a_clicked_digit_joins_the_last_one(open_page):
    page = no_trouble(open_page("siamese"))
    for key, digit in (("siamese.pick_1", 9), ("siamese.pick_2", 4500)):  # the way without a mouse
        page.selectbox(key=key).set_value(digit)
    no_trouble(page.run())
    assert sum("Your two points are" in e.value for e in page.markdown) == 2
    page.segmented_control(key="siamese.proj").set_value("tsne").run()
    shown = np.isin([9, 4500], siamese.shipped_map()["index"]).all()
    assert sum("Your two points are" in e.value for e in no_trouble(page).markdown) == 2 * shown


def test_one_shot_says_what_the_library_says(open_page):
    x, y = images.digits()
    new = weights.card("triplet_holdout")["hold_out"]
    page = no_trouble(open_page("siamese", {"shots": "5", "draw": "3"}))
    generator = np.random.default_rng(3)
    chosen = np.stack([generator.choice(np.flatnonzero(y == digit), 5, replace=False) for digit in range(10)])
    space = siamese.embedder("triplet_holdout")(siamese.prepare(x))
    rest = np.setdiff1d(np.flatnonzero(y == new), chosen)
    share = np.mean(siamese.classify(space[rest], space[chosen]) == new)
    assert any(f"**{share:.1%}** of the other {new}s" in e.value for e in page.markdown)
    page.segmented_control(key="siamese.one").set_value("siamese_holdout").run()
    assert not any(f"**{share:.1%}** of the other" in e.value for e in no_trouble(page).markdown)


def test_the_code_runs_and_gives_the_figures_of_the_page(open_page, capsys):
    page = open_page("siamese")
    snippet = next(
        block.value for block in page.code if "equal_error_rate" in block.value and "embedder" in block.value
    )
    exec(snippet, {})
    rate = float(capsys.readouterr().out.split()[0])
    assert metric(page, "Equal error rate") == f"{rate:.2%}"


def test_missing_weights_are_told(open_page, monkeypatch, tmp_path):
    monkeypatch.setattr(weights, "WEIGHTS_DIR", tmp_path)
    monkeypatch.setattr(inference, "_sessions", {})
    st.cache_data.clear()
    page = no_trouble(open_page("siamese"))
    assert any("python -m train.siamese" in e.value for e in page.warning)


def test_the_shipped_map_names_its_digits():
    shipped = siamese.shipped_map()
    assert len(np.unique(shipped["index"])) == len(shipped["index"])
