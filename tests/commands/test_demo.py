import subprocess
import sys

TIMEOUT = 60


def test_a_reader_that_has_read_enough_gets_no_traceback():
    with subprocess.Popen(
        [sys.executable, "-m", "mcp_sessions", "demo"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as shown:
        shown.stdout.readline()
        shown.stdout.close()
        assert shown.stderr.read() == b""
        shown.wait(TIMEOUT)
