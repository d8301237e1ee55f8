"""The tenants file: what is read of it, what is refused, and when it is read again."""

import json
import time

import pytest

from mcp_sessions.auth.bearer_tokens import hash_of
from mcp_sessions.auth.tenants import TenantsFile
from mcp_sessions.errors import InvalidSettings
from mcp_sessions.settings import Settings

KEY = "evr_pat_CANARYKEY123"  # which no sentence may quote


def entry(name="acme", **more):
    """Return a `[[tenant]]`; a value of None leaves its line out."""
    own = {"name": name, "token_hashes": [hash_of(name)], "api_key": f"{KEY}{name}", **more}
    lines = [f"{key} = {json.dumps(value)}" for key, value in own.items() if value is not None]
    return "\n".join(["[[tenant]]", *lines, ""])


@pytest.fixture
def file(tmp_path):
    return tmp_path / "tenants.toml"


@pytest.fixture
def pass_a_second(monkeypatch):
    """Return what puts the clock of the process forward, until the test has ended."""
    told, ahead = time.monotonic, []

    def later():
        ahead.append(1)
        monkeypatch.setattr(time, "monotonic", lambda: told() + len(ahead))

    return later


def read(file, *entries, variables=None, **common):
    """Write the file and read it."""
    file.write_text("\n".join(entries))
    return TenantsFile(file, Settings(**common), variables or {})


def key_of(tenants, name="acme"):
    return tenants.current().tenants[name].settings.api_key.get_secret_value()


def refusal(file, *entries, **more):
    with pytest.raises(InvalidSettings) as refused:
        read(file, *entries, **more)
    assert KEY not in str(refused.value)
    return str(refused.value)


def test_each_tenant_has_its_own_key_and_scope_and_the_other_settings_of_all(file):
    scoped = entry(org_id="org_acme", agent_id="agent_1")
    tenants = read(file, scoped, entry("beta"), api_key="evr_pat_common", deadline=7).current()
    acme, beta = (tenants.tenants[name].settings for name in ("acme", "beta"))
    assert (acme.org_id, acme.agent_id, acme.deadline) == ("org_acme", "agent_1", 7)
    assert (beta.org_id, beta.agent_id, beta.deadline) == (None, None, 7)
    assert acme.api_key.get_secret_value() == f"{KEY}acme"
    assert beta.api_key.get_secret_value() == f"{KEY}beta"


@pytest.mark.parametrize("common", [{"no_key": True}, {"api_key_file": "elsewhere"}])
def test_no_tenant_falls_back_on_the_key_of_the_server(file, common):
    settings = read(file, entry(), **common).current().tenants["acme"].settings
    assert (settings.no_key, settings.api_key_file) == (False, None)


def test_callers_are_let_in_as_the_tenant_that_names_them(file):
    register = read(
        file, entry(subjects=["alice", "bob"]), entry("beta", client_ids=["robot"])
    ).current()
    assert register.token_hashes == {hash_of("acme"): "acme", hash_of("beta"): "beta"}
    assert register.subjects == {"alice": "acme", "bob": "acme"}
    assert register.client_ids == {"robot": "beta"}


def test_a_key_comes_from_a_file_or_a_variable_without_the_blanks_around_it(file, tmp_path):
    kept = tmp_path / "key"
    kept.write_text(f" {KEY}\n")
    by_file = entry(api_key=None, api_key_file=str(kept))
    by_variable = entry("beta", api_key=None, api_key_env="BETA_KEY")
    tenants = read(file, by_file, by_variable, variables={"BETA_KEY": f"{KEY}beta\n"})
    assert (key_of(tenants), key_of(tenants, "beta")) == (KEY, f"{KEY}beta")


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ([f'[[tenant]]\nname = "acme"\napi_key = "{KEY}'], "is not TOML (at "),
        ([""], "tenant"),
        ([entry(name="a b")], "name"),
        ([entry(colour="red")], "colour"),
        ([entry(api_key=None)], "acme needs one of api_key, api_key_file and api_key_env"),
        ([entry(api_key_env="ACME_KEY")], "acme needs one of api_key, api_key_file and"),
        ([entry(token_hashes=None)], "acme lets nobody in"),
        ([entry(token_hashes=[KEY])], "token_hashes"),
        ([entry(subjects=[""])], "subjects"),
        ([entry(api_key=None, api_key_env=KEY)], "api_key_env"),
        ([entry(api_key=None, api_key_env="ACME_KEY")], "tenant acme: ACME_KEY is not set."),
        ([entry(api_key=None, api_key_file="nowhere")], "api_key_file of tenant acme"),
        ([entry(api_key=f"{KEY}\n{KEY}")], "api_key"),
        ([entry(org_id="a b")], "tenant acme: "),
        ([entry(), entry(token_hashes=[hash_of("x")])], "two tenants have the same name."),
        ([entry(), entry("beta", token_hashes=[hash_of("acme")])], "beta and acme have one of th"),
        ([entry(subjects=["a"]), entry("beta", subjects=["a"])], "their subjects in common"),
        ([entry(client_ids=["a"]), entry("beta", client_ids=["a"])], "client_ids in common"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_and_no_key_is_quoted(file, entries, says):
    assert says in refusal(file, *entries)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["missing", "not UTF-8"])
