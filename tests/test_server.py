"""Who gets which tools: tenants share the API's limit, and nothing else."""

import json

import anyio
import pytest

from mcp_sessions.api.circuit_breaker import FAILURES
from mcp_sessions.auth.bearer_tokens import hash_of, new_token
from mcp_sessions.auth.tenants_file import TenantsFile
from mcp_sessions.errors import PermissionDenied
from mcp_sessions.server import ToolsByTenant
from mcp_sessions.settings import Settings

from support.calls import DEADLINE, failure_of, text_of
from support.pages import unwatched
from support.raw_upstream import right, says

pytestmark = pytest.mark.anyio

NAMES = ("acme", "beta")


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "tenants.toml"
    entry = '[[tenant]]\nname = "{0}"\ntoken_hashes = ["{1}"]\napi_key = "evr_pat_{0}"\n'
    file.write_text("".join(entry.format(name, hash_of(new_token()[0])) for name in NAMES))
    return file


def tools_of(file, url, **more):
    settings = Settings(api_url=url, **more)
    return ToolsByTenant(settings, TenantsFile(file, settings, {}))


async def call(tools, tenant, **arguments):
    with anyio.fail_after(DEADLINE):
        return await tools.tools(tenant).call("list_sessions", arguments, unwatched)


async def test_tenants_share_the_limit_of_requests_per_minute(file, upstreams):
    async with tools_of(file, upstreams.url, requests_per_minute=1).open() as tools:
        assert not (await call(tools, "acme")).is_error
        assert failure_of(await call(tools, "beta")).startswith("rate_limited: Too many requests")
    assert len(upstreams.asked()) == 1


async def test_tenants_share_no_read_though_they_ask_the_same_at_once(file, upstreams):
    async with tools_of(file, upstreams.url, cache_seconds=30).open() as tools:
        async with anyio.create_task_group() as group:
            for name in NAMES * 2:
                group.start_soon(call, tools, name)
        for name in NAMES:
            await call(tools, name)
    keys = [line for head in upstreams.asked() for line in head.split(b"\r\n") if b"evr_" in line]
    assert sorted(key[-4:] for key in keys) == [b"acme", b"beta"]


async def test_an_api_that_fails_for_a_tenant_is_asked_for_the_others(file, upstreams):
    down, serve = says(json.dumps({}).encode(), "503 Down"), right()

    def behave(exchange):
        (down if b"evr_pat_acme" in exchange.head else serve)(exchange)

    upstreams.turn_to(behave)
    async with tools_of(file, upstreams.url, deadline=1).open() as tools:
        while len(upstreams.asked()) < FAILURES:
            assert (await call(tools, "acme")).is_error
        assert "times in a row" in text_of(await call(tools, "acme"))
        assert not (await call(tools, "beta")).is_error


@pytest.mark.parametrize("nobody", [None, "gamma"])
async def test_a_caller_that_is_no_tenant_gets_no_tools(file, upstreams, nobody):
    async with tools_of(file, upstreams.url).open() as tools:
        with pytest.raises(PermissionDenied):
            tools.tools(nobody)
