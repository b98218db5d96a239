"""Headers made to hurt: each gets an answer or a `GgufError` within a second and in bounded memory."""

from __future__ import annotations

import functools
import os
import struct
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from gguf_writer import VALUE_TYPES, Raw, Typed, file_size, gguf_header
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nodetool_xl_desktop.gguf import GgufError, Header, parse, read_model

#: What the program promises for any file.
TIME_LIMIT_S = 1.0
MEMORY_LIMIT_BYTES = 100_000_000

LLAMA = {"general.architecture": "llama"}
EXTREMES = [
    0,
    1,
    7,
    2**16,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**32,
    2**40,
    2**61,
    2**63 - 1,
    2**63,
    2**64 - 8,
    2**64 - 1,
]


# Broken headers made from real ones


@functools.cache
def originals() -> list[tuple[bytes, int, list[int]]]:
    """Sound headers, each with the size of its file and the offsets of its lengths, counts and types."""
    starter = Path(os.environ.get("NTXL_TEST_MODEL") or _starter_path())
    with starter.open("rb") as file:
        real = file.read(read_model(starter).data_offset)
    tensors = [(f"blk.{layer}.{part}.weight", (256, 4 + layer), "Q4_K") for layer in range(9) for part in "qkv"]
    small = gguf_header(
        {
            **LLAMA,
            "general.file_type": 15,
            "llama.attention.head_count_kv": [1, 2, 3],
            "tokenizer.ggml.tokens": [f"t{number}" for number in range(300)],
            "tokenizer.chat_template": "{{ messages }}",
        },
        tensors,
        alignment=64,
    )
    part = gguf_header({"split.no": Typed("u16", 1), "split.count": Typed("u16", 3)}, tensors[:3], version=2)
    sizes = [starter.stat().st_size, file_size(small, tensors, 64), file_size(part, tensors[:3])]
    return [
        (content, size, interesting_offsets(content)) for content, size in zip((real, small, part), sizes, strict=True)
    ]


def _starter_path() -> Path:
    from nodetool_xl_desktop.core.paths import Paths  # noqa: PLC0415
    from nodetool_xl_desktop.library.starter import starter_path  # noqa: PLC0415

    return starter_path(Paths.default())


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


@st.composite
def broken_headers(draw: st.DrawFn) -> tuple[bytes, int]:
    """The first bytes of a file and its size; what is not in the bytes is zeros."""
    original, size, offsets = draw(st.sampled_from(originals()))
    content = bytearray(original)
    places = st.one_of(st.sampled_from(offsets), st.integers(0, len(original) - 1))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(places)
        match draw(st.sampled_from(["flip", "u64", "u32", "cut", "splice", "repeat", "size"])):
            case "flip" if at < len(content):
                content[at] ^= 1 << draw(st.integers(0, 7))
            case "u64":
                content[at : at + 8] = struct.pack("<Q", draw(st.sampled_from(EXTREMES)))
            case "u32":
                content[at : at + 4] = struct.pack("<I", draw(st.sampled_from(EXTREMES)) & 0xFFFFFFFF)
            case "cut":
                del content[at:]
            case "splice":
                other, _, starts = draw(st.sampled_from(originals()))
                start = draw(st.sampled_from(starts))
                content[at:at] = other[start : start + draw(st.integers(1, 4096))]
            case "repeat":
                content[at:at] = content[at : at + draw(st.integers(1, 4096))]
            case "size":
                size = draw(st.one_of(st.integers(0, size), st.just(len(content)), st.just(2**40)))
    return bytes(content), size


@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@given(broken_headers())
def test_a_thousand_broken_headers(broken):
    content, size = broken

    def read(offset: int, wanted: int) -> bytes:
        assert offset >= 0
        assert wanted >= 0
        assert offset + wanted <= size
        return content[offset : offset + wanted].ljust(wanted, b"\0")

    started = time.perf_counter()
    error = attempt(lambda: parse(read, size, Path("broken.gguf")))
    assert time.perf_counter() - started < TIME_LIMIT_S
    if error is not None:
        assert error.what
        assert error.why
        assert str(error).isprintable()


