"""MCP servers that die, hang, flood and lie: each is cut off with a reason, and the program does not notice."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest
from mcp_driver import HELD_UP_S, LIMITS, Gaps, broken, called, running, small, until
from processes import children, is_gone

from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.tools.mcp import Failed, Limits, LogKind, McpServers, Off, Restarting, Running, Stdio
from nodetool_xl_desktop.tools.mcp.redaction import HIDDEN

pytestmark = pytest.mark.usefixtures("no_process_left")

#: Short, for servers that never answer.
IMPATIENT = Limits(start_s=0.5, request_s=0.5, call_s=0.5, alive_s=0.3, pauses_s=(0.0, 0.05))


def why(servers: McpServers, name: str = "Test") -> str:
    state = servers.find(name).state
    assert isinstance(state, Failed), state
    return str(state.error)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("die", "its program ended (exit status 7); the last that it said was: There is no database"),
        ("mute", "it did not answer within 0.5 s"),
        ("stubborn", "it did not answer within 0.5 s"),
        pytest.param("deaf", "its program ended", marks=pytest.mark.soak),  # the package waits 10 s for it
        ("garbage", "it sends what is no message of the protocol"),
        ("line", "it sent a message of more than"),
        ("values", "it sent a message of more than 100,000 values"),
    ],
)
async def test_what_is_no_server_fails_with_the_reason(paths: Paths, fault: str, expected: str) -> None:
    limits = IMPATIENT if fault in ("mute", "stubborn") else LIMITS
    async with running(paths, limits=limits, Test=broken(fault)) as servers, Gaps() as gaps:
        await servers.wake()
        assert expected in why(servers)
        assert not children(), "and nothing is left of it"
        assert any(line.kind is LogKind.ERROR and expected in line.text for line in servers.log("Test"))
    assert gaps.longest_s < HELD_UP_S


async def test_several_that_cannot_be_started_each_say_why(paths: Paths, tmp_path: Path) -> None:
    folder = tmp_path / "plain"
    folder.write_text("#!")
    servers_of = {
        "missing": Stdio("no-such-program-at-all"),
        "elsewhere": Stdio("python3", cwd=str(tmp_path / "gone")),
        "variable": Stdio("python3", ("${NOT_SET_ANYWHERE}",)),
        "other": Stdio("python3", ("${input:key}",)),
    }
    async with running(paths, **servers_of) as servers:
        await servers.wake()
        assert 'there is no program "no-such-program-at-all"' in why(servers, "missing")
        assert "its working folder" in why(servers, "elsewhere")
        assert "NOT_SET_ANYWHERE" in why(servers, "variable")
        assert "${input:key}" in why(servers, "other")


async def test_one_that_dies_is_started_again_and_given_up_when_it_dies_again_and_again(paths: Paths) -> None:
    async with running(paths, Test=small()) as servers:
        states: list[object] = []
        servers.on_change = lambda: states.append(servers.find("Test").state)
        await servers.wake()
        for _ in LIMITS.pauses_s:
            before = (await called(servers, "pid")).text
            died = await called(servers, "die")
            assert "ended while it was asked" in died.error
            assert "exit status 3" in died.error
            assert "I cannot go on" in died.error
            assert (await called(servers, "pid")).text != before, "a call waits for it"
        assert (await called(servers, "die")).error
        await until(lambda: isinstance(servers.find("Test").state, Failed))
        assert "exit status 3" in why(servers)
        assert any(isinstance(state, Restarting) and "exit status 3" in state.why for state in states)
        await servers.restart("Test")
        assert (await called(servers, "add", a=1, b=1)).text == "2", "a person may have it tried again"


async def test_one_that_is_killed_is_started_again(paths: Paths) -> None:
    async with running(paths, Test=small()) as servers:
        await servers.wake()
        number = int((await called(servers, "pid")).text)
        os.kill(number, signal.SIGKILL)
        await until(lambda: not isinstance(servers.find("Test").state, Running))
        await until(lambda: isinstance(servers.find("Test").state, Running))
        assert int((await called(servers, "pid")).text) != number
        assert any("signal 9" in line.text for line in servers.log("Test"))


async def test_one_that_hangs_is_cut_off_and_one_call_that_takes_long_is_not_its_end(paths: Paths) -> None:
    limits = Limits(start_s=20, call_s=0.3, alive_s=0.4, pauses_s=(0.0, 0.0))
    async with running(paths, limits=limits, Test=small()) as servers:
        await servers.wake()
        number = int((await called(servers, "pid")).text)
        assert "took too long" in (await called(servers, "ignore")).error
        await asyncio.sleep(0.6)
        assert int((await called(servers, "pid")).text) == number, "it still answers"
        assert "took too long" in (await called(servers, "freeze")).error
        assert await asyncio.to_thread(is_gone, number, 8), "stopped by SIGSTOP, it answers nothing"
        await until(lambda: any("it did not answer for 0.4 s" in line.text for line in servers.log("Test")))
        assert (await called(servers, "add", a=1, b=2)).text == "3", "and another was started"


@pytest.mark.parametrize(
    ("what", "expected"),
    [("messages", "2,000 messages"), ("line", "a message of more than"), ("garbage", "no message of the protocol")],
)
async def test_one_that_floods_is_cut_off_and_not_started_again(paths: Paths, what: str, expected: str) -> None:
    async with running(paths, Test=small()) as servers, Gaps() as gaps:
        await servers.wake()
        number = int((await called(servers, "pid")).text)
        flooded = await called(servers, "flood", what=what)
        assert expected in flooded.error
        await until(lambda: isinstance(servers.find("Test").state, Failed))
        assert expected in why(servers)
        assert is_gone(number, 1)
        await servers.wake()
        assert expected in why(servers), "looking at it does not start it again"
        assert expected in (await called(servers, "add", a=1, b=1)).error
    assert gaps.longest_s < HELD_UP_S


async def test_large_results_are_bounded_and_do_not_hold_up_the_loop(paths: Paths) -> None:
    async with running(paths, Test=small()) as servers:
        await servers.wake()
        async with Gaps() as gaps:
            large = await called(servers, "huge", megabytes=8)
            assert large.text.endswith("(cut: 20,000 of 8,000,000 characters)")
        assert gaps.longest_s < HELD_UP_S
        assert "more than" in (await called(servers, "huge", megabytes=20)).error
        await until(lambda: isinstance(servers.find("Test").state, Failed))


async def test_its_log_is_bounded_plain_and_without_secrets(paths: Paths) -> None:
    secret = "sk-nobody-may-see-this-1"
    settings = small(TEST_API_KEY=secret)
    settings = Stdio(settings.command, (*settings.args, f"--token={secret}x"), settings.env)
    async with running(paths, Test=settings) as servers:
        grown: list[str] = []
        servers.on_log = grown.append
        await servers.wake()
        assert (await called(servers, "shout", lines=5_000)).text == "shouted"
        await until(lambda: any("line 4" in line.text for line in servers.log("Test")))
        lines = servers.log("Test")
        assert len(lines) <= 1_000
        text = "\n".join(line.text for line in lines)
        assert "nobody-may-see" not in text
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "line 4 ••••••" in text
        assert set(grown) == {"Test"}
        assert len(grown) < 100
        assert "nobody-may-see" not in repr(servers.find("Test").about)
        given = (await called(servers, "environment", name="TEST_API_KEY")).text
        assert given == HIDDEN, "the server has it, and no model is told"


async def test_ending_while_it_starts_leaves_nothing(paths: Paths) -> None:
    async with running(paths, Test=broken("mute"), Real=small()) as servers:
        waking = asyncio.create_task(servers.wake())
        await until(lambda: len(children()) == 2)
        await servers.stop("Test")
        assert servers.find("Test").state == Off()
        await servers.stop("Real")
        await waking
        assert not children()
