"""Writes leave_one_out.npz, which holds scikit-learn's own answers: `python tests/golden/leave_one_out.py`, 1.9.1."""

from pathlib import Path

import numpy as np

CASES = {"two": ((6, 9), 30, 0.8, True), "three": ((5, 7, 9), 60, 0.6, True), "rare": ((4, 30), 200, 0.7, False)}
DECAY = 0.003


def data(counts: tuple[int, ...], size: int, distance: float) -> tuple[np.ndarray, np.ndarray]:
    """Features float32 (n, size) of overlapping classes, and labels (n,)."""
    random, labels = np.random.default_rng(3), np.repeat(np.arange(len(counts)), counts)
    centers = random.normal(size=(len(counts), size)) * distance / np.sqrt(size)
    return (centers[labels] + 0.3 * random.normal(size=(len(labels), size))).astype(np.float32), labels


def main() -> None:
    from sklearn.base import BaseEstimator, TransformerMixin
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import LeaveOneOut, cross_val_predict
    from sklearn.pipeline import make_pipeline

    class Scale(TransformerMixin, BaseEstimator):
        def fit(self, x, y=None):
            self.mean_ = x.mean(axis=0)
            self.scale_ = np.sqrt(((x - self.mean_) ** 2).sum(axis=1).mean())
            return self

        def transform(self, x):
            return (x - self.mean_) / self.scale_

    golden = {}
    for name, (counts, size, distance, balanced) in CASES.items():
        x, labels = data(counts, size, distance)
        strength = (2 if len(counts) == 2 else 1) / ((len(labels) - 1) * DECAY)
        layer = LogisticRegression(
            C=strength, class_weight="balanced" if balanced else None, tol=1e-14, max_iter=100_000
        )
        golden[name] = cross_val_predict(
            make_pipeline(Scale(), layer), x.astype(float), labels, cv=LeaveOneOut(), method="predict_proba"
        )
    np.savez_compressed(Path(__file__).with_suffix(".npz"), **golden)


if __name__ == "__main__":
    main()
