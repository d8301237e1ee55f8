import pytest

from mcp_sessions.results.fields import rows_of, unknown_fields
from mcp_sessions.results.models import Row
from mcp_sessions.wire.models import FullSession

from support.rows import EVERY_FIELD

DECIDED_BY_A_RESULT = {"found", "shortened"}


@pytest.mark.parametrize("name", sorted(Row.model_fields.keys() - DECIDED_BY_A_RESULT))
def test_a_row_of_one_field_has_it_beside_id_and_label(name):
    more = {"title": None} if name == "untitled" else {}
    shown = rows_of([name])(FullSession.model_validate(EVERY_FIELD | more)).compact()
    assert set(shown) == {"id", "label", name}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("updated_at", {"updated_at": "2026-11-20T12:01:57Z", "title": "x"}),
        ("finished_at", {"finished_at": "2026-11-20T12:01:57Z"}),
        ("pinned", {"is_pinned": False}),
        ("schedules", {"active_schedule_count": 0}),
        ("reply", {"output_preview": "x" * 200}),
        ("cost_usd", {"usage": {"effective_cost_usd": 0}}),
    ],
)
def test_an_asked_field_is_told_even_where_another_row_leaves_it_out(name, told):
    same = {"updated_at": "2026-11-20T12:01:57Z", "finished_at": "2026-11-20T12:01:57Z"}
    session = FullSession.model_validate({"id": "session_1"} | same | told)
    assert name in rows_of([name])(session).compact()


def test_the_question_is_told_in_full_where_the_label_is_its_start():
    shown = rows_of(["question"])(FullSession(id="s", preview="What is it? " * 20)).compact()
    assert len(shown["question"]) == 200
    assert len(shown["label"]) == 60
    assert shown["untitled"] is True


def test_of_a_field_that_the_api_does_not_tell_nothing_is_said():
    assert rows_of(["cost_usd", "tags"])(FullSession(id="s")).compact() == {
        "id": "s",
        "label": "s",
        "untitled": True,
    }


def test_names_that_rows_have_are_not_unknown():
    assert unknown_fields(Row.model_fields) is None


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["titel"], 'No row has "titel" (near: label, untitled).'),
        (["status", "stauts"], 'No row has "stauts" (near: status, tags, cost_usd).'),
        (["output_preview"], 'No row has "output_preview" (near: reply).'),
        (["", "zzz"], 'No row has "", "zzz".'),
        ([f"zz{number}" for number in range(9)], 'No row has "zz0", "zz1", "zz2".'),
    ],
)
def test_unknown_names_are_said_with_those_that_are_near(names, sentence):
    assert unknown_fields(names) == sentence
