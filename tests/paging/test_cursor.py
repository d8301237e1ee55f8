import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_sessions.arguments import GetSessionPage, ListSessions
from mcp_sessions.errors import InvalidArguments, InvalidCursor
from mcp_sessions.paging.cursor import CursorCodec, Drift, Place
from mcp_sessions.paging.sort_key import SortKey

CODEC = CursorCodec.of("https://app.everruns.com/api", None, None)
PLACE = Place(ListSessions(limit=7, detail="brief", agent_id="agent_1", search="q3 plan"), 40)

letters = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"])
queries = st.builds(
    ListSessions,
    limit=st.integers(1, 100),
    detail=st.sampled_from(["brief", "standard", "full"]),
    agent_id=st.none() | st.from_regex(r"agent_[0-9a-f]{1,40}", fullmatch=True),
    search=st.none() | st.text(letters, min_size=1, max_size=200),
    status=st.none() | st.just(["idle", "paused"]),
    tags=st.none() | st.lists(st.from_regex(r"\w{1,9}", fullmatch=True), min_size=1, max_size=3),
    created_after=st.sampled_from([None, "2026-11-20T00:00:00Z"]),
    created_before=st.sampled_from([None, "2026-11-21T00:00:00.500000Z"]),
    top_level_only=st.booleans(),
    contains=st.none() | st.text(letters, min_size=1, max_size=200),
    updated_after=st.sampled_from([None, "2026-11-20T00:00:00Z"]),
    finished_before=st.sampled_from([None, "2026-11-21T00:00:00Z"]),
)
shaped = st.builds(
    lambda query, shape: query.model_copy(update=shape),
    queries,
    st.sampled_from([{}, {"detail": "standard", "fields": ["status", "cost_usd"]}]),
)
keys = st.builds(SortKey, st.integers(-(2**63), 2**63 - 1), st.binary(min_size=6, max_size=6))
drifts = st.builds(Drift, st.integers(0, 255), st.integers(0, 255))
places = st.builds(
    Place, shaped, st.integers(0, 2**31 - 1), st.none() | keys, drifts, st.booleans()
)


@given(places)
def test_a_cursor_brings_back_its_place(place):
    assert CODEC.read(CODEC.write(place)) == place


@given(st.integers(0, 2**31 - 1), keys, drifts)
def test_a_cursor_without_filters_is_short_and_url_safe(offset, key, drift):
    cursor = CODEC.write(Place(ListSessions(), offset, key, drift))
    assert len(cursor) < 50
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


@given(st.data())
def test_a_cursor_with_any_character_changed_is_refused(data):
    cursor = CODEC.write(PLACE)
    index = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.characters().filter(lambda c: c != cursor[index]))
    with pytest.raises(InvalidCursor):
        CODEC.read(cursor[:index] + other + cursor[index + 1 :])


@given(st.text() | st.text("0123456789abcdefABCDEF-_=+/ ", min_size=1))
def test_any_text_that_is_no_cursor_is_refused_in_a_sentence(text):
    with pytest.raises(InvalidCursor) as refused:
        CODEC.read(text)
    assert refused.value.message.endswith(".")


@pytest.mark.parametrize("end", range(len(CODEC.write(PLACE))))
def test_a_truncated_cursor_is_refused(end):
    with pytest.raises(InvalidCursor, match="damaged"):
        CODEC.read(CODEC.write(PLACE)[:end])


def test_a_cursor_of_another_version_is_told_apart():
    with pytest.raises(InvalidCursor, match="another version"):
        CODEC.read("0" + CODEC.write(PLACE)[1:])


@pytest.mark.parametrize(
    "other",
    [
        CursorCodec.of("https://other.example/api", None, None),
        CursorCodec.of("https://app.everruns.com/api", "org_1", None),
        CursorCodec.of("https://app.everruns.com/api", None, "agent_1"),
    ],
)
def test_a_cursor_of_another_api_or_organization_is_told_apart(other):
    with pytest.raises(InvalidCursor, match="another API address, organization, agent or caller"):
        CODEC.read(other.write(PLACE))


