"""Reading the engine's log: what a load took, and why it failed.

Every failed load raises the same words in the child, so the log is where the cause is; and the log is where the
engine says, buffer by buffer, what it took. It is read as it comes, its tail is kept, and no secret stays in it.
"""

from __future__ import annotations

import codecs
import re
from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.core.units import MIB
from nodetool_xl_desktop.engine.errors import EngineError, Fault
from nodetool_xl_desktop.fit.memory import MemoryUse

LINES_KEPT = 200
LONGEST_LINE = 2_000
_METADATA = "llama_model_loader: - kv "

#: "llama_kv_cache:        CPU KV buffer size =    90.00 MiB"
_BUFFER = re.compile(r"\b(?P<kind>\w+) buffer size =\s*(?P<mib>[\d.]+) MiB")
_BUFFER_PARTS = {
    "model": "model",
    "KV": "context",
    "RS": "context",
    "compute": "compute",
    "output": "compute",
}
#: Of a projector the engine tells weights and buffers in words of their own, once for each sense that it adds:
#: "load_hparams: model size:         1.45 MiB", "reserve_compute_meta:        CPU compute buffer size =     0.02 MiB".
_PROJECTOR_WEIGHTS = re.compile(r"\bload_hparams: model size:\s+(?P<mib>[\d.]+) MiB")
_PROJECTOR_BUFFER = re.compile(r"\breserve_compute_meta:\s+(?P<name>\S+) compute buffer size =\s*(?P<mib>[\d.]+) MiB")
#: "0.00.025.534 E llama_model_load: error ...": the time and the letter say nothing to a person.
_PREFIX = re.compile(r"^\d+\.\d\d\.\d{3}\.\d{3} [A-Z] (\S+\s+)?")
#: A line of mere information, which may quote the model: it is never a cause.
_INFORMATION = re.compile(r"^\d+\.\d\d\.\d{3}\.\d{3} [DI] ")

#: Memory of a device, by the engine's name for it: "CUDA0", "ROCm1", "MTL0_Private", "SYCL_Split". What has no
#: number, such as CPU, CPU_REPACK and CUDA_Host, is the machine's own.
_DEVICE = r"(?P<device>[A-Za-z]+(?:\d\w*|_Split))"

