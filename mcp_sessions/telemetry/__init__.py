"""OpenTelemetry traces and metrics."""
