"""Everything that the processes of Keras and of ONNX can be asked, as a visitor asks it."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.benchmarks.visitor import Visitor

Answers = dict[str, float | None]  # function of a process -> seconds until its answer was seen; None where it was not
PATIENCE = 300.0  # seconds for the answers of one page: a long request may be before them
#: What is not asked: it fetches weights from another host.
LEFT_OUT = frozenset({"cnndemo.resnet_transfer.resnet50_onnx:convert"})


@dataclass(frozen=True)
class Asking:
    """A page, and what its visitor asks there.

    Attributes:
        stem, query: the page and its link.
        answers: function of a process -> what the visitor reads when it has answered, a regular expression.
        acts: what the visitor does, one after the other, before he waits.
    """

    stem: str
    answers: dict[str, str]
    query: str = ""
    acts: tuple[Callable[[Visitor], Awaitable], ...] = ()


async def _bring_back(visitor: Visitor) -> None:
    """The model that was taken home is opened on another page."""
    await visitor.upload("Your network, .onnx or .keras", "model.keras", visitor.files["Model (.keras)"])


ASKED = (
    Asking("training", {"cnndemo.training.run:fit": r"8 of 8 epochs"}, acts=(lambda visitor: visitor.press("Train"),)),
    Asking(
        "layer_lab",
        {
            "cnndemo.layer_lab.agreement:keras_convolve": r"Conv2D`: the largest",
            "cnndemo.layer_lab.agreement:keras_pool": r"Pooling2D`: the largest",
            "cnndemo.layer_lab.agreement:keras_dense": r"Dense`: the largest",
            "cnndemo.layer_lab.agreement:keras_activation": r"NumPy and Keras on \d+ points",
            "cnndemo.layer_lab.agreement:keras_softmax": r"softmax`: the largest",
        },
    ),
    Asking(
        "upsampling",
        {
            "cnndemo.upsampling.methods:keras_upsamples": r"UpSampling2D`, largest",
            "cnndemo.upsampling.methods:keras_transposed": r"Conv2DTranspose`: the largest",
        },
    ),
    Asking("augmentation", {"cnndemo.augmentation.reference:difference": r"same parameters for variant 1"}),
    Asking("siamese", {"cnndemo.siamese.pairs:sharing": r"Keras has just built it"}),
    Asking("book_index", {"cnndemo.book_index.errata:check": r"output \(None, 26, 26, 32\)"}, "book_index.keras=true"),
    Asking(
        "fool_it",
        {"cnndemo.fool_it.photo_gradient:sign": r"No value moved by more than 2 of"},  # of a digit they do by 26
        "fool_it.subject=A photo&fool_it.way=One step",
    ),
    Asking(
        "fool_it",
        {"cnndemo.fool_it.photo_gradient:attack": r"A step took"},
        "fool_it.subject=A photo&fool_it.way=Many small steps",
    ),
    Asking(
        "resnet_transfer",
        {"cnndemo.resnet_transfer.attribution:gradient_map": r"Grad-CAM and the class activation map differ"},
        acts=(lambda visitor: visitor.press("Let Keras take the gradient"),),
    ),
    Asking(
        "resnet_transfer",
        {
            "cnndemo.resnet_transfer.finetune:fit": r"pictures held out: frozen",
            "cnndemo.resnet_transfer.finetune:tail_features": r"pictures held out: frozen",  # it stands above these
        },
        acts=(lambda visitor: visitor.press("Fine-tune the last block"),),
    ),
    Asking(
        "resnet_transfer",
        {"cnndemo.resnet_transfer.export:keras_file": r"plain Keras loads it"},  # the download itself was waited for
        acts=(lambda visitor: visitor.download("Model (.keras)"),),
    ),
    Asking(
        "architectures", {"cnndemo.architectures.onnx_file:look": r"Takes 1 × 32 × 32 × 3"}, "architectures.own=true"
    ),
    Asking(
        "architectures",
        {"cnndemo.architectures.keras_file:look": r"Takes \? × 224 × 224 × 3"},
        "architectures.own=true",
        (_bring_back,),
    ),
    Asking(
        "architectures",
        {"cnndemo.architectures.stacks:fit": r"digits that neither has seen, after 20 updates"},
        "architectures.race=true&architectures.r_updates=20",
        (lambda visitor: visitor.press("Train both"),),
    ),
    Asking(
        "architectures",
        {"cnndemo.architectures.comparing:run": r"Measured in Keras on"},
        acts=(
            lambda visitor: visitor.press("Measure on this machine"),
            lambda visitor: visitor.choose("What it costs", "Time, measured"),
        ),
    ),
)  # fmt: skip


async def everything(url: str) -> tuple[Answers, list[str]]:
    """Visitors, one after the other, ask everything; the answers, and the errors."""
    found: Answers = {}
    errors, files = [], {}
    for asking in ASKED:
        async with Visitor(url) as visitor:
            visitor.files = files
            found |= await _ask(visitor, asking)
            errors += visitor.errors
    return found, errors


async def _ask(visitor: Visitor, asking: Asking) -> Answers:
    """Seconds until each answer of a page was seen."""
    started = time.monotonic()
    await visitor.open(asking.stem, asking.query)
    try:
        for act in asking.acts:
            await act(visitor)
    except (LookupError, OSError) as error:  # no such button, or no file
        visitor.errors.append(f"{asking.stem}: {type(error).__name__} {error}")
        return dict.fromkeys(asking.answers)
    seen: dict[str, float] = {}
    while True:
        for function, words in asking.answers.items():
            if function not in seen and any(re.search(words, text) for text in visitor.page.words):
                seen[function] = time.monotonic() - started
        if len(seen) == len(asking.answers) or time.monotonic() - started > PATIENCE:
            return dict.fromkeys(asking.answers) | seen
        await visitor.rest(0.5)
