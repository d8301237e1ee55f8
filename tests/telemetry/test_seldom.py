import logging

from mcp_sessions.telemetry.seldom import SeldomLog


def test_a_line_of_a_kind_is_written_once_a_minute_with_how_often_it_was_meant(caplog):
    now = [100.0]
    log = SeldomLog(logging.getLogger("mcp_sessions.test"), clock=lambda: now[0])
    for _ in range(3):
        log.warning(401, "callers are refused: %d", 401)
        log.warning(403, "callers are refused: %d", 403)
    now[0] += 60
    log.warning(401, "callers are refused: %d", 401)
    assert caplog.messages == [
        "callers are refused: 401",
        "callers are refused: 403",
        "callers are refused: 401 (and 2 times more since the last such line)",
    ]
