"""Run a google-adk agent with this server as its toolset."""
# ruff: noqa: INP001

import asyncio
import sys

from google.adk.agents import LlmAgent
from google.adk.models import Gemini
from google.adk.runners import InMemoryRunner
from google.adk.tools.mcp_tool import McpToolset, StdioConnectionParams
from mcp import StdioServerParameters


async def main(server: str, url: str, prompt: str) -> None:
    """Run one turn of an agent."""
    parameters = StdioServerParameters(command=server, args=["--demo"])
    toolset = McpToolset(connection_params=StdioConnectionParams(server_params=parameters))
    model = Gemini(model="gemini-2.5-flash", base_url=url)
    agent = LlmAgent(name="agent", model=model, tools=[toolset])
    async with InMemoryRunner(agent=agent) as runner:
        await runner.run_debug(prompt, quiet=True)


asyncio.run(main(*sys.argv[1:]))
