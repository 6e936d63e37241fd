"""Pairs, triplets and the embedding space (book 5.3, 5.5 and 5.6)."""

import inspect

import streamlit as st

from cnndemo import siamese, ui, weights
from cnndemo.models import siamese as models
from cnndemo.siamese import figures as drawings
from cnndemo.siamese import losses
from cnndemo.siamese.views import pair as views
from cnndemo.siamese.views import playgrounds
from cnndemo.siamese.views.ten import against_ten
from cnndemo.ui import state
from cnndemo.ui.keras import agreement, keras_says

ui.page("siamese")

ui.section("Try it")
st.markdown("Your drawing against ten examples: ten distances, small where both are the same digit.")
against_ten()

ui.section("One pair")
st.markdown("Two digits, one network, one distance. A threshold makes a verdict of it, and errors of two kinds.")
views.compare()
pair = state.get("_pair")

ui.section("How it works", figures=("5.3", "5.8"), listings=("5.5", "5.6"))
with ui.guard():
    base = weights.card("siamese")["parameters"]
    st.graphviz_chart(drawings.tower(base), width="stretch")
    st.markdown(
        f"The base network is **one** network, called twice. It has {base:,} parameters. The book says below figure "
        "5.8 that this model does not share weights; it does, as 5.3 explains."
    )
    agreement(views.shared, "cnndemo.siamese.pairs:sharing")
    if pair:
        with st.expander("Layer by layer, down to the distance", icon=":material/layers:"):
            views.layers(pair)
    words = "Listings 5.6 and 5.5: base network, siamese network, loss; and a trained model loaded"
    with st.expander(words, icon=":material/code:"):
        st.caption("Listing 5.6 today; the loss acts on the raw distance.")
        for function in (models.build, models.build_siamese, models.euclidean_distance, losses.contrastive_loss):
            st.code(inspect.getsource(function), language="python", wrap_lines=True)
        st.code(
            "from cnndemo import weights\n\nmodel = weights.load('siamese')\nembedding = model.predict(digits / 255)",
            language="python",
            wrap_lines=True,
        )

ui.section("Contrastive loss")
st.markdown(
    "Same pairs are pulled together. Different pairs are pushed apart, but only up to the margin. The slope is what "
    "training follows."
)
if pair:
    with st.expander("Pull and push, over the distance", icon=":material/show_chart:"):
        playgrounds.contrastive_playground(pair.distance)

ui.section("Two distances", figures=("5.6",))
with st.expander("Straight, or along the streets: drag two points", icon=":material/straighten:"):
    playgrounds.two_distances()

ui.section("Triplet loss", figures=("5.4", "5.5", "5.7"))
st.markdown(
    "Three pictures go through the same network: an anchor, a positive of the same class, a negative of another. The "
    "positive shall be nearer than the negative, with something to spare: the margin α. In the formula A, P and N are "
    "the three embeddings."
)
st.latex(r"L = \max(\|A - P\|^2 - \|A - N\|^2 + \alpha,\ 0)")
playgrounds.triplet_playground()
with st.expander("The network of a triplet, in boxes", icon=":material/account_tree:"):
    st.graphviz_chart(drawings.tower(models.PARAMETERS, triplet=True), width="stretch")
why = "Why α? Without it, mapping every picture to one point costs nothing"
with st.expander(why, icon=":material/help:"), ui.guard():
    views.collapse()

ui.section("The embedding space")
st.markdown("Each digit is a point in 128 dimensions. Training turns a cloud into islands.")
if pair:
    with ui.guard():
        views.maps(pair)

ui.section("A class it never saw")
st.markdown(
    "The book's man sees an eyelash curler for the first time, and will know the next one. These networks were trained "
    "without one digit; they get a few examples of it, and no training."
)
if pair:
    with (
        st.expander("A digit that was kept from them", icon=":material/school:"),
        ui.guard(),
    ):
        views.one_shot(pair)

ui.section("Sequential and functional", listings=("5.1", "5.2", "5.3", "5.4"))
st.markdown(
    "The Sequential API is a list of layers: one way in, one way out. The functional API calls layers like functions, "
    "so a network can branch, have two inputs, or call one layer twice. Where both can do it, the network is the same:"
)
with st.expander("Both networks, as Keras sums them up", icon=":material/code:"):
    keras_says(views.listings, "cnndemo.siamese.pairs:sharing")

if pair:
    ui.code(
        [siamese.prepare, siamese.draw_pairs, siamese.distances, siamese.curve, losses.all_pairs_contrastive_loss,
         losses.semi_hard_triplet_loss, losses.triplet, losses.descend, siamese.few_shot],
        f"""
        from cnndemo import images, siamese

        x, y = images.digits()
        embed = siamese.embedder({pair.network!r})
        pairs = siamese.draw_pairs(y, 20_000, seed=1)
        space = embed(siamese.prepare(x))
        curve = siamese.curve(siamese.distances(space[pairs.a], space[pairs.b]), pairs.same)
        print(curve.equal_error_rate, curve.area, curve.at({pair.threshold:.4f}))
        """,
        result="""
        import plotly.graph_objects as go

        rates = {"false accepts": curve.false_accept, "false rejects": curve.false_reject}
        go.Figure([go.Scatter(x=curve.thresholds, y=values, name=name) for name, values in rates.items()])
        """,
        networks=["siamese.untrained.onnx" if pair.network == "untrained" else pair.network],
    )  # fmt: skip
    accept, reject = pair.curve.at(pair.threshold)
    stricter = pair.curve.at(pair.threshold * 0.7)
    ui.check_yourself(
        [
            ui.Question(
                f"The threshold is {pair.threshold:.2f}. You lower it by a third. Which errors become more frequent?",
                ["False accepts", "False rejects"],
                "False rejects",
                f"A stricter threshold accepts less: false accepts go from {accept:.2%} to {stricter[0]:.2%}, false "
                f"rejects from {reject:.2%} to {stricter[1]:.2%}.",
            ),
            ui.Question(
                f"The base network has {base:,} parameters. How many has a network for triplets, with three inputs?",
                [f"{base:,}", f"{2 * base:,}", f"{3 * base:,}"],
                f"{base:,}",
                "One base network is called three times. A call adds no weights.",
            ),
        ]
    )
ui.model_card("siamese", "triplet", "triplet_holdout", "siamese_holdout")
