"""Networks as plans: shapes, cost, how gradients survive depth (book 4.1–4.4), and the visitor's own network."""

import streamlit as st

from cnndemo import architectures, ui
from cnndemo.architectures import comparing, stacks
from cnndemo.architectures import figures as charts
from cnndemo.architectures.questions import questions
from cnndemo.architectures.views import (
    TITLES,
    comparison,
    dense_connections,
    layer_table,
    most_of,
    network_graph,
    own_network,
    race,
    skip_connections,
    words_of,
)
from cnndemo.ui import state

ui.page("architectures")
ui.section("Try it", figures=("4.1",), listings=("4.1",))
left, right = ui.try_it()
with left:
    title = ui.one_of(st.pills, "Network", list(TITLES), "AlexNet", "net", wrap=True)
    name = TITLES[title]
    network = architectures.NETWORKS[name]
    st.caption(f"{network.idea} {network.source}.")
    side = st.slider("Side of the input, pixels", 32, 512, network.side, **state.linked(f"side_{name}"))
    width = st.select_slider(
        "Filters and units, times", [0.125, 0.25, 0.5, 1.0, 1.5, 2.0], 1.0, **state.linked("width")
    )
    plan = usual = architectures.plan(name)
    with ui.guard():
        plan = architectures.plan(name, side, width)
    if plan.layers != usual.layers:
        st.caption(f"As published: {usual.parameters:,} parameters, {network.side} × {network.side} pixels.")
with right:
    with st.container(horizontal=True):
        st.metric("Parameters", words_of(plan.parameters), width="content")
        st.metric("Multiply-adds a picture", words_of(plan.multiply_adds), width="content")
        st.metric("Layers with weights", plan.depth, width="content")
        st.metric("Size in float32", f"{plan.megabytes:,.1f} MB", width="content")
    network_graph(plan.layers, title, name)
    ui.chart(
        charts.costs(plan.layers),
        f"Bars for each of {len(plan.layers)} layers. {most_of(plan).replace('**', '')}",
        key="costs",
    )
    st.caption(most_of(plan))

ui.section("How it works")
layer_table(plan, name)

ui.section("Compared")
comparison(name)

ui.section("Skip connections", figures=("4.2", "4.3"))
skip_connections()
unfold = st.expander(
    "Watch it: a plain and a residual stack learn real digits", on_change="rerun", **state.linked("race")
)
if unfold.open:
    with unfold:
        race()

ui.section("Dense connections", figures=("4.6", "4.7"))
dense_connections()

ui.section("Your own network")
st.markdown(
    "Bring a network from Keras or PyTorch: its graph, what it costs, what it sees, and what it says to a picture."
)
unfold = st.expander("Open a network", icon=":material/folder_open:", on_change="rerun", **state.linked("own"))
if unfold.open:
    with unfold:
        own_network()

ui.code(
    [
        architectures.plan,
        architectures.Plan.convolution,
        *([builder] if (builder := comparing.own_builder(name)) else []),
        architectures.gradient_sizes,
        architectures.residual_block,
        stacks.fit,
        architectures.look,
    ],
    f"""
    from cnndemo import architectures, images, weights
    from cnndemo.architectures import onnx_file

    plan = architectures.plan("{name}", side={side}, width={width})
    for layer in plan.layers:
        print(layer.name, layer.shape, layer.parameters, layer.multiply_adds, layer.sees)
    print(plan.parameters, plan.multiply_adds)

    data = weights.onnx_file("resnet20").read_bytes()
    own = onnx_file.look(data, images.sample("cat"), "0 to 255")
    print(own.parameters, own.layers[-1].sees, own.answer)
    """,
    result="""
    import plotly.graph_objects as go

    names = [layer.name for layer in plan.layers]
    go.Figure(
        [
            go.Bar(x=names, y=[layer.parameters for layer in plan.layers], name="parameters"),
            go.Bar(x=names, y=[layer.multiply_adds for layer in plan.layers], name="multiply-adds"),
        ],
        {"yaxis_type": "log"},
    )
    """,
    networks=["resnet20"],
)
ui.check_yourself(questions(plan, name))
