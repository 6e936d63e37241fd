"""Networks on one chart: what they cost, and what they are said to get right."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import streamlit as st

from cnndemo import architectures
from cnndemo.architectures import comparing, comparing_figures
from cnndemo.architectures.comparing import BUILDERS, CITED, Measured
from cnndemo.jobs import Job
from cnndemo.ui.choices import one_of
from cnndemo.ui.panels import chart, table
from cnndemo.ui.session import state
from cnndemo.ui.watch import in_line, watch

COSTS = {
    "parameters": "Parameters", "multiply_adds": "Multiply-adds", "milliseconds": "Time, measured",
    "megabytes": "Memory, measured",
}  # fmt: skip
LABELS = {
    "parameters": "parameters", "multiply_adds": "multiply-adds a picture", "milliseconds": "milliseconds a picture",
    "megabytes": "megabytes while it runs",
}  # fmt: skip
JOB = "measuring"


@st.cache_resource(max_entries=1, show_spinner=False)
def _known() -> dict[str, Measured]:
    """What was measured since the server started, for all visitors."""
    return {}


@st.fragment
def comparison(chosen: str) -> None:
    """The chart, the button that measures, and the table with the sources."""
    job: Job[Measured] | None = state.get(JOB)
    running = job is not None and job.running
    cost = one_of(st.segmented_control, "What it costs", COSTS, "parameters", "cost", wrap=True)
    if job and job.error:
        st.warning(str(job.error), icon=":material/info:")
    watch(job, lambda: _chart(cost, chosen, job))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Measure on this machine", icon=":material/timer:", key=state.key("measure"), disabled=running,
            on_click=_begin,
            help="Runs each network in Keras with random weights, one picture at a time. Takes a minute or two.",
        )  # fmt: skip
        if running:
            st.button("Stop", icon=":material/stop:", key=state.key("stop_measuring"), on_click=job.stop)
    with st.expander("The figures and their sources"):
        _table()


def _begin() -> None:
    """Callback: measure all networks, one after the other; others see the results, too."""
    known = _known()

    def work(waiting: Callable[[], None]) -> Iterator[Measured]:
        for each in comparing.measure(list(BUILDERS), waiting):
            known[each.name] = each
            yield each

    state[JOB] = Job(work)


def _chart(cost: str, chosen: str, job: Job | None) -> None:
    """The chart, and how far the measuring is."""
    known = dict(_known())
    if job and job.running:
        last = job.latest
        done = sorted(BUILDERS, key=lambda name: architectures.plan(name).parameters)
        place = done.index(last.name) + 1 if last else 0
        st.progress(
            place / len(done), f"{place} of {len(done)} networks" if last else in_line(job, "Keras is started …")
        )
    if cost in ("parameters", "multiply_adds"):
        costs = {name: float(getattr(architectures.plan(name), cost)) for name in CITED}
    else:
        costs = {name: value for name in known if (value := getattr(known[name], cost))}
    if not costs:
        st.info("Nothing has been measured here yet: press **Measure on this machine**.", icon=":material/info:")
        return
    titles = {name: network.title for name, network in architectures.NETWORKS.items()}
    alt = f"Published accuracy over {LABELS[cost]}: " + "; ".join(
        f"{titles[name]} {CITED[name].accuracy:.1%} with {value:,.3g}" for name, value in costs.items() if name in CITED
    )
    chart(comparing_figures.comparison(costs, CITED, titles, LABELS[cost], chosen), alt, key=f"compared_{cost}")
    st.caption(
        "Up and left is better. The two data sets are not to be compared: 1,000 classes of photographs, 10 of small "
        "pictures." + (f" Measured in Keras on {comparing.machine()}." if cost in ("milliseconds", "megabytes") else "")
    )


def _table() -> None:
    """All figures, with the source of what was not computed here."""
    known = _known()
    rows = []
    for name, network in architectures.NETWORKS.items():
        plan, cited, measured = architectures.plan(name), CITED.get(name), known.get(name)
        row = {
            "network": network.title,
            "right": f"{cited.accuracy:.1%} of {cited.data}" if cited else "–",
            "parameters": plan.parameters,
            "multiply-adds": plan.multiply_adds,
        }
        if known:
            row["milliseconds"] = round(measured.milliseconds, 1) if measured else None
            row["megabytes"] = round(measured.megabytes) if measured and measured.megabytes else None
        rows.append(row | {"source": cited.source if cited else "no published accuracy of this kind"})
    table(rows)
