import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_sessions.arguments import WORDS, GetSessionPage, ListSessions
from mcp_sessions.errors import InvalidArguments


def refusal(tool, arguments):
    with pytest.raises(InvalidArguments) as refused:
        tool.read(arguments)
    return refused.value.message


def said_to(tool, arguments):
    try:
        tool.read(arguments)
    except InvalidArguments as refused:
        return refused.message
    return ""


@pytest.mark.parametrize("limit", [5, "5", " 5 ", "+5", 5.0])
def test_a_number_is_read_however_agents_send_it(limit):
    assert ListSessions.read({"limit": limit}).limit == 5


@pytest.mark.parametrize("absent", [None, {}, {"limit": None, "search": None, "agent_id": None}])
def test_null_counts_as_absent(absent):
    asked = ListSessions.read(absent)
    assert (asked.limit, asked.detail, asked.filters()) == (20, "standard", {})


def test_a_blank_search_is_no_search():
    assert ListSessions.read({"search": "  \t"}).filters() == {}


@pytest.mark.parametrize(
    "limit",
    [0, 101, -1, 5.5, "5.5", "five", "0x10", "٥", math.nan, math.inf, True, [5], {}, 10**40],
)
def test_a_limit_out_of_its_range_is_refused_with_the_range(limit):
    message = refusal(ListSessions, {"limit": limit})
    assert message.startswith("limit must be a whole number from 1 to 100; got ")
    assert len(message) < 130


@pytest.mark.parametrize("offset", [-1, 2**31, "x", 0.5, False])
def test_an_offset_out_of_its_range_is_refused_with_the_range(offset):
    message = refusal(GetSessionPage, {"offset": offset})
    assert message.startswith("offset must be a whole number from 0 to 2147483647; got ")


@pytest.mark.parametrize(
    ("arguments", "begins"),
    [
        ({"detail": "tiny"}, 'detail must be brief, standard or full; got "tiny".'),
        (
            {"search": "x" * 201},
            'search must be text of at most 200 characters and 8 words; got "xxx',
        ),
        (
            {"search": ["a"]},
            'search must be text of at most 200 characters and 8 words; got ["a"].',
        ),
        ({"search": "\ud800"}, "search must be text"),
        ({"agent_id": "all"}, "agent_id must be an agent's id"),
        ({"agent_id": "session_1"}, "agent_id must be an agent's id"),
        ({"agent_id": "a b"}, "agent_id must be an agent's id"),
        ({"agent_id": 5}, "agent_id must be an agent's id"),
        ({"page": 2}, 'list_sessions has no argument "page"; get_session_page turns pages, by'),
        ({"page": None}, 'list_sessions has no argument "page"; get_session_page turns pages, by'),
        ({"limits": 2}, 'list_sessions has no argument "limits"; did you mean limit? It takes '),
        ({'{"limit":3}': None}, "list_sessions has no argument"),
        ({"x\n\x1b[2J": 1}, "list_sessions has no argument"),
        ({"\ud800": 1}, 'list_sessions has no argument "\\ud800"; arguments'),
    ],
)
def test_a_wrong_argument_is_named_with_what_is_allowed(arguments, begins):
    message = refusal(ListSessions, arguments)
    assert message.startswith(begins)
    assert "\n" not in message
    assert "\x1b" not in message


@pytest.mark.parametrize("search", ["a b c d e f g h i", "x\x00y", "x\x1by"])
def test_a_search_that_the_api_would_cut_in_silence_is_refused(search):
    assert refusal(ListSessions, {"search": search}).startswith("search must be text of at most")


@pytest.mark.parametrize("absent", ["", " ", "null", "None", '""'])
def test_a_cursor_of_nothing_is_none(absent):
    assert GetSessionPage.read({"cursor": absent}).cursor is None


@pytest.mark.parametrize("copied", [" 1abc\n", '"1abc"', "`1abc`", "1abc=="])
def test_what_was_copied_along_with_a_cursor_is_taken_off(copied):
    assert GetSessionPage.read({"cursor": copied}).cursor == "1abc"


