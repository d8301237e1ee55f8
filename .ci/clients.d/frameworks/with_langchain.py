"""Run a LangChain model with this server's tools bound to it."""
# ruff: noqa: INP001

import asyncio
import sys

from langchain_core.messages import HumanMessage
from langchain_mcp_adapters.client import MultiServerMCPClient
from langchain_openai import ChatOpenAI


async def main(server: str, url: str, prompt: str) -> None:
    """Run one turn: the model, the tools that it calls, and the model again."""
    connection = {"transport": "stdio", "command": server, "args": ["--demo"]}
    tools = {tool.name: tool for tool in await MultiServerMCPClient({"s": connection}).get_tools()}
    model = ChatOpenAI(model="stand-in", base_url=f"{url}/v1", api_key="none-needed")
    bound = model.bind_tools(list(tools.values()))
    messages = [HumanMessage(prompt), await bound.ainvoke(prompt)]
    for call in messages[-1].tool_calls:
        messages.append(await tools[call["name"]].ainvoke(call))  # noqa: PERF401
    await bound.ainvoke(messages)


asyncio.run(main(*sys.argv[1:]))
