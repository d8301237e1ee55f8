import os

import pytest
from pydantic import ValidationError

from mcp_sessions.errors import InvalidSettings
from mcp_sessions.settings import Settings

KEY = "evr_pat_CANARYKEY123"


def refusal(environ):
    with pytest.raises(InvalidSettings) as refused:
        Settings.from_env(environ)
    return str(refused.value)


def test_an_empty_environment_is_enough_to_start():
    settings = Settings.from_env({})
    assert settings.api_url == "https://app.everruns.com/api"
    assert settings.api_key is None


def test_an_empty_variable_counts_as_absent():
    assert Settings.from_env({"EVERRUNS_API_KEY": " ", "EVERRUNS_API_URL": ""}).api_key is None


def test_a_key_never_shows_in_the_settings():
    settings = Settings.from_env({"EVERRUNS_API_KEY": KEY})
    assert settings.api_key is not None
    assert KEY not in repr(settings) + str(settings) + settings.model_dump_json()


def test_a_key_file_is_read_without_its_newline(tmp_path):
    file = tmp_path / "key"
    file.write_text(KEY + "\n")
    settings = Settings.from_env({"EVERRUNS_API_KEY_FILE": str(file)})
    assert settings.api_key.get_secret_value() == KEY


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe"])
def test_an_unusable_key_file_is_named(tmp_path, content):
    file = tmp_path / "key"
    file.write_bytes(content)
    assert "EVERRUNS_API_KEY_FILE" in refusal({"EVERRUNS_API_KEY_FILE": str(file)})


def test_a_key_file_that_is_a_pipe_is_refused_at_once(tmp_path):
    file = tmp_path / "key"
    os.mkfifo(file)
    said = refusal({"EVERRUNS_API_KEY_FILE": str(file)})
    assert said.startswith("EVERRUNS_API_KEY_FILE cannot be read (it is no regular file)")


def test_a_key_file_of_more_than_64_kib_is_refused(tmp_path):
    file = tmp_path / "key"
    file.write_bytes(b"x" * (64 * 1024 + 1))
    assert "(it is larger than 65536 bytes)" in refusal({"EVERRUNS_API_KEY_FILE": str(file)})


def test_a_key_where_the_name_of_its_file_belongs_is_not_quoted():
    said = refusal({"EVERRUNS_API_KEY_FILE": KEY})
    assert said == "EVERRUNS_API_KEY_FILE cannot be read (FileNotFoundError)."


def test_a_missing_key_file_is_named():
    assert "EVERRUNS_API_KEY_FILE cannot be read" in refusal(
        {"EVERRUNS_API_KEY_FILE": "/nowhere/key"}
    )


def test_a_key_and_a_key_file_together_are_refused(tmp_path):
    file = tmp_path / "key"
    file.write_text(KEY)
    environ = {"EVERRUNS_API_KEY": KEY, "EVERRUNS_API_KEY_FILE": str(file)}
    assert "both set" in refusal(environ)


@pytest.mark.parametrize("key", ["two\nlines", "schlüssel", "tab\tbed"])
def test_a_key_that_no_header_carries_is_refused_without_being_shown(key):
    message = refusal({"EVERRUNS_API_KEY": key})
    assert message.startswith("EVERRUNS_API_KEY cannot be used: ")
    assert key not in message


@pytest.mark.parametrize(
    "url",
    [
        "app.everruns.com",
        "ftp://host/api",
        "https://",
        "https://u:p@host/api",
        "https://h/api?x=1",
        "http://h/api?",
        "http://h:99999/api",
        "http://h:abc/api",
        "http://h o/api",
        "http://[h/api",
    ],
)
def test_an_unusable_address_is_refused(url):
    message = refusal({"EVERRUNS_API_URL": url})
    assert message.startswith("EVERRUNS_API_URL cannot be used: ")
    assert "u:p" not in message


def test_an_address_keeps_its_path_and_loses_its_last_slash():
    settings = Settings.from_env({"EVERRUNS_API_URL": "http://localhost:9300/api/"})
    assert settings.api_url == "http://localhost:9300/api"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MCP_SESSIONS_DEADLINE", "soon"),
        ("MCP_SESSIONS_DEADLINE", "0"),
        ("MCP_SESSIONS_DEADLINE", "nan"),
        ("MCP_SESSIONS_MAX_RESULT_CHARS", "10"),
        ("MCP_SESSIONS_LOG_LEVEL", "loud"),
        ("MCP_SESSIONS_NO_KEY", "perhaps"),
        ("EVERRUNS_ORG_ID", "org with spaces"),
    ],
)
def test_a_value_out_of_range_is_named(name, value):
    assert refusal({name: value}).startswith(f"{name} cannot be used: ")


def test_variables_of_other_programs_are_left_alone():
    assert Settings.from_env({"EVERRUNS_AGENT_KEY": "x", "PATH": "/bin"}).api_key is None


def test_settings_are_frozen():
    with pytest.raises(ValidationError):
        Settings().deadline = 5
