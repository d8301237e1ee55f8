import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_sessions.results.contained import (
    MAX_EXCERPT_CHARS,
    contains_all,
    with_found,
    words_of,
)
from mcp_sessions.results.rows import brief, full, standard
from mcp_sessions.wire.models import FullSession

LONG = "Some words before it and then some more of them. "


def session(**fields):
    return FullSession(id="session_1", **fields)


def found(asked, row=brief, **fields):
    words, one = words_of(asked), session(**fields)
    assert contains_all(one, words)
    shown = with_found(row(one), one, words).found
    return shown and shown.compact()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Straße", "STRASSE"),
        ("straße", "ße"),
        ("ΟΔΥΣΣΕΥΣ", "οδυσσευς"),
        ("İstanbul", "i\u0307stan"),
        ("Cafe\u0301 au lait", "café"),
        ("café au lait", "cafe\u0301"),
        ("re\u00adfund", "refund"),
        ("refund", "re\u200bfund"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("two\nlines", "two lines"),
    ],
)
def test_words_are_found_whatever_their_case_and_spelling(text, words):
    assert contains_all(session(title=text), words_of(words))
    assert contains_all(session(output_preview=text), words_of(words))


def test_each_word_may_stand_in_another_text():
    one = session(title="alpha", preview="beta", output_preview="gamma")
    assert contains_all(one, words_of("gamma alpha beta"))
    assert not contains_all(one, words_of("gamma alpha delta"))


@pytest.mark.parametrize("words", ["\u200b", "\u202e", "\ufeff \u2060"])
def test_words_of_nothing_visible_match_nothing_and_not_everything(words):
    assert not contains_all(session(title="alpha"), words_of(words))


def test_only_what_can_be_shown_of_a_text_is_looked_at():
    assert contains_all(session(preview="x" * 190 + " needle"), words_of("needle"))
    assert not contains_all(session(preview="x" * 250 + " needle"), words_of("needle"))


def test_a_row_shows_the_words_in_their_surroundings():
    text = LONG * 2 + "The refund is due. " + LONG
    assert found("REFUND", title="A title", output_preview=text) == {
        "reply": "…some more of them. The refund is due. Some words before…"
    }


def test_what_the_row_shows_already_is_not_shown_again():
    assert found("refund", title="A refund") is None
    assert found("refund", preview="A refund") is None
    text = LONG + "A refund."
    assert found("refund", full, title="A title", preview=text) is None
    assert found("refund", title="A title", preview=text) is not None


def test_each_text_with_a_word_that_the_row_does_not_show_there_has_an_excerpt():
    shown = found("refund", title="A refund", preview=LONG + "Refund?", output_preview="Refunded.")
    assert {name: "efund" in text for name, text in shown.items()} == {
        "question": True,
        "reply": True,
    }


def test_words_far_from_each_other_are_all_shown():
    shown = found("alpha omega", title="x", output_preview="alpha " + LONG * 3 + "omega")
    assert "alpha" in shown["reply"]
    assert "omega" in shown["reply"]
    near = found("alpha beta", title="x", output_preview=LONG + "alpha beta " + LONG)
    assert len(near["reply"]) <= MAX_EXCERPT_CHARS + 2


def test_a_word_beyond_the_label_is_shown_of_the_title():
    assert "needle" in found("needle", standard, title=LONG * 2 + "needle")["title"]


@pytest.mark.parametrize("detail", [brief, standard, full])
def test_no_excerpt_shows_what_is_masked(detail):
    text = LONG + "the key is sk-proj-CANARY1234567890 and token=CANARY123"
    assert "CANARY" not in str(found("key", detail, title="x", output_preview=text))


words = st.text(st.sampled_from("aßİéΣ字👩\u200d👧 e\u0301"), min_size=1, max_size=9).filter(
    str.strip
)


@given(st.lists(words, min_size=1, max_size=60), st.data())
def test_a_word_of_a_text_is_found_and_shown(texts, data):
    text = " ".join(texts)
    (word, *_) = words_of(data.draw(st.sampled_from(text.split())))
    one = session(title="x", output_preview=text)
    if contains_all(one, (word,)):
        shown = with_found(brief(one), one, (word,)).found
        assert word in words_of_all(shown.reply)


def words_of_all(text):
    return " ".join(words_of(text))
