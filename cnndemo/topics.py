"""The registry of topics: navigation, home page, book index and tests are generated from it."""

from __future__ import annotations

from dataclasses import dataclass
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

TOPICS: dict[str, Topic] = {topic.stem: topic for topic in _ALL}


def built() -> list[Topic]:
    """The topics that have a page, in the book's order."""
    return [topic for topic in TOPICS.values() if topic.built]


def by_chapter() -> dict[str, list[Topic]]:
    """Section heading -> built topics, for the navigation; topics beside the book's order come last."""
    sections = {f"{number} · {name}": [t for t in built() if t.chapter == number] for number, name in CHAPTERS.items()}
    sections["The book"] = [t for t in built() if t.chapter == 0]
    return {heading: topics for heading, topics in sections.items() if topics}
