import re
from collections import Counter

import pytest

from mcp_sessions.results.credentials.issuers import ISSUERS
from mcp_sessions.results.credentials.mask import MASK, masked


@pytest.mark.parametrize("issuer", ISSUERS, ids=lambda issuer: issuer.name)
def test_the_example_of_an_issuer_is_masked_and_its_counter_example_is_not(issuer):
    for shown in ("{}", "use {} today", "x={},", "«{}»", "/{}/"):
        text = shown.format(issuer.example)
        left = masked(text)
        assert left == shown.format(MASK) or issuer.example not in left, left
        assert not set(_runs(issuer.example)) & set(_runs(left)), left
    assert masked(issuer.counter_example) == issuer.counter_example


def test_no_two_issuers_have_one_name():
    assert [name for name, times in Counter(one.name for one in ISSUERS).items() if times > 1] == []


def test_an_example_of_an_issuer_begins_as_its_line_says():
    for issuer in ISSUERS:
        starts = issuer.starts or ("",)
        assert any(
            issuer.example.startswith(start) and re.match(issuer.rest, issuer.example[len(start) :])
            for start in starts
        ), issuer.name


def _runs(text, length=6):
    """Return every part of a text of so many letters, digits and signs."""
    text = text.replace(MASK, " " * length)
    runs = (text[start : start + length] for start in range(len(text) - length + 1))
    return [run for run in runs if " " not in run]