def use(header: Header) -> None:
    """Ask a header everything; it may raise `GgufError`."""
    assert isinstance(header.architecture, str)
    assert header.name
    assert header.data_offset <= header.file_size
    for value in (
        header.quantization,
        header.kind,
        header.size_label,
        header.chat_template,
        header.vocab_size,
    ):
        assert isinstance(value, str | int | None)
    assert header.tensor_bytes >= 0
    assert header.split_no >= 0
    assert header.split_count >= 1
    assert header.context_length_max != 0
    assert len(header.get_ints("attention.head_count_kv", header.block_count)) == header.block_count


# The worst that can be said in a file of gigabytes


def array(element: str, length: int) -> bytes:
    return struct.pack("<IIQ", 9, VALUE_TYPES[element][0], length)


EMOJI = "🙂" * 262_000  # a little less than 1 MiB
WORST: dict[str, Callable[[], bytes]] = {
    "holes for strings": lambda: gguf_header({**LLAMA, "k": Raw(array("str", 2_097_152))}),
    "holes for too many strings": lambda: gguf_header({**LLAMA, "k": Raw(array("str", 2**40))}),
    "holes for keys": lambda: gguf_header(LLAMA, key_count=16_384),
    "holes for tensors": lambda: gguf_header(LLAMA, tensor_count=65_536),
    "a list of gigabytes": lambda: gguf_header({**LLAMA, "k": Raw(array("u64", 2**30))}),
    "a list as long as a header": lambda: gguf_header({**LLAMA, "k": Raw(array("u8", 2**28 - 2**16))}),
    "a string of gigabytes": lambda: gguf_header({**LLAMA, "k": Raw(struct.pack("<IQ", 8, 2**32))}),
    "strings that each cost a read": lambda: gguf_header({**LLAMA, "k": [b"x" * (2**22 + 1)] * 65}),
    "most tensors": lambda: gguf_header(LLAMA, [(f"{n:063d}", (1, 1, 1, 1), "F32") for n in range(65_536)]),
    "most keys": lambda: gguf_header({**LLAMA, **{f"{n}": n for n in range(16_383)}}),
    "most numbers": lambda: gguf_header({**LLAMA, **{f"{n}": [n + 300] * 1024 for n in range(16_000)}}),
    "most text": lambda: gguf_header({**LLAMA, **{f"{n}": EMOJI for n in range(100)}}),
    "text that is not text": lambda: gguf_header({**LLAMA, **{f"{n}": b"\xff" * 2**20 for n in range(100)}}),
    "long keys": lambda: gguf_header({**LLAMA, **{f"{n:065535d}": 0 for n in range(1000)}}),
}


@pytest.mark.parametrize("name", WORST)
def test_the_worst_is_answered_within_a_second(tmp_path, name):
    path = sparse(tmp_path, name)

    started = time.perf_counter()
    error = attempt(lambda: read_model(path))
    taken = time.perf_counter() - started

    print(f"{name}: {taken:.2f} s, {error}")
    assert taken < TIME_LIMIT_S


@pytest.mark.parametrize("name", WORST)
def test_the_worst_takes_little_memory(tmp_path, name):
    path = sparse(tmp_path, name)

    tracemalloc.start()
    try:
        attempt(lambda: read_model(path))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    print(f"{name}: {peak / 1e6:.1f} MB")
    assert peak < MEMORY_LIMIT_BYTES


def sparse(folder: Path, name: str) -> Path:
    """A file of 8 GiB that begins with one of the worst headers and is a hole behind it."""
    path = folder / "worst.gguf"
    path.write_bytes(WORST[name]())
    os.truncate(path, 8 * 2**30)
    return path


def attempt(reading: Callable[[], Header]) -> GgufError | None:
    """Read a header and use it; the error that this ends in, if any."""
    try:
        use(reading())
    except GgufError as error:
        return error
    return None
