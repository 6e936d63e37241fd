"""Pictures that fool a network, what helps, and how far its certainty can be trusted (beyond the book)."""

import streamlit as st

from cnndemo import calibration, ui
from cnndemo.fool_it import attacks, digit_gradient, evolution, reliability
from cnndemo.fool_it import views as widgets

ui.page("fool_it")
ui.section("Try it")
widgets.try_it()

ui.section("How it works")
st.markdown(
    "Training asks: how must the **weights** change for a better answer? The same derivative, taken with respect to "
    "the **picture**, says how each pixel must change for a worse one. One step up or down for every pixel, as its "
    "sign says, is the *fast gradient sign method*. Every step is tiny, but there are many pixels, and in the score "
    "all of them pull in one direction; a random change pulls in all directions, and cancels out."
)
with st.expander("As a formula", icon=":material/function:"):
    st.latex(r"x' = \mathrm{clip}\bigl(x + \varepsilon \cdot \mathrm{sign}\,\nabla_x\, L(x, y)\bigr)")
    st.markdown(
        "$x$ is the picture, $y$ the class that it is taken for, $L$ the loss. Towards a class that one chooses, the "
        "sign is turned and $y$ is that class. The iterated form takes steps of 2.5 ε / steps, each with a gradient of "
        "its own, and comes back to within ε of the picture after each. Goodfellow, Shlens and Szegedy 2015; Kurakin, "
        "Goodfellow and Bengio 2017; Madry et al. 2018."
    )
st.caption(
    "For the digits the gradient is worked out right here, layer by layer backward; for photos Keras works it out, "
    "in a process of its own."
)

ui.section("Without looking inside")
st.markdown("No gradient, no weights, only questions: a few pixels, or a sticker, found by evolution.")
widgets.without_looking_inside()

ui.section("What helps")
st.markdown(
    "Train on such pictures. A small network met each of its training digits only after that had been changed to fool "
    "it, against the weights of that very moment (Wong, Rice and Kolter 2020)."
)
widgets.what_helps()

ui.section("Nonsense with confidence")
st.markdown("A softmax shares out 100 %, whatever it is shown. None of these pictures is any of its classes.")
widgets.certainty()

ui.code(
    [
        attacks.fast_gradient_sign,
        attacks.iterated,
        attacks.margin_gradient,
        digit_gradient.slopes,
        digit_gradient.through_convolution,
        evolution.evolve,
        calibration.softened,
        reliability.energy,
    ],
    **widgets.snippet(),
)
ui.check_yourself(widgets.asked())
ui.model_card(*widgets.NETWORKS)
