"""When a tenants file is read again, and what of it is taken."""

import os
import socket
import threading
from itertools import product

import anyio
import pytest

from mcp_sessions.auth.bearer_tokens import hash_of
from mcp_sessions.auth.tenants_file import LOOK_EVERY, SCOPE_HELD, TenantsFile
from mcp_sessions.errors import InvalidSettings
from mcp_sessions.settings import Settings

from support.processes import eventually
from support.tenants import KEY, entry, key_of, opened

SCOPED = entry(org_id="org_acme", agent_id="agent_1")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "tenants.toml"


@pytest.fixture
def read(file, clock):
    """Return what writes the file and reads it."""

    def written(*entries):
        file.write_text("".join(entries))
        return opened(file, clock)

    return written


@pytest.fixture
def look(clock):
    """Return what lets some seconds pass, with a look at the end of each."""

    def looked(tenants, seconds=2):
        for _ in range(int(seconds / LOOK_EVERY)):
            clock.now += LOOK_EVERY
            tenants.look()
        return tenants.current()

    return looked


def scope_of(register, name="acme"):
    own = register.tenants[name].settings
    return own.org_id, own.agent_id


def test_what_two_looks_find_the_same_is_taken(read, file, look):
    tenants = read(entry())
    file.write_text(entry() + entry("beta"))
    assert set(look(tenants, 1).tenants) == {"acme"}
    assert set(look(tenants, 1).tenants) == {"acme", "beta"}


def test_a_tenant_that_did_not_change_stays_the_same_object(read, file, look):
    tenants = read(entry(), entry("beta"))
    before = tenants.current().tenants
    file.write_text(entry() + entry("beta", org_id="org_beta"))
    after = look(tenants).tenants
    assert after["acme"] is before["acme"]
    assert after["beta"] is not before["beta"]
    assert after["beta"].settings.org_id == "org_beta"


def test_a_file_that_stays_as_it_was_is_not_taken_again(read, look):
    tenants = read(entry())
    before = tenants.current()
    assert look(tenants, 2 * SCOPE_HELD) is before


def test_a_key_file_that_changes_gives_the_new_key(read, tmp_path, look):
    kept = tmp_path / "key"
    kept.write_text(KEY)
    tenants = read(entry(api_key=None, api_key_file=str(kept)))
    kept.write_text(KEY[:-3])  # it is being written
    look(tenants, 1)
    kept.write_text(f"{KEY}-next")
    look(tenants, 1)
    assert key_of(tenants) == KEY
    look(tenants, 1)
    assert key_of(tenants) == f"{KEY}-next"


@pytest.mark.parametrize("half", [entry()[:-40], entry() + '[[tenant]]\nname = "beta"\n', ""])
def test_a_file_that_is_none_changes_no_tenant_and_is_logged_once(read, file, look, caplog, half):
    tenants = read(entry(), entry("beta"))
    before = tenants.current()
    file.write_text(half)
    assert look(tenants, 2 * SCOPE_HELD) is before
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert record.getMessage().startswith("the tenants stay as they were: ")
    assert KEY not in caplog.text


def test_what_a_file_lacked_is_looked_for_until_it_comes(read, file, tmp_path, look, caplog):
    late = tmp_path / "late"
    tenants = read(entry())
    file.write_text(entry() + entry("beta", api_key=None, api_key_file=str(late)))
    assert set(look(tenants, 9).tenants) == {"acme"}
    late.write_text(KEY)
    assert set(look(tenants).tenants) == {"acme", "beta"}
    assert [record.levelname for record in caplog.records] == ["ERROR"]


@pytest.mark.parametrize("pause", [1, 2, 5, SCOPE_HELD - 2])
def test_a_file_written_in_two_pieces_widens_no_scope_between_them(read, file, look, pause):
    tenants = read(SCOPED, entry("beta"))
    file.write_text(entry())
    assert scope_of(look(tenants, pause)) == ("org_acme", "agent_1")
    file.write_text(SCOPED + entry("beta"))
    assert scope_of(look(tenants)) == ("org_acme", "agent_1")


