"""What is read of a tenants file, and what is refused."""

import pytest

from mcp_sessions.auth.bearer_tokens import hash_of
from mcp_sessions.errors import InvalidSettings

from support.tenants import KEY, entry, key_of, opened


@pytest.fixture
def file(tmp_path):
    return tmp_path / "tenants.toml"


@pytest.fixture
def read(file, clock):
    """Return what writes the file and reads it."""

    def written(*entries, **more):
        file.write_text("\n".join(entries))
        return opened(file, clock, **more)

    return written


@pytest.fixture
def refusal(read):
    """Return what writes the file and gives the sentence in which it is refused."""

    def of(*entries, **more):
        with pytest.raises(InvalidSettings) as refused:
            read(*entries, **more)
        assert KEY not in str(refused.value)
        return str(refused.value)

    return of


def test_each_tenant_has_its_own_key_and_scope_and_the_other_settings_of_all(read):
    scoped = entry(org_id="org_acme", agent_id="agent_1")
    tenants = read(scoped, entry("beta"), api_key="evr_pat_common", deadline=7).current()
    acme, beta = (tenants.tenants[name].settings for name in ("acme", "beta"))
    assert (acme.org_id, acme.agent_id, acme.deadline) == ("org_acme", "agent_1", 7)
    assert (beta.org_id, beta.agent_id, beta.deadline) == (None, None, 7)
    assert acme.api_key.get_secret_value() == f"{KEY}acme"
    assert beta.api_key.get_secret_value() == f"{KEY}beta"


@pytest.mark.parametrize("common", [{"no_key": True}, {"api_key_file": "elsewhere"}])
def test_no_tenant_falls_back_on_the_key_of_the_server(read, common):
    settings = read(entry(), **common).current().tenants["acme"].settings
    assert (settings.no_key, settings.api_key_file) == (False, None)


def test_callers_are_let_in_as_the_tenant_that_names_them(read):
    register = read(entry(subjects=["alice", "bob"]), entry("beta", client_ids=["robot"])).current()
    assert register.token_hashes == {hash_of("acme"): "acme", hash_of("beta"): "beta"}
    assert register.subjects == {"alice": "acme", "bob": "acme"}
    assert register.client_ids == {"robot": "beta"}


def test_a_key_comes_from_a_file_or_a_variable_without_the_blanks_around_it(read, tmp_path):
    kept = tmp_path / "key"
    kept.write_text(f" {KEY}\n")
    by_file = entry(api_key=None, api_key_file=str(kept))
    by_variable = entry("beta", api_key=None, api_key_env="BETA_KEY")
    tenants = read(by_file, by_variable, variables={"BETA_KEY": f"{KEY}beta\n"})
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
        ([entry(**{KEY: "colour"})], "tenant.(a name) cannot be used"),
        ([entry(), f'["(at {KEY})"]\n' * 2], "is not TOML (at line "),
        ([entry(api_key=None, api_key_file=KEY)], "api_key_file of tenant acme cannot be read"),
        ([entry(api_key=None, api_key_file="a\0b")], "api_key_file of tenant acme cannot be read"),
        ([entry(api_key=None, api_key_file="/")], "cannot be read (it is no regular file)"),
        ([entry(), "[[tenant]]\n" * 2_000], "There are 1980 faults more."),
        ([entry(api_key=None, api_key_file="/dev/zero")], "cannot be read (it is no regular file)"),
        ([entry(), f"n = {'9' * 5_000}"], "cannot be read (ValueError)"),
        ([entry(), f"n = 0x{'f' * 5_000}"], "tenant.n cannot be used"),
        ([entry(org_id=None), f"org_id = 0x{'f' * 5_000}"], "tenant.org_id cannot be used"),
        ([entry(), f"n = {'[' * 100_000}"], "cannot be read (RecursionError)"),
        ([entry(), f"n = {'{a=' * 100_000}"], "cannot be read (RecursionError)"),
        ([entry(), f"n = {'[' * 200}{']' * 200}"], "tenant.n cannot be used"),
        ([entry(), f"{'a.' * 100_000}b = 1"], "has a line of more than 256 dots"),
        ([entry(), "n = { " + '"a" . ' * 100_000 + "b = 1 }"], "has a line of more than 256 dots"),
        ([entry(), '"!".' * 100_000 + "b = 1"], "has a line of more than 256 dots"),
        ([entry(), f"{'a.' * 30}b = 1"], "tenant.a cannot be used"),
        ([entry(org_id=None), "org_id = 2026-01-01"], "tenant.org_id cannot be used"),
        ([entry(org_id=None), "org_id = nan"], "tenant.org_id cannot be used"),
        ([entry(), "#" * 1024 * 1024], "cannot be read (it is larger than 1048576 bytes)"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_and_no_key_is_quoted(refusal, entries, says):
    assert says in refusal(*entries)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"], ids=["missing", "not UTF-8"])
def test_a_file_that_cannot_be_read_is_refused_by_name(file, clock, content):
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InvalidSettings, match="cannot be read") as refused:
        opened(file, clock)
    assert str(file) in str(refused.value)


def test_a_ruler_of_dots_may_stand_in_a_comment(read):
    assert list(read(entry(), f"  # {'.' * 1_000}").current().tenants) == ["acme"]


def test_a_tenant_may_name_itself_twice_where_two_may_not_share(read):
    assert read(entry(subjects=["alice", "alice"])).current().subjects == {"alice": "acme"}


@pytest.mark.parametrize(
    ("common", "named"),
    [({"org_id": "org_1"}, "EVERRUNS_ORG_ID"), ({"agent_id": "a"}, "MCP_SESSIONS_AGENT_ID")],
)
def test_a_scope_of_all_beside_the_file_is_refused(refusal, common, named):
    assert refusal(entry(), **common).startswith(f"{named} is set beside")
