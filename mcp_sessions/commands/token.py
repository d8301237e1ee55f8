"""`mcp-sessions token`: a bearer token for callers over HTTP, and the hash that is kept of it."""

from mcp_sessions.auth.bearer_tokens import new_token


def print_token() -> None:
    """Print a new token and its hash; neither is kept anywhere."""
    token, kept = new_token()
    print(f"for the caller, shown only now: {token}")
    print(f"for MCP_SESSIONS_TOKEN_HASHES:  {kept}")