_ANOTHER_COPY = tr("Download the file again.")
_FEWER_LAYERS = tr("Choose fewer GPU layers or a smaller Context Length.")
_NEWER_ENGINE = tr("A newer engine may: see Engine in the settings, or pip install --upgrade xllamacpp.")
_LESS_MEMORY = tr("Choose a smaller Context Length or a smaller model, or close other programs.")
_WITHOUT_VISION = tr(
    "Load it without Vision (under Advanced, or --no-vision), or get the projector that is published with the model."
)
#: What a line of the log means: pattern, kind, why (groups of the pattern may be named), what to do. The first that
#: matches any line wins.
_CAUSES: tuple[tuple[re.Pattern[str], Fault, str, str], ...] = tuple(
    (re.compile(pattern), fault, why, hint)
    for pattern, fault, why, hint in (
        # Memory comes first: a header that could not be kept in memory is called unreadable in the lines behind.
        # Of it a device's, by the line that tells most: the engine's own, then its back ends' (ggml-cuda, which ROCm
        # shares, ggml-vulkan, ggml-metal, ggml-sycl), whose words may be of an attempt that had a second way.
        (
            rf"failed to allocate {_DEVICE} buffer of size (?P<bytes>\d+)",
            Fault.OUT_OF_MEMORY,
            tr("there was no room for another {size} of memory on the device {device}"),
            _FEWER_LAYERS,
        ),
        (
            r"allocating (?P<mib>[\d.]+) MiB on device (?P<device>\d+): cudaMalloc failed",
            Fault.OUT_OF_MEMORY,
            tr("there was no room for another {size} of memory on the graphics card {device}"),
            _FEWER_LAYERS,
        ),
        (
            r"ggml_vulkan: (?:Device m|M)emory allocation of size (?P<bytes>\d+) failed"
            r"|failed to allocate Metal buffer of (?P<metal_bytes>\d+) bytes"
            r"|ggml_metal\w*: error: failed to allocate buffer, size =\s*(?P<mib>[\d.]+) MiB"
            r"|can't allocate (?P<sycl_bytes>\d+) Bytes of memory on device",
            Fault.OUT_OF_MEMORY,
            tr("there was no room for another {size} of memory on the graphics card"),
            _FEWER_LAYERS,
        ),
        (
            rf"unable to allocate {_DEVICE} buffer",
            Fault.OUT_OF_MEMORY,
            tr("there was not enough memory on the device {device}"),
            _FEWER_LAYERS,
        ),
        (
            r"\b(?:CUDA|ROCm|MUSA) error: out of memory|kIOGPUCommandBufferCallbackErrorOutOfMemory"
            r"|ErrorOutOfDeviceMemory",
            Fault.OUT_OF_MEMORY,
            tr("the graphics card ran out of memory"),
            _FEWER_LAYERS,
        ),
        (
            r"attempted to allocate\s+(?P<mib>[\d.]+) MB",
            Fault.OUT_OF_MEMORY,
            tr("there was no room for another {size} of memory"),
            _LESS_MEMORY,
        ),
        (
            # Not of what the engine does without: memory that the system may not move, and buffers to reorder in.
            r"insufficient memory|[Cc]annot allocate memory|\bbad_alloc\b|out of memory|MemoryError"
            r"|failed to allocate(?!.* (?:pinned memory|reorder temp buffer))|GGML_ASSERT\(ctx->mem_buffer != NULL\)",
            Fault.OUT_OF_MEMORY,
            tr("there was not enough memory"),
            _LESS_MEMORY,
        ),
        (
            r"Resource temporarily unavailable|[Cc]an't start new thread",
            Fault.OUT_OF_MEMORY,
            tr("the system gave it no more memory or threads"),
            _LESS_MEMORY,
        ),
        # A projector comes before the model: its file is called in the same words.
        (
            r"mismatch between text model \(n_embd = (?P<model>\d+)\) and \S*mmproj \(n_embd = (?P<made>\d+)\)",
            Fault.PROJECTOR,
            tr(
                "the projector does not belong to this model: it makes vectors of {made} numbers, and the model takes "
                "vectors of {model}"
            ),
            _WITHOUT_VISION,
        ),
        (
            r"unknown (?:vision |audio )?projector type:? '?(?P<name>[^\s']+)",
            Fault.PROJECTOR,
            tr("this engine does not know projectors of the kind {name}"),
            tr(
                "Load it without Vision (under Advanced, or --no-vision). A newer engine may: see Engine in the "
                "settings, or pip install --upgrade xllamacpp."
            ),
        ),
        (
            r"clip_init: failed to load model '.*?': (?:\w+: )?(?P<text>.+)",
            Fault.PROJECTOR,
            tr("the projector could not be loaded: {text}"),
            _WITHOUT_VISION,
        ),
        (
            r"mtmd_get_memory_usage: error: Failed to load CLIP model",  # a plan does not say why
            Fault.PROJECTOR,
            tr("the engine cannot read the projector"),
            _WITHOUT_VISION,
        ),
        (
            r"mtmd_(?:init_from_file|get_memory_usage): error: (?:\w+: )?(?P<text>.+)",
            Fault.PROJECTOR,
            tr("the projector could not be loaded: {text}"),
            _WITHOUT_VISION,
        ),
        (
            r"failed to open GGUF file '.*' \((?P<text>.*)\)",
            Fault.FILE,
            tr("the file could not be opened: {text}"),
            tr("See whether it was moved, renamed or deleted, or lies on a disk that is not there."),
        ),
        (
            r"unknown model architecture: '(?P<name>[^']*)'",
            Fault.UNKNOWN_ARCHITECTURE,
            tr("this engine does not know the architecture '{name}'"),
            _NEWER_ENGINE,
        ),
        (
            r"unknown pre-tokenizer type: '(?P<name>[^']*)'",
            Fault.UNKNOWN_ARCHITECTURE,
            tr("this engine does not know the tokenizer '{name}'"),
            _NEWER_ENGINE,
        ),
        (
            # Types have small numbers: any other is damage, which a row below tells.
            r"tensor '(?P<name>.*)' has invalid ggml type (?P<number>\d{1,3})\b",
            Fault.UNKNOWN_TENSOR_TYPE,
            tr(
                "this engine does not know the type {number} of the tensor '{name}', so it cannot read its quantization"
            ),
            _NEWER_ENGINE,
        ),
        (
            r"tensor '(?P<name>.*)' of type (?P<number>\d+) \(.*\) has .*, not a multiple of block size \(0\)",
            Fault.UNKNOWN_TENSOR_TYPE,
            tr(
                "this engine no longer knows the type {number} of the tensor '{name}', so it cannot read its "
                "quantization"
            ),
            tr("Get the model in another quantization."),
        ),
        (
            r"data is not within the file bounds",
            Fault.TRUNCATED,
            tr("the file is shorter than its header says"),
            _ANOTHER_COPY,
        ),
        (
            r"invalid magic|failed to read (magic|key-value|header|tensor)|invalid ggml type|bad (GGUF|magic)",
            Fault.NOT_A_MODEL,
            tr("the file is not a GGUF model, or is damaged"),
            _ANOTHER_COPY,
        ),
        (
            r"couldn't bind HTTP server socket, hostname: (?P<host>[^,]+), port: (?P<port>\d+)",
            Fault.PORT,
            tr("port {port} on {host} could not be opened, as another program uses it or the system forbids it"),
            tr("Try again, or look at what a firewall or sandbox allows on this machine."),
        ),
        (
            r"missing tensor '(?P<name>[^']*)'",
            Fault.NOT_A_MODEL,
            tr("the tensor '{name}' is missing"),
            tr("The file may have been made for another engine version: get it from another source."),
        ),
        (
            r"key not found in model: (?P<name>\S+)",
            Fault.NOT_A_MODEL,
            tr("the header lacks '{name}'"),
            tr("The file may have been made for another engine version: get it from another source."),
        ),
        (
            r"error loading model: (?P<text>.+)",
            Fault.UNKNOWN,
            tr("the engine says: {text}"),
            tr("The log below has more."),
        ),
    )
)
#: Windows tells as exit statuses what others tell as signals: access violation, illegal instruction, fast fail.
_WINDOWS_SIGNALS = {0xC0000005: 11, 0xC000001D: 4, 0xC0000409: 6}
#: How a child may end by itself: signal (negative exit status), kind, why, what to do.
_SIGNALS = {
    4: (
        Fault.ILLEGAL_INSTRUCTION,
        tr("this processor lacks an instruction that the engine was built with"),
        tr("Install an engine that was built for this machine."),
    ),
    6: (Fault.ABORTED, tr("it aborted itself (signal 6)"), tr("Load the model again.")),
    7: (Fault.CRASHED, tr("its memory or file went away while it was read (signal 7)"), tr("Load the model again.")),
    9: (
        Fault.KILLED,
        tr("another program or the system ended it (signal 9), as happens when memory runs out"),
        tr("Load the model again; if it happens again, choose a smaller Context Length."),
    ),
    11: (Fault.CRASHED, tr("it crashed (signal 11)"), tr("Load the model again.")),
    15: (Fault.KILLED, tr("another program ended it (signal 15)"), tr("Load the model again.")),
    24: (
        Fault.TIMEOUT,
        tr("it used up the processor time that it may take (signal 24)"),
        tr("Choose another build of it."),
    ),
}


