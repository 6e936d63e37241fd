"""How a CNN sees: the library behind the gallery, usable from a notebook.

Importing it loads neither Streamlit nor TensorFlow; modules that run a network import Keras inside their functions.
"""
