"""Secrets in command lines that a text quotes, and phrases and codes that stand for a login."""

import re
from collections.abc import Iterator
from typing import Final

from mcp_sessions.results.credentials.folded import Folded
from mcp_sessions.results.credentials.places import Place, at_places, has_digits
from mcp_sessions.results.credentials.random_tokens import Span
from mcp_sessions.results.credentials.secret_values import Value

# Options whose value is a user and a password; of other programs a user and a group, or two ports.
_USER = re.compile(
    r"(?<!\S)(?:-u|--user|--proxy-user|--basic-auth|--auth|-a)[ =]?[\"']?"
    r"(?P<user>[^\s:\"']{1,64}+):(?P<secret>[^\s\"']{1,256}+)"
)
_WITH_GROUPS = re.compile(r"(?:docker|podman|nerdctl|chown|install|id)\s")
_GROUPS_WITHIN = 80  # characters between such a program and its option
_PORTS = re.compile(r"[0-9.:]+(?:/(?:tcp|udp))?")
_PASSWORD = re.compile(
    r"(?:sshpass\s-p\s?"
    r"|(?:mysql|mysqldump|mariadb|mysqladmin|mycli)\b[^|;&]{0,80}?\s-p"
    r"|(?:docker|podman|helm|oc|az|cf|ldap\w{1,10}|mongo\w{0,10}|smbclient|influx|svn)\b"
    r"[^|;&]{0,80}?\s-[pw]\s"
    r"|(?:redis-cli|valkey-cli)\b[^|;&]{0,80}?\s-a\s"
    r"|(?:7z|zip|unzip|unrar)\b[^|;&]{0,40}?\s-p\s?)"
    r"[\"']?(?P<secret>[^\s\"'-][^\s\"']{3,256}+)"
)
# By their order: `htpasswd -b file user …`, `net use … /user:a …`, `net user a …`, `user%…`.
_ORDERED = re.compile(
    r"(?:htpasswd\s-[a-z]{0,3}b[a-z]{0,3}\s\S{1,80}\s\S{1,64}\s"
    r"|net\suse\s[^|;&]{0,80}?/user:\S{1,64}\s|net\suser\s[^\s/]{1,64}\s"
    r"|(?:smbclient|rpcclient|net)\b[^|;&]{0,80}?\s-u\s?[^\s%]{1,64}%"
    r"|mysqladmin\b[^|;&]{0,80}?\spassword\s)"
    r"[\"']?(?P<secret>[^\s\"'/-][^\s\"']{3,256}+)"
)
_PIPED = re.compile(
    r"(?:echo|printf)\s[\"']?(?:[a-z0-9_.-]{1,32}:(?=[^|]{1,99}\|[^|]{0,20}chpasswd))?(?P<secret>[^\s\"'|]{4,256}+)"
    r"[\"']?\s?\|\s?(?:sudo\s(?:-\S{1,9}\s)?(?:chpasswd|-s)|chpasswd|\S.{0,60}?--password-stdin)"
)
# "log in as admin / …": what says it is a login, a user, and a slash.
_SPOKEN = re.compile(
    r"\b(?:log ?in|sign ?in|log on|creds?|credentials|account|anmelden|zugang|einloggen)\b"
    r"[^/|]{0,24}?\s[\"'`]?[\w.@+-]{2,64}[\"'`]?\s/\s[\"'`]?(?P<secret>[^\s\"'`]{6,64}+)"
)
_CALL = re.compile(  # auth=("user", "…"), withCredentials('user', '…')
    r"(?:auth|credentials|login|sign_?in)[a-z]{0,12}\s?=?\s?\(\s?[\"'][^\"']{1,64}+[\"'],\s?"
    r"[\"'](?P<secret>[^\"']{4,256}+)[\"']"
)
_WIFI = re.compile(r"wifi:\S{0,80}?p:(?P<secret>[^;\s]{4,80}+);")
_SIGNED = re.compile(r"[!@#$%^*?~+=].*[A-Za-z0-9]|[a-z].*[0-9].*[A-Z]|[A-Z].*[0-9].*[a-z]")
_PHRASE = re.compile(
    r"(?:seed|mnemonic|recovery|backup|wallet|secret)(?:\s(?:phrase|words?|seed|mnemonic)){1,2}+"
    r"(?:\s(?:is|are))?\s?[:=]?\s?[\"']?(?P<secret>[a-z]{3,8}(?:\s[a-z]{3,8}){10,23}+)"
)
_CODES = re.compile(
    r"(?:recovery|backup|scratch|emergency)[ -]codes?[^0-9a-z]{1,4}+"
    r"(?P<secret>[0-9a-z]{4,10}+(?:[- ,]{1,2}+[0-9a-z]{4,10}+){0,24}+)"
)


def _is_login(secret: str, around: re.Match[str]) -> bool:
    if around["user"].isdigit() and _PORTS.fullmatch(secret):
        return False
    first = max(0, around.start() - _GROUPS_WITHIN)
    return _WITH_GROUPS.search(around.string, first, around.start()) is None


def _is_no_port(secret: str, _around: re.Match[str]) -> bool:
    return _PORTS.fullmatch(secret) is None


def _is_given(secret: str, _around: re.Match[str]) -> bool:
    return Value(secret, "=", closed=True).is_secret("password")


def _is_password(secret: str, _around: re.Match[str]) -> bool:
    """Ask for more than a word with a number: "sign in as user / admin2" names two roles."""
    return bool(_SIGNED.search(secret)) and Value(secret, "is", closed=True).is_secret("password")


_PLACES: Final = (
    Place("-", _USER, _is_login),
    *(Place(hint, _ORDERED, _is_given) for hint in ("htpasswd", "net ", "client ", "mysqladmin")),
    Place("|", _PIPED, _is_given),
    Place("(", _CALL, _is_password),
    Place("wifi:", _WIFI),
    Place(" / ", _SPOKEN, _is_password),
    Place(" -", _PASSWORD, _is_no_port),
    *(Place(hint, _PHRASE) for hint in ("phrase", "words", "seed ", "mnemonic")),
    Place("code", _CODES, has_digits),
)


def command_lines(line: Folded) -> Iterator[Span]:
    """Yield where secrets stand in quoted commands, and phrases and codes that let somebody in."""
    return at_places(_PLACES, line)
