"""The questions of the architectures page: what doubling costs, and where parameters and work are."""

from __future__ import annotations

from cnndemo.architectures.counting import Plan
from cnndemo.architectures.networks import NETWORKS, plan
from cnndemo.questions import Question, about

ask = about("architectures")


def questions(planned: Plan, name: str) -> list[Question]:
    """To predict, then reveal, about a network as planned and, by its name, as published."""
    factor = plan(name, width=2).parameters / plan(name).parameters
    heavy, busy = planned.heaviest, planned.busiest
    share = heavy.parameters / planned.parameters
    by_parameters = sorted(planned.layers, key=lambda layer: -layer.parameters)
    lighter = [layer.name for layer in by_parameters if layer.parameters < heavy.parameters][:3]
    idler = [layer.name for layer in by_parameters if layer.multiply_adds < busy.multiply_adds][:3]
    return [
        ask("largest", heavy.name, lighter, sum=heavy.arithmetic, most=heavy.parameters),
        ask("share", share, [share / 2, share / 4], total=planned.parameters, most=heavy.parameters),
        ask("busiest", busy.name, idler, most=busy.multiply_adds, total=planned.multiply_adds),
        ask("doubled", factor, [2.0, 8.0, 3.0], network=NETWORKS[name].title, factor=factor),
    ]
