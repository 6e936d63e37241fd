"""Train the base network of listing 5.6 with triplet loss and semi-hard negatives (book 5.6) on MNIST.

    python -m train.triplet                                         # weights/triplet.*
    python -m train.triplet --hold-out 7 --positions --epochs 4    # weights/triplet_holdout.*: never sees a 7

Each batch is mined for its own triplets. Splits, augmentation and test pairs are those of `train.siamese`.
"""

from __future__ import annotations

import argparse

from cnndemo.siamese import losses
from train import common
from train.siamese import arguments_of, run


def options() -> argparse.ArgumentParser:
    """The arguments of this script."""
    parser = arguments_of(__doc__.splitlines()[0], "triplet")
    parser.set_defaults(batch_size=128, epochs=100, learning_rate=1e-3)
    return parser


@common.script
def main() -> None:
    arguments = options().parse_args()

    def loss(labels, embeddings):
        return losses.semi_hard_triplet_loss(labels, embeddings, arguments.margin)

    run(arguments, loss, "triplet, on squared Euclidean distances, semi-hard negatives of each batch")


if __name__ == "__main__":
    main()
