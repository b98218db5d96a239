"""Chats of other programs, and our own export, from their files.

- Ours: the JSON of `export.py`, however large: it is read chat by chat.
- ChatGPT: `conversations.json`, or the archive that holds it (`imports_chatgpt.py`).
- LM Studio: `*.conversation.json` (`imports_lm_studio.py`).
- GPT4All: `gpt4all-*.chat`, a binary format without a description (`imports_gpt4all.py`).

Each conversation stands for itself: one that cannot be read is named with its reason, and the others come in.
"""

from __future__ import annotations

import base64
import contextlib
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.exchange import export, imports_chatgpt, imports_gpt4all, imports_lm_studio
from nodetool_xl_desktop.exchange.export import Record
from nodetool_xl_desktop.exchange.imports_found import BROKEN, File, Found, Skipped, why
from nodetool_xl_desktop.exchange.imports_json import JsonReader
from nodetool_xl_desktop.exchange.imports_sound import sound
from nodetool_xl_desktop.store import presets
from nodetool_xl_desktop.store.errors import StoreError, StoreFault

OURS = tr("this program")
#: Of formats that are read whole, in bytes: a chat of GPT4All has some kilobytes.
LARGEST = 512 * 2**20
#: The conversations in ChatGPT's archive; a large export has several files of them.
_CONVERSATIONS = re.compile(r"(.*/)?conversations(-\d+)?\.json")


