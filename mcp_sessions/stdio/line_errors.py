"""The JSON-RPC errors for lines that are no messages, under the id of the request if it has one."""

import json
import re
from codecs import BOM_UTF8
from typing import Any, Final

from mcp_types import INVALID_REQUEST, PARSE_ERROR, ErrorData, JSONRPCError

from mcp_sessions.stdio.line_splitter import MAX_LINE_BYTES, LongLine

# The short members of a request, which stand before its params or after them, or on both sides.
_MEMBER: Final = rb'\s*"(jsonrpc|method|id)"\s*:\s*("(?:[^"\\]|\\.)*+"|-?[0-9]{1,18})\s*'
_UNNAMED: Final = _MEMBER.replace(b"(jsonrpc", b"(?:jsonrpc").replace(b'("(', b'(?:"(')
_FIRST = rb"\s*\{((?:%b,)*)" % _UNNAMED
_LAST = rb"((?:,%b)*)\}\s*$" % _UNNAMED


def error_for(text: str) -> JSONRPCError:
    """Return the error for a line that is no message."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return _error(None, PARSE_ERROR, "The line is not JSON.")
    return _error(_id_of(parsed), INVALID_REQUEST, "The line is not a JSON-RPC 2.0 message.")


def error_for_long(line: LongLine) -> JSONRPCError:
    """Return the error for a line that was too long to be kept."""
    members = _short_members(line)
    said = f"The line is longer than {MAX_LINE_BYTES} bytes."
    return _error(_id_of(members), INVALID_REQUEST, said)


def _short_members(line: LongLine) -> dict[str, Any]:
    """Return the members at the two ends of what is taken for an object.

    What ends in `"id":7}` has that id itself: an inner object would be followed by another brace,
    and a string by its quote.
    """
    first = re.match(_FIRST, line.head.removeprefix(BOM_UTF8))
    last = re.search(_LAST, line.tail)
    texts = b"".join(found[1] for found in (first, last) if found is not None)
    try:
        return {
            name.decode(): json.loads(value.decode()) for name, value in re.findall(_MEMBER, texts)
        }
    except ValueError:
        return {}


def _id_of(parsed: Any) -> str | int | None:
    """Return the id of what was meant as a request, if it is one that an answer can carry."""
    asked = parsed.get("id") if isinstance(parsed, dict) and "method" in parsed else None
    if isinstance(asked, float) and asked.is_integer():
        return int(asked)  # the same number to whoever compares ids as JSON does
    if isinstance(asked, str):
        return asked if asked.isprintable() else None
    return asked if isinstance(asked, int) and not isinstance(asked, bool) else None


def _error(request_id: str | int | None, code: int, message: str) -> JSONRPCError:
    return JSONRPCError(jsonrpc="2.0", id=request_id, error=ErrorData(code=code, message=message))
