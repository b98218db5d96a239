"""Answers from models on this machine: `XLlamaCppProvider`.

There is one stream of events, `stream`; the window folds it, and `generate_messages` and `generate_message` are the
specification's view of it. A failure is an event there and an `EngineError` here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine.client import NO_ANSWER, Sampling
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.events import (
    Event,
    Failed,
    Finished,
    ReasoningDelta,
    TextDelta,
    ToolAnswered,
    ToolCallRequested,
)
from nodetool_xl_desktop.engine.pool import Pool
from nodetool_xl_desktop.engine.server import Endpoint, EngineServer
from nodetool_xl_desktop.fit.options import LoadSettings
from nodetool_xl_desktop.gguf import GgufError
from nodetool_xl_desktop.library.settings import Kept
from nodetool_xl_desktop.provider import reasoning, tokens
from nodetool_xl_desktop.provider.approval import Approve
from nodetool_xl_desktop.provider.catalogue import Catalogue
from nodetool_xl_desktop.provider.messages import normalise
from nodetool_xl_desktop.provider.preparation import Preparation, PreparedLoad, no_progress
from nodetool_xl_desktop.provider.stream import Stream
from nodetool_xl_desktop.provider.values import (
    Chunk,
    ImagePart,
    LanguageModel,
    Message,
    TokenCount,
    ToolCall,
    ToolResultPart,
    requested,
)

if TYPE_CHECKING:
    from nodetool_xl_desktop.provider.tool_use import AnyTool, Offer, ToolChoice

AnyMessage = Message | Mapping[str, Any]
#: What `generate_message(s)` takes beside what chooses tokens.
_NOT_SAMPLING = {"tool_choice", "run_tools", "approve", "send_reasoning", "load", "timeout_s"}


@dataclass(frozen=True, slots=True)
class _Turn:
    """One request to the engine."""

    messages: Sequence[Message]
    offer: Offer | None
    response_format: Mapping[str, Any] | None
    sampling: Sampling
    send_reasoning: bool = False

    @property
    def sent(self) -> Sequence[Message]:
        """The messages, with the reasoning that goes along."""
        return self.messages if self.send_reasoning else _without_reasoning(self.messages)

    @property
    def is_free(self) -> bool:
        """Whether no grammar says what the answer looks like, so that it may begin with reasoning."""
        return self.response_format is None and self.sampling.grammar is None and not (self.offer and self.offer.forced)


class XLlamaCppProvider:
    """Chats with models on this machine, each loaded once, in a process of its own, and shared by all who ask.

    A model is named by a path, the name of a file in My Models, `org/repo`, `org/repo:QUANT` or `org/repo/file.gguf`.

    How it is loaded is decided, setting by setting, by the call (`load=`), by what was chosen for this model in the
    window, by what `tune` found for it, by the environment (`XLLAMACPP_*`), and by the defaults, in this order.

    Args:
        pool: what loads and holds the models; `close` ends it, for others that share it, too.
        paths: the program's folders.
        endpoint: the address of a model hub, None for what `HF_ENDPOINT` says.
        token: for private and gated repositories of that hub.
    """

    def __init__(self, pool: Pool, paths: Paths, *, endpoint: str | None = None, token: str | None = None) -> None:
        self.pool = pool
        self._catalogue = Catalogue(paths, endpoint=endpoint, token=token)
        self._preparation = Preparation(pool, paths, self._catalogue)

    # Asking

    async def generate_message(
        self,
        messages: Sequence[AnyMessage],
        model: str | Path,
        tools: Sequence[AnyTool] = (),
        max_tokens: int | None = None,
        response_format: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Message:
        """Ask for one whole answer.

        Args:
            messages: of the chat, oldest first: `Message`, or OpenAI's `{"role": ..., "content": ...}`.
            model: its name, as above.
            tools: what the model may call: typed functions with docstrings, or instances of `tools.Tool`.
            max_tokens: the longest answer, in tokens; None ends only with the context.
            response_format: `{"type": "json_object"}`, or OpenAI's `{"type": "json_schema", "json_schema": ...}`.
            more: `tool_choice`, `run_tools`, `approve`, `send_reasoning`, `load` and `timeout_s` as in `stream`, and
                how to choose tokens: `temperature`, `seed`, `top_k` and so on, the fields of `engine.client.Sampling`.

        Returns:
            The answer: `content` is its text (with `run_tools` what was said after the last call); `tool_calls` are its
            calls; `finish_reason` is "length" where it was cut.

        Raises:
            EngineError: it could not be had; `fault` says of what kind that is.
            TypeError: an argument that there is not, or something that is no tool.
            ValueError: something that is no message, or a choice of no tool.
        """
        text: list[str] = []
        thought: list[str] = []
        calls: list[ToolCall] = []
        done = Chunk("", done=True)
        chunks = self.generate_messages(messages, model, tools, max_tokens, response_format, **more)
        async with contextlib.aclosing(chunks):
            async for item in chunks:
                if isinstance(item, ToolCall):
                    calls.append(item)
                elif isinstance(item, ToolResultPart):
                    text, thought = [], []
                elif item.done:
                    done = item
                else:
                    text.append(item.content)
                    thought.append(item.reasoning)
        return Message(
            "assistant",
            "".join(text),
            tool_calls=tuple(calls),
            reasoning="".join(thought),
            finish_reason=done.finish_reason,
            usage=done.usage,
        )

    def generate_messages(
        self,
        messages: Sequence[AnyMessage],
        model: str | Path,
        tools: Sequence[AnyTool] = (),
        max_tokens: int | None = None,
        response_format: Mapping[str, Any] | None = None,
        **more: Any,
    ) -> Stream[Chunk | ToolCall | ToolResultPart]:
        """Ask for one answer, as it comes. Leaving it in the middle stops the engine within one batch.

        Args and errors: as `generate_message`; what came before an error stands.

        Returns:
            To be read with `async for`: a `Chunk` with more of the text; a `ToolCall` for each call, whole; with
            `run_tools` a `ToolResultPart` for each result; at the end a `Chunk` with `done`.
        """
        own = {name: more.pop(name) for name in _NOT_SAMPLING & more.keys()}
        events = self.stream(
            messages,
            model,
            tools=tools,
            response_format=response_format,
            sampling=Sampling(max_tokens=max_tokens, **more),
            **own,
        )
        return events.seen_as(_item)

    def stream(  # noqa: PLR0913 - each is a thing that a caller may want to say
        self,
        messages: Sequence[AnyMessage],
        model: str | Path,
        *,
        tools: Sequence[AnyTool] = (),
        tool_choice: ToolChoice = "auto",
        run_tools: bool = False,
        approve: Approve | None = None,
        send_reasoning: bool = False,
        response_format: Mapping[str, Any] | None = None,
        load: LoadSettings | None = None,
        timeout_s: float | None = None,
        sampling: Sampling | None = None,
    ) -> Stream[Event]:
        """Ask for one answer, as typed events; the last one is `Finished` or `Failed`.

        Leaving it in the middle stops the engine within one batch.

        Args:
            messages: as in `generate_message`.
            model: its name.
            tools: what the model may call.
            tool_choice: "auto"; "none"; "required" forces one call, of whatever tool; a name forces a call of this one.
            run_tools: run the calls, give the model their results, and go on until it answers without one: at most ten
                rounds, and a call that is only repeated ends it.
            approve: is asked with each `ToolCall` before it is run, and may be a coroutine function; without it every
                call is run. It returns a bool, `Allow` with other arguments, or `Deny` with a reason for the model.
            send_reasoning: whether the model is told what it thought before earlier answers (`Message.reasoning`), and
                between its calls, where its template has a place for that.
            response_format: as in `generate_message`; a forced call leaves no room for it.
            load: how to load the model, where that matters.
            timeout_s: how long it may take in all, in seconds, loading included; None waits for ever.
            sampling: how to choose tokens.

        Raises:
            TypeError: something that is no tool.
            ValueError: something that is no message, or a choice of no tool.
        """
        offer = _offer(tools, tool_choice)
        if offer is not None and offer.forced and response_format is not None:
            raise ValueError("A forced tool call leaves no room for a response_format")
        load = load or LoadSettings()
        asked = [Message.of(each) for each in messages]
        turn = _Turn(asked, offer, response_format, sampling or Sampling(), send_reasoning)
        if run_tools and offer is not None:
            events = self._rounds(turn, offer, model, load, approve or (lambda _call: True))
        else:
            events = self._events(turn, model, load)
        too_late = _too_late(timeout_s or 0.0)
        return Stream(events, lambda event: event, failed=_engine_error, timeout_s=timeout_s, too_late=too_late)

    def _rounds(
        self, turn: _Turn, offer: Offer, model: str | Path, load: LoadSettings, approve: Approve
    ) -> AsyncGenerator[Event, None]:
        from nodetool_xl_desktop.provider import tool_loop  # noqa: PLC0415 - as in `_offer`

        def ask(history: Sequence[Message], number: int) -> AsyncGenerator[Event, None]:
            # Only the first call is forced, or there would never be an answer.
            now = replace(offer, forced=offer.forced if number == 0 else ())
            return self._events(replace(turn, messages=history, offer=now), model, load)

        async def shorten(result: str) -> str:
            path = await asyncio.to_thread(self._catalogue.loaded_as, model)
            server = self.pool.find(path) if path else None
            return await _shortened(result, server) if server else result

        return tool_loop.run(ask, turn.messages, offer.tools, approve, shorten)

    async def _events(self, turn: _Turn, model: str | Path, load: LoadSettings) -> AsyncGenerator[Event, None]:
        prepared = await self.prepare(model, load)
        async with self.pool.lease(*prepared.load) as server:
            properties = server.properties
            use = turn.offer.to(properties.template) if turn.offer else None
            system = use.instruction if use else ""
            turns = normalise(turn.sent, properties.template, vision=properties.vision, system=system)
            more = dict(use.request) if use else {}
            if turn.response_format is not None:
                more["response_format"] = dict(turn.response_format)
            events = server.stream_chat(turns, turn.sampling, **more)
            if turn.is_free and turns[-1]["role"] != "assistant":  # else it goes on in the middle
                events = reasoning.split(events, reasoning.opened_by(properties.begins))
            async with contextlib.aclosing(use.read(events) if use else events) as answer:
                async for event in answer:
                    yield event

    # Looking

    async def get_available_language_models(self) -> list[LanguageModel]:
        """The models on this disk: My Models, what was fetched, and the Hugging Face cache."""
        return await asyncio.to_thread(self._catalogue.models)

    def has_tool_support(self, model: str | Path) -> bool:
        """Whether tools can be given to this model: every model that can chat, natively or emulated.

        Reads the file's header (some milliseconds), and fetches nothing: of a model that is not on this disk it is
        not known, and False.
        """
        path = self._catalogue.find(model)
        if path is None:
            return False
        try:
            return self._catalogue.header(path).is_model
        except EngineError:
            return False

    async def count_tokens(
        self,
        messages: Sequence[AnyMessage],
        model: str | Path,
        tools: Sequence[AnyTool] = (),
        *,
        send_reasoning: bool = False,
    ) -> TokenCount:
        """The tokens that these messages make of a prompt; nothing is loaded or fetched for it.

        Args:
            messages: as in `generate_message`.
            model: its name.
            tools: what the model may call.
            send_reasoning: as in `stream`.

        Returns:
            The count. Its `exact` is True where the model is loaded and counted itself, template included, and False
            where a tokenizer of another model estimated it.

        Raises:
            EngineError: the loaded model refuses the messages.
        """
        asked: Sequence[Message] = [Message.of(message) for message in messages]
        asked = asked if send_reasoning else _without_reasoning(asked)
        offer = _offer(tools, "auto")
        path = await asyncio.to_thread(self._catalogue.loaded_as, model)
        server = self.pool.find(path) if path else None
        if server is None:
            return await asyncio.to_thread(tokens.estimate, asked, offer.definitions if offer else ())
        properties = server.properties
        use = offer.to(properties.template) if offer else None
        system = use.instruction if use else ""
        turns = normalise(asked, properties.template, vision=properties.vision, system=system)
        definitions = use.request.get("tools", ()) if use else ()
        return TokenCount(await server.count_tokens(turns, definitions), exact=True)

    async def endpoint(self, model: str | Path, *, load: LoadSettings | None = None) -> Endpoint:
        """The address of this model's own OpenAI-compatible server, for any client; loads it where it is not.

        The idle time counts from the last work that the model did, for whomever. A model that was ended and loaded
        again has another address and another key.

        Raises:
            EngineError: it could not be loaded.
        """
        return (await self.load(model, load=load)).endpoint

    async def load(
        self,
        model: str | Path,
        *,
        load: LoadSettings | None = None,
        on_download: Callable[[int, int], None] = no_progress,
    ) -> EngineServer:
        """Load a model before it is asked, fetching it where it is on no disk here.

        Args:
            model: its name.
            load: how to load it.
            on_download: gets the bytes that are there and the bytes of the whole, while it is fetched.

        Raises:
            EngineError: it could not be found, fetched or loaded.
        """
        try:
            prepared = await self.prepare(model, load or LoadSettings(), on_download)
            return await self.pool.load(*prepared.load)
        except EngineError:
            raise
        except UserFacingError as error:
            raise _engine_error(error) from error

    async def prepare(
        self, model: str | Path, load: LoadSettings, on_download: Callable[[int, int], None] = no_progress
    ) -> PreparedLoad:
        """Find a model, fetching it where it is on no disk here, and decide how it is loaded; loads nothing.

        Args and errors: as `load`.
        """
        return await self._preparation.prepare(model, load, on_download)

    def settings_for(self, path: Path) -> LoadSettings:
        """What is kept for a model file, over what the environment says. Touches the disk.

        Raises:
            UserFacingError: a variable of the environment cannot be used; it is named.
        """
        return self._preparation.settings_for(path)

    def kept_for(self, path: Path) -> Kept:
        """The same, what a person chose apart from all else. Touches the disk.

        Raises:
            UserFacingError: as `settings_for`.
        """
        return self._preparation.kept_for(path)

    def projectors_for(self, path: Path) -> tuple[Path, ...]:
        """What lies beside a model file so that it sees, the likeliest first; never fails. Touches the disk."""
        return self._preparation.projectors_for(path)

    def choose_settings(self, path: Path, chosen: LoadSettings) -> None:
        """Keep what a person chose for this model file; what was found by measuring stays. Touches the disk.

        Raises:
            UserFacingError: the settings could not be written.
        """
        self._preparation.choose(path, chosen)

    def keep_settings(self, path: Path, settings: LoadSettings) -> None:
        """Load this model file so from now on, on this machine. Touches the disk.

        Raises:
            UserFacingError: the settings could not be written.
        """
        self._preparation.keep(path, settings)

    async def eject(self, model: str | Path) -> None:
        """End a model, however it was loaded, and give its memory back."""
        path = await asyncio.to_thread(self._catalogue.loaded_as, model)
        if path is not None:
            await self.pool.eject(path)

    async def close(self) -> None:
        """End every model of this provider's pool; the provider answers nothing any more."""
        await self.pool.close()


