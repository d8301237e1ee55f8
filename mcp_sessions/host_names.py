"""Hosts as headers and URLs spell them: a name or an address, with a port or without."""

import re
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::([1-9][0-9]{0,4}))?", re.IGNORECASE)
_MAX_PORT = 65_535


class Host(NamedTuple):
    """A name in lower case, an IPv6 address in brackets, and a port where one is said."""

    name: str
    port: int | None

    @property
    def is_address(self) -> bool:
        """Tell whether the name is an IP address, which no name server can point elsewhere."""
        try:
            ip_address(self.name.strip("[]"))
        except ValueError:
            return False
        return True


def parsed_host(text: str) -> Host | None:
    """Return what a text says, or None if it is more than a host and a port, or less."""
    match = _HOST.fullmatch(text)
    if match is None:
        return None
    name, port = match[1].lower(), int(match[2]) if match[2] else None
    if port is not None and port > _MAX_PORT:
        return None
    if name.startswith("["):
        try:
            name = f"[{IPv6Address(name[1:-1])}]"
        except ValueError:
            return None
    return Host(name, port)
