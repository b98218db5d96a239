"""Headers made to hurt, and what a preview makes of them: from bytes to every advice.

`hostile(number)` is always the same header, so that a failure can be looked at again:

    python tests/hostile_headers.py FIRST COUNT

examines so many in a process of its own, whose memory nothing else grows, and prints one JSON object: how many gave a
report and how many an error, the slowest, how much memory was taken on top, and the failures with their tracebacks.
`python tests/hostile_headers.py PATH` does so with one file.
"""

from __future__ import annotations

import functools
import json
import math
import random
import struct
import subprocess
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
from gguf_writer import VALUE_TYPES, Raw, Tensor, Typed, file_size, gguf_header
from shapes import SHAPES, Shape

from nodetool_xl_desktop.core.units import GIB, MIB
from nodetool_xl_desktop.fit.estimate import estimate
from nodetool_xl_desktop.fit.memory import Device, HostMemory, Machine
from nodetool_xl_desktop.fit.options import KV_TYPES, LARGEST_CONTEXT_LENGTH, LoadOptions, LoadSettings
from nodetool_xl_desktop.fit.solver import best_build, offload
from nodetool_xl_desktop.fit.verdict import Verdict
from nodetool_xl_desktop.gguf import GgufError, Header, parse, read_model
from nodetool_xl_desktop.preview.report import FitReport, Preview

#: The longest that one of them may take, in seconds of this process, and the memory for all of them together.
TIME_LIMIT_S = 1.0
MEMORY_LIMIT_BYTES = 200_000_000

EXTREMES = [
    *(0, 1, 7, 2**16, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**40, 2**60, 2**61),
    *(2**63 - 1, 2**63, 2**64 - 8, 2**64 - 1),
]
#: What a model says nowhere, or nowhere in this place.
STRANGE_VALUES: list[Any] = [
    *(0, 1, 2, 3, 31, 255, 256, 1000, 1024, 1025, 65_536, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**64 - 1),
    *(-1, -(2**31), -(2**63), 0.0, -1.0, 1e-45, 3.4e38, math.inf, -math.inf, math.nan, True, False),
    *("", "0", "llama", "%s%n" * 20, "\x1b[2J\n", "\u202e", "x" * 10_000, b"\xff\xfe", [], ["a"], [1.5, math.nan]),
    *([0], [1, 2, 3], [-1] * 4, [2**31 - 1] * 4, [0] * 512, [1] * 1024, [2**32 - 1] * 1025, [True, False] * 2),
    *(Typed("u8", 255), Typed("i8", -128), Typed("u16", 65_535), Typed("f64", 1e308), Typed("i64", [2**62] * 4)),
    *(Raw(struct.pack("<IIQ", 9, 9, 3)), Raw(struct.pack("<IIQ", 9, 4, 2**60)), Raw(struct.pack("<IQ", 8, 2**60))),
]
LAYERS = 4


@dataclass(frozen=True)
class Original:
    """A sound header, its parts, and where its lengths, counts and types stand."""

    metadata: dict[str, Any]
    tensors: list[Tensor]
    content: bytes
    size: int
    offsets: list[int]


@functools.cache
def originals() -> list[Original]:
    """The headers of real architectures, cut down to some layers, and a part of a split set."""
    found = [_original(shape.metadata(), shape.tensors()) for shape in map(_cut_down, SHAPES)]
    first = found[0]
    words = {
        "tokenizer.ggml.tokens": [f"t{number}" for number in range(300)],
        "tokenizer.chat_template": "{{ messages }}",
        "general.alignment": 64,
    }
    found.append(_original({**first.metadata, **words}, first.tensors, alignment=64))
    split = {"split.no": Typed("u16", 1), "split.count": Typed("u16", 3), "split.tensors.count": Typed("i32", 90)}
    found.append(_original(split, first.tensors[:3], version=2))
    return found


def _cut_down(shape: Shape) -> Shape:
    keys = {key: value[:LAYERS] if isinstance(value, list) else value for key, value in shape.keys.items()}
    return replace(shape, keys={**keys, "block_count": LAYERS}, words="none", parts=1)


def _original(metadata: dict[str, Any], tensors: list[Tensor], alignment: int = 32, version: int = 3) -> Original:
    content = gguf_header(metadata, tensors, alignment=alignment, version=version)
    return Original(metadata, tensors, content, file_size(content, tensors, alignment), interesting_offsets(content))


