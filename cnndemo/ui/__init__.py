"""The widgets that all pages share; the only place in the package that imports Streamlit."""

from cnndemo.ui.boxes import pick_box
from cnndemo.ui.canvas import Canvas, canvas
from cnndemo.ui.choices import one_of
from cnndemo.ui.digits import pick_digit
from cnndemo.ui.frame import guard, icon, page, plain, section, try_it
from cnndemo.ui.memory import collect_rarely
from cnndemo.ui.networks import model, predictor, start_warm_up, tensorflow_ready
from cnndemo.ui.panels import Question, chart, check_yourself, code, download, model_card, table
from cnndemo.ui.pictures import Picture, pick_image, show

__all__ = [
    "Canvas",
    "Picture",
    "Question",
    "canvas",
    "chart",
    "check_yourself",
    "code",
    "collect_rarely",
    "download",
    "guard",
    "icon",
    "model",
    "model_card",
    "one_of",
    "page",
    "pick_box",
    "pick_digit",
    "pick_image",
    "plain",
    "predictor",
    "section",
    "show",
    "start_warm_up",
    "table",
    "tensorflow_ready",
    "try_it",
]
