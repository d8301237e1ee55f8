"""The log on stderr: each line is one line, and shows what strangers sent without its powers."""

import logging
import sys


def quoted(text: str, kept: str = "") -> str:
    """Return a text with an escape for each character that is not printed, but for `kept`."""
    if text.isprintable():
        return text
    escapes = (one.encode("unicode_escape").decode() for one in text)
    return "".join(
        one if one.isprintable() or one in kept else escape
        for one, escape in zip(text, escapes, strict=True)
    )


class QuotedLines(logging.Formatter):
    """Formats a line that may quote a stranger: no library is trusted to have done so itself."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the line."""
        return quoted(super().formatMessage(record))

    def formatException(self, ei: object) -> str:  # noqa: N802 - logging's name
        """Return a traceback in its lines."""
        return quoted(super().formatException(ei), "\n")  # type: ignore[arg-type]


def log_to_stderr(level: str) -> None:
    """Write this package's lines from a level on, and those of libraries from a warning on."""
    # Libraries log addresses with their search words, and whole answers, below a warning: whatever
    # their loggers' levels are, such lines go no further than the handler.
    own = logging.getLogger("mcp_sessions")
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(
        lambda line: line.name.startswith(own.name) or line.levelno >= logging.WARNING
    )
    handler.setFormatter(QuotedLines("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    own.setLevel(level.upper())
