"""One device, two devices, two processes: the same training. Needs JAX, which the gallery itself does without."""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

from cnndemo import weights
from tests import scripts, tiny
from tests.conftest import ROOT
from train import logs
from train.checkpoints import Arrays

pytestmark = pytest.mark.timeout(900)  # each starts up to three processes that compile
needs_jax = pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="JAX is not installed: pip install jax")
SCRIPTS = {
    "digit_classifier": ["--batch-size", "20", "--variant-epochs", "0"],
    "siamese": ["--batch-size", "32"],
    "pet_segmentation": ["--batch-size", "6", "--small-epochs", "1"],
}


def start(name: str, data: Path, folder: Path, *words: str, devices: int = 1, **environment: str) -> subprocess.Popen:
    """A script of one epoch in a process of its own, with so many virtual devices."""
    epochs = ["--epochs", "0" if name == "pet_segmentation" else "1"]
    folders = ["--data-dir", str(data), "--run-dir", str(folder), "--weights-dir", str(folder.parent / "w")]
    return process("tests.tiny", name, *epochs, *SCRIPTS[name], *words, *folders, devices=devices, **environment)


def process(module: str, *words: str, devices: int, **environment: str) -> subprocess.Popen:
    """A module in a process of its own, with JAX and so many virtual devices."""
    backend = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}
    quick = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"  # of the compiler, and
    quick += " --xla_cpu_use_fusion_emitters=false"  # with the others it takes half as long again
    backend["XLA_FLAGS"] = f"{quick} --xla_force_host_platform_device_count={devices}"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    command = [sys.executable, "-m", module, *words]
    return subprocess.Popen(command, cwd=ROOT, env=os.environ | backend | environment, **pipes)


def finish(*processes: subprocess.Popen) -> str:
    """What they said; all of them must have ended well."""
    try:
        said = [process.communicate(timeout=400)[0] for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert not any(process.returncode for process in processes), "\n".join(said)[-4000:]
    return "\n".join(said)


@pytest.fixture(scope="module")
def alone(data_dir, tmp_path_factory):
    """The run folder of a script on one device, made once."""
    made: dict[str, Path] = {}

    def of(name: str) -> Path:
        if name not in made:
            made[name] = tmp_path_factory.mktemp("alone") / "run"
            finish(start(name, data_dir, made[name]))
        return made[name]

    return of


def close(one: Path, other: Path, within: float = 1e-3) -> None:
    """The same losses. Accuracies of a network that has hardly learned hang on ties, and weights without a gradient,
    such as a bias before batch normalization, follow Adam's amplified rounding."""
    histories = sorted(one.rglob("history.csv"))
    assert histories
    for log in histories:
        rows, others = (logs.read(file) for file in (log, other / log.relative_to(one)))
        for figure in ("loss", "val_loss"):
            assert [row[figure] for row in others] == pytest.approx([row[figure] for row in rows], abs=within)


def only(*quick: str) -> list:
    """The scripts, all but these as slow tests."""
    return [name if name in quick else pytest.param(name, marks=pytest.mark.slow) for name in SCRIPTS]


@needs_jax
def test_the_u_net_itself_trains_on_two_devices_as_on_one(tmp_path):
    finish(process("tests.unet_at_16", str(tmp_path), devices=2))
    close(tmp_path / "one", tmp_path / "all")
    with np.load(tmp_path / "one" / "weights.npz") as one, np.load(tmp_path / "all" / "weights.npz") as other:
        first, *rest = one.files
        assert one[first].shape == (3, 3, 3, 64) and len(rest) == 25
        for name in one.files:
            np.testing.assert_allclose(one[name], other[name], atol=1e-4)


@needs_jax
@pytest.mark.parametrize("name", only())
def test_two_devices_train_as_one(name, alone, data_dir, tmp_path):
    finish(start(name, data_dir, tmp_path / "run", "--distribute", "data-parallel", devices=2))
    close(alone(name), tmp_path / "run")


def both() -> list[dict[str, str]]:
    """The environments of two processes that train together."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    environment = {"KERAS_DISTRIBUTION_JOB_ADDRESSES": address, "KERAS_DISTRIBUTION_NUM_PROCESSES": "2"}
    return [environment | {"KERAS_DISTRIBUTION_PROCESS_ID": str(number)} for number in range(2)]


@needs_jax
@pytest.mark.parametrize("name", only("siamese"))
def test_two_processes_train_as_one_and_only_the_first_writes(name, alone, data_dir, tmp_path):
    run, notes = tmp_path / "run", [tmp_path / "first.txt", tmp_path / "second.txt"]
    told = [{"CNNDEMO_TEST_WRITES": str(file)} | each for file, each in zip(notes, both(), strict=True)]
    finish(*(start(name, data_dir, run, "--distribute", "data-parallel", **each) for each in told))
    close(alone(name), run)
    first, second = ({path for path in file.read_text().splitlines() if str(run) in path} for file in notes)
    kept = {"history.csv", "best.weights.h5", "epoch_0001.npz", f"{name}.json"}
    assert not second and kept <= {Path(path).name for path in first}


@needs_jax
def test_pictures_are_changed_on_jax_as_well():
    """Keras' own layers do not take on every backend what they take on one."""
    code = """
import numpy as np
from train import resnet20
x, y = np.full((8, 32, 32, 3), 200, np.uint8), np.arange(8)
batch = resnet20.Pictures(x, y, 8, seed=1, mixup=0.4)[0][0].astype(np.float32)
for layer in resnet20.augmentation(seed=1, cutout=10):
    batch = layer(batch, training=True)
changed = np.asarray(batch)
assert changed.shape == x.shape and 0 < changed.min() < 200 == changed.max(), (changed.min(), changed.max())
"""
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, timeout=120)


