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


def test_a_projector_counts_by_itself() -> None:
    """Both of its senses tell the weights of the file; a device without flash attention lays its buffer out again."""
    log = EngineLog()
    log.feed(LOG)
    log.feed(b"""\
0.00.926.250 I load_hparams: model size:         800.00 MiB
0.00.932.577 I reserve_compute_meta:      CUDA0 compute buffer size =    60.00 MiB
0.00.932.577 I reserve_compute_meta:        CPU compute buffer size =     2.00 MiB
0.00.932.577 I reserve_compute_meta:      CUDA0 compute buffer size =    90.00 MiB
0.00.932.577 I reserve_compute_meta:        CPU compute buffer size =     2.00 MiB
0.00.926.250 I load_hparams: model size:         800.00 MiB
0.00.932.577 I reserve_compute_meta:      CUDA0 compute buffer size =    10.00 MiB
""")
    assert log.taken == MemoryUse(TAKEN.model, TAKEN.context, TAKEN.compute, (800 + 90 + 2 + 10) * MIB)


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


#: What the engine's back ends say when a device is full, as their sources word it, with what comes behind.
FULL_DEVICES = {
    "cuda": (
        (
            "0.01.2.3 E ggml_backend_cuda_buffer_type_alloc_buffer: allocating 4872.00 MiB on device 0: cudaMalloc "
            "failed: out of memory",
            "0.01.2.3 E alloc_tensor_range: failed to allocate CUDA0 buffer of size 5108662272",
            "0.01.2.3 E llama_model_load: error loading model: unable to allocate CUDA0 buffer",
        ),
        "another 4.76 GiB of memory on the device CUDA0",
    ),
    "rocm": (
        ("0.01.2.3 E ggml_backend_alloc_buffer_n: failed to allocate ROCm1 buffer of size 536870912",),
        "another 512 MiB of memory on the device ROCm1",
    ),
    "cuda alone": (
        ("E ggml_cuda_device_malloc: allocating 16.50 MiB on device 3: cudaMalloc failed: out of memory",),
        "another 16 MiB of memory on the graphics card 3",
    ),
    "vulkan": (
        (
            "ggml_vulkan: Device memory allocation of size 1073741824 failed.",
            "ggml_vulkan: vk::Device::allocateMemory: ErrorOutOfDeviceMemory",
            "E ggml_gallocr_reserve_n_impl: failed to allocate Vulkan0 buffer of size 1073741824",
        ),
        "another 1.00 GiB of memory on the device Vulkan0",
    ),
    "vulkan alone": (
        ("ggml_vulkan: Memory allocation of size 104857600 failed.",),
        "another 100 MiB of memory on the graphics card",
    ),
    "vulkan in the middle": (
        ("  what():  vk::Device::allocateMemory: ErrorOutOfDeviceMemory",),
        "the graphics card ran out of memory",
    ),
    "metal": (
        (
            "E ggml_metal_buffer_init: error: failed to allocate buffer, size =   512.00 MiB",
            "E alloc_tensor_range: failed to allocate MTL0_Private buffer of size 536870912",
        ),
        "another 512 MiB of memory on the device MTL0_Private",
    ),
    "metal alone": (
        ("E ggml_metal_buffer_map: error: failed to allocate buffer, size =    64.00 MiB",),
        "another 64 MiB of memory on the graphics card",
    ),
    "metal, of bytes": (
        ("E ggml_metal_graph: failed to allocate Metal buffer of 67108864 bytes (out of memory)",),
        "another 64 MiB of memory on the graphics card",
    ),
    "metal in the middle": (
        ("E error: Insufficient Memory (00000008:kIOGPUCommandBufferCallbackErrorOutOfMemory)",),
        "the graphics card ran out of memory",
    ),
    "sycl": (
        (
            "E ggml_backend_sycl_buffer_type_alloc_buffer: can't allocate 268435456 Bytes of memory on device",
            "E ggml_backend_alloc_buffer_n: failed to allocate SYCL0 buffer of size 268435456",
        ),
        "another 256 MiB of memory on the device SYCL0",
    ),
    "sycl alone": (
        ("E reserve: can't allocate 268435456 Bytes of memory on device/GPU",),
        "another 256 MiB of memory on the graphics card",
    ),
    "split": (
        ("E llama_model_load: error loading model: unable to allocate SYCL_Split buffer",),
        "not enough memory on the device SYCL_Split",
    ),
    "cuda in the middle": (
        ("E CUDA error: out of memory", "E   current device: 1, in function alloc at ggml-cuda.cu:412"),
        "the graphics card ran out of memory",
    ),
}


@pytest.mark.parametrize("name", FULL_DEVICES)
def test_a_device_that_is_full_is_named(name: str) -> None:
    lines, why = FULL_DEVICES[name]
    error = diagnose("It could not be loaded", ("0.00.000.001 I before", *lines), -6)
    assert error.fault is Fault.OUT_OF_MEMORY
    assert why in error.why
    assert "GPU layers" in error.hint


@pytest.mark.parametrize("buffer", ["CPU", "CPU_REPACK", "CUDA_Host", "Vulkan_Host", "AMX"])
def test_the_memory_of_the_machine_is_no_device(buffer: str) -> None:
    error = diagnose("It could not be loaded", (f"E load: failed to allocate {buffer} buffer of size 5108662272",), 1)
    assert error.fault is Fault.OUT_OF_MEMORY
    assert "GPU" not in error.hint
    assert "device" not in error.why


@pytest.mark.parametrize(
    "line",
    [
        "WARNING: failed to allocate 512.00 MB of pinned memory",
        "0.1.2.3 W ggml_sycl_host_malloc: failed to allocate 512.00 MiB of pinned memory: none",
        "0.1.2.3 W reorder: failed to allocate 512 bytes for reorder temp buffer, skipping reorder",
    ],
)
def test_what_the_engine_can_do_without_is_no_cause(line: str) -> None:
    assert diagnose("The engine ended", (line,), -11).fault is Fault.CRASHED


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("E gguf: tensor 'a 'b' c' has invalid ggml type 77. should be in [0, 42)", Fault.UNKNOWN_TENSOR_TYPE),
        (
            "E gguf: tensor 'a' of type 31 (TYPE_Q4_0_4_4 REMOVED, use Q4_0 with runtime repacking) has 256 elements "
            "per row, not a multiple of block size (0)",
            Fault.UNKNOWN_TENSOR_TYPE,
        ),
        ("E gguf: tensor 'a' has invalid ggml type 7700. should be in [0, 42)", Fault.NOT_A_MODEL),
        ("E gguf: tensor 'a' has invalid ggml type -7. should be in [0, 42)", Fault.NOT_A_MODEL),
    ],
)
def test_a_type_of_tensor_that_is_unknown(line: str, fault: Fault) -> None:
    behind = "E llama_model_load: error loading model: failed to read tensor info"
    assert diagnose("It could not be loaded", (line, behind), None).fault is fault


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (-4, Fault.ILLEGAL_INSTRUCTION),
        (-6, Fault.ABORTED),
        (0xC0000409, Fault.ABORTED),
        (-7, Fault.CRASHED),
        (-9, Fault.KILLED),
        (-11, Fault.CRASHED),
        (-15, Fault.KILLED),
        (-24, Fault.TIMEOUT),
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