@pytest.mark.parametrize("lost", ["org_id", "agent_id"])
def test_each_part_of_a_scope_is_kept_by_itself(read, file, look, lost):
    tenants = read(SCOPED)
    file.write_text(entry(**{"org_id": "org_next", "agent_id": "agent_2", lost: None}))
    had = {"org_id": ("org_acme", "agent_2"), "agent_id": ("org_next", "agent_1")}
    assert scope_of(look(tenants)) == had[lost]


def test_a_scope_goes_once_the_file_has_been_still_for_long(read, file, look, caplog):
    tenants = read(SCOPED)
    file.write_text(entry())
    look(tenants, 1 + SCOPE_HELD / 2)
    file.write_text(entry() + "# still at work")
    assert scope_of(look(tenants, SCOPE_HELD)) == ("org_acme", "agent_1")
    assert scope_of(look(tenants, 2)) == (None, None)
    assert [record.getMessage()[:31] for record in caplog.records] == [
        "acme lost org_id or agent_id: k"
    ] * 2


def test_a_scope_is_held_though_the_tenant_was_away_between(read, file, look):
    tenants = read(SCOPED, entry("beta"))
    file.write_text(entry("beta"))
    assert set(look(tenants, 3).tenants) == {"beta"}
    file.write_text(entry("beta") + entry())
    assert scope_of(look(tenants, 3)) == ("org_acme", "agent_1")


def test_a_scope_is_held_though_the_file_could_not_be_used_between(read, file, look):
    tenants = read(SCOPED)
    file.write_text("[[tenant]]")
    look(tenants, 2 * SCOPE_HELD)
    file.write_text(entry())
    assert scope_of(look(tenants, 3)) == ("org_acme", "agent_1")


def test_a_scope_that_came_and_went_within_a_moment_is_held(read, file, look):
    tenants = read(entry("beta"))
    file.write_text(entry("beta") + SCOPED)
    look(tenants)
    file.write_text(entry("beta") + entry())
    assert scope_of(look(tenants)) == ("org_acme", "agent_1")


def test_who_is_taken_out_is_out_though_another_change_waits(read, file, look):
    tenants = read(SCOPED, entry("beta"))
    file.write_text(entry(token_hashes=[hash_of("next")]))
    register = look(tenants)
    assert scope_of(register) == ("org_acme", "agent_1")
    assert register.token_hashes == {hash_of("next"): "acme"}


def test_a_hash_replaced_in_place_with_equal_size_and_times_counts(read, file, look):
    tenants = read(entry())
    before = file.stat()
    with file.open("r+") as opened_again:
        opened_again.write(entry().replace(hash_of("acme"), hash_of("next")))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = file.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert set(look(tenants).token_hashes) == {hash_of("next")}


@pytest.mark.parametrize("moment", [0, 2**33], ids=["long ago", "far ahead"])
def test_the_times_of_a_file_say_nothing(read, file, look, moment):
    tenants = read(entry())
    file.write_text(entry("beta"))
    os.utime(file, (moment, moment))
    assert set(look(tenants).tenants) == {"beta"}


def published(folder, name, key):
    """Lay out a secret as Kubernetes mounts it, and turn its link to this version."""
    version = folder / f"..{name}"
    version.mkdir()
    (version / "key").write_text(key)
    (version / "tenants.toml").write_text(
        entry(name, api_key=None, api_key_file=str(folder / "key"))
    )
    (folder / "..new").symlink_to(version.name)
    (folder / "..new").replace(folder / "..data")


def test_links_turned_as_kubernetes_turns_them_give_both_files_at_once(tmp_path, clock, look):
    published(tmp_path, "acme", KEY)
    for name in ("tenants.toml", "key"):
        (tmp_path / name).symlink_to(f"..data/{name}")
    tenants = opened(tmp_path / "tenants.toml", clock)
    assert key_of(tenants) == KEY
    published(tmp_path, "beta", f"{KEY}beta")
    assert set(look(tenants).tenants) == {"beta"}
    assert key_of(tenants, "beta") == f"{KEY}beta"


def test_the_first_read_waits_until_the_file_is_whole(file, clock):
    pieces = [entry()[:60], entry(), SCOPED, SCOPED + entry("beta")]
    file.write_text("")
    clock.meanwhile = [lambda piece=piece: file.write_text(piece) for piece in pieces]
    register = opened(file, clock).current()
    assert scope_of(register) == ("org_acme", "agent_1")
    assert set(register.tenants) == {"acme", "beta"}


