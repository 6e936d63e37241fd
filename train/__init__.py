"""One command a weights file: `python -m train.<model> --help`."""
