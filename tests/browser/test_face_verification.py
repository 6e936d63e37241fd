"""The entrance as visitors use it, two at a time."""

from __future__ import annotations

import json

from playwright.sync_api import expect

from cnndemo import images
from tests.browser.gallery import go, wait_idle


def choose(page, key: str, sample: str) -> None:
    page.locator(f".st-key-face_verification-{key}").get_by_text(sample, exact=True).click()
    wait_idle(page)


def press(page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()
    wait_idle(page)


def sees(page, words: str) -> None:
    expect(page.get_by_text(words).first).to_be_visible()


def enrol(page, name: str) -> None:
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Name", exact=True).press("Enter")
    wait_idle(page)
    press(page, "Enrol")


def exported(page) -> str:
    page.get_by_role("tab", name="Export and import").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export", exact=True).click()
    return download.value.path().read_text(encoding="utf-8")


def test_three_presidents_match_each_other_and_nobody_else(visit):
    page = visit("face_verification", "threshold=0.6")
    expect(page.locator("h3", has_text="the same person")).to_be_visible()  # President 1 and 3
    steps = [
        ("second", "President 2", "the same person"),
        ("picture", "President 3", "the same person"),
        ("second", "Vice-president", "two people"),
        ("second", "Astronaut", "two people"),
        ("picture", "President 1", "two people"),
        ("second", "Vice-president", "two people"),
        ("picture", "President 2", "two people"),
        ("second", "Astronaut", "two people"),
    ]
    for key, sample, verdict in steps:
        before = page.locator("h3").inner_text()
        choose(page, key, sample)
        expect(page.locator("h3")).not_to_have_text(before)
        expect(page.locator("h3", has_text=verdict)).to_be_visible()


def test_enrol_admit_refuse_remove_export_import(visit, tmp_path):
    page = visit("face_verification", "door=Vice-president")
    sees(page, "refused")
    enrol(page, "Joe <b>bold</b>")
    sees(page, "admitted: Joe <b>bold</b>")
    choose(page, "door", "Astronaut")
    sees(page, "admitted: The astronaut")
    people = exported(page)
    assert [person["name"] for person in json.loads(people)["people"]] == [
        "The president",
        "The astronaut",
        "Joe <b>bold</b>",
    ]
    page.get_by_role("tab", name="Rename or remove").click()
    press(page, "Remove")  # the first of the list: the president
    choose(page, "door", "President 2")
    sees(page, "refused")
    press(page, "Forget everybody")
    sees(page, "Nobody is enrolled yet.")
    page.get_by_role("tab", name="Export and import").click()
    upload = page.locator(".st-key-face_verification-import input[type=file]")
    upload.set_input_files({"name": "cut.json", "mimeType": "application/json", "buffer": people.encode()[:500]})
    sees(page, "This file is not a gallery, or it is cut off")
    sees(page, "Nobody is enrolled yet.")
    upload.set_input_files({"name": "people.json", "mimeType": "application/json", "buffer": people.encode()})
    sees(page, "admitted: The president")


def test_two_visitors_never_see_each_other_s_people(visit, browser, server):
    page = visit("face_verification", "door=Vice-president")
    enrol(page, "Secret Sam")
    sees(page, "admitted: Secret Sam")
    other = browser.new_context()
    try:
        stranger = go(other.new_page(), f"{server}/face_verification?door=Vice-president")
        sees(stranger, "refused")
        assert "Secret Sam" not in stranger.content()
        assert "Secret Sam" not in exported(stranger)
    finally:
        other.close()


def test_an_upload_at_the_door(visit):
    page = visit("face_verification")
    page.locator(".st-key-face_verification-door_source").get_by_text("Upload", exact=True).click()
    file = {"name": "cat.png", "mimeType": "image/png", "buffer": images.png(images.sample("cat"))}
    page.locator(".st-key-face_verification-door_upload input[type=file]").set_input_files(file)
    sees(page, "No face is at the door.")
