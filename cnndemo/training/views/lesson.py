"""Try it: what a run is told on the left, the run on the right; before the first, one batch by hand."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path

import streamlit as st

from cnndemo import worker
from cnndemo.errors import VisitorError
from cnndemo.models.layer_table import NETWORKS
from cnndemo.training.data import Own
from cnndemo.training.settings import ALL_OF_MNIST, DATA, MOST, OPTIMIZERS, PRESETS, REASONS, Settings, mnist_there
from cnndemo.training.views import own as brought
from cnndemo.training.views import running
from cnndemo.training.views.by_hand import by_hand
from cnndemo.training.views.table import LAYERS, MINE, NETWORK, pick_network
from cnndemo.ui.choices import one_of
from cnndemo.ui.frame import guard, try_it
from cnndemo.ui.session import state

RATES = ["1e-05", "1e-04", "3e-04", "0.001", "0.002", "0.005", "0.01", "0.02", "0.05", "0.1", "0.3"]
SIZES = [1, 4, 10, 16, 32, 64, 128, 256]
LEAST = ["1e-08", "1e-06", "1e-05", "1e-04"]


def use(settings: Settings) -> None:
    """Callback: put the controls to these settings."""
    chosen = asdict(settings)
    known = settings.network in NETWORKS
    state[NETWORK] = settings.network if known else MINE
    if not known:
        state[LAYERS] = settings.network
    for name, among in (("rate", RATES), ("least", LEAST)):
        chosen[name] = min(among, key=lambda text: abs(math.log(float(text) / chosen[name])))
    chosen["wrong"] = round(100 * chosen["wrong"])
    if settings.data == "mnist":
        state["t_mnist"] = chosen["digits"]
    chosen["digits"] = min(chosen["digits"], MOST) or MOST
    state.update({f"t_{name}": value for name, value in chosen.items() if name != "network"})


def lesson() -> Settings | None:
    """Settings left; right the run, live, or the one looked at, or one batch by hand. None if they cannot be run."""
    running.collect()
    left, right = try_it()
    with left:
        top = st.container()
        settings, own = None, None
        try:
            settings, own = _choose()
        except VisitorError as error:
            st.warning(str(error), icon=":material/info:")
        with top:
            running.controls(settings, own)
    with right:
        if running.something():
            running.watched()
        else:
            by_hand()
    if running.something():
        st.markdown("#### One batch by hand")
        by_hand()
    return settings


def _choose() -> tuple[Settings | None, Own | None]:
    """The input column; no settings while there is nothing to learn from yet.

    Raises:
        VisitorError: the settings make no run.
    """
    start = Settings()
    st.caption("Experiments: what goes well, and what goes wrong")
    with st.container(horizontal=True, gap="xsmall"):
        for name, preset in PRESETS.items():
            st.button(
                name, on_click=use, args=(preset,), key=state.key(f"preset_{name}"), type="tertiary", help=REASONS[name]
            )
    data, own, ready = _data()
    form = (own.shape, len(own.classes)) if own else ((28, 28, 1), 10)
    settings = replace(start, data=data, network=pick_network(*form))
    epochs = st.slider("Epochs", 1, 30, start.epochs, **state.linked("t_epochs"))
    rate = st.select_slider("Learning rate", RATES, "0.002", **state.linked("t_rate"))
    settings = replace(settings, epochs=epochs, rate=float(rate))
    with st.expander("Digits, batches, optimizer", icon=":material/tune:"):
        settings = _more(settings, form[0][2] == 1)
    with st.expander("Callbacks", icon=":material/notifications_active:"):
        settings = _callbacks(settings)
    settings.check(*form)
    return (settings, own) if ready else (None, None)


def _more(settings: Settings, grey: bool) -> Settings:
    """How many digits, what is done to them, batches and the optimizer; only grey pictures can be distorted."""
    start, digits = Settings(), 0
    if settings.data in ("shipped", "mnist"):
        most, name = (MOST, "t_digits") if settings.data == "shipped" else (ALL_OF_MNIST, "t_mnist")
        digits = st.slider("Digits to learn from", 10, most, start.digits, 10, **state.linked(name))
    size = st.select_slider("Batch size", SIZES, start.batch_size, **state.linked("t_batch_size"))
    name = one_of(st.segmented_control, "Optimizer", OPTIMIZERS, start.optimizer, "t_optimizer")
    wrong = st.slider("Labels that are wrong", 0, 90, 0, 5, **state.linked("t_wrong"), format="%d %%")
    augment = st.toggle("Distort the digits", False, **state.linked("t_augment")) if grey else False
    seed = st.number_input("Seed", 0, 10_000, 0, **state.linked("t_seed"), width=160)
    return replace(
        settings, digits=digits, batch_size=size, optimizer=name, wrong=wrong / 100, augment=augment, seed=int(seed)
    )


def _data() -> tuple[str, Own | None, bool]:
    """What is learned from, the pictures where the visitor brings them, and whether there are enough."""
    offered = {name: title for name, title in DATA.items() if name != "mnist" or mnist_there()}
    data = one_of(st.pills, "Learn from", offered, "shipped", "t_data", wrap=True)
    own, ready = None, False
    with guard():
        own = {"drawn": brought.drawn, "own": brought.taught}.get(data, lambda: None)()
        ready = True
    return data, own, ready


def _callbacks(settings: Settings) -> Settings:
    """The callbacks of listings 2.4 and 2.5, and two more."""
    start = Settings()
    reduce = st.toggle("ReduceLROnPlateau", start.reduce, **state.linked("t_reduce"))
    if reduce:
        factor = st.slider("Factor by which the rate falls", 0.1, 0.9, start.factor, 0.1, **state.linked("t_factor"))
        patience = st.slider("… after epochs without progress", 1, 10, start.patience, **state.linked("t_patience"))
        least = st.select_slider("… down to", LEAST, "1e-06", **state.linked("t_least"))
        settings = replace(settings, factor=factor, patience=patience, least=float(least))
    stop = st.slider(
        "EarlyStopping after epochs without progress", 0, 20, 0, **state.linked("t_stop"), help="0: it runs to the end"
    )
    every = st.toggle("ModelCheckpoint after every epoch, not of the best only", False, **state.linked("t_every"))
    samples = st.toggle("LambdaCallback: answers to ten digits", True, **state.linked("t_samples"))
    board = find_spec("tensorboard") is not None and st.toggle(
        "TensorBoard: a log to take home", False, **state.linked("t_tensorboard")
    )
    st.caption("CSVLogger always writes: its file is the download “History”.")
    return replace(settings, reduce=reduce, stop=stop, every=every, samples=samples, tensorboard=board)


def commands(settings: Settings) -> None:
    """The command that repeats the run in a shell, on a GPU and on several, and the script that it starts."""
    own = settings.data not in ("shipped", "mnist")
    st.caption(
        "The page has no training of its own: it runs this script. The same command in a shell repeats the run"
        + (", with the examples from the download at its end." if own else ", seed and all.")
    )
    for title, backend, more in (
        ("In a shell", "", ""),
        ("On a GPU", "jax", ""),
        ("On all GPUs of a machine", "jax", "--distribute data-parallel"),
    ):
        st.caption(title)
        st.code(settings.command(backend, more), language="bash", wrap_lines=True)
    for name in ("digit_classifier", "digit_lesson"):
        with st.expander(f"`train/{name}.py`", icon=":material/code:"), guard():
            st.code(_source(name), language="python", line_numbers=True, wrap_lines=True)


@st.cache_data(max_entries=2, show_spinner=False)
def _source(name: str) -> str:
    """A script as it is; it is read and not imported, since it would bring Keras into the server."""
    file = Path(worker.__file__).resolve().parents[1] / "train" / f"{name}.py"
    try:
        return file.read_text(encoding="utf-8")
    except OSError:
        raise VisitorError(f"The script train/{name}.py is not installed here.") from None