def test_the_first_read_waits_for_a_keys_file_too(file, tmp_path, clock):
    kept = tmp_path / "key"
    kept.write_text("evr_pat_CAN")
    file.write_text(entry(api_key=None, api_key_file=str(kept)))
    clock.meanwhile = [lambda: kept.write_text(KEY)]
    assert key_of(opened(file, clock)) == KEY


def test_a_file_that_is_never_still_is_refused_at_the_start(file, clock):
    file.write_text(entry())
    clock.meanwhile = [lambda n=n: file.write_text(f"{entry()}# {n}") for n in range(100)]
    with pytest.raises(InvalidSettings, match="changes all the time for 10 s") as refused:
        opened(file, clock)
    assert str(file) in str(refused.value)
    assert len(clock.meanwhile) == 90


def test_a_file_that_is_never_still_changes_nothing_and_is_logged_once(read, file, look, caplog):
    tenants = read(entry())
    before = tenants.current()
    for number in range(50):
        file.write_text(f"{entry('beta')}# {number}")
        assert look(tenants, 1) is before
    (record,) = caplog.records
    assert "changes all the time" in record.getMessage()


@pytest.mark.parametrize(
    "more",
    [f"n = {'9' * 5_000}", f"n = {'[' * 100_000}", "#" * 1024 * 1024, "\0"],
    ids=["digits", "brackets", "large", "NUL"],
)
def test_a_hostile_file_changes_nothing_and_is_logged_once(read, file, look, caplog, more):
    tenants = read(entry())
    before = tenants.current()
    file.write_text(entry("beta") + more)
    assert look(tenants, 100) is before
    (record,) = caplog.records
    assert record.getMessage().startswith("the tenants stay as they were: MCP_SESSIONS_TENANTS_")
    assert record.exc_info is None
    assert KEY not in caplog.text


def bound_socket(path):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))


def sparse(path):
    with path.open("wb") as opened_for_writing:
        opened_for_writing.truncate(2**40)


ODD = {
    "a pipe": os.mkfifo,
    "a folder": os.mkdir,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a socket": bound_socket,
    "a link to itself": lambda path: path.symlink_to(path),
    "large": lambda path: path.write_bytes(b"x" * (1024 * 1024 + 1)),
    "without end": sparse,
}


@pytest.mark.parametrize("odd_file", list(product(ODD, ("tenants.toml", "key"))), ids=" as ".join)
def test_what_is_no_small_regular_file_changes_nothing_and_is_never_waited_for(
    read, file, look, caplog, odd_file
):
    odd, name = odd_file
    kept = file.with_name("key")
    kept.write_text(KEY)
    tenants = read(entry(api_key=None, api_key_file=str(kept)))
    before = tenants.current()
    file.with_name(name).unlink()
    ODD[odd](file.with_name(name))
    looking = threading.Thread(target=look, args=(tenants, 100), daemon=True)
    looking.start()
    looking.join(30)
    assert not looking.is_alive()
    assert tenants.current() is before
    (record,) = caplog.records
    assert "cannot be read (" in record.getMessage()


@pytest.mark.anyio
async def test_a_watched_file_is_looked_at_until_the_block_ends(file, clock):
    file.write_text(entry())
    tenants = opened(file, clock)
    async with tenants.watched():
        file.write_text(entry("beta"))
        await anyio.to_thread.run_sync(eventually, lambda: "beta" in tenants.current().tenants)
    file.write_text(entry())
    assert set(tenants.current().tenants) == {"beta"}


@pytest.mark.anyio
async def test_a_look_that_hangs_stops_neither_the_server_nor_its_end(file):
    hangs, goes_on = threading.Event(), threading.Event()
    opening = threading.get_ident()

    def clock():
        if threading.get_ident() != opening:
            hangs.set()
            goes_on.wait(30)
        return 0.0

    file.write_text(entry())
    tenants = TenantsFile(file, Settings(), {}, clock, lambda _: None)
    async with tenants.watched():
        assert await anyio.to_thread.run_sync(hangs.wait, 30)
        assert set(tenants.current().tenants) == {"acme"}
    assert not goes_on.is_set()
    goes_on.set()
