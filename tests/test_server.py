import json

import pytest

from mcp_sessions.auth.bearer_tokens import hash_of, new_token
from mcp_sessions.auth.tenants import TenantsFile
from mcp_sessions.errors import PermissionDenied
from mcp_sessions.server import ToolsByTenant
from mcp_sessions.settings import Settings

ACME, BETA, GAMMA = (new_token()[0] for _ in range(3))


KEYS = {"acme": "evr_pat_ACMESECRET", "beta": "evr_pat_BETASECRET", "gamma": "evr_pat_GAMMASECRET"}


def tenant(name, token, **more):
    own = {"name": name, "token_hashes": [hash_of(token)], "api_key": KEYS[name], **more}
    return "[[tenant]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in own.items())


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "tenants.toml"
    file.write_text(tenant("acme", ACME, org_id="org_acme") + tenant("beta", BETA))
    return file


@pytest.mark.anyio
async def test_tenants_stand_in_one_line_for_the_apis_limit_and_take_turns(file):
    desk = ToolsByTenant(Settings(), TenantsFile(file, Settings(), {}))
    async with desk.open():
        acme, beta = desk.tools("acme").api, desk.tools("beta").api
        assert acme._limiter is beta._limiter
        assert acme._exchange.credential != beta._exchange.credential
        assert acme._flights is not beta._flights
        assert acme._circuit is not beta._circuit
        for nobody in (None, "gamma"):
            with pytest.raises(PermissionDenied):
                desk.tools(nobody)
