"""Tool calls of a chat: a person decides on them, what they decide is kept, and the answer goes on.

The engine is a script that calls as it is told to, round by round; `test_chat_calls_engine.py` asks a real one.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import scripted_worker

from nodetool_xl_desktop.chat.asker import Asker
from nodetool_xl_desktop.chat.asking import Asking
from nodetool_xl_desktop.chat.calls import Remember, Standing, ToolArgumentsError
from nodetool_xl_desktop.chat.session import ChatSession
from nodetool_xl_desktop.chat.sessions import Sessions
from nodetool_xl_desktop.chat.toolbox import Toolbox
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.engine.client import Sampling
from nodetool_xl_desktop.engine.events import Event, TextDelta
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.engine.server import EngineServer
from nodetool_xl_desktop.provider import XLlamaCppProvider, values
from nodetool_xl_desktop.store.parts import Text, ToolAnswer, ToolUse, decode
from nodetool_xl_desktop.store.records import Message, State
from nodetool_xl_desktop.store.store import Store
from nodetool_xl_desktop.tools import as_tool
from nodetool_xl_desktop.tools.source import Offered, Workspace

pytestmark = pytest.mark.usefixtures("no_process_left")

CAPS = {"supports_system_role": True, "supports_tools": True, "supports_tool_calls": True}


def add(a: int, b: int) -> int:
    """Add two numbers.

    Args:
        a: one.
        b: the other.
    """
    return a + b


async def wait_for_ever() -> str:
    """Wait."""
    await asyncio.Event().wait()
    return ""


class Source:
    """Some tools."""

    async def offered(self, workspace: Workspace) -> Sequence[Offered]:
        return [
            Offered(as_tool(add), "Add"),
            Offered(as_tool(wait_for_ever), "Wait for Ever", asks=False, reaches_out=True),
        ]


@dataclass
class Net:
    """Whether the program works off line."""

    is_off: bool = False

    def check(self, what: str, purpose: object = None) -> None:
        if self.is_off:
            raise UserFacingError(what, "the program works off line")


def calls(name: str, call_id: str = "call1", **args: Any) -> list[dict[str, Any]]:
    function = {"name": name, "arguments": json.dumps(args)}
    return [{"content": "Let me see. "}, {"tool_calls": [{"index": 0, "id": call_id, "function": function}]}]


def says(text: str) -> list[dict[str, Any]]:
    return [{"content": text}]


@dataclass
class Room:
    """A program without a window."""

    store: Store
    pool: Pool
    server: EngineServer
    asker: Asker
    toolbox: Toolbox
    sessions: Sessions
    journal: Path
    net: Net = field(default_factory=Net)

    async def chat(self, *on: str) -> ChatSession:
        chat = await self.sessions.new()
        for name in on:
            await self.toolbox.set_on(chat.chat.id, f"/{name}", True)
        return chat

    def send(self, chat: ChatSession, text: str = "1 + 2?") -> asyncio.Task[Message]:
        async def answered() -> Message:
            how = Asking()
            offer = await self.asker.offer(self.store, how, chat.chat.id, chat.shown, [Text(text)])
            return await chat.send([Text(text)], self.asker.asked(self.server, how, {}, offer))

        return asyncio.create_task(answered())

    @property
    def requests(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.journal.read_text().splitlines()]


@contextlib.asynccontextmanager
async def room(
    model: Path, paths: Paths, *rounds: list[dict[str, Any]], idle_timeout_s: float = 900, reason: str = "stop"
) -> AsyncIterator[Room]:
    journal = paths.data / "journal"
    journal.parent.mkdir(parents=True, exist_ok=True)
    script = {"rounds": rounds, "caps": CAPS, "journal": str(journal), "reason": reason}
    pool = Pool(command=scripted_worker.command("answers", json.dumps(script)), idle_timeout_s=idle_timeout_s)
    store = await Store.open(paths.chats)
    try:
        provider = XLlamaCppProvider(pool, paths)
        toolbox = Toolbox([Source()], paths.permissions_file)
        toolbox.use(store.list)
        net = Net()
        server = await provider.load(model)
        sessions = Sessions(store, lambda _: None)
        yield Room(store, pool, server, Asker(provider, toolbox, net), toolbox, sessions, journal, net)
    finally:
        await store.close()
        await pool.close()


async def never() -> AsyncGenerator[Event, None]:
    await asyncio.Event().wait()
    yield TextDelta("")


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.002)


def answer_in(message: Message) -> ToolAnswer:
    return next(part for part in message.parts if isinstance(part, ToolAnswer))


def call_in(message: Message) -> ToolUse:
    return next(part for part in message.parts if isinstance(part, ToolUse))


async def test_a_call_waits_for_a_person_and_its_result_is_in_the_next_request(
    starter_model: Path, paths: Paths
) -> None:
    async with room(starter_model, paths, calls("add", a=1, b=2), says("It is 3.")) as here:
        chat = await here.chat("add")
        changes: list[tuple[str, ...]] = []
        chat.calls.on_change = lambda: changes.append(chat.calls.waiting)
        sending = here.send(chat)
        await until(lambda: chat.calls.waiting)
        live = chat.calls.live("call1")
        assert live is not None
        assert live.standing is Standing.WAITING
        assert len(here.requests) == 1  # and the model is free meanwhile
        assert here.pool.loaded == (here.server,)
        await asyncio.sleep(0.5)
        chat.calls.allow("call1")
        assert chat.calls.live("call1").standing is Standing.RUNNING  # type: ignore[union-attr]
        done = await sending
        assert done.text == "Let me see. \n\nIt is 3."
        assert (answer_in(done).text, answer_in(done).denied) == ("3", False)
        assert changes[0] == ("call1",)
        assert done.about.last_token_s < 0.45  # a person's time is none that the model took
        assert (changes[-1], chat.calls.live("call1")) == ((), None)
        assert here.requests[1]["messages"][-1]["content"] == "3"
        assert [tool["function"]["name"] for tool in here.requests[0]["tools"]] == ["add"]
        assert done.about.more["tools"] == ["add"]
        titled = here.asker.stream(here.server, Sampling(max_tokens=8), [values.Message("user", "A title?")])
        assert [event async for event in titled]
        assert "tools" not in here.requests[2]  # as titles and summaries are asked for
        await here.send(chat, "And 3 + 4?")
        assert [message["role"] for message in here.requests[3]["messages"]] == [
            *("user", "assistant", "tool", "assistant", "user")
        ]


async def test_what_a_person_changed_runs_and_is_kept(starter_model: Path, paths: Paths) -> None:
    async with room(starter_model, paths, calls("add", a=1, b=2), says("It is 9.")) as here:
        chat = await here.chat("add")
        sending = here.send(chat)
        await until(lambda: chat.calls.waiting)
        for wrong in ("{", "[1]", '{"a": 1}', '{"a": 1, "b": "x"}'):
            with pytest.raises(ToolArgumentsError):
                chat.calls.allow("call1", wrong)
        assert chat.calls.waiting == ("call1",)
        chat.calls.allow("call1", '{"a": 4, "b": 5}')
        done = await sending
        assert (answer_in(done).text, json.loads(call_in(done).edited)) == ("9", {"a": 4, "b": 5})
        assert json.loads(call_in(done).arguments) == {"a": 1, "b": 2}
        assert (await here.store.open_chat(chat.chat.id)).shown[-1] == done
        said = here.requests[1]["messages"][1]["tool_calls"][0]["function"]["arguments"]
        assert json.loads(said) == {"a": 4, "b": 5}
        await here.send(chat, "Sure?")
        assert here.requests[2]["messages"][:3] == here.requests[1]["messages"]  # the engine has read that already


async def test_a_denial_and_its_reason_reach_the_model(starter_model: Path, paths: Paths) -> None:
    async with room(starter_model, paths, calls("add", a=1, b=2), says("As you like.")) as here:
        chat = await here.chat("add")
        sending = here.send(chat)
        await until(lambda: chat.calls.waiting)
        chat.calls.deny("call1", " do it in your head ")
        done = await sending
        assert answer_in(done).denied
        assert "do it in your head" in answer_in(done).error
        assert "do it in your head" in here.requests[1]["messages"][-1]["content"]


async def test_a_running_call_is_stopped_alone(starter_model: Path, paths: Paths) -> None:
    async with room(starter_model, paths, calls("wait_for_ever"), says("Then not.")) as here:
        chat = await here.chat("wait_for_ever")
        sending = here.send(chat)
        await until(lambda: (live := chat.calls.live("call1")) and live.standing is Standing.RUNNING)
        assert chat.calls.waiting == ()  # nobody is asked: it asks for nothing
        chat.calls.stop("call1")
        done = await sending
        assert "stopped" in answer_in(done).error
        assert done.text.endswith("Then not.")


async def test_what_reaches_out_is_refused_off_line(starter_model: Path, paths: Paths) -> None:
    async with room(starter_model, paths, calls("wait_for_ever"), says("Then not.")) as here:
        here.net.is_off = True
        chat = await here.chat("wait_for_ever")
        done = await here.send(chat)
        assert "off line" in answer_in(done).error
        assert not answer_in(done).denied


@pytest.mark.parametrize(("remember", "elsewhere"), [(Remember.CHAT, False), (Remember.ALWAYS, True)])
async def test_what_was_allowed_is_remembered(
    starter_model: Path, paths: Paths, remember: Remember, elsewhere: bool
) -> None:
    rounds = [each for _ in range(3) for each in (calls("add", a=1, b=2), says("3."))]
    async with room(starter_model, paths, *rounds) as here:
        chat, other = await here.chat("add"), await here.chat("add")
        sending = here.send(chat)
        await until(lambda: chat.calls.waiting)
        chat.calls.allow("call1", remember=remember)
        await sending
        await asyncio.wait_for(here.send(chat), 10)  # unasked
        sending = here.send(other)
        if elsewhere:
            await asyncio.wait_for(sending, 10)
        else:
            await until(lambda: other.calls.waiting)
            sending.cancel()
            await asyncio.wait([sending])


async def test_esc_ends_the_wait_and_keeps_what_was_said(starter_model: Path, paths: Paths) -> None:
    async with room(starter_model, paths, calls("add", a=1, b=2), says("Hello.")) as here:
        chat, other = await here.chat("add"), await here.chat()
        sending = here.send(chat)
        await until(lambda: chat.calls.waiting)
        quick = await asyncio.wait_for(here.send(other, "Hi"), 10)  # the model answers others meanwhile
        assert quick.text == "Hello."
        assert "tools" not in here.requests[1]
        sending.cancel()
        await asyncio.wait([sending])
        assert (chat.calls.waiting, chat.calls.live("call1")) == ((), None)
        chat.calls.allow("call1")  # a click that comes too late does nothing
        chat.calls.deny("call1")
        last = chat.shown[-1]
        assert (last.state, last.text) == (State.STOPPED, "Let me see. ")
        assert call_in(last).name == "add"


@pytest.mark.parametrize("begun", ['<tool_call>{"name": "add", "argum', "<tool_ca", "<thin"])
async def test_esc_keeps_what_might_have_become_a_call(starter_model: Path, paths: Paths, begun: str) -> None:
    async with room(starter_model, paths, says(begun), reason="silence") as here:
        chat = await here.chat("add")
        sending = here.send(chat)
        await until(lambda: chat.answer and here.journal.exists())
        await asyncio.sleep(0.3)
        assert chat.shown[-1].text == ""  # nobody sees the half of a call
        sending.cancel()
        await asyncio.wait([sending])
        (kept,) = await here.store.messages([chat.shown[-1].id])
        assert kept.state is State.STOPPED
        raw = [part.raw for part in kept.parts if isinstance(part, ToolUse)]
        assert kept.text + "".join(raw) == begun


async def test_a_program_that_ends_while_a_call_waits_loses_nothing(starter_model: Path, paths: Paths) -> None:
    async with room(starter_model, paths, calls("add", a=1, b=2), says("Three.")) as here:
        chat = await here.chat("add")
        sending = here.send(chat)
        await until(lambda: chat.calls.waiting)
        await asyncio.sleep(0.4)  # written through
        await here.store.close()  # as a crash leaves it: nobody closed the answer
        reopened = await Store.open(paths.chats)
        here.toolbox.use(reopened.list)
        again = await Sessions(reopened, lambda _: None).open(chat.chat.id)
        last = again.shown[-1]
        assert (last.state, call_in(last).name) == (State.INTERRUPTED, "add")
        asked = here.asker.asked(here.server, Asking(), {})
        assert (await again.continue_answer(last.id, asked)).text.endswith("Three.")
        assert (await again.regenerate(last.id, asked)).text == "Three."
        sending.cancel()
        await asyncio.wait([sending])
        await reopened.close()


async def test_a_model_that_was_ejected_while_a_call_waits_is_loaded_again(starter_model: Path, paths: Paths) -> None:
    rounds = calls("add", a=1, b=2), says("It is 3.")
    async with room(starter_model, paths, *rounds, idle_timeout_s=0.2) as here:
        chat = await here.chat("add")
        sending = here.send(chat)
        await until(lambda: chat.calls.waiting and not here.pool.loaded)
        chat.calls.allow("call1")
        done = await sending
        assert answer_in(done).text == "3"
        assert done.text.endswith("It is 3.")  # the script began anew, and its call was made before


async def test_who_waits_for_a_person_holds_up_nobody(starter_model: Path, paths: Paths) -> None:
    async with room(starter_model, paths, calls("add", a=1, b=2)) as here:
        first, second = await here.chat("add"), await here.chat()
        asking = here.send(first)
        await until(lambda: first.calls.waiting)
        silent = replace(here.asker.asked(here.server, Asking(), {}), ask=lambda _: never(), slots=1)
        other = asyncio.create_task(second.send([Text("Hi")], silent))
        await until(lambda: second.answer)
        assert here.sessions.waits_for(second) is None
        for task in (asking, other):
            task.cancel()
        await asyncio.wait([asking, other])


async def test_what_runs_is_on_the_disk_before_it_runs(starter_model: Path, paths: Paths) -> None:
    """As it runs: with what a person changed in it."""
    kept: list[str] = []

    async def look(word: str) -> str:
        """Look at what is on the disk.

        Args:
            word: any.
        """
        connection = sqlite3.connect(paths.chats / "chats.sqlite3")
        with contextlib.closing(connection):
            kept.extend(said for (said,) in connection.execute("SELECT parts FROM tail"))
        return word

    class Looking:
        async def offered(self, workspace: Workspace) -> Sequence[Offered]:
            return [Offered(as_tool(look), "Look")]

    async with room(starter_model, paths, calls("look", word="first"), says("So be it.")) as here:
        here.asker.toolbox = here.toolbox = Toolbox([Looking()], paths.permissions_file)
        here.toolbox.use(here.store.list)
        chat = await here.chat("look")
        sending = here.send(chat)
        await until(lambda: chat.calls.waiting)
        chat.calls.allow("call1", '{"word": "second"}')
        assert answer_in(await sending).text == "second"
        (call,) = [part for said in kept for part in decode(said) if isinstance(part, ToolUse) and part.edited]
        assert (json.loads(call.arguments), json.loads(call.edited)) == ({"word": "first"}, {"word": "second"})


async def test_calls_of_one_chat_have_names_of_their_own(starter_model: Path, paths: Paths) -> None:
    """Some models count their calls anew in each answer: "0", "functions.add:0"."""
    rounds = calls("add", a=1, b=2), calls("add", a=3, b=4), says("3 and 7."), calls("add", a=5, b=6), says("11.")
    async with room(starter_model, paths, *rounds) as here:
        chat = await here.chat("add")
        made: list[str] = []
        for results in (["3", "7"], ["11"]):
            sending = here.send(chat)
            for number, _ in enumerate(results):
                await until(lambda: chat.calls.waiting and chat.calls.waiting[0] not in made)
                (waits,) = chat.calls.waiting
                made.append(waits)
                if number == 1:
                    assert chat.calls.live("call1") is None  # the card of the first one does not wait again
                chat.calls.allow(waits)
            done = await sending
            answers = [part for part in done.parts if isinstance(part, ToolAnswer)]
            assert [(answer.id in made, answer.text) for answer in answers] == [(True, text) for text in results]
        assert len(set(made)) == 3


async def test_it_is_told_in_which_chats_a_call_waits(starter_model: Path, paths: Paths) -> None:
    async with room(starter_model, paths, calls("add", a=1, b=2), says("3.")) as here:
        heard: list[tuple[str, tuple[str, ...]]] = []
        sessions = here.sessions = Sessions(
            here.store, lambda _: None, lambda session: heard.append((session.chat.id, session.calls.waiting))
        )
        chat = await here.chat("add")
        sending = here.send(chat)
        await until(lambda: chat.calls.waiting)
        assert sessions.waiting == {chat.chat.id: chat}
        assert heard == [(chat.chat.id, ("call1",))]
        chat.calls.allow("call1")
        assert sessions.waiting == {}
        await sending
        assert heard[-1] == (chat.chat.id, ())


async def test_an_answer_in_a_form_gets_no_tools(starter_model: Path, paths: Paths) -> None:
    async with room(starter_model, paths, says("{}")) as here:
        chat = await here.chat("add")
        form = Asking(response_format={"type": "json_object"})
        assert (await here.asker.offer(here.store, form, chat.chat.id)).on == ()
        assert len((await here.asker.offer(here.store, Asking(), chat.chat.id)).on) == 1
