"""How a small map grows large again: fixed rules and transposed convolution (book 6.2 and 6.3)."""

import streamlit as st

from cnndemo import ui, upsampling
from cnndemo.upsampling import views
from cnndemo.upsampling.questions import questions

ui.page("upsampling")

ui.section("Try it", figures=("6.2", "6.3", "6.4"))
views.resize_view()

ui.section("How it works")
st.markdown(
    "An enlarged cell lies between the old ones, at $(i + ½) / factor − ½$. **Nearest** takes the closest old cell. "
    "**Bilinear** mixes the four around it by their distance. **Bicubic** mixes sixteen, some with weights below zero: "
    "edges look sharper, and may overshoot. None of the three learns anything."
)

ui.section("Transposed convolution", figures=("6.5",))
st.markdown(
    "Each pixel is multiplied with the whole kernel; the copies are placed *stride* apart, overlaps are added, and "
    "what is too much is cropped. "
    "The kernel is learned, so the network decides how to enlarge. The input is the one "
    "above."
)
views.transposed_view()

ui.section("The checkerboard")
views.checkerboard_view()

ui.section("On a picture")
views.picture_view()

now = views.current()
x, kernel, stride = now["x"], now["kernel"], now["stride"]
ui.code(
    [
        upsampling.interpolation_matrix, upsampling.upsample, upsampling.placement, upsampling.transposed_convolution,
        upsampling.resize_then_convolve, upsampling.learn_kernel, upsampling.best_kernel, upsampling.quality,
    ],
    f"""
    import numpy as np
    from cnndemo import upsampling

    x = np.array({x.tolist()})
    print(upsampling.upsample(x, {now["factor"]}, "bilinear"))
    kernel = np.array({kernel.tolist()})
    large = upsampling.transposed_convolution(x, kernel, stride={stride}, padding="{now["padding"]}")
    print(large)
    """,
    result="""
    import plotly.graph_objects as go

    figure = go.Figure(go.Heatmap(z=large, texttemplate="%{z:.3g}", colorscale="RdBu_r", zmid=0))
    figure.update_yaxes(autorange="reversed", scaleanchor="x")
    """,
)  # fmt: skip
ui.check_yourself(questions(x, kernel, stride, now["padding"]))
