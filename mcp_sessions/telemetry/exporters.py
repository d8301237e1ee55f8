"""Where traces and metrics go: by OTLP where the standard OTEL settings say, or to Prometheus."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from threading import Thread
from typing import Any

from mcp_sessions import __version__
from mcp_sessions.errors import InvalidSettings

_SERVICE = "mcp-sessions"
_PROTOCOL = "http/protobuf"
_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_TO_SEND = 2.0  # seconds at the end, for traces and metrics each


@contextmanager
def exporting(environ: Mapping[str, str], *, prometheus: bool = False) -> Iterator[None]:
    """Export until the block ends, then send what is left; nothing is loaded if nobody asked.

    Traces and metrics go by OTLP over HTTP if OTEL_EXPORTER_OTLP_ENDPOINT, or the one for traces
    or metrics, is set; every other OTEL_ variable means what OpenTelemetry's SDK says.

    Raises:
        InvalidSettings: the extra `otel` is not installed, or the protocol is not this one.
    """
    disabled = environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    traces = _wanted(environ, "TRACES") and not disabled
    metrics = _wanted(environ, "METRICS") and not disabled
    with ExitStack() as stack:
        for signal in ("TRACES",) * traces + ("METRICS",) * metrics:
            _check_protocol(environ, signal)
        if traces or metrics or prometheus:
            _check_extra()
        if traces:
            stack.callback(_end, _begin_traces(environ))
        if metrics or prometheus:
            stack.callback(_end, _begin_metrics(environ, otlp=metrics, prometheus=prometheus))
        yield


def exposition() -> tuple[bytes, str]:
    """Return all metrics as Prometheus reads them, and their media type."""
    from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

    return generate_latest(), CONTENT_TYPE_LATEST


def _end(provider: Any) -> None:
    """Send what is left, but do not let a collector that is away keep the process from ending."""
    sending = Thread(target=provider.shutdown, daemon=True)
    sending.start()
    sending.join(_TO_SEND)


def _wanted(environ: Mapping[str, str], signal: str) -> bool:
    if environ.get(f"OTEL_{signal}_EXPORTER", "otlp").strip() != "otlp":
        return False
    return bool(environ.get(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT") or environ.get(_ENDPOINT))


def _check_protocol(environ: Mapping[str, str], signal: str) -> None:
    for name in (f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        protocol = environ.get(name, "").strip()
        if protocol and protocol != _PROTOCOL:
            raise InvalidSettings(f"{name} is {protocol}; this server exports by {_PROTOCOL}.")
        if protocol:
            return


def _check_extra() -> None:
    try:
        import opentelemetry.exporter.otlp.proto.http
        import opentelemetry.exporter.prometheus
        import opentelemetry.sdk  # noqa: F401
    except ImportError:
        raise InvalidSettings(
            "Traces and metrics need an extra: pip install 'mcp-sessions[otel]'."
        ) from None


def _resource(environ: Mapping[str, str]) -> Any:
    from opentelemetry.sdk.resources import Resource

    named = "service.name=" in environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    own = {} if named or environ.get("OTEL_SERVICE_NAME") else {"service.name": _SERVICE}
    return Resource.create({**own, "service.version": __version__})


def _begin_traces(environ: Mapping[str, str]) -> Any:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(resource=_resource(environ), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return provider


def _begin_metrics(environ: Mapping[str, str], *, otlp: bool, prometheus: bool) -> Any:
    from opentelemetry import metrics
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import (
        OTLPMetricExporter,
    )
    from opentelemetry.exporter.prometheus import PrometheusMetricReader
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import (
        MetricReader,
        PeriodicExportingMetricReader,
    )

    readers: list[MetricReader] = []
    if otlp:
        readers.append(PeriodicExportingMetricReader(OTLPMetricExporter()))
    if prometheus:
        readers.append(PrometheusMetricReader())
    provider = MeterProvider(readers, resource=_resource(environ), shutdown_on_exit=False)
    metrics.set_meter_provider(provider)
    return provider
