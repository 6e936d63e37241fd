"""Each served network beside a bare ONNX Runtime session on the same file, in the same process."""

from __future__ import annotations

import numpy as np
import onnxruntime

from cnndemo import inference, weights
from tests.benchmarks.timing import in_turn

GOAL = 1.1


def bare(name: str) -> onnxruntime.InferenceSession:
    """The file as anyone would open it, on as many threads."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = inference.THREADS
    return onnxruntime.InferenceSession(weights.onnx_file(name), options, providers=["CPUExecutionProvider"])


def main() -> None:
    for name in weights.names():
        session, ours = bare(name), inference.predictor(name)
        inputs = {
            each.name: np.ones([1 if isinstance(side, str) else side or 1 for side in each.shape], np.float32)
            for each in session.get_inputs()
        }
        batch = inputs[session.get_inputs()[0].name]
        mine, peer = in_turn(
            lambda ours=ours, batch=batch: ours(batch),
            lambda session=session, inputs=inputs: session.run([inference.OUTPUT], inputs),
            rounds=60,
        )
        print(f"{name:30} {mine:7.2f} ms, bare {peer:7.2f} ms, ratio {mine / peer:.2f} (goal {GOAL})", flush=True)


if __name__ == "__main__":
    main()