def test_arguments_may_repeat_the_cursor_and_change_only_detail():
    repeated = {"limit": "7", "agent_id": "agent_1", "search": "q3 plan", "detail": "full"}
    asked = GetSessionPage.read({"cursor": CODEC.write(PLACE), **repeated})
    place = CODEC.resume(asked)
    assert place.query == PLACE.query.model_copy(update={"detail": "full"})
    assert place.offset == PLACE.offset


@pytest.mark.parametrize(
    ("name", "value"), [("limit", 8), ("agent_id", "agent_2"), ("search", "q4")]
)
def test_an_argument_that_contradicts_the_cursor_is_named(name, value):
    asked = GetSessionPage.read({"cursor": CODEC.write(PLACE), name: value})
    with pytest.raises(InvalidArguments, match=f"^{name} contradicts the cursor"):
        CODEC.resume(asked)


@pytest.mark.parametrize("arguments", [{}, {"cursor": None}, {"cursor": ""}, {"limit": 5}])
def test_a_page_asked_for_without_cursor_and_offset_is_refused(arguments):
    with pytest.raises(InvalidArguments, match="no next_cursor means the list has ended"):
        CODEC.resume(GetSessionPage.read(arguments))


def test_a_cursor_and_an_offset_exclude_each_other():
    asked = GetSessionPage.read({"cursor": CODEC.write(PLACE), "offset": 20})
    with pytest.raises(InvalidArguments, match="exclude each other"):
        CODEC.resume(asked)


def test_defaults_that_strict_clients_fill_in_beside_a_cursor_count_as_absent():
    cursor = CODEC.write(Place(ListSessions(limit=5, detail="brief"), 5))
    filled = {
        "cursor": cursor,
        "offset": 0,
        "limit": 20,
        "agent_id": "",
        "search": "",
        "detail": "",
    }
    assert CODEC.resume(GetSessionPage.read(filled)) == CODEC.read(cursor)


@pytest.mark.parametrize("blank", ["", " ", "null", None])
def test_a_blank_cursor_with_the_offset_that_clients_fill_in_is_a_list_that_has_ended(blank):
    asked = GetSessionPage.read({"cursor": blank, "offset": 0, "limit": 20})
    with pytest.raises(InvalidArguments, match="no next_cursor means the list has ended"):
        CODEC.resume(asked)


def test_an_offset_goes_with_the_arguments_of_a_list():
    place = CODEC.resume(GetSessionPage.read({"offset": "40", "search": "plan"}))
    assert place == Place(ListSessions(search="plan"), 40)


@pytest.mark.parametrize("carried", [{"detail": "brief"}, {"detail": "full"}, {"fields": ["tags"]}])
@pytest.mark.parametrize(
    ("asked", "shape"),
    [
        ({"detail": "full"}, ("full", None)),
        ({"fields": "status"}, ("standard", ["status"])),
        ({"fields": "status", "detail": "standard"}, ("standard", ["status"])),
    ],
)
def test_detail_and_fields_may_change_from_page_to_page(carried, asked, shape):
    cursor = CODEC.write(Place(ListSessions.read(carried), 5))
    query = CODEC.resume(GetSessionPage.read({"cursor": cursor, **asked})).query
    assert (query.detail, query.fields) == shape


@pytest.mark.parametrize(
    "asked", [{}, {"fields": []}, {"fields": None, "detail": "standard"}, {"fields": ["tags"]}]
)
def test_the_fields_that_a_cursor_carries_beat_a_detail_that_a_client_fills_in(asked):
    place = Place(ListSessions(fields=["tags"]), 5)
    assert CODEC.resume(GetSessionPage.read({"cursor": CODEC.write(place), **asked})) == place


def test_fields_go_with_an_offset():
    place = CODEC.resume(GetSessionPage.read({"offset": 40, "fields": "tags"}))
    assert place == Place(ListSessions(fields=["tags"]), 40)