def interesting_offsets(content: bytes) -> list[int]:
    """Where the lengths, counts and types of a sound header stand (of long arrays the first ones)."""
    widths = {type_id: struct.calcsize(f"<{letter}") for type_id, letter in VALUE_TYPES.values() if letter}
    found = [0, 4, 8, 16]
    at = 24
    n_tensors, n_keys = struct.unpack_from("<QQ", content, 8)

    def number(layout: str) -> int:
        nonlocal at
        found.append(at)
        at += struct.calcsize(layout)
        return struct.unpack_from(layout, content, found[-1])[0]

    def string() -> None:
        nonlocal at
        length = number("<Q")
        at += length

    for _ in range(n_keys):
        string()
        type_id = number("<I")
        if type_id == 9:
            element, length = number("<I"), number("<Q")
            kept = len(found) + 20
            for _ in range(length):
                if element == 8:
                    string()
                    del found[kept:]
                else:
                    at += widths[element]
        elif type_id == 8:
            string()
        else:
            found.append(at)
            at += widths[type_id]
    for _ in range(n_tensors):
        string()
        for _ in range(number("<I")):
            number("<Q")
        number("<i")
        number("<Q")
    return found


# Making them


def hostile(number: int) -> tuple[bytes, int]:
    """The first bytes of a file and its size; what is not in the bytes is zeros."""
    dice = random.Random(number)
    original = dice.choice(originals())
    # What is told wrongly in a sound form gets further than what is broken.
    return _retold(original, dice) if dice.random() < 0.6 else _broken(original, dice)


def _broken(original: Original, dice: random.Random) -> tuple[bytes, int]:
    """Bytes that are wrong."""
    content, size = bytearray(original.content), original.size
    for _ in range(dice.randint(1, 4)):
        at = dice.choice(original.offsets) if dice.random() < 0.7 else dice.randrange(len(original.content))
        match dice.choice(["flip", "u64", "u32", "cut", "splice", "repeat", "size"]):
            case "flip" if at < len(content):
                content[at] ^= 1 << dice.randrange(8)
            case "u64":
                content[at : at + 8] = struct.pack("<Q", dice.choice(EXTREMES))
            case "u32":
                content[at : at + 4] = struct.pack("<I", dice.choice(EXTREMES) & 0xFFFFFFFF)
            case "cut" if dice.random() < 0.3:
                del content[at:]
            case "splice":
                other = dice.choice(originals())
                start = dice.choice(other.offsets)
                content[at:at] = other.content[start : start + dice.randint(1, 4096)]
            case "repeat":
                content[at:at] = content[at : at + dice.randint(1, 4096)]
            case "size":
                size = dice.choice([dice.randint(0, size), len(content), 2**40, 2**62])
    return bytes(content), size


def _retold(original: Original, dice: random.Random) -> tuple[bytes, int]:
    """A sound form that says what no model says."""
    metadata, tensors = dict(original.metadata), list(original.tensors)
    for _ in range(dice.randint(1, 6)):
        other = dice.choice(originals())
        key = dice.choice(list(metadata)) if metadata else "general.architecture"
        match dice.choice(
            ["value", "value", "value", "drop", "add", "become", "tensor", "tensor", "layers", "no tensors"]
        ):
            case "value":
                metadata[key] = dice.choice(STRANGE_VALUES)
            case "drop":
                metadata.pop(key, None)
            case "add":
                name = metadata.get("general.architecture", "llama")
                suffix = dice.choice(list(other.metadata)).partition(".")[2]
                metadata[f"{name}.{suffix}"] = dice.choice([*other.metadata.values(), *STRANGE_VALUES])
            case "become":  # another architecture that says the same
                was, now = metadata.get("general.architecture"), other.metadata.get("general.architecture", "zzama")
                metadata = {name.replace(f"{was}.", f"{now}.", 1): value for name, value in metadata.items()}
                metadata["general.architecture"] = now
            case "tensor":
                _retell_tensor(tensors, other, dice)
            case "layers":
                name = metadata.get("general.architecture", "llama")
                metadata[f"{name}.block_count"] = dice.choice([0, 1, 3, 5, 511, 512, 513, 1024, 1025, 2**32 - 1])
            case "no tensors" if dice.random() < 0.2:
                tensors = tensors[: dice.randrange(3)]
    content = gguf_header(metadata, [tensor for tensor in tensors if _can_be_written(tensor)])
    return content, 2**62


