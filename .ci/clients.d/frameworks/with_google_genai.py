"""Run a google-genai chat with this server's tools, converted from MCP to Gemini's schema."""
# ruff: noqa: INP001

import asyncio
import sys

from google import genai
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def main(server: str, url: str, prompt: str) -> None:
    """Let the client call the session's tools itself."""
    client = genai.Client(api_key="none-needed", http_options={"base_url": url})
    parameters = StdioServerParameters(command=server, args=["--demo"])
    async with stdio_client(parameters) as streams, ClientSession(*streams) as session:
        await session.initialize()
        config = {"tools": [session]}
        await client.aio.models.generate_content(model="stand-in", contents=prompt, config=config)


asyncio.run(main(*sys.argv[1:]))
