"""The heavy fields of a session, with a credential in each one that may hold one."""

from random import Random
from typing import Any

from mcp_sessions.embedded.phrases import WORDS, canary, chance, prose, sentence

_CAPABILITIES = ("memory", "tool_search", "web_fetch", "session_storage", "sql")
_FEATURES = ("file_system", "schedules", "secrets", "key_value", "sql_database", "leased_resources")


def middling(entropy: Random, row: int) -> dict[str, Any]:
    """Return fields that bring a row to 8 to 15 KB: a prompt, a few tools, small settings."""
    return {
        "system_prompt": _prompt(entropy, row, entropy.randint(1_500, 3_500)),
        "tools": [_tool(entropy, row, n) for n in range(entropy.randint(4, 6))],
        "features": sorted(entropy.sample(_FEATURES, k=entropy.randint(1, 4))),
        **_settings(entropy, row),
    }


def heavy(entropy: Random, row: int, self_url: str) -> dict[str, Any]:
    """Return every heavy field at once, 45 to 90 KB of them."""
    return middling(entropy, row) | {
        "system_prompt": _prompt(entropy, row, entropy.randint(4_000, 9_000)),
        "tools": [_tool(entropy, row, n) for n in range(entropy.randint(8, 14))],
        "initial_files": [_file(entropy, row, n) for n in range(entropy.randint(3, 4))],
        "mcpServers": _servers(entropy, row),
        "blueprint_id": "blueprint_field_survey",
        "blueprint_config": {
            "target": "acme/harvest",
            "deploy_key": f"-----BEGIN KEY-----{canary('BLUEPRINT', row, entropy)}",
        },
        "allowed_actions": _actions(entropy, row, self_url),
    }


def owner_metadata(entropy: Random, row: int, field: str) -> dict[str, str]:
    """Return what a principal's metadata may carry."""
    return {
        "email": "keeper@example.org",
        "session_cookie": f"sid={canary(field.upper(), row, entropy)}",
    }


def _prompt(entropy: Random, row: int, characters: int) -> str:
    secret = canary("PROMPT", row, entropy)
    return f"{prose(entropy, characters)}\nLog in to the ledger with password {secret} when asked."


def _settings(entropy: Random, row: int) -> dict[str, Any]:
    return {
        "capabilities": [
            {"ref": ref, "config": {"token": f"xoxb-{canary(f'CAPABILITY{n}', row, entropy)}"}}
            for n, ref in enumerate(entropy.sample(_CAPABILITIES, k=2))
        ],
        "hints": {
            "setup_connection": chance(entropy, 50),
            "openai_api_key": f"sk-proj-{canary('HINT', row, entropy)}",
        },
        "network_access": {
            "allowed": [
                "*.example.org",
                f"https://robot:{canary('NETWORK', row, entropy)}@proxy.example.org/",
            ],
            "blocked": ["169.254.169.254"],
        },
    }


def _tool(entropy: Random, row: int, number: int) -> dict[str, Any]:
    names = entropy.sample(WORDS, k=entropy.randint(5, 9))
    properties: dict[str, Any] = {
        name: {"type": "string", "description": sentence(entropy, entropy.randint(8, 14))}
        for name in names[1:]
    }
    properties["api_key"] = {
        "type": "string",
        "default": f"sk-live-{canary(f'TOOL{number}', row, entropy)}",
    }
    tool = {
        "type": "builtin" if number % 2 else "client_side",
        "name": f"{names[0]}_{number}",
        "description": prose(entropy, 250),
        "parameters": {"type": "object", "properties": properties, "required": ["api_key"]},
        "hints": {"readonly": number % 3 == 0, "open_world": True},
        "deferrable": "automatic",
    }
    return tool | ({"policy": "requires_approval"} if number % 2 else {})


def _file(entropy: Random, row: int, number: int) -> dict[str, Any]:
    secret = canary(f"FILE{number}", row, entropy)
    return {
        "path": f"/workspace/{entropy.choice(WORDS)}_{number}.md",
        "content": f"API_TOKEN={secret}\n{prose(entropy, entropy.randint(8_000, 14_000))}",
        "encoding": "text",
        "is_readonly": number == 0,
    }


def _servers(entropy: Random, row: int) -> dict[str, Any]:
    return {
        "orders": {
            "type": "http",
            "url": f"https://mcp.example.org/orders?sig={canary('URL', row, entropy)}",
            "auth_mode": "api_key",
            "headers": {
                "Authorization": f"Bearer {canary('HEADER', row, entropy)}",
                "X-Api-Key": canary("APIKEY", row, entropy),
            },
            "tool_discovery": True,
            "protocol_mode": "auto",
        },
        "local": {
            "type": "stdio",
            "url": "",
            "command": f"/opt/tools/serve --key={canary('COMMAND', row, entropy)}",
            "args": ["--quiet", "--token", canary("ARGUMENT", row, entropy)],
            "env": {"GITHUB_TOKEN": f"ghp_{canary('ENVIRONMENT', row, entropy)}"},
        },
    }


def _actions(entropy: Random, row: int, self_url: str) -> list[dict[str, str]]:
    signed = f"{self_url}/cancel?token={canary('ACTION', row, entropy)}"
    return [
        {"rel": "self", "method": "GET", "href": self_url, "operation_id": "get_session"},
        {"rel": "cancel", "method": "POST", "href": signed, "operation_id": "cancel_session"},
    ]
