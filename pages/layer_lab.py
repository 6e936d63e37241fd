"""What each layer does to the numbers: windows, pooling, flatten and dense, activations, softmax, dropout."""

import streamlit as st

from cnndemo import layer_lab, ui
from cnndemo.layer_lab import views

ui.page("layer_lab")

ui.section("Try it", figures=("2.8", "2.9", "2.10"))
st.markdown(
    "A kernel slides over the input. Each output cell is the sum of what it covers, cell by cell, times its numbers."
)
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

questions = []
with ui.guard():
    shape = now.geometry()
    count = layer_lab.count_work(now.kernel_shape, shape.output)
    height = shape.output[0]
    answers = sorted({height, max(height - 1, 0), height + 1, now.size[0]})
    questions.append(
        ui.Question(
            f"An input {now.size[0]} high, a kernel {now.kernel[0]} high, stride {now.stride[0]}, dilation "
            f"{now.dilation[0]}, padding “{now.padding}”: how high is the output?",
            [str(n) for n in answers],
            str(height),
            f"{sum(shape.rows.pads)} cells of padding make {shape.rows.padded}; the kernel spans {shape.rows.reach}; "
            f"({shape.rows.padded} − {shape.rows.reach}) / {now.stride[0]}, rounded down, plus 1.",
        )
    )
    parameters = {count["parameters"], count["weights"], count["multiply_adds"], count["parameters"] * 2}
    questions.append(
        ui.Question(
            f"How many numbers does this layer learn, with {now.channels} channel(s) in and {now.filters} filter(s)?",
            [f"{n:,}" for n in sorted(parameters)],
            f"{count['parameters']:,}",
            f"{now.kernel[0]} × {now.kernel[1]} × {now.channels} weights and one bias for each of {now.filters} "
            "filter(s). The size of the input does not matter.",
        )
    )
    cells = shape.output[0] * shape.output[1]
    work = {count["multiply_adds"], count["weights"], cells, count["multiply_adds"] + cells}
    questions.append(
        ui.Question(
            "How many multiplications does it do for one input?",
            [f"{n:,}" for n in sorted(work)],
            f"{count['multiply_adds']:,}",
            f"{shape.output[0]} × {shape.output[1]} cells, and in each of them all {count['weights']:,} weights.",
        )
    )
    reach, step = shape.rows.reach, now.stride[0]
    sees = reach + (reach - 1) * step
    questions.append(
        ui.Question(
            "A second layer just like this one follows. How many rows of the input does one cell of it see?",
            [str(n) for n in sorted({reach, 2 * reach, sees, sees + step})],
            str(sees),
            f"It reads {reach} rows of the first output, {step} rows of the input apart, each of which sees {reach}: "
            f"{reach} + {reach - 1} × {step}.",
        )
    )
ui.check_yourself(questions)
