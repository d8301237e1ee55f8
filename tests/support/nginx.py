"""The real nginx with the configuration that is shipped, on ports of its own."""

import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from support.manifests import DEPLOY
from support.processes import DEADLINE, eventually

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")

_WHOLE = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/conf.d/*.conf;
}}
"""


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def nginx(port: int, replicas: Sequence[int], folder: Path) -> Iterator[Path]:
    """Serve at a port what these replicas answer, and give the access log."""
    (folder / "conf.d").mkdir()
    shipped = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    (folder / "conf.d" / "mcp-sessions.conf").write_text(_turned(shipped, port, replicas, folder))
    whole = folder / "nginx.conf"
    whole.write_text(_WHOLE.format(folder=folder), encoding="utf-8")
    command = [NGINX, "-e", str(folder / "start.log"), "-p", str(folder), "-c", str(whole)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        try:
            _until_it_listens(port, process)
            yield folder / "access.log"
        finally:
            process.send_signal(signal.SIGQUIT)
            process.wait(DEADLINE)


def _turned(shipped: str, port: int, replicas: Sequence[int], folder: Path) -> str:
    """Change addresses and the log's path, and nothing else."""
    old = re.findall(r"server 10\.0\.0\.1[123]:8080", shipped)
    assert len(old) == len(replicas)
    for name, replica in zip(old, replicas, strict=True):
        shipped = shipped.replace(name, f"server 127.0.0.1:{replica}")
    for name, own in (
        ("listen 8000;", f"listen 127.0.0.1:{port};"),
        ("/var/log/nginx/mcp-sessions.log", f"{folder}/access.log"),
    ):
        assert shipped.count(name) == 1
        shipped = shipped.replace(name, own)
    return shipped


def _until_it_listens(port: int, process: subprocess.Popen[bytes]) -> None:
    def listens() -> bool:
        assert process.poll() is None, process.stderr.read().decode() if process.stderr else ""
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return True
        return False

    eventually(listens)
