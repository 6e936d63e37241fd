"""What the transfer page costs: naming, maps, a head, and memory. Goals are those of a quiet two-core machine."""

from __future__ import annotations

import io
import multiprocessing
import time
from pathlib import Path
from statistics import median

import cv2
import numpy as np
from PIL import Image

from cnndemo import images, memory
from cnndemo import resnet_transfer as transfer
from cnndemo.resnet_transfer import attribution, teaching, uploads
from tests.benchmarks.browser_timing import answer, gallery
from tests.benchmarks.timing import milliseconds

# What the visitor waits for: the labels and lengths of the first chart's bars.
BARS = "() => [...document.querySelector('.js-plotly-plot')?.querySelectorAll('.bartext') || []]" + (
    ".map(text => text.textContent).join() || null"
)


def main() -> None:
    import keras  # noqa: F401
    import tensorflow  # noqa: F401

    before = memory.resident_bytes()
    network = transfer.network("efficientnet_lite0")
    image = images.sample("cat")
    seen = network.look(image)
    index = int(seen.scores.argmax())
    print(f"memory of the loaded backbone        {(memory.resident_bytes() - before) / 1e6:7.0f} MB (goal 150)")
    print(f"name a picture, crop to labels       {milliseconds(lambda: transfer.classify(image)):7.1f} ms (goal 60)")
    cam = milliseconds(lambda: attribution.fast_grad_cam(network, seen.pixels, index))
    print(f"Grad-CAM                             {cam:7.1f} ms (goal 150)")
    covered = milliseconds(lambda: list(attribution.occlusion(network, seen.pixels, index)), rounds=1)
    print(f"occlusion map of 144 places          {covered:7.0f} ms")
    shots = uploads.ready_set("samples", each=25)
    started = time.perf_counter()
    features = teaching.features(shots, network)
    print(f"features of {len(shots)} pictures             {1000 * (time.perf_counter() - started):7.0f} ms")
    classes = list(dict.fromkeys(shot.label for shot in shots))
    labels = teaching.numbers(shots, classes)
    fit = milliseconds(lambda: teaching.fit_head(features, labels, classes), rounds=5)
    print(f"head of {len(shots)} pictures                 {fit:7.0f} ms (goal 5000 with the features)")
    check = milliseconds(lambda: teaching.cross_validate(features, labels, classes), rounds=3)
    print(f"leaving out each of {len(shots)} pictures     {check:7.0f} ms")
    for kind, count in (("JPEG", 50), ("PNG", 5)):
        with multiprocessing.get_context("spawn").Pool(1) as fresh:
            print(fresh.apply(large_uploads, (kind, count)))
    uploaded = median(uploads_to_bars(12))
    print(f"picture to bars in the browser       {uploaded:7.0f} ms (goal 500)")


def uploads_to_bars(rounds: int) -> list[float]:
    """Milliseconds from an upload to new bars; each picture is another crop of the cat, so that nothing is cached."""
    cat, spent = images.sample("cat"), []
    with gallery() as visit:
        page = visit("resnet_transfer")
        page.get_by_test_id("stMain").get_by_text("Upload", exact=True).first.click()
        chooser = page.get_by_test_id("stFileUploader").filter(has_text="Your picture").locator("input[type=file]")
        for number in range(rounds):
            crop = images.png(cat[4 * number + 4 :, 4 * number + 4 :])
            file = {"name": f"{number}.png", "mimeType": "image/png", "buffer": crop}
            spent.append(answer(page, lambda file=file: chooser.set_input_files(file), BARS))
    return spent


def large_uploads(kind: str, count: int) -> str:
    """Time and peak memory of reading pictures of 12 megapixels; run in a process of its own (Linux)."""
    noise = np.random.default_rng(0).integers(0, 16, (3000, 4000, 3)).astype(np.uint8)
    photo = Image.fromarray(cv2.resize(images.sample("cat"), (4000, 3000)) // 2 + noise)
    shots, growth, seconds, before = uploads.ready_set("samples", each=1), [], 0.0, 0.0
    for number in range(count):
        photo.putpixel((2000, 1500 + number), (255, 0, 0))  # no file is the twin of another
        buffer = io.BytesIO()
        photo.save(buffer, kind, compress_level=1)
        data = buffer.getvalue()
        del buffer
        Path("/proc/self/clear_refs").write_text("5")  # the peak is that of now
        before = before if growth else peak() - len(data) / 1e6
        started = time.perf_counter()
        shots, notes = uploads.add_files(shots, [(f"{number}", lambda data=data: data)], "large")
        seconds += time.perf_counter() - started
        growth.append(peak() - before)
        assert not notes, notes
    return (
        f"{count} {kind} files of 12 MP, {len(data) / 1e6:.0f} MB each  {1000 * seconds / count:5.0f} ms each; "
        f"peak {growth[0]:.0f} MB more at the first, {max(growth):.0f} MB at the worst"
    )


def peak() -> float:
    """The most memory that this process has had, in MB (Linux)."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    main()
