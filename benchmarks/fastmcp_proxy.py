"""FastMCP's proxy of the API, made from its OpenAPI description.

Arguments: the description's path and the API's base URL. Output is not validated: the description
contradicts the answers, and every call would be refused.
"""

import json
import sys
from pathlib import Path

import httpx2
from fastmcp import FastMCP


def main(description: str, base_url: str) -> None:
    """Serve stdio until the client leaves."""
    proxy = FastMCP.from_openapi(
        json.loads(Path(description).read_text(encoding="utf-8")),
        client=httpx2.AsyncClient(base_url=base_url),
        validate_output=False,
    )
    proxy.run(transport="stdio", show_banner=False, log_level="ERROR")


if __name__ == "__main__":
    main(*sys.argv[1:])
