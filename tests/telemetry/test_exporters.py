import subprocess
import sys

import pytest

from mcp_sessions.auth.bearer_tokens import hash_of, new_token

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
    ("own", "says"),
    [
        ({"MCP_SESSIONS_METRICS": "true"}, "pip install 'mcp-sessions[otel]'"),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}, "pip install 'mcp-sessions[otel]'"),
    ],
    ids=["metrics", "traces"],
)
def test_a_missing_extra_is_named(bare_environment, own, says):
    script = (
        "import sys; sys.modules['opentelemetry.sdk'] = None;"
        "from mcp_sessions.cli import main; raise SystemExit(main(['http', '--port', '0']))"
    )
    refused = subprocess.run(
        [sys.executable, "-c", script],
        env={**bare_environment, **own},
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert refused.returncode == 2
    assert says in refused.stderr
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "name", ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"]
)
def test_another_protocol_is_refused_in_a_sentence(bare_environment, name):
    own = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", name: "grpc"}
    refused = run(bare_environment, "http", "--port", "0", **own)
    assert refused.returncode == 2
    assert "http/protobuf" in refused.stderr
