import pytest

from mcp_sessions.api.connections import environment_proxies, new_client

HOSTS = "localhost,127.0.0.1,::1,[::1],.internal,*.corp.example,http://only.example"
ODD = "fe80::/10,10.0.0.0/8"


def test_values_of_no_proxy_that_can_be_parsed_are_honoured_and_others_named(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", f"{HOSTS},{ODD}")
    proxies = environment_proxies()
    assert proxies.by_pattern == {
        "https://": "http://proxy.example:3128",
        "all://localhost": None,
        "all://127.0.0.1": None,
        "all://[::1]": None,
        "all://*.internal": None,
        "all://*.corp.example": None,
        "http://only.example": None,
    }
    assert proxies.passed_over == tuple(ODD.split(","))


def test_a_star_takes_every_proxy_away(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "*")
    assert environment_proxies() == ({}, ())


@pytest.mark.parametrize("value", [HOSTS, ODD, ",", "[", "]:,://", "http://", "\u00e9"])
def test_no_value_of_no_proxy_keeps_a_client_from_being_made(monkeypatch, value):
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", value)
    assert new_client(5) is not None
