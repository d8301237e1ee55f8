"""The server as an OAuth 2.1 resource server, beside a real authorization server."""

import base64
import json
import socket
import time

import anyio
import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from mcp import Client
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

from mcp_sessions.auth.bearer_tokens import hash_of, new_token

from support.authority import SCOPE, issuer, new_key
from support.authorization_server import SECRET
from support.http_callers import rows, served
from support.processes import DEADLINE

STATIC = new_token()[0]


class Memory:
    """What the SDK's client remembers."""

    def __init__(self):
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client_info):
        self.client = client_info


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    with issuer(tmp_path_factory.mktemp("issuer")) as running:
        yield running


def settings_of(authority, port):
    return {
        "MCP_SESSIONS_PUBLIC_URL": f"http://127.0.0.1:{port}/mcp",
        "MCP_SESSIONS_OAUTH_ISSUER": authority.url,
        "MCP_SESSIONS_OAUTH_SCOPES": SCOPE,
        "MCP_SESSIONS_LOG_LEVEL": "info",
    }


@pytest.fixture(scope="module")
def server(bare_environment, api, authority):
    port = free_port()
    own = settings_of(authority, port) | {"MCP_SESSIONS_TOKEN_HASHES": hash_of(STATIC)}
    with served(bare_environment, api.url, "--port", str(port), **own) as running:
        yield running


@pytest.fixture
def audience(server):
    return server.process.url


@pytest.mark.anyio
async def test_the_sdks_client_finds_the_issuer_gets_a_token_and_calls(server, authority):
    memory = Memory()
    provider = ClientCredentialsOAuthProvider(
        server_url=server.process.url,
        storage=memory,
        client_id="program",
        client_secret=SECRET,
        scope=SCOPE,
        issuer=authority.url,
    )
    with anyio.fail_after(DEADLINE):
        async with (
            httpx2.AsyncClient(auth=provider, timeout=DEADLINE, trust_env=False) as http,
            Client(streamable_http_client(server.process.url, http_client=http)) as client,
        ):
            result = await client.call_tool("list_sessions", {"limit": 4})
    assert result.structured_content["returned"] == 4
    claims = jwt.decode(memory.tokens.access_token, options={"verify_signature": False})
    assert (claims["iss"], claims["aud"]) == (authority.url, server.process.url)


def test_the_way_to_a_token_is_told_as_rfc_9728_has_it(server, authority):
    refused = server.call()
    assert refused.status_code == 401
    where = f"{server.base}/.well-known/oauth-protected-resource/mcp"
    assert f'resource_metadata="{where}"' in refused.headers["www-authenticate"]
    told = server.get("/.well-known/oauth-protected-resource/mcp").json()
    assert told["resource"] == server.process.url
    assert told["authorization_servers"] == [authority.url]
    assert told["scopes_supported"] == [SCOPE]


@pytest.mark.parametrize("kid", ["first", "pss", "curve", "edwards"])
def test_a_token_signed_by_any_kind_of_key_is_let_in(server, authority, audience, kid):
    token = authority.token(audience, kid=kid, aud=[audience, "https://other.example"])
    assert len(rows(server.call(token, limit=2))) == 2
    assert "result" in server.older_call(token, limit=2)


def test_a_static_token_is_let_in_beside(server):
    assert rows(server.call(STATIC, limit=1))


def unsigned(token):
    body = token.split(".")[1]
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": "first"}).encode())
    return f"{head.decode().rstrip('=')}.{body}."


def shared_secret(authority, audience):
    """Sign with the issuer's public key, as if it were a secret that both sides know."""
    public = authority.keys["first"].public_key
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    claims = jwt.decode(authority.token(audience), options={"verify_signature": False})
    head = {"alg": "HS256", "kid": "first", "typ": "at+jwt"}
    parts = [
        base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in (head, claims)
    ]
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(
        b".".join(parts), pem
    )
    return b".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=")]).decode()


def claiming(algorithm, token):
    """Say that a key of another kind made the signature."""
    head = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    told = json.dumps(head | {"alg": algorithm}).encode()
    return ".".join([base64.urlsafe_b64encode(told).decode().rstrip("="), *token.split(".")[1:]])