class EngineLog:
    """The log of one child: its tail, and the buffers it names.

    Args:
        secret: the child's API key; it is taken out of every line.
    """

    def __init__(self, secret: str = "") -> None:
        self._secret = secret
        self._lines: deque[str] = deque(maxlen=LINES_KEPT)
        self._partial = ""
        self._letters = codecs.getincrementaldecoder("utf-8")("replace")  # a piece may end within a letter
        self._projector = _ProjectorLog()
        self.taken = MemoryUse()

    def feed(self, data: bytes) -> tuple[str, ...]:
        """Take what the child wrote, in pieces of any size.

        Returns:
            The lines that it completes, without secrets, and without what the file says of itself.
        """
        *lines, self._partial = (self._partial + self._letters.decode(data)).split("\n")
        self._partial = self._partial[-LONGEST_LINE:]
        # What a file says of itself is no word of the engine: it must not be taken for a cause.
        new = tuple(self._clean(line.rstrip("\r")) for line in lines if _METADATA not in line)
        for line in new:
            self._add(line)
        return new

    @property
    def tail(self) -> tuple[str, ...]:
        """The last lines, oldest first, without secrets."""
        return tuple(self._lines) + ((self._clean(self._partial),) if self._partial else ())

    def _clean(self, line: str) -> str:
        line = line.replace(self._secret, "(hidden)") if self._secret else line
        return re.sub(r"api_keys: \S+", "api_keys: (hidden)", line)[:LONGEST_LINE]

    def _add(self, line: str) -> None:
        self._lines.append(line)
        if self._projector.read(line):
            self.taken = replace(self.taken, projector=self._projector.taken)
        elif match := _BUFFER.search(line):
            part = _BUFFER_PARTS.get(match["kind"])
            if part:
                size = round(float(match["mib"]) * MIB)
                self.taken = replace(self.taken, **{part: getattr(self.taken, part) + size})


