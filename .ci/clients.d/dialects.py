"""The four model APIs that the stand-in speaks: what a request holds and how an answer streams."""
# ruff: noqa: INP001

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

ANSWER = "These are the sessions."
MODEL = "stand-in"
Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Offered:
    """A tool as a client gave it to its model."""

    name: str
    schema: dict[str, Any]
    description: str = ""
    namespace: str | None = None
    strict: bool = False


class Dialect(ABC):
    """One model API, as far as one conversation with one call needs it."""

    named_events = True

    @abstractmethod
    def offered(self, body: dict[str, Any]) -> Iterator[Offered]:
        """Yield the tools that a request gives the model."""

    @abstractmethod
    def results(self, body: dict[str, Any]) -> list[Any]:
        """Return what came back for the calls so far, in order."""

    @abstractmethod
    def call(self, tool: Offered, arguments: dict[str, Any], number: int) -> list[Event]:
        """Return the events of an answer that calls a tool."""

    @abstractmethod
    def say(self, text: str) -> list[Event]:
        """Return the events of an answer in words."""

    def stream(self, events: list[Event]) -> str:
        """Return events as the API sends them, as server-sent events."""
        named = self.named_events
        heads = (f"event: {event['type']}\n" if named else "" for event in events)
        return "".join(
            f"{head}data: {json.dumps(event)}\n\n"
            for head, event in zip(heads, events, strict=True)
        )

    def whole(self, events: list[Event]) -> Event:
        """Return the same answer for a client that asked for no stream."""
        return events[-1]


