"""The widgets of the page."""

from cnndemo.fool_it.views.attack import try_it
from cnndemo.fool_it.views.certainty import NETWORKS, certainty
from cnndemo.fool_it.views.closing import asked, snippet
from cnndemo.fool_it.views.helps import what_helps
from cnndemo.fool_it.views.search import without_looking_inside

__all__ = ["NETWORKS", "asked", "certainty", "snippet", "try_it", "what_helps", "without_looking_inside"]
