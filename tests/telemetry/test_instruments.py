"""What is counted and traced, as OpenTelemetry's own readers in a process of its own see it."""

import json
import subprocess
import sys

import pytest
from opentelemetry import trace

from mcp_sessions.telemetry.instruments import caller_trace, upstream_request

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = {"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"}

SCRIPT = """
import json, sys
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from mcp_sessions.telemetry import instruments

reader, spans = InMemoryMetricReader(), InMemorySpanExporter()
metrics.set_meter_provider(MeterProvider([reader]))
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(spans))
trace.set_tracer_provider(provider)

instruments.call_ended("list_sessions", "ok")
instruments.retried("api_timeout")
instruments.spared("cached")
instruments.spared("cached")
instruments.refused(503)
sent = []
asked = {"offset": 20, "limit": 7, "search": "CANARY"}
with instruments.caller_trace(json.loads(sys.argv[1])):
    with instruments.upstream_request("api.example", "/v1/sessions", asked) as request:
        sent.append(request.headers({"x": "y"}))
        request.status = 200
try:
    with instruments.upstream_request("api.example", "/v1/sessions", {}) as request:
        request.failed("api_unreachable")
        raise ValueError("CANARY")
except ValueError:
    pass
points = {
    metric.name: [[dict(p.attributes), p.value if hasattr(p, "value") else p.count]
                  for p in metric.data.data_points]
    for resource in reader.get_metrics_data().resource_metrics
    for scope in resource.scope_metrics for metric in scope.metrics
}
told = [json.loads(span.to_json()) for span in spans.get_finished_spans()]
print(json.dumps({"points": points, "spans": told, "sent": sent}))
"""


@pytest.fixture(scope="module")
def told():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, json.dumps(PARENT)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "CANARY" not in done.stdout
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("name", "attributes", "count"),
    [
        ("calls", {"gen_ai.tool.name": "list_sessions", "code": "ok"}, 1),
        ("retries", {"code": "api_timeout"}, 1),
        ("reads.spared", {"how": "cached"}, 2),
        ("refused", {"http.response.status_code": 503}, 1),
        ("upstream.duration", {"http.response.status_code": 200}, 1),
        ("upstream.duration", {"http.response.status_code": 0}, 1),  # no answer
    ],
)
def test_each_event_is_counted_with_its_attributes(told, name, attributes, count):
    assert [attributes, count] in told["points"][f"mcp_sessions.{name}"]


def test_the_span_of_a_request_is_part_of_the_callers_trace_and_tells_only_the_window(told):
    span, _ = told["spans"]
    assert span["context"]["trace_id"] == f"0x{TRACE}"
    assert span["attributes"] == {
        "http.request.method": "GET",
        "server.address": "api.example",
        "url.template": "/v1/sessions",
        "mcp_sessions.offset": 20,
        "mcp_sessions.limit": 7,
        "http.response.status_code": 200,
    }


def test_the_trace_goes_on_to_the_api_beside_the_requests_own_headers(told):
    (headers,) = told["sent"]
    assert headers["x"] == "y"
    assert headers["traceparent"].split("-")[1] == TRACE


def test_a_failed_request_is_an_error_with_its_code_and_without_the_exception(told):
    _, span = told["spans"]
    assert span["status"] == {"status_code": "ERROR", "description": "api_unreachable"}
    assert span["attributes"]["error.type"] == "api_unreachable"
    assert span["events"] == []


def test_without_a_sdk_a_request_is_sent_with_its_own_headers_alone():
    with upstream_request("api.example", "/v1/sessions", {}) as request:
        assert request.headers({"x": "y"}) == {"x": "y"}


def test_the_callers_trace_ends_with_the_block():
    with caller_trace(PARENT):
        assert f"{trace.get_current_span().get_span_context().trace_id:032x}" == TRACE
    assert not trace.get_current_span().get_span_context().is_valid
