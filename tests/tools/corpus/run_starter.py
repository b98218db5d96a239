"""Asks the starter model for calls in several ways, and writes down what it answers, one JSON line an answer.

    python tests/tools/corpus/run_starter.py MODEL.gguf ANSWERS.jsonl

This is how the lines "starter model, run" of `calls.jsonl` and `prose.jsonl` were made. A person then read each answer,
put it where it belongs, and wrote down which calls and which text it holds; the parser had no say in that. The answers
to a seed are the same again only with the same build of the engine on the same processor.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.engine.client import Sampling, Template
from nodetool_xl_desktop.engine.events import Failed, TextDelta
from nodetool_xl_desktop.engine.server import EngineServer
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.provider.tool_use import Offer
from nodetool_xl_desktop.tools import definition

MOST_TOKENS = 120
#: So that it does not get in the way of what else the machine does.
NICE = 10

HERMES = """\
You are a function calling AI model. You are provided with function signatures within <tools></tools> XML tags. You \
may call one or more functions to assist with the user query. Here are the available tools:
<tools>
{definitions}
</tools>
For each function call return a JSON object with the function name and arguments within <tool_call></tool_call> tags:
<tool_call>
{{"name": <function-name>, "arguments": <args-object>}}
</tool_call>"""
LLAMA = """\
Given the following functions, please respond with a JSON for a function call with its proper arguments that best \
answers the given prompt. Respond in the format {{"name": function name, "parameters": dictionary of argument name and \
its value}}. Do not use variables.

{definitions}"""
PYTHON = """\
You are an expert in composing functions. Here is a list of functions in JSON format:
{definitions}
If you decide to call functions, put them in the format \
[func_name1(param1=value1, param2=value2), func_name2(param=value)]. You SHOULD NOT include any other text."""
SMOL = """\
You are an expert in composing functions. You have access to the following tools:
<tools>{definitions}</tools>
The output MUST strictly adhere to the following format, and NO other text MUST be included. If no function call is \
needed, make the tool calls an empty list '[]'.
<tool_call>[
{{"name": "func_name1", "arguments": {{"argument1": "value1", "argument2": "value2"}}}},
(more tool calls as required)
]</tool_call>"""

#: The instruction of each way ("" is the provider's own), and how a call looks there.
WAYS = {
    "signatures": ("", lambda name, args: f"{name}({', '.join(f'{key}={value!r}' for key, value in args.items())})"),
    "hermes": (HERMES, lambda name, args: f"<tool_call>\n{in_json(name, 'arguments', args)}\n</tool_call>"),
    "llama": (LLAMA, lambda name, args: in_json(name, "parameters", args)),
    "python": (PYTHON, lambda name, args: f"[{WAYS['signatures'][1](name, args)}]"),
    "smol": (SMOL, lambda name, args: f"<tool_call>[{in_json(name, 'arguments', args)}]</tool_call>"),
}
#: Questions with the calls that answer them, which go before the question as if they had been said.
SHOWN: list[tuple[str, str, dict[str, Any]]] = [
    ("What is 17 times 3?", "calculator", {"expression": "17 * 3"}),
    ("How is the weather in Berlin for 2 days?", "get_weather", {"city": "Berlin", "days": 2}),
    ("What time is it in New York?", "clock", {"time_zone": "America/New_York"}),
]

#: What is asked, and the tools that go with it.
QUESTIONS = [
    ("What is 23 * 19?", ("calculator", "clock")),
    ("What time is it in Tokyo?", ("calculator", "clock")),
    ("How is the weather in Paris for the next 3 days?", ("get_weather", "clock")),
    ("Search the news for elections in Norway.", ("search", "get_weather")),
    ("What is the weather in Oslo and in Rome, and what is 2 + 2?", ("get_weather", "calculator")),
    ("Find 5 images of red pandas on example.org.", ("search",)),
    ("Set a timer of 10 minutes for the eggs.", ("set-timer", "clock")),
    ("Send Anna (anna@example.org) an e-mail that I am late.", ("send_email", "clock")),
]
#: Asked of each way as well; no call belongs into the answer.
TALK = [
    ("Who are you?", ("calculator", "clock")),
    ("What is a function call in programming? Show an example.", ("calculator", "clock")),
    ("Write a Python function that adds two numbers.", ("calculator", "search")),
    ("Which tools do you have, and how are they used?", ("get_weather", "search")),
]


def in_json(name: str, key: str, args: dict[str, Any]) -> str:
    return json.dumps({"name": name, key: args})


class Described:
    """A tool of `tools.json`."""

    def __init__(self, entry: dict[str, Any]) -> None:
        self.name: str = entry["name"]
        self.description: str = entry["description"]
        self.parameters: dict[str, Any] = entry["parameters"]

    def __call__(self, **arguments: Any) -> str:
        return ""


@dataclass(frozen=True)
class Case:
    way: str
    shown: int
    question: str
    tools: tuple[str, ...]
    temperature: float
    seed: int


def cases() -> Iterator[Case]:
    for way in WAYS:
        for question, tools in QUESTIONS:
            for shown, temperature, seed in ((0, 0.0, 1), (0, 0.8, 2), (1, 0.0, 3), (1, 0.8, 4)):
                yield Case(way, shown, question, tools, temperature, seed)
            shown_too = tuple(dict.fromkeys((*tools, *(name for _, name, _ in SHOWN))))
            for temperature, seed in ((0.0, 7), (0.8, 8), (1.2, 9)):
                yield Case(way, 3, question, shown_too, temperature, seed)
        for question, tools in TALK:
            for temperature, seed in ((0.0, 5), (0.8, 6)):
                yield Case(way, 0, question, tools, temperature, seed)


def messages(case: Case) -> list[dict[str, str]]:
    entries = json.loads((Path(__file__).parent / "tools.json").read_text(encoding="utf-8"))
    every = {entry["name"]: Described(entry) for entry in entries}
    tools = [every[name] for name in case.tools]
    instruction, write = WAYS[case.way]
    definitions = "\n".join(json.dumps(definition(tool)) for tool in tools)
    emulated = Offer(tuple(tools)).to(Template()).instruction
    said = [("system", instruction.format(definitions=definitions) or emulated)]
    for question, name, args in SHOWN[: case.shown]:
        said += [("user", question), ("assistant", write(name, args))]
    return [{"role": role, "content": content} for role, content in [*said, ("user", case.question)]]


async def ask(server: EngineServer, case: Case) -> str:
    sampling = Sampling(temperature=case.temperature, max_tokens=MOST_TOKENS, seed=case.seed)
    text = ""
    async with contextlib.aclosing(server.stream_chat(messages(case), sampling)) as events:
        async for event in events:
            if isinstance(event, Failed):
                raise event.error
            text += event.text if isinstance(event, TextDelta) else ""
    return text


async def main(model: Path, answers: Path) -> None:
    server = await EngineServer.start(model, LoadOptions(context_length=2048))
    try:
        with answers.open("w", encoding="utf-8") as file:
            for case in cases():
                line = {
                    "way": case.way,
                    "shown": case.shown,
                    "temperature": case.temperature,
                    "seed": case.seed,
                    "question": case.question,
                    "tools": list(case.tools),
                    "text": await ask(server, case),
                }
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
                file.flush()
    finally:
        await server.stop()


if __name__ == "__main__":
    os.nice(NICE)
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