@pytest.mark.parametrize(
    ("arguments", "filters"),
    [
        ({"status": "waitingfortoolresults"}, {"status": ["waiting_for_tool_results"]}),
        ({"status": ["idle", "idle", "paused"]}, {"status": ["idle", "paused"]}),
        ({"tags": "q3"}, {"tags": ["q3"]}),
        ({"created_after": "2026-11-20"}, {"created_after": "2026-11-20T00:00:00Z"}),
        (
            {"created_before": "2026-11-20t10:00:00.5+02:00"},
            {"created_before": "2026-11-20T08:00:00.500000Z"},
        ),
        (  # as results write their times
            {"created_after": "2026-11-20T10:00Z", "created_before": "2026-11-20T13:01+02:00"},
            {"created_after": "2026-11-20T10:00:00Z", "created_before": "2026-11-20T11:01:00Z"},
        ),
        ({"updated_after": "2026-11-20"}, {"updated_after": "2026-11-20T00:00:00Z"}),
        (
            {"finished_before": "2026-11-20T10:00:00+02:00", "finished_after": "2026-11-20"},
            {
                "finished_before": "2026-11-20T08:00:00Z",
                "finished_after": "2026-11-20T00:00:00Z",
            },
        ),
        ({"contains": " Refund  due "}, {"contains": " Refund  due "}),
        ({"top_level_only": "True"}, {"top_level_only": True}),
        ({"top_level_only": False, "parent_session_id": "s"}, {"parent_session_id": "s"}),
    ],
)
def test_a_row_filter_is_read_however_agents_send_it(arguments, filters):
    asked = ListSessions.read(arguments)
    assert asked.filters() == filters
    assert asked.filters_rows()


@pytest.mark.parametrize(
    ("arguments", "begins"),
    [
        ({"status": "done"}, "status must be one or more of started, active, idle, waiting_for"),
        ({"status": "completed"}, "status must be one or more of"),
        ({"tags": "a,b"}, "tags must be at most 20 tags"),
        ({"status": 5}, "status must be one or more of"),
        ({"tags": ["x"] * 21}, "tags must be at most 20 tags of 1 to 64 characters"),
        ({"tags": ["x" * 65]}, "tags must be at most"),
        ({"tags": [5]}, "tags must be at most"),
        ({"created_after": "yesterday"}, "created_after must be an RFC 3339 time such as"),
        ({"created_after": "2026-11-20T10:00:00"}, "created_after must be an RFC 3339 time"),
        ({"created_after": "2026-11-20T10:00"}, "created_after must be an RFC 3339 time"),
        ({"created_after": "2026-11-20T10Z"}, "created_after must be an RFC 3339 time"),
        ({"created_before": "2026-02-30"}, "created_before must be an RFC 3339 time"),
        ({"updated_before": "now"}, "updated_before must be an RFC 3339 time"),
        ({"finished_after": True}, "finished_after must be an RFC 3339 time"),
        ({"contains": "x" * 201}, "contains must be text of at most 200 characters and 8 words"),
        ({"contains": "a b c d e f g h i"}, "contains must be text of at most 200 characters"),
        ({"contains": ["a"]}, "contains must be text of at most 200 characters and 8 words; got "),
        ({"contains": "a\x00"}, "contains must be text of at most 200 characters and 8 words"),
        ({"contains": "\ud800"}, "contains must be text of at most 200 characters and 8 words"),
        (
            {"updated_after": "2026-11-20", "updated_before": "2026-11-20"},
            "updated_after must be earlier than updated_before.",
        ),
        (
            {"finished_after": "2026-11-21", "finished_before": "2026-11-20"},
            "finished_after must be earlier than finished_before.",
        ),
        ({"created_before": 5}, "created_before must be an RFC 3339 time"),
        ({"top_level_only": 1}, "top_level_only must be true or false; got 1."),
        ({"top_level_only": True, "parent_session_id": "s"}, "parent_session_id and top_level"),
        (
            {"created_after": "2026-11-20", "created_before": "2026-11-20"},
            "created_after must be earlier than created_before.",
        ),
    ],
)
def test_a_wrong_row_filter_is_named_with_what_is_allowed(arguments, begins):
    assert refusal(ListSessions, arguments).startswith(begins)


@pytest.mark.parametrize(
    ("tool", "name"),
    [(tool, name) for tool in (ListSessions, GetSessionPage) for name in tool.model_fields],
    ids=lambda part: getattr(part, "tool", part),
)
def test_of_every_argument_it_is_said_what_it_may_be(tool, name):
    assert tool.allowed(name)


def test_each_wrong_argument_gets_its_own_sentence():
    message = refusal(ListSessions, {"limit": 0, "detail": "x", "agent_id": "a b"})
    assert message.count(" must be ") == 3


