"""An upstream that answers with scripted bytes, for every fault that no honest server has."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field

DEADLINE = 20
_TLS_GREETING = b"\x16"


@dataclass
class RawApi:
    """A TCP listener that answers with scripted bytes, and keeps the requests it was sent."""

    url: str
    requests: list[bytes] = field(default_factory=list)


@contextmanager
def raw_api(answers: Sequence[bytes | None], tls: ssl.SSLContext | None = None) -> Iterator[RawApi]:
    """Answer the n-th connection with the n-th bytes, later ones with the last; None is silence."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        scheme = "https" if tls else "http"
        served = RawApi(f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/api")
        thread = threading.Thread(target=_answer, args=(listener, served, answers, stop, tls))
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
    tls: ssl.SSLContext | None,
) -> None:
    with ExitStack() as silent:
        while not stop.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            connection.settimeout(DEADLINE)
            try:
                spoken = tls.wrap_socket(connection, server_side=True) if tls else connection
                answer = answers[min(len(served.requests), len(answers) - 1)]
                served.requests.append(_request(spoken))
            except OSError:  # the client does not trust this server, or left
                connection.close()
                continue
            if answer is None:
                silent.enter_context(spoken)
                continue
            with spoken, suppress(OSError):  # the client may have read enough
                spoken.sendall(answer)


def _request(connection: socket.socket) -> bytes:
    read = b""
    while b"\r\n\r\n" not in read and not read.startswith(_TLS_GREETING):
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
