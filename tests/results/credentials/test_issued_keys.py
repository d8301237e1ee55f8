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


@pytest.mark.parametrize("before", ["x", "½", "%41", "１", "token"])
def test_a_key_right_behind_a_word_is_masked(before):
    assert masked(f"{before}sk_live_0a1b2c3d4e5f0a1b2c3d4e5f") == f"{before}{MASK}"


@pytest.mark.parametrize("text", ["task-proj-planning-2026", "risk_live_data", "task_test_users2"])
def test_a_word_that_ends_like_the_start_of_a_key_is_shown(text):
    assert masked(text) == text
