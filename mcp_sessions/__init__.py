"""An MCP server that lets LLM agents see Everruns agent sessions."""

__version__ = "0.1.0"
