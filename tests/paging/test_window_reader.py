"""What a reader of windows learns of an API that gives fewer rows than were asked for."""

import anyio
import pytest

from mcp_sessions.api.client import open_api
from mcp_sessions.arguments import ListSessions
from mcp_sessions.paging.window_reader import WindowReader
from mcp_sessions.wire.models import Session

from support.calls import DEADLINE, settings_for
from support.raw_upstream import cuts, in_turn, page_answer, upstream
from support.rows import row

ROWS = [row(number) for number in range(60)]


def with_reader(behaviour, use):
    """Return what `use` makes of a reader of an API that behaves so, and the requests it took."""

    async def used(url):
        with anyio.fail_after(DEADLINE):
            async with open_api(settings_for(url)) as api:
                return await use(WindowReader(api, ListSessions(), Session))

    with upstream() as served:
        served.turn_to(behaviour)
        return anyio.run(used, served.url), len(served.asked())


def nothing_behind(behaviour, offset=0, limit=20, max_reads=9):
    async def look(reader):
        window = await reader.read(offset, limit)
        return await reader.nothing_behind(window, None, max_reads=max_reads)

    return with_reader(behaviour, look)


def test_a_reader_learns_how_many_rows_the_api_gives_at_most():
    async def read(reader):
        rooms = [reader.room]
        for limit in (5, 20, 3):
            await reader.read(0, limit)
            rooms.append(reader.room)
        return rooms

    assert with_reader(cuts(ROWS, lambda _: 7), read)[0] == [100, 100, 7, 7]


def test_a_reader_expects_no_fewer_rows_than_can_prove_something():
    async def read(reader):
        await reader.read(0, 20)
        return reader.granted, reader.room

    assert with_reader(cuts(ROWS, lambda _: 1), read)[0] == (1, 3)


def test_an_answer_as_full_as_the_api_gives_does_not_end_the_list_at_a_total():
    async def read(reader):
        await reader.read(0, 20)
        return (await reader.read(53, 20)).ended, (await reader.read(55, 20)).ended

    assert with_reader(cuts(ROWS, lambda _: 7), read)[0] == (False, True)


@pytest.mark.parametrize("total", [None, 3])
def test_a_short_answer_without_a_total_that_can_be_true_does_not_end_the_list(total):
    async def read(reader):
        return (await reader.read(50, 20)).ended, reader.total

    assert with_reader(cuts(ROWS, lambda _: 20, total=total), read)[0] == (False, None)


def test_nothing_stands_behind_a_window_that_an_empty_answer_follows():
    assert nothing_behind(cuts(ROWS, lambda _: 20, total=900), offset=50) == (True, 2)


def test_a_session_behind_a_window_shows_that_the_list_goes_on():
    assert nothing_behind(cuts(ROWS, lambda _: 5)) == (False, 2)


def test_known_rows_behind_a_window_show_nothing_and_the_next_answer_is_asked_for():
    first, again = page_answer(ROWS[:5], total=90), page_answer(ROWS[3:5], total=90)
    assert nothing_behind(in_turn(first, again, page_answer([], total=90))) == (True, 3)
    assert nothing_behind(in_turn(first, again, page_answer(ROWS[5:9], total=90))) == (False, 3)


def test_an_api_that_repeats_known_rows_for_ever_is_asked_a_bounded_number_of_times():
    answer = page_answer(ROWS[:5], total=90)
    assert nothing_behind(in_turn(answer), max_reads=6) == (True, 6)


def test_a_list_that_has_shrunk_meanwhile_is_looked_at_again():
    answers = page_answer(ROWS[:5], total=60), page_answer([], total=5)
    assert nothing_behind(in_turn(*answers)) == (False, 2)
