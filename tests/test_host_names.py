import pytest

from mcp_sessions.host_names import parsed_host


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("localhost", ("localhost", None)),
        ("MCP.Example.com:8443", ("mcp.example.com", 8443)),
        ("my_service:1", ("my_service", 1)),
        ("127.0.0.1:65535", ("127.0.0.1", 65535)),
        ("[::1]", ("[::1]", None)),
        ("[0:0::0:1]:80", ("[::1]", 80)),
    ],
)
def test_a_host_is_a_name_or_an_address_and_perhaps_a_port(text, host):
    assert parsed_host(text) == host


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":80",
        "127.0.0.1:80@evil.com",
        "user@localhost",
        "user:80@localhost",
        "localhost:80.evil.com",
        "localhost:",
        "localhost:0",
        "localhost:080",
        "localhost:65536",
        "localhost:-1",
        "localhost:+80",
        "localhost:80:80",
        "localhost:8 0",
        "localhost:\u0661",
        "localhost:80/",
        "localhost/",
        "localhost?",
        "localhost#",
        "localhost\\evil",
        "localhost,evil.com",
        "localhost evil.com",
        " localhost",
        "localhost\n",
        "localhost\x1b[2J",
        "localhost%00",
        "loc\u00e4lhost",
        "::1",
        "[::1",
        "[::1]80",
        "[::1]evil.com",
        "[::1%25eth0]",
        "[127.0.0.1]",
        "[]",
    ],
)
def test_what_is_more_than_a_host_or_less_is_none(text):
    assert parsed_host(text) is None


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.1.2.3:8080", True),
        ("[fd00::1]:8080", True),
        ("10.1.2.3.example", False),
        ("10.1.2", False),
        ("256.1.1.1", False),
        ("0x7f000001", False),
        ("example", False),
    ],
)
def test_an_address_is_told_from_a_name(text, address):
    assert parsed_host(text).is_address is address
