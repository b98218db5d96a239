"""Headers made to hurt: each gets a report or a `GgufError`, within a second and in bounded memory.

The way is gone to its end: parsed, previewed, estimated, judged, and every advice given (`hostile_headers.py`).
"""

from __future__ import annotations

import os
import random
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from gguf_writer import VALUE_TYPES, Raw, gguf_header
from hostile_headers import (
    EXTREMES,
    MEMORY_LIMIT_BYTES,
    TIME_LIMIT_S,
    attempt,
    hostile,
    interesting_offsets,
    originals,
    run_apart,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nodetool_xl_desktop.fit.estimate import estimate
from nodetool_xl_desktop.fit.options import LoadOptions
from nodetool_xl_desktop.gguf import Malformed, parse, read_model
from nodetool_xl_desktop.gguf.window import Read

LLAMA = {"general.architecture": "llama"}


def reader(content: bytes) -> Read:
    """What reads a file that begins so and goes on with zeros."""
    return lambda offset, size: content[offset : offset + size].ljust(size, b"\0")


# Thousands, made by dice


def test_what_they_are_made_of_is_sound() -> None:
    for original in originals():
        read = reader(original.content)
        assert (
            attempt(lambda read=read, size=original.size: parse(read, size, Path("a.gguf")), random.Random(0)) is None
        )
    assert len(originals()) > 30


def test_the_same_number_is_the_same_header() -> None:
    assert [hostile(number) for number in range(50)] == [hostile(number) for number in range(50)]
    assert len({hostile(number) for number in range(200)}) > 190


@pytest.mark.parametrize("count", [3_000, pytest.param(100_000, id="100000", marks=pytest.mark.soak)])
def test_each_of_them_is_answered(count: int) -> None:
    # The whole goes on where the sample ends.
    told = run_apart(str(0 if count == 3_000 else 3_000), str(count))
    print(told)
    assert told["failures"] == 0, "\n".join(told["examples"].values())
    assert sum(told["outcomes"].values()) == count
    assert told["outcomes"]["report"] > count / 5  # many are broken in ways that a preview must bear
    assert told["slowest_s"] < TIME_LIMIT_S
    assert told["memory_bytes"] < MEMORY_LIMIT_BYTES


@pytest.mark.parametrize("layers", [1025, 2**31 - 1, 2**32 - 1, 2**64 - 1])
def test_layers_without_number_are_refused_before_they_are_laid_out(layers: int) -> None:
    content = gguf_header({**LLAMA, "llama.block_count": layers}, [("token_embd.weight", (256, 4), "Q4_K")])
    header = parse(reader(content), len(content) + 4096, Path("a.gguf"))
    with pytest.raises(Malformed, match="layers"):
        estimate(header, LoadOptions())


@pytest.mark.parametrize("value", ["\u202e", "\x1b[2J", "x" * 10_000, [1.5] * 500, 3])
def test_an_alignment_that_is_none_is_told_in_few_printable_words(value: object) -> None:
    content = gguf_header({**LLAMA, "general.alignment": value})
    with pytest.raises(Malformed, match="its alignment is") as caught:
        parse(reader(content), len(content), Path("a.gguf"))
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


# Broken ones made of the starter model


@pytest.fixture(scope="session")
def real(starter_model: Path) -> tuple[bytes, int, list[int]]:
    with starter_model.open("rb") as file:
        content = file.read(read_model(starter_model).data_offset)
    return content, starter_model.stat().st_size, interesting_offsets(content)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_the_starter_model_with_a_few_wrong_bytes(real: tuple[bytes, int, list[int]], data: st.DataObject) -> None:
    original, size, offsets = real
    content = bytearray(original)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.one_of(st.sampled_from(offsets), st.integers(0, len(original) - 1)))
        extreme = data.draw(st.sampled_from(EXTREMES))
        content[at : at + 8] = struct.pack("<Q", extreme)

    started = time.process_time()
    error = attempt(lambda: parse(reader(bytes(content)), size, Path("broken.gguf")), random.Random(0))
    assert time.process_time() - started < TIME_LIMIT_S
    if error is not None:
        assert error.what
        assert error.why
        assert str(error).isprintable()


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
def test_the_worst_is_answered_within_a_second_and_takes_little_memory(tmp_path: Path, name: str) -> None:
    """In a file of 8 GiB that is a hole behind the header."""
    path = tmp_path / "worst.gguf"
    path.write_bytes(WORST[name]())
    os.truncate(path, 8 * 2**30)

    told = run_apart(str(path))

    print(f"{name}: {told['slowest_s']:.2f} s, {told['memory_bytes'] / 1e6:.0f} MB, {told['outcomes']}")
    assert told["failures"] == 0, "\n".join(told["examples"].values())
    assert told["slowest_s"] < TIME_LIMIT_S
    assert told["memory_bytes"] < MEMORY_LIMIT_BYTES
