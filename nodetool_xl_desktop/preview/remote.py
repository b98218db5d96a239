"""What if I downloaded this: the preview of a model that is not here.

Only headers are fetched. The estimate works with them as with those of a file; for the engine's own plan they are laid
out as files with holes. A header from the network may say anything, so the engine sees it only when somebody asks for
an exact answer, and then in a child whose memory and time are bounded.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.threads import to_its_end
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.engine import dry_run
from nodetool_xl_desktop.engine.dry_run import Plan
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.fit.estimate import estimate
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.hub.address import Address, parse_address
from nodetool_xl_desktop.hub.endpoint import hub_of, origin
from nodetool_xl_desktop.hub.header import PATIENCE, RemoteModel, read_remote_model, read_stamp
from nodetool_xl_desktop.hub.repository import HubFile, Repository
from nodetool_xl_desktop.hub.sparse import SparseFiles
from nodetool_xl_desktop.hub.transfer import Patience
from nodetool_xl_desktop.preview.report import Preview

#: Bytes of headers that are kept for those who ask again: some ten models.
MOST_KEPT = 96 * units.MIB


class RemoteModels:
    """Models on servers, looked into and kept for a session; belongs to one event loop.

    What was read is kept by its address, its ETag and its size: who asks again is answered after one request for one
    byte, which tells whether the file is still the same.

    Args:
        folder: where headers are laid out for the engine; each is removed at once afterwards.
        endpoint: the address of a model hub, None for what HF_ENDPOINT says.
        token: an access token for the hub; it is sent to no other host.
        command: what to start instead of this program's own engine child.
        patience: how long a broken connection is put up with.
    """

    def __init__(
        self,
        folder: Path,
        *,
        endpoint: str | None = None,
        token: str | None = None,
        command: Sequence[str] | None = None,
        patience: Patience = PATIENCE,
    ) -> None:
        self._folder = folder
        self._endpoint = endpoint
        self._token = token
        self._command = command
        self._patience = patience
        self._kept: OrderedDict[str, RemoteModel] = OrderedDict()

    async def inspect(self, url: str) -> Preview:
        """Read the header of a model behind an address, or of a whole split set by any of its parts.

        The preview is the same as that of a file, save that its paths are mere names. Cancelling leaves nothing behind.

        Args:
            url: any http(s) address of a .gguf file, or that of its page on the hub.

        Raises:
            HubError: it is no such address, or the server does not hand the file out or cannot be reached.
            GgufError: the file is no model, or its header says what cannot be.
        """
        address = parse_address(url, self._endpoint)
        return _preview(await self._read(address, self._token, ask_again=True))

    async def inspect_file(self, repository: Repository, file: HubFile, *, token: str | None = None) -> Preview:
        """As `inspect`, for a file that a hub has told of. A commit does not change, so it is read once.

        Args:
            repository: as the hub told it.
            file: of it; of a split set any part.
            token: for that hub; unless given, the one of these models where it is their hub.
        """
        if token is None and origin(repository.endpoint) == origin(hub_of(self._endpoint)):
            token = self._token
        return _preview(await self._read(Address.of(repository, file), token))

    async def plan(self, url: str, options: LoadOptions, *, within_s: float = dry_run.PLAN_WITHIN_S) -> Plan:
        """What the engine plans for a load of this model, as `engine.dry_run.plan` does for a file.

        A model that was inspected is planned from what was read then. Cancelling ends the child.

        Raises:
            HubError, GgufError: as `inspect`, or the headers could not be laid out in the folder.
            EngineError: as `engine.dry_run.plan`; also where the engine would take more memory or time to plan it
                than any real model.
        """
        address = parse_address(url, self._endpoint)
        async with self._laid_out(await self._read(address, self._token)) as path:
            try:
                memory = dry_run.memory_to_plan(options)
                return await dry_run.plan(path, options, command=self._command, within_s=within_s, memory=memory)
            except EngineError as error:
                raise _told(error, address, dry_run.memory_to_plan(options)) from error

    @asynccontextmanager
    async def laid_out(self, url: str) -> AsyncIterator[Path]:
        """The model as a file with a hole in place of its tensors, which is gone afterwards; of a set the first part.

        Whatever reads it shall bear in mind that its header comes from the network.

        Raises:
            HubError, GgufError: as `plan`.
        """
        address = parse_address(url, self._endpoint)
        async with self._laid_out(await self._read(address, self._token)) as path:
            yield path

    async def _read(self, address: Address, token: str | None, *, ask_again: bool = False) -> RemoteModel:
        known = self._kept.get(address.url)
        if known is not None and (not ask_again or await self._is_current(address, known)):
            self._kept.move_to_end(address.url)
            return known
        self._kept.pop(address.url, None)
        model = await read_remote_model(address, token=token, patience=self._patience)
        _preview(model)  # what no preview can be made of is not kept, and no engine sees it
        self._kept[address.url] = model
        while len(self._kept) > 1 and sum(map(_length, self._kept.values())) > MOST_KEPT:
            self._kept.popitem(last=False)
        return model

    async def _is_current(self, address: Address, known: RemoteModel) -> bool:
        stamp, size = await read_stamp(address, token=self._token, patience=self._patience)
        return any((file.stamp, file.size) == (stamp, size) for file in known.files if file.name == address.name)

    @asynccontextmanager
    async def _laid_out(self, model: RemoteModel) -> AsyncIterator[Path]:
        files = SparseFiles(model.files, self._folder)
        try:
            yield await to_its_end(files.make)
        finally:
            await to_its_end(files.remove)


async def inspect(url: str, *, endpoint: str | None = None, token: str | None = None) -> Preview:
    """As `RemoteModels.inspect`, for one look.

    Raises:
        HubError, GgufError: as there.
    """
    address = parse_address(url, endpoint)
    return _preview(await read_remote_model(address, token=token))


def _preview(model: RemoteModel) -> Preview:
    """As `Preview.inspect`: raises `GgufError` where no report could be made of the header."""
    estimate(model.header, LoadOptions())
    return Preview(model.header)


def _length(model: RemoteModel) -> int:
    return sum(len(file.content) for file in model.files)


def _told(error: EngineError, address: Address, memory: int) -> EngineError:
    """An error of the engine, of which a person knows the model by its own name."""
    why, hint = error.why, error.hint
    if error.fault is Fault.OUT_OF_MEMORY:
        why = tr(
            "the engine asked for more than {memory} to plan it, as no model known has it do",
            memory=units.memory(memory),
        )
    if error.fault in (Fault.OUT_OF_MEMORY, Fault.TIMEOUT):
        hint = tr("Its header may be damaged or made to do harm: choose another build of this model")
    return EngineError(error.fault, tr("{name} could not be planned", name=address.name), why, hint, error.log_tail)
