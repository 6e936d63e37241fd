"""The training page in a real browser: a run that is stopped keeps what it has."""

import re

from tests.browser.gallery import wait_idle


def test_train_see_curves_and_stop(visit):
    page = visit("training", "t_digits=1000&t_epochs=30&t_batch_size=4")
    page.get_by_role("button", name="Train", exact=True).click()
    page.get_by_text(re.compile(r"Epoch [2-9]\d* of 30")).wait_for(timeout=90_000)
    page.locator(".st-key-training-stop_training button").click()
    wait_idle(page)
    page.get_by_text(re.compile(r"^\d+ of 30 epochs in")).wait_for()
    assert page.get_by_text("Ten digits it has not learned from").count() == 1
    page.locator(".st-key-training-stop_training").wait_for(state="detached")
    with page.expect_download() as download:
        page.get_by_role("button", name="History (CSV)").click()
    lines = download.value.path().read_text().splitlines()
    assert lines[0].startswith("epoch,") and 2 <= len(lines) <= 30