@dataclass(frozen=True, slots=True)
class Opened:
    """A file that is being read.

    Attributes:
        source: whose format it is.
        found: what is in it, as it is read; raises what `imports_found.BROKEN` names, or OSError, where it breaks off.
        done: how much of it was read, from 0 to 1.
    """

    source: str
    found: Iterator[Found]
    done: Callable[[], float]


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Opened]:
    """A file of a known format.

    Raises:
        StoreError: it is of no known format.
        OSError: it cannot be read.
    """
    with contextlib.ExitStack() as stack:
        try:
            made = _open(path, stack)
        except (*BROKEN, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
            raise unknown(path, why(error)) from error
        yield made


def _open(path: Path, stack: contextlib.ExitStack) -> Opened:
    size = path.stat().st_size
    stream = stack.enter_context(path.open("rb"))
    begin = stream.read(4)
    stream.seek(0)
    if begin == imports_gpt4all.MAGIC:
        if size > LARGEST:
            raise ValueError("it is too large to be a chat of GPT4All")
        record = sound(imports_gpt4all.read(stream.read()))
        return Opened("GPT4All", iter([record]), lambda: 1.0)
    if begin == b"PK\x03\x04":
        return _open_archive(stack.enter_context(zipfile.ZipFile(stream)), stack)
    return _open_json(stream, size, path.name)


def _open_archive(archive: zipfile.ZipFile, stack: contextlib.ExitStack) -> Opened:
    members = sorted(
        (each for each in archive.infolist() if _CONVERSATIONS.fullmatch(each.filename)), key=lambda each: each.filename
    )
    if not members:
        raise ValueError("the archive holds no conversations.json")
    of = sum(each.file_size for each in members) or 1
    parts = [_open_json(stack.enter_context(archive.open(each)), each.file_size, each.filename) for each in members]

    def found() -> Iterator[Found]:
        for part in parts:
            yield from part.found

    def done() -> float:
        return min(1.0, sum(part.done() * each.file_size for part, each in zip(parts, members, strict=True)) / of)

    return Opened(parts[0].source, found(), done)


def _open_json(stream: BinaryIO | Any, size: int, name: str) -> Opened:
    reader = JsonReader(stream)

    def done() -> float:
        return min(1.0, reader.read_bytes / max(size, 1))

    if reader.peek() == "[":
        items = _items(reader)
        first = next(items, None)
        if not (isinstance(first, dict) and "mapping" in first):
            raise _no_export()
        return Opened("ChatGPT", _each_of_chatgpt(first, items), done)
    members = reader.members()
    if reader.peek() != "{" or not (name_of_first := next(members, "")):
        raise _no_export()
    value = None if name_of_first in ("chats", "files") else reader.value()
    if (name_of_first, value) == ("format", export.FORMAT):
        return Opened(OURS, _ours(reader, members), done)
    said = {name_of_first: reader.value() if value is None else value}
    said |= {member: reader.value() for member in members}
    return _of_whole(said, name, done)


def _of_whole(said: dict[str, Any], name: str, done: Callable[[], float]) -> Opened:
    """One object that is in memory as a whole."""
    match said:
        case {"format": export.FORMAT}:
            return Opened(OURS, _ours_whole(said), done)
        case {"mapping": _}:
            return Opened("ChatGPT", _each_of_chatgpt(said, iter(())), done)
        case {"messages": [{"versions": _}, *_]}:
            short = name.removesuffix(".conversation.json")
            return Opened("LM Studio", _one(said, lambda: imports_lm_studio.read(said, short)), done)
    raise _no_export()


def _items(reader: JsonReader) -> Iterator[Any]:
    for _ in reader.items():
        yield reader.value()


def _each_of_chatgpt(first: Any, others: Iterator[Any]) -> Iterator[Found]:
    yield from _chatgpt(first)
    for said in others:
        yield from _chatgpt(said)


def _chatgpt(said: Any) -> Iterator[Found]:
    return _one(said, lambda: imports_chatgpt.read(said))


# Ours


def _ours(reader: JsonReader, members: Iterator[str]) -> Iterator[Found]:
    """After the format. The version comes next in what we write; wherever it stands, it is looked at."""
    for member in members:
        if member == "version":
            _need_version(reader.value())
        elif member == "chats":
            for said in _items(reader):
                yield from _our_chat(said)
        elif member == "presets":
            for said in _items(reader):
                yield from _our_preset(said)
        elif member == "files":
            for sha256 in reader.members():
                yield from _our_file(sha256, reader.value())
        else:
            reader.value()


def _ours_whole(said: dict[str, Any]) -> Iterator[Found]:
    """The same where somebody has put its members into another order."""
    _need_version(said.get("version"))
    for chat in said["chats"]:
        yield from _our_chat(chat)
    for preset in said.get("presets", ()):
        yield from _our_preset(preset)
    for sha256, data in said.get("files", {}).items():
        yield from _our_file(sha256, data)


def _need_version(version: Any) -> None:
    if not isinstance(version, int) or version > export.VERSION:
        raise ValueError(
            tr(
                "it is of version {version!r}, and this program knows up to {known}",
                version=version,
                known=export.VERSION,
            )
        )


def _our_chat(said: Any) -> Iterator[Found]:
    return _one(said, lambda: export.of_json(said))


def _our_preset(said: Any) -> Iterator[Found]:
    try:
        yield presets.of_json(said)
    except BROKEN as error:
        yield Skipped(tr("a preset"), why(error))


def _our_file(sha256: str, said: Any) -> Iterator[Found]:
    try:
        yield File(sha256, base64.b64decode(said))
    except BROKEN as error:
        yield Skipped(tr("the file {sha256}", sha256=sha256[:12]), why(error))


def _one(said: Any, read: Callable[[], Record]) -> Iterator[Found]:
    """A chat, or why there is none; one without a message is no loss."""
    try:
        record = sound(read())
    except BROKEN as error:
        title = said.get("title") or said.get("name") if isinstance(said, dict) else ""
        yield Skipped(" ".join(str(title).split())[:80] if title else tr("without a title"), why(error))
    else:
        if record.messages:
            yield record


def _no_export() -> ValueError:
    return ValueError(tr("it is no export of this program, of ChatGPT, of LM Studio or of GPT4All"))


def unknown(path: Path, reason: str) -> StoreError:
    """A file that cannot be imported."""
    return StoreError(
        StoreFault.FOREIGN,
        tr("{name} cannot be imported", name=path.name),
        reason,
        tr(
            "Choose an export of this program, ChatGPT's conversations.json, LM Studio's *.conversation.json or"
            " GPT4All's *.chat."
        ),
    )
