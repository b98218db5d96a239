"""The usage examples of the specification (shared/spec/xllamacpp-provider.md), with only their imports changed."""

from __future__ import annotations

import ast
import asyncio
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import command_line
import processes
import pytest
from hub_server import HubServer

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.provider import Message, get_provider

REPO = "ggml-org/Llama-3.2-1B-Instruct-Q8_0-GGUF"
FILE = "llama-3.2-1b-instruct-q8_0.gguf"
#: Whose name in the specification's program is whose in ours.
ROOMS = {
    "nodetool.providers": "nodetool_xl_desktop.provider",
    "nodetool.metadata.types": "nodetool_xl_desktop.provider",
    "nodetool.agents.tools.math_tools": "nodetool_xl_desktop.tools",
}

BASIC = """\
from nodetool.providers import get_provider
from nodetool.metadata.types import Provider, Message

# Get provider instance
provider = await get_provider(Provider.XLlamaCpp, user_id="1")

# Generate a response
messages = [Message(role="user", content="What is 2+2?")]
response = await provider.generate_message(
    messages=messages,
    model="ggml-org/Llama-3.2-1B-Instruct-Q8_0-GGUF",
    max_tokens=100
)

print(response.content)
"""
TOOLS = """\
from nodetool.agents.tools.math_tools import CalculatorTool

tools = [CalculatorTool()]

response = await provider.generate_message(
    messages=messages,
    model="model.gguf",
    tools=tools,
    max_tokens=512
)

# Tool calls are emulated via text parsing
if response.tool_calls:
    for tc in response.tool_calls:
        print(f"Tool: {tc.name}, Args: {tc.args}")
"""
STREAMING = """\
async for chunk in provider.generate_messages(
    messages=messages,
    model="model.gguf",
    max_tokens=512
):
    if hasattr(chunk, 'content'):
        print(chunk.content, end='', flush=True)
"""


@pytest.fixture
def hub(starter_model: Path) -> Iterator[HubServer]:
    with HubServer({REPO: {FILE: starter_model}}) as server:
        yield server


def script(*examples: str) -> str:
    """The examples as one program; what they await stands in a coroutine."""
    source = "\n".join(examples)
    for theirs, ours in ROOMS.items():
        source = source.replace(f"from {theirs} import", f"from {ours} import")
    lines = ["import asyncio", "", "async def main():", textwrap.indent(f"{source}\nprint('\\nthe end')", "    ")]
    program = "\n".join([*lines, "", "asyncio.run(main())"])
    ast.parse(program)
    return program


def test_the_examples_are_those_of_the_specification() -> None:
    specification = Path(__file__).parents[2] / "shared" / "spec" / "xllamacpp-provider.md"
    if not specification.exists():  # it lies beside the checkout
        specification = Path(__file__).parents[3] / "shared" / "spec" / "xllamacpp-provider.md"
    if specification.exists():
        told = specification.read_text(encoding="utf-8")
        assert all(example in told for example in (BASIC, TOOLS, STREAMING))


def test_the_examples_run(starter_model: Path, tmp_path: Path, hub: HubServer) -> None:
    """Without a `close()` the program ends, and leaves no child."""
    # Small models may go on and on: a short context bounds the time that this takes.
    environment = command_line.environment(tmp_path, HF_ENDPOINT=hub.url, XLLAMACPP_N_CTX="256")
    models = Path(environment["XDG_DATA_HOME"]) / "nodetool-xl-desktop" / "models"
    models.mkdir(parents=True)
    shutil.copy(starter_model, models / "model.gguf")
    done = subprocess.run(
        [sys.executable, "-c", script(BASIC, TOOLS, STREAMING)],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=100,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    assert done.stdout.endswith("\nthe end\n")
    assert len(done.stdout.split()) > 5
    assert (models / REPO / FILE).stat().st_size == hub.served == starter_model.stat().st_size
    assert processes.children() == []


def test_the_answer_to_the_first_example_is_text(starter_model: Path, paths: Paths, hub: HubServer) -> None:
    async def first() -> Message:
        provider = await get_provider(paths=paths, endpoint=hub.url)
        return await provider.generate_message([Message("user", "Hi")], REPO, max_tokens=3)

    message = asyncio.run(first())
    assert isinstance(message.content, str)
    assert message.content
    assert message.usage.completion_tokens == 3
