"""Run an openai-agents agent with this server, its schemas converted to strict ones."""
# ruff: noqa: INP001

import asyncio
import sys

from agents import Agent, OpenAIResponsesModel, Runner, set_tracing_disabled
from agents.mcp import MCPServerStdio
from openai import AsyncOpenAI


async def main(server: str, url: str, prompt: str) -> None:
    """Run one turn of an agent."""
    set_tracing_disabled(disabled=True)
    client = AsyncOpenAI(api_key="none-needed", base_url=f"{url}/v1")
    model = OpenAIResponsesModel(model="stand-in", openai_client=client)
    strict = {"convert_schemas_to_strict": True}
    async with MCPServerStdio(params={"command": server, "args": ["--demo"]}) as sessions:
        agent = Agent(name="agent", model=model, mcp_servers=[sessions], mcp_config=strict)
        await Runner.run(agent, prompt)


asyncio.run(main(*sys.argv[1:]))
