"""The proxies of the environment, with every NO_PROXY value that can be understood.

The HTTP client reads these variables too, but a single value of NO_PROXY that it cannot parse, such
as `[::1]` or an IPv6 prefix, makes it fail as a whole.
"""

import ipaddress
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, Self
from urllib.request import getproxies

_SCHEMES: Final = ("http", "https", "all")
_IPV6: Final = 6


class Proxies(NamedTuple):
    """Proxy URLs by the pattern they are for, None where none is asked, and what is passed over."""

    by_pattern: Mapping[str, str | None]
    passed_over: tuple[str, ...] = ()

    @classmethod
    def of_environment(cls, is_url: Callable[[str], bool]) -> Self:
        """Read `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, in either case.

        `is_url` tells whether the HTTP client can parse a pattern.
        """
        found = getproxies()
        proxies: dict[str, str | None] = {
            f"{scheme}://": url if "://" in url else f"http://{url}"
            for scheme in _SCHEMES
            if (url := found.get(scheme))
        }
        hosts = [host.strip() for host in found.get("no", "").split(",") if host.strip()]
        if "*" in hosts:
            return cls({})
        patterns = {host: _pattern(host) for host in hosts}
        direct = {pattern: None for pattern in patterns.values() if is_url(pattern)}
        unknown = tuple(host for host, pattern in patterns.items() if pattern not in direct)
        return cls({**proxies, **direct}, unknown)


def _pattern(host: str) -> str:
    """Return the HTTP client's pattern for a value of NO_PROXY."""
    if "://" in host:
        return host
    bare = host.strip("[]")
    try:
        address = ipaddress.ip_address(bare)
    except ValueError:
        return f"all://{host}" if host.lower() == "localhost" else f"all://*{host.lstrip('*')}"
    return f"all://[{bare}]" if address.version == _IPV6 else f"all://{bare}"
