"""The vendors' command lines: how each is set up to use this server and the stand-in alone."""
# ruff: noqa: INP001

import json
from functools import partial
from typing import Any

from client import KEY, PROMPT, Client, Setting


def _claude(setting: Setting, **more: Any) -> list[str]:
    server = {"type": "stdio", "command": setting.server, "args": ["--demo"], **more}
    config = setting.write("mcp.json", {"mcpServers": {"sessions": server}})
    allowed = "mcp__sessions,ToolSearch"
    options = ["--mcp-config", str(config), "--strict-mcp-config", "--allowedTools", allowed]
    return ["-p", PROMPT, "--output-format", "json", *options]


def _codex(setting: Setting) -> list[str]:
    provider = {"name": "stand-in", "base_url": f"{setting.url}/v1", "wire_api": "responses"}
    provider |= {"env_key": "OPENAI_API_KEY"}
    tables = {"model_providers.stand-in": provider}
    tables["mcp_servers.sessions"] = {"command": setting.server, "args": ["--demo"]}
    # It asks its model without the tools of a server that is not up yet, unless it is required.
    tables["mcp_servers.sessions"] |= {"required": True, "default_tools_approval_mode": "approve"}
    tables["features"] = {"plugins": False, "apps": False, "remote_plugin": False}
    tables["analytics"] = {"enabled": False}
    tables["otel"] = {"exporter": "none", "metrics_exporter": "none"}
    head = {"model": "gpt-5", "model_provider": "stand-in", "check_for_update_on_startup": False}
    setting.write(".codex/config.toml", _toml({"": head, **tables}))
    return ["exec", "--skip-git-repo-check", "--ephemeral", "--color", "never", PROMPT]


def _toml(tables: dict[str, dict[str, Any]]) -> str:
    lines = []
    for name, table in tables.items():
        lines += [f"[{name}]"] if name else []
        lines += [f"{key} = {json.dumps(value)}" for key, value in table.items()]
    return "\n".join(lines) + "\n"


def _gemini(setting: Setting) -> list[str]:
    server = {"command": setting.server, "args": ["--demo"], "trust": True}
    settings = {
        "mcpServers": {"sessions": server},
        "general": {"enableAutoUpdate": False, "enableAutoUpdateNotification": False},
        "privacy": {"usageStatisticsEnabled": False},
        "telemetry": {"enabled": False},
        "security": {"auth": {"selectedType": "gemini-api-key"}},
    }
    setting.write(".gemini/settings.json", settings)
    return ["--skip-trust", "--yolo", "-m", "gemini-2.5-flash", "-p", PROMPT]


def _opencode(setting: Setting) -> list[str]:
    options = {"baseURL": f"{setting.url}/v1", "apiKey": KEY}
    models = {"stand-in": {"name": "stand-in", "tool_call": True}}
    provider = {"npm": "@ai-sdk/openai-compatible", "options": options, "models": models}
    config = {
        "provider": {"local": provider},
        "model": "local/stand-in",
        "small_model": "local/stand-in",
        "mcp": {"sessions": {"type": "local", "command": [setting.server, "--demo"]}},
        "autoupdate": False,
        "share": "disabled",
    }
    setting.write(".config/opencode/opencode.json", config)
    return ["run", "--format", "json", "--auto", "--model", "local/stand-in", PROMPT]


_CLAUDE = {
    "ANTHROPIC_BASE_URL": "{url}",
    "ANTHROPIC_API_KEY": KEY,
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL": "1",
    "DISABLE_AUTOUPDATER": "1",
    "DISABLE_TELEMETRY": "1",
}
_GEMINI = {"GOOGLE_GEMINI_BASE_URL": "{url}", "GEMINI_API_KEY": KEY}
_OPENCODE = {
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1",
    "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
    "OPENCODE_DISABLE_MODELS_FETCH": "1",
    "OPENCODE_DISABLE_PROJECT_CONFIG": "1",
    "npm_config_offline": "true",  # it would fetch a plugin's types at every start
}
_CLAUDE_PACKAGE = ("@anthropic-ai/claude-code",)

COMMAND_LINES = (
    Client("Claude Code", "npm", _CLAUDE_PACKAGE, "claude", _claude, _CLAUDE),
    Client(
        "Claude Code, alwaysLoad",
        "npm",
        _CLAUDE_PACKAGE,
        "claude",
        partial(_claude, alwaysLoad=True),
        _CLAUDE,
    ),
    Client("Codex", "npm", ("@openai/codex",), "codex", _codex, {"OPENAI_API_KEY": KEY}),
    Client("Gemini CLI", "npm", ("@google/gemini-cli",), "gemini", _gemini, _GEMINI),
    Client("opencode", "npm", ("opencode-ai",), "opencode", _opencode, _OPENCODE),
)
