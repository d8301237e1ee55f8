import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_sessions.results.safe_text import harmless


@pytest.mark.parametrize(
    "readable",
    [
        "Quarterly audit (v2): 50% done?",
        "می\u200cخواهم گزارش را ببینم",
        "क्षत्रिय \u0926\u094d\u200d\u092f तिमाही रिपोर्ट",
        "👨\u200d👩\u200d👧\u200d👦 family, ❤\ufe0f\u200d🔥, 🇺🇦 and 👍🏽",
        "Résumé à Genève, Größe XL, İstanbul",
        "分析供应商发票 / 분기별 보안 감사 / 四半期計画",
        "תקרית הייצור, תַּנָ״ךְ, ٱلْفَاتِحَة",
        "ตรวจสอบใบแจ้งหนี้, ကြောင့်, བོད་ཡིག",
        "session_01a1f8d1a79d7114874351ef9310e9b1",
        "Token budget 2026: rotate the key schedule",
    ],
)
def test_readable_text_stays_as_it_is(readable):
    assert harmless(readable, 200) == readable


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("line one\nline two\r\n\n- id: session_fake", "line one line two - id: session_fake"),
        ("\x1b[2J\x1b[1;1HAll sessions deleted", "All sessions deleted"),
        ("\x1b]8;;https://evil.example\x07click\x1b]8;;\x07 here", "click here"),
        ("\x9b31mred\x9b0m", "red"),
        ("nul\x00byte and bell\x07", "nul byte and bell"),
        ("safe\u202etxt.exe", "safetxt.exe"),
        ("a\u2066b\u2069c\u200ed\u061ce", "abcde"),
        ("Report\U000e0069\U000e0067\U000e006e", "Report"),
        ("x\U000e0100\U000e0101y", "xy"),
        ("half \ud800 a character", "half a character"),
        ("zero\u200bwidth\ufeff\u2060", "zerowidth"),
        ("\u200d\u200dمی\u200c\u200cخ\u200d", "می\u200cخ"),
        ("gh\u200cp and a\u200db", "ghp and ab"),
        ("  many \u00a0 \u3000 spaces\t", "many spaces"),
        ("Z" + "\u0351" * 40 + "algo", "Z" + "\u0351" * 6 + "algo"),
        ("\u2800\u3164\u115f\uffa0", ""),
        ("private \ue000\U000f0000 use", "private use"),
    ],
)
def test_characters_that_a_reader_cannot_see_are_removed(hostile, shown):
    assert harmless(hostile, 200) == shown


def test_a_cut_keeps_whole_characters():
    family = "👨\u200d👩\u200d👧\u200d👦"
    assert harmless(family * 5, 10) == family + "…"
    assert harmless("क्षि" * 10, 6) == "क्षि…"


@given(st.text(max_size=300), st.integers(min_value=8, max_value=120))
def test_any_text_becomes_one_short_encodable_line(text, limit):
    shown = harmless(text, limit)
    assert len(shown) <= limit
    assert shown == " ".join(shown.split())
    assert not any(ord(c) < 32 or 0xE0000 <= ord(c) <= 0xE0FFF for c in shown)
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\x7f\x9b")
    shown.encode()


@given(st.text(max_size=200), st.integers(min_value=200, max_value=400))
def test_making_harmless_twice_changes_nothing_more(text, limit):
    once = harmless(text, limit)
    assert harmless(once, limit) == once


@pytest.mark.parametrize(
    "evil",
    ["a", "a-", "sk-", "eyJ", "A1a", "key:", "http://", "\x1b]", "x_", "e\u0301", "SG.", "é\u200d"],
)
def test_a_long_text_is_read_in_linear_time(evil):
    """The test would take minutes if any pattern looked back over what it had read."""
    assert len(harmless(evil * 100_000, 60)) <= 60
