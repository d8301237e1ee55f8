"""The command `mcp-sessions`, run to its end."""

import os
import subprocess
import sys

TIMEOUT = 60


def command(*arguments, environ=None, **more):
    """Run `mcp-sessions` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "mcp_sessions", *arguments],
        env={**os.environ, "PYTHONIOENCODING": "utf-8", **(environ or {})},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        check=False,
        **more,
    )
