"""What the engine plans for a load: read exactly, with no process left, and asked for once."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import processes
import pytest
import scripted_worker
from engine_runs import OPTIONS, loaded
from gguf_writer import write_gguf
from model_shapes import LLAMA_8B, llama

from nodetool_xl_desktop.core.units import MIB
from nodetool_xl_desktop.engine import dry_run
from nodetool_xl_desktop.engine.dry_run import DevicePlan, DryRuns, HostPlan, Plan, plan
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.fit.estimate import estimate
from nodetool_xl_desktop.fit.memory import Device, MemoryUse
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.gguf import read_model

pytestmark = pytest.mark.usefixtures("no_process_left")


def mib(model: int, context: int, compute: int) -> MemoryUse:
    return MemoryUse(model * MIB, context * MIB, compute * MIB)


def scripted(script: str, *arguments: object) -> tuple[str, ...]:
    return scripted_worker.command(script, *map(str, arguments))


# With the real engine


@pytest.mark.parametrize("parallel", [1, 3])
@pytest.mark.parametrize("context_length", [1000, 4096])
async def test_the_plan_of_the_starter_model_is_what_a_load_takes(
    starter_model: Path, context_length: int, parallel: int
) -> None:
    options = LoadOptions(context_length=context_length, parallel=parallel)
    planned = await plan(starter_model, options)
    assert not processes.children()
    assert planned.devices == ()
    assert [row.name for row in planned.host_rows] == ["Host"]
    async with loaded(starter_model, options) as server:
        taken = server.taken
    for part in ("model", "context"):
        assert 0 <= getattr(taken, part) - getattr(planned.host, part) < MIB  # a plan is told in whole MiB
    # The rows of logits, one a slot, are not planned.
    logits = parallel * 49_152 * 4
    assert 0 <= taken.compute - logits - planned.host.compute < 1.1 * MIB


async def test_the_plan_meets_the_estimate(starter_model: Path) -> None:
    for options in (LoadOptions(2048), LoadOptions(2048, parallel=4), LoadOptions(8192, batch=512)):
        planned, reckoned = (await plan(starter_model, options)).host, estimate(read_model(starter_model), options).host
        for part in ("model", "context", "compute"):
            assert 0 <= getattr(reckoned, part) - getattr(planned, part) < MIB


async def test_options_that_change_memory_change_the_plan(starter_model: Path) -> None:
    whole = (await plan(starter_model, LoadOptions(8192, flash_attention=False))).host
    flash = (await plan(starter_model, LoadOptions(8192, flash_attention=True))).host
    assert whole.compute > 5 * flash.compute  # the attention matrix is built


@pytest.mark.parametrize("kinds", [("q8_0", "q4_0"), ("f32", "bf16"), ("q5_1", "iq4_nl"), ("q4_1", "q5_0")])
async def test_each_cache_has_its_own_type(starter_model: Path, kinds: tuple[str, str]) -> None:
    options = LoadOptions(4096, kv_type_k=kinds[0], kv_type_v=kinds[1])
    planned = (await plan(starter_model, options)).host
    assert planned.context == pytest.approx(estimate(read_model(starter_model), options).host.context, abs=MIB)
    assert planned.context != (await plan(starter_model, LoadOptions(4096))).host.context


async def test_the_batch_is_computed_in_parts(starter_model: Path) -> None:
    computed = [
        (await plan(starter_model, LoadOptions(8192, batch=batch, ubatch=ubatch))).host.compute
        for batch, ubatch in ((2048, 512), (512, 512), (512, 4096), (2048, 2048))
    ]
    assert computed[0] == computed[1] == computed[2]
    assert computed[3] > 3 * computed[0]


async def test_chats_may_share_one_cache(starter_model: Path) -> None:
    shared, apart = [
        (await plan(starter_model, LoadOptions(2048, parallel=4, kv_unified=unified))).host.context
        for unified in (True, False)
    ]
    assert apart == 4 * shared


@pytest.mark.parametrize(
    "options",
    [{"mmap": False}, {"mlock": True}, {"mmap": False, "mlock": True}, {"swa_full": True}, {"cpu_moe": 123}],
    ids=str,
)
async def test_settings_that_the_engine_takes(starter_model: Path, options: dict[str, Any]) -> None:
    whole = await plan(starter_model, LoadOptions(2048))
    assert (await plan(starter_model, LoadOptions(2048, **options))).host == whole.host


async def test_what_the_plan_says_as_the_estimate_says_it(starter_model: Path, tmp_path: Path) -> None:
    planned = await plan(starter_model, LoadOptions(gpu_layers=13), command=scripted("planned", tmp_path / "journal"))
    ((device, use),) = planned.needs().devices
    assert (device.name, device.free, device.total) == ("Vulkan0", 2048 * MIB, 2048 * MIB)
    assert device.largest_tensor == 128 * MIB  # it is llvmpipe
    assert use.total == planned.devices[0].taken
    assert planned.needs().host == planned.host
    told = {"name": "Vulkan0", "description": "", "kind": "igpu", "free": 0, "total": 0}
    ((integrated, _),) = planned.needs([Device.of(told)]).devices
    assert replace(integrated, kind="gpu") == device
    assert integrated.shares_host_memory
    assert not device.shares_host_memory


async def test_a_device_that_reports_no_memory_has_none_to_judge_by() -> None:
    silent = DevicePlan("Vulkan0", "A card", 0, 0, 5 * MIB, MIB, MIB)
    ((device, use),) = Plan((silent,), ()).needs().devices
    assert (device.free, device.total, use.total) == (None, None, 7 * MIB)
    told = {"name": "Vulkan0", "description": "A card", "kind": "gpu", "free": 0, "total": 0}
    assert Device.of(told) == device
    assert Device.of(told | {"free": 0, "total": 9}) == replace(device, free=0, total=9)  # it is full


async def test_a_header_is_enough(tmp_path: Path) -> None:
    """Weights that are repacked stand beside the mapped file (figures: `engine-facts.md`)."""
    more = {"tokenizer.ggml.model": "no_vocab", "llama.attention.layer_norm_rms_epsilon": 1e-5}
    header = llama(tmp_path / "llama.gguf", LLAMA_8B, more)
    planned = await plan(header.path, LoadOptions(4096, batch=512))
    rows = {row.name: row.memory for row in planned.host_rows}
    assert planned.devices == ()
    assert rows["Host"].context == 512 * MIB
    assert rows["Host"].compute == 128 * MIB
    assert planned.host.model >= header.tensor_bytes - 2 * MIB
    assert planned.host.total == sum(memory.total for memory in rows.values())


@pytest.mark.parametrize("size", [0, 5_000])
async def test_a_file_that_is_no_model_has_no_plan(tmp_path: Path, size: int) -> None:
    model = tmp_path / "noise.gguf"
    model.write_bytes(random.Random(size).randbytes(size))
    error = await failed(model)
    assert error.fault is Fault.NOT_A_MODEL
    assert error.log_tail


async def test_an_architecture_that_the_engine_does_not_know_has_no_plan(tmp_path: Path) -> None:
    tensors = [("token_embd.weight", (256, 4), "Q4_K")]
    error = await failed(write_gguf(tmp_path / "new.gguf", {"general.architecture": "zzama"}, tensors))
    assert error.fault is Fault.UNKNOWN_ARCHITECTURE
    assert "'zzama'" in error.why


async def test_a_file_that_is_not_there_has_no_plan(tmp_path: Path) -> None:
    assert (await failed(tmp_path / "moved.gguf")).fault is Fault.FILE


async def test_a_program_that_is_not_there(starter_model: Path) -> None:
    with pytest.raises(EngineError, match="could not be started"):
        await plan(starter_model, OPTIONS, command=("/no/such/program",))


@pytest.mark.parametrize("turns", [0, 1, 2, 4, 8, 16])
async def test_cancelling_at_any_moment_leaves_nothing(starter_model: Path, turns: int) -> None:
    planning = asyncio.create_task(plan(starter_model, OPTIONS))
    for _ in range(turns):
        await asyncio.sleep(0.01)
    await cancel(planning)


async def failed(model: Path, command: tuple[str, ...] | None = None) -> EngineError:
    with pytest.raises(EngineError) as raised:
        await plan(model, OPTIONS, command=command)
    assert not processes.children()
    return told(raised.value, model)


def told(error: object, model: Path) -> EngineError:
    assert isinstance(error, EngineError)
    assert model.name in error.what
    assert error.why
    assert error.hint
    return error


async def cancel(planning: asyncio.Task[Plan]) -> None:
    planning.cancel()
    with pytest.raises(asyncio.CancelledError):
        await planning
    assert not processes.children()


# With a scripted one


async def test_devices_and_every_row_of_the_host_are_read(starter_model: Path, tmp_path: Path) -> None:
    planned = await plan(starter_model, LoadOptions(gpu_layers=13), command=scripted("planned", tmp_path / "journal"))
    assert planned.devices == (
        DevicePlan("Vulkan0", "llvmpipe (LLVM 15)", 2048 * MIB, 2048 * MIB, (1913 - 24) * MIB, 16 * MIB, 8 * MIB),
    )
    assert planned.devices[0].taken == 1913 * MIB
    assert planned.host_rows == (HostPlan("Host", mib(728, 3, 2)), HostPlan("CPU_REPACK", mib(9, 3, 2)))
    assert planned.host == mib(737, 6, 4)


@pytest.mark.parametrize(
    "name", ["MTL0 (Apple M1 Pro)", "RPC0[127.0.0.1:50052] (A | B) (C)", "CUDA1 ()", "CPU (A CPU)"]
)
async def test_names_of_any_kind(starter_model: Path, tmp_path: Path, name: str) -> None:
    command = scripted("planned", tmp_path / "journal", 100, 33, name)
    (device,) = (await plan(starter_model, LoadOptions(gpu_layers=33), command=command)).devices
    assert f"{device.name} ({device.description})" == name
    assert (device.total, device.free, device.taken) == (2048 * MIB, 100 * MIB, 4872 * MIB)


async def test_the_child_is_killed_as_soon_as_the_table_is_there(starter_model: Path, tmp_path: Path) -> None:
    command = scripted("planned-for-ever", tmp_path / "journal")
    async with asyncio.timeout(dry_run.PLAN_WITHIN_S / 4):
        assert (await plan(starter_model, OPTIONS, command=command)).host == mib(728, 3, 2)
    assert processes.is_gone(int((tmp_path / "journal").read_text()), 0)


async def test_a_plan_that_takes_too_long(starter_model: Path, tmp_path: Path) -> None:
    command = scripted("planned-when", tmp_path / "never", tmp_path / "journal")
    with pytest.raises(EngineError) as raised:
        await plan(starter_model, OPTIONS, command=command, within_s=0.5)
    error = raised.value
    assert error.fault is Fault.TIMEOUT
    assert "made no plan within" in error.why


async def test_a_child_that_another_program_stops(starter_model: Path, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    planning = asyncio.create_task(failed(starter_model, scripted("planned-when", tmp_path / "never", journal)))
    os.kill(await told_in(journal), signal.SIGSTOP)
    async with asyncio.timeout(10):
        assert (await planning).fault is Fault.FROZEN


async def test_a_table_that_cannot_be_read_is_no_plan(starter_model: Path) -> None:
    assert "of which 1913 are needed" in (await failed(starter_model, scripted("plan-in-other-words"))).why


async def test_a_child_that_aborts_without_a_table(starter_model: Path, tmp_path: Path) -> None:
    error = await failed(starter_model, scripted("planned", tmp_path / "journal", 2048, -1))
    assert error.fault is Fault.ABORTED


async def test_children_that_do_not_do_as_they_should(starter_model: Path) -> None:
    """All at once, as each of them gets its time to end."""
    plans = [plan(starter_model, OPTIONS, command=scripted(script)) for script in ("garbage", "number", "mute")]
    for error in await asyncio.gather(*plans, return_exceptions=True):
        assert told(error, starter_model).fault is Fault.UNKNOWN
    assert not processes.children()


async def told_in(journal: Path) -> int:
    """The first number that a child writes there."""

    def wait() -> int:
        deadline = time.monotonic() + 20
        while not (journal.exists() and journal.read_text().endswith("\n")):
            assert time.monotonic() < deadline, "no child has started"
            time.sleep(0.01)
        return int(journal.read_text().split()[0])

    return await asyncio.to_thread(wait)


# Kept plans


def children_of(journal: Path) -> int:
    return len(journal.read_text().split()) if journal.exists() else 0


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def model(starter_model: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(starter_model, tmp_path / "copy.gguf"))


async def test_the_same_question_is_asked_once(model: Path, journal: Path) -> None:
    runs = DryRuns(scripted("planned", journal))
    first = await runs.plan(model, OPTIONS)
    # These do not change memory.
    assert await runs.plan(model, replace(OPTIONS, threads=7, cache_ram_mib=99)) is first
    # This changes none either: no more is computed at once than the batch.
    assert await runs.plan(model, replace(OPTIONS, ubatch=OPTIONS.batch)) is first
    assert children_of(journal) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"context_length": 512},
        {"batch": 64},
        {"gpu_layers": 1},
        {"parallel": 2},
        {"flash_attention": True},
        {"flash_attention": False},
        {"kv_type_k": "q8_0"},
        {"kv_type_v": "q8_0"},
        {"ubatch": 32},
        {"swa_full": True},
        {"kv_unified": True},
        {"mmap": False},
        {"mlock": True},
        {"cpu_moe": 1},
        {"tensor_split": "0,1"},
    ],
    ids=str,
)
async def test_another_question_is_asked_anew(model: Path, journal: Path, other: dict[str, int]) -> None:
    runs = DryRuns(scripted("planned", journal))
    await runs.plan(model, OPTIONS)
    await runs.plan(model, replace(OPTIONS, **other))  # type: ignore[arg-type]
    await runs.plan(model, OPTIONS)
    assert children_of(journal) == 2


@pytest.mark.parametrize("part", ["copy.gguf", "set-00001-of-00002.gguf", "set-00002-of-00002.gguf"])
async def test_a_file_that_was_written_since_is_planned_anew(model: Path, journal: Path, part: str) -> None:
    first = model if part == "copy.gguf" else model.with_name("set-00001-of-00002.gguf")
    for name in (first.name, part):
        shutil.copy(model, model.with_name(name)) if name != model.name else None
    runs = DryRuns(scripted("planned", journal))
    await runs.plan(first, OPTIONS)
    os.utime(model.with_name(part), ns=(1, 1))
    await runs.plan(first, OPTIONS)
    assert children_of(journal) == 2


async def test_the_free_memory_of_a_device_is_not_believed_for_long(model: Path, journal: Path) -> None:
    runs = DryRuns(scripted("planned", journal), believed_s=0.0)
    await runs.plan(model, OPTIONS)
    await runs.plan(model, OPTIONS)
    assert children_of(journal) == 2
    without = DryRuns(scripted("planned-for-ever", journal), believed_s=0.0)
    assert await without.plan(model, OPTIONS) is await without.plan(model, OPTIONS)


async def test_no_more_plans_are_kept_than_asked_for(model: Path, journal: Path) -> None:
    runs = DryRuns(scripted("planned", journal), kept=2)
    for context_length in (256, 512, 256, 768, 256, 512):  # the one that was asked for longest ago goes
        await runs.plan(model, replace(OPTIONS, context_length=context_length))
    assert children_of(journal) == 4


async def test_those_who_ask_at_once_share_a_child(model: Path, journal: Path, tmp_path: Path) -> None:
    runs = DryRuns(scripted("planned-when", tmp_path / "go", journal))
    asking = [asyncio.create_task(runs.plan(model, OPTIONS)) for _ in range(5)]
    await told_in(journal)
    asking[0].cancel()  # who asked first may leave
    await asyncio.sleep(0)
    (tmp_path / "go").touch()
    gone, *plans = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(gone, asyncio.CancelledError)
    assert all(each is plans[0] for each in plans)
    assert isinstance(plans[0], Plan)
    assert children_of(journal) == 1


async def test_the_last_one_who_asks_takes_the_child_along(model: Path, journal: Path, tmp_path: Path) -> None:
    runs = DryRuns(scripted("planned-when", tmp_path / "go", journal))
    asking = [asyncio.create_task(runs.plan(model, OPTIONS)) for _ in range(2)]
    await told_in(journal)
    for each in asking:
        each.cancel()
    await asyncio.wait(asking)
    assert not processes.children()
    (tmp_path / "go").touch()
    assert (await runs.plan(model, OPTIONS)).host == mib(728, 3, 2)  # and the next one gets a new one


async def test_a_failure_is_told_to_all_and_not_kept(model: Path, journal: Path) -> None:
    runs = DryRuns(scripted("planned", journal, 2048, -1))
    errors = await asyncio.gather(*(runs.plan(model, OPTIONS) for _ in range(3)), return_exceptions=True)
    assert all(isinstance(error, EngineError) and error.fault is Fault.ABORTED for error in errors)
    assert children_of(journal) == 1
    with pytest.raises(EngineError):
        await runs.plan(model, OPTIONS)
    assert children_of(journal) == 2
