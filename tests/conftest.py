"""What tests share: a clean environment, APIs behind real sockets, servers, and the one switch."""

import signal
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, settings

from mcp_sessions.embedded import EmbeddedApi, EmbeddedOptions, SessionStore, seed_sessions, serve

from support.clock import Clock
from support.node import MACHINE, Node, find_node
from support.processes import HttpServer, http_server
from support.raw_upstream import Upstream, upstream
from support.workers import GroupScheduling, place_of, workers_for

# No test asserts a time, and an example takes what a busy machine takes.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

_OURS = ("EVERRUNS_", "MCP_", "OTEL_", "FASTMCP_", "SSL_CERT_", "PYTHONWARNINGS", "PYTHONDONT")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch that writes every recorded file anew."""
    parser.addoption(
        "--refresh-records",
        action="store_true",
        help="write what the tests compare with anew: read the difference before it lands",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to write files from several processes."""
    if config.option.refresh_records and getattr(config.option, "numprocesses", None):
        raise pytest.UsageError("--refresh-records writes files: leave -n away, or say -n 0.")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Say how many workers `-n auto` means."""
    return workers_for(config)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    """Share the tests out by groups."""
    return GroupScheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let workers begin with what takes long."""
    if hasattr(config, "workerinput"):
        items.sort(key=place_of)


@pytest.fixture(scope="session")
def refreshes(pytestconfig: pytest.Config) -> bool:
    """Tell whether recorded files are to be written anew."""
    return bool(pytestconfig.getoption("--refresh-records"))


@pytest.fixture(scope="session")
def recorded_text(refreshes: bool) -> Callable[[Path, str], str]:  # noqa: FBT001 - a fixture
    """Return what gives a recorded file's text, which with the switch is first written anew."""

    def text_of(file: Path, text: str) -> str:
        if refreshes:
            file.write_text(text, encoding="utf-8")
        return file.read_text(encoding="utf-8")

    return text_of


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def bare_environment() -> dict[str, str]:
    """Return the machine's environment without what would change a server or a client."""
    return {
        name: value
        for name, value in MACHINE.items()
        if not name.startswith(_OURS) and not name.lower().endswith("_proxy")
    }


@pytest.fixture(scope="session", autouse=True)
def clean_environment(bare_environment: dict[str, str]) -> Iterator[None]:
    """Give everything in this process that same environment."""
    with pytest.MonkeyPatch.context() as patch:
        for name in MACHINE.keys() - bare_environment.keys():
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="session")
def api() -> Iterator[EmbeddedApi]:
    """Serve the seed; only for tests that change nothing."""
    with SessionStore() as store:
        store.create_many(seed_sessions())
        with serve(store) as served:
            yield served


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


@pytest.fixture
def upstreams() -> Iterator[Upstream]:
    """Serve a right list from raw sockets, until told otherwise."""
    with upstream() as told:
        yield told


@pytest.fixture
def upstream_environment(
    bare_environment: Mapping[str, str], upstreams: Upstream
) -> dict[str, str]:
    """Return the whole environment of a server that asks those raw sockets."""
    own = {"EVERRUNS_API_URL": upstreams.url, "EVERRUNS_API_KEY": "evr_pat_held"}
    return {**bare_environment, **own}


@pytest.fixture(scope="session")
def ending() -> Iterator[Callable[[Callable[[], None]], None]]:
    """Return what ends things one after another, while tests that do not need them go on."""
    ended: list[Future[None]] = []
    with ThreadPoolExecutor(1) as pool:
        yield lambda end: ended.append(pool.submit(end))
    for one in ended:
        one.result()


@pytest.fixture
def store(ending: Callable[[Callable[[], None]], None]) -> Iterator[SessionStore]:
    """Return an empty store."""
    store = SessionStore()
    yield store
    ending(store.close)


Opened = tuple[EmbeddedApi, httpx.Client]


@pytest.fixture
def serve_store(
    store: SessionStore, ending: Callable[[Callable[[], None]], None]
) -> Iterator[Callable[..., Opened]]:
    """Return what serves the store with some options, and a client of its base URL."""
    stack = ExitStack()

    def start(**options: object) -> Opened:
        api = stack.enter_context(serve(store, EmbeddedOptions(**options)))
        client = httpx.Client(base_url=api.url, timeout=10, trust_env=False)
        return api, stack.enter_context(client)

    yield start
    ending(stack.close)


@pytest.fixture
def own_api(serve_store: Callable[..., Opened]) -> Opened:
    """Serve the store without options, and return the API with a client of its base URL."""
    return serve_store()


@pytest.fixture
def empty_api(own_api: Opened) -> EmbeddedApi:
    """Serve the store, which begins empty."""
    return own_api[0]


@pytest.fixture
def get(own_api: Opened) -> Callable[..., httpx.Response]:
    """Return what asks that API for one page."""
    _, client = own_api
    return lambda query="": client.get(f"/v1/sessions{query}")


@pytest.fixture
def clock() -> Clock:
    return Clock()
