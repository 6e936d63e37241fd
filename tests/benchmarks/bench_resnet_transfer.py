"""What the transfer page costs: naming, maps, a head, and memory. Goals are those of a quiet two-core machine."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from cnndemo import images
from cnndemo import resnet_transfer as transfer
from cnndemo.resnet_transfer import attribution, backbones, teaching, uploads


def median(function: Callable[[], object], runs: int = 15) -> float:
    """Median milliseconds after two runs that warm up."""
    times = []
    for _ in range(runs + 2):
        started = time.perf_counter()
        function()
        times.append(1000 * (time.perf_counter() - started))
    return float(np.median(times[2:]))


def main() -> None:
    import keras  # noqa: F401
    import tensorflow  # noqa: F401

    before = backbones.resident_bytes()
    network = transfer.network("efficientnet_lite0")
    image = images.sample("cat")
    seen = network.look(image)
    index = int(seen.scores.argmax())
    print(f"memory of the loaded backbone        {(backbones.resident_bytes() - before) / 1e6:7.0f} MB (goal 150)")
    print(f"name a picture, crop to labels       {median(lambda: transfer.classify(image)):7.1f} ms (goal 60)")
    cam = median(lambda: attribution.fast_grad_cam(network, seen.pixels, index))
    print(f"Grad-CAM                             {cam:7.1f} ms (goal 150)")
    covered = median(lambda: list(attribution.occlusion(network, seen.pixels, index)), runs=1)
    print(f"occlusion map of 144 places          {covered:7.0f} ms")
    shots = uploads.ready_set("samples", each=25)
    started = time.perf_counter()
    features = teaching.features(shots, network)
    print(f"features of {len(shots)} pictures             {1000 * (time.perf_counter() - started):7.0f} ms")
    classes = list(dict.fromkeys(shot.label for shot in shots))
    labels = teaching.numbers(shots, classes)
    fit = median(lambda: teaching.fit_head(features, labels, classes), runs=5)
    print(f"head of {len(shots)} pictures                 {fit:7.0f} ms (goal 5000 with the features)")
    check = median(lambda: teaching.cross_validate(features, labels, classes), runs=3)
    print(f"leaving out each of {len(shots)} pictures     {check:7.0f} ms")
    before = backbones.resident_bytes()
    data = images.png(np.random.default_rng(0).integers(0, 256, (3000, 4000, 3)).astype(np.uint8))
    uploads.add_files([], [(f"{n}.png", lambda: data) for n in range(5)], "large")
    grown = (backbones.resident_bytes() - before) / 1e6
    print(
        f"memory after five pictures of 12 MP  {grown:7.0f} MB more, one of them is {len(data) / 1e6:.0f} MB as a file"
    )


if __name__ == "__main__":
    main()
