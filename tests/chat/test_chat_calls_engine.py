"""A real model's calls, forced so that they come: approved, changed, denied and stopped by a person."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from nodetool_xl_desktop.chat.asker import Asker
from nodetool_xl_desktop.chat.asking import Asking
from nodetool_xl_desktop.chat.session import ChatSession
from nodetool_xl_desktop.chat.sessions import Sessions
from nodetool_xl_desktop.chat.toolbox import Toolbox
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.fit.options import LoadSettings
from nodetool_xl_desktop.provider import XLlamaCppProvider
from nodetool_xl_desktop.store.parts import Text, ToolAnswer, ToolUse
from nodetool_xl_desktop.store.records import Message, State
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.tools import CalculatorTool, as_tool
from nodetool_xl_desktop.tools.source import Offered, Workspace

pytestmark = pytest.mark.usefixtures("no_process_left")

QUESTION = "What is 12 * 12?"


async def wait_for_ever() -> str:
    """Wait."""
    await asyncio.Event().wait()
    return ""


class Source:
    async def offered(self, workspace: Workspace) -> Sequence[Offered]:
        return [Offered(CalculatorTool(), "Calculator"), Offered(as_tool(wait_for_ever), "Wait for Ever")]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.005)


async def test_a_forced_call_of_a_real_model_is_decided_on_by_a_person(starter_model: Path, paths: Paths) -> None:
    pool, store = Pool(), await Store.open(paths.chats)
    provider = XLlamaCppProvider(pool, paths)
    server = await provider.load(starter_model, load=LoadSettings(context_length=2048))
    toolbox = Toolbox([Source()], paths.permissions_file)
    toolbox.use(store.list)
    asker, sessions = Asker(provider, toolbox), Sessions(store, lambda _: None)
    how = Asking(sampling=Sampling(temperature=0, max_tokens=48))

    async def ask(forced: str, decide: Callable[[ChatSession, str], None]) -> tuple[ToolUse, ToolAnswer, Message]:
        chat = await sessions.new()
        await toolbox.set_on(chat.chat.id, f"/{forced}", True)
        asker.tool_choice = forced
        offer = await asker.offer(store, how, chat.chat.id)
        sending = asyncio.create_task(chat.send([Text(QUESTION)], asker.asked(server, how, {}, offer)))
        await until(lambda: chat.calls.waiting)
        decide(chat, chat.calls.waiting[0])
        done = await asyncio.wait_for(sending, 60)
        assert done.state in (State.COMPLETE, State.CUT)
        call, answer = done.parts[0], done.parts[1]
        assert isinstance(call, ToolUse)
        assert isinstance(answer, ToolAnswer)
        assert (call.name, call.making) == (forced, "forced")
        return call, answer, done

    try:
        is_used = False
        for expression, result in (("20+22", "42"), ("12*12", "144"), ("70+7", "77")):
            arguments = json.dumps({"expression": expression})
            call, answer, done = await ask("calculator", lambda chat, call, to=arguments: chat.calls.allow(call, to))
            assert (answer.text, json.loads(call.edited)) == (result, {"expression": expression})
            is_used = result in done.text
            if is_used:  # so small a model does not each time
                break
        assert is_used
        how = Asking(sampling=Sampling(temperature=0, max_tokens=36))
        call, answer, done = await ask("wait_for_ever", lambda chat, call: chat.calls.deny(call, "no time"))
        assert (answer.denied, answer.text) == (True, "")
        assert "no time" in answer.error
        assert done.text

        def allow_and_stop(chat: ChatSession, call: str) -> None:
            chat.calls.allow(call)
            asyncio.get_running_loop().call_later(0.1, chat.calls.stop, call)

        call, answer, done = await ask("wait_for_ever", allow_and_stop)
        assert "stopped by the person" in answer.error
        assert done.text
    finally:
        await store.close()
        await pool.close()
