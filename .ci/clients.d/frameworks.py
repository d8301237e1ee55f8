"""Agent frameworks, each run by a script of its own in an environment of its own."""
# ruff: noqa: INP001

from collections.abc import Callable
from pathlib import Path

from client import KEY, PROMPT, Client, Setting

FOLDER = Path(__file__).with_name("frameworks")


def _script(name: str) -> Callable[[Setting], list[str]]:
    def arguments(setting: Setting) -> list[str]:
        return [str(FOLDER / name), setting.server, setting.url, PROMPT]

    return arguments


FRAMEWORKS = (
    Client(
        "google-genai",
        "pip",
        ("google-genai", "mcp"),
        "python",
        _script("with_google_genai.py"),
    ),
    Client(
        "google-adk",
        "pip",
        ("google-adk[mcp]",),
        "python",
        _script("with_google_adk.py"),
        {"GOOGLE_API_KEY": KEY},
    ),
    Client(
        "openai-agents, strict",
        "pip",
        ("openai-agents",),
        "python",
        _script("with_openai_agents.py"),
        strict=True,
    ),
    Client(
        "langchain-mcp-adapters",
        "pip",
        ("langchain-mcp-adapters", "langchain-openai"),
        "python",
        _script("with_langchain.py"),
    ),
    Client(
        "pydantic-ai",
        "pip",
        ("pydantic-ai-slim[mcp,openai]",),
        "python",
        _script("with_pydantic_ai.py"),
    ),
)
