"""A model's header, read where the model lies: some megabytes tell what a load of all the others would take."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.connections import Purpose
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.gguf import Header, Truncated, join_parts, parse, part_names
from nodetool_xl_desktop.gguf.window import FIRST_CHUNK
from nodetool_xl_desktop.hub.address import Address
from nodetool_xl_desktop.hub.errors import BadAnswer, HubError, Interrupted, TooLong, Unreachable, require_network
from nodetool_xl_desktop.hub.ranges import Feed, Source
from nodetool_xl_desktop.hub.repository import HubFile, Repository
from nodetool_xl_desktop.hub.transfer import Dropped, Patience, connected

#: A header is short, and somebody waits for it: it is tried again, but not for long.
PATIENCE = Patience(pauses_s=(0.5, 2.0))
#: What is fetched for the headers of one model, of all its parts and attempts together, in bytes. The longest known
#: has 50 MB, most of it a `tokenizer.huggingface.json`; the usual ones have 2 to 15 MB. A server that sends more than
#: was asked for has a few MB on the way when it is left, so that 64 MB are never exceeded.
MOST_FETCHED = 56_000_000
#: Requests of one header: a server that hands out a few bytes at a time is not humoured.
MOST_REQUESTS = 64
#: Where requests end: each asks up to the next of these bounds, and is left as soon as the header ends. Headers without
#: a vocabulary end before the first, most others before the second.
_BOUNDS = (units.MIB, 8 * units.MIB, 24 * units.MIB, MOST_FETCHED)
#: The same for the further parts of a set, which have tensors only (a hundred take 8 KB).
_BOUNDS_OF_PARTS = (32 * units.KIB, *_BOUNDS)
#: Parts of a set that are asked for at the same time.
_AT_ONCE = 4
#: Stands for the size of a file that the server does not tell.
_UNTOLD = 2**62


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One file of a model, as far as it was fetched.

    Attributes:
        name: for people.
        content: the file's first bytes, its whole header among them.
        size: of the whole file, in bytes.
        stamp: what the server says to tell this version of the file from others (its ETag); may be empty.
    """

    name: str
    content: bytes = field(repr=False)
    size: int
    stamp: str


@dataclass(frozen=True, slots=True)
class RemoteModel:
    """A model on a server: its header as `read_model` would have it, and what was fetched of its files in order."""

    header: Header
    files: tuple[RemoteFile, ...]


async def read_remote_header(
    repository: Repository, file: HubFile, *, token: str | None = None, patience: Patience = PATIENCE
) -> Header:
    """Read the header of a file on a hub through ranges; the tensors stay there.

    Of a split set the first part has all that an estimate asks for, but for the tensors of the others.

    Raises:
        HubError: the hub does not hand it out, or cannot be reached.
        GgufError: it is no model that this program reads.
    """
    reader = _Reader(patience)
    address = Address.of(repository, file)
    require_network()
    async with connected(address.host, patience, Purpose.HUB) as client:
        return (await reader.header(Source(client, address, token)))[0]


async def read_remote_model(
    address: Address, *, token: str | None = None, patience: Patience = PATIENCE
) -> RemoteModel:
    """Read the headers of a model through ranges, of all its parts where it is a split set.

    Args:
        address: of the file, or of any part of the set.
        token: sent to the hub itself and to no other host.
        patience: how long a broken connection is put up with.

    Raises:
        HubError: the server does not hand it out, or cannot be reached; or more than `MOST_FETCHED` bytes would have
            to be fetched.
        GgufError: it is no model that this program reads.
    """
    if address.repository:
        require_network()
    reader = _Reader(patience)
    async with connected(address.host, patience, _purpose(address)) as client:
        source = Source(client, address, token)
        header, file = await reader.header(source)
        names = part_names(header)
        if len(names) == 1:
            return RemoteModel(header, (file,))
        known = {header.split_no: (header, file)}
        parts = await reader.parts([Source(client, address.beside(name), token) for name in names], known)
    return RemoteModel(join_parts([part for part, _ in parts]), tuple(file for _, file in parts))


async def read_stamp(
    address: Address, *, token: str | None = None, patience: Patience = PATIENCE
) -> tuple[str, int | None]:
    """Ask which version of a file a server has: its ETag and its size, as far as it tells them. One byte is fetched.

    Raises:
        HubError: the server does not hand it out, or cannot be reached.
    """
    if address.repository:
        require_network()
    async with connected(address.host, patience, _purpose(address)) as client:
        source = Source(client, address, token)
        try:
            await _Reader(patience).fetch(source, 1, (1,))
        finally:
            await source.close()
        return source.stamp, source.size


def _purpose(address: Address) -> Purpose:
    """What lies on a hub is asked for as Discover asks, whoever named it."""
    return Purpose.HUB if address.repository else Purpose.ADDRESSES


