"""Words can be read in both themes: contrast as WCAG 2.2 reckons it, from `.streamlit/config.toml`."""

import tomllib

import pytest

from cnndemo.convolution import figures as landscapes
from tests.conftest import ROOT

THEME = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))["theme"]
WORDS, SHAPES = 4.5, 3.0  # the least contrast of words and of shapes, WCAG 2.2, 1.4.3 and 1.4.11
CAPTION = 0.6  # how opaque Streamlit writes captions in the text's colour


def rgb(color: str) -> list[float]:
    return [int(color[start : start + 2], 16) for start in (1, 3, 5)]


def luminance(color: list[float]) -> float:
    shares = [value / 255 for value in color]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: list[float], other: list[float]) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def faded(color: list[float], ground: list[float], opacity: float) -> list[float]:
    return [round(opacity * c + (1 - opacity) * g) for c, g in zip(color, ground, strict=True)]


@pytest.mark.parametrize("name", ["light", "dark"])
def test_words_stand_out_from_their_ground(name):
    theme = {**THEME, **THEME[name]}
    text, primary = rgb(theme["textColor"]), rgb(theme["primaryColor"])
    for ground in map(rgb, (theme["backgroundColor"], theme["secondaryBackgroundColor"])):
        assert contrast(text, ground) >= WORDS
        assert contrast(faded(text, ground, CAPTION), ground) >= WORDS, "captions"
        assert contrast(primary, ground) >= WORDS, "values of sliders, chosen pills"
    assert contrast(rgb(theme["violetTextColor"]), primary) >= WORDS, "words on the main button"
    assert contrast(rgb(landscapes.GRID), rgb(theme["backgroundColor"])) >= SHAPES, "axes of the landscape"


def test_whites_on_the_dark_primary_colour_are_not_used():
    """Streamlit writes white on the tags of a multiselect, and on primary buttons whose words have no colour."""
    assert contrast([255, 255, 255], rgb(THEME["dark"]["primaryColor"])) < WORDS
    for folder in ("cnndemo", "pages"):
        for file in (ROOT / folder).rglob("*.py"):
            source = file.read_text(encoding="utf-8")
            assert file.name == "choices.py" or 'type="primary"' not in source, f"{file}: use ui.main_button"


def test_the_stage_has_the_ground_of_the_page():
    """What scrolls behind it is not seen through it."""
    grounds = (THEME[name]["backgroundColor"] for name in ("light", "dark"))
    assert f"light-dark({', '.join(grounds)})" in (ROOT / "cnndemo" / "ui" / "stage.css").read_text(encoding="utf-8")
