"""Data sets: taken from `--data-dir` when they are there, otherwise the official file is downloaded."""
