"""What the engine itself plans to take for a load, device by device, without taking it.

A throw-away child has the engine plan everything and allocate nothing; the engine logs its plan as a table and then
aborts by design. The child is killed as soon as the table is read (0.2 s for a small model on an idle machine). The
estimate of `fit` is made for sliders; this is the word that decides.
"""

from __future__ import annotations

import asyncio
import math
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.core.units import GIB, MIB
from nodetool_xl_desktop.engine.child import Child, load_request, worker_command
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.engine.in_use import InUse
from nodetool_xl_desktop.engine.log import diagnose
from nodetool_xl_desktop.fit.memory import Device, MemoryUse, Needs
from nodetool_xl_desktop.fit.options import LoadOptions

#: A driver that hangs must not hang the question with it.
PLAN_WITHIN_S = 60.0
#: How long the free memory that a plan tells of a device is believed.
FREE_BELIEVED_S = 30.0
PLANS_KEPT = 128

#: `common_memory_breakdown_print` of llama.cpp's common/fit.cpp: a heading; a row a device with what it has and, in
#: brackets, what the load takes; the row of the host; rows of other buffers of the host, which have no memory of their
#: own. A description may hold brackets and bars.
_TABLE = "common_memory_breakdown_print: |"
_PARTS = r"= +(?P<model>\d+) \+ +(?P<context>\d+) \+ +(?P<compute>\d+)"
_DEVICE_ROW = re.compile(
    r"\|   - (?P<name>\S+) \((?P<description>.*)\) *\| +(?P<total>\d+) = +(?P<free>\d+) \+ \( *\d+ "
    + _PARTS
    + r"\) \+ +-?\d+ \|$"
)
_HOST_ROW = re.compile(r"\|   - (?P<name>\S+) *\| +\d+ " + _PARTS + r" +\|$")
#: What the projector takes, in a line before the table, or that it cannot be loaded (`load_model` of llama.cpp's
#: tools/server/server-context.cpp).
_PROJECTOR = re.compile(r"estimated worst-case memory usage of mmproj is (?P<mib>[\d.]+) MiB")
_NO_PROJECTOR = "failed to get memory usage of mmproj"
#: What tells a part of a split set: its number is the only thing in which the names differ.
_PART = re.compile(r"-\d{5}-of-(?P<count>\d{5})\.gguf$")


@dataclass(frozen=True, slots=True)
class DevicePlan:
    """What a load would take of one device, in bytes; the engine tells whole MiB, rounded down.

    Attributes:
        name: the engine's name for it, such as "CUDA0".
        description: the maker's; the engine leaves out words such as "NVIDIA".
        total: what the device has.
        free: what the driver says is free of it, before the load. Not every driver follows what is taken.
        model: the weights.
        context: the KV cache.
        compute: the buffers that a batch is computed in.
        projector: the one beside the model.
    """

    name: str
    description: str
    total: int
    free: int
    model: int
    context: int
    compute: int
    projector: int = 0

    @property
    def taken(self) -> int:
        """All that the load would take of it."""
        return self.model + self.context + self.compute + self.projector


@dataclass(frozen=True, slots=True)
class HostPlan:
    """What a load would take of the machine's own memory in one kind of buffer.

    Attributes:
        name: "Host", or that of a buffer beside it, such as "CPU_REPACK" for weights that are kept in another order.
        memory: the bytes; the engine tells whole MiB, rounded down.
    """

    name: str
    memory: MemoryUse


@dataclass(frozen=True, slots=True)
class Plan:
    """What the engine plans for one load.

    Attributes:
        devices: those that the engine would use; none for a load on the processor alone.
        host_rows: each kind of the machine's own memory.
    """

    devices: tuple[DevicePlan, ...]
    host_rows: tuple[HostPlan, ...]

    def needs(self, known: Sequence[Device] = ()) -> Needs:
        """The same as the estimate tells it; the table does not say how many layers are where.

        Args:
            known: the devices as the engine lists them, for their kinds, which the table does not say either.
        """
        kinds = {device.name: device.kind for device in known}
        devices = []
        for each in self.devices:
            reports = each.total > 0  # a driver that does not report says 0
            free, total = (each.free, each.total) if reports else (None, None)
            device = Device(each.name, kinds.get(each.name, "gpu"), free, total, each.description)
            devices.append((device, MemoryUse(each.model, each.context, each.compute, each.projector)))
        return Needs(self.host, tuple(devices))

    @property
    def host(self) -> MemoryUse:
        """All that the load would take of the machine's own memory, in bytes."""
        return sum((row.memory for row in self.host_rows), MemoryUse())


