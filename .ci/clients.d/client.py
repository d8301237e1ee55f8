"""What a client is here: where it comes from, how it is set up and how it is run."""
# ruff: noqa: INP001

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

PROMPT = "List my agent sessions, three of them."
KEY = "none-needed"


@dataclass(frozen=True, slots=True)
class Setting:
    """Where one client runs: its home, the stand-in's URL and this server's command."""

    home: Path
    url: str
    server: str

    def write(self, name: str, content: str | dict[str, Any]) -> Path:
        """Write a file of the home, as JSON unless it is text."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8")
        return path


@dataclass(frozen=True, slots=True)
class Client:
    """One client: its packages, the first of which gives the version, and what runs it."""

    name: str
    registry: Literal["pip", "npm"]
    packages: tuple[str, ...]
    program: str
    arguments: Callable[[Setting], list[str]]
    environment: dict[str, str] = field(default_factory=dict)
    strict: bool = False
    """Whether its schemas have to arrive marked as strict."""

    @property
    def package(self) -> str:
        """The package that is the client itself, without extras."""
        return self.packages[0].partition("[")[0]
