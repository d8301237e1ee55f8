"""The files of deploy/: valid, safe, and at one with what the server does."""

import fnmatch
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import kubernetes_validate
import pytest

from mcp_sessions.auth.bearer_tokens import hash_of, new_token
from mcp_sessions.errors import InvalidSettings
from mcp_sessions.http_settings import HttpSettings
from mcp_sessions.setting_names import all_names
from mcp_sessions.settings import Settings
from mcp_sessions.streamable_http.request_body import MAX_BODY_BYTES

from support.http_callers import served
from support.manifests import (
    DEPLOY,
    KUBECTL,
    container,
    health_check,
    image_environment,
    instructions,
    kustomization,
    memory_limit,
    objects,
    pod,
    pod_environment,
    rendered,
    setting,
)

TO_END = 2 + 2 + 2  # seconds: to answer, to export traces, to export metrics
OF_THE_API = 1_200  # requests a minute and address
OBJECTS = objects()
PROJECT = DEPLOY.parent
FILES = [file for file in sorted(DEPLOY.rglob("*")) if file.is_file()]
PROBES = ("startup", "readiness", "liveness")
LABELS = {"app.kubernetes.io/name": "mcp-sessions"}
TOKEN = new_token()[0]
TENANTS = f"""
[[tenant]]
name = "acme"
token_hashes = ["{hash_of(TOKEN)}"]
api_key = "evr_pat_acme"
"""


@pytest.mark.parametrize("kind", OBJECTS)
def test_each_manifest_is_what_kubernetes_has_a_schema_for(kind):
    assert kubernetes_validate.validate(OBJECTS[kind], "1.37", strict=True)


@pytest.mark.skipif(KUBECTL is None, reason="renders with kubectl")
def test_what_is_applied_is_what_kubernetes_has_schemas_for():
    applied = rendered()
    assert set(applied) == {*OBJECTS, "ConfigMap"}
    for one in applied.values():
        kubernetes_validate.validate(one, "1.37", strict=True)
    assert applied["ConfigMap"]["data"] == pod_environment()
    (only,) = applied["Deployment"]["spec"]["template"]["spec"]["containers"]
    (source,) = only["envFrom"]
    assert source["configMapRef"]["name"] == applied["ConfigMap"]["metadata"]["name"]
    assert only["image"].startswith("registry.example.com/mcp-sessions:")


def test_a_manifest_that_is_wrong_would_be_refused():
    wrong = {**OBJECTS["Service"], "spec": {"port": 80}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.37", strict=True)


def test_no_file_holds_a_secret():
    assert "Secret" not in OBJECTS
    assert not any("Generator" in key and key.startswith("secret") for key in kustomization())
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"evr_pat_|sha256:[0-9a-f]{64}|mcps_|api_key *[=:]", text), file
    (volume,) = pod()["volumes"]
    assert volume["secret"]["secretName"] == "mcp-sessions-tenants"


