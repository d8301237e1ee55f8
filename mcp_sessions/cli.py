"""The command `mcp-sessions`: a stdio or HTTP server, a demo, a check, or the embedded API."""

import argparse
import errno
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcp_sessions import __version__
from mcp_sessions.errors import InvalidSettings

if TYPE_CHECKING:
    from mcp_sessions.settings import Settings

_FAILED = 1
_USAGE_FAULT = 2  # as argparse exits
_INTERRUPTED = 130  # as a shell reports SIGINT; the servers handle it themselves
_READER_LEFT = 141  # as a shell reports SIGPIPE


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 done, 1 failed, 2 asked wrongly.

    130 and 141 are those of a command that SIGINT ended or whose reader closed the pipe.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a terminal of any encoding shows what it can
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            code = _run(argv)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # or the interpreter would, with a traceback of its own
    except* BrokenPipeError:
        code = _READER_LEFT
        _discard_output()
    except* OSError as faults:
        if any(fault.errno != errno.ENOSPC for fault in _leaves(faults)):
            raise
        code = _FAILED
        _discard_output()
        print("mcp-sessions: the output cannot be written: no space is left.", file=sys.stderr)
    return code


def _leaves(faults: BaseExceptionGroup[OSError]) -> Iterator[OSError]:
    for fault in faults.exceptions:
        if isinstance(fault, BaseExceptionGroup):
            yield from _leaves(fault)
        else:
            yield fault


def _discard_output() -> None:
    """Let what is still buffered go nowhere, or the interpreter would fail to write it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


# OpenTelemetry's API reads these when it is imported, and dies of a value it does not know. They
# are meant for programs that brought a package which does.
_FOR_OTHERS = (
    "OTEL_PROPAGATORS",
    "OTEL_PYTHON_TRACER_PROVIDER",
    "OTEL_PYTHON_METER_PROVIDER",
    "OTEL_PYTHON_CONTEXT",
)


def _run(argv: Sequence[str] | None) -> int:
    for name in _FOR_OTHERS:
        os.environ.pop(name, None)
    # Not a default of the parser's: it would undo a --demo that stands before a command.
    options = _parser().parse_args(argv, argparse.Namespace(demo=False))
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except InvalidSettings as fault:
        print(f"mcp-sessions: {fault}", file=sys.stderr)
        return _USAGE_FAULT
    except KeyboardInterrupt:
        return _INTERRUPTED


def _settings(options: argparse.Namespace) -> "Settings":
    """Read the settings, and log as they say."""
    from mcp_sessions.log_lines import log_to_stderr
    from mcp_sessions.setting_names import refuse_unknown
    from mcp_sessions.settings import Settings

    environ = _environment(options)
    refuse_unknown(environ)
    settings = Settings.from_env(environ)
    log_to_stderr(settings.log_level)
    return settings


def _environment(options: argparse.Namespace) -> dict[str, str]:
    """Return the environment, without the API's variables where made-up sessions are shown."""
    if not (options.demo or options.run in (_demo, _api)):
        return dict(os.environ)
    return {name: value for name, value in os.environ.items() if not name.startswith("EVERRUNS_")}


def _parser() -> argparse.ArgumentParser:
    made_up = argparse.ArgumentParser(add_help=False)
    made_up.add_argument(
        "--demo",
        action="store_true",
        default=argparse.SUPPRESS,
        help="use made-up sessions from the embedded API; no account needed",
    )
    parser = argparse.ArgumentParser(
        prog="mcp-sessions",
        description="Serve Everruns agent sessions to LLM agents over MCP. Without a command:"
        " a stdio server, for a client to start.",
        parents=[made_up],
    )
    parser.add_argument("--version", action="version", version=f"mcp-sessions {__version__}")
    parser.set_defaults(run=_stdio)
    commands = parser.add_subparsers(title="commands", metavar="")
    demo = commands.add_parser("demo", help="show what an agent sees, on made-up sessions")
    demo.set_defaults(run=_demo)
    check = commands.add_parser("check", parents=[made_up], help="check settings, key and API")
    check.set_defaults(run=_check)
    http = commands.add_parser("http", parents=[made_up], help="serve Streamable HTTP at /mcp")
    http.add_argument("--host", help="the address to listen at (127.0.0.1)")
    http.add_argument("--port", type=_port, help="0 picks one (8080)")
    http.set_defaults(run=_http)
    token = commands.add_parser("token", help="make a bearer token for callers over HTTP")
    token.set_defaults(run=_token)
    _add_api(commands)
    return parser