async def plan(
    model: Path,
    options: LoadOptions,
    *,
    command: Sequence[str] | None = None,
    within_s: float = PLAN_WITHIN_S,
    memory: int | None = None,
) -> Plan:
    """Have the engine plan a load, in a child that is gone when this returns. Cancelling kills it.

    Args:
        model: a `.gguf` file (of a split set: its first part).
        options: how it would be loaded.
        command: what to start instead of this program's own worker.
        within_s: how long it may take.
        memory: what the child may take beyond the engine itself, in bytes of address space, for a file that nobody
            vouches for; see `memory_to_plan`. Its processor time is bounded by `within_s` then. On Windows it has no
            effect.

    Raises:
        EngineError: there is nothing to plan (not a model, an unknown architecture, no engine), or it took too long.
    """
    try:
        return await _plan_once(model, options, command, within_s, memory)
    except EngineError as error:
        # WORKAROUND: a plan ends in an abort, and one in a thousand is over before the engine's log is written.
        if error.fault is not Fault.CRASHED:
            raise
    return await _plan_once(model, options, command, within_s, memory)


async def _plan_once(
    model: Path, options: LoadOptions, command: Sequence[str] | None, within_s: float, memory: int | None
) -> Plan:
    what = tr("{name} could not be planned", name=model.name)
    key = secrets.token_urlsafe(32)
    request = load_request("plan", model, options, key)
    if memory is not None:
        request["limits"] = {"memory": memory, "cpu_s": math.ceil(within_s)}
    table = _Table(options.projector_on_device)
    try:
        child = await Child.start(request, command or worker_command(), key, table.read)
    except OSError as error:
        raise EngineError.of_start(what, error) from error
    try:
        async with asyncio.timeout(within_s), child.guarded():
            answer = await child.answer()  # none, as it aborts or is killed once the table is there
    except TimeoutError as error:
        why = tr("the engine made no plan within {within_s:.0f} s", within_s=within_s)
        hint = tr("Look at the driver of the graphics card, then try again.")
        raise EngineError(Fault.TIMEOUT, what, why, hint, child.log.tail) from error
    finally:
        child.kill()
        await child.wait()
    found = table.plan()
    if found is None or table.unreadable or table.is_projector_refused:
        raise _no_plan(what, child, answer, table.unreadable)
    return found


def memory_to_plan(options: LoadOptions) -> int:
    """What planning any real model with these options takes at most, in bytes of address space.

    The plan maps no file: the engine's fitting reads the header, allocates no tensors, and lays out a graph, whose
    nodes it counts by the tensors of the model, or of models with recurrent layers by the tokens of a batch (40 nodes
    each, `graph_max_nodes` of llama.cpp's src/llama-context.cpp). Measured over 39 models up to 671B: most take less
    than 0.5 GiB; the most does Qwen3-Next 80B, less than 1 GiB at a batch of 512 and less than 4 at 2,048.
    """
    return 2 * GIB + options.physical_batch * MIB


def _no_plan(what: str, child: Child, answer: dict[str, Any] | None, unreadable: str) -> EngineError:
    """Why a child that has ended left no plan behind."""
    tail, status = child.log.tail, child.own_exit_status
    if answer is not None and answer.get("error") == "import":
        return EngineError.of_import(what, answer, tail)
    if child.was_frozen:
        return EngineError(
            Fault.FROZEN, what, tr("another program had stopped its process (SIGSTOP)"), tr("Try again."), tail
        )
    if unreadable:
        why = tr("the engine's plan has a row that cannot be understood: {unreadable}", unreadable=unreadable)
        hint = tr("Install the version of the engine that this program was made for.")
        return EngineError(Fault.UNKNOWN, what, why, hint, tail)
    # A status of 1 is the worker's own report of a failure that the log explains.
    return diagnose(what, tail, None if status == 1 and answer else status)


