"""The two MCP tools: definitions, calls and results."""
