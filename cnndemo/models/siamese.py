"""The book's siamese network (listing 5.6, figures 5.3 and 5.8) and its two small classifiers (listings 5.1 to 5.4).

Book: 5.3, 5.5 and 5.6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras

INPUT_SHAPE = (28, 28, 1)
EMBEDDING_SIZE = 128
PARAMETERS = 26_080  # of the base network; a test counts them


def build(input_shape: tuple[int, int, int] = INPUT_SHAPE, seed: int | None = None) -> keras.Model:
    """The base network of listing 5.6: one digit in, one embedding out.

    Args:
        input_shape: height, width and channels of a picture; values are expected in 0 to 1.
        seed: the same seed gives the same untrained weights.

    Returns:
        A model from (batch, 28, 28, 1) to (batch, 128), with 26,080 parameters for the default shape.
        The last layer is a ReLU, as in the book, so no coordinate of an embedding is negative.
    """
    import keras
    from keras.layers import Conv2D, Dense, Flatten, MaxPool2D

    def start(layer: int) -> keras.Initializer:
        """Keras' default initializer; each layer needs a seed of its own."""
        return keras.initializers.GlorotUniform(None if seed is None else 10 * seed + layer)

    picture = keras.Input(input_shape, name="picture")
    x = Conv2D(8, (3, 3), activation="relu", kernel_initializer=start(1), name="conv_1")(picture)
    x = MaxPool2D((3, 3), padding="valid", name="pool_1")(x)
    x = Conv2D(16, (3, 3), activation="relu", kernel_initializer=start(2), name="conv_2")(x)
    x = MaxPool2D((3, 3), padding="valid", name="pool_2")(x)
    x = Flatten(name="flatten")(x)
    x = Dense(128, activation="relu", kernel_initializer=start(3), name="dense")(x)
    embedding = Dense(EMBEDDING_SIZE, activation="relu", kernel_initializer=start(4), name="embedding")(x)
    return keras.Model(picture, embedding, name="base_network")


def build_siamese(base_network: keras.Model | None = None) -> keras.Model:
    """Two inputs, one base network called twice, and the Euclidean distance (figures 5.3 and 5.8).

    Args:
        base_network: the network that both pictures go through; a fresh `build()` when left out.

    Returns:
        A model from two pictures (batch, 28, 28, 1) to their distance (batch, 1). It has exactly the variables of
        the base network: calling a model a second time adds no weights.
    """
    import keras

    base_network = base_network or build()
    picture_a = keras.Input(base_network.input_shape[1:], name="picture_a")
    picture_b = keras.Input(base_network.input_shape[1:], name="picture_b")
    embedding_a = base_network(picture_a)
    embedding_b = base_network(picture_b)
    distance = keras.layers.Lambda(euclidean_distance, output_shape=(1,), name="distance")([embedding_a, embedding_b])
    return keras.Model([picture_a, picture_b], distance, name="siamese")


def euclidean_distance(embeddings: list) -> object:
    """L2 distance of two batches of embeddings, (batch, n) each, as (batch, 1).

    The tiny floor keeps the gradient of the square root finite where two embeddings are equal.
    """
    from keras import ops

    a, b = embeddings
    return ops.sqrt(ops.maximum(ops.sum(ops.square(a - b), axis=-1, keepdims=True), 1e-12))


def build_sequential() -> keras.Model:
    """Listing 5.1: a small CNN for five classes with the Sequential API; 5,733 parameters."""
    from keras import Input, Sequential
    from keras.layers import Conv2D, Dense, Flatten, MaxPool2D

    model = Sequential(name="sequential_model")
    model.add(Input(shape=(32, 32, 3)))
    model.add(Conv2D(filters=16, kernel_size=(3, 3), activation="relu", name="conv_1"))
    model.add(MaxPool2D(pool_size=(3, 3), padding="valid", name="pool_1"))
    model.add(Conv2D(filters=32, kernel_size=(3, 3), activation="relu", name="conv_2"))
    model.add(MaxPool2D(pool_size=(3, 3), padding="valid", name="pool_2"))
    model.add(Flatten(name="flatten"))
    model.add(Dense(units=5, activation="softmax", name="dense"))
    return model


def build_functional() -> keras.Model:
    """Listing 5.2: the same CNN with the functional API; 5,733 parameters."""
    from keras import Input, Model
    from keras.layers import Conv2D, Dense, Flatten, MaxPool2D

    picture = Input(shape=(32, 32, 3), name="picture")
    x = Conv2D(filters=16, kernel_size=(3, 3), activation="relu", name="conv_1")(picture)
    x = MaxPool2D(pool_size=(3, 3), padding="valid", name="pool_1")(x)
    x = Conv2D(filters=32, kernel_size=(3, 3), activation="relu", name="conv_2")(x)
    x = MaxPool2D(pool_size=(3, 3), padding="valid", name="pool_2")(x)
    x = Flatten(name="flatten")(x)
    output = Dense(units=5, activation="softmax", name="dense")(x)
    return Model(picture, output, name="functional_model")
