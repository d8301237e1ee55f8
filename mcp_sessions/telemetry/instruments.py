"""Traces and metrics by OpenTelemetry's API, which does nothing until `exporters` have begun.

Names follow OpenTelemetry's semantic conventions where there is one; no attribute ever holds a
key, a token, an argument or a text of a session.
"""

import time
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

from opentelemetry import context, trace
from opentelemetry.metrics import Counter, Histogram, get_meter
from opentelemetry.trace import Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_SCOPE = "mcp_sessions"
_TRACE = TraceContextTextMapPropagator()  # and no baggage: it may hold anything of the caller's
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25)  # seconds


class _Instruments(NamedTuple):
    calls: Counter
    upstream: Histogram
    retries: Counter
    spared: Counter
    refused: Counter


@cache
def _instruments() -> _Instruments:
    meter = get_meter(_SCOPE)
    return _Instruments(
        calls=meter.create_counter(
            "mcp_sessions.calls", "{call}", "Tool calls, by tool and by the code of their failure."
        ),
        upstream=meter.create_histogram(
            "mcp_sessions.upstream.duration",
            "s",
            "Requests to the API, by status.",
            explicit_bucket_boundaries_advisory=_BUCKETS,
        ),
        retries=meter.create_counter(
            "mcp_sessions.retries", "{retry}", "Requests made again, by what failed before."
        ),
        spared=meter.create_counter(
            "mcp_sessions.reads.spared", "{read}", "Reads answered by a cached or a shared request."
        ),
        refused=meter.create_counter(
            "mcp_sessions.refused", "{request}", "Requests that were not let in, by status."
        ),
    )


@cache
def _tracer() -> trace.Tracer:
    return trace.get_tracer(_SCOPE)


def call_ended(tool: str, code: str) -> None:
    """Count a tool call; `code` is a failure's, or "ok"."""
    _instruments().calls.add(1, {"gen_ai.tool.name": tool, "code": code})


def retried(code: str) -> None:
    """Count a request made again because of a failure of this code."""
    _instruments().retries.add(1, {"code": code})


def spared(how: str) -> None:
    """Count a read that needed no request: `how` is "cached" or "shared"."""
    _instruments().spared.add(1, {"how": how})


def refused(status: int) -> None:
    """Count an HTTP request that was refused."""
    _instruments().refused.add(1, {"http.response.status_code": status})


class UpstreamRequest:
    """One request to the API, as its span and its time show it."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self.status: int | None = None

    def headers(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        """Return the headers with the trace's context, for an API that is traced too."""
        if not self._span.is_recording():
            return headers
        carrier: MutableMapping[str, str] = {}
        _TRACE.inject(carrier)
        return {**headers, **carrier}

    def failed(self, code: str) -> None:
        """Say how the request failed, in this server's words."""
        self._span.set_attribute("error.type", code)
        self._span.set_status(StatusCode.ERROR, code)


@contextmanager
def upstream_request(
    host: str, route: str, parameters: Mapping[str, str | int]
) -> Iterator[UpstreamRequest]:
    """Trace and time one GET of `route`; what it asks for beside the window is not told."""
    attributes: dict[str, str | int] = {
        "http.request.method": "GET",
        "server.address": host,
        "url.template": route,
    }
    window = ((name, parameters.get(name)) for name in ("offset", "limit"))
    attributes |= {f"mcp_sessions.{name}": int(said) for name, said in window if said is not None}
    started = time.monotonic()
    with _tracer().start_as_current_span(
        f"GET {route}",
        kind=SpanKind.CLIENT,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        request = UpstreamRequest(span)
        try:
            yield request
        finally:
            status = request.status or 0
            if status:
                span.set_attribute("http.response.status_code", status)
            _instruments().upstream.record(
                time.monotonic() - started, {"http.response.status_code": status}
            )


@contextmanager
def caller_trace(headers: Mapping[str, str]) -> Iterator[None]:
    """Continue the trace that an HTTP request's `traceparent` names, if it does."""
    if "traceparent" not in headers:
        yield
        return
    token = context.attach(_TRACE.extract(headers))
    try:
        yield
    finally:
        context.detach(token)
