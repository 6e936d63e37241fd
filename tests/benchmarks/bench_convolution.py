"""The answer of the convolution page: a slider moved until the number has changed."""

from tests.benchmarks.browser_timing import report_sliders

METRIC = "[data-testid=stMetric]"


def main() -> None:
    report_sliders([("convolution", "Slide to t", METRIC, 150), ("convolution", "mean of g", METRIC, 150)])


if __name__ == "__main__":
    main()
