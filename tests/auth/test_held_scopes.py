import json

from mcp_sessions.auth.held_scopes import HeldScopes
from mcp_sessions.auth.tenants import TenantRegister, entries_in
from mcp_sessions.settings import Settings

from support.tenants import entry

SCOPE = {"org_id": "org_1", "agent_id": "agent_1"}


def register(*entries):
    listed = entries_in("".join(entries).encode(), "file")
    return TenantRegister.of("file", listed, {}, Settings(), {})


def after(*registers):
    """Return what the last of registers is held to, and who is held, after those before it."""
    held = HeldScopes()
    for one in registers[:-1]:
        held.applied(one)
    applied, kept = held.applied(registers[-1])
    return {
        name: (one.settings.org_id, one.settings.agent_id) for name, one in applied.tenants.items()
    }, kept


def test_a_tenant_that_lost_its_scope_keeps_it_and_is_named():
    held = after(register(entry(**SCOPE)), register(entry()))
    assert held == ({"acme": ("org_1", "agent_1")}, ["acme"])


def test_a_scope_that_changes_is_the_new_one():
    held = after(register(entry(**SCOPE)), register(entry(org_id="org_2", agent_id="agent_2")))
    assert held == ({"acme": ("org_2", "agent_2")}, [])


def test_a_tenant_that_had_no_scope_gets_none():
    assert after(register(entry()), register(entry(), entry("beta"))) == (
        {"acme": (None, None), "beta": (None, None)},
        [],
    )


def test_callers_keep_their_scope_under_another_name_of_their_tenant():
    for kind in ("token_hashes", "subjects", "client_ids"):
        value = json.loads(entry(**SCOPE).split("token_hashes = ")[1].split("\n")[0])
        same = {"token_hashes": None, **SCOPE, kind: value}
        renamed = {**same, "org_id": None, "agent_id": None}
        held = after(register(entry(**same)), register(entry("other", **renamed)))
        assert held == ({"other": ("org_1", "agent_1")}, ["other"])


def test_a_caller_that_goes_to_a_tenant_without_a_scope_gives_that_tenant_none():
    moved = register(entry("free", subjects=["bob", "alice"]))
    held = after(register(entry(**SCOPE, subjects=["alice"]), entry("free")), moved)
    assert held == ({"free": (None, None)}, [])


def test_callers_that_come_under_the_name_of_a_tenant_without_a_scope_keep_theirs():
    before = register(entry(**SCOPE, subjects=["alice"]), entry("free", subjects=["bob"]))
    swapped = register(
        entry(token_hashes=None, subjects=["bob"], **SCOPE),
        entry("free", token_hashes=None, subjects=["alice"]),
    )
    assert after(before, swapped)[0]["free"] == ("org_1", "agent_1")


def test_nobody_is_held_to_what_was_forgotten():
    held = HeldScopes()
    held.applied(register(entry(**SCOPE)))
    held.forget()
    applied, kept = held.applied(register(entry()))
    assert (applied.tenants["acme"].settings.org_id, kept) == (None, [])
