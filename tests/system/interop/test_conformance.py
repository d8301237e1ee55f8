"""The conformance suite's scenarios for a server that has tools of its own only."""

import json

import pytest

SCENARIOS = [
    ("2026-07-28", "tools-list"),
    ("2026-07-28", "dns-rebinding-protection"),
    ("2026-07-28", "http-header-validation"),
    ("2026-07-28", "caching"),
    ("2026-07-28", "server-stateless"),
    ("2025-11-25", "server-initialize"),
    ("2025-11-25", "ping"),
    ("2025-11-25", "tools-list"),
    ("2025-11-25", "dns-rebinding-protection"),
]

BASELINE = {
    "caching": {
        "PromptsListCachingHints": "there are no prompts, and the capability is not announced",
        "ResourcesListCachingHints": "there are no resources, nor is the capability announced",
        "ResourcesTemplatesListCachingHints": "there are no resource templates either",
    },
    "server-stateless": {
        "ServerRejectsUndeclaredCapability": "needs the suite's tool test_missing_capability",
        "MissingCapabilityHttp400": "needs the suite's tool test_missing_capability",
        "HttpServerNoIndependentRequestsOnStream": (
            "needs the suite's tool test_streaming_elicitation"
        ),
        "ServerNoLogWithoutLogLevel": "needs the suite's tool test_logging_tool",
    },
}


@pytest.mark.parametrize(("revision", "scenario"), SCENARIOS)
def test_no_check_of_a_conformance_scenario_fails_but_what_the_baseline_names(
    node, http, tmp_path, revision, scenario
):
    asked = ("--url", http.url, "--scenario", scenario, "--spec-version", revision)
    done = node.run("conformance", "server", *asked, "--output-dir", "results", cwd=tmp_path)
    (written,) = tmp_path.glob("results/*/checks.json")
    checks = json.loads(written.read_text(encoding="utf-8"))
    assert "SUCCESS" in {check["status"] for check in checks}
    against = {check["name"] for check in checks if check["status"] in ("FAILURE", "WARNING")}
    assert against == BASELINE.get(scenario, {}).keys(), done.stdout