@needs_jax
@pytest.mark.slow
@pytest.mark.parametrize("name", scripts.SCRIPTS)
def test_every_script_trains_with_jax(name, data_dir, tmp_path):
    words = ["--data-dir", str(data_dir), "--run-dir", str(tmp_path / "run"), "--weights-dir", str(tmp_path / "w")]
    finish(process("tests.tiny", name, *scripts.SCRIPTS[name], *words, devices=1))
    assert list((tmp_path / "run" / "results").glob("*.weights.h5"))


@needs_jax
@pytest.mark.slow
def test_with_jax_too_a_resumed_run_ends_with_the_same_weights(data_dir, tmp_path):
    words = ["--epochs", "3"]
    struck = start("siamese", data_dir, tmp_path / "struck", *words, CNNDEMO_TEST_STRIKE="3")
    finish(start("siamese", data_dir, tmp_path / "whole", *words))
    assert struck.wait(timeout=400) == -signal.SIGKILL
    struck.communicate()
    finish(start("siamese", data_dir, tmp_path / "struck", *words, "--resume"))
    last = Path("checkpoints") / "epoch_0003.npz"
    with np.load(tmp_path / "whole" / last) as one, np.load(tmp_path / "struck" / last) as other:
        assert all(np.array_equal(one[name], other[name]) for name in one.files)


@needs_jax
@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "within"), [(["--accumulate", "2", "--ema", "0.9", "--workers", "2"], 1e-3), (["--mixed"], 0.02)]
)
def test_two_devices_train_as_one_with_the_options_of_the_engine(options, within, data_dir, tmp_path):
    words = ["--epochs", "2", *options]
    finish(start("siamese", data_dir, tmp_path / "one", *words))
    finish(start("siamese", data_dir, tmp_path / "two", *words, "--distribute", "data-parallel", devices=2))
    close(tmp_path / "one", tmp_path / "two", within)


@needs_jax
@pytest.mark.slow
def test_two_processes_that_were_struck_go_on_as_if_they_had_not_been(data_dir, tmp_path):
    words = ["--epochs", "2", "--ema", "0.9", "--distribute", "data-parallel"]

    def together(folder: str, *more: str, **first: str) -> list[subprocess.Popen]:
        one, other = both()
        told = (one | first, other)
        return [start("siamese", data_dir, tmp_path / folder, *words, *more, **each) for each in told]

    finish(*together("whole"))
    one, other = together("struck", CNNDEMO_TEST_STRIKE="2")
    assert one.wait(timeout=400) == -signal.SIGKILL
    other.kill()
    for each in (one, other):
        each.communicate()
    finish(*together("struck", "--resume"))
    last = Path("checkpoints") / "epoch_0002.npz"
    with np.load(tmp_path / "whole" / last) as whole, np.load(tmp_path / "struck" / last) as struck:
        for name in whole.files:
            if whole[name].dtype.kind == "f":
                np.testing.assert_allclose(struck[name], whole[name], atol=1e-5, err_msg=name)
    close(tmp_path / "whole", tmp_path / "struck", 1e-5)


