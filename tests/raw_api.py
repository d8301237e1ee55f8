"""An upstream that answers with scripted bytes, for every fault that no honest server has."""

import json
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

DEADLINE = 20


@dataclass
class RawApi:
    """A TCP listener that answers with scripted bytes, and keeps the requests it was sent."""

    url: str
    requests: list[bytes] = field(default_factory=list)


@contextmanager
def raw_api(answers: Sequence[bytes | None]) -> Iterator[RawApi]:
    """Answer the n-th connection with the n-th bytes, later ones with the last; None is silence."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        served = RawApi(f"http://127.0.0.1:{listener.getsockname()[1]}/api")
        thread = threading.Thread(target=_answer, args=(listener, served, answers, stop))
        thread.start()
        try:
            yield served
        finally:
            stop.set()
            thread.join(DEADLINE)


def _answer(
    listener: socket.socket,
    served: RawApi,
    answers: Sequence[bytes | None],
    stop: threading.Event,
) -> None:
    silent = []
    while not stop.is_set():
        try:
            connection, _ = listener.accept()
        except TimeoutError:
            continue
        connection.settimeout(DEADLINE)
        answer = answers[min(len(served.requests), len(answers) - 1)]
        served.requests.append(_request(connection))
        if answer is None:
            silent.append(connection)
            continue
        with suppress(OSError):  # the client may have read enough
            connection.sendall(answer)
        connection.close()
    for connection in silent:
        connection.close()


def _request(connection: socket.socket) -> bytes:
    read = b""
    while b"\r\n\r\n" not in read:
        part = connection.recv(65_536)
        if not part:
            break
        read += part
    return read


def http_answer(
    body: bytes, *, status: str = "200 OK", headers: Sequence[str] = (), kind: str = "json"
) -> bytes:
    """Return the bytes of an HTTP answer that ends with its connection."""
    lines = [
        f"HTTP/1.1 {status}",
        f"content-type: application/{kind}",
        f"content-length: {len(body)}",
        "connection: close",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def page_answer(rows: Sequence[object], **envelope: object) -> bytes:
    """Return the bytes of a page of `rows`."""
    page = {"data": rows, "total": len(rows), "offset": 0, "limit": 100, **envelope}
    return http_answer(json.dumps(page).encode())
