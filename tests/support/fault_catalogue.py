"""Every fault of an upstream that has a row in the README's table, and how it must end."""

import gzip
import json
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import cache, partial

from support.raw_upstream import (
    PATIENCE,
    Behaviour,
    Exchange,
    ListenerState,
    answer,
    drips,
    falls_silent,
    first,
    page,
    pours,
    resets,
    right,
    says,
    sends,
    slow,
    spoiled,
)
from support.rows import id_of, row

KEY = "evr_pat_CANARYKEY123"
LIMIT = 20
SHORT = 3.0  # seconds; the deadline of a call unless its fault takes longer
MOST_REQUESTS = 8  # of a call whose requests all fail
_MIB = 1024 * 1024
_BAD = 7  # the row that is spoiled where one is


def ids(numbers: Iterable[int]) -> tuple[str, ...]:
    """Return the ids of these places in the list."""
    return tuple(id_of(number) for number in numbers)


@dataclass(frozen=True, slots=True)
class Page:
    """A result with exactly these sessions, or the first of them, of a list that goes on."""

    label: str
    ids: tuple[str, ...]
    in_part: bool = False
    goes_on: bool = True  # with a cursor, after which comes the rest of the list


@dataclass(frozen=True, slots=True)
class Failure:
    """An error with this code, and with words that match."""

    code: str
    words: str = ""
    again: int | None = None  # seconds

    @property
    def label(self) -> str:
        """Return what the table says."""
        return f"`{self.code}`" + (f", again after {self.again} s" if self.again else "")

    @property
    def pattern(self) -> str:
        """Return what the text of the error must match."""
        return self.words if self.again is None else rf"Try again after {self.again} s\."


THE_PAGE = Page("the page", ids(range(LIMIT)))
WITHOUT_A_ROW = Page("the page without that row", ids(n for n in range(LIMIT + 1) if n != _BAD))
ITS_START = Page("the start of the page", ids(range(LIMIT)), in_part=True)
UNREACHABLE, UNAVAILABLE = Failure("api_unreachable"), Failure("api_unavailable")
TIMEOUT, BAD = Failure("api_timeout"), Failure("bad_response")
TOO_LARGE = Failure("response_too_large")


@dataclass(frozen=True, slots=True, eq=False)
class Fault:
    """What an upstream does to one call of list_sessions, and how the call must end.

    Faults of one name are one row of the table; `variant` tells them apart.
    """

    name: str
    behave: Behaviour
    answer: Page | Failure
    most: int = 1  # requests
    least: int = 1
    variant: str = ""
    deadline: float = SHORT
    listener: ListenerState = ListenerState.OPEN
    settings: Mapping[str, str] = field(default_factory=dict)
    pauses: bool = False  # the server asks nothing for as long as it was told to wait

    @property
    def title(self) -> str:
        """Return what no other fault is called."""
        return f"{self.name}: {self.variant}" if self.variant else self.name

    @property
    def door(self) -> ListenerState:
        """Return the listener's state by the name that `fault_runs` still has for it."""
        return self.listener


_once = partial(Fault, answer=THE_PAGE, most=2, least=2)
_always = partial(Fault, most=MOST_REQUESTS)
_too_large = partial(Fault, answer=TOO_LARGE, most=MOST_REQUESTS, deadline=15.0)

_OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
_PLAIN, _CHUNKED = _OK + b"\r\n", _OK + b"transfer-encoding: chunked\r\n\r\n"
_ROWS = [json.dumps(row(number)) for number in range(LIMIT)]
_BODY = page(_ROWS)
_WHOLE = answer(_BODY)
_HTML = b"<!doctype html><html><title>502 Bad Gateway</title><h1>nginx</h1></html>"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _connections() -> Iterator[Fault]:
    yield _always(
        "connection refused", sends(), UNREACHABLE, least=0, most=0, listener=ListenerState.SHUT
    )
    yield _once("reset before the answer, once", first(resets()))
    yield _always("reset before the answer, always", resets(), UNREACHABLE, least=2)
    yield _once("closed without an answer, once", first(sends()))
    yield _always("closed without an answer, always", sends(), UNREACHABLE, least=2)
    yield _once("reset amid the body, once", first(resets(_WHOLE[:-500])))


