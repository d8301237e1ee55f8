"""Run a pydantic-ai agent with this server as its toolset."""
# ruff: noqa: INP001

import asyncio
import sys

from fastmcp.client.transports import StdioTransport
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider


async def main(server: str, url: str, prompt: str) -> None:
    """Run one turn of an agent."""
    provider = OpenAIProvider(base_url=f"{url}/v1", api_key="none-needed")
    toolset = MCPToolset(StdioTransport(command=server, args=["--demo"]))
    agent = Agent(OpenAIChatModel("stand-in", provider=provider), toolsets=[toolset])
    async with agent:
        await agent.run(prompt)


asyncio.run(main(*sys.argv[1:]))
