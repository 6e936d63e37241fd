"""The widgets of the siamese page."""