def _without_reasoning(messages: Sequence[Message]) -> Sequence[Message]:
    return [replace(message, reasoning="") if message.reasoning else message for message in messages]


async def _shortened(result: str, server: EngineServer) -> str:
    """A tool's result in at most half of the context, in tokens: a chat that no longer fits would be at its end."""
    most = server.context_length // 2
    if len(result.encode(errors="replace")) <= most:  # a token is a byte at least
        return result
    tokens = await server.count_tokens([{"role": "user", "content": result}])
    if tokens <= most:
        return result
    kept = result[: len(result) * most // tokens]
    return f"{kept}... (cut: about {most:,} of {tokens:,} tokens, as the context holds {server.context_length:,})"


def _item(event: Event) -> Chunk | ToolCall | ToolResultPart | None:
    """The specification's view of an event."""
    match event:
        case TextDelta(text):
            return Chunk(text)
        case ReasoningDelta(text):
            return Chunk("", reasoning=text)
        case ToolCallRequested():
            return requested(event)
        case ToolAnswered(call_id, name, text, error, image, media_type):
            picture = ImagePart(image, media_type) if image else None
            return ToolResultPart(call_id, name, f"Error: {error}" if error else text, picture)
        case Finished(reason, usage):
            return Chunk("", done=True, finish_reason=reason, usage=usage)
        case Failed(error):
            raise error
    return None


def _offer(tools: Sequence[AnyTool], choice: ToolChoice) -> Offer | None:
    if not tools and choice == "auto":
        return None
    from nodetool_xl_desktop.provider import tool_use  # noqa: PLC0415 - 0.1 s, which no start without tools need wait

    return tool_use.offer(tools, choice)


def _engine_error(error: UserFacingError) -> EngineError:
    """The same error as the kind that callers of a provider know."""
    if isinstance(error, EngineError):
        return error
    if isinstance(error, GgufError):
        return EngineError.of_file(error.what, error)
    return EngineError(Fault.BAD_REQUEST, error.what, error.why, error.hint)


def _too_late(timeout_s: float) -> EngineError:
    return EngineError(
        Fault.TIMEOUT,
        NO_ANSWER,
        tr("the answer was not complete within {timeout_s:g} s", timeout_s=timeout_s),
        tr(
            "Give it more time (tools, and whoever approves them, take of it, too), "
            "or ask for fewer tokens (max_tokens)."
        ),
    )
