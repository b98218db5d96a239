"""MCP servers over stdio: a real server of the official package, in both ages of the protocol."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path

import psutil
import pytest
from mcp_driver import called, running, small, tools, until, working
from processes import is_gone

from nodetool_xl_desktop.core.network import OffLine
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.tools import Image
from nodetool_xl_desktop.tools.mcp import McpError, McpServers, Off, Prompt, PromptArgument, Running, Stdio
from nodetool_xl_desktop.tools.mcp.redaction import HIDDEN
from nodetool_xl_desktop.tools.source import Workspace

pytestmark = pytest.mark.usefixtures("no_process_left")


@pytest.mark.parametrize("manner", [(), ("old", "noise")])
async def test_what_a_server_has_is_listed_and_can_be_used(
    paths: Paths, tmp_path: Path, manner: tuple[str, ...]
) -> None:
    async with running(paths, Test=working(*manner)) as servers:
        assert await tools(servers) == {}, "nothing is known before it was looked at"
        await servers.wake()
        state = servers.find("Test").state
        assert isinstance(state, Running)
        assert (state.title, state.version, state.instructions) == ("Test server", "1.2.3", "Be kind.")
        assert (
            Prompt("greet", "Greet Somebody", "Words of greeting.", (PromptArgument("name", "", True),))
            in state.prompts
        )
        assert ("notes://today", "Notes of Today", "text/plain") in [
            (one.uri, one.title, one.mime_type) for one in state.resources
        ]
        offered = await tools(servers)
        assert (offered["add"].title, offered["add"].source) == ("Add Two Numbers", "Test")
        assert all(one.asks and one.reaches_out for one in offered.values())
        assert offered["add"].tool.parameters["required"] == ["a", "b"]

        assert (await called(servers, "add", a=2, b="3")).text == "5", "and the text was mended to a number"
        assert "Bad arguments" in (await called(servers, "add", a=2)).error
        image = (await called(servers, "picture")).image
        assert isinstance(image, Image)
        assert image.data.startswith(b"\x89PNG")
        both = await called(servers, "both")
        assert both.text == "look"
        assert both.image == image
        odd = next(one for one in offered.values() if one.title == "with.dots/and spaces")
        assert (await odd.tool(text="x")).text == "odd x"
        assert (await called(servers, "fail")).error.startswith("Error executing tool fail")

        assert [(one.role, one.text) for one in await servers.prompt("Test", "greet", {"name": "Bo"})] == [
            ("user", "Greet Bo warmly.")
        ]
        assert (await servers.resource("Test", "notes://today"))[0].text == "milk, bread"
        assert (await servers.resource("Test", "notes://photo"))[0].data.startswith(b"\x89PNG")
        with pytest.raises(McpError):
            await servers.resource("Test", "notes://nowhere")

        changes: list[int] = []
        servers.on_change = lambda: changes.append(1)
        assert (await called(servers, "grow")).text == "grown"
        await until(lambda: "test__grown" in [one.name for one in servers.find("Test").state.tools])
        assert changes
        assert (await called(servers, "grown")).text == "new"


async def test_a_server_gets_no_text_no_answer_and_only_the_folder_of_the_chat(paths: Paths, tmp_path: Path) -> None:
    async with running(paths, Test=working("old")) as servers:
        await servers.wake()
        assert "not supported" in (await called(servers, "ask_model")).error
        assert "not supported" in (await called(servers, "ask_person")).error
        log = [line.text for line in servers.log("Test")]
        assert any("a text written by the model. That is refused" in line for line in log)
        assert any("a question to you. That is refused" in line for line in log)
        assert (await called(servers, "roots")).text == "none"
        assert (await called(servers, "roots", tmp_path)).text == tmp_path.as_uri()
        assert (await called(servers, "roots")).text == "none", "the next chat has none"


async def test_a_call_starts_the_server_and_its_tools_are_known_from_earlier_runs(paths: Paths) -> None:
    async with running(paths, Test=small()) as servers:
        await servers.wake()
        first = set(await tools(servers))
        await until(paths.mcp_tools_file.exists)
    again = McpServers(paths, OffLine())
    try:
        await again.load()
        assert set(await tools(again)) == first
        assert again.find("Test").state == Off(), "and nothing was started for it"
        assert (await called(again, "add", a=1, b=1)).text == "2"
        assert isinstance(again.find("Test").state, Running)
        await again.change("Test", "Other", Stdio("python3", ("-c", "0")))
        assert await tools(again) == {}, "another command has other tools"
    finally:
        await again.close()


async def test_its_environment_is_that_of_the_settings_and_no_key_of_ours(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_KEY_OF_MINE", "sesame")
    monkeypatch.setenv("MY_TOKEN", "abcdef123")
    async with running(paths, Test=small(TOKEN="${env:MY_TOKEN}", ELSE="${NOT_SET:-otherwise}")) as servers:
        await servers.wake()
        assert (await called(servers, "environment", name="SOME_KEY_OF_MINE")).text == "(not set)"
        assert (await called(servers, "environment", name="TOKEN")).text == HIDDEN, "it is set, and no model is told"
        assert (await called(servers, "environment", name="ELSE")).text == "otherwise"
        assert "abcdef123" not in paths.mcp_file.read_text()


async def test_the_end_leaves_nothing_not_even_what_it_started(paths: Paths) -> None:
    async with running(paths, Test=small()) as servers:
        await servers.wake()
        server = int((await called(servers, "pid")).text)
        children = [int((await called(servers, "child", escape=escape)).text) for escape in (False, True)]
        assert all(psutil.pid_exists(pid) for pid in (server, *children))
    assert all(is_gone(pid, 0.5) for pid in (server, *children))


async def test_a_call_that_is_stopped_is_stopped_and_the_server_goes_on(paths: Paths) -> None:
    async with running(paths, Test=small()) as servers:
        await servers.wake()
        number = (await called(servers, "pid")).text
        hanging = asyncio.create_task(called(servers, "ignore"))
        await asyncio.sleep(0.1)
        hanging.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await hanging
        assert (await called(servers, "pid")).text == number
        await asyncio.sleep(0.6)  # longer than it takes to find that a server hangs
        assert (await called(servers, "pid")).text == number


async def test_the_package_is_imported_when_a_server_is_started_and_not_before() -> None:
    code = "import sys; import nodetool_xl_desktop.tools.mcp; print({'mcp', 'pydantic', 'anyio'} & set(sys.modules))"
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    assert said.strip() == b"set()"


async def test_off_line_nothing_is_started_and_what_runs_is_ended(paths: Paths) -> None:
    off_line = OffLine()
    async with running(paths, off_line, Test=small()) as servers:
        await servers.wake()
        number = int((await called(servers, "pid")).text)
        off_line.is_on = True
        try:
            servers.off_line_changed()
            await until(lambda: isinstance(servers.find("Test").state, Off))
            assert "off line" in servers.find("Test").state.why
            assert is_gone(number, 1)
            result = await called(servers, "pid")
            assert "works off line" in result.error
            await servers.wake()
            await servers.restart("Test")
            assert isinstance(servers.find("Test").state, Off)
        finally:
            off_line.is_on = False
        assert (await called(servers, "add", a=1, b=2)).text == "3"


async def test_switching_off_changing_and_removing_end_the_server(paths: Paths) -> None:
    async with running(paths, Test=small()) as servers:
        await servers.wake()
        offered = await servers.offered(Workspace())
        number = int((await called(servers, "pid")).text)
        await servers.enable("Test", False)
        assert is_gone(number, 1)
        assert await tools(servers) == {}
        with pytest.raises(McpError, match="switched off"):
            await offered[0].tool()
        await servers.enable("Test", True)
        number = int((await called(servers, "pid")).text)
        await servers.remove("Test")
        assert is_gone(number, 1)
        assert servers.servers == ()
        with pytest.raises(McpError, match="not in the settings"):
            await offered[0].tool()