def _add_api(commands: Any) -> None:
    api = commands.add_parser("api", help="serve the embedded sessions API alone")
    api.add_argument("--port", type=_port, default=9300, help="0 picks one (%(default)s)")
    api.add_argument("--load", type=Path, metavar="FILE", help="sessions as JSON or JSONL")
    api.add_argument("--database", type=Path, metavar="FILE", help="keep them in this SQLite file")
    api.add_argument(
        "--shuffle-ties", action="store_true", help="order equal created_at anew in each answer"
    )
    api.add_argument(
        "--status-spelling",
        choices=["waitingfortoolresults", "waiting_for_tool_results"],
        default="waitingfortoolresults",
        help="how the fifth status is spelled (%(default)s)",
    )
    api.set_defaults(run=_api)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65_535:  # noqa: PLR2004 - TCP's last
        raise argparse.ArgumentTypeError("it must be a whole number from 0 to 65535")
    return int(text)


def _stdio(options: argparse.Namespace) -> int:
    from mcp_sessions.signals import exit_now, exit_on_signals
    from mcp_sessions.stdio.descriptors import Descriptors
    from mcp_sessions.stdio.early_reader import EarlyReader
    from mcp_sessions.stdio.lazy_sdk import lazy_sdk_packages

    exit_on_signals()
    descriptors = Descriptors.claim()
    if os.isatty(descriptors.stdin):
        print("Serving MCP over stdio, for a client to start; see --help.", file=sys.stderr)
    early = EarlyReader(descriptors, _environment(options))
    early.start()
    with lazy_sdk_packages():
        settings, unusable = _settings_or_why_not(options)
        if early.client_left:
            exit_now()
        import anyio

        from mcp_sessions.stdio.serve import serve_stdio
    with _made_up_if_asked(options, settings) as settings, _exporting():
        anyio.run(serve_stdio, settings, descriptors, early.finish(), unusable)
    exit_now()


def _settings_or_why_not(
    options: argparse.Namespace,
) -> tuple["Settings", InvalidSettings | None]:
    """Return the settings, or those by default and what is wrong with the operator's.

    A stdio server that ended would look to its client as if it were connected, and then vanish.
    """
    try:
        return _settings(options), None
    except InvalidSettings as fault:
        from mcp_sessions.log_lines import log_to_stderr
        from mcp_sessions.settings import Settings

        print(f"mcp-sessions: {fault}", file=sys.stderr)
        log_to_stderr("warning")
        return Settings(), fault


def _exporting() -> AbstractContextManager[None]:
    """Export traces and metrics if the standard settings say where to; else load nothing."""
    if not any(name.startswith("OTEL_EXPORTER_OTLP") for name in os.environ):
        return nullcontext()
    from mcp_sessions.telemetry.exporters import exporting

    return exporting(os.environ)


def _http(options: argparse.Namespace) -> int:
    from mcp_sessions.signals import exit_now, exit_on_signals

    exit_on_signals()
    from mcp_sessions.http_settings import HttpSettings
    from mcp_sessions.streamable_http.serve import serve_http

    settings = _settings(options)
    environ = dict(os.environ)
    http = HttpSettings.from_env(environ, options.host, options.port)
    with _made_up_if_asked(options, settings) as settings:
        serve_http(settings, http, environ)
    exit_now()


def _token(_: argparse.Namespace) -> int:
    from mcp_sessions.commands.token import print_token

    print_token()
    return 0


def _demo(options: argparse.Namespace) -> int:
    import anyio

    from mcp_sessions.commands.api import embedded_api
    from mcp_sessions.commands.demo import show

    _settings(options)
    with embedded_api() as url:
        anyio.run(show, url)
    return 0


def _check(options: argparse.Namespace) -> int:
    import anyio

    from mcp_sessions.commands.check import check

    with _made_up_if_asked(options, _settings(options)) as settings:
        return 0 if anyio.run(check, settings) else _FAILED


def _api(options: argparse.Namespace) -> int:
    from mcp_sessions.commands.api import serve_api

    _settings(options)
    served = serve_api(
        options.port,
        load=options.load,
        database=options.database,
        status_spelling=options.status_spelling,
        shuffle_ties=options.shuffle_ties,
    )
    return 0 if served else _FAILED


def _made_up_if_asked(
    options: argparse.Namespace, settings: "Settings"
) -> AbstractContextManager["Settings"]:
    """Give the settings, of an embedded API that lives as long where one is asked for."""
    if not (options.demo or settings.demo):
        return nullcontext(settings)
    from mcp_sessions.commands.api import settings_of_embedded_api

    return settings_of_embedded_api(settings)