BAD = {
    "wrong audience": lambda a, url: a.token(f"{url}/other"),
    "no audience": lambda a, url: a.token(url, aud=None),
    "expired": lambda a, url: a.token(url, exp=int(time.time()) - 60),
    "without expiry": lambda a, url: a.token(url, exp=None),
    "not valid yet": lambda a, url: a.token(url, nbf=int(time.time()) + 600),
    "wrong issuer": lambda a, url: a.token(url, iss="https://other.example"),
    "without a subject": lambda a, url: a.token(url, sub=None),
    "alg none": lambda a, url: unsigned(a.token(url)),
    "the public key as a secret": shared_secret,
    "a key of another's": lambda a, url: a.token(url, signed_by=new_key("first")),
    "a key not in the set": lambda a, url: a.token(url, kid="x", signed_by=new_key("x")),
    "a key of another kind": lambda a, url: claiming("ES256", a.token(url)),
    "an algorithm of another kind": lambda a, url: claiming("RS256", a.token(url, kid="curve")),
    "a broken signature": lambda a, url: a.token(url)[:-8] + "AAAAAAAA",
    "not a token": lambda a, url: f"{a.url}.{url}.c",
}


@pytest.mark.parametrize("fault", BAD)
def test_a_token_that_is_not_good_is_refused(server, authority, audience, fault):
    refused = server.call(BAD[fault](authority, audience))
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
    assert "resource_metadata" in refused.headers["www-authenticate"]


@pytest.mark.parametrize("scope", ["other", "", None, ["sessions"]])
def test_a_token_without_the_scope_is_forbidden(server, authority, audience, scope):
    refused = server.call(authority.token(audience, scope=scope))
    assert refused.status_code == 403
    challenge = refused.headers["www-authenticate"]
    assert 'error="insufficient_scope"' in challenge
    assert SCOPE in challenge


def test_scopes_as_a_list_are_read(server, authority, audience):
    assert rows(server.call(authority.token(audience, scope=None, scp=[SCOPE, "other"]), limit=1))


def test_a_token_is_neither_written_down_nor_passed_on(server, authority, audience, api):
    token = authority.token(audience)
    rows(server.call(token, search="passed on"))
    (seen,) = [one for one in api.requests if ("search", "passed on") in list(one.query)]
    assert token not in str(seen.headers)


def test_a_subject_that_is_no_tenant_is_forbidden_and_a_tenants_subject_asks_with_its_key(
    bare_environment, api, authority, tmp_path
):
    port, file = free_port(), tmp_path / "tenants.toml"
    entry = '[[tenant]]\nname = "{0}"\n{1} = ["{2}"]\napi_key = "evr_pat_{0}"\n'
    file.write_text(
        entry.format("acme", "subjects", "alice") + entry.format("beta", "client_ids", "robot")
    )
    own = settings_of(authority, port) | {"MCP_SESSIONS_TENANTS_FILE": str(file)}
    with served(bare_environment, api.url, "--port", str(port), key=None, **own) as server:
        url = server.process.url
        rows(server.call(authority.token(url), search="as acme"))
        rows(server.call(authority.token(url, sub="bob", client_id="robot"), search="as beta"))
        refused = server.call(authority.token(url, sub="bob"))
    assert refused.status_code == 403
    assert "no tenant" in refused.json()["error"]["message"]
    keys = {dict(one.query).get("search"): one.headers.get("authorization") for one in api.requests}
    assert (keys["as acme"], keys["as beta"]) == ("evr_pat_acme", "evr_pat_beta")


def test_an_issuer_that_is_away_lets_nobody_in_and_is_asked_again(bare_environment, api, tmp_path):
    port = free_port()
    with issuer(tmp_path) as gone:
        token = gone.token(f"http://127.0.0.1:{port}/mcp")
        own = settings_of(gone, port)
        gone.process.kill()
        gone.process.wait()
        with served(bare_environment, api.url, "--port", str(port), **own) as server:
            assert server.call(token).status_code == 401
            said = server.process.end(15).stderr
    assert "the issuer's metadata cannot be had" in said
    assert "Traceback" not in said
    assert token not in said


def test_a_new_key_of_the_issuers_is_taken_up(bare_environment, api, tmp_path):
    port = free_port()
    with issuer(tmp_path) as rotating:
        own = settings_of(rotating, port)
        with served(bare_environment, api.url, "--port", str(port), **own) as server:
            url = server.process.url
            new = new_key("second")
            rotating.publish(new)  # before the keys were first asked for
            assert server.call(rotating.token(url)).status_code == 401
            assert rows(server.call(rotating.token(url, kid="second", signed_by=new), limit=1))
