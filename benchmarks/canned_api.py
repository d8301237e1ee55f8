"""An API that answers at once: pages of a file's rows, cut and framed once.

Arguments: the file, which holds one API answer as JSON, and a port. Searches and other filters are
not looked at. It costs as little as it can, so that what is measured is the server before it.
"""

import asyncio
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from http_peers import free_port, running
from raw_page import RawPage, compact


@contextmanager
def canned(page: RawPage, cpu: set[int] | None = None) -> Iterator[str]:
    """Serve a page from a process of its own until the block ends, and give its base URL."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        file.write(page.json())
        file.flush()
        port = free_port()
        with running([[sys.executable, __file__, file.name, str(port)]], [port], cpu=cpu):
            yield f"http://127.0.0.1:{port}"


class CannedApi:
    """Answers to offsets and limits, each made once."""

    def __init__(self, page: RawPage) -> None:
        self._page = page
        self.answer = cache(self._answer)

    def _answer(self, offset: int, limit: int) -> bytes:
        body = compact(self._page.window(offset, limit)).encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
        return f"{head}\r\n\r\n".encode() + body


class Connection(asyncio.Protocol):
    """Requests one after the other; they have no bodies."""

    def __init__(self, api: CannedApi) -> None:
        self._api = api
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what answers are written to."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        *whole, self._read = (self._read + data).split(b"\r\n\r\n")
        for request in whole:
            path = request.split(b" ", 2)[1].decode()
            asked = parse_qs(urlsplit(path).query)
            offset, limit = (int(asked.get(name, [0])[0]) for name in ("offset", "limit"))
            self._transport.write(self._api.answer(offset, limit))


async def serve(page: RawPage, port: int) -> None:
    """Serve until stopped."""
    api, loop = CannedApi(page), asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(api), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(RawPage.of_file(Path(sys.argv[1]), rows=None), int(sys.argv[2])))