def _truncations() -> Iterator[Fault]:
    cut = sends(_WHOLE[:-500])
    yield _once("body shorter than its content-length, once", first(cut))
    yield _always("body shorter than its content-length, always", cut, UNREACHABLE, least=2)
    chunked = sends(_CHUNKED + _chunk(_BODY[:500]) + b"800\r\n" + _BODY[500:700])
    yield _once("chunked body cut off, once", first(chunked))
    yield _once("JSON of unknown length cut off, once", first(sends(_PLAIN + _BODY[:-500])))
    packed = gzip.compress(_BODY)
    cut = says(packed[: len(packed) // 2], content_encoding="gzip")
    yield _once("gzip cut off, once", first(cut))
    short = sends(_OK + b"content-length: %d\r\n\r\n" % (len(_BODY) - 500) + _BODY)
    yield _always("content-length too small", short, UNREACHABLE)
    silent = _WHOLE.replace(b"content-length: ", b"content-length: 9")
    yield _always("content-length too large, connection open", falls_silent(silent), TIMEOUT)
    doubled = b"content-length: %d\r\n"
    twice = _OK + doubled % len(_BODY) + doubled % (len(_BODY) + 7) + b"\r\n" + _BODY
    yield _always("two content-lengths that differ", sends(twice), UNREACHABLE)


def _waits() -> Iterator[Fault]:
    busy = "429 Too Many Requests"
    paused = partial(Fault, answer=Failure("rate_limited", again=60), pauses=True)
    yield _once("429 with retry-after 1, once", first(says(b"", busy, retry_after="1")))
    yield paused("429 with retry-after 60", says(b"", busy, retry_after="60"))
    yield _once("429 with a date 2 s ahead, once", first(_asks_for_a_date(2)), deadline=6.0)
    hour = Failure("rate_limited", r"Try again after 3(59\d|600) s\.")
    yield paused("429 with a date an hour ahead", _asks_for_a_date(3600), answer=hour)
    yield _once("429 with retry_after_seconds 1, once", first(says(_problem(429, 1), busy)))
    yield paused("429 with retry_after_seconds 60", says(_problem(429, 60), busy))
    down = "503 Service Unavailable"
    yield _once("503 with retry_after_seconds 1, once", first(says(_problem(503, 1), down)))
    yield Fault(
        "503 with retry_after_seconds 5, deadline 3 s",
        says(_problem(503, 5), down),
        Failure("api_unavailable", again=5),
    )


def _asks_for_a_date(ahead: float) -> Behaviour:
    def behave(exchange: Exchange) -> None:
        date = formatdate(time.time() + ahead, usegmt=True)
        says(b"", "429 Too Many Requests", retry_after=date)(exchange)

    return behave


def _problem(status: int, seconds: int | None = None) -> bytes:
    said = {"type": "about:blank", "title": "No", "status": status, "detail": "CANARYBODY"}
    return json.dumps(said | ({} if seconds is None else {"retry_after_seconds": seconds})).encode()


_SHAPES = {
    "problem+json": _problem(0),
    "error text": b'{"error":"CANARYBODY"}',
    "error object": b'{"error":{"code":"CANARYBODY","message":"CANARYBODY"}}',
    "plain text": b"CANARYBODY",
    "HTML of a proxy": _HTML,
}
_REFUSALS = {
    "401 Unauthorized": Failure("unauthorized", "EVERRUNS_API_KEY"),
    "403 Forbidden": Failure("permission_denied", "EVERRUNS_ORG_ID"),
    "404 Not Found": Failure("not_found", "EVERRUNS_API_URL"),
}


def _refusals() -> Iterator[Fault]:
    for status, refused in _REFUSALS.items():
        for shape, body in _SHAPES.items():
            name = f"{status[:3]} in each of the five body shapes"
            yield Fault(name, says(body, status), refused, variant=shape)
    for shape, body in _SHAPES.items():
        fails = says(body, "502 Bad Gateway")
        yield _always("502 in each of the five body shapes", fails, UNAVAILABLE, variant=shape)
    for status in ("500 Internal Server Error", "502 Bad Gateway", "503 Down", "504 Late"):
        yield _once(f"{status[:3]}, once", first(says(_HTML, status)))
    yield _always("500, always", says(_problem(500), "500 Broken"), UNAVAILABLE, least=2)
    yield Fault(
        "403 that quotes the key", says(KEY.encode(), "403 Forbidden"), Failure("permission_denied")
    )


def _redirects() -> Iterator[Fault]:
    for status in ("302 Found", "307 Temporary Redirect"):
        yield Fault(f"{status[:3]} to another host", _redirects_elsewhere(status), BAD)
    here = says(b"", "308 Permanent Redirect", location="/api/v1/sessions/")
    yield Fault("308 to another path", here, BAD)


def _redirects_elsewhere(status: str) -> Behaviour:
    def behave(exchange: Exchange) -> None:
        says(b"", status, location=f"{exchange.elsewhere}/v1/sessions")(exchange)

    return behave


def _wrong_bodies() -> Iterator[Fault]:
    yield Fault("200 with an HTML page", says(_HTML, content_type="text/html"), BAD)
    yield Fault("200 with an error object", says(_SHAPES["error object"]), BAD)
    yield Fault("200 with an empty body", says(b""), BAD)
    yield Fault("204", sends(b"HTTP/1.1 204 No Content\r\n\r\n"), BAD)
    yield Fault("200 with NUL bytes", says(bytes(4_096)), BAD)
    yield Fault("200 with binary garbage", says(bytes(range(128, 256)) * 64), BAD)
    yield Fault("200 in an unknown encoding", says(_BODY, content_encoding="br"), BAD)
    twice = gzip.compress(gzip.compress(_BODY))
    yield Fault("200 packed twice", says(twice, content_encoding="gzip, gzip"), BAD)
    yield Fault("100,000 brackets", says(b"[" * 100_000), BAD)
    deep = b'{"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    yield Fault("100,000 brackets as the only row", says(deep), BAD)


def _garbage() -> Iterator[Fault]:
    yield _always("HTTP/0.9", sends(_HTML), UNREACHABLE)
    yield _always("binary garbage", sends(bytes(range(256)) * 64), UNREACHABLE)
    lines = b"x-line: filler\r\n" * 4_096
    yield _always("headers without end", pours(_OK, lines), UNREACHABLE)
    yield _always("a header line without end", pours(_OK + b"x: ", b"x" * 65_536), UNREACHABLE)
    for status in (b"100 Continue", b"103 Early Hints"):
        said = b"HTTP/1.1 %b\r\n\r\n" % status
        name = f"{status[:3].decode()} without end"
        yield _always(name, pours(b"", said * 1_000), TIMEOUT)


def _slowness() -> Iterator[Fault]:
    yield _always("no first byte", falls_silent(), TIMEOUT)
    yield _always("headers and no body", falls_silent(_CHUNKED), TIMEOUT)
    yield _always("a byte every 0.2 s", drips(_PLAIN + b'{"data":[', b" ", 0.2), TIMEOUT)
    yield _always("a header byte every 0.2 s", drips(_OK + b"x: ", b"x", 0.2), TIMEOUT)
    yield _always("tiny chunks without end", pours(_CHUNKED, _chunk(b" ") * 1_000), TIMEOUT)
    many = partial(Fault, most=16, least=2, deadline=8.0)
    yield many("no answer in time to more than 10 rows", slow(_never_many), THE_PAGE)
    yield many("a quarter of a second a row", slow(lambda limit: limit / 4), ITS_START)


def _never_many(limit: int) -> float:
    return 0.05 if limit <= 10 else PATIENCE


def _sizes() -> Iterator[Fault]:
    block = b" " * _MIB
    announced = _OK + b"content-length: %d\r\n\r\n" % (300 * _MIB)
    yield _too_large("300 MB, announced", pours(announced, block, 300))
    yield _too_large("chunks without end", pours(_CHUNKED, _chunk(block)))
    yield _too_large("a body without end or length", pours(_PLAIN, block))
    yield _too_large("300 MB of zeros in 300 KB of gzip", _bomb(b"", b"0", 300))
    yield _too_large("1 GB of spaces in a page of gzip", _bomb(_BODY[:-1], b" ", 1_024))
    megabyte, more = "x" * 1_200_000, "x" * 3_000_000
    smaller = partial(Fault, answer=THE_PAGE, most=24, least=2, deadline=25.0)
    yield smaller(
        "rows of 1.2 MB, at most 8 MiB an answer", right(system_prompt=megabyte), settings=_EIGHT
    )
    yield smaller("rows of 3 MB", right(system_prompt=more))


_EIGHT = {"MCP_SESSIONS_MAX_RESPONSE_BYTES": str(8 * _MIB)}


def _bomb(head: bytes, byte: bytes, megabytes: int) -> Behaviour:
    def behave(exchange: Exchange) -> None:
        start, block = _packed(head, byte)
        length = len(start) + megabytes * len(block)
        said = b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % length
        pours(_OK + said + start, block, megabytes)(exchange)

    return behave


@cache
def _packed(head: bytes, byte: bytes) -> tuple[bytes, bytes]:
    """Return gzip of a head, and of a megabyte that may follow it any number of times."""
    gz = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    start = gz.compress(head) + gz.flush(zlib.Z_FULL_FLUSH)
    return start, gz.compress(byte * _MIB) + gz.flush(zlib.Z_FULL_FLUSH)


def _token_bombs() -> Iterator[Fault]:
    for name, item in (("0", b"0"), ("{}", b"{}"), ('{"id":"a"}', b'{"id":"a"}')):
        yield _too_large(f"15 MB of `{name}` as data", _list_of(item, 15 * _MIB))
    numbers = "[" + ",".join(["0"] * (5 * _MIB)) + "]"
    yield Fault("a row with 10 MB of numbers", _spoils("tools", numbers), THE_PAGE)
    yield Fault("10,000 rows for a limit of 20", says(_ten_thousand()), THE_PAGE)


def _list_of(item: bytes, size: int) -> Behaviour:
    count = size // (len(item) + 1)
    block = (item + b",") * 4_096

    def behave(exchange: Exchange) -> None:
        pours(_PLAIN + b'{"data":[', block, count // 4_096, item + b"]}")(exchange)

    return behave


def _ten_thousand() -> bytes:
    return page([json.dumps(row(number)) for number in range(10_000)])


def _spoils(name: str, value: str) -> Behaviour:
    """Put a field with this JSON into the spoiled row."""
    return spoiled({_BAD: json.dumps(row(_BAD))[:-1] + f', "{name}": {value}}}'})


def _bad_rows() -> Iterator[Fault]:
    fields = {
        "half a character in a title": ("title", r'"half \ud800 a"'),
        "broken UTF-8 in a title": ("title", '"broken \udcff\udcc3 here"'),
        "an escaped NUL in a title": ("title", r'"nul \u0000 here"'),
        "the key in a title": ("title", f'"{KEY}"'),
        "NaN and infinity in a row": ("usage", '{"a": NaN, "b": -Infinity, "input_tokens": NaN}'),
        "a number of 10,000 digits in a row": ("active_schedule_count", "9" * 10_000),
        "the same key twice in a row": ("id", json.dumps(row(_BAD)["id"])),
        "wrong types in a row": ("title", '{"a": 1}, "tags": 7, "usage": [], "created_at": []'),
    }
    for name, (key, value) in fields.items():
        yield Fault(name, _spoils(key, value), THE_PAGE)
    deep = "[" * 100_000 + "]" * 100_000
    yield Fault("100,000 brackets in a row", _spoils("tools", deep), BAD)
    yield Fault("a row without an id", spoiled({_BAD: '{"title":"x"}'}), WITHOUT_A_ROW)
    odd = ("null", "7", '"x"', "[]", "{}", '{"id":5}', "true")
    places = (3, 5, 8, 9, 11, 13, 17)
    left = Page("the page without those rows", ids(n for n in range(27) if n not in places))
    rows = dict(zip(places, odd, strict=True))
    yield Fault("seven rows that are no sessions", spoiled(rows), left, most=3)
    repeated = says(page([_ROWS[0]] * 100))
    yield Fault(
        "the same row 100 times", repeated, Page("the row, once", ids([0]), goes_on=False), most=24
    )
    for total in ("3", "1000000000", "-5", '"many"'):
        lying = spoiled({}, total=json.loads(total))
        yield Fault("a total that lies", lying, THE_PAGE, variant=total)


def _certificates() -> Iterator[Fault]:
    for name, state in (
        ("a certificate that nobody vouches for", ListenerState.FOREIGN),
        ("plain HTTP where TLS is spoken", ListenerState.PLAIN),
    ):
        named = Failure("api_unreachable", r"TLS failed: .*\n.*SSL_CERT_FILE")
        least = most = 1 if state is ListenerState.PLAIN else 0
        yield Fault(name, says(b"", "400 Bad Request"), named, most, least, listener=state)
    yield Fault(
        "a TLS handshake without answer", sends(), TIMEOUT, 0, 0, listener=ListenerState.MUTE
    )


FAULTS: tuple[Fault, ...] = (
    *_connections(),
    *_certificates(),
    *_truncations(),
    *_waits(),
    *_refusals(),
    *_redirects(),
    *_wrong_bodies(),
    *_garbage(),
    *_slowness(),
    *_sizes(),
    *_token_bombs(),
    *_bad_rows(),
)


def answers() -> list[tuple[str, str]]:
    """Return the first two cells of every row of the table, in its order."""
    return list(dict.fromkeys((fault.name, fault.answer.label) for fault in FAULTS))
