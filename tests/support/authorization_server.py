"""A real authorization server, by Authlib: metadata, keys, and tokens for client credentials.

Argument: a file with its private keys as a JWK set, the first of which signs; read at each request.
It says where it is in its first line.
"""

import json
import socket
import sys
from pathlib import Path
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from flask import Flask, Response, jsonify, request
from joserfc.jwk import KeySet
from werkzeug.serving import make_server

SECRET = "the client's own secret"
SCOPES = "sessions:read other"


class Client(ClientMixin):
    """Whoever knows the secret, under the name that they give."""

    def __init__(self, client_id: str) -> None:
        self.client_id = client_id

    def get_client_id(self) -> str:
        return self.client_id

    def get_allowed_scope(self, scope: str) -> str:
        return " ".join(one for one in (scope or "").split() if one in SCOPES.split())

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == SECRET

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return endpoint == "token" and method.startswith("client_secret_")

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "client_credentials"


class Grant(ClientCredentialsGrant):
    """Client credentials, presented in either way."""

    TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic", "client_secret_post")


class Generator(JWTBearerTokenGenerator):
    """Signs RFC 9068 access tokens for the resource that was asked for."""

    def __init__(self, issuer: str, keys: Path) -> None:
        super().__init__(issuer)
        self._keys = keys

    def get_jwks(self) -> Any:
        return KeySet.import_key_set(json.loads(self._keys.read_text()))

    def get_audiences(self, *_: Any) -> str:
        return str(request.form["resource"])


def create_app(issuer: str, keys: Path) -> Flask:
    """Return the server's application."""
    app = Flask(__name__)
    server = AuthorizationServer(app, query_client=Client, save_token=lambda *_: None)
    server.register_grant(Grant)
    server.register_token_generator("client_credentials", Generator(issuer, keys))

    @app.get("/.well-known/oauth-authorization-server")
    def metadata() -> Response:
        return jsonify(
            issuer=issuer,
            jwks_uri=f"{issuer}/keys",
            token_endpoint=f"{issuer}/token",
            authorization_endpoint=f"{issuer}/authorize",
            response_types_supported=["code"],
            grant_types_supported=["client_credentials"],
            token_endpoint_auth_methods_supported=["client_secret_basic"],
            code_challenge_methods_supported=["S256"],
        )

    @app.get("/keys")
    def public_keys() -> Response:
        held = KeySet.import_key_set(json.loads(keys.read_text()))
        return jsonify(held.as_dict(private=False))

    @app.post("/token")
    def token() -> Any:
        return server.create_token_response()

    return app


def main(keys: str) -> None:
    """Serve until killed."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        issuer = f"http://127.0.0.1:{port}"
        server = make_server(
            "127.0.0.1", port, create_app(issuer, Path(keys)), threaded=True, fd=listener.fileno()
        )
        sys.stdout.write(f"{issuer}\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
