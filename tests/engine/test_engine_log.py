"""What is read from the engine's log: what was taken, why it failed; and what never stays in it."""

from __future__ import annotations

import time

import pytest

from nodetool_xl_desktop.core.units import MIB
from nodetool_xl_desktop.engine.errors import Fault
from nodetool_xl_desktop.engine.log import LINES_KEPT, LONGEST_LINE, EngineLog, diagnose
from nodetool_xl_desktop.fit.memory import MemoryUse

#: As the engine writes it; the second part is of a model with a sliding window and repacked weights.
LOG = b"""\
0.00.183.029 I load_tensors:   CPU_Mapped model buffer size =    92.10 MiB
0.00.187.013 I llama_context:        CPU  output buffer size =     0.19 MiB
0.00.187.149 I llama_kv_cache:        CPU KV buffer size =    90.00 MiB
0.00.228.921 I llama_kv_cache: size =   90.00 MiB (  4096 cells,  30 layers,  1/1 seqs), K (f16):   45.00 MiB
0.00.232.586 I sched_reserve:        CPU compute buffer size =     4.66 MiB
"""
MORE = b"""\
0.00.183.029 I load_tensors:   CPU_REPACK model buffer size =    10.00 MiB
0.00.187.149 I llama_kv_cache:        CPU KV buffer size =    6.50 MiB
0.00.187.149 I llama_memory_recurrent:        CPU RS buffer size =    3.50 MiB
0.00.187.149 I something_else:        CPU unheard-of buffer size =    99.00 MiB
"""
TAKEN = MemoryUse(round(92.10 * MIB), 90 * MIB, round(0.19 * MIB) + round(4.66 * MIB))


def tail_of(*pieces: bytes, secret: str = "") -> tuple[str, ...]:
    log = EngineLog(secret)
    for piece in pieces:
        log.feed(piece)
    return log.tail


@pytest.mark.parametrize("size", [1, 7, 64, 10_000])
def test_what_was_taken_is_read_from_pieces_of_any_size(size: int) -> None:
    log = EngineLog()
    for start in range(0, len(LOG), size):
        log.feed(LOG[start : start + size])
    assert log.taken == TAKEN


def test_every_buffer_of_a_part_counts() -> None:
    log = EngineLog()
    log.feed(LOG + MORE)
    assert log.taken == MemoryUse(TAKEN.model + 10 * MIB, TAKEN.context + 10 * MIB, TAKEN.compute)


def test_the_tail_has_the_last_lines_whole_and_the_open_one() -> None:
    tail = tail_of(b"".join(b"line %d\r\n" % number for number in range(1_000)), b"half a li")
    assert len(tail) == LINES_KEPT + 1
    assert tail[0] == f"line {1_000 - LINES_KEPT}"
    assert tail[-2:] == ("line 999", "half a li")


def test_long_words_are_cut_and_cost_no_time() -> None:
    started = time.perf_counter()
    tail = tail_of(b"".join(b"%d %s\n" % (number, b"x" * 10_000) for number in range(100)), b"y" * 3_000_000)
    assert time.perf_counter() - started < 2  # seconds before the pattern was anchored
    assert max(map(len, tail)) == LONGEST_LINE


def test_the_key_is_in_no_line_however_it_comes() -> None:
    key = "kqL8_-Zw0"
    tail = tail_of(
        b"0.00.002.466 I srv: api_keys: ****ab\n",
        b"x" * (LONGEST_LINE - 4) + key.encode() + b"\n",
        b"Authorization: Bearer kqL8",
        b"_-Zw0\n",
        b"open " + key.encode(),
        secret=key,
    )
    assert tail[0].endswith("api_keys: (hidden)")
    assert not any(key in line or key[:4] in line for line in tail)


def test_bytes_that_are_no_text_are_no_fault() -> None:
    assert tail_of(b"\xff\xfe broken \xc3\n") == ("\ufffd\ufffd broken \ufffd",)


# Causes


@pytest.mark.parametrize(
    ("line", "fault", "why"),
    [
        (
            "0.00.048.377 E llama_model_load: error loading model: unknown model architecture: 'zzama'",
            Fault.UNKNOWN_ARCHITECTURE,
            "'zzama'",
        ),
        (
            "0.00.048.377 E llama_model_load: error loading model: unknown pre-tokenizer type: 'new-bpe'",
            Fault.UNKNOWN_ARCHITECTURE,
            "'new-bpe'",
        ),
        (
            "0.00.1.2 E llama_model_load: error loading model: missing tensor 'blk.0.attn_q.weight'",
            Fault.NOT_A_MODEL,
            "'blk.0.attn_q.weight'",
        ),
        (
            "E ggml_aligned_malloc: insufficient memory (attempted to allocate  41.96 MB)",
            Fault.OUT_OF_MEMORY,
            "42 MiB",
        ),
        (
            "E ggml_backend_cuda: allocating 4872.00 MiB on device 0: cudaMalloc failed: out of memory",
            Fault.OUT_OF_MEMORY,
            "memory",
        ),
        ("terminate called after throwing an instance of 'std::bad_alloc'", Fault.OUT_OF_MEMORY, "memory"),
        ("  what():  Resource temporarily unavailable", Fault.OUT_OF_MEMORY, "memory or threads"),
        (
            "0.00.001.916 E srv         start: couldn't bind HTTP server socket, hostname: 127.0.0.1, port: 43003",
            Fault.PORT,
            "port 43003 on 127.0.0.1",
        ),
        (
            "E gguf_init_from_file: failed to open GGUF file '/a (b)/c.gguf' (Permission denied)",
            Fault.FILE,
            "Permission denied",
        ),
        ("0.0 E llama_model_load: error loading model: something new {x}", Fault.UNKNOWN, "something new {x}"),
    ],
)
def test_a_line_of_the_log_becomes_a_reason(line: str, fault: Fault, why: str) -> None:
    error = diagnose("It could not be loaded", ("0.00.000.001 I before", line, "0.00.000.002 I behind"), -6)
    assert error.fault is fault
    assert why in error.why
    assert error.hint
    assert str(error).startswith("It could not be loaded: ")


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (-4, Fault.ILLEGAL_INSTRUCTION),
        (-6, Fault.CRASHED),
        (-7, Fault.CRASHED),
        (-9, Fault.KILLED),
        (-11, Fault.CRASHED),
        (-15, Fault.KILLED),
        (-13, Fault.UNKNOWN),
        (0, Fault.UNKNOWN),
        (127, Fault.UNKNOWN),
        (None, Fault.UNKNOWN),
    ],
)
def test_the_way_it_ended_is_the_reason_where_the_log_has_none(status: int | None, fault: Fault) -> None:
    for tail in ((), ("0.00.000.001 I all is well",)):
        error = diagnose("The engine ended", tail, status)
        assert error.fault is fault
        assert error.why
        assert error.hint
        assert error.log_tail == tail


def test_what_a_model_says_of_itself_is_never_taken_for_a_cause() -> None:
    tail = tail_of(
        b"0.0.0.1 I llama_model_loader: - kv   3: general.name str = unknown model architecture: 'x'\n"
        b"0.00.151.709 I print_info: general.name          = std::bad_alloc out of memory\n"
        b"0.00.004.900 I srv    load_model: loading model '/models/out of memory/failed to allocate.gguf'\n"
    )
    assert diagnose("The engine ended", tail, -9).fault is Fault.KILLED
