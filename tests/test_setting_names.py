import pytest

from mcp_sessions.errors import InvalidSettings
from mcp_sessions.http_settings import HttpSettings
from mcp_sessions.setting_names import all_names, refuse_unknown
from mcp_sessions.settings import Settings

MODELS = (Settings, HttpSettings)


def test_every_setting_of_the_server_and_of_http_has_a_known_name():
    names = {field.alias for model in MODELS for field in model.model_fields.values()}
    assert set(all_names()) == names
    refuse_unknown(dict.fromkeys(names, "x"))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("MCP_SESSIONS_DEADLIN", "did you mean MCP_SESSIONS_DEADLINE?"),
        ("MCP_SESSIONS_TOKEN_HASH", "did you mean MCP_SESSIONS_TOKEN_HASHES?"),
        ("MCP_SESSIONS_" + "X" * 30, "there are EVERRUNS_API_KEY, "),
    ],
)
def test_a_misspelt_name_is_refused_with_the_likely_one(given, says):
    with pytest.raises(InvalidSettings, match=given) as refused:
        refuse_unknown({given: "1"})
    assert says in str(refused.value)


def test_blank_variables_and_those_of_others_are_none_of_its_business():
    refuse_unknown({"MCP_SESSIONS_DEADLIN": " ", "EVERRUNS_X": "1", "MCP_X": "1"})
