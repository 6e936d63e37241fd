"""The answer of the layer lab: a slider moved until the number has changed."""

from tests.benchmarks.browser_timing import report_sliders

METRIC = "[data-testid=stMetric]"


def main() -> None:
    report_sliders(
        [
            ("layer_lab?h=5", "Input size", METRIC, 150),
            ("layer_lab?h=11&w=12&kh=7&kw=7&pad=full", "Input size", METRIC, 150),
            ("layer_lab", "Stride", METRIC, 150),
        ]
    )


if __name__ == "__main__":
    main()
