import pytest

from mcp_sessions.results.credentials.mask import MASK, masked


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("https://user:p%40ss@host/x", f"https://{MASK}@host/x"),
        ("https://a1b2c3d4e5@github.com/x", f"https://{MASK}@github.com/x"),
        ("see mysql://root:p@ss:w0rd@host", f"see mysql://{MASK}@host"),
        ("hooks.slack.com/services/T0/B0/x1Y2z3", f"hooks.slack.com/services{MASK}"),
        ("//hooks.zapier.com/hooks/catch/12/abc1d/", f"//hooks.zapier.com/hooks{MASK}"),
        ("//x.webhook.office.com/webhookb2/0-1@4/I/6", f"//x.webhook.office.com/webhookb2{MASK}"),
        ("https://x.io/reset/aB3dE5fG7hI9jK1lM3nO", f"https://x.io/reset/{MASK}"),
        ("https://x.io/a?token=abcd&page=2", f"https://x.io/a?token={MASK}&page=2"),
        ("https://x.io/a?X-Amz-Signature=0a1b2c#top", f"https://x.io/a?X-Amz-Signature={MASK}#top"),
        ("https://x.io/cal?key=aB3dE5fG7hI9jK1lM3nO", f"https://x.io/cal?key={MASK}"),
        ("/calendar/ical/me/private-0a1b2c3d4e5f/x.ics", f"/calendar/ical/me/private-{MASK}"),
    ],
)  # fmt: skip
def test_what_a_link_keeps_secret_is_masked(link, shown):
    assert masked(link) == shown


@pytest.mark.parametrize(
    "link",
    [
        "ssh://git@github.com/acme/repo.git",
        "git+ssh://git@github.com/acme/repo.git",
        "https://medium.com/@user/story",
        "https://docs.example.com/document/d/1aB3dE5fG7hI9jK1lM3nO5pQ7rS/edit",
        "https://x.io/search?key=name&code=404&state=open&t=42",
        "https://x.io/reset/how-to-reset-your-password",
        "https://x.io/invite/friends-and-family-2026",
        "https://slack.com/help/articles/115005265063",
    ],
)
def test_a_link_that_anybody_may_have_is_shown(link):
    assert masked(link) == link
