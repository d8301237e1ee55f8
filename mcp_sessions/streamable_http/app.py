"""The ASGI app: MCP at /mcp, stateless, beside health, readiness and metrics."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.routes import build_resource_metadata_url, create_protected_resource_routes
from mcp.server.auth.settings import AuthSettings
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from mcp_sessions.auth.bearer_tokens import BearerTokens
from mcp_sessions.auth.tenants_file import TenantsFile
from mcp_sessions.http_settings import PATH, HttpSettings
from mcp_sessions.server import ToolsByTenant, create_server
from mcp_sessions.settings import Settings
from mcp_sessions.streamable_http.allowed_hosts import AllowedHosts, cors
from mcp_sessions.streamable_http.middleware import (
    CallLimit,
    Negotiation,
    OneLength,
    PostOnly,
    TraceContext,
)
from mcp_sessions.streamable_http.readiness import Readiness
from mcp_sessions.streamable_http.request_body import MAX_BODY_BYTES
from mcp_sessions.telemetry.exporters import exposition

_HEALTH: Final = "/healthz"
_READINESS: Final = "/readyz"
_METRICS: Final = "/metrics"
_BY_ADDRESS: Final = (_HEALTH, _READINESS, _METRICS)  # of a pod, as Kubernetes and Prometheus ask


def create_app(
    settings: Settings, http: HttpSettings, environ: Mapping[str, str] | None = None
) -> Starlette:
    """Return the app; `environ` holds the keys that a tenants file refers to.

    Raises:
        InvalidSettings: the tenants file cannot be used.
    """
    file = http.tenants_file
    tenants = TenantsFile(file, settings, environ or {}) if file else None
    tools = ToolsByTenant(settings, tenants)
    streaming, plain = (_manager(tools, json=json) for json in (False, True))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with tools.open(), streaming.run(), plain.run():
            yield

    negotiated = Negotiation(streaming.handle_request, plain.handle_request)
    inside = CallLimit(negotiated, http.max_calls, tenants=tenants is not None)
    tokens = BearerTokens(http, tenants) if http.locked else None
    routes: list[BaseRoute] = [
        Route(PATH, endpoint=TraceContext(_authenticated(inside, tokens, http))),
        Route(_HEALTH, _health),
        Route(_READINESS, _readiness(Readiness(tools))),
        *([Route(_METRICS, _metrics)] if http.metrics else []),
        *_resource_metadata(_resource(http)),
    ]
    checks = [Middleware(OneLength), Middleware(AllowedHosts, http, by_address=_BY_ADDRESS)]
    app = Starlette(routes=routes, middleware=[*checks, *cors(http)], lifespan=lifespan)
    app.router.redirect_slashes = False  # a path that is not served is another one
    return app


def _manager(tools: ToolsByTenant, *, json: bool) -> StreamableHTTPSessionManager:
    """Return what serves callers that take event streams, or `json` alone.

    Whom it serves was decided before, by `AllowedHosts`.
    """
    return StreamableHTTPSessionManager(
        create_server(tools),
        stateless=True,
        json_response=json,
        security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        max_request_body_size=MAX_BODY_BYTES,
    )


def _authenticated(inside: ASGIApp, tokens: BearerTokens | None, http: HttpSettings) -> ASGIApp:
    """Require a good token, where callers have to say who they are."""
    if tokens is None:
        return PostOnly(inside)
    known = PostOnly(inside, tenants=http.tenants_file is not None)
    resource = _resource(http)
    url = resource and resource.resource_server_url
    metadata = build_resource_metadata_url(url) if url else None
    required = RequireAuthMiddleware(known, list(http.oauth_scopes), metadata)
    return AuthenticationMiddleware(
        AuthContextMiddleware(required), backend=BearerAuthBackend(tokens)
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
            "validate_token_resource": False,  # `oauth_issuer` checks the audience
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


async def _health(_: Request) -> Response:
    return PlainTextResponse("ok")


def _readiness(readiness: Readiness) -> Any:
    async def respond(_: Request) -> Response:
        fault = await readiness.failure()
        if fault is None:
            return PlainTextResponse("ok")
        told = {"code": fault.code, "message": fault.message}
        return Response(json.dumps(told), 503, media_type="application/json")

    return respond


async def _metrics(_: Request) -> Response:
    try:
        body, media_type = exposition()
    except ImportError:
        return PlainTextResponse("The extra otel is not installed.", 501)
    return Response(body, headers={"content-type": media_type})
