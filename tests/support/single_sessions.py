"""An upstream that has sessions by their ids, and counts what it is asked at once."""

import json
from collections.abc import Iterable, Mapping
from threading import Condition

from support.raw_upstream import PATIENCE, Exchange, answer
from support.rows import id_of, row

_MORE = 0.3  # seconds for a request that should not come
IDS = [id_of(number) for number in range(60)]
MISSING = answer(b'{"title":"Not Found","status":404}', "404 Not Found")


class SingleSessions:
    """Serves sessions by id, those in `instead` with other bytes; None is silence.

    The first `together` requests are answered only when all of them are here.
    """

    def __init__(
        self,
        rows: Iterable[Mapping[str, object]] = (),
        instead: Mapping[str, bytes | None] | None = None,
        *,
        together: int = 1,
    ) -> None:
        stored = [dict(one) for one in rows] or [row(number) for number in range(60)]
        self._answers: dict[str, bytes | None] = {
            str(one["id"]): answer(json.dumps(one).encode()) for one in stored
        }
        self._answers |= instead or {}
        self._together = together
        self._here, self._changed = 0, Condition()
        self.most_at_once = 0
        self.asked: list[str] = []

    def behaviour(self, exchange: Exchange) -> None:
        """Answer one request for a session."""
        id_ = exchange.head.split(b" ", 2)[1].rpartition(b"/")[2].decode()
        with self._changed:
            self.asked.append(id_)
            self._here += 1
            self.most_at_once = max(self.most_at_once, self._here)
            self._changed.notify_all()
            assert self._changed.wait_for(
                lambda: len(self.asked) >= self._together, timeout=PATIENCE
            )
            if len(self.asked) == self._together:  # would one more come?
                self._changed.wait_for(lambda: len(self.asked) > self._together, timeout=_MORE)
        told = self._answers.get(id_, MISSING)
        if told is None:
            exchange.wait(PATIENCE)
            return
        with self._changed:
            self._here -= 1
        exchange.send(told.replace(b"\r\nconnection: close", b"", 1))
        exchange.kept = True
