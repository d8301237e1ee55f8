import json
from typing import get_args

import jsonschema
import pytest

from mcp_sessions.arguments import GetSessionPage, ListSessions
from mcp_sessions.results.models import PageSummary
from mcp_sessions.settings import ResultForm
from mcp_sessions.tools.definitions import definitions, short_schema


def test_both_tools_say_what_they_are():
    tools = definitions()
    assert [tool.name for tool in tools] == ["list_sessions", "get_session_page"]
    for tool in tools:
        assert tool.annotations.model_dump(exclude_none=True) == {
            "title": tool.title,
            "read_only_hint": True,
            "destructive_hint": False,
            "idempotent_hint": True,
            "open_world_hint": False,
        }
        assert len(tool.description) < 2_048
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        jsonschema.Draft202012Validator.check_schema(tool.output_schema)
        assert tool.output_schema["type"] == "object"


def test_clients_that_defer_tools_are_asked_to_keep_both_in_sight():
    for agent_id in (None, OWN):
        for form in get_args(ResultForm):
            for tool in definitions(agent_id, form):
                told = tool.model_dump(mode="json", by_alias=True)
                assert told["_meta"] == {"anthropic/alwaysLoad": True}


@pytest.mark.parametrize("form", get_args(ResultForm))
def test_a_schema_of_results_is_declared_where_results_have_structure(form):
    for whole, tool in zip(definitions(), definitions(None, form), strict=True):
        assert (tool.output_schema is None) == (form == "text")
        left = whole.model_copy(update={"output_schema": tool.output_schema})
        assert left == tool


@pytest.mark.parametrize("said", ["next_cursor", "get_session_page", "may end early", "archived"])
def test_the_first_description_says_how_a_result_goes_on_and_what_it_leaves_out(said):
    assert said in definitions()[0].description


def test_no_argument_is_mirrored_in_a_header_so_the_server_need_not_look_for_one():
    schemas = json.dumps([tool.input_schema for tool in definitions()])
    assert "x-mcp-header" not in schemas


OWN = "agent_" + "0197" + "0" * 24 + "0000"


def test_the_definitions_say_whose_sessions_these_are_and_ask_for_no_agent():
    for tool in definitions(OWN):
        assert tool.description.startswith(f"Shows only the sessions of agent {OWN}.")
        assert "agent_id" not in json.dumps(tool.input_schema) + tool.description


def test_the_schemas_say_what_is_enforced():
    schema = short_schema(ListSessions)
    assert schema["properties"]["limit"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 100,
        "default": 20,
        "description": "Most rows of a page: 1 to 100, default 20",
    }
    assert schema["properties"]["detail"]["enum"] == ["brief", "standard", "full"]
    assert "required" not in schema
    assert "title" not in str(schema["properties"]["limit"])
    assert "null" not in str(short_schema(GetSessionPage))


@pytest.mark.parametrize("model", [ListSessions, GetSessionPage, PageSummary])
def test_a_schema_has_no_word_that_a_vendors_converter_stops_at(model):
    said = json.dumps(short_schema(model))
    for word in ("additionalProperties", "pattern", "minItems", "anyOf", "null", "const"):
        assert f'"{word}"' not in said


@pytest.mark.parametrize("model", [ListSessions, GetSessionPage])
def test_every_argument_is_described_with_its_range_and_default(model):
    for name, schema in short_schema(model)["properties"].items():
        described = schema["description"]
        if name in ("limit", "offset"):
            assert str(schema["minimum"]) in described
        if "default" in schema:
            assert str(schema["default"]).lower() in described.lower()
