"""A real OTLP receiver: what a server exports, as JSON."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


@dataclass(slots=True)
class Collector:
    """What came in so far, at the `url` that OTEL_EXPORTER_OTLP_ENDPOINT names."""

    url: str
    spans: list[dict[str, Any]] = field(default_factory=list)
    metrics: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    resources: list[dict[str, Any]] = field(default_factory=list)

    def take_traces(self, body: bytes) -> None:
        """Keep the spans of one export."""
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resources.append(_attributes(resource.resource.attributes))
            for scope in resource.scope_spans:
                self.spans += [_span(span, scope.scope.name) for span in scope.spans]

    def take_metrics(self, body: bytes) -> None:
        """Keep the latest points of each metric."""
        for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    data = metric.sum if metric.HasField("sum") else metric.histogram
                    self.metrics[metric.name] = [
                        {**_attributes(point.attributes), "value": _value(point)}
                        for point in data.data_points
                    ]


def _span(span: Span, scope: str) -> dict[str, Any]:
    status = MessageToDict(span.status)
    return {
        "name": span.name,
        "kind": Span.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        "scope": scope,
        "trace_id": span.trace_id.hex(),
        "span_id": span.span_id.hex(),
        "parent_span_id": span.parent_span_id.hex(),
        "attributes": _attributes(span.attributes),
        "status": status.get("code", "STATUS_CODE_UNSET").removeprefix("STATUS_CODE_"),
        "milliseconds": round((span.end_time_unix_nano - span.start_time_unix_nano) / 1e6, 2),
    }


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


def _value(point: Any) -> float:
    return float(point.count if hasattr(point, "count") else point.as_int)


@contextmanager
def collector() -> Iterator[Collector]:
    """Receive exports on a loopback socket until the block ends."""
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        told = Collector(f"http://127.0.0.1:{server.server_port}")
        server.RequestHandlerClass = _handler(told)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()


def _handler(told: Collector) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            take = told.take_traces if self.path == "/v1/traces" else told.take_metrics
            take(body)
            self.send_response(200)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing of requests."""

    return Handler
