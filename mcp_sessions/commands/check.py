"""Whether the server could do its work: settings, key, API, organization, each in a line."""

import anyio

from mcp_sessions.api.client import open_api
from mcp_sessions.api.connections import environment_proxies
from mcp_sessions.errors import SessionsError
from mcp_sessions.results.safe_text import harmless
from mcp_sessions.settings import Settings
from mcp_sessions.wire.models import FullSession


async def check(settings: Settings) -> bool:
    """Print what was found, never the key, and return whether the API can be used."""
    print(f"API          {settings.api_url}")
    print(f"key          {_key(settings)}")
    if passed_over := environment_proxies().passed_over:
        print(f"NO_PROXY     passed over, since they are no hosts: {', '.join(passed_over)}")
    try:
        with anyio.fail_after(settings.deadline):
            async with open_api(settings) as api:
                page = await api.page({"limit": 1, "offset": 0}, FullSession)
    except SessionsError as fault:
        print(f"sessions     {fault.code}: {fault.message}\n             {fault.hint}")
        return False
    except TimeoutError:
        print(f"sessions     api_timeout: no answer within {settings.deadline:g} seconds")
        return False
    total = "an unknown number of" if page.total is None else page.total
    print(f"sessions     reached; {total} sessions")
    seen = [row.organization_id for row in page.data if row is not None and row.organization_id]
    organization = harmless(seen[0], 200) if seen else settings.org_id
    print(f"organization {organization or 'unknown: no session tells'}")
    return True


def _key(settings: Settings) -> str:
    if settings.no_key:
        return "none, as set"
    if settings.api_key is None:
        return "missing: set EVERRUNS_API_KEY or EVERRUNS_API_KEY_FILE"
    return f"set by {'EVERRUNS_API_KEY_FILE' if settings.api_key_file else 'EVERRUNS_API_KEY'}"