def test_whatever_selects_pods_selects_these():
    deployment = OBJECTS["Deployment"]["spec"]
    (spread,) = pod()["topologySpreadConstraints"]
    assert deployment["template"]["metadata"]["labels"] == LABELS
    assert deployment["selector"]["matchLabels"] == LABELS
    assert spread["labelSelector"]["matchLabels"] == LABELS
    assert OBJECTS["Service"]["spec"]["selector"] == LABELS
    assert OBJECTS["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == LABELS
    target = OBJECTS["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("Deployment", "mcp-sessions")


def test_a_pod_has_no_right_that_it_does_not_need():
    whole, only = pod(), container()
    assert whole["automountServiceAccountToken"] is False
    assert whole["securityContext"]["runAsNonRoot"] is True
    assert whole["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    user = f"{whole['securityContext']['runAsUser']}:{whole['securityContext']['runAsGroup']}"
    assert instructions("USER") == [user]
    assert only["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert only["resources"]["limits"]["memory"]
    assert all(mount["readOnly"] for mount in only["volumeMounts"])


def test_a_secret_is_mounted_where_the_server_looks_for_tenants():
    (mount,) = container()["volumeMounts"]
    (volume,) = pod()["volumes"]
    assert mount["name"] == volume["name"]
    assert "subPath" not in mount  # Kubernetes never brings a new Secret to one
    assert pod_environment()["MCP_SESSIONS_TENANTS_FILE"] == f"{mount['mountPath']}/tenants.toml"


def test_a_pod_is_left_the_time_that_its_calls_need():
    (_, seconds) = container()["lifecycle"]["preStop"]["exec"]["command"]
    needed = int(seconds) + Settings.from_env(pod_environment()).deadline + TO_END
    assert pod()["terminationGracePeriodSeconds"] >= needed


def test_the_shares_of_all_pods_are_what_the_api_allows():
    most = OBJECTS["HorizontalPodAutoscaler"]["spec"]["maxReplicas"]
    rolling = OBJECTS["Deployment"]["spec"]["strategy"]["rollingUpdate"]
    share = Settings.from_env(pod_environment()).requests_per_minute
    assert share * (most + rolling["maxSurge"]) == OF_THE_API


def test_the_memory_of_a_pod_is_what_the_settings_make_of_it_as_the_docs_say():
    settings = Settings.from_env(pod_environment())
    added = settings.max_memory_bytes + 4 * settings.max_response_bytes
    assert memory_limit() == 192 * 2**20 + added
    said = (PROJECT / "docs" / "http.md").read_text(encoding="utf-8")
    assert "192 MiB, `MCP_SESSIONS_MAX_MEMORY_BYTES` and four times" in said
    assert f"is {memory_limit() // 2**20} MiB by default" in said


def test_a_rollout_and_an_eviction_leave_enough():
    deployment = OBJECTS["Deployment"]["spec"]
    assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert "replicas" not in deployment
    assert OBJECTS["HorizontalPodAutoscaler"]["spec"]["minReplicas"] == 3
    assert OBJECTS["PodDisruptionBudget"]["spec"]["maxUnavailable"] == 1


def test_what_image_and_pod_set_is_a_setting_that_the_server_takes():
    environment = image_environment() | pod_environment()
    ours = {name for name in environment if name.startswith(("MCP_SESSIONS_", "EVERRUNS_"))}
    assert ours <= set(all_names())
    http = HttpSettings.from_env(environment)
    assert (http.host, http.locked) == ("0.0.0.0", True)
    (port,) = container()["ports"]
    assert [str(http.port)] == instructions("EXPOSE") == [str(port["containerPort"])]
    annotations = OBJECTS["Deployment"]["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/port"] == str(http.port)


def test_the_image_alone_refuses_to_serve_whoever_comes():
    with pytest.raises(InvalidSettings, match="callers must say who they are"):
        HttpSettings.from_env(image_environment())


def test_a_service_of_the_servers_name_would_stop_it_but_for_its_links():
    link = {"MCP_SESSIONS_PORT": "tcp://10.96.0.7:80"}
    with pytest.raises(InvalidSettings, match="MCP_SESSIONS_PORT"):
        HttpSettings.from_env(link)
    assert OBJECTS["Service"]["metadata"]["name"] == "mcp-sessions"
    assert pod()["enableServiceLinks"] is False


@pytest.mark.parametrize("file", [file for file in FILES if file.suffix in (".md", ".conf")])
def test_every_setting_that_is_spoken_of_is_there(file):
    spoken = re.findall(r"\b(?:MCP_SESSIONS|EVERRUNS)_[A-Z_]+\b", file.read_text(encoding="utf-8"))
    assert spoken
    assert set(spoken) <= set(all_names())


def test_nginx_passes_what_the_server_takes_and_waits_as_long_as_a_call_may_last():
    assert int(setting("client_max_body_size").removesuffix("k")) * 1024 == MAX_BODY_BYTES
    assert int(setting("proxy_read_timeout").removesuffix("s")) > Settings().deadline


def test_a_pod_serves_what_its_probes_and_prometheus_ask_for(bare_environment, api, tmp_path):
    tenants = tmp_path / "tenants.toml"
    tenants.write_text(TENANTS, encoding="utf-8")
    own = image_environment() | pod_environment()
    own |= {"MCP_SESSIONS_TENANTS_FILE": str(tenants), "PATH": bare_environment["PATH"]}
    probes = [container()[f"{kind}Probe"]["httpGet"]["path"] for kind in PROBES]
    with served(bare_environment, api.url, key=None, **own) as server:
        for path in [*probes, "/metrics"]:
            answer = server.get(path, host="10.1.2.3:8080")  # as the kubelet asks
            assert answer.status_code == 200, path
        assert server.call().status_code == 401
        assert server.call(TOKEN).status_code == 200


def test_a_probe_waits_longer_than_its_answer_takes():
    assert container()["startupProbe"]["timeoutSeconds"] > 5  # as /readyz asks the API


def test_dockers_health_check_tells_a_living_server_from_none(bare_environment, api):
    command, *arguments = health_check()
    assert command == "python"
    with served(bare_environment, api.url) as server:
        port = str(urlsplit(server.base).port)
        # A proxy of the environment is not for this machine.
        environment = {"MCP_SESSIONS_PORT": port, "HTTP_PROXY": "http://127.0.0.1:9"}
        environment["http_proxy"] = environment["HTTP_PROXY"]
        codes = [_code(arguments, environment)]
    codes.append(_code(arguments, environment))
    assert codes == [0, 1]


def _code(arguments, environment):
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, env=environment, capture_output=True, timeout=30, check=False
    ).returncode


def test_the_image_is_pinned_and_starts_the_server_itself():
    stages = instructions("FROM")
    assert len(stages) == 2
    assert all(stage.startswith("python:3.13-slim@${PYTHON_DIGEST}") for stage in stages)
    assert "PYTHON_DIGEST" in instructions("ARG")  # without a default
    assert json.loads(*instructions("ENTRYPOINT")) == ["mcp-sessions"]
    assert json.loads(*instructions("CMD")) == ["http"]
    assert instructions("STOPSIGNAL") == ["SIGTERM"]


def test_the_package_builds_from_what_the_dockerfile_copies_alone(tmp_path):
    (copied, rooms) = [shlex.split(one)[:-1] for one in instructions("COPY") if "--from" not in one]
    let_in = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = {line.removeprefix("!") for line in let_in if line.startswith("!")}
    assert {*copied, *rooms} == let_in
    source, built = tmp_path / "source", tmp_path / "built"
    source.mkdir()
    for name in copied:
        shutil.copy(PROJECT / name, source)
    shutil.copytree(PROJECT / rooms[0], source / rooms[0])
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(built)]
    subprocess.run([*command, str(source)], capture_output=True, timeout=300, check=True)
    (wheel,) = built.iterdir()
    assert fnmatch.fnmatch(wheel.name, "mcp_sessions-*.whl")


def test_the_dockerfile_leaves_its_linter_nothing_to_say(tmp_path):
    linter = Path(sys.executable).parent / "hadolint"
    good = subprocess.run([linter, DEPLOY / "Dockerfile"], capture_output=True, check=False)
    assert (good.returncode, good.stdout) == (0, b"")
    wrong = tmp_path / "Dockerfile"
    wrong.write_text("FROM python\nRUN cd / && apt-get install x\n")
    refused = subprocess.run([linter, wrong], capture_output=True, check=False)
    assert (refused.returncode, b"DL3006" in refused.stdout) == (1, True)
