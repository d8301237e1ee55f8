"""Failures as the API and what stands before it word them, in five shapes."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from random import Random
from typing import Any, Literal, get_args

from starlette.responses import Response

Shape = Literal["problem", "error_text", "error_object", "plain", "html"]

_PROBLEM = "application/problem+json"
_RETRY_AFTER = {429: 60, 503: 5}
"""Seconds that the API names when it turns a caller away for a while."""
_CODES = {
    400: "invalid_request",
    401: "unauthorized",
    403: "permission_denied",
    404: "not_found",
    429: "rate_limited",
    500: "internal_error",
    503: "service_unavailable",
}
_PASSING = {429: 1, 500: None, 502: None, 503: 1, 504: None}
"""What passes by itself, with the seconds that a soak of many such faults can afford to wait."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A failure that one request gets instead of an answer; `retry_after` is in seconds."""

    status: int
    shape: Shape = "problem"
    detail: str | None = None
    retry_after: int | None = None

    def response(self) -> Response:
        """Return the failure in its shape; only a 429 carries the wait as a header too."""
        wait = self.retry_after or _RETRY_AFTER.get(self.status)
        content, media_type = self._body(wait)
        headers = {"retry-after": str(wait)} if self.status == HTTPStatus.TOO_MANY_REQUESTS else {}
        return Response(content, self.status, headers, media_type)

    def _body(self, wait: int | None) -> tuple[str, str]:
        title = HTTPStatus(self.status).phrase
        detail = self.detail or title
        code = _CODES.get(self.status, title.lower().replace(" ", "_"))
        match self.shape:
            case "problem":
                return _problem(self.status, title, detail, code, wait), _PROBLEM
            case "error_text":
                return json.dumps({"error": detail}), "application/json"
            case "error_object":
                error = {"code": code, "message": detail}
                return json.dumps({"error": error}), "application/json"
            case "plain":
                return detail, "text/plain"
            case "html":
                page = f"<html><head><title>{self.status} {title}</title></head>"
                return f"{page}<body><h1>{detail}</h1><hr>nginx</body></html>\n", "text/html"


def by_chance(entropy: Random, share: float) -> Fault | None:
    """Return, for a share of the calls, a failure that passes by itself, in any shape."""
    if entropy.random() >= share:
        return None
    status, wait = entropy.choice(list(_PASSING.items()))
    return Fault(status, entropy.choice(get_args(Shape)), retry_after=wait)


def _problem(status: int, title: str, detail: str, code: str, wait: int | None) -> str:
    body: dict[str, Any] = {
        "type": f"https://docs.everruns.com/errors/{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "instance": "/v1/sessions",
    }
    if wait is not None:
        body["retry_after_seconds"] = wait
    return json.dumps(body)