class DryRuns:
    """Plans that were made, kept for those who ask again; belongs to one event loop.

    A file that was written since, and any option that changes memory, makes another plan. A plan that names devices is
    made anew after `believed_s`, as it tells what is free of them. Failures are not kept.

    Args:
        command: what to start instead of this program's own worker.
        kept: how many plans are kept.
        believed_s: how long what they tell of a device's free memory is believed.
    """

    def __init__(
        self,
        command: Sequence[str] | None = None,
        kept: int = PLANS_KEPT,
        believed_s: float = FREE_BELIEVED_S,
    ) -> None:
        self._command = command
        self._most = kept
        self._believed_s = believed_s
        self._kept: OrderedDict[_Key, tuple[Plan, float]] = OrderedDict()
        self._running: dict[_Key, _Running] = {}

    async def plan(self, model: Path, options: LoadOptions) -> Plan:
        """What the engine plans for this load, as `plan`; who asks for the same at the same time shares one child.

        Cancelling leaves the child to the others who ask; the last of them takes it along.

        Raises:
            EngineError: as `plan`.
        """
        key = await asyncio.to_thread(_key, model, options)
        known = self._known(key)
        if known is not None:
            return known
        running = self._running.get(key)
        if running is None:
            # Not `asyncio.create_task`: qasync runs callbacks also while its loop does not count as running.
            task = asyncio.get_event_loop().create_task(self._make(key, model, options))
            running = self._running[key] = _Running(task)
        running.askers += 1
        try:
            return await asyncio.shield(running.task)
        finally:
            running.askers -= 1
            if not running.askers:
                self._forget(key, running)
                running.task.cancel()  # nobody waits for it, or it has ended
                await asyncio.wait([running.task])

    def _known(self, key: _Key) -> Plan | None:
        if key not in self._kept:
            return None
        known, made_at = self._kept[key]
        if known.devices and time.monotonic() - made_at > self._believed_s:
            return None
        self._kept.move_to_end(key)
        return known

    async def _make(self, key: _Key, model: Path, options: LoadOptions) -> Plan:
        made = await plan(model, options, command=self._command)
        self._kept[key] = made, time.monotonic()
        self._kept.move_to_end(key)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return made

    def _forget(self, key: _Key, running: _Running) -> None:
        if self._running.get(key) is running:
            del self._running[key]


@dataclass(slots=True)
class _Running:
    """A child that plans, and how many wait for it."""

    task: asyncio.Task[Plan]
    askers: int = 0


class _Table:
    """Reads the engine's first table from the lines of its log; later ones are of its own attempts to fit.

    Args:
        projector_on_device: whether the projector, which has a line of its own before the table, goes onto the first
            device, where there is one.

    Attributes:
        unreadable: a row that is not as it should be: without it a device would be missing.
        is_projector_refused: the engine cannot load the projector.
    """

    def __init__(self, projector_on_device: bool = False) -> None:
        self.unreadable = ""
        self.is_projector_refused = False
        self._on_device = projector_on_device
        self._projector = 0
        self._begun = False
        self._complete = False
        self._devices: list[DevicePlan] = []
        self._host: list[HostPlan] = []

    def read(self, line: str) -> bool:
        """Take the next line of the log; whether the table is complete: rows may follow the host's."""
        if match := _PROJECTOR.search(line):
            self._projector = round(float(match["mib"]) * MIB)
        elif _NO_PROJECTOR in line:
            self.is_projector_refused = self._complete = True
        _, is_row, row = line.partition(_TABLE)
        if self._complete or not is_row:
            self._complete = self._complete or bool(self._host)
        elif row.startswith(" memory breakdown [MiB]"):
            self._complete, self._begun = self._begun, True
        elif self._begun:
            self._take("|" + row)
        return self._complete

    def plan(self) -> Plan | None:
        """What it says; None where the host's row, which is never missing, has not come."""
        if not self._host:
            return None
        devices, host = list(self._devices), list(self._host)
        if self._projector and devices and self._on_device:
            devices[0] = replace(devices[0], projector=self._projector)
        elif self._projector:
            host.append(HostPlan("Projector", MemoryUse(projector=self._projector)))
        return Plan(tuple(devices), tuple(host))

    def _take(self, row: str) -> None:
        if match := _DEVICE_ROW.match(row):
            sizes = {name: int(match[name]) * MIB for name in ("total", "free", "model", "context", "compute")}
            self._devices.append(DevicePlan(match["name"], match["description"], **sizes))
        elif match := _HOST_ROW.match(row):
            sizes = {name: int(match[name]) * MIB for name in ("model", "context", "compute")}
            self._host.append(HostPlan(match["name"], MemoryUse(**sizes)))
        else:
            self.unreadable = row


#: The first file, size and time of each and of the projector, what of the options changes memory, and the engine.
_Key = tuple[Path, tuple[tuple[int, int], ...], LoadOptions, str]


def _key(model: Path, options: LoadOptions) -> _Key:
    return (
        model,
        tuple(map(_stamp, [*_files(model), *([Path(options.projector)] if options.projector else [])])),
        # What changes no memory is taken out.
        replace(options, threads=1, cache_ram_mib=0, ubatch=options.physical_batch),
        engine.name if (engine := InUse.look()) is not None else "",
    )


def _files(model: Path) -> list[Path]:
    """The files of a model, by the names that the engine itself looks for."""
    part = _PART.search(model.name)
    if part is None:
        return [model]
    stem, count = model.name[: part.start()], part["count"]
    return [model.with_name(f"{stem}-{number:05d}-of-{count}.gguf") for number in range(1, int(count) + 1)]


def _stamp(file: Path) -> tuple[int, int]:
    """Size and time of the last change; nothing of a file that is not there, which the engine tells better."""
    try:
        status = file.stat()
    except OSError:
        return (0, 0)
    return (status.st_size, status.st_mtime_ns)
