"""The widgets that pages share."""

from cnndemo.inference import predictor
from cnndemo.ui.boxes import pick_box
from cnndemo.ui.bring import bring_file, edit_table
from cnndemo.ui.browser import prepare_browser
from cnndemo.ui.choices import main_button, one_of
from cnndemo.ui.digits import pick_digit
from cnndemo.ui.frame import guard, icon, next_topic, page, plain, scene, section, stage, starting_again, try_it
from cnndemo.ui.lesson import beside_lesson, lesson_title
from cnndemo.ui.line import prepare_line
from cnndemo.ui.live import live_camera
from cnndemo.ui.pad import pad
from cnndemo.ui.panels import chart, check_yourself, code, download, model_card, source, table
from cnndemo.ui.pictures import Picture, own_picture, pick_image, show
from cnndemo.ui.session import state

__all__ = [
    "Picture",
    "beside_lesson",
    "bring_file",
    "chart",
    "check_yourself",
    "code",
    "download",
    "edit_table",
    "guard",
    "icon",
    "lesson_title",
    "live_camera",
    "main_button",
    "model_card",
    "next_topic",
    "prepare_browser",
    "prepare_line",
    "one_of",
    "own_picture",
    "pad",
    "page",
    "pick_box",
    "pick_digit",
    "pick_image",
    "plain",
    "predictor",
    "scene",
    "section",
    "show",
    "source",
    "stage",
    "starting_again",
    "state",
    "table",
    "try_it",
]
