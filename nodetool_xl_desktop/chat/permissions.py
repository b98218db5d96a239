"""What a person allowed tools to do unasked, and the folders that they opened: one small file in the program's folder.

It is no part of a chat, so that no file that somebody else made can bring permissions along.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.core.json_file import JsonFile
from nodetool_xl_desktop.core.translation import tr

#: Of so many chats it is known what was allowed in them; those that were added first go first.
MOST_CHATS = 1000


@dataclass(frozen=True, slots=True)
class Grant:
    """What may run unasked.

    Attributes:
        tool: what the tool is kept by: `source/name`, with nothing before the stroke for one that is built in.
        subject: for what alone, such as a host; empty for everything.
        of: what the tool was like (`tool_names.fingerprint`): one that its server changed is asked for again.
        is_always: whether it holds in every chat.
    """

    tool: str
    subject: str = ""
    of: str = ""
    is_always: bool = False

    @property
    def source(self) -> str:
        """The server that has the tool; empty for a built-in one."""
        return self.tool.rpartition("/")[0]

    @property
    def name(self) -> str:
        """The tool's own name."""
        return self.tool.rpartition("/")[2]

    def is_for(self, tool: str, of: str) -> bool:
        """Whether it is of this tool, as it is now."""
        return self.tool == tool and self.of == of

    def covers(self, wanted: Grant) -> bool:
        """Whether it allows this."""
        return self.is_for(wanted.tool, wanted.of) and self.subject in ("", wanted.subject)

    def is_same(self, other: Grant) -> bool:
        """Whether it allows the same, wherever."""
        return (self.tool, self.subject) == (other.tool, other.subject)


@dataclass(frozen=True, slots=True)
class OfChat:
    """What holds in one chat."""

    granted: tuple[Grant, ...] = ()
    folder: Path | None = None


@dataclass(frozen=True, slots=True)
class Permissions:
    """All of it.

    Attributes:
        default: the tools that are on in new chats.
        always: what may run unasked everywhere.
        chats: what holds in chats, by id.
    """

    default: tuple[str, ...] = ()
    always: tuple[Grant, ...] = ()
    chats: Mapping[str, OfChat] = field(default_factory=dict)

    def granted(self, chat_id: str) -> tuple[Grant, ...]:
        """What may run unasked in a chat, beside what may everywhere."""
        return self.chats.get(chat_id, OfChat()).granted

    def folder(self, chat_id: str) -> Path | None:
        """The folder that was opened for a chat."""
        return self.chats.get(chat_id, OfChat()).folder

    def with_default(self, on: Iterable[str]) -> Permissions:
        """The same with these tools on in new chats."""
        return replace(self, default=tuple(sorted(on)))

    def with_folder(self, chat_id: str, folder: Path | None) -> Permissions:
        """The same with another folder of a chat."""
        return self._with(chat_id, replace(self.chats.get(chat_id, OfChat()), folder=folder))

    def with_granted(self, chat_id: str | None, *grants: Grant) -> Permissions:
        """The same with more that may run unasked, in a chat or (None) everywhere."""
        now = self
        for grant in grants:
            less = now.without(grant, chat_id)
            if chat_id is None:
                now = replace(less, always=(*less.always, replace(grant, is_always=True)))
            else:
                held = less.chats.get(chat_id, OfChat())
                now = less._with(chat_id, replace(held, granted=(*held.granted, replace(grant, is_always=False))))
        return now

    def without(self, grant: Grant, chat_id: str | None) -> Permissions:
        """The same without what was allowed in a chat, or (None) everywhere."""
        if chat_id is None:
            return replace(self, always=tuple(each for each in self.always if not each.is_same(grant)))
        held = self.chats.get(chat_id, OfChat())
        return self._with(chat_id, replace(held, granted=tuple(g for g in held.granted if not g.is_same(grant))))

    def without_chats(self, ids: Iterable[str]) -> Permissions:
        """The same without all that holds in these chats."""
        gone = set(ids)
        return replace(self, chats={each: held for each, held in self.chats.items() if each not in gone})

    def _with(self, chat_id: str, held: OfChat) -> Permissions:
        chats = {**self.chats, chat_id: held}
        kept = [(each, of) for each, of in chats.items() if of != OfChat()]
        return replace(self, chats=dict(kept[-MOST_CHATS:]))

    def to_json(self) -> dict[str, Any]:
        """What is kept."""
        return {
            "default": list(self.default),
            "always": [_grant_json(grant) for grant in self.always],
            "chats": {
                chat_id: {
                    "granted": [_grant_json(grant) for grant in held.granted],
                    **({"folder": str(held.folder)} if held.folder is not None else {}),
                }
                for chat_id, held in self.chats.items()
            },
        }

    @classmethod
    def of_json(cls, said: Mapping[str, Any]) -> Permissions:
        """From what the file says.

        Raises:
            ValueError, TypeError, LookupError, AttributeError: it is none of this program's.
        """
        return cls(
            tuple(str(name) for name in said.get("default", ())),
            tuple(_grant(each, is_always=True) for each in said.get("always", ())),
            {
                chat_id: OfChat(
                    tuple(_grant(each, is_always=False) for each in held.get("granted", ())),
                    Path(held["folder"]) if held.get("folder") else None,
                )
                for chat_id, held in dict(said.get("chats", {})).items()
            },
        )


class PermissionsFile:
    """Where they are kept. The disk is touched in threads.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self._file = JsonFile(path, tr("The list of permissions"))
        self._held: Permissions | None = None
        self._unwritten: list[Callable[[Permissions], Permissions]] = []  # what the disk refused until now
        self._lock = asyncio.Lock()

    async def read(self) -> Permissions:
        """What is allowed.

        Raises:
            UserFacingError: the disk refused.
        """
        async with self._lock:
            return await self._read()

    async def change(self, change: Callable[[Permissions], Permissions]) -> None:
        """Allow something else; it holds also where it could not be written.

        Raises:
            UserFacingError: it could not be read, and then nothing is changed; or not be written.
        """
        async with self._lock:
            self._held = change(await self._read())
            self._unwritten.append(change)
            changes = tuple(self._unwritten)

            def all_of(held: Permissions | None) -> Permissions:  # to what another program has kept meanwhile
                return reduce(lambda now, each: each(now), changes, held or Permissions())

            self._held = await asyncio.to_thread(self._file.change, _parsed, all_of, Permissions.to_json)
            self._unwritten.clear()

    async def _read(self) -> Permissions:
        if self._held is None:
            self._held = await asyncio.to_thread(self._file.read, _parsed) or Permissions()
        return self._held


def _parsed(said: Any) -> Permissions:
    try:
        return Permissions.of_json(said)
    except AttributeError as error:
        raise TypeError(str(error)) from error


def _grant_json(grant: Grant) -> dict[str, str]:
    said = {"tool": grant.tool, "subject": grant.subject, "of": grant.of}
    return {name: value for name, value in said.items() if value}


def _grant(said: Mapping[str, Any], *, is_always: bool) -> Grant:
    return Grant(str(said["tool"]), str(said.get("subject", "")), str(said.get("of", "")), is_always)
