"""Reading a file that the person gave: one that they attached, or one in the folder that they opened."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.tools.folder import Folder
from nodetool_xl_desktop.tools.text_files import NotText, lines, shown

#: Characters of one answer, about 4,000 tokens of English: less than a call may return, so that the last line of it,
#: which says how to go on, is not cut off.
MOST_CHARACTERS = 16_000
#: Bytes that are gone through to come to a line far behind.
MOST_READ = 64 * units.MIB
#: Seconds for that. A thread cannot be stopped from outside.
WITHIN_S = 10.0
_LONGEST_LINE = 2_000
_MOST_NAMES = 20


class ReadFileTool:
    """Reads text, some lines at a time.

    Args:
        folder: the one that the person opened; None for none.
        files: what they attached, by name.
    """

    name = "read_file"
    description = (
        "Reads a text file that the user attached, or one in the folder that they opened. Long files come in parts."
    )
    parameters: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "The file's name, such as notes.txt or docs/plan.md"},
            "first_line": {"type": "integer", "minimum": 1, "default": 1, "description": "Where to begin"},
        },
        "required": ["name"],
        "additionalProperties": False,
    }

    def __init__(self, folder: Path | None, files: Mapping[str, Callable[[], Awaitable[bytes]]]) -> None:
        self._folder = None if folder is None else Folder(folder)
        self._files = files

    @property
    def forced_parameters(self) -> Mapping[str, Any]:
        """Where only files were attached, a small model has to take one of them."""
        names = [shown(name) for name in self._files]
        if self._folder is not None or not 0 < len(names) <= _MOST_NAMES:
            return self.parameters
        first_line = {"type": "integer", "minimum": 1, "maximum": 9999}
        return {**self.parameters, "properties": {"name": {"enum": names}, "first_line": first_line}}

    def __call__(self, name: str, first_line: int = 1) -> str | Coroutine[Any, Any, str]:
        """The lines from `first_line` on, with a last line that says how to go on. Touches the disk.

        Raises:
            UserFacingError: there is no such file, it is no text, or it ends before that line.
        """
        attached = self._attached(name)
        if attached is not None:
            return self._read_attached(attached, first_line)
        if self._folder is None:
            raise UserFacingError(f"There is no file {shown(name)[:200]}", self._what_there_is())
        if not name.strip("/. "):
            raise UserFacingError("No file was named", hint="list_folder shows the files")
        return _part(shown(name), self._folder.blocks(name, MOST_READ), first_line)

    def _attached(self, name: str) -> str | None:
        """The attached file that is meant: by its whole name, in other case, or by its name without folders."""
        if name in self._files:
            return name
        wanted = name.rpartition("/")[2].casefold() if self._folder is None else name.casefold()
        same = [known for known in self._files if wanted in (known.casefold(), shown(known).casefold())]
        return same[0] if len(same) == 1 else None

    async def _read_attached(self, name: str, first_line: int) -> str:
        content = await self._files[name]()
        return await asyncio.to_thread(_part, shown(name), (content,), first_line)

    def _what_there_is(self) -> str:
        names = [shown(name) for name in list(self._files)[:_MOST_NAMES]]
        if not names:
            return "the user has attached no file and opened no folder"
        more = len(self._files) - len(names)
        return f"the attached files are {', '.join(names)}{f' and {more} more' if more else ''}"


def _part(name: str, blocks: Iterable[bytes], first_line: int) -> str:
    taken: list[str] = []
    room = MOST_CHARACTERS
    number = 0
    until = time.monotonic() + WITHIN_S
    try:
        for number, line in enumerate(lines(_counted(blocks, until)), 1):
            if number < first_line:
                continue
            text = line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}... ({len(line):,} characters)"
            if len(text) + 1 > room:
                return _told(name, taken, first_line, f"for more: first_line={number}")
            taken.append(text)
            room -= len(text) + 1
    except NotText as kind:
        hint = "Only text can be read; ask the user what you need to know of it"
        raise UserFacingError(f"{name} is {kind}, no text", hint=hint) from kind
    except _Enough:
        if taken:
            return _told(name, taken, first_line, "the file goes on, but no farther can be read")
        why = f"only the first {units.file_size(MOST_READ)} of a file can be read"
        raise UserFacingError(f"Line {first_line:,} of {name} is too far behind", why) from None
    if not number:
        return f"{name} is empty."
    if first_line > number:
        raise UserFacingError(
            f"{name} ends at line {number:,}",
            hint=f"Take a first_line up to {number}",
        )
    return _told(name, taken, first_line, "the end of the file")


class _Enough(Exception):
    """So much was read that it is given up."""


def _counted(blocks: Iterable[bytes], until: float) -> Iterable[bytes]:
    """The blocks, up to the most that is read, and only for so long."""
    left = MOST_READ
    for block in blocks:
        yield block
        left -= len(block)
        if left <= 0 or time.monotonic() > until:
            raise _Enough


def _told(name: str, taken: list[str], first_line: int, end: str) -> str:
    return "\n".join([*taken, f"({name}, lines {first_line} to {first_line + len(taken) - 1}; {end})"])
