"""An environment that leads to an upstream of raw sockets."""

from collections.abc import Iterator, Mapping

import pytest
from faults.upstream import Upstream, upstream
from interop.conftest import bare_environment

__all__ = ["bare_environment"]


@pytest.fixture
def upstreams() -> Iterator[Upstream]:
    """Serve a right list from raw sockets, until told otherwise."""
    with upstream() as told:
        yield told


@pytest.fixture
def environment(bare_environment: Mapping[str, str], upstreams: Upstream) -> dict[str, str]:
    """Return the variables of a server in front of that upstream."""
    own = {"EVERRUNS_API_URL": upstreams.url, "EVERRUNS_API_KEY": "evr_pat_held"}
    return {**bare_environment, **own}
