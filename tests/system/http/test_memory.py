"""The most memory that a server takes, whatever its API sends to many callers at once."""

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
import pytest

from support.http_callers import served
from support.manifests import memory_limit
from support.messages import MODERN, request
from support.processes import peak_bytes
from support.raw_upstream import answer, page, says, sends, upstream
from support.rows import row

CALLERS = 32  # as many as there are connections to the API
MIB = 2**20
LARGE = 15 * MIB
SECONDS = 120  # that a call may take, on a busy machine


def body(*more):
    return page([json.dumps(row(number, **fields)) for number, fields in enumerate(more)])


def chunked(data):
    head = b"HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    parts = [data[at : at + MIB] for at in range(0, len(data), MIB)]
    return sends(head, *(b"%x\r\n%b\r\n" % (len(part), part) for part in parts), b"0\r\n\r\n")


UNREAD = body({"unread": "x" * LARGE})
ANSWERS = {
    "fields that are not read": says(UNREAD),
    "the same of unknown length": chunked(UNREAD),
    "the same, packed": says(gzip.compress(UNREAD), content_encoding="gzip"),
    "giant tags": says(body(*({"tags": [f"{n}" * (MIB // 2)]} for n in range(10, 24)))),
    "many giant texts": says(body(*({"title": "\U0001f600" + "x" * MIB} for _ in range(14)))),
    "many tags": says(body(*({"tags": [f"{n:05}" for n in range(20_000)]} for _ in range(90)))),
    "tools of three bytes": says(body(*({"tools": [{}] * 13_000} for _ in range(90)))),
    "half a character, and much behind it": sends(
        answer(body({"title": "?", "unread": "x" * 7 * MIB}).replace(b'"?"', rb'"\ud800"'))
    ),
}


def called(url, number):
    """Return the result of a call that no other call shares its read with."""
    arguments = {"offset": 0, "limit": 1 + number, "detail": "full"}
    asked = request(number, "tools/call", name="get_session_page", arguments=arguments)
    named = {"mcp-method": "tools/call", "mcp-name": "get_session_page"}
    headers = {"accept": "application/json", "mcp-protocol-version": MODERN, **named}
    with httpx.Client(timeout=2 * SECONDS, trust_env=False) as client:
        return client.post(url, json=asked, headers=headers).json()["result"]


@pytest.mark.parametrize("sent", ANSWERS)
@pytest.mark.skipif(peak_bytes(1) is None, reason="reads /proc")
def test_a_server_stays_within_the_memory_of_its_pod_whatever_is_sent_at_once(
    bare_environment, sent
):
    own = {"MCP_SESSIONS_CACHE_SECONDS": "30", "MCP_SESSIONS_DEADLINE": str(SECONDS)}
    with upstream() as api, served(bare_environment, api.url, **own) as server:
        api.turn_to(ANSWERS[sent])

        with ThreadPoolExecutor(CALLERS) as callers:
            results = list(callers.map(partial(called, server.process.url), range(CALLERS)))
        read = sum(not result.get("isError") for result in results)
        peak = peak_bytes(server.process.process.pid)
        print(f"{sent}: {peak // MIB} MiB, {read} of {CALLERS} read")
        assert peak < memory_limit()
        assert read == CALLERS
