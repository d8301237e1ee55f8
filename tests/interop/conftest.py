"""The server's processes in front of the embedded API, and the programs that need Node."""

import signal
from collections.abc import Iterator

import pytest
from interop.programs import MACHINE, Node, find_node
from interop.servers import HttpServer, http_server

from mcp_sessions.embedded import EmbeddedApi


@pytest.fixture(scope="session")
def bare_environment() -> dict[str, str]:
    """Return the machine's environment without what would change a server or a client."""
    ours = ("EVERRUNS_", "MCP_", "OTEL_", "FASTMCP_", "SSL_CERT_", "PYTHONWARNINGS")
    return {
        name: value
        for name, value in MACHINE.items()
        if not name.startswith(ours) and not name.lower().endswith("_proxy")
    }


@pytest.fixture(scope="package", autouse=True)
def clean_clients(bare_environment: dict[str, str]) -> Iterator[None]:
    """Give clients that live for a whole module the environment that every test begins with."""
    with pytest.MonkeyPatch.context() as patch:
        for name in MACHINE.keys() - bare_environment.keys():
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session")
def own_environment(api: EmbeddedApi) -> dict[str, str]:
    """Return the variables with which a server asks the embedded API."""
    return {"EVERRUNS_API_URL": api.url, "MCP_SESSIONS_NO_KEY": "true"}


@pytest.fixture(scope="session")
def environment(
    bare_environment: dict[str, str], own_environment: dict[str, str]
) -> dict[str, str]:
    """Return the whole environment of a server that asks the embedded API."""
    return bare_environment | own_environment


@pytest.fixture(scope="session")
def http(environment: dict[str, str]) -> Iterator[HttpServer]:
    """Serve HTTP to every test that leaves the process as it is; no request makes it stumble."""
    with http_server(environment) as server:
        yield server
        ended = server.end(signal.SIGTERM)
    assert ended.code == 0
    assert "Traceback" not in ended.stderr


@pytest.fixture(scope="session")
def node(bare_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Node:
    """Return Node and the clients that need it, where the machine wants them to be fetched."""
    if MACHINE.get("INTEROP_NODE") != "1":
        pytest.skip("fetches clients with npm: set INTEROP_NODE=1 to run it")
    return find_node(bare_environment, tmp_path_factory.mktemp("home"))
