"""The scripts that read Labeled Faces in the Wild, or fetch networks for faces: what they say when there is trouble."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from tests.scripts import SCRIPTS, refused
from tests.unit.test_train_trust import damage


@pytest.mark.parametrize("name", ["face_check", "pet_presence"])
@pytest.mark.parametrize("how", [damage, lambda file: os.truncate(file, 3000), lambda file: file.write_bytes(b"")])
def test_a_damaged_archive_of_faces_is_named(name, how, run, data_dir, tmp_path, capsys):
    for file in data_dir.iterdir():
        shutil.copy(file, tmp_path)
    how(tmp_path / "lfw_dev.zip")
    message = refused(capsys, run, name, *SCRIPTS[name], data_dir=tmp_path)
    assert str(tmp_path / "lfw_dev.zip") in message and len(message.splitlines()) == 1


def test_without_a_network_the_face_networks_answer_within_20_seconds(run, monkeypatch, capsys):
    from train import face_embedding

    waited = []

    def silent(words, timeout, **more):
        waited.append(timeout)
        raise subprocess.TimeoutExpired(words, timeout)

    monkeypatch.setattr(face_embedding.shutil, "which", lambda name: "/usr/bin/npm")
    monkeypatch.setattr(face_embedding.subprocess, "run", silent)
    assert "--source" in refused(capsys, run, "face_embedding")
    assert len(waited) == 1 and waited[0] < 20
