"""A Dockerfile without Docker: its steps one by one, in folders that debootstrap has filled with Debian."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import ROOT

FILE = ROOT / "deploy" / "Dockerfile"
MIRROR = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian")


@dataclass(frozen=True)
class Step:
    """An instruction, its options such as --from=install, and the rest of its line."""

    kind: str
    options: dict[str, str]
    rest: str

    @property
    def words(self) -> list[str]:
        """Of CMD and the like, which are JSON here, else split as a shell does."""
        return json.loads(self.rest) if self.rest.startswith("[") else shlex.split(self.rest)


def steps(text: str) -> list[Step]:
    """The instructions of a Dockerfile."""
    lines = re.sub(r"\\\n", " ", "\n".join(line for line in text.splitlines() if not line.startswith("#")))
    found = []
    for line in filter(None, map(str.strip, lines.splitlines())):
        kind, rest = line.split(None, 1)
        options = {}
        while match := re.match(r"--([\w-]+)=(\S+)\s+", rest):
            options[match[1]], rest = match[2], rest[match.end() :]
        found.append(Step(kind.upper(), options, rest))
    return found


def ignored(path: str, rules: str) -> bool:
    """Whether .dockerignore keeps a path from the builder; the last rule that fits counts."""
    result = False
    for rule in (line.strip() for line in rules.splitlines()):
        if not rule or rule.startswith("#"):
            continue
        pattern = rule.removeprefix("!").removeprefix("**/")
        parts = [*Path(path).parents][:-1] + [Path(path)]
        names = [str(part) for part in parts] + ([part.name for part in parts] if "**/" in rule else [])
        if any(fnmatch.fnmatchcase(name, pattern) for name in names):
            result = not rule.startswith("!")
    return result


@dataclass
class Stage:
    """What a stage of the build has become: its folder, and the settings that later steps and the program find."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    place: str = "/"
    user: str = "0:0"
    command: list[str] = field(default_factory=list)
    health: list[str] = field(default_factory=list)

    def run(self, words: list[str], user: str = "0:0", before: str = "") -> list[str]:
        """A command line that runs within; `before` is done by the shell that enters."""
        settings = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"} | self.environment
        inside = ["env", "-i", *(f"{name}={value}" for name, value in settings.items()), "sh", "-c"]
        inside += [f"cd {shlex.quote(self.place)} && exec {shlex.join(words)}"]
        enter = shlex.join(["chroot", f"--userspec={user}", str(self.folder), *inside])
        return ["unshare", "--mount", "--propagation", "private", "sh", "-c", f"{before} exec {enter}"]

    @property
    def read_only(self) -> str:
        """Shell: the folder becomes read-only, but for a temporary folder in memory."""
        root = shlex.quote(str(self.folder))
        return (
            f"mount --bind {root} {root} && mount -o remount,bind,ro {root} && mount -t tmpfs none {root}/tmp && "
            f"chmod 1777 {root}/tmp && mount -t proc proc {root}/proc && mount --bind /dev {root}/dev &&"
        )


def debian(folder: Path) -> None:
    """What stands for the official Python image: Debian with its Python, named as there.

    Raises:
        subprocess.CalledProcessError: debootstrap cannot, most often for want of a network.
    """
    packages = "python3,python3-venv,ca-certificates"
    subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={packages}", "bookworm", folder, MIRROR],
        check=True, capture_output=True,
    )  # fmt: skip
    (folder / "usr/local/bin/python").symlink_to("/usr/bin/python3")
    for name in ("resolv.conf", "pip.conf", "ssl/certs/ca-certificates.crt"):  # how this machine reaches packages
        if (source := Path("/etc") / name).is_file():
            shutil.copy(source, folder / "etc" / name)


def build(base: Path, folder: Path, arguments: dict[str, str]) -> Stage:
    """Do the steps; `arguments` are those of --build-arg.

    Raises:
        subprocess.CalledProcessError: a step fails.
    """
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8")
    network = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy") or "PIP_" in name}
    stages: dict[str, Stage] = {}
    stage, given = Stage(base), {}
    for step in steps(FILE.read_text(encoding="utf-8")):
        if step.kind == "FROM":
            name = step.words[2] if len(step.words) > 2 else "last"
            subprocess.run(["cp", "-a", base, folder / name], check=True)
            stage, given = stages.setdefault(name, Stage(folder / name)), {}
        elif step.kind == "ARG":
            name, _, value = step.rest.partition("=")
            given[name] = arguments.get(name, value)
        elif step.kind == "WORKDIR":
            stage.place = step.rest
            (stage.folder / step.rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif step.kind == "COPY":
            source = stages[step.options["from"]].folder if "from" in step.options else None
            _copy(stage, step.words[:-1], step.words[-1], source, rules)
        elif step.kind == "RUN":
            line = Stage(stage.folder, network | stage.environment | given, stage.place).run(["sh", "-ec", step.rest])
            subprocess.run(line, check=True, capture_output=True)
        elif step.kind == "ENV":
            before = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"} | stage.environment
            for word in step.words:
                name, _, value = word.partition("=")
                stage.environment[name] = re.sub(
                    r"\$(\w+)", lambda found, before=before: before.get(found[1], ""), value
                )
        elif step.kind == "USER":
            stage.user = step.rest
        elif step.kind == "HEALTHCHECK":
            stage.health = json.loads(step.rest[step.rest.index("CMD") + 3 :])
        elif step.kind == "CMD":
            stage.command = step.words
    return stage


def _copy(stage: Stage, sources: list[str], target: str, other: Path | None, rules: str) -> None:
    """COPY; from the repository only what .dockerignore lets through."""
    to = stage.folder / (target if target.startswith("/") else f"{stage.place}/{target}").lstrip("/")
    for source in sources:
        if other is not None:
            subprocess.run(["cp", "-a", f"{other}/{source.lstrip('/')}/.", _made(to)], check=True)
        elif (ROOT / source).is_file():
            assert not ignored(source, rules), source
            shutil.copy(ROOT / source, (to / source) if target.endswith("/") else to)
        else:
            for file in (ROOT / source).rglob("*"):
                relative = str(file.relative_to(ROOT))
                if file.is_file() and not ignored(relative, rules):
                    place = to / file.relative_to(ROOT / source)
                    place.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(file, place)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def running(stage: Stage, port: int) -> Iterator[subprocess.Popen]:
    """The image's program on another port, as its user, on a read-only file system, until the block ends."""
    words = [word.replace("8501", str(port)) for word in stage.command]
    process = subprocess.Popen(
        stage.run(words, stage.user, stage.read_only), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
