"""How a small map grows large again: fixed rules and transposed convolution (book 6.2 and 6.3)."""

import streamlit as st

from cnndemo import ui, upsampling
from cnndemo.upsampling import views

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

size = kernel.shape[0]
full = upsampling.placement(x.shape[0], size, stride, now["padding"]).output
levels = upsampling.overlap_levels(size, stride)
total, weight = float(x.sum()), float(kernel.sum())
most = min(x.shape[0], -(-size // stride))
sizes = sorted({full, x.shape[0] * stride, x.shape[0] * stride + size, x.shape[0] + size - 1})
ui.check_yourself(
    [
        ui.Question(
            f"{x.shape[0]} rows, a kernel of {size}, stride {stride}, padding “{now['padding']}”: how many rows come "
            "out of the transposed convolution?",
            [str(n) for n in sizes],
            str(full),
            "“same” crops to size times stride; “valid” keeps kernel minus stride rows more.",
        ),
        ui.Question(
            f"Does a kernel of {size} at stride {stride} leave a checkerboard?",
            ["Yes", "No"],
            "Yes" if len(levels) > 1 else "No",
            "It does when the stride does not divide the kernel: then some cells are covered more often than others.",
        ),
        ui.Question(
            "How many stamps lie on the cell that is covered most often?",
            [str(n) for n in sorted({1, most**2, most**2 + most, size**2 + 1})],
            str(most**2),
            f"Down and across, a stamp of {size} reaches {-(-size // stride)} steps of {stride}, rounded up, and there "
            f"are {x.shape[0]} stamps: {most} × {most}.",
        ),
        ui.Question(
            f"The input adds up to {total:g} and the kernel to {weight:g}. What do all stamps together add up to, "
            "before anything is cropped?",
            [f"{n:g}" for n in sorted({total + weight, total * weight, total * weight * stride + 1})],
            f"{total * weight:g}",
            "Each input cell puts down the whole kernel, times its own value: sum times sum.",
        ),
    ]
)
