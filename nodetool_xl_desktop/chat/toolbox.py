"""Which tools there are, which of them are on in a chat, and what a person allowed.

What is on is kept with the chat. What was allowed, and the folder that was opened for a chat, is kept by itself in the
program's folder: a chat that somebody else exported may say which tools it had on, and never what may run unasked.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from nodetool_xl_desktop.chat.attached_files import ReadFile, attached
from nodetool_xl_desktop.chat.calls import Remember
from nodetool_xl_desktop.chat.listed import Listed, Tools
from nodetool_xl_desktop.chat.permissions import Grant, Permissions, PermissionsFile
from nodetool_xl_desktop.chat.tool_names import fingerprint, named
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.store.records import Chat

if TYPE_CHECKING:
    from nodetool_xl_desktop.tools.source import Offered, ToolSource, Workspace

#: What a source may take to say what it offers, in seconds; a server may have to be started for it.
SOURCE_S = 10.0
#: The same of one that took longer the last time: no question waits twice for it.
LATE_SOURCE_S = 0.5
#: Where a chat keeps what is on in it, in `Chat.more`.
TOOLS = "tools"
#: The chat that does not exist yet.
NEW_CHAT = ""
_NAMELESS = "?"

_log = logging.getLogger(__name__)

__all__ = ["NEW_CHAT", "Listed", "ReadFile", "Toolbox", "Tools", "attached"]


class Chats(Protocol):
    """What is needed of `Store.list`."""

    async def chat(self, chat_id: str) -> Chat: ...

    async def keep_more(self, chat_id: str, name: str, value: Any) -> None: ...


@dataclass(slots=True)
class _NewChat:
    """What was chosen for the chat that does not exist yet."""

    on: frozenset[str] | None = None  # None for the default
    folder: Path | None = None
    granted: list[Grant] = field(default_factory=list)


class Toolbox:
    """The tools of all chats. Its methods raise `UserFacingError` where the disk refuses; what was asked for holds all
    the same until the program ends.

    Args:
        sources: what has tools.
        permissions_file: where it is kept what may run unasked.

    Attributes:
        source_s: what a source may take to say what it offers, in seconds.
        on_change: hears that something else is on, or allowed.
    """

    def __init__(self, sources: Sequence[ToolSource], permissions_file: Path) -> None:
        self._sources = tuple(sources)
        self._permissions = PermissionsFile(permissions_file)
        self._chats: Chats | None = None
        self._on: dict[str, frozenset[str]] = {}
        self._new = _NewChat()
        self._keys: dict[str, str] = {}  # by the name that the model is told
        self._late: set[int] = set()
        self._left: set[asyncio.Future[Any]] = set()
        self.source_s = SOURCE_S
        self.on_change: Callable[[], None] = _nobody

    def use(self, chats: Chats | None) -> None:
        """Keep what is on with these chats: `Store.list`."""
        self._chats = chats
        self._on.clear()

    # Which there are

    async def offered(self, chat_id: str = NEW_CHAT, files: Mapping[str, ReadFile] | None = None) -> Tools:
        """All tools, as it stands with them in a chat. Bounded: a source that fails or hangs has none.

        Args:
            chat_id: empty for the chat that does not exist yet.
            files: what was attached to it, by name.
        """
        problems: list[UserFacingError] = []
        permissions = await self._read(problems)
        folder = self._new.folder if chat_id == NEW_CHAT else permissions.folder(chat_id)
        workspace = await asyncio.to_thread(_workspace, folder, files or {})  # the first one imports 0.1 s
        asked = await asyncio.gather(*(self._ask(source, workspace, problems) for source in self._sources))
        on, default = await self._on_in(chat_id, permissions, problems), frozenset(permissions.default)
        granted = self._granted(chat_id, permissions)
        found = []
        # In a thread: a server may offer many, and each one's schema is looked through.
        for listed, of in await asyncio.to_thread(_named, [each for some in asked for each in some]):
            here = [grant for grant in granted if grant.is_for(listed.key, of)]
            found.append(_as_allowed(replace(listed, is_on=listed.key in on), here))
            self._keys[listed.name] = listed.key
        there = {each.key for each in found}
        return Tools(tuple(found), tuple(problems), folder, on & there == default & there)

    async def _ask(
        self, source: ToolSource, workspace: Workspace, problems: list[UserFacingError]
    ) -> Sequence[Offered]:
        asking = asyncio.ensure_future(source.offered(workspace))
        limit_s = min(LATE_SOURCE_S, self.source_s) if id(source) in self._late else self.source_s
        try:
            await asyncio.wait({asking}, timeout=limit_s)
        finally:
            if not asking.done():
                asking.cancel()
                self._left.add(asking)
                asking.add_done_callback(self._left.discard)
        if not asking.done() or asking.cancelled():
            self._late.add(id(source))
            problems.append(_too_late())
            return ()
        self._late.discard(id(source))
        error = asking.exception()
        if error is None:
            return asking.result()
        if not isinstance(error, UserFacingError):
            _log.error("A source of tools failed", exc_info=error)
            error = UserFacingError(tr("Some tools are missing"), tr("a fault of this program: {error!r}", error=error))
        problems.append(error)
        return ()

    # What is on

    async def has_on(self, chat_id: str) -> bool:
        """Whether any tool is on in a chat, be it there now or not; no source is asked."""
        return bool(await self._on_in(chat_id, await self._read([]), []))

    async def set_on(self, chat_id: str, name: str, on: bool) -> None:
        """Switch a tool on or off in a chat."""
        await self._switch(chat_id, [self._keys.get(name, name)], on)

    async def set_all_on(self, chat_id: str, tools: Iterable[Listed], on: bool) -> None:
        """Switch several; of those that go on, the ones that can do harm are left out."""
        await self._switch(chat_id, [each.key for each in tools if each.offered.starts_on or not on], on)

    async def make_default(self, chat_id: str) -> None:
        """What is on in this chat is on in new ones."""
        on = await self._on_in(chat_id, await self._read([]), [])
        await self._change(lambda permissions: permissions.with_default(on))

    async def adopt(self, chat_id: str) -> None:
        """A chat was made: what was chosen for it before it existed, else the default, holds in it from now on."""
        new, self._new = self._new, _NewChat()
        permissions = await self._read([])
        on = frozenset(permissions.default) if new.on is None else new.on
        if on:
            await self._keep_on(chat_id, on)
        if new.folder is not None or new.granted:
            await self._change(
                lambda permissions: permissions.with_folder(chat_id, new.folder).with_granted(chat_id, *new.granted)
            )

    # The folder

    async def open_folder(self, chat_id: str, folder: Path | None) -> None:
        """Let the tools of a chat read this folder; None closes it."""
        if chat_id == NEW_CHAT:
            self._new.folder = folder
            self.on_change()
        else:
            await self._change(lambda permissions: permissions.with_folder(chat_id, folder))

    # What is allowed

    async def allowed(self, chat_id: str, listed: Listed, args: Mapping[str, Any]) -> bool:
        """Whether a call may run unasked."""
        if not listed.offered.asks:
            return True
        permissions = await self._read([])
        wanted = grant_for(listed, args)
        return any(grant.covers(wanted) for grant in self._granted(chat_id, permissions))

    async def allow(self, chat_id: str, listed: Listed, args: Mapping[str, Any], remember: Remember) -> None:
        """Let calls like this one run unasked from now on."""
        grant = grant_for(listed, args)
        if remember is Remember.ALWAYS:
            await self._change(lambda permissions: permissions.with_granted(None, grant))
        elif remember is Remember.CHAT and chat_id == NEW_CHAT:
            self._new.granted.append(grant)
        elif remember is Remember.CHAT:
            await self._change(lambda permissions: permissions.with_granted(chat_id, grant))

    async def always(self) -> tuple[Grant, ...]:
        """What may run unasked everywhere."""
        return (await self._read([])).always

    async def in_chat(self, chat_id: str) -> tuple[Grant, ...]:
        """What may run unasked in a chat beside that."""
        return (await self._read([])).granted(chat_id)

    async def forget(self, grant: Grant, chat_id: str | None = None) -> None:
        """Ask again from now on: everywhere, or in one chat."""
        await self._change(lambda permissions: permissions.without(grant, chat_id))

    async def forget_chats(self, ids: Iterable[str]) -> None:
        """These came out of a file, under ids of its own: what was allowed in chats that had them is not for them."""
        gone = frozenset(ids)
        if gone & (await self._read([])).chats.keys():
            await self._change(lambda permissions: permissions.without_chats(gone))

    # Keeping

    def _granted(self, chat_id: str, permissions: Permissions) -> Sequence[Grant]:
        here = self._new.granted if chat_id == NEW_CHAT else permissions.granted(chat_id)
        return [*here, *permissions.always]

    async def _on_in(self, chat_id: str, permissions: Permissions, problems: list[UserFacingError]) -> frozenset[str]:
        if chat_id == NEW_CHAT:
            return frozenset(permissions.default) if self._new.on is None else self._new.on
        if chat_id not in self._on:
            if self._chats is None:
                return frozenset()
            try:
                self._on[chat_id] = _said_on((await self._chats.chat(chat_id)).more)
            except UserFacingError as error:
                problems.append(error)
                return frozenset()
        return self._on[chat_id]

    async def _switch(self, chat_id: str, keys: Iterable[str], on: bool) -> None:
        now = await self._on_in(chat_id, await self._read([]), [])
        changed = now | set(keys) if on else now - set(keys)
        if chat_id == NEW_CHAT:
            self._new.on = changed
            self.on_change()
        else:
            await self._keep_on(chat_id, changed)

    async def _keep_on(self, chat_id: str, on: frozenset[str]) -> None:
        self._on[chat_id] = on
        self.on_change()
        if self._chats is not None:
            await self._chats.keep_more(chat_id, TOOLS, {"on": sorted(on)})

    async def _read(self, problems: list[UserFacingError]) -> Permissions:
        try:
            return await self._permissions.read()
        except UserFacingError as error:  # nothing is allowed then
            problems.append(error)
            return Permissions()

    async def _change(self, change: Callable[[Permissions], Permissions]) -> None:
        try:
            await self._permissions.change(change)
        finally:
            self.on_change()


def _workspace(folder: Path | None, files: Mapping[str, ReadFile]) -> Workspace:
    from nodetool_xl_desktop.tools.source import Workspace  # noqa: PLC0415 - 0.1 s, which no start need wait

    return Workspace(folder, files)


def _named(offered: Sequence[Offered]) -> list[tuple[Listed, str]]:
    return [(listed, fingerprint(listed.offered)) for listed in named(offered)]


def grant_for(listed: Listed, args: Mapping[str, Any]) -> Grant:
    """What a person allows who lets calls like this one run."""
    asks_for = getattr(listed.offered.tool, "asks_for", None)
    # Without a name it is allowed for itself alone: an empty subject would stand for everything.
    subject = "" if asks_for is None else str(asks_for(dict(args))) or _NAMELESS
    return Grant(listed.key, subject, fingerprint(listed.offered))


def _as_allowed(listed: Listed, grants: Sequence[Grant]) -> Listed:
    """With what the grants that are of it say; what holds always is said before what holds in the chat."""
    if not grants or not listed.offered.asks:
        return listed
    how = Remember.ALWAYS if any(grant.is_always for grant in grants) else Remember.CHAT
    subjects = () if any(not grant.subject for grant in grants) else tuple(dict.fromkeys(g.subject for g in grants))
    return replace(listed, allowed=how, subjects=subjects)


def _said_on(more: Mapping[str, Any]) -> frozenset[str]:
    """What a chat says is on; another program may have written that."""
    said = more.get(TOOLS)
    names = said.get("on") if isinstance(said, Mapping) else None
    return frozenset(name for name in names if isinstance(name, str)) if isinstance(names, list) else frozenset()


def _too_late() -> UserFacingError:
    return UserFacingError(
        tr("Some tools are missing"),
        tr("what has them did not answer within {source_s:g} s", source_s=SOURCE_S),
        tr("Look at the servers in the tools dialog, or switch off the one that hangs."),
    )


def _nobody() -> None:
    """Hears nothing."""
