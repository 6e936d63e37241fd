"""What each layer does to the numbers: windows, pooling, flatten and dense, activations, softmax, dropout."""

import streamlit as st

from cnndemo import layer_lab, ui
from cnndemo.layer_lab import views
from cnndemo.layer_lab.questions import questions

ui.page("layer_lab")

ui.section("Try it", figures=("2.8", "2.9", "2.10"))
st.markdown(
    "A kernel slides over the input. Each output cell is the sum of what it covers, cell by cell, times its numbers."
)
with ui.scene():
    views.convolution_view()

ui.section("How it works")
st.markdown(
    "- **Output size.** The book's formula divides; when it does not come out even, the result is rounded **down**, "
    "and the last cells are never read (grey).\n"
    "- **Padding.** *valid* adds nothing. *same* adds zeros so that stride 1 keeps the size; with an even kernel or "
    "a stride, TensorFlow adds one more at the end than at the start. The book's “kernel size / 2 on each side” holds "
    "for odd kernels and stride 1, rounded down. *full* counts every overlap; *reflect* and *edge* are not in the "
    "Keras layer, you pad before it.\n"
    "- **Channels and filters.** A filter has one slice for each input channel and sums over all; each filter gives "
    "one channel of the output.\n"
    "- **Dilation** spreads the kernel: it sees further with no more numbers to learn."
)

ui.section("Pooling", figures=("2.17", "2.18"))
st.markdown("A window slides as before; instead of a dot product it hands on its largest value, or its mean.")
views.pooling_view()

ui.section("Flatten and dense", figures=("2.11", "2.13"))
st.markdown("Flatten only lays the cells out in a row. Dense joins each of them to each unit.")
views.dense_view()

ui.section("Activations", figures=("2.3", "2.4", "2.5", "2.6", "2.7", "2.14"))
views.activation_view()

ui.section("Softmax")
st.markdown("Any ten numbers become ten probabilities: all above zero, together 1, in the same order.")
st.latex(r"\sigma(v)_i = \frac{e^{v_i / T}}{\sum_j e^{v_j / T}}")
views.softmax_view()

ui.section("Dropout", figures=("2.15", "2.16"))
views.dropout_view()

ui.section("Receptive field")
views.stack_view()

now = views.settings()
ui.code(
    [
        layer_lab.output_size, layer_lab.Axis, layer_lab.convolve, layer_lab.convolve_by_hand, layer_lab.max_pool,
        layer_lab.pool_gradient, layer_lab.dense, layer_lab.activate, layer_lab.softmax, layer_lab.dropout,
        layer_lab.receptive_field,
    ],
    *views.snippet(),
    result="""
    import plotly.graph_objects as go

    figure = go.Figure(go.Heatmap(z=ours[..., 0], texttemplate="%{z:.3g}", colorscale="RdBu_r", zmid=0))
    figure.update_yaxes(autorange="reversed", scaleanchor="x")
    """,
)  # fmt: skip

ui.check_yourself(questions(now.size, now.kernel, now.stride, now.dilation, now.padding, now.channels, now.filters))