def test_a_credential_in_a_wrong_argument_is_not_said_back():
    assert "CANARY" not in refusal(ListSessions, {"limit": "sk-proj-CANARY1234"})


def test_an_id_is_never_judged_by_its_length():
    for digits in (1, 31, 32, 33):
        agent = "agent_" + "0" * digits
        assert ListSessions.read({"agent_id": agent}).agent_id == agent


def test_parameters_are_the_apis_own():
    asked = ListSessions.read({"agent_id": "agent_1", "search": "a&b=c"})
    assert asked.parameters(offset=40, limit=21) == {
        "agent_id": "agent_1",
        "search": "a&b=c",
        "offset": 40,
        "limit": 21,
    }


@given(
    st.dictionaries(
        st.sampled_from(["limit", "detail", "agent_id", "search", "cursor", "offset", "other"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        ),
    )
)
def test_any_arguments_are_read_or_refused_in_a_sentence(arguments):
    for tool in (ListSessions, GetSessionPage):
        said = said_to(tool, arguments)
        said.encode()
        assert "\n" not in said
        assert len(said) < 1_000


BLANKS = ("", " ", "\n", [], None, "null", "[]")


@pytest.mark.parametrize("model", [ListSessions, GetSessionPage])
@pytest.mark.parametrize("blank", BLANKS, ids=repr)
def test_all_arguments_blank_are_no_arguments(model, blank):
    filled = dict.fromkeys(model.model_fields, blank)
    if blank in ("null", "[]"):  # which are words there
        filled = {name: value for name, value in filled.items() if name not in WORDS}
    assert model.read(filled) == model.read({})


@pytest.mark.parametrize("word", ["null", "[]", "None"])
@pytest.mark.parametrize("name", ["search", "contains"])
def test_words_that_look_like_blanks_are_searched_for(name, word):
    assert ListSessions.read({name: word}).filters() == {name: word}


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"tags": '["vendor"]'}, {"tags": ["vendor"]}),
        ({"tags": ' ["a", "b"]'}, {"tags": ["a", "b"]}),
        ({"tags": ["a,b"]}, {"tags": ["a,b"]}),
        ({"status": '["active"]'}, {"status": ["active"]}),
        ({"status": "active, paused"}, {"status": ["active", "paused"]}),
        ({"status": "['IDLE']"}, {"status": ["idle"]}),
        ({"tags": '"vendor"'}, {"tags": ["vendor"]}),
        ({"tags": ["a", "", None]}, {"tags": ["a"]}),
        (
            {"status": "waitingfortoolresults,waiting_for_tool_results"},
            {"status": ["waiting_for_tool_results"]},
        ),
        ({"detail": " Brief "}, {"detail": "brief"}),
        ({"top_level_only": "TRUE"}, {"top_level_only": True}),
    ],
)
def test_lists_and_words_are_read_as_clients_send_them(given, read):
    assert ListSessions.read(given).model_dump(exclude_defaults=True) == read


@pytest.mark.parametrize(
    "given",
    [
        ["session_1", "session_2"],
        [" session_1", "session_2\n", "session_1", None, ""],
        '["session_1", "session_2"]',
        "session_1,session_2",
        "['session_1', 'session_2']",
        ' [session_1,session_2, "session_1"] ',
    ],
    ids=repr,
)
def test_ids_are_read_as_clients_send_them_in_their_order_and_each_once(given):
    assert ListSessions.read({"session_ids": given}).session_ids == ["session_1", "session_2"]


def test_fifty_ids_may_be_asked_for_and_those_sent_twice_count_once():
    fifty = [f"session_{number}" for number in range(50)]
    assert ListSessions.read({"session_ids": fifty * 2}).session_ids == fifty
    message = refusal(ListSessions, {"session_ids": [*fifty, "session_50"]})
    assert message.startswith("session_ids must be 1 to 50 ids of sessions; got [")


@pytest.mark.parametrize("wrong", [5, True, {"id": "session_1"}, [5], [["session_1"]], 0.5])
def test_ids_that_are_no_texts_are_refused(wrong):
    message = refusal(ListSessions, {"session_ids": wrong})
    assert message.startswith("session_ids must be 1 to 50 ids of sessions; got ")


@pytest.mark.parametrize("odd", ["a b", "../x", "x" * 300, "é", "facets"])
def test_an_id_that_no_session_can_have_refuses_no_call(odd):
    assert ListSessions.read({"session_ids": [odd]}).session_ids == [odd]


