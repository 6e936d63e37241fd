"""The training page in a real browser: one run to its end, one stopped, both compared, and a digit for the network."""

import re

from tests.browser.gallery import wait_idle

TABLE = "t_network=My+layers&t_layers=conv+4+5%2F2+relu%3B+flatten&t_epochs={}&t_digits=400"


def test_train_to_the_end_stop_another_compare_both_and_draw_a_digit_for_it(visit):
    page = visit("training", TABLE.format(3))
    train = page.get_by_role("button", name="Train", exact=True)
    box = train.bounding_box()
    assert box["y"] + box["height"] < 900, "the button is below the fold"
    train.click()
    page.get_by_text(re.compile(r"^Run 1: 3 of 3 epochs")).locator("visible=true").first.wait_for(timeout=90_000)
    page.get_by_text("Neither learning nor the choice").locator("visible=true").first.wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="History (CSV)").click()
    lines = download.value.path().read_text().splitlines()
    assert lines[0].startswith("epoch,") and len(lines) == 4
    cells = page.get_by_label(re.compile("0: .* right; 1: .* right")).locator(".scatterlayer .point")
    assert cells.count() == 100
    cells.nth(11).click(force=True)  # ones that were read as ones
    page.get_by_text(re.compile(r"^\d+ × 1 answered 1, the surest first")).locator("visible=true").first.wait_for()

    page.get_by_role("button", name="Plateau rescued").click()
    wait_idle(page)
    train.click()
    page.get_by_text(re.compile(r"Epoch [2-9]\d* of 12")).locator("visible=true").first.wait_for(timeout=90_000)
    page.locator(".st-key-training-stop_training button").click()
    page.get_by_text(re.compile(r"^Run 2: \d+ of 12 epochs")).locator("visible=true").first.wait_for()
    page.get_by_text("What differs between them").locator("visible=true").first.wait_for()
    page.get_by_text("Neither learning nor the choice").locator("visible=true").first.wait_for()

    page.get_by_role("button", name="Use it for digits").click()
    page.get_by_text("It reads on the pages about digits").locator("visible=true").first.wait_for()
    page.get_by_role("link", name="Draw a digit for it").click()
    page.get_by_text("Your own network answers here: Run 2").locator("visible=true").first.wait_for()
    wait_idle(page)
    pad = page.locator("canvas[role=application]").first
    box = pad.bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.15 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.85 * box["height"], steps=8)
    page.mouse.up()
    page.get_by_text("The network reads", exact=True).locator("visible=true").first.wait_for()
    page.get_by_role("button", name="Back to the shipped network").click()
    page.get_by_text("Your own network answers here").wait_for(state="detached")
