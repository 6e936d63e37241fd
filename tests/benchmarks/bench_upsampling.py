"""The answer of the upsampling page, and the seconds in which a kernel is learned."""

import time

from cnndemo import images, upsampling
from tests.benchmarks.browser_timing import report_sliders


def main() -> None:
    picture = images.shrink(images.sample("cat"), 320)
    for factor in (2, 4, 8):
        original, small = upsampling.shrink_by(picture, factor)
        start = time.perf_counter()
        *_, last = upsampling.learn_kernel(small, original, 2 * factor, 200)
        print(f"factor {factor}: 200 steps of learning in {time.perf_counter() - start:.2f} s, error {last.loss:.5f}")
        start = time.perf_counter()
        for method in upsampling.METHODS:
            upsampling.quality(original, upsampling.upsample(small, factor, method))
        print(f"factor {factor}: three methods with PSNR and SSIM in {time.perf_counter() - start:.2f} s")
    report_sliders([("upsampling", "Input size", "[data-testid=stMain] code", 150)])


if __name__ == "__main__":
    main()
