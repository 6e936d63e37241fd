"""Keras model builders, one architecture a file; every file has `build(...) -> keras.Model`."""
