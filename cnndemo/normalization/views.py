"""The input column of the normalization page: ranges, scaling, learning rate."""

from __future__ import annotations

import streamlit as st

from cnndemo import normalization
from cnndemo.ui.session import state

NAMES = ("As they are", "Rescaled")
PRESETS = {"gentle": "A gentle case", "book": "The book's ranges", "even": "Already even"}
AXES = {"same": "one scale for both weights", "fit": "stretched to fit"}
_DIGITS = ("1", "1.2", "1.5", "2", "2.5", "3", "4", "5", "6", "8")
RATES = [f"{digit}e{power}" for power in range(-9, -1) for digit in _DIGITS]
RATES += [f"{float(digit) / 10:g}" for digit in _DIGITS] + ["1", "1.2", "1.5", "2", "2.5", "3", "4"]
START = [end for ends in normalization.PRESETS["gentle"] for end in ends]


def use(preset: str) -> None:
    """Set both ranges to those of a preset."""
    ends = [end for ends in normalization.PRESETS[preset] for end in ends]
    state.update(dict(zip("abcd", ends, strict=True)))


def rate_words(rate: str) -> str:
    """A learning rate as one reads it: "2e-4" -> "2 · 10⁻⁴"."""
    digit, _, power = rate.partition("e-")
    return f"{digit} · 10⁻{'⁰¹²³⁴⁵⁶⁷⁸⁹'[int(power)]}" if power else digit


def choose_rate() -> str:
    """The learning rate of both bowls, as a word."""
    return st.select_slider(
        "Learning rate, the same for both: drag it until one bowl bursts", RATES, "0.2", **state.linked("lr"),
        format_func=rate_words,
    )  # fmt: skip


def choose_problem() -> tuple[tuple[float, float, float, float], str, int, str]:
    """Both ranges, the scaling, how many steps to show, and the kind of axes."""
    with st.container(horizontal=True, gap="small"):
        for name, title in PRESETS.items():
            st.button(title, on_click=use, args=(name,), key=state.key(f"preset_{name}"))
    with st.expander("Your own ranges, rescaling, steps and axes", icon=":material/tune:"):
        return _by_hand()


def _by_hand() -> tuple[tuple[float, float, float, float], str, int, str]:
    a, b, c, d = (
        column.number_input(label, value=value, **state.linked(key), format="%g")
        for column, label, value, key in zip(
            st.columns(4), ("x₁ from", "x₁ to", "x₂ from", "x₂ to"), START, "abcd", strict=True
        )
    )
    left, middle, right = st.columns(3, gap="medium")
    scaling = left.radio(
        "Rescale both features", list(normalization.SCALINGS), 2, **state.linked("scale"),
        format_func=normalization.SCALINGS.get,
    )  # fmt: skip
    axes = middle.radio("Axes", list(AXES), **state.linked("axes"), format_func=AXES.get)
    steps = right.slider("Steps to show", 1, 300, 60, **state.linked("steps"))
    return (a, b, c, d), scaling, steps, axes


def in_numbers(first: tuple[float, float], second: tuple[float, float], scaling: str) -> None:
    """What the two bowls follow from, on demand."""
    with st.expander("In numbers: curvatures, eigenvalues, condition number", icon=":material/function:"):
        st.markdown(
            r"""
            The unit computes $\hat y = w_1 x_1 + w_2 x_2$, its loss is $\frac12$ mean $(\hat y - y)^2$. The
            curvatures of the bowl are the eigenvalues $\lambda$ of the mean of $x x^\top$. One step of rate $\eta$
            multiplies the error along an axis of the bowl by $1 - \eta\lambda$. So the steep axis forbids rates above
            $2/\lambda_\text{max}$, and at such a rate the error along the flat axis hardly shrinks. The **condition
            number** $\lambda_\text{max}/\lambda_\text{min}$ says how bad it is; 1 is a round bowl. From these factors
            the number of steps follows, without taking them.
            """
        )
        with st.container(horizontal=True):
            for name, kind in zip(NAMES, ("raw", scaling), strict=True):
                number = normalization.make(first, second, kind).condition
                st.metric(f"Condition number, {name.lower()}", f"{number:,.4g}", width="content")
        st.dataframe(normalization.table(first, second), hide_index=True)
        st.caption(
            "[0, 1] leaves both features positive, so they pull the weights together; centred features do not, hence "
            "the rounder bowl. There is no bias, to keep the bowl flat enough to draw. It would be a third feature, "
            "always 1."
        )
