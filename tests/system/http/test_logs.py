"""What goes to stderr, at every level: never what is asked for or shown."""

import signal

import pytest

from support.http_callers import served
from support.raw_upstream import answer


@pytest.mark.parametrize("level", ["debug", "info", "warning"])
def test_no_level_of_the_log_shows_search_words_titles_or_keys(bare_environment, api, level):
    own = {"MCP_SESSIONS_LOG_LEVEL": level}
    with served(bare_environment, api.url, **own) as server:
        assert server.call(search="harbor").status_code == 200
        server.older_call(search="harbor")
        shown = server.call(limit=1).json()["result"]["structuredContent"]["sessions"][0]
        server.call(tool="get_session_page", cursor="1CANARYCURSOR")
        server.post(b"CANARYBODY", {})
        said = server.process.end(signal.SIGTERM).stderr
    for word in ("harbor", shown["label"], shown["id"], "CANARY", "evr_pat"):
        assert word not in said
    assert ("DEBUG" in said) == (level == "debug")


def test_an_outage_and_its_end_are_a_line_each_at_the_default_level(bare_environment, upstreams):
    upstreams.turn_to(lambda exchange: exchange.send(answer(b"{}", "503 Service Unavailable")))
    with served(bare_environment, upstreams.url) as server:
        for number in range(4):
            server.call(search=f"word{number}")
        said = server.process.end(signal.SIGTERM).stderr
    assert said.count("the API failed 8 times in a row") == 1


def test_callers_that_are_refused_are_one_line_a_minute(bare_environment, api):
    with served(bare_environment, api.url) as server:
        for _ in range(20):
            assert server.post(b"hello?", {"host": "evil.example"}).status_code == 421
        said = server.process.end(signal.SIGTERM).stderr
    assert said.count("callers are refused: 421") == 1
