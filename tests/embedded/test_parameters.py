import pytest

from mcp_sessions.embedded.parameters import Asked, pairs, read

AGENT = "agent_" + "0" * 32


def asked(query):
    return read(pairs(query.encode()))


def test_an_empty_query_asks_for_the_first_twenty_sessions():
    assert asked("") == Asked(agent_id=None, search=None, offset=0, limit=20)


def test_percent_encoded_values_are_decoded():
    got = asked(f"agent_id={AGENT}&search=caf%C3%A9+%26+bar&offset=5&limit=7")
    assert got == Asked(AGENT, "café & bar", 5, 7)


@pytest.mark.parametrize(
    ("query", "limit"),
    [("limit=100", 100), ("limit=101", 100), ("limit=2147483647", 100), ("limit=0", 0)],
)
def test_a_limit_above_100_is_clamped_and_0_is_not(query, limit):
    assert asked(query).limit == limit


@pytest.mark.parametrize("written", ["7", "007", "%2B7"])
def test_an_offset_may_have_leading_zeros_or_a_plus_sign(written):
    assert asked(f"offset={written}").offset == 7


@pytest.mark.parametrize("name", ["offset", "limit"])
@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("-1", "invalid digit"),
        ("1.5", "invalid digit"),
        ("1e3", "invalid digit"),
        ("+7", "invalid digit"),  # a plus sign in a query is a space
        ("٣", "invalid digit"),
        ("null", "invalid digit"),
        ("", "empty string"),
        ("2147483648", "too large"),
        ("9" * 5_000, "too large"),
    ],
)
def test_anything_but_a_small_whole_number_is_refused_by_name(name, written, words):
    with pytest.raises(ValueError, match=f"{name}: .*{words}"):
        asked(f"{name}={written}")


@pytest.mark.parametrize(
    "agent_id", ["", "x", "agent_", "agent_" + "A" * 32, "agent_" + "0" * 31, f"{AGENT}%0A", "null"]
)
def test_a_malformed_agent_id_is_refused(agent_id):
    with pytest.raises(ValueError, match="agent_id: expected agent_"):
        asked(f"agent_id={agent_id}")


@pytest.mark.parametrize("query", ["limit=1&limit=1", "search=a&search=b", "offset=0&x=1&offset=0"])
def test_a_known_parameter_given_twice_is_refused(query):
    with pytest.raises(ValueError, match=r"duplicate field `(limit|search|offset)`"):
        asked(query)


def test_unknown_parameters_are_ignored_however_often_they_come():
    assert asked("status=active&status=idle&order=asc&cursor=&=x") == Asked()


def test_an_empty_search_is_a_search_for_no_words():
    assert asked("search=").search == ""


def test_a_query_that_is_not_utf_8_is_read_all_the_same():
    assert asked("search=%ff%fe").search == "��"
