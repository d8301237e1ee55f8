"""What `deploy/` holds, read as Docker, Kubernetes and nginx read it."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
KUBECTL = shutil.which("kubectl")


def kustomization() -> dict[str, Any]:
    """Return what kustomize is told."""
    return dict(yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text(encoding="utf-8")))


def objects() -> dict[str, dict[str, Any]]:
    """Return the objects that the kustomization names, by kind."""
    files = [KUBERNETES / name for name in kustomization()["resources"]]
    read = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in files]
    return {one["kind"]: one for one in read}


def rendered() -> dict[str, dict[str, Any]]:
    """Return what `kubectl apply -k` sends, by kind."""
    command = [KUBECTL, "kustomize", str(KUBERNETES)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return {one["kind"]: one for one in yaml.safe_load_all(done.stdout)}


def pod() -> dict[str, Any]:
    """Return the Deployment's pod."""
    return dict(objects()["Deployment"]["spec"]["template"]["spec"])


def container() -> dict[str, Any]:
    """Return the pod's only container."""
    (only,) = pod()["containers"]
    return dict(only)


def pod_environment() -> dict[str, str]:
    """Return the variables that the ConfigMap gives a pod."""
    lines = (KUBERNETES / "settings.env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def instructions(name: str) -> list[str]:
    """Return what follows each instruction of this name in the Dockerfile, lines joined."""
    text = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    whole = re.sub(r"\\\n\s*", "", text)
    return [line.partition(" ")[2] for line in whole.splitlines() if line.startswith(f"{name} ")]


def image_environment() -> dict[str, str]:
    """Return the variables that the image sets."""
    return dict(pair.split("=", 1) for one in instructions("ENV") for pair in shlex.split(one))


def health_check() -> list[str]:
    """Return the command by which Docker asks after a container's health."""
    (told,) = instructions("HEALTHCHECK")
    return list(json.loads(told.partition(" CMD ")[2].removeprefix("CMD ")))


def setting(name: str) -> str:
    """Return the only value that nginx.conf gives a directive."""
    text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    (value,) = set(re.findall(rf"^\s*{name}\s+([^;]+);", text, re.MULTILINE))
    return str(value)


def memory_limit() -> int:
    """Return the most bytes that a pod may take."""
    (number,) = re.findall(r"(\d+)Mi", container()["resources"]["limits"]["memory"])
    return int(number) * 2**20
