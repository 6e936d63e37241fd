"""What `deploy/compose.yaml` starts, on loopback: nginx with the very configuration of `deploy/nginx`, and replicas."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import yaml

from tests.browser.gallery import Server, free_port, serve
from tests.conftest import ROOT

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
FOLDER = ROOT / "deploy" / "nginx"
COMPOSE = ROOT / "deploy" / "compose.yaml"
MAIN = """
{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
worker_processes 1;
events {{ worker_connections 2048; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  include {folder}/replicas.conf;
  include {folder}/gallery.conf;
}}
"""


def environment(service: str, given: dict[str, str]) -> dict[str, str]:
    """The variables that compose gives to a service, where the operator has set those that are given.

    Raises:
        KeyError: one must be set and is not.
    """

    def fill(found: re.Match) -> str:
        name, kind, default = found.groups()
        return given[name] if name in given or kind == "?" else default

    variables = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"][service]["environment"]
    filled = {name: re.sub(r"\$\{(\w+):([-?])(.*?)\}", fill, str(value)) for name, value in variables.items()}
    return {name: value.replace("$$", "$") for name, value in filled.items()}


def configure(folder: Path, addresses: list[str], listen: str, given: dict[str, str] | None = None) -> Path:
    """Fill the templates as nginx's own image does; returns the main file."""
    variables = environment("nginx", given or {}) | {"REPLICAS": " ".join(addresses), "LISTEN": listen}
    script = {**os.environ, **variables, "CONF": str(folder / "replicas.conf")}
    subprocess.run(["sh", FOLDER / "replicas.sh"], env=script, check=True)
    text = (FOLDER / "gallery.conf.template").read_text(encoding="utf-8")
    for name, value in variables.items():
        if re.search(variables["NGINX_ENVSUBST_FILTER"], name):
            text = text.replace(f"${{{name}}}", value)
    (folder / "gallery.conf").write_text(text, encoding="utf-8")
    (folder / "nginx.conf").write_text(
        MAIN.format(folder=folder, user="" if os.geteuid() else "user root;"), encoding="utf-8"
    )
    return folder / "nginx.conf"


def check(main: Path) -> subprocess.CompletedProcess:
    """What nginx says of a configuration."""
    return subprocess.run([NGINX, "-t", "-c", main], capture_output=True, text=True)


class Front:
    """The replicas, numbered from 1, and the address of what stands before them."""

    def __init__(self, count: int, given: dict[str, str]):
        self.ports, self.given = [free_port() for _ in range(count)], given
        self.url = f"http://127.0.0.1:{free_port()}"
        self._running: dict[int, tuple[ExitStack, Server]] = {}

    def start(self, number: int) -> None:
        """Start a replica and wait until it answers."""
        stack = ExitStack()
        variables = environment(f"gallery-{number}", self.given)
        self._running[number] = stack, stack.enter_context(serve(self.ports[number - 1], environment=variables))

    def end(self, number: int, how: signal.Signals) -> None:
        """End a replica by a signal, and wait until it has ended."""
        stack, server = self._running.pop(number)
        os.kill(server.pid, how)
        stack.close()

    def close(self) -> None:
        for number in list(self._running):
            self.end(number, signal.SIGKILL)


@contextmanager
def front(folder: Path, count: int = 2, **given: str) -> Iterator[Front]:
    """Replicas behind nginx until the end of the block; `given` are the variables that the operator has set."""
    given = {"COOKIE_SECRET": "equal on all"} | given
    made = Front(count, given)
    addresses = [f"127.0.0.1:{port}" for port in made.ports]
    main = configure(folder, addresses, made.url.removeprefix("http://"), given)
    nginx = None
    try:
        for number in range(1, count + 1):
            made.start(number)
        nginx = subprocess.Popen([NGINX, "-c", main], stderr=subprocess.DEVNULL)
        _until(made.url)
        yield made
    finally:
        if nginx:
            nginx.terminate()
            nginx.wait(10)
        made.close()


def _until(url: str) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{url}/_stcore/health", timeout=2)
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise RuntimeError("nginx did not answer within 20 s")
