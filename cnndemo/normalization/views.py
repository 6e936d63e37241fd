"""The input column of the normalization page: ranges, scaling, learning rate."""

from __future__ import annotations

import streamlit as st

from cnndemo import normalization
from cnndemo.ui.session import state

PRESETS = {"gentle": "A gentle case", "book": "The book's ranges", "even": "Already even"}
AXES = {"same": "one scale for both weights", "fit": "stretched to fit"}
RATES = [f"{digit}e{power}" for power in range(-9, -1) for digit in (1, 2, 5)] + ["0.1", "0.2", "0.5", "1", "2"]
START = [end for ends in normalization.PRESETS["gentle"] for end in ends]


def use(preset: str) -> None:
    """Set both ranges to those of a preset."""
    ends = [end for ends in normalization.PRESETS[preset] for end in ends]
    state.update(dict(zip("abcd", ends, strict=True)))


def rate_words(rate: str) -> str:
    """A learning rate as one reads it: "2e-4" -> "2 · 10⁻⁴"."""
    digit, _, power = rate.partition("e-")
    return f"{digit} · 10⁻{'⁰¹²³⁴⁵⁶⁷⁸⁹'[int(power)]}" if power else digit


def choose_problem() -> tuple[tuple[float, float, float, float], str, str, int, str]:
    """Both ranges, the scaling, the learning rate as a word, how many steps to show, and the kind of axes."""
    with st.container(horizontal=True):
        for name, title in PRESETS.items():
            st.button(title, on_click=use, args=(name,), key=state.key(f"preset_{name}"))
    a, b, c, d = (
        column.number_input(label, value=value, **state.linked(key), format="%g")
        for column, label, value, key in zip(
            (*st.columns(2), *st.columns(2)), ("x₁ from", "x₁ to", "x₂ from", "x₂ to"), START, "abcd", strict=True
        )
    )
    scaling = st.radio(
        "Rescale both features", list(normalization.SCALINGS), 2, **state.linked("scale"), 
        format_func=normalization.SCALINGS.get,
    )  # fmt: skip
    rate = st.select_slider(
        "Learning rate, the same for both", RATES, "0.2", **state.linked("lr"), format_func=rate_words
    )
    steps = st.slider("Steps to show", 1, 300, 60, **state.linked("steps"))
    axes = st.radio("Axes", list(AXES), **state.linked("axes"), format_func=AXES.get)
    return (a, b, c, d), scaling, rate, steps, axes
