"""The widgets of the augmentation page."""