class _ProjectorLog:
    """What a projector takes. Its weights are told as a whole for each sense; a buffer may be told anew, as it is laid
    out again where the device has no flash attention.
    """

    def __init__(self) -> None:
        self._weights = 0
        self._buffers: list[dict[str, int]] = []

    def read(self, line: str) -> bool:
        """Take the next line of the log; whether it is about the projector's memory."""
        if match := _PROJECTOR_WEIGHTS.search(line):
            self._weights = round(float(match["mib"]) * MIB)
            self._buffers.append({})
        elif (match := _PROJECTOR_BUFFER.search(line)) and self._buffers:
            self._buffers[-1][match["name"]] = round(float(match["mib"]) * MIB)
        return match is not None

    @property
    def taken(self) -> int:
        """In bytes."""
        return self._weights + sum(sum(buffers.values()) for buffers in self._buffers)


def diagnose(what: str, tail: Iterable[str], exit_status: int | None) -> EngineError:
    """Turn the end of a log and an exit status into an error for a person.

    Args:
        what: what could not be done, one short sentence.
        tail: the last lines of the log.
        exit_status: the child's; negative is a signal, None where it still runs.
    """
    lines = tuple(tail)
    words = [line for line in lines if not _INFORMATION.match(line)]
    for pattern, fault, why, hint in _CAUSES:
        for line in words:
            if match := pattern.search(line):
                return EngineError(fault, what, why.format(**_readable(match)), hint, lines)
    number = _WINDOWS_SIGNALS.get(exit_status or 0, -(exit_status or 0))
    if number in _SIGNALS:
        fault, why, hint = _SIGNALS[number]
        return EngineError(fault, what, why, hint, lines)
    last = next((line for line in reversed(lines) if line.strip()), "")
    words_of_it = _PREFIX.sub("", last)
    if exit_status is None:
        why = tr("the engine's last words were: {words}", words=words_of_it) if last else tr("the engine said nothing")
    elif last:
        why = tr(
            "it ended with status {status}; the engine's last words were: {words}",
            status=exit_status,
            words=words_of_it,
        )
    else:
        why = tr("it ended with status {status}; the engine said nothing", status=exit_status)
    return EngineError(Fault.UNKNOWN, what, why, tr("Run `nodetool-xl-desktop doctor` to look at the engine."), lines)


def _readable(match: re.Match[str]) -> dict[str, str]:
    """The groups of a cause; a size, which the engine gives in bytes or MiB, as `size` in the unit that suits it."""
    groups = match.groupdict("")
    for name, text in match.groupdict("").items():
        if text and name.endswith("bytes"):
            groups["size"] = units.memory(int(text))
        elif text and name == "mib":
            groups["size"] = units.memory(round(float(text) * MIB))
    return groups
