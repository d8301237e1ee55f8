import subprocess
import sys

import pytest

from mcp_sessions.auth.bearer_tokens import hash_of, new_token
from mcp_sessions.telemetry.exporters import exporting

from support.processes import DEADLINE, run

TOKEN = new_token()[0]


def test_without_its_variables_opentelemetrys_sdk_is_not_even_loaded(bare_environment, upstreams):
    own = {"EVERRUNS_API_URL": upstreams.url, "PYTHONPROFILEIMPORTTIME": "1"}
    own["MCP_SESSIONS_TOKEN_HASHES"] = hash_of(TOKEN)
    said = run(bare_environment, "http", "--host", "not-an-address", "--port", "0", **own).stderr
    assert "mcp_sessions.streamable_http.app" in said
    assert "opentelemetry.sdk" not in said
    assert "prometheus" not in said


@pytest.mark.parametrize(
    "own",
    [{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}, {"MCP_SESSIONS_METRICS": "true"}],
    ids=["traces", "metrics"],
)
def test_a_missing_extra_is_a_warning_that_tells_how_to_install_it(bare_environment, own):
    script = (
        "import os, sys; sys.modules['opentelemetry.sdk'] = None\n"
        "from mcp_sessions.log_lines import log_to_stderr\n"
        "from mcp_sessions.telemetry.exporters import exporting\n"
        "log_to_stderr('warning')\n"
        "metrics = os.environ.get('MCP_SESSIONS_METRICS') == 'true'\n"
        "with exporting(os.environ, prometheus=metrics): print('served')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**bare_environment, **own},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "served\n")
    assert "pip install '.[otel]'" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "name", ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"]
)
def test_another_protocol_is_a_warning_and_keeps_nobody_from_being_served(name, caplog):
    own = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:9", name: "grpc"}
    with exporting(own):
        pass
    assert f"traces are not exported: {name} is not http/protobuf" in caplog.text
