"""The widgets of the face verification page."""
