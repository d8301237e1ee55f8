"""The Streamable HTTP app: stateless, at /mcp, with its doors, its health and its metrics."""

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.routes import build_resource_metadata_url, create_protected_resource_routes
from mcp.server.auth.settings import AuthSettings
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from mcp_sessions.auth.bearer_tokens import Callers
from mcp_sessions.auth.tenants import Tenants
from mcp_sessions.desk import Desk
from mcp_sessions.http_settings import PATH, HttpSettings, is_loopback
from mcp_sessions.server import server_of
from mcp_sessions.settings import Settings
from mcp_sessions.streamable_http.middleware import MOST_BODY_BYTES, Crowd, Entrance, Named, Traced
from mcp_sessions.telemetry.exporters import exposition

_LOCAL: Final = ("127.0.0.1", "localhost", "[::1]")
_LOCAL_PAGE: Final = rf"http://({'|'.join(map(re.escape, _LOCAL))})(:\d+)?"


def create_app(
    settings: Settings, http: HttpSettings, environ: Mapping[str, str] | None = None
) -> Starlette:
    """Return the app; `environ` holds the keys that a tenants file refers to.

    Raises:
        InvalidSettings: the tenants file cannot be used.
    """
    file = http.tenants_file
    tenants = Tenants(file, settings, environ or {}) if file else None
    desk = Desk(settings, tenants)
    manager = StreamableHTTPSessionManager(
        server_of(desk),
        stateless=True,
        security_settings=_security(http),
        max_request_body_size=MOST_BODY_BYTES,
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with manager.run():
            yield

    inside = Crowd(manager.handle_request, http.max_calls, tenants=tenants is not None)
    callers = Callers(http, tenants) if http.locked else None
    routes: list[BaseRoute] = [
        Route(PATH, endpoint=Named(Traced(_locked(inside, callers, http)))),
        Route("/healthz", _health),
        Route("/readyz", _readiness(desk)),
        *([Route("/metrics", _metrics)] if http.metrics else []),
        *_resource_metadata(_resource(http)),
    ]
    app = Starlette(routes=routes, middleware=list(_cors(http)), lifespan=lifespan)
    app.router.redirect_slashes = False  # to wherever Host says, before it was looked at
    return app


def _locked(inside: ASGIApp, callers: Callers | None, http: HttpSettings) -> ASGIApp:
    """Let in those only who say who they are, where somebody has to."""
    if callers is None:
        return Entrance(inside)
    known = Entrance(inside, tenants=http.tenants_file is not None)
    resource = _resource(http)
    url = resource and resource.resource_server_url
    metadata = build_resource_metadata_url(url) if url else None
    required = RequireAuthMiddleware(known, list(http.oauth_scopes), metadata)
    return AuthenticationMiddleware(
        AuthContextMiddleware(required), backend=BearerAuthBackend(callers)
    )


def _resource(http: HttpSettings) -> AuthSettings | None:
    """Return the resource and its issuer, spelled as given: issuers are compared as strings."""
    if not http.oauth_issuer:
        return None
    return AuthSettings.model_validate(
        {
            "issuer_url": http.oauth_issuer,
            "resource_server_url": http.public_url,
            "required_scopes": list(http.oauth_scopes),
            "validate_token_resource": False,  # `callers` checks the audience
        }
    )


def _resource_metadata(resource: AuthSettings | None) -> list[Route]:
    """Say where tokens for this server come from, as RFC 9728 has it."""
    if resource is None or resource.resource_server_url is None:
        return []
    return create_protected_resource_routes(
        resource_url=resource.resource_server_url,
        authorization_servers=[resource.issuer_url],
        scopes_supported=resource.required_scopes or None,
    )


def _security(http: HttpSettings) -> TransportSecuritySettings:
    """Name every host: the SDK checks Host and Origin only where it is told which are right."""
    names = [_bracketed(http.host), *http.allowed_hosts]
    if http.public_url:
        names.append(_bracketed(urlsplit(http.public_url).hostname or ""))
    known = dict.fromkeys(name.lower() for name in [*names, *_LOCAL])
    hosts = [one for name in known for one in _with_ports(name)]
    pages = [one for name in _LOCAL for one in _with_ports(name)] if is_loopback(http.host) else []
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=hosts,
        allowed_origins=[*(f"http://{page}" for page in pages), *http.allowed_origins],
    )


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _with_ports(name: str) -> Iterator[str]:
    yield name
    if not re.search(r":\d+$", name):
        yield f"{name}:*"


def _cors(http: HttpSettings) -> Iterator[Middleware]:
    """Let the pages that may call read the answers."""
    local = is_loopback(http.host)
    if http.allowed_origins or local:
        yield Middleware(
            CORSMiddleware,
            allow_origins=list(http.allowed_origins),
            allow_origin_regex=_LOCAL_PAGE if local else None,
            allow_methods=["POST"],
            allow_headers=["*"],
            expose_headers=["WWW-Authenticate", "Retry-After"],
        )


async def _health(_: Request) -> Response:
    return PlainTextResponse("ok")


def _readiness(desk: Desk) -> Any:
    async def readiness(_: Request) -> Response:
        fault = await desk.failure()
        if fault is None:
            return PlainTextResponse("ok")
        told = {"code": fault.code, "message": fault.message}
        return Response(json.dumps(told), 503, media_type="application/json")

    return readiness


async def _metrics(_: Request) -> Response:
    body, media_type = exposition()
    return Response(body, headers={"content-type": media_type})
