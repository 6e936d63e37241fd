"""What helps: a network that was trained on pictures made to fool it."""

from __future__ import annotations

import streamlit as st

from cnndemo import fool_it, images, ui, weights
from cnndemo.fool_it import figures as charts
from cnndemo.fool_it import fooling
from cnndemo.fool_it.readers import ROBUST
from cnndemo.fool_it.views.attack import Subject, changed_digit
from cnndemo.ui.session import state


@st.fragment
def what_helps() -> None:
    """The whole section."""
    with ui.guard():
        _compare()


def _compare() -> None:
    """The visitor's digit, attacked as before but now against the other network, too; and the networks over all ε."""
    study = weights.card(ROBUST)["study"]
    subject: Subject | None = state.get("_subject")
    own = subject is not None and subject.kind == "digit"
    left, right = ui.try_it()
    with left:
        epsilon = st.slider("ε, grey levels", 0, study["epsilons"][-1], 51, **state.linked("epsilon_helps"))
        picture = subject.picture if own else images.digit(5, 0)
        st.caption("The digit from above." if own else "A 5 of MNIST.")
        for reader in (fool_it.digit_reader(), fool_it.digit_reader(ROBUST)):
            result = fooling.fooled(reader, picture, changed_digit(picture, epsilon, 10, None, reader.name), epsilon)
            with st.container(horizontal=True, vertical_alignment="center"):
                ui.show(result.pictures[1], None, f"the digit, made to fool {reader.title}", width=112, target=112)
                st.markdown(
                    f"Made to fool {reader.title}: {reader.best(result.answers[0])} → "
                    f"**{reader.best(result.answers[1])}**",
                    width="stretch",
                )
    with right:
        last = study["networks"]
        alt = "; ".join(
            f"{row['name']}: {row['accuracy'][0]:.1%} unchanged, {row['accuracy'][-1]:.1%} at ε = "
            f"{study['epsilons'][-1]}"
            for row in last
        )
        ui.chart(charts.under_attack(study, epsilon), alt, key="under_attack")
        st.caption(
            f"{study['samples']} test digits, {study['steps']} steps each, from the card. The same network trained in "
            "the same way, but without attacks, shows what of it is the training and what the architecture."
        )
