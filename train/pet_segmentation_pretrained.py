"""Trains a U-Net on the ImageNet-pretrained EfficientNet-Lite0 on the Oxford-IIIT Pet data set; beyond the book.

    python -m train.pet_segmentation_pretrained

Three parts, each with its own learning-rate cosine: labelled pictures at a smaller size; at full size; and, with the
network's own answers on the training pictures that have no trimap (self-training), once more at full size. The first
blocks and all batch normalizations of the encoder stay as ImageNet left them. At the end the batch normalizations are
folded into the convolutions. Data, augmentation, loss and figures are those of `train/pet_segmentation.py`.

    python -m train.pet_segmentation_pretrained --start --epochs 0 --taught-epochs 15 --rate 8e-4

goes on from the shipped, folded weights instead of the first part, and keeps their history.
"""

from __future__ import annotations

from dataclasses import replace

import keras

from cnndemo import pet_segmentation, weights
from cnndemo.models import unet_pretrained
from train import common
from train.datasets import oxford_pets
from train.pet_segmentation import Augmentation, Clock, Squares, finish, pairs, teach, train_stage

FROZEN = ("stem", "stage1_")


def build(size: int, folded: bool = False) -> keras.Model:
    """The network with the layers frozen that stay as ImageNet left them."""
    model = unet_pretrained.build(size, folded=folded)
    for layer in model.layers:
        encoder = not layer.name.startswith(("decoder", "probabilities"))
        if encoder and (layer.name.startswith(FROZEN) or "normalization" in layer.name):
            layer.trainable = False
    return model


def main() -> None:
    parser = common.parser(__doc__, "pet_segmentation_pretrained", epochs=60, batch_size=16)
    parser.add_argument("--small-epochs", type=int, default=40, help="epochs at the smaller size, labelled pictures")
    parser.add_argument("--small-size", type=int, default=160, help="side of the squares in the first part")
    parser.add_argument("--taught-epochs", type=int, default=30, help="epochs with the network's own answers; 0: none")
    parser.add_argument("--rate", type=float, default=6e-4, help="highest learning rate")
    parser.add_argument("--start", action="store_true", help="go on from the shipped weights, without the first part")
    parser.add_argument("--size", type=int, default=256, help="side of the squares after the first part")
    parser.add_argument("--minutes", type=float, default=0.0, help="at most so long; the schedule fits itself to it")
    parser.add_argument("--mixed", action="store_true", help="compute in bfloat16 (GPU)")
    arguments = parser.parse_args()
    common.prepare(arguments)
    clock = Clock(arguments.minutes)
    pets = oxford_pets.load(arguments.data_dir)
    if arguments.limit:
        pets = replace(pets, train=pets.train[: arguments.limit], unlabelled=pets.unlabelled[: arguments.limit])
    net = pet_segmentation.NETWORKS["pretrained"]
    encoder = {layer.name: layer.get_weights() for layer in weights.load("efficientnet_lite0").layers}
    if arguments.mixed:
        keras.config.set_dtype_policy("mixed_bfloat16")
    examples, history, model = pairs(pets.train), [], None
    stages = [
        ("small", arguments.small_size, arguments.small_epochs, 1.0, 0.25),
        ("full", arguments.size, arguments.epochs, 1.0, 0.5 if arguments.taught_epochs else 1.0),
        ("taught", arguments.size, arguments.taught_epochs, 0.5, 1.0),
    ]
    start: dict = {}
    if arguments.start:
        shipped, start = weights.load(net.weights), common.origin(net.weights)
        history, stages = weights.history(net.weights), stages[1:]
    for stage, size, epochs, factor, part in stages:
        if not epochs:
            continue
        previous, model = model, build(size, folded=arguments.start)
        if previous is not None:
            model.set_weights(previous.get_weights())
        elif arguments.start:
            model.set_weights(shipped.get_weights())
        else:
            for layer in model.layers:
                if encoder.get(layer.name):
                    layer.set_weights(encoder[layer.name])
        if stage == "taught":
            examples = 2 * examples + teach(model, replace(net, size=size), pets.unlabelled)
        train = Squares(examples, size, net.scale, arguments.batch_size, Augmentation(), arguments.seed)
        validation = Squares(pairs(pets.validation), size, net.scale, arguments.batch_size)
        rate = arguments.rate * factor
        history += train_stage(model, train, validation, arguments, stage, epochs, rate, clock, part)
    keras.config.set_dtype_policy("float32")
    if arguments.start:
        served = unet_pretrained.build(net.size, folded=True)
        served.set_weights(model.get_weights())
    else:
        served = unet_pretrained.fold(model, net.size)
    builder, options = "cnndemo.models.unet_pretrained:build", {"size": net.size, "folded": True}
    origin = {"package": "efficientnet_lite0 (encoder at the start)", "licence": "Apache-2.0", "author": "Google"}
    finish(served, net, pets, arguments, history, builder, options, encoder=origin, **start)


if __name__ == "__main__":
    main()
