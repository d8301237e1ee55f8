import pytest

from mcp_sessions.results.credentials.mask import MASK, masked


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        ("Authorization: Bearer abcdefghij", f"Authorization: Bearer {MASK}"),
        ("'authorization': 'Token 0a1b2c3d'", f"'authorization': 'Token {MASK}'"),
        ("-H 'Authorization: Basic dXNlcjpwYXNz'", f"-H 'Authorization: Basic {MASK}'"),
        ("Authorization: 0a1b2c3d4e5f", f"Authorization: {MASK}"),
        ("bearer 0a1b2c3d4e5f, then", f"bearer {MASK}, then"),
        ("Basic dXNlcjpwYXNzd29yZA==", f"Basic {MASK}"),
        ('Digest username="a b", nonce="0a", response="1b2c"', f"Digest {MASK}"),
        ("AWS4-HMAC-SHA256 Credential=A/26/x, Signature=0a1b2c", f"AWS4-HMAC-SHA256 {MASK}"),
        ("Cookie: a=b; session=c1d2", f"Cookie: {MASK}"),
        ("connect.sid=s%3Aa1B2c3D4; theme=dark", f"connect.sid={MASK}; theme=dark"),
    ],
)  # fmt: skip
def test_what_a_header_keeps_secret_is_masked(header, shown):
    assert masked(header) == shown


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: how it works",
        "Authorization: Bearer <token>",
        "Authorization: Bearer $TOKEN",
        "Bearer of bad news in 2026",
        "Basic python3.11 course",
        "Cookie: 2-week-consent banner",
        "Cookie: SameSite=None; Secure",
        "session=planning",
        "Signature=missing in v2",
    ],
)
def test_a_text_about_headers_is_shown(text):
    assert masked(text) == text
