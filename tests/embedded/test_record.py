import json

import pytest

from mcp_sessions.embedded.record import folded, microseconds, recorded, session_id


def body(session):
    return json.loads("{" + recorded(session).body + "}")


def test_microseconds_are_kept_and_offsets_are_understood():
    assert microseconds("1970-01-01T00:00:01.000001Z") == 1_000_001
    assert microseconds("2026-01-01T02:00:00.5+02:00") == microseconds("2026-01-01T00:00:00.5Z")


@pytest.mark.parametrize("moment", ["yesterday", "2026-01-01T00:00:00", "2026-01-01", 5, ["x"]])
def test_a_moment_without_a_place_in_time_is_refused(moment):
    with pytest.raises(ValueError, match="created_at is not an RFC 3339 moment"):
        recorded({"id": "session_1", "created_at": moment})


def test_ids_are_uuids_of_version_7_that_sort_by_time_and_counter():
    ids = [session_id(at, counter, 2**62 - 1) for at in (0, 1_000, 10**15) for counter in (0, 9)]
    assert ids == sorted(ids)
    assert all(len(id_) == len("session_") + 32 and id_[20] == "7" for id_ in ids)


def test_what_the_api_always_sends_is_filled_in():
    full = body({"id": "session_0a", "created_at": "2026-01-01T00:00:00Z"})
    assert full["workspace_id"] == "wsp_0a"
    assert full["updated_at"] == full["created_at"]
    assert full["tags"] == []
    assert {"organization_id", "harness_id", "owner_principal_id"} <= full.keys()


def test_null_and_empty_fields_are_left_out_but_for_tags_and_plain_values():
    full = body({"title": "", "preview": None, "tools": [], "hints": {}, "is_pinned": False})
    assert full["title"] == ""
    assert full["is_pinned"] is False
    assert not {"preview", "tools", "hints"} & full.keys()


def test_both_spellings_of_waiting_are_one_status_and_unknown_ones_are_kept():
    spellings = ("waitingfortoolresults", "waiting_for_tool_results", "hibernating")
    kept = [recorded({"status": status}).status for status in spellings]
    assert kept == ["waitingfortoolresults", "waitingfortoolresults", "hibernating"]


def test_links_are_kept_only_when_all_three_are_given():
    links = {"self_url": "https://a", "view_url": "https://b", "ui_link": "https://c"}
    assert recorded(links).linked
    assert links.items() <= body(links).items()
    partly = {"self_url": "https://a"}
    assert not recorded(partly).linked
    assert "self_url" not in body(partly)


@pytest.mark.parametrize(
    "session",
    [{"title": 5}, {"agent_id": []}, {"status": 1}, {"id": 7}, {"tags": "x"}, {"tags": [1]}],
)
def test_a_field_of_the_wrong_type_is_refused_by_name(session):
    (name,) = session
    with pytest.raises(ValueError, match=f"{name} is not"):
        recorded(session)


def test_text_that_utf_8_cannot_carry_is_refused():
    with pytest.raises(ValueError, match="half a surrogate pair"):
        recorded({"title": "\ud800"})
    with pytest.raises(ValueError, match="JSON compliant"):
        recorded({"usage": {"actual_cost_usd": float("nan")}})


def test_titles_are_compared_without_case_in_every_script():
    assert folded("STRASSE İO") == folded("straße i̇o")
    assert folded("a\0b") == "a\ufffdb"
