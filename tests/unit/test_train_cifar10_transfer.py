"""The book's experiment on CIFAR-10: what trains, and which rows of the table a part of it renews."""

from argparse import Namespace

import keras
import numpy as np
import pytest

from cnndemo import weights
from cnndemo.models import feature_head
from train import cifar10_transfer


def test_pretrained_network_keeps_its_statistics_and_a_fresh_one_follows_its_batches():
    head = feature_head.build(10)
    tuned, fresh = cifar10_transfer.whole_network(32, True, head), cifar10_transfer.whole_network(32, False)

    def normalizations(model):
        return [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]

    assert not any(layer.trainable for layer in normalizations(tuned))
    assert all(layer.trainable and layer.momentum == 0.9 for layer in normalizations(fresh))
    np.testing.assert_array_equal(tuned.get_layer("scores").kernel, head.get_layer("scores").kernel)
    assert len(normalizations(fresh)) > 40


@pytest.mark.parametrize(
    ("parts", "renewed"),
    [("tuned", {"all layers"}), ("scratch", {"from scratch"}), ("tuned,scratch", {"all layers", "from scratch"})],
)
def test_a_part_keeps_the_other_rows_and_the_heads(parts, renewed):
    arguments = Namespace(parts=parts.split(","), weights_dir=weights.WEIGHTS_DIR)
    rows, heads, histories, certain, origin = cifar10_transfer.earlier(arguments)
    trained = {row["trained"] for row in rows}
    assert trained == {"head", "all layers", "from scratch"} - renewed
    assert set(heads) == set(histories) == set(certain) == {"padded to 224", "scaled to 224"}
    assert "--parts" not in origin["command"] and origin["resumed"] is False
