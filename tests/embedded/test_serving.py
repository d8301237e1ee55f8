import signal
import socket
import subprocess
import sys
import threading
import time
from statistics import median
from urllib.parse import urlsplit

import httpx
import pytest

from mcp_sessions.embedded import EmbeddedOptions, SessionStore, serve

DEADLINE = 20

PROGRAM = """
from mcp_sessions.embedded import SessionStore, run
with SessionStore() as store:
    store.create({"title": "served"})
    run(store, announce=lambda url: print(url, flush=True))
print("left", flush=True)
"""


def test_the_first_request_never_comes_too_early(store):
    for _ in range(10):
        with serve(store) as api:
            assert httpx.get(f"{api.url}/v1/sessions", timeout=10).status_code == 200


def test_the_url_is_a_loopback_base_with_a_path(store):
    with serve(store) as api:
        url = urlsplit(api.url)
    assert (url.scheme, url.hostname, url.path) == ("http", "127.0.0.1", "/api")


def test_a_chosen_port_is_used_and_free_again_after(store):
    with serve(store) as api:
        port = urlsplit(api.url).port
        with pytest.raises(OSError, match="in use"), serve(store, port=port):
            pass
    with serve(store, port=port) as again:
        assert again.url == api.url


def test_sessions_come_and_go_while_the_api_is_served(store):
    with serve(store) as api, httpx.Client(base_url=api.url, timeout=10) as client:
        id_ = api.store.create({"title": "brief"})
        assert client.get("/v1/sessions").json()["total"] == 1
        api.store.delete(id_)
        assert client.get("/v1/sessions").json()["total"] == 0


def test_a_served_api_ends_promptly_with_a_connection_open_and_leaves_no_thread(store):
    # The whole run's shared API, if another test began it, has a thread of its own.
    before = set(threading.enumerate())
    with serve(store) as api, httpx.Client(timeout=10) as client:
        client.get(f"{api.url}/v1/sessions")
        kept = socket.create_connection(("127.0.0.1", urlsplit(api.url).port), timeout=10)
        watchdog = threading.Timer(DEADLINE, kept.shutdown, [socket.SHUT_RDWR])
        watchdog.start()
    with kept:
        assert watchdog.is_alive(), "the connection had to be closed for it"
        watchdog.cancel()
    assert not [
        thread for thread in set(threading.enumerate()) - before if thread.name == "embedded-api"
    ]


def test_a_served_api_ends_when_its_block_raises(store):
    with pytest.raises(KeyError), serve(store) as api:
        raise KeyError
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{api.url}/v1/sessions", timeout=10)


def test_two_apis_keep_to_themselves():
    with (
        SessionStore() as one,
        SessionStore() as two,
        serve(one) as first,
        serve(two, EmbeddedOptions(api_key="k")) as second,
    ):
        one.create({})
        assert httpx.get(f"{first.url}/v1/sessions", timeout=10).json()["total"] == 1
        assert httpx.get(f"{second.url}/v1/sessions", timeout=10).status_code == 401
        assert (len(first.requests), len(second.requests)) == (1, 1)


def test_small_answers_do_not_wait_for_a_delayed_acknowledgement(store):
    """On a connection just opened none is delayed, so that its answers are the measure."""

    def seconds(client):
        start = time.perf_counter()
        client.get(f"{api.url}/v1/sessions")
        return time.perf_counter() - start

    with serve(store) as api, httpx.Client(timeout=10) as client:
        kept = median(seconds(client) for _ in range(60))
        new = []
        for _ in range(10):
            with httpx.Client(timeout=10, verify=False) as fresh:  # noqa: S501 - plain HTTP
                new.append(seconds(fresh))
    assert kept < 5 * median(new)


def test_nothing_is_written_while_the_api_is_served(store, capfd):
    with serve(store) as api:
        httpx.get(f"{api.url}/v1/sessions", timeout=10)
        httpx.get(f"{api.url}/nothing", timeout=10)
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process without a signal")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_blocking_form_serves_until_a_signal_and_leaves_quietly(number):
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        watchdog = threading.Timer(20, process.kill)
        watchdog.start()
        try:
            url = process.stdout.readline().strip()
            assert httpx.get(f"{url}/v1/sessions", timeout=10).json()["total"] == 1
            process.send_signal(number)
            out, err = process.communicate(timeout=10)
        finally:
            watchdog.cancel()
            process.kill()
    assert (out, err, process.returncode) == ("left\n", "", 0)
