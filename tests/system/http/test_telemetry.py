"""Traces and metrics as a collector gets them."""

import json
import re
import signal
import time

import pytest

from mcp_sessions.auth.bearer_tokens import hash_of, new_token

from support.collector import collector
from support.http_callers import KEY, bearer, rows, served
from support.messages import META, MODERN, older_request, request
from support.processes import DEADLINE, stdio_server
from support.raw_upstream import answer, first

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


TOKEN = new_token()[0]


CANARY = "canarywords"


FAST = {"OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_METRIC_EXPORT_INTERVAL": "200"}


CALL = {"mcp-protocol-version": MODERN, "mcp-method": "tools/call", "mcp-name": "list_sessions"}


@pytest.fixture
def told():
    with collector() as receiving:
        yield receiving


@pytest.fixture
def settings(told):
    return {**FAST, "OTEL_EXPORTER_OTLP_ENDPOINT": told.url}


def arguments():
    return {"limit": 3, "search": CANARY}


def by_header(server):
    asked = request(1, "tools/call", name="list_sessions", arguments=arguments())
    headers = {**CALL, "traceparent": TRACEPARENT, "baggage": f"token={TOKEN}", **bearer(TOKEN)}
    rows(server.post(json.dumps(asked).encode(), headers))


def by_meta(server):
    asked = request(1, "tools/call", name="list_sessions", arguments=arguments())
    asked["params"]["_meta"] = {**META, "traceparent": TRACEPARENT}
    rows(server.post(json.dumps(asked).encode(), {**CALL, **bearer(TOKEN)}))


def by_older_client(server):
    asked = older_request(1, "tools/call", name="list_sessions", arguments=arguments())
    headers = {"traceparent": TRACEPARENT, **bearer(TOKEN)}
    assert server.post(json.dumps(asked).encode(), headers).status_code == 200


@pytest.mark.parametrize("call", [by_header, by_meta, by_older_client])
def test_a_trace_goes_from_the_callers_traceparent_down_to_the_upstream_get(
    bare_environment, upstreams, told, settings, call
):
    upstreams.turn_to(first(lambda exchange: exchange.send(answer(b"", "503 Unavailable"))))
    own = {**settings, "MCP_SESSIONS_TOKEN_HASHES": hash_of(TOKEN)}
    with served(bare_environment, upstreams.url, **own) as server:
        call(server)
        server.process.end(signal.SIGTERM)  # what was not sent yet is sent at the end
    traced = [span for span in told.spans if span["trace_id"] == TRACE]
    (tool,) = [span for span in traced if span["name"] == "tools/call list_sessions"]
    gets = [span for span in traced if span["name"] == "GET /v1/sessions"]
    assert (tool["kind"], tool["parent_span_id"]) == ("SERVER", PARENT)
    assert [(get["kind"], get["parent_span_id"]) for get in gets] == [
        ("CLIENT", tool["span_id"]),
        ("CLIENT", tool["span_id"]),
    ]
    statuses = [get["attributes"]["http.response.status_code"] for get in gets]
    assert statuses == [503, 200]
    assert [get["status"] for get in gets] == ["ERROR", "UNSET"]
    sent = [re.search(rb"traceparent: (\S+)", head)[1].decode() for head in upstreams.asked()]
    assert sent == [f"00-{TRACE}-{get['span_id']}-01" for get in gets]
    assert b"baggage" not in b"".join(upstreams.asked()).lower()
    assert told.resources[0]["service.name"] == "mcp-sessions"
    for secret in (KEY, TOKEN, CANARY, "Session 1"):
        assert secret not in json.dumps(told.spans)


def test_metrics_count_calls_requests_retries_spared_reads_and_refusals(
    bare_environment, upstreams, told, settings
):
    upstreams.turn_to(first(lambda exchange: exchange.send(answer(b"", "503 Unavailable"))))
    own = {
        **settings,
        "MCP_SESSIONS_TOKEN_HASHES": hash_of(TOKEN),
        "MCP_SESSIONS_CACHE_SECONDS": "30",
        "MCP_SESSIONS_METRICS": "true",
    }
    with served(bare_environment, upstreams.url, **own) as server:
        for _ in range(3):
            rows(server.call(TOKEN, limit=5))
        server.call(TOKEN, colour="blue")
        server.call()
        shown = server.get("/metrics").text
        server.process.end(signal.SIGTERM)
    tool = {"gen_ai.tool.name": "list_sessions"}
    assert {tuple(sorted(point.items())) for point in told.metrics["mcp_sessions.calls"]} == {
        tuple(sorted({**tool, "code": "ok", "value": 3.0}.items())),
        tuple(sorted({**tool, "code": "invalid_arguments", "value": 1.0}.items())),
    }
    assert told.metrics["mcp_sessions.retries"] == [{"code": "api_unavailable", "value": 1.0}]
    assert told.metrics["mcp_sessions.reads.spared"] == [{"how": "cached", "value": 2.0}]
    assert told.metrics["mcp_sessions.refused"] == [
        {"http.response.status_code": 401, "value": 1.0}
    ]
    upstream = {
        point["http.response.status_code"]: point["value"]
        for point in told.metrics["mcp_sessions.upstream.duration"]
    }
    assert upstream == {503: 1.0, 200: 1.0}
    for name in ("calls", "retries", "reads_spared", "refused"):
        assert f"# TYPE mcp_sessions_{name}_total counter" in shown
    assert "# TYPE mcp_sessions_upstream_duration_seconds histogram" in shown
    assert KEY not in shown + json.dumps(told.metrics)


@pytest.mark.parametrize("end", [None, signal.SIGTERM], ids=["EOF", "SIGTERM"])
def test_a_stdio_server_exports_too(bare_environment, upstreams, told, settings, end):
    own = {"EVERRUNS_API_URL": upstreams.url, "EVERRUNS_API_KEY": KEY}
    with stdio_server({**bare_environment, **own, **settings}) as server:
        server.ask(request(1, "tools/call", name="list_sessions", arguments={}))
        ended = server.end(end)
    assert (ended.code, ended.stderr) == (0, "")
    assert {"tools/call list_sessions", "GET /v1/sessions"} <= {one["name"] for one in told.spans}


@pytest.mark.parametrize(
    "off", [{"OTEL_SDK_DISABLED": "true"}, {"OTEL_TRACES_EXPORTER": "none"}], ids=str
)
def test_what_is_switched_off_is_not_exported(bare_environment, upstreams, told, settings, off):
    with served(bare_environment, upstreams.url, **settings, **off) as server:
        rows(server.call())
    assert told.spans == []


def test_a_collector_that_is_away_disturbs_neither_calls_nor_the_end(bare_environment, upstreams):
    own = {**FAST, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    with served(bare_environment, upstreams.url, **own) as server:
        rows(server.call())
        until = time.monotonic() + 1
        while time.monotonic() < until:
            rows(server.call())
        ended = server.process.end(signal.SIGTERM)
    assert ended.code == 0
    assert "Traceback" not in ended.stderr
    assert ended.seconds < DEADLINE


@pytest.mark.parametrize(
    "own", [{"OTEL_SERVICE_NAME": "mine"}, {"OTEL_RESOURCE_ATTRIBUTES": "service.name=mine,a=b"}]
)
def test_an_operator_names_the_service(bare_environment, upstreams, told, settings, own):
    with served(bare_environment, upstreams.url, **settings, **own) as server:
        rows(server.call())
        server.process.end(signal.SIGTERM)
    assert {one["service.name"] for one in told.resources} == {"mine"}
