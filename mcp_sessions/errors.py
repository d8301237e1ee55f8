"""Everything that can go wrong, in our own words.

SessionsError
├── validation: the caller's to mend
│   ├── InvalidArguments     invalid_arguments
│   └── InvalidCursor        invalid_cursor
├── auth: the operator's to mend
│   ├── NotConfigured        not_configured
│   ├── Unauthorized         unauthorized
│   └── PermissionDenied     permission_denied
├── transient: passes by itself
│   ├── RateLimited          rate_limited
│   ├── ApiTimeout           api_timeout
│   ├── ApiUnreachable       api_unreachable
│   └── ApiUnavailable       api_unavailable
└── permanent: the same call gives the same answer
    ├── NotFound             not_found
    ├── BadResponse          bad_response
    ├── ResponseTooLarge     response_too_large
    └── Internal             internal

InvalidSettings stands apart: it keeps an HTTP server from starting, and a stdio server, which would
only vanish, says it in answer to every call, as not_configured.
"""

from typing import ClassVar, Literal

Category = Literal["validation", "auth", "transient", "permanent"]


class InvalidSettings(ValueError):
    """The operator's settings cannot be used; one sentence a fault.

    `where` is the file at fault, which the operator is told and an agent is not.
    """

    def __init__(self, sentences: str, *, where: object = "") -> None:
        super().__init__(f"{sentences.removesuffix('.')}: {where}" if where else sentences)
        self.sentences = sentences


class SessionsError(Exception):
    """A call that failed: `message` says what and why, `hint` what to do next.

    `retry_after` is in seconds and None where the API named no time; `final` says that this call
    has nothing more to try, though a later one may succeed. No field ever holds a key, an upstream
    body or a path.
    """

    code: ClassVar[str]
    category: Category
    retryable: bool = False
    hint: str = ""

    def __init__(
        self,
        message: str,
        *,
        hint: str | None = None,
        retry_after: int | None = None,
        permanent: bool = False,
        final: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.final = final
        if permanent:  # of a kind that passes by itself, this one does not
            self.category, self.retryable = "permanent", False
        self.hint = hint or type(self).hint
        # What fails for good fails after any wait.
        self.retry_after = retry_after if self.retryable else None


class InvalidArguments(SessionsError):
    """The arguments are not what the tool's schema allows."""

    code = "invalid_arguments"
    category = "validation"
    hint = "Correct the arguments named above and call again."


class InvalidCursor(SessionsError):
    """The cursor is damaged, old, or made for another place."""

    code = "invalid_cursor"
    category = "validation"
    hint = "Start again with list_sessions."


class NotConfigured(SessionsError):
    """The server was started without an API key."""

    code = "not_configured"
    category = "auth"
    hint = (
        "Tell the user to set EVERRUNS_API_KEY (or EVERRUNS_API_KEY_FILE) where this MCP server"
        " is configured, and to restart it."
    )


class Unauthorized(SessionsError):
    """The API does not know the key."""

    code = "unauthorized"
    category = "auth"
    hint = "Tell the user to check EVERRUNS_API_KEY: it may be mistyped, expired or revoked."


class PermissionDenied(SessionsError):
    """The API knows the key and refuses it this list."""

    code = "permission_denied"
    category = "auth"
    hint = (
        "Tell the user that the owner of EVERRUNS_API_KEY may not list these sessions;"
        " check EVERRUNS_ORG_ID too."
    )


class RateLimited(SessionsError):
    """The API asks for fewer requests."""

    code = "rate_limited"
    category = "transient"
    retryable = True
    hint = "Wait, then repeat the same call."


class ApiTimeout(SessionsError):
    """The API did not answer within the call's deadline."""

    code = "api_timeout"
    category = "transient"
    retryable = True
    hint = "Repeat the same call. A new list with a smaller limit answers faster."


class ApiUnreachable(SessionsError):
    """No connection to the API could be made, or it broke."""

    code = "api_unreachable"
    category = "transient"
    retryable = True
    hint = "Repeat the call once; if it fails again, tell the user to check EVERRUNS_API_URL."


class ApiUnavailable(SessionsError):
    """The API is there and cannot serve just now."""

    code = "api_unavailable"
    category = "transient"
    retryable = True
    hint = "Repeat the same call in a moment."


class NotFound(SessionsError):
    """The API has nothing at this address, or nothing that this key may see."""

    code = "not_found"
    category = "permanent"
    hint = (
        "Tell the user to check EVERRUNS_API_URL (it ends in /api, before /v1) and EVERRUNS_ORG_ID."
    )


class BadResponse(SessionsError):
    """What answered is not a page of sessions."""

    code = "bad_response"
    category = "permanent"
    hint = (
        "Tell the user to check that EVERRUNS_API_URL points at an Everruns API"
        " and that no proxy answers in its place."
    )


class ResponseTooLarge(SessionsError):
    """The API's answer is larger than this server reads."""

    code = "response_too_large"
    category = "permanent"
    hint = "Start a new list with a smaller limit, or jump with get_session_page(offset, limit)."


class Internal(SessionsError):
    """A fault of this server's own."""

    code = "internal"
    category = "permanent"
    hint = "Tell the user; the server's log on stderr names the fault."