class _Reader:
    """Reads the headers of one model, and counts what is fetched for all of them together."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._left = MOST_FETCHED

    async def parts(
        self, sources: Sequence[Source], known: dict[int, tuple[Header, RemoteFile]]
    ) -> list[tuple[Header, RemoteFile]]:
        """The headers of a set's files, in their order; of `known` those that were read before.

        The first that fails ends the others.
        """
        turns = asyncio.Semaphore(_AT_ONCE)

        async def one(number: int, source: Source) -> tuple[Header, RemoteFile]:
            if number in known:
                return known[number]
            async with turns:
                # The first has the metadata of all, be it asked for first or not.
                return await self.header(source, is_first=number == 0)

        tasks = [asyncio.create_task(one(number, source)) for number, source in enumerate(sources)]
        try:
            return await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def header(self, source: Source, *, is_first: bool = True) -> tuple[Header, RemoteFile]:
        """One file's header, and what was fetched for it."""
        bounds = _BOUNDS if is_first else _BOUNDS_OF_PARTS
        try:
            await self.fetch(source, 1, bounds)  # tells the file's size
            header = await self._parsed(source, bounds)
        finally:
            await source.close()
        end = header.data_offset
        if source.size is None:  # nobody has told it but the header itself
            source.size = end + (header.tensors[-1].offset + header.tensors[-1].size if header.tensors else 0)
            header = replace(header, file_size=source.size, total_size=source.size)
        content = bytes(source.content[:end])  # what was fetched beyond the header is let go
        return header, RemoteFile(source.address.name, content, source.size, source.stamp)

    async def _parsed(self, source: Source, bounds: Sequence[int]) -> Header:
        """Parse what has come, and fetch on as the parser asks for more."""
        size = source.size
        try:
            return await self._parsed_as(source, bounds, _UNTOLD if size is None else size)
        except Truncated:
            if source.size is None or source.size == size:
                raise
            # A file shorter than what was asked for: now that its end was seen, the same bytes are enough.
            return await self._parsed_as(source, bounds, source.size)

    async def _parsed_as(self, source: Source, bounds: Sequence[int], size: int) -> Header:
        path, first_chunk = Path(source.address.name), min(bounds[0], FIRST_CHUNK)
        feed = Feed(source)
        parsing = asyncio.create_task(asyncio.to_thread(parse, feed.read, size, path, first_chunk))
        parsing.add_done_callback(lambda _: feed.stir())
        try:
            while not parsing.done():
                wanted = await feed.asked_for()
                if not parsing.done():
                    await self.fetch(source, wanted, bounds)
                    feed.arrived()
            return parsing.result()
        finally:
            feed.end()
            parsing.add_done_callback(_taken_note_of)

    async def fetch(self, source: Source, wanted: int, bounds: Sequence[int]) -> None:
        """Have the first `wanted` bytes of a file, or all of it."""
        pauses = list(self._patience.pauses_s)
        while len(source.content) < wanted and not source.is_whole:
            before = len(source.content)
            try:
                await self._some(source, wanted, bounds)
            except Dropped as fault:
                await source.close()
                if len(source.content) - before >= units.MIB:  # a good piece: it is worth going on
                    pauses = list(self._patience.pauses_s)
                if not pauses:
                    raise _given_up(source.address, fault) from fault
                await asyncio.sleep(max(pauses.pop(0), fault.pause_s))

    async def _some(self, source: Source, wanted: int, bounds: Sequence[int]) -> None:
        """Fetch until `wanted` bytes are there or an answer ends."""
        if not source.is_open:
            if source.requests >= MOST_REQUESTS:
                why = tr(
                    "it handed out only {count:,} bytes in {requests} answers",
                    count=len(source.content),
                    requests=source.requests,
                )
                raise BadAnswer.because(source.address.host, why)
            self._require_budget(source)
            end = next((bound for bound in bounds if bound >= wanted), wanted)
            await source.open(min(end - len(source.content), self._left))
        while source.is_open and len(source.content) < wanted:
            self._require_budget(source)
            self._left -= await source.next_block() or 0

    def _require_budget(self, source: Source) -> None:
        if self._left <= 0:
            raise TooLong.of(source.address.name, units.file_size(MOST_FETCHED))


def _given_up(address: Address, fault: Dropped) -> HubError:
    if not fault.connected:
        return Unreachable.because(address.host, fault.why)
    return Interrupted(tr("The header of {name} could not be read", name=address.name), fault.why, tr("Try again"))


def _taken_note_of(parsing: asyncio.Task[Header]) -> None:
    """Its error, if any, is told already, or nobody waits for it."""
    if not parsing.cancelled():
        parsing.exception()
