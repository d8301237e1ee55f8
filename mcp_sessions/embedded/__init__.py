"""A local sessions API to try the server on, and to test it against."""

from mcp_sessions.embedded.faults import Fault
from mcp_sessions.embedded.load import load_sessions
from mcp_sessions.embedded.organization import NOW, identity, organization_sessions
from mcp_sessions.embedded.routes import (
    EmbeddedOptions,
    SeenRequest,
    SessionsRoute,
    StatusSpelling,
    create_app,
)
from mcp_sessions.embedded.seed import seed_sessions
from mcp_sessions.embedded.serving import EmbeddedApi, run, serve
from mcp_sessions.embedded.store import SessionStore

__all__ = [
    "NOW",
    "EmbeddedApi",
    "EmbeddedOptions",
    "Fault",
    "SeenRequest",
    "SessionStore",
    "SessionsRoute",
    "StatusSpelling",
    "create_app",
    "identity",
    "load_sessions",
    "organization_sessions",
    "run",
    "seed_sessions",
    "serve",
]
