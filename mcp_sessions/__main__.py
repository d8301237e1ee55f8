"""`python -m mcp_sessions` is `mcp-sessions`."""

from mcp_sessions.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