BESIDE = {
    "agent_id": "agent_1",
    "search": "q3",
    "status": "idle",
    "tags": ["q3"],
    "created_after": "2026-11-20",
    "created_before": "2026-11-20",
    "parent_session_id": "session_1",
    "top_level_only": True,
    "limit": 5,
}


@pytest.mark.parametrize(("name", "value"), BESIDE.items(), ids=BESIDE)
def test_beside_ids_another_argument_is_refused_by_name_and_its_default_is_none(name, value):
    asked = {"session_ids": ["session_1"], "detail": "full"}
    message = refusal(ListSessions, {**asked, name: value})
    assert message == f"session_ids goes with detail and fields only; leave out {name}."
    default = ListSessions.model_fields[name].default
    assert ListSessions.read({**asked, name: default}) == ListSessions.read(asked)


def test_all_that_is_refused_beside_ids_is_named_at_once():
    message = refusal(ListSessions, {"session_ids": "session_1", "limit": "5", "search": "a"})
    assert message.endswith("leave out search and limit.")


@pytest.mark.parametrize(
    "tags",
    ["['vendor']", "[vendor]", '["vendor"', '{"0":"vendor"}', "{}", "a;b", ",a", ['["vendor"]']],
)
def test_a_text_that_looks_like_several_tags_is_refused_and_never_an_empty_result(tags):
    assert " Send [" in refusal(ListSessions, {"tags": tags})


@pytest.mark.parametrize("blank", ["[ ]", "[null]", [""], [" "], ["", None]])
def test_lists_of_blanks_are_absent(blank):
    assert ListSessions.read({"tags": blank, "status": blank}) == ListSessions.read({})


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ({"tags": "a,b"}, 'Send ["a", "b"].'),
        ({"status": "completed"}, "A session whose last turn has ended is idle"),
        ({"status": ["FAILED"]}, "they are idle"),
        ({"agent_id": "any"}, "Leave agent_id out for all agents."),
        ({"agent_id": "session_0197"}, "parent_session_id asks for its children"),
        ({"question": "refund"}, "contains words of question and reply too"),
        ({"session_id": "session_1"}, "did you mean session_ids?"),
        ({"sort": "cost"}, "sessions always come newest first"),
        ({"cursor": "1abc"}, "get_session_page turns pages"),
        ({'{"limit":3}': None}, "arguments are a JSON object of names and values"),
    ],
)
def test_a_sentence_points_to_what_was_meant(given, hint):
    assert hint in refusal(ListSessions, given)


@pytest.mark.parametrize("tool", [ListSessions, GetSessionPage])
@pytest.mark.parametrize(
    ("given", "read"),
    [
        (["status", "cost_usd"], ["status", "cost_usd"]),
        ("status", ["status"]),
        ("status, Cost_USD", ["status", "cost_usd"]),
        ('["status", "status", null, ""]', ["status"]),
        (["id"], ["id"]),
    ],
)
def test_fields_are_read_however_agents_send_them(tool, given, read):
    assert tool.read({"fields": given}).fields == read


@pytest.mark.parametrize("tool", [ListSessions, GetSessionPage])
@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["cost"], 'got ["cost"]. No row has "cost" (near: cost_usd).'),
        ("titel", 'No row has "titel"'),
        (["title", "status"], 'No row has "title" (near: label).'),
        (["tokens.input"], 'No row has "tokens.input" (near: tokens).'),
        ([5], "fields must be names of a row's fields such as status, tokens or model_id; got [5]"),
        ({"status": True}, "fields must be names of a row's fields"),
        (True, "fields must be names of a row's fields"),
        (["x\n\x1b[2J" + "y" * 10**6] * 10**3, "fields must be names of a row's fields"),
        (["\ud800"], "fields must be names of a row's fields"),
    ],
)
def test_a_field_that_no_row_has_is_named_with_those_that_are_near(tool, given, said):
    message = refusal(tool, {"fields": given})
    assert said in message
    assert len(message) < 500
    message.encode()


@pytest.mark.parametrize("tool", [ListSessions, GetSessionPage])
def test_fields_beat_the_default_detail_and_refuse_another_one(tool):
    assert tool.read({"fields": "status", "detail": "standard"}).fields == ["status"]
    for detail in ("brief", "full"):
        message = refusal(tool, {"fields": "status", "detail": detail})
        assert message == "fields takes the place of detail; leave one of them out."
