"""The widgets of the pattern matching page."""

from cnndemo.pattern_matching.views.quest import RESULT, Quest, choose_quest, pick_position, verdict
from cnndemo.pattern_matching.views.slide import slide

__all__ = ["RESULT", "Quest", "choose_quest", "pick_position", "slide", "verdict"]
