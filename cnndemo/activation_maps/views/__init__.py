"""The widgets of the activation maps' page."""
