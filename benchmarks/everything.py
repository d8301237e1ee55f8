"""Run every comparison, one after the other: starts, calls, load, growth and tokens."""

import argparse
import subprocess
import sys
from pathlib import Path

_HERE = Path(__file__).parent


def main() -> int:
    """Print all tables and draw the curves; return 1 if a part failed, else 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", nargs="?", metavar="FILE", help="an answer of the API, as JSON")
    parser.add_argument("--openapi", metavar="FILE", help="a description, to measure FastMCP too")
    parser.add_argument("--plots", metavar="FOLDER", default=_HERE / "plots", help="(%(default)s)")
    options = parser.parse_args()
    page = [options.page] if options.page else []
    against = ["--openapi", options.openapi] if options.openapi else []
    parts = [
        ["starts.py", *against],
        ["calls.py", *page, *against],
        ["load.py", *page, *against],
        ["growth.py", *against, "--plots", str(options.plots)],
        ["tokens.py", *page],
    ]
    return max(map(_run, parts))


def _run(part: list[str]) -> int:
    print(f"\n# {part[0]}\n", flush=True)
    script, *arguments = part
    done = subprocess.run([sys.executable, _HERE / script, *arguments], check=False)
    return int(done.returncode != 0)


if __name__ == "__main__":
    sys.exit(main())