class Messages(Dialect):
    """Anthropic's Messages API."""

    def offered(self, body: dict[str, Any]) -> Iterator[Offered]:
        """Yield the tools that have a schema; those of the vendor's own have none."""
        for tool in body.get("tools", []):
            schema = tool.get("input_schema", {})
            yield Offered(tool["name"], schema, tool.get("description", ""))

    def results(self, body: dict[str, Any]) -> list[Any]:
        """Return the content of every tool_result block."""
        contents = [message["content"] for message in body["messages"]]
        blocks = [block for content in contents if isinstance(content, list) for block in content]
        return [block.get("content") for block in blocks if block["type"] == "tool_result"]

    def call(self, tool: Offered, arguments: dict[str, Any], number: int) -> list[Event]:
        """Return a message of one tool_use block."""
        block = {"type": "tool_use", "id": f"toolu_{number}", "name": tool.name, "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(arguments)}
        return self._message(block, delta, "tool_use")

    def say(self, text: str) -> list[Event]:
        """Return a message of one text block."""
        delta = {"type": "text_delta", "text": text}
        return self._message({"type": "text", "text": ""}, delta, "end_turn")

    def _message(self, block: Event, delta: Event, reason: str) -> list[Event]:
        usage = {"input_tokens": 1, "output_tokens": 1}
        message = {"id": "msg_1", "type": "message", "role": "assistant", "model": MODEL}
        message |= {"content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
        end = {"stop_reason": reason, "stop_sequence": None}
        return [
            {"type": "message_start", "message": message},
            {"type": "content_block_start", "index": 0, "content_block": block},
            {"type": "content_block_delta", "index": 0, "delta": delta},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": end, "usage": usage},
            {"type": "message_stop"},
        ]


class Responses(Dialect):
    """OpenAI's Responses API."""

    def offered(self, body: dict[str, Any]) -> Iterator[Offered]:
        """Yield functions, those in namespaces and those that a search has loaded too."""
        found = [tool for item in body.get("input", []) for tool in item.get("tools") or []]
        for tool in [*body.get("tools", []), *found]:
            inner = tool.get("tools") if tool.get("type") == "namespace" else None
            for each in [tool] if inner is None else inner:
                name = each.get("name", each.get("type", ""))
                schema = each.get("parameters") or {}
                space = None if inner is None else tool["name"]
                strict = each.get("strict") is True
                yield Offered(name, schema, each.get("description", ""), space, strict)

    def results(self, body: dict[str, Any]) -> list[Any]:
        """Return every output item's content."""
        kinds = {"function_call_output": "output", "tool_search_output": "tools"}
        items = body.get("input", [])
        return [item.get(kinds[item["type"]]) for item in items if item.get("type") in kinds]

    def call(self, tool: Offered, arguments: dict[str, Any], number: int) -> list[Event]:
        """Return a response of one function call, or of one search for tools."""
        item: Event = {"id": f"fc_{number}", "call_id": f"call_{number}", "status": "completed"}
        if tool.name == "tool_search":
            item |= {"type": "tool_search_call", "execution": "client", "arguments": arguments}
        else:
            written = json.dumps(arguments)
            item |= {"type": "function_call", "name": tool.name, "arguments": written}
            item |= {"namespace": tool.namespace} if tool.namespace else {}
        return self._response(item)

    def say(self, text: str) -> list[Event]:
        """Return a response of one message."""
        content = [{"type": "output_text", "text": text, "annotations": []}]
        return self._response(
            {"type": "message", "id": "msg_1", "role": "assistant", "content": content}
        )

    def _response(self, item: Event) -> list[Event]:
        response = {"id": "resp_1", "object": "response", "model": MODEL, "output": [item]}
        usage = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}
        done = {**response, "status": "completed", "usage": usage}
        done |= {"created_at": 1, "parallel_tool_calls": False, "tool_choice": "auto", "tools": []}
        return [
            {"type": "response.created", "response": {**response, "output": []}},
            {"type": "response.output_item.added", "output_index": 0, "item": item},
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            {"type": "response.completed", "response": done},
        ]

    def whole(self, events: list[Event]) -> Event:
        """Return the completed response."""
        response: Event = events[-1]["response"]
        return response


class Completions(Dialect):
    """The chat completions API that many vendors copy."""

    named_events = False

    def offered(self, body: dict[str, Any]) -> Iterator[Offered]:
        """Yield the functions."""
        for tool in body.get("tools") or []:
            function = tool["function"]
            schema = function.get("parameters", {})
            yield Offered(function["name"], schema, function.get("description", ""))

    def results(self, body: dict[str, Any]) -> list[Any]:
        """Return the content of every message of a tool."""
        return [each["content"] for each in body["messages"] if each["role"] == "tool"]

    def call(self, tool: Offered, arguments: dict[str, Any], number: int) -> list[Event]:
        """Return the chunks of one function call."""
        function = {"name": tool.name, "arguments": json.dumps(arguments)}
        call = {"index": 0, "id": f"call_{number}", "type": "function", "function": function}
        return self._chunks({"role": "assistant", "tool_calls": [call]}, "tool_calls")

    def say(self, text: str) -> list[Event]:
        """Return the chunks of one message."""
        return self._chunks({"role": "assistant", "content": text}, "stop")

    def _chunks(self, delta: Event, reason: str) -> list[Event]:
        head = {"id": "c_1", "object": "chat.completion.chunk", "created": 1, "model": MODEL}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        said = {"index": 0, "delta": delta, "finish_reason": None}
        end = {"index": 0, "delta": {}, "finish_reason": reason}
        return [{**head, "choices": [said]}, {**head, "choices": [end], "usage": usage}]

    def whole(self, events: list[Event]) -> Event:
        """Return one choice with the whole message."""
        said, end = (event["choices"][0] for event in events)
        choice = {"index": 0, "message": said["delta"], "finish_reason": end["finish_reason"]}
        return {**events[-1], "object": "chat.completion", "choices": [choice]}


class Gemini(Dialect):
    """Google's generateContent API."""

    named_events = False

    def offered(self, body: dict[str, Any]) -> Iterator[Offered]:
        """Yield the function declarations, with whichever form of schema they have."""
        forms = ("parametersJsonSchema", "parameters_json_schema", "parameters")
        for tool in body.get("tools", []):
            for each in tool.get("functionDeclarations", []):
                schema = next((each[form] for form in forms if form in each), {})
                yield Offered(each["name"], schema, each.get("description", ""))

    def results(self, body: dict[str, Any]) -> list[Any]:
        """Return every function response, with the parts beside it."""
        parts = [part for turn in body.get("contents", []) for part in turn.get("parts", [])]
        found = [part["functionResponse"] for part in parts if "functionResponse" in part]
        return [response.get("response") for response in found]

    def call(self, tool: Offered, arguments: dict[str, Any], number: int) -> list[Event]:
        """Return one candidate with a function call."""
        call = {"name": tool.name, "args": arguments, "id": f"call_{number}"}
        return self._candidate({"functionCall": call})

    def say(self, text: str) -> list[Event]:
        """Return one candidate with a text."""
        return self._candidate({"text": text})

    def _candidate(self, part: Event) -> list[Event]:
        content = {"role": "model", "parts": [part]}
        usage = {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2}
        candidate = {"index": 0, "content": content, "finishReason": "STOP"}
        return [{"candidates": [candidate], "usageMetadata": usage, "modelVersion": MODEL}]
