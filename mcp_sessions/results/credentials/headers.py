"""Secrets in HTTP headers that a text quotes: Authorization with its schemes, cookies."""

import re
from collections.abc import Iterator
from typing import Final

from mcp_sessions.results.credentials.folded import Folded
from mcp_sessions.results.credentials.places import Place, at_places, has_digits
from mcp_sessions.results.credentials.random_tokens import Span, looks_random
from mcp_sessions.results.credentials.secret_values import is_placeholder

_SCHEMES: Final = (
    "bearer|basic|token|apikey|api-key|negotiate|ntlm|splunk|sso-key|key|bot|oauth|genie ?key"
    "|klaviyo-api-key|ssws|sharedkey|sharedaccesssignature"
)
_SCHEMES_WITH_PAIRS: Final = "digest|hmac|signature|aws4-hmac-sha256|oauth|hawk"
_PAIR = r"[a-z_-]{1,24}=(?:\"[^\"]{0,400}+\"?|[^\s,\"]{0,400}+)"
_PAIRS = re.compile(
    rf"(?<![a-z])(?:{_SCHEMES_WITH_PAIRS})\s(?P<secret>{_PAIR}(?:,\s?{_PAIR}){{0,20}}+)"
)
_AUTHORIZATION = re.compile(
    rf"authorization[\"']?\s?[:=]\s?[\"']?(?:(?P<scheme>{_SCHEMES})\s)?"
    r"(?P<secret>[^\s\"']{1,4000}+)"
)
_TOKEN = re.compile(r"(?<![a-z])(?:bearer|apikey|token|bot)\s(?P<secret>[^\s\"',;]{12,}+)")
_BASIC = re.compile(r"(?<![a-z])basic\s(?P<secret>[a-z0-9+/]{8,}+={0,2})")
_COOKIES = re.compile(r"cookie[\"']?\s?:\s?[\"']?(?P<secret>[^\s=;\"']{1,80}+=[^\"']{1,600}+)")
_COOKIE = re.compile(
    r"(?<![a-z0-9_-])(?:connect\.sid|phpsessid|jsessionid|asp\.net_session(?:id)?|session(?:_?id)?"
    r"|sess|sid|csrftoken|xsrf-token|remember(?:_user)?_token|laravel_session|_[a-z]{1,20}_session"
    r"|ci_session|auth_session|rack\.session|__(?:secure|host)-[a-z0-9._-]{1,60}"
    r"|(?:next-auth|authjs)\.[a-z.-]{1,30}|sb-[a-z-]{1,40}|wordpress_[a-z0-9_]{1,50}|\.aspxauth"
    r"|_oauth2_proxy|cf_clearance|li_at|datr|c_user|xs)=(?P<secret>[^\s;\"',]{8,}+)"
)

_MAX_CHARS_OF_ATTRIBUTES = 48  # "SameSite=None; Secure; HttpOnly"


def _follows_authorization(value: str, around: re.Match[str]) -> bool:
    return not is_placeholder(value) and (around["scheme"] is not None or has_digits(value))


def _is_token(value: str, _around: re.Match[str]) -> bool:
    return not is_placeholder(value) and has_digits(value)


def _is_basic(value: str, _around: re.Match[str]) -> bool:
    return value.endswith("=") or looks_random(value)


def _has_cookies(value: str, around: re.Match[str]) -> bool:
    """Tell cookies from what a text says of their attributes."""
    return has_digits(value, around) or len(value) > _MAX_CHARS_OF_ATTRIBUTES


_PLACES: Final = (
    Place("authorization", _AUTHORIZATION, _follows_authorization),
    Place('="', _PAIRS),
    Place("signature", _PAIRS),
    Place("bearer ", _TOKEN, _is_token),
    Place("apikey ", _TOKEN, _is_token),
    Place("token ", _TOKEN, _is_token),
    Place("bot ", _TOKEN, _is_token),
    Place("basic ", _BASIC, _is_basic),
    Place("cookie", _COOKIES, _has_cookies),
    Place("=", _COOKIE, has_digits),
)


def headers(line: Folded) -> Iterator[Span]:
    """Yield where secrets stand in quoted headers."""
    return at_places(_PLACES, line)
