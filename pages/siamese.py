"""Pairs, triplets and the embedding space (book 5.3, 5.5 and 5.6)."""

import inspect

import streamlit as st

from cnndemo import siamese, ui, weights
from cnndemo.models import siamese as models
from cnndemo.siamese import figures as drawings
from cnndemo.siamese import losses
from cnndemo.siamese.questions import questions
from cnndemo.siamese.views import pair as views
from cnndemo.siamese.views import playgrounds
from cnndemo.siamese.views.ten import against_ten
from cnndemo.ui import state
from cnndemo.ui.keras import agreement, keras_says

ui.page("siamese")

ui.section("Try it")
ten, two = st.tabs(["Against ten examples", "One pair"], on_change="rerun", **state.linked("show"))
with ten:
    st.markdown("How far is your drawing from ten examples?")
    against_ten()
with two:
    st.markdown("Two digits, one distance. A threshold makes a verdict of it.")
    views.compare()
pair = state.get("_pair")

ui.section("How it works", figures=("5.3", "5.8"), listings=("5.1", "5.2", "5.3", "5.4", "5.5", "5.6"))
with ui.guard():
    base = weights.card("siamese")["parameters"]
    st.graphviz_chart(drawings.tower(base), width="stretch")
    st.markdown(
        "**One** base network, called twice: one set of weights. Below figure 5.8 the book denies it; 5.3 explains it."
    )
    if pair:
        with st.expander("Layer by layer, down to the distance", icon=":material/layers:"):
            views.layers(pair)
    with st.expander("In Keras: listings 5.1 to 5.6", icon=":material/code:"):
        agreement(views.shared, "cnndemo.siamese.pairs:sharing")
        st.markdown("**Listing 5.6** today; the loss acts on the raw distance. Then **5.5**, a trained model loaded.")
        for function in (models.build, models.build_siamese, models.euclidean_distance, losses.contrastive_loss):
            st.code(inspect.getsource(function), language="python", wrap_lines=True)
        st.code(
            "from cnndemo import weights\n\nmodel = weights.load('siamese')\nembedding = model.predict(digits / 255)",
            language="python",
            wrap_lines=True,
        )
        st.markdown(
            "**Listings 5.1 to 5.4.** The Sequential API is a list of layers: one way in, one way out. The functional "
            "API calls layers like functions, so a network can branch, have two inputs, or call one layer twice. Where "
            "both can do it, the network is the same:"
        )
        keras_says(views.listings, "cnndemo.siamese.pairs:sharing")

ui.section("Losses", figures=("5.4", "5.5", "5.6", "5.7"))
titles = ["Triplet", "Contrastive", "Two distances"]
triplet, contrastive, distances = st.tabs(titles, on_change="rerun", **state.linked("loss"))
with triplet:
    st.markdown(
        "A positive P, of the anchor's class, shall be nearer to the anchor A than a negative N, of another, by a "
        r"margin α: $L = \max(\|A - P\|^2 - \|A - N\|^2 + \alpha,\ 0)$"
    )
    playgrounds.triplet_playground()
    with st.expander("One network for three pictures; why α?", icon=":material/help:"), ui.guard():
        st.graphviz_chart(drawings.tower(models.PARAMETERS, triplet=True), width="stretch")
        st.markdown("Without α, mapping every picture to one point costs nothing:")
        views.collapse()
with contrastive:
    st.markdown(
        "Same pairs are pulled together. Different pairs are pushed apart, but only up to the margin. The slope is "
        "what training follows."
    )
    if pair:
        playgrounds.contrastive_playground(pair.distance)
with distances:
    st.markdown("Straight, or along the streets: drag two points.")
    playgrounds.two_distances()

ui.section("The embedding space")
st.markdown("Each digit is a point in 128 dimensions. Training turns a cloud into islands.")
if pair:
    with ui.guard():
        views.maps(pair)
    with st.expander("A class it never saw", icon=":material/school:"), ui.guard():
        views.one_shot(pair)

if pair:
    ui.code(
        [siamese.prepare, siamese.draw_pairs, siamese.distances, siamese.curve, losses.all_pairs_contrastive_loss,
         losses.semi_hard_triplet_loss, losses.triplet, losses.descend, siamese.few_shot],
        f"""
        from cnndemo import images, siamese

        x, y = images.digits()
        embed = siamese.embedder({pair.network!r})
        pairs = siamese.draw_pairs(y, 20_000, 1)
        a, b = embed(siamese.prepare(x))[[pairs.a, pairs.b]]
        apart = siamese.distances(a, b)
        curve = siamese.curve(apart, pairs.same)
        print(curve.equal_error_rate)
        print(curve.at({pair.threshold:.4f}))
        """,
        result="""
        import plotly.graph_objects as go

        rates = {"false accepts": curve.false_accept, "false rejects": curve.false_reject}
        go.Figure([go.Scatter(x=curve.thresholds, y=values, name=name) for name, values in rates.items()])
        """,
        networks=["siamese.untrained.onnx" if pair.network == "untrained" else pair.network],
    )  # fmt: skip
    margin = state.get("cm") or 1.0
    ui.check_yourself(questions(pair.distance, pair.threshold, pair.curve, base, margin))
ui.model_card("siamese", "triplet", "triplet_holdout", "siamese_holdout")
