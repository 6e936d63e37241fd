"""The answer of the convolution page: a slider moved until the number has changed."""

from tests.benchmarks.browser_timing import gallery, report

METRIC = "[data-testid=stMetric]"


def main() -> None:
    with gallery() as visit:
        report(visit, [("convolution", "Slide to t", METRIC, 150), ("convolution", "mean of g", METRIC, 150)])


if __name__ == "__main__":
    main()
