import logging
import sys

import pytest

from mcp_sessions.log_lines import QuotedLines, quoted

HOSTILE = "owned\x1b[2J\nb\r\x9b\u202e\u2028"


def fail():
    raise ValueError(HOSTILE)


def record(message, fault=None):
    told = (type(fault), fault, fault.__traceback__) if fault else None
    return logging.LogRecord("a.library", logging.WARNING, __file__, 1, message, (HOSTILE,), told)


def test_a_line_that_quotes_a_stranger_stays_one_line_without_escapes():
    line = QuotedLines("%(name)s %(message)s").format(record("a name: %s"))
    assert line == r"a.library a name: owned\x1b[2J\nb\r\x9b\u202e\u2028"


def test_a_traceback_keeps_its_lines_and_loses_all_else_that_is_not_printed():
    with pytest.raises(ValueError, match="owned") as raised:
        fail()
    said = QuotedLines("%(message)s").format(record("a fault: %s", raised.value))
    assert said.splitlines()[0].startswith("a fault: owned")
    assert len(said.splitlines()) > 3
    assert said.replace("\n", "").isprintable()


@pytest.mark.parametrize("text", ["", "plain", "\u00e4\u4e2d\U0001f600 and \\x1b as it was"])
def test_what_is_printed_is_quoted_as_it_is(text):
    assert quoted(text) == text


def test_half_a_character_is_quoted():
    assert quoted("\udc80" + chr(sys.maxunicode)) == r"\udc80\U0010ffff"
