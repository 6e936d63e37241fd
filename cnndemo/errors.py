"""The one exception whose text is meant for the visitor."""


class VisitorError(ValueError):
    """Something the visitor gave cannot be used; the message says what is wrong and what to do.

    Pages show the message (`cnndemo.ui.guard`) and stay alive; it never carries a path or a traceback.
    """
