"""The registry of topics: navigation, home page, book index and tests are generated from it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PAGES = Path(__file__).resolve().parent.parent / "pages"

CHAPTERS: dict[int, str] = {
    1: "Convolution",
    2: "The network",
    3: "Preparing input",
    4: "Classification",
    5: "Faces",
    6: "Segmentation",
    7: "Understanding",
}


@dataclass(frozen=True)
class Goal:
    """What one can do after a page, and how one gets there.

    Args:
        able: ends the sentence “After this page you can …”, without a full stop.
        tasks: two things to do on the page, each with something to see.
    """

    able: str
    tasks: tuple[str, str]


@dataclass(frozen=True)
class Topic:
    """One page of the gallery.

    Args:
        stem: name of the page, the library module, the train script and the tests.
        title: what the page is called, in sentence case.
        question: the one question that the page answers.
        chapter: chapter of the book, 1 to 7; 0 for pages beside the book's order.
        icon: Material icon of the navigation.
        book: sections of the book that the page brings to life; empty where the book has nothing of it.
    """

    stem: str
    title: str
    question: str
    chapter: int
    icon: str
    book: str

    @property
    def goal(self) -> Goal | None:
        """What a visitor takes away from the page."""
        return GOALS.get(self.stem)

    @property
    def path(self) -> Path:
        return PAGES / f"{self.stem}.py"

    @property
    def built(self) -> bool:
        """A topic is built when its page exists; until then it is absent from the gallery."""
        return self.path.is_file()


_ALL = (
    Topic("convolution", "Convolution", "What happens when one curve slides over another?", 1, "ssid_chart", "1.1–1.2"),
    Topic("pattern_matching", "Pattern matching", "How can a dot product find a shape?", 1, "search", "1.3"),
    Topic("layer_lab", "Layer lab", "What does each layer do to the numbers?", 2, "science", "2.3–2.4"),
    Topic("digit_classifier", "Digit classifier", "Can a small CNN read what you draw?", 2, "draw", "2.1–2.3"),
    Topic("training", "Training", "What happens in an epoch?", 2, "model_training", "2.5"),
    Topic("normalization", "Normalization", "Why do networks want small, even numbers?", 3, "compress", "3.1"),
    Topic("filters", "Filters", "What can nine numbers find in a picture?", 3, "grid_on", "3.3"),
    Topic("augmentation", "Augmentation", "How does one picture become many?", 3, "auto_awesome_motion", "3.2, 4.5"),
    Topic("architectures", "Architectures", "Why did networks get deeper, and how?", 4, "account_tree", "4.1–4.4"),
    Topic(
        "resnet_transfer",
        "Transfer learning",
        "What does a trained network already know?",
        4,
        "sync_alt",
        "4.2, 4.4–4.5",
    ),
    Topic("face_detection", "Face detection", "Where is a face in this picture?", 5, "face", "5.1"),
    Topic("siamese", "Siamese networks", "How can a network learn “the same”?", 5, "join_inner", "5.3, 5.5–5.6"),
    Topic("face_verification", "Face verification", "Are these two the same person?", 5, "badge", "5.2–5.6"),
    Topic("upsampling", "Upsampling", "How does a small map grow large again?", 6, "zoom_out_map", "6.2–6.3"),
    Topic("pet_segmentation", "Pet segmentation", "Which pixels are the pet?", 6, "pets", "6.1, 6.4"),
    Topic("activation_maps", "Activation maps", "What does each filter look for?", 7, "visibility", "7.1"),
    Topic("fool_it", "Fool it", "How little must change before a network reads something else?", 7, "bolt", ""),
    Topic("book_index", "Book index", "Where is each figure and listing of the book alive?", 0, "menu_book", "1–7"),
)

GOALS: dict[str, Goal] = {
    "convolution": Goal(
        "tell convolution from cross-correlation, and say why a layer may use either",
        (
            "Play the slide and stop it where the area is largest: which parts of the two curves lie on each other?",
            "Take the lopsided pair and switch the operation. Then make g even: why does it change nothing now?",
        ),
    ),
    "pattern_matching": Goal(
        "find a shape with a dot product, and say when that must fail",
        (
            "Drag the pattern to where its score is highest. Is it where you would have put it by eye?",
            "Below, let the shapes grow by a fifth, then turn them: which of the four searches gives up first?",
        ),
    ),
    "layer_lab": Goal(
        "work out by hand what a layer makes of its input: its size and every number in it",
        (
            "Press Play and stop anywhere. Recalculate the framed output cell on paper.",
            "Find two settings of kernel, stride and padding that give the same output size, and say how they differ.",
        ),
    ),
    "digit_classifier": Goal(
        "name the steps from a drawing to ten probabilities, and break the network on purpose",
        (
            "Draw a digit that the network is sure of, then change it with one stroke until it reads another.",
            "Draw a letter. Does the network say that it is no digit?",
        ),
    ),
    "training": Goal(
        "read a loss curve: learning, overfitting, a rate too high",
        (
            "Train with a tenfold learning rate. Which of the two curves shows it first?",
            "Make a third of the labels wrong. What happens to training and to validation loss?",
        ),
    ),
    "normalization": Goal(
        "say why a network wants its inputs small and even, and what a learning rate may be",
        (
            "Drag the learning rate up until one bowl bursts and the other still arrives.",
            "Take the book's ranges. How much smaller must the rate be before the left bowl stops bursting?",
        ),
    ),
    "filters": Goal(
        "read nine numbers as what they look for, and write a kernel of your own",
        (
            "Find the filter that answers to horizontal edges only, on a picture where you can check it.",
            "Type a kernel that moves the picture by one pixel.",
        ),
    ),
    "augmentation": Goal(
        "choose the transforms that keep a label true",
        (
            "Mirror and turn digits: which of them does the network read as another?",
            "Switch everything on, then take away what makes a picture that nobody would photograph.",
        ),
    ),
    "architectures": Goal(
        "count the parameters of a network, and say what a skip connection is for",
        (
            "Find the layer of AlexNet that holds most of the parameters. Guess before you look.",
            "Stack layers until the gradient is gone, then bring it back without making the network shallower.",
        ),
    ),
    "resnet_transfer": Goal(
        "teach a trained network classes of your own with a handful of pictures",
        (
            "Shuffle the weights of the network and compare: what was its knowledge worth?",
            "Teach it two things on your desk with five pictures each, then show it a third.",
        ),
    ),
    "face_detection": Goal(
        "say how a cascade finds a face, and what makes it miss one",
        (
            "Lower the minimum of neighbours until the cascade sees a face where there is none.",
            "Turn or darken a face until one of the two detectors loses it.",
        ),
    ),
    "siamese": Goal(
        "compare things of a class that a network never saw, and choose a threshold",
        (
            "Draw a digit, then draw it badly, until another digit is nearer than its own.",
            "Drag the negative until a triplet is semi-hard: where must it lie?",
        ),
    ),
    "face_verification": Goal(
        "weigh false accepts against false rejects, and say what an embedding of a face is",
        (
            "Move the threshold until nobody is let in wrongly. Who is kept out by it?",
            "Enrol one person with one picture, and see which second picture is not recognised.",
        ),
    ),
    "upsampling": Goal(
        "enlarge a small map by hand, three ways, and foresee a checkerboard",
        (
            "Find the output cell where nearest and bilinear differ most.",
            "Make a checkerboard with a kernel and a stride, then get rid of it by changing the kernel alone.",
        ),
    ),
    "pet_segmentation": Goal(
        "judge a mask by Jaccard and Dice, and say what the skips of a U-Net bring",
        (
            "Paint a mask with a Jaccard of one half. How large is its Dice?",
            "Find a picture on which the mask fails, and say what the network took for the pet.",
        ),
    ),
    "activation_maps": Goal(
        "see which strokes a filter answers to, and which filters a network could do without",
        (
            "Draw a digit of straight strokes only: which maps stay dark?",
            "Switch filters off until the network fails. How many did it need?",
        ),
    ),
    "fool_it": Goal(
        "fool a network by changes that nobody sees, and say why its percentages prove nothing",
        (
            "Find the smallest ε that fools the network. Does a random change of that size ever do it?",
            "Fool it, then blur the picture a little, or save it as a JPEG: which changes survive?",
        ),
    ),
    "book_index": Goal(
        "go from any figure or listing of the book to where it runs",
        (
            "Open the figure that you understood least in the book.",
            "Pick a place where the book errs and check it by hand before you read the finding.",
        ),
    ),
}

TOPICS: dict[str, Topic] = {topic.stem: topic for topic in _ALL}


def built() -> list[Topic]:
    """The topics that have a page, in the book's order."""
    return [topic for topic in TOPICS.values() if topic.built]


@cache
def sections(stem: str) -> tuple[str, ...]:
    """The titles of a page's sections that its file names, in their order."""
    source = TOPICS[stem].path.read_text(encoding="utf-8")
    return tuple(re.findall(r"""\bsection\("([^"]+)\"""", source))


def after(stem: str) -> Topic | None:
    """The topic that follows in the book's order; the first one after the front page, none after the last."""
    order = [topic.stem for topic in built()]
    place = order.index(stem) + 1 if stem in order else 0
    return TOPICS[order[place]] if place < len(order) else None


def by_chapter() -> dict[str, list[Topic]]:
    """Section heading -> built topics, for the navigation; topics beside the book's order come last."""
    sections = {f"{number} · {name}": [t for t in built() if t.chapter == number] for number, name in CHAPTERS.items()}
    sections["The book"] = [t for t in built() if t.chapter == 0]
    return {heading: topics for heading, topics in sections.items() if topics}
