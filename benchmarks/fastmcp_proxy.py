"""FastMCP's proxy of the API, made from its OpenAPI description.

Arguments: the description's path, the API's base URL, and a port for HTTP instead of stdio. Output
is not validated: the description contradicts the answers, and every call would be refused.
"""

import json
import sys
from pathlib import Path

import httpx2
from fastmcp import FastMCP


def main(description: str, base_url: str, port: str | None = None) -> None:
    """Serve stdio until the client leaves, or stateless HTTP until it is stopped."""
    proxy = FastMCP.from_openapi(
        json.loads(Path(description).read_text(encoding="utf-8")),
        client=httpx2.AsyncClient(base_url=base_url),
        validate_output=False,
    )
    if port is None:
        proxy.run(transport="stdio", show_banner=False, log_level="ERROR")
        return
    proxy.run(
        transport="http",
        show_banner=False,
        log_level="ERROR",
        stateless_http=True,
        port=int(port),
        uvicorn_config={"access_log": False},
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
