"""What `GET /v1/sessions` and the route of one session allow, as documents and servers say."""

from typing import Final

ROUTE: Final = "/v1/sessions"
ONE_ROUTE: Final = "/v1/sessions/{id}"
MAX_LIMIT: Final = 100
"""Rows of one answer; a larger limit is lowered in silence."""
MAX_SEARCH_WORDS: Final = 8
"""Words of a search; those after the eighth are dropped in silence."""
MAX_OFFSET: Final = 2**31 - 1
"""The API's offset is an int32."""
