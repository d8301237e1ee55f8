import pytest

from mcp_sessions.results.credentials.mask import MASK, masked


@pytest.mark.parametrize(
    ("torn", "shown"),
    [
        ("ghp_a1B2c3D4e5 F6g7H8i9J0", MASK),
        ("AIzaSyA1b2C3 d4E5f6G7h8I9j0K1 is it", f"{MASK} is it"),
        ("hf_AbCd e1F2g3H4i5J6k7L8 fails", f"{MASK} fails"),
        ('"ghp_a1B2c3D4e5" + "F6g7H8i9J0"', f'"{MASK}"'),
        ("'ghp_a1B2c3D4e5' 'F6g7H8i9J0'", f"'{MASK}'"),
    ],
)
def test_a_key_that_is_torn_is_masked_with_its_parts(torn, shown):
    assert masked(torn) == shown


@pytest.mark.parametrize(
    "text", ["hf_hub and HttpV2Client", "sk-learn Pipeline2Go", "npm_config RegistryV2Url"]
)
def test_a_word_that_begins_like_a_key_is_no_part_of_the_next_word(text):
    assert masked(text) == text


def test_words_behind_a_key_are_shown():
    assert masked("ghp_a1B2c3D4e5 expired yesterday") == f"{MASK} expired yesterday"
