"""Secrets in links: users, hooks, calendars, one-time links, signatures."""

import re
from collections.abc import Iterator
from typing import Final

from mcp_sessions.results.credentials.folded import Folded
from mcp_sessions.results.credentials.places import Place, at_places, is_drawn
from mcp_sessions.results.credentials.random_tokens import Span
from mcp_sessions.results.credentials.secret_values import is_placeholder

# With these a user's name alone is no secret.
_SCHEMES: Final = {"ssh", "git+ssh", "sftp", "git", "rsync", "smb"}
_SCHEME = re.compile(r"[a-z0-9+.-]{0,20}$")

# Whoever has such a link may post or read.
_HOOKS: Final = (
    r"hooks\.slack\.com/(?:services|workflows|triggers)",
    r"join\.slack\.com/t/[a-z0-9-]{1,40}/shared_invite",
    r"discord(?:app)?\.com/api/webhooks",
    r"webhook\.office\.com/webhookb2",
    r"outlook\.office\.com/webhook",
    r"logic\.azure\.com[:0-9]{0,4}/workflows",
    r"environment\.api\.powerplatform\.com[:0-9]{0,4}/powerautomate",
    r"hooks\.zapier\.com/hooks",
    r"hook\.[a-z0-9.]{0,12}make\.com",
    r"hooks\.airtable\.com/workflows",
    r"chat\.googleapis\.com/v1/spaces",
    r"maker\.ifttt\.com/trigger",
    r"api\.telegram\.org/bot",
    r"open\.(?:feishu\.cn|larksuite\.com)/open-apis/bot/v2/hook",
    r"oapi\.dingtalk\.com/robot",
    r"qyapi\.weixin\.qq\.com/cgi-bin/webhook",
    r"events\.pagerduty\.com/integration",
    r"hc-ping\.com",
)
_CALENDARS: Final = (
    r"/calendar/ical/[^\s/]{1,120}+/private-",
    r"/owa/calendar/",
    r"(?<!/calendar)/ical/",
    r"/calendars?/(?:private|feed|export)[/-]",
)
_REST = r"(?P<secret>[^\s\"'<>)\]]{8,}+)"
_HOOK = re.compile(rf"(?:{'|'.join(_HOOKS)})(?=[/?0-9]){_REST}")
_CALENDAR = re.compile(rf"(?:{'|'.join(_CALENDARS)}){_REST}")
_ONE_TIME = re.compile(
    r"(?:reset|passw|magic|verif|confirm|activat|invit|unsubscribe|login|sign-?in|auth|token|recover"
    r"|onetime|one-time|otp|share|secret)[a-z_-]{0,20}[/=](?:[a-z0-9]{1,10}[/-])?"
    r"(?P<secret>[a-z0-9_.~%-]{12,}+)"
)
# Parameters that are secret whatever they hold, and those that are if it was drawn at random.
_SURE: Final = (
    "access_token|id_token|refresh_token|token|apikey|api_key|api-key|sig|signature|secret|pw|pwd"
    "|client_secret|password|passwd|pass|jwt|otp|private_token|job_token|auth_token|_token"
    "|login_token|confirmation_token|reset_token|reset_password_token|unlock_token"
    "|subscription-key|x-amz-signature|x-amz-credential|x-amz-security-token|x-goog-signature"
    "|x-goog-credential"
)
_UNSURE: Final = (
    "auth|authkey|key|code|session|sessionid|sid|ticket|hmac|hash|nonce|state|k|t|st|oobcode"
    "|invite|resourcekey|magic|appid"
)
_PARAMETER = re.compile(
    rf"[?&#;](?:(?P<sure>{_SURE})|(?:{_UNSURE}))=(?P<secret>[^\s\"'<>&#;]{{4,}}+)"
)


def _is_login(user: str, around: re.Match[str]) -> bool:
    if is_placeholder(user.rpartition(":")[2]):
        return False
    scheme = _SCHEME.search(around.string, max(0, around.start() - 20), around.start())
    return ":" in user or scheme is None or scheme[0] not in _SCHEMES


def _is_secret_parameter(value: str, around: re.Match[str]) -> bool:
    return around["sure"] is not None or is_drawn(value)


_PLACES: Final = (
    Place("://", re.compile(r"://(?P<secret>[^\s/]{1,256})@"), _is_login),
    Place("/", _HOOK),
    Place("/", _CALENDAR),
    Place("/", _ONE_TIME, is_drawn),
    Place("=", _PARAMETER, _is_secret_parameter),
)


def links(line: Folded) -> Iterator[Span]:
    """Yield where secrets stand in links."""
    return at_places(_PLACES, line)