def _retell_tensor(tensors: list[Tensor], other: Original, dice: random.Random) -> None:
    if not tensors:
        return
    at = dice.randrange(len(tensors))
    name, shape, storage = tensors[at]
    match dice.choice(["name", "layer", "shape", "type", "add", "drop"]):
        case "name":
            name = dice.choice(other.tensors)[0]
        case "layer":
            layer = dice.choice([0, 1, 5, 511, 512, 10**6, -1, 2**64, "x", "٣", "²", ""])
            name = f"blk.{layer}.{name.rpartition('.')[0].rpartition('.')[2] or 'attn_k'}.weight"
        case "shape":
            lengths = [1, 32, 256, 2**16, 2**31, 2**40, 2**61, 2**62, 0]
            shape = [dice.choice(lengths) for _ in range(dice.randint(0, 4))]
        case "type":
            storage = dice.choice(["F32", "Q4_0", "Q4_K", "IQ1_S", "MXFP4", 4, 31, 99, -1, 2**31 - 1])
        case "add":
            tensors.append(dice.choice(other.tensors))
        case "drop":
            del tensors[at]
            return
    tensors[at] = name[:63], shape, storage


def _can_be_written(tensor: Tensor) -> bool:
    """Whether the place of the next one fits into its 64 bits."""
    return math.prod(tensor[1]) < 2**62


# Looking at them


def read_hostile(number: int) -> Header:
    """Parse the header, as from a file or a server. Raises `GgufError`."""
    content, size = hostile(number)

    def read(offset: int, wanted: int) -> bytes:
        assert offset >= 0
        assert wanted >= 0
        assert offset + wanted <= size
        return content[offset : offset + wanted].ljust(wanted, b"\0")

    return parse(read, size, Path(f"hostile-{number}.gguf"))


@dataclass(frozen=True)
class Build:
    quantization: str
    size: int


HOSTS = [HostMemory(0, 0), HostMemory(8 * GIB, 2 * GIB), HostMemory(64 * GIB, 48 * GIB), HostMemory(2**62, 2**61)]
DEVICES = [
    (),
    (Device("CUDA0", free=7 * GIB, total=8 * GIB),),
    (Device("CUDA0", free=GIB, total=8 * GIB), Device("CUDA1", free=100 * MIB, total=24 * GIB)),
    (Device("MTL0", free=8 * GIB, total=8 * GIB), Device("Vulkan1", kind="igpu"), Device("NPU", kind="accel", free=0)),
]
BUILDS = (Build("Q4_K_M", 5 * GIB), Build("Q2_K", GIB), Build("", 0))


def examine(header: Header, dice: random.Random) -> None:
    """Have everything said about a header that the program can say; it may raise `GgufError`."""
    # First, as nothing else has looked at the header before.
    estimate(header, LoadOptions())  # as `Preview.inspect`: what this takes, every report takes
    preview = Preview(header)
    try:
        reports = [_any_report(preview, dice), preview.report(LoadOptions(), HOSTS[1])]
    except GgufError as error:
        raise AssertionError("a preview was made, and no report of it can be") from error
    for report in reports:
        check(report)
    use(header)
    beside = estimate(_sound(), LoadOptions(), projector=header, loras=(header,))
    assert min(beside.all.model, beside.all.context, beside.all.compute, beside.all.projector) >= 0
    assert preview.title
    assert 0 < preview.largest_context <= LARGEST_CONTEXT_LENGTH


@functools.cache
def _sound() -> Header:
    """A model beside which another file is loaded."""
    original = originals()[0]
    content = original.content
    return parse(lambda at, wanted: content[at : at + wanted].ljust(wanted, b"\0"), original.size, Path("sound.gguf"))


