"""Where traces and metrics go: by OTLP where the standard OTEL settings say, or to Prometheus."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from threading import Thread
from typing import Any

from mcp_sessions import __version__

logger = logging.getLogger(__name__)

_SERVICE = "mcp-sessions"
_PROTOCOL = "http/protobuf"
_ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_TO_SEND = 2.0  # seconds at the end, for traces and metrics each


@contextmanager
def exporting(environ: Mapping[str, str], *, prometheus: bool = False) -> Iterator[None]:
    """Export until the block ends, then send what is left; nothing is loaded if nobody asked.

    Traces and metrics go by OTLP over HTTP if OTEL_EXPORTER_OTLP_ENDPOINT, or the one for traces
    or metrics, is set; every other OTEL_ variable means what OpenTelemetry's SDK says.

    What cannot be exported is a warning: the shell of a stdio client may have variables that were
    meant for other programs.
    """
    disabled = environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    traces = _wanted(environ, "TRACES") and not disabled and _is_spoken(environ, "TRACES")
    metrics = _wanted(environ, "METRICS") and not disabled and _is_spoken(environ, "METRICS")
    if (traces or metrics or prometheus) and not _has_extra():
        traces = metrics = prometheus = False
    with ExitStack() as stack:
        if traces and (begun := _begun(_begin_traces, environ)):
            stack.callback(_end, begun)
        if metrics or prometheus:
            begin = partial(_begin_metrics, otlp=metrics, prometheus=prometheus)
            if begun := _begun(begin, environ):
                stack.callback(_end, begun)
        yield


def _begun(begin: Callable[[Mapping[str, str]], Any], environ: Mapping[str, str]) -> Any:
    """Return a provider, or None with a warning where an OTEL_ variable cannot be used."""
    try:
        return begin(environ)
    except Exception as fault:  # noqa: BLE001 - whatever OpenTelemetry's SDK stumbles over
        reason = type(fault).__name__
        logger.warning("traces or metrics are not exported: an OTEL_ variable is odd (%s)", reason)
        return None


def exposition() -> tuple[bytes, str]:
    """Return all metrics as Prometheus reads them, and their media type.

    Raises:
        ImportError: the extra is not installed.
    """
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


def _is_spoken(environ: Mapping[str, str], signal: str) -> bool:
    """Tell whether the protocol asked for is this server's, and warn if it is not."""
    for name in (f"OTEL_EXPORTER_OTLP_{signal}_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"):
        protocol = environ.get(name, "").strip()
        if protocol and protocol != _PROTOCOL:
            logger.warning(
                "%s are not exported: %s is not %s, the one that this server exports by",
                signal.lower(),
                name,
                _PROTOCOL,
            )
            return False
        if protocol:
            return True
    return True


def _has_extra() -> bool:
    """Tell whether the extra is installed, and warn if it is not."""
    try:
        import opentelemetry.exporter.otlp.proto.http
        import opentelemetry.exporter.prometheus
        import opentelemetry.sdk  # noqa: F401
    except ImportError:
        logger.warning(
            "traces and metrics are not exported: install the extra with pip install '.[otel]'"
            " in the folder of this server's source"
        )
        return False
    return True


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
