import pytest

from mcp_sessions.auth.bearer_tokens import hash_of, new_token
from mcp_sessions.errors import InvalidSettings
from mcp_sessions.http_settings import HttpSettings, is_loopback

HASH = hash_of("mcps_the-same-in-every-worker")
ISSUER = "https://login.example.com"
RESOURCE = "https://mcp.example.com/mcp"


def of(**named):
    return HttpSettings.from_env({f"MCP_SESSIONS_{name}": value for name, value in named.items()})


def refusal(**named):
    with pytest.raises(InvalidSettings) as refused:
        of(**named)
    return str(refused.value)


def test_nothing_set_listens_on_this_machine_alone():
    settings = HttpSettings.from_env({})
    assert (settings.host, settings.port, settings.locked) == ("127.0.0.1", 8080, False)
    assert not settings.metrics


def test_an_empty_http_variable_counts_as_absent():
    assert of(HOST=" ", PORT="", TOKEN_HASHES="") == HttpSettings.from_env({})


def test_what_the_command_line_says_comes_first():
    environ = {"MCP_SESSIONS_HOST": "::1", "MCP_SESSIONS_PORT": "9000"}
    settings = HttpSettings.from_env(environ, host="localhost", port=0)
    assert (settings.host, settings.port) == ("localhost", 0)


@pytest.mark.parametrize(
    "listed", ["a.example b.example", "a.example,b.example", " a.example,\n b.example, "]
)
def test_lists_are_read_between_commas_and_blanks(listed):
    assert of(ALLOWED_HOSTS=listed).allowed_hosts == ("a.example", "b.example")


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("localhost.example.com", False),
        ("127.0.0.1.example.com", False),
        ("", False),
    ],
)
def test_only_this_machines_own_addresses_are_loopback(host, local):
    assert is_loopback(host) is local


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOST", "http://here"),
        ("HOST", "two hosts"),
        ("PORT", "-1"),
        ("PORT", "65536"),
        ("PORT", "eighty"),
        ("MAX_CALLS", "0"),
        ("MAX_CALLS", "100001"),
        ("PUBLIC_URL", "http://mcp.example.com/mcp"),
        ("PUBLIC_URL", "https://[mcp/mcp"),
        ("PUBLIC_URL", "https://user@mcp.example.com/mcp"),
        ("PUBLIC_URL", "https://mcp.example.com/mcp?x=1"),
        ("OAUTH_ISSUER", "login.example.com"),
        ("OAUTH_ISSUER", "file:///etc/passwd"),
        ("OAUTH_ISSUER", "https://login.example.com#a"),
        ("OAUTH_JWKS_URL", "file:///etc/passwd"),
        ("METRICS", "perhaps"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(name, value):
    assert refusal(**{name: value}).startswith(f"MCP_SESSIONS_{name} cannot be used: ")


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("ALLOWED_HOSTS", "mcp.example.com", "https://mcp.example.com"),
        ("ALLOWED_HOSTS", "mcp.example.com", "user@mcp.example.com"),
        ("ALLOWED_ORIGINS", "https://app.example.com", "app.example.com"),
        ("ALLOWED_ORIGINS", "https://app.example.com", "https://app.example.com/page"),
        ("ALLOWED_ORIGINS", "https://app.example.com", "*"),
        ("TOKEN_HASHES", HASH, "sha256:abc"),
        ("TOKEN_HASHES", HASH, HASH.upper()),
        ("TOKEN_HASHES", HASH, HASH[:-1]),
    ],
)
def test_the_member_of_a_list_that_cannot_be_used_is_told(name, good, bad):
    message = refusal(**{name: f"{good},{bad}"})
    assert message.startswith(f"MCP_SESSIONS_{name} (number 2) cannot be used: ")


def test_a_token_set_in_place_of_its_hash_is_never_shown():
    token, _ = new_token()
    message = refusal(TOKEN_HASHES=token)
    assert "mcp-sessions token" in message
    assert token not in message


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ({"HOST": "10.0.0.1"}, "callers must say who they are"),
        ({"HOST": "0.0.0.0", "TOKEN_HASHES": HASH}, "0.0.0.0 is no name that a caller uses"),
        ({"HOST": "::", "TOKEN_HASHES": HASH}, ":: is no name that a caller uses"),
        ({"OAUTH_ISSUER": ISSUER}, "needs MCP_SESSIONS_PUBLIC_URL"),
        ({"OAUTH_SCOPES": "read"}, "need MCP_SESSIONS_OAUTH_ISSUER"),
        ({"OAUTH_JWKS_URL": f"{ISSUER}/keys"}, "need MCP_SESSIONS_OAUTH_ISSUER"),
        ({"PUBLIC_URL": "https://mcp.example.com"}, "must end with /mcp"),
        ({"PUBLIC_URL": "https://mcp.example.com/a/mcp"}, "must end with /mcp"),
        ({"TENANTS_FILE": "tenants.toml", "TOKEN_HASHES": HASH}, "each tenant has its own"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(named, says):
    assert says in refusal(**named)


@pytest.mark.parametrize(
    "named",
    [
        {"TOKEN_HASHES": HASH},
        {"TENANTS_FILE": "tenants.toml"},
        {"OAUTH_ISSUER": ISSUER, "PUBLIC_URL": RESOURCE},
    ],
)
def test_each_way_to_know_callers_locks_the_server_and_opens_the_address(named):
    settings = of(HOST="10.0.0.1", **named)
    assert settings.locked


def test_an_issuer_on_this_machine_needs_no_https():
    of(OAUTH_ISSUER="http://127.0.0.1:9000", PUBLIC_URL="http://localhost:8080/mcp")
