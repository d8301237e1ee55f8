"""An environment without what is the machine's own, and upstreams to stand behind a server."""

from collections.abc import Iterator

import pytest
from faults.upstream import Upstream, upstream
from interop.conftest import bare_environment

__all__ = ["bare_environment"]


@pytest.fixture
def upstreams() -> Iterator[Upstream]:
    """Serve a right list from raw sockets, until told otherwise."""
    with upstream() as told:
        yield told
