"""Train the base network of listing 5.6 with triplet loss and semi-hard negatives (book 5.6) on MNIST.

    python -m train.triplet                 # weights/triplet.*

Each batch is mined for its own triplets. Splits, augmentation and test pairs are those of `train.siamese`.
"""

from __future__ import annotations

from cnndemo import losses
from train import common
from train.siamese import arguments_of, data_card, judge, load, train


def main() -> None:
    parser = arguments_of(__doc__.splitlines()[0], "triplet")
    parser.set_defaults(batch_size=128, epochs=100, learning_rate=1e-3)
    arguments = parser.parse_args()
    common.prepare(arguments)
    training, validation, test = load(arguments)

    def loss(labels, embeddings):
        return losses.semi_hard_triplet_loss(labels, embeddings, arguments.margin)

    model, history = train(arguments, loss, training, validation)
    threshold, metrics = judge(model, validation, test)
    for metric in metrics:
        print(f"{metric['name']}: {metric['value']:.4f} {metric['interval']}")
    common.publish(
        model,
        arguments,
        "cnndemo.models.siamese:build",
        data_card(training, validation, test),
        metrics,
        history=history,
        threshold=threshold,
        margin=arguments.margin,
        loss="triplet, on squared Euclidean distances, semi-hard negatives of each batch",
        notes="Threshold chosen on 20,000 pairs of the validation split, which is the digits that ship with the "
        "gallery. Test pairs were looked at once.",
    )


if __name__ == "__main__":
    main()
