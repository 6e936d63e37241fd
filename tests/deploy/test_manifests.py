"""compose.yaml and gallery.yaml: the same server behind the same nginx, within limits that follow from measurements."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from cnndemo import worker
from tests.conftest import ROOT
from tests.deploy import recipe
from tests.deploy.front import FOLDER, environment

README, SECURITY, LOAD, COMPOSE, KUBERNETES = (
    (ROOT / name).read_text(encoding="utf-8")
    for name in ("README.md", "SECURITY.md", "docs/load.md", "deploy/compose.yaml", "deploy/kubernetes/gallery.yaml")
)
PORT = next(step.rest for step in recipe.steps(recipe.FILE.read_text(encoding="utf-8")) if step.kind == "EXPOSE")
SERVICES = yaml.safe_load(COMPOSE)["services"]
REPLICAS = [name for name in SERVICES if name.startswith("gallery-")]
MANIFESTS = {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(KUBERNETES)}
KEPT = {"COOKIE_SECRET": "equal on all"}


def pod(kind: str, name: str) -> dict:
    """What a manifest says of its pods."""
    return MANIFESTS[kind, name]["spec"]["template"]["spec"]


PODS = {"gallery": pod("StatefulSet", "gallery"), "nginx": pod("Deployment", "gallery-nginx")}


def variables(name: str) -> dict[str, str | None]:
    """Of a container on Kubernetes; None for one from a secret."""
    return {each["name"]: each.get("value") for each in PODS[name]["containers"][0]["env"]}


def test_all_agree_on_the_port():
    space = (ROOT / "deploy" / "huggingface" / "README.md").read_text(encoding="utf-8")
    assert "sdk: docker" in space and f"app_port: {PORT}" in space
    assert json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())["forwardPorts"] == [int(PORT)]
    assert PODS["gallery"]["containers"][0]["ports"] == [{"name": "http", "containerPort": int(PORT)}]
    assert f"-p {PORT}:{PORT}" in README


def test_nginx_knows_the_replicas_that_compose_starts():
    addresses = [SERVICES[name]["networks"]["gallery"]["ipv4_address"] for name in REPLICAS]
    assert len(addresses) > 1
    assert environment("nginx", {})["REPLICAS"].split() == [f"{address}:{PORT}" for address in addresses]


def test_nginx_knows_the_replicas_on_kubernetes():
    """By Services that stand before it in the file: their addresses are variables of pods that are made later."""
    names = [f"gallery-{number}" for number in range(MANIFESTS["StatefulSet", "gallery"]["spec"]["replicas"])]
    hosts = [f"$({name.upper().replace('-', '_')}_SERVICE_HOST):{PORT}" for name in names]
    assert len(names) > 1 and variables("nginx")["REPLICAS"].split() == hosts
    order = list(MANIFESTS)
    for name in names:
        service = MANIFESTS["Service", name]["spec"]
        assert service["selector"] == {"statefulset.kubernetes.io/pod-name": name}
        assert service["ports"] == [{"port": int(PORT)}]
        assert order.index(("Service", name)) < order.index(("Deployment", "gallery-nginx"))


def test_kubernetes_sets_what_compose_sets():
    assert variables("gallery") == environment("gallery-1", KEPT) | {"STREAMLIT_SERVER_COOKIE_SECRET": None}
    differs = {"REPLICAS": variables("nginx")["REPLICAS"]}
    assert variables("nginx") == environment("nginx", {}) | differs


@pytest.mark.parametrize("name", ["gallery-1", "gallery-2"])
def test_the_operators_secret_and_frames_reach_each_replica(name):
    found = environment(name, KEPT | {"SAME_SITE": "none"})
    assert found["STREAMLIT_SERVER_COOKIE_SECRET"] == "equal on all"
    assert found["STREAMLIT_SERVER_XSRF_COOKIE_SAME_SITE"] == "none"
    with pytest.raises(KeyError):
        environment(name, {})  # compose refuses to start


def test_nginx_finds_its_files_on_kubernetes_where_compose_puts_them():
    mounted = PODS["nginx"]["containers"][0]["volumeMounts"]
    mounts = {each["subPath"]: each["mountPath"] for each in mounted if "subPath" in each}
    places = dict(line.removesuffix(":ro").split(":") for line in SERVICES["nginx"]["volumes"])
    assert {f"./nginx/{name}": place for name, place in mounts.items()} == places
    assert set(mounts) == {file.name for file in FOLDER.iterdir()}  # the ConfigMap holds the folder
    files = next(each for each in PODS["nginx"]["volumes"] if each["name"] == "files")["configMap"]
    assert files["defaultMode"] & 0o111  # nginx' image runs what may be run
    assert f"kubectl create configmap {files['name']} --from-file=deploy/nginx" in README


@pytest.mark.parametrize("name", REPLICAS)
def test_in_compose_a_replica_may_do_little(name):
    service = SERVICES[name]
    assert service["read_only"] and service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"] and service["pids_limit"]
    assert any(place.startswith("/tmp") for place in service["tmpfs"]) and service["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", PODS)
def test_on_kubernetes_a_pod_may_do_little(name):
    container = PODS[name]["containers"][0]
    secured = {"readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    assert container["securityContext"] == secured and PODS[name]["securityContext"]["runAsNonRoot"]
    assert PODS[name]["automountServiceAccountToken"] is False and container["resources"]["limits"]["memory"]
    volumes = {each["name"] for each in PODS[name]["volumes"]}
    assert volumes == {each["name"] for each in container["volumeMounts"]}


def test_kubernetes_asks_whether_a_replica_is_well():
    container = PODS["gallery"]["containers"][0]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"] == {"path": "/_stcore/health", "port": "http"}
    assert container["lifecycle"]["preStop"]["sleep"]["seconds"] < PODS["gallery"]["terminationGracePeriodSeconds"]
    assert MANIFESTS["PodDisruptionBudget", "gallery"]["spec"]["minAvailable"] >= 1
    assert (
        MANIFESTS["Ingress", "gallery"]["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"]
        == "gallery"
    )


def test_the_way_in_leads_to_nginx():
    paths = MANIFESTS["Ingress", "gallery"]["spec"]["rules"][0]["http"]["paths"]
    assert [path["backend"]["service"]["name"] for path in paths] == ["gallery"]
    nginx = MANIFESTS["Deployment", "gallery-nginx"]["spec"]["template"]["metadata"]["labels"]
    assert MANIFESTS["Service", "gallery"]["spec"]["selector"] == nginx


def test_the_limits_of_memory_are_one_and_follow_from_what_was_measured():
    """README: a class leaves the server below four fifths of the lean limit; what Keras may take fits beside it."""
    full = re.fullmatch(r"\$\{MEMORY:-(\d+)g\}", SERVICES["gallery-1"]["mem_limit"])[1]
    lean = re.search(r"mem_limit:.*lean: (\d+)g", COMPOSE)[1]
    assert PODS["gallery"]["containers"][0]["resources"]["limits"]["memory"] == f"{full}Gi"
    assert f"lean: {lean}Gi" in KUBERNETES and f"--memory {full}g" in README
    assert f"{lean} GB lean and {full} GB full" in README and f"{lean} GB lean, {full} GB full" in SECURITY
    classes = LOAD.split("## A class arrives")[1].split("## ")[0]
    server = max(float(row.split("|")[6]) for row in classes.splitlines() if re.match(r"\| \d", row))  # MiB
    assert f"what Keras may take, at most {worker.MOST:,} MB" in README
    assert server < 0.8 * int(lean) * 1024
    assert server * 1.048576 + worker.MOST < int(full) * 1073.741824