def test_a_file_that_cannot_be_read_is_refused_by_name(file, content):
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InvalidSettings, match="cannot be read") as refused:
        TenantsFile(file, Settings(), {})
    assert str(file) in str(refused.value)


def test_a_tenant_may_name_itself_twice_where_two_may_not_share(file):
    assert read(file, entry(subjects=["alice", "alice"])).current().subjects == {"alice": "acme"}


@pytest.mark.parametrize(
    ("common", "named"),
    [({"org_id": "org_1"}, "EVERRUNS_ORG_ID"), ({"agent_id": "a"}, "MCP_SESSIONS_AGENT_ID")],
)
def test_a_scope_of_all_beside_the_file_is_refused(file, common, named):
    assert refusal(file, entry(), **common).startswith(f"{named} is set beside")


def test_the_file_is_read_again_a_second_after_it_was_last_looked_at(file, pass_a_second):
    tenants = read(file, entry())
    file.write_text(entry() + entry("beta"))
    assert set(tenants.current().tenants) == {"acme"}
    pass_a_second()
    assert set(tenants.current().tenants) == {"acme", "beta"}


def test_a_tenant_that_did_not_change_stays_the_same_object(file, pass_a_second):
    tenants = read(file, entry(), entry("beta"))
    before = tenants.current().tenants
    file.write_text(entry() + entry("beta", org_id="org_beta"))
    pass_a_second()
    after = tenants.current().tenants
    assert after["acme"] is before["acme"]
    assert after["beta"] is not before["beta"]
    assert after["beta"].settings.org_id == "org_beta"


def test_a_file_that_stays_as_it_was_is_not_read_again(file, pass_a_second):
    tenants = read(file, entry())
    before = tenants.current()
    pass_a_second()
    assert tenants.current() is before


def test_a_key_file_that_changes_gives_the_new_key(file, tmp_path, pass_a_second):
    kept = tmp_path / "key"
    kept.write_text(KEY)
    tenants = read(file, entry(api_key=None, api_key_file=str(kept)))
    kept.write_text(f"{KEY}-next")
    pass_a_second()
    assert key_of(tenants) == f"{KEY}-next"


@pytest.mark.parametrize("half", [entry()[:-40], entry() + '[[tenant]]\nname = "beta"\n', ""])
def test_a_half_written_file_changes_no_tenant_and_is_logged_once(
    file, pass_a_second, caplog, half
):
    tenants = read(file, entry(), entry("beta"))
    before = tenants.current()
    file.write_text(half)
    for _ in range(3):
        pass_a_second()
        assert tenants.current() is before
    (record,) = caplog.records
    assert record.getMessage().startswith("the tenants stay as they were: ")
    assert KEY not in caplog.text


def test_what_a_file_lacked_is_looked_for_until_it_comes(file, tmp_path, pass_a_second, caplog):
    late = tmp_path / "late"
    tenants = read(file, entry())
    file.write_text(entry() + entry("beta", api_key=None, api_key_file=str(late)))
    pass_a_second()
    assert set(tenants.current().tenants) == {"acme"}
    late.write_text(KEY)
    pass_a_second()
    assert set(tenants.current().tenants) == {"acme", "beta"}
    assert [record.levelname for record in caplog.records] == ["ERROR"]
