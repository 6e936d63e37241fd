"""Trains a U-Net on the ImageNet-pretrained EfficientNet-Lite0 on the Oxford-IIIT Pet data set; beyond the book.

    python -m train.pet_segmentation_pretrained

Three parts, each with its own learning-rate cosine: labelled pictures at a smaller size; at full size; and, with the
network's own answers on the training pictures that have no trimap (self-training), once more at full size. The first
blocks and all batch normalizations of the encoder stay as ImageNet left them. At the end the batch normalizations are
folded into the convolutions. Data, augmentation, loss and figures are those of `train/pet_segmentation.py`.

    python -m train.pet_segmentation_pretrained --start --epochs 0 --taught-epochs 15 --learning-rate 8e-4

goes on from the published, folded weights instead of the first part, and keeps their history.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import keras

from cnndemo import pet_segmentation, weights
from cnndemo.models import unet_pretrained
from train import common, engine, features, provenance
from train.datasets import oxford_pets
from train.pet_segmentation import figures, finish, limited, pairs, teach, train_stage
from train.schedules import Clock

FROZEN = ("stem", "stage1_")


def build(size: int, folded: bool = False) -> keras.Model:
    """The network with the layers frozen that stay as ImageNet left them."""
    model = unet_pretrained.build(size, folded=folded)
    for layer in model.layers:
        encoder = not layer.name.startswith(("decoder", "probabilities"))
        if encoder and (layer.name.startswith(FROZEN) or "normalization" in layer.name):
            layer.trainable = False
    return model


def options() -> argparse.ArgumentParser:
    """The arguments of this script."""
    name, over = "pet_segmentation_pretrained", "all pixels of a batch"
    parser = common.parser(__doc__, name, epochs=60, batch_size=16, least_epochs=0, loss_over=over)
    count, side = common.at_least(0), common.at_least(32)
    parser.add_argument("--small-epochs", type=count, default=40, help="epochs at the smaller size, labelled pictures")
    parser.add_argument("--small-size", type=side, default=160, help="side of the squares in the first part")
    parser.add_argument("--taught-epochs", type=count, default=30, help="epochs with the network's own answers")
    parser.add_argument("--learning-rate", type=common.above_zero, default=6e-4, help="the highest")
    parser.add_argument("--start", action="store_true", help="go on from the published weights, without the first part")
    parser.add_argument("--size", type=side, default=256, help="side of the squares after the first part")
    parser.add_argument(
        "--minutes", type=common.zero_or_more, default=0.0, help="at most so long; the schedule fits itself to it"
    )
    return parser


@common.script
def main() -> None:
    parser = options()
    arguments = parser.parse_args()
    if not arguments.epochs + arguments.taught_epochs + (0 if arguments.start else arguments.small_epochs):
        parser.error("there is no epoch to train: the numbers of epochs are 0")
    net, folder = pet_segmentation.NETWORKS["pretrained"], arguments.weights_dir
    pets = oxford_pets.load(arguments.data_dir)
    if arguments.measure:
        common.measure(net.weights, arguments, lambda served: figures(served, net, pets))
        return
    start: dict = {}
    if arguments.start:
        published, start = weights.load(net.weights, folder), provenance.origin(net.weights, folder)
    encoder = {layer.name: layer.get_weights() for layer in features.imagenet(folder).layers}
    common.prepare(arguments)
    clock = Clock(arguments.minutes)
    pets = limited(pets, arguments.limit)
    examples, history, model = pairs(pets.train), [], None
    stages = [
        ("small", arguments.small_size, arguments.small_epochs, 1.0, 0.25),
        ("full", arguments.size, arguments.epochs, 1.0, 0.5 if arguments.taught_epochs else 1.0),
        ("taught", arguments.size, arguments.taught_epochs, 0.5, 1.0),
    ]
    if arguments.start:
        history, stages = weights.history(net.weights, folder), stages[1:]
    for stage, size, epochs, factor, part in stages:
        if not epochs:
            continue
        previous = model
        with engine.precision(arguments):
            model = build(size, folded=arguments.start)
        if previous is not None:
            model.set_weights(previous.get_weights())
        elif arguments.start:
            model.set_weights(published.get_weights())
        else:
            for layer in model.layers:
                if encoder.get(layer.name):
                    layer.set_weights(encoder[layer.name])
        if stage == "taught":
            examples = 2 * examples + teach(model, replace(net, size=size), pets.unlabelled)
        both, rate = (examples, pairs(pets.validation)), arguments.learning_rate * factor
        history += train_stage(model, both, size, net.scale, arguments, stage, epochs, rate, clock, part)
    if arguments.start:
        served = unet_pretrained.build(net.size, folded=True)
        served.set_weights(model.get_weights())
    else:
        served = unet_pretrained.fold(model, net.size)
    builder, size = "cnndemo.models.unet_pretrained:build", {"size": net.size, "folded": True}
    origin = {"package": "efficientnet_lite0 (encoder at the start)", "licence": "Apache-2.0", "author": "Google"}
    finish(served, net, pets, arguments, history, builder, size, encoder=origin, **start)


if __name__ == "__main__":
    main()