def _any_report(preview: Preview, dice: random.Random) -> FitReport:
    settings = LoadSettings(
        context_length=dice.choice([None, 1, 300, 4096, LARGEST_CONTEXT_LENGTH]),
        batch=dice.choice([None, 1, 2048, 65_536]),
        ubatch=dice.choice([None, 1, 65_536]),
        parallel=dice.choice([None, 1, 4, 256]),
        kv_type_k=dice.choice(KV_TYPES),
        kv_type_v=dice.choice(KV_TYPES[:3]),
        flash_attention=dice.choice([None, True, False]),
        swa_full=dice.choice([True, False]),
        kv_unified=dice.choice([True, False]),
        cpu_moe=dice.choice([0, 2, 1024]),
    )
    layers = dice.choice([0, 1, 3, 100_000])
    options = replace(settings.options(preview.header.context_length_max, 2), gpu_layers=layers)
    machine = Machine(dice.choice(HOSTS), dice.choice(DEVICES), dice.choice([0, GIB]))
    best_build(preview.header, options, machine, BUILDS)
    offload(preview.header, options, machine)
    return preview.report(options, machine.host, machine.devices, margin=machine.margin, builds=BUILDS)


def use(header: Header) -> None:
    """Ask a header everything; it may raise `GgufError`."""
    assert isinstance(header.architecture, str)
    assert header.name
    assert header.data_offset <= header.file_size
    for value in (header.quantization, header.kind, header.size_label, header.chat_template, header.vocab_size):
        assert isinstance(value, str | int | None)
    assert header.tensor_bytes >= 0
    assert header.split_no >= 0
    assert header.split_count >= 1
    assert header.context_length_max != 0
    assert len(header.get_ints("attention.head_count_kv", header.block_count)) == header.block_count


def check(report: FitReport) -> None:
    """A report that a person can be shown."""
    for memory in (report.need.host, *(use for _, use in report.need.devices)):
        for part in (memory.model, memory.context, memory.compute, memory.projector):
            assert isinstance(part, int)
            assert part >= 0
    assert isinstance(report.verdict, Verdict)
    assert 0 <= report.largest_context <= LARGEST_CONTEXT_LENGTH
    for text in (report.advice, *report.warnings, *(remedy.says for remedy in report.remedies)):
        assert text
        assert text.isprintable(), text
        assert len(text) < 1000
    told = json.loads(json.dumps(report.to_json(0), allow_nan=False))
    assert told["total_bytes"] == report.need.total


def attempt(reading: Callable[[], Header], dice: random.Random) -> GgufError | None:
    """Read a header and have everything said about it; the error that this ends in, if any."""
    try:
        examine(reading(), dice)
    except GgufError as error:
        return error
    return None


def run(reading: dict[int, Callable[[], Header]]) -> dict[str, Any]:
    """Examine these headers; what came of it."""
    originals()
    memory = peak_memory()
    outcomes: Counter[str] = Counter()
    failures: dict[int, str] = {}
    slowest = (0.0, -1)
    for number, read in reading.items():
        begin = time.process_time()
        try:
            error = attempt(read, random.Random(number))
            assert error is None or (error.what and error.why and str(error).isprintable())
            outcomes[type(error).__name__ if error else "report"] += 1
        except Exception:  # noqa: BLE001 - whatever it is, it is told with its number
            failures[number] = traceback.format_exc()
        slowest = max(slowest, (time.process_time() - begin, number))
    return {
        "outcomes": outcomes,
        "failures": len(failures),
        "examples": dict(list(failures.items())[:5]),
        "slowest_s": slowest[0],
        "slowest": slowest[1],
        "memory_bytes": peak_memory() - memory,
    }


def run_apart(*arguments: str) -> dict[str, Any]:
    """This module in a process of its own; what it prints."""
    done = subprocess.run([sys.executable, __file__, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def peak_memory() -> int:
    """The most that this process has held so far, in bytes."""
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    if sys.platform == "linux":  # its `ru_maxrss` begins with what the parent held
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024
    import resource  # noqa: PLC0415 - POSIX only

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _main(arguments: list[str]) -> None:
    if len(arguments) == 1:
        reading = {0: functools.partial(read_model, Path(arguments[0]))}
    else:
        first, count = map(int, arguments)
        reading = {number: functools.partial(read_hostile, number) for number in range(first, first + count)}
    if sys.platform == "linux":  # a fault shall not take the machine's memory before it is told
        import resource  # noqa: PLC0415 - POSIX only

        resource.setrlimit(resource.RLIMIT_AS, (2 * GIB, 2 * GIB))
    print(json.dumps(run(reading)))


if __name__ == "__main__":
    _main(sys.argv[1:])
