from hypothesis import given
from hypothesis import strategies as st

from mcp_sessions.results.models import PageSummary, Row, share
from mcp_sessions.results.rows import full, standard
from mcp_sessions.results.size_budget import RowBudget, size_of, sized
from mcp_sessions.results.text import render_row
from mcp_sessions.wire.models import FullSession

words = st.text(max_size=80)
names = st.lists(words, max_size=5)
sessions = st.builds(
    FullSession,
    id=st.from_regex(r"session_[0-9a-f]{1,40}", fullmatch=True),
    title=words,
    preview=words,
    output_preview=words,
    status=words,
    agent_id=st.sampled_from([None, "agent_1", "agent_2 \" '"]),
    organization_id=st.just("org_1"),
    model_id=st.sampled_from([None, "model_1"]),
    tags=names,
    subagent_name=words,
    features=names,
    locale=words,
    created_at=st.none() | st.datetimes(),
    updated_at=st.none() | st.datetimes(),
    finished_at=st.none() | st.datetimes(),
    max_iterations=st.none() | st.integers(0, 10**6),
    is_pinned=st.none() | st.booleans(),
    active_schedule_count=st.none() | st.integers(0, 10),
    tools=st.lists(st.builds(lambda name: {"name": name}, words), max_size=4).map(list),
)


def page_weight(rows):
    """Weigh a page of `rows` as it is sent."""
    shown, shared = share(rows)
    page = PageSummary(
        sessions=shown,
        shared=shared,
        returned=0,
        offset=0,
        limit=20,
        has_more=False,
    )
    return size_of(page.compact())


EMPTY = page_weight([])


def rows_within(max_chars, envelope, made):
    """Return the rows that a budget takes."""
    budget = RowBudget(max_chars, envelope)
    for row in made:
        if not budget.take(row):
            break
    return budget.rows


@given(sessions)
def test_a_rows_text_is_never_longer_than_its_json(session):
    for row in (standard(session), full(session)):
        assert len(render_row(row)) <= size_of(row.compact())


@given(st.lists(sessions, max_size=12), st.integers(300, 6_000))
def test_rows_are_taken_while_the_page_that_says_what_they_share_fits(given_sessions, budget):
    rows = [full(session) for session in given_sessions]
    taken = rows_within(budget, EMPTY, map(sized, rows))
    assert taken == rows[: len(taken)]
    assert len(taken) <= 1 or page_weight(taken) <= budget
    if len(taken) < len(rows):
        assert page_weight(rows[: len(taken) + 1]) > budget - 16


def test_a_result_has_at_least_one_row_even_if_that_is_over_the_budget():
    row = Row(id="session_1", label="x" * 500)
    heavy = sized(row)
    assert rows_within(100, 0, [heavy, heavy]) == [row]
    assert rows_within(100, 0, []) == []