@needs_jax
def test_a_signal_to_one_process_ends_all_of_them(data_dir, tmp_path):
    one, other = both()
    words = ["--distribute", "data-parallel"]
    processes = [
        start("siamese", data_dir, tmp_path / "run", *words, **one),
        start("siamese", data_dir, tmp_path / "run", *words, **other, CNNDEMO_TEST_TERMINATE="1"),
    ]
    with pytest.raises(AssertionError, match="Go on with"):
        finish(*processes)
    assert [process.returncode for process in processes] == [143, 143]
    assert not (tmp_path / "run" / "results").exists()


@needs_jax
def test_batches_that_do_not_divide_are_rounded_and_said(data_dir, tmp_path):
    run = start("siamese", data_dir, tmp_path / "run", "--batch-size", "31", "--distribute", "data-parallel", devices=3)
    assert "batches of 31 are of 30" in finish(run)
    assert weights.card("siamese", tmp_path / "run" / "results")["arguments"]["distribute"] == "data-parallel"


def test_the_shares_of_all_processes_are_the_whole_batch():
    x = np.arange(25)
    for processes, devices in ((1, 1), (2, 2), (2, 4), (3, 3)):
        parts = [Arrays(x, batch_size=9, seed=4) for _ in range(processes)]
        whole = Arrays(x, batch_size=parts[0].batch_size // devices * devices, seed=4)
        for number, part in enumerate(parts):
            part.share(number, processes, devices)
        assert len({len(part) for part in parts}) == 1
        for index in range(len(parts[0])):
            rows = np.concatenate([part[index][0] for part in parts])
            assert len(rows) % devices == 0 and rows.tolist() == whole[index][0][: len(rows)].tolist()


def test_what_cannot_be_distributed_says_why(data_dir, tmp_path, monkeypatch):
    tiny.shrink(monkeypatch.setattr)
    from train import siamese

    folders = ["--data-dir", str(data_dir), "--run-dir", str(tmp_path / "run")]
    monkeypatch.setattr(sys, "argv", ["siamese", "--distribute", "data-parallel", *folders])
    with pytest.raises(SystemExit, match="needs KERAS_BACKEND=jax"):
        siamese.main()
    monkeypatch.setenv("KERAS_DISTRIBUTION_NUM_PROCESSES", "2")
    with pytest.raises(SystemExit, match="KERAS_BACKEND=jax only"):
        siamese.main()
    assert not (tmp_path / "run").exists()


# The commands of the README


README = (ROOT / "README.md").read_text(encoding="utf-8")
STUBS = {  # a shell's commands -> what stands for them
    "python": 'echo "$KERAS_BACKEND $KERAS_DISTRIBUTION_JOB_ADDRESSES/$KERAS_DISTRIBUTION_NUM_PROCESSES'
    '/$KERAS_DISTRIBUTION_PROCESS_ID $@"',
    "srun": 'while [ "${1#--}" != "$1" ]; do shift; done; exec "$@"',
    "scontrol": "printf 'host7\\nhost8\\n'",
}


def understood(words: list[str]) -> Namespace:
    """What a script reads in a command, such as ["-m", "train.siamese", "--resume"]."""
    return importlib.import_module(words[1]).options().parse_args(words[2:])


def test_the_commands_for_several_gpus_hosts_and_slurm_start_what_the_readme_says(tmp_path):
    (block,) = (each for each in README.split("```")[1::2] if "export KERAS_BACKEND=jax" in each)
    for name, text in STUBS.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    slurm = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "SLURM_NTASKS": "4", "SLURM_PROCID": "3"}
    done = subprocess.run(["bash", "-euc", block], env=os.environ | slurm, capture_output=True, text=True, check=True)
    backends, places, *_ = zip(*(line.split() for line in done.stdout.splitlines()), strict=False)
    assert set(backends) == {"jax"} and places == ("//", "//", "host0:12345/2/0", "host7:12345/4/3")
    told = [understood(line.split()[2:]) for line in done.stdout.splitlines()]
    assert [each.distribute for each in told] == ["none", *["data-parallel"] * 3]
    assert [each.resume for each in told] == [False, False, False, True]
    assert set(both()[0]) == set(re.findall(r"KERAS_DISTRIBUTION_\w+(?==)", block))


def test_every_training_command_of_the_readme_is_understood():
    commands = [shlex.split(words) for words in re.findall(r"python (-m train\.[^#'`\n]*)", README)]
    with_options = [words for words in commands if hasattr(importlib.import_module(words[1]), "options")]
    assert len(with_options) >= 7 and all("--help" in words or understood(words) for words in with_options)
