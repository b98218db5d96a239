"""The child that hosts one model. The only importer of xllamacpp.

Why a child: `xllamacpp.Server` holds the interpreter's lock for the whole load, a broken model or driver can abort the
process, and its destructor can wait for ever. Here all of that costs the parent nothing.

The protocol is small. The parent writes one JSON line to standard input (`{"do": "load", ...}`, `{"do": "plan", ...}`,
`{"do": "devices"}` or `{"do": "try"}`, with the folder of the `"engine"` that was chosen, if one was); the child
answers with one JSON line on standard output, and the engine's log goes to standard error (a plan that can be made is
read there, and has no other answer; neither has the start of a chosen engine). Standard input then stays open for as
long as the parent wants the child: its end is the request to end.
The API key comes in that line, never in the arguments or the environment, where other programs could read it.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, NoReturn, TextIO

#: Lines of the log that name what was taken (`... buffer size =`), and the table of a plan, appear from 4 on; 5 would
#: log whole chats.
LOG_VERBOSITY = 4
#: An origin that cannot exist: no web page may drive the model. Not `null`, which sandboxed pages have.
IMPOSSIBLE_ORIGIN = "http://localhost.invalid"
LOOPBACK = "127.0.0.1"
NICENESS = 10
PR_SET_PDEATHSIG = 1
#: The line of the log that says that the engine which was chosen has started.
ENGINE_STARTED = "engine worker: the chosen engine has started"
#: By whether the file is mapped, and whether its pages are locked.
_LOAD_MODES = {(True, False): "MMAP", (True, True): "MMAP_MLOCK", (False, False): "NONE", (False, True): "MLOCK"}
#: The experts of a layer (`LLM_FFN_EXPS_REGEX` of llama.cpp's common/common.h).
_EXPERTS = r"\.ffn_(up|down|gate|gate_up)_(ch|)exps"


def main() -> NoReturn:
    """Serve one request of the parent, and end when it no longer listens."""
    answers = _private_stdout()
    request = json.loads(sys.stdin.readline() or "{}")
    if not request:
        _leave(0)  # the parent ended before it said anything
    _stand_back(request["parent_pid"])
    # A crashing engine would start gdb where there is one: that takes seconds, floods the log, and can outlive us.
    os.environ["GGML_NO_BACKTRACE"] = "1"
    try:
        if request.get("engine"):
            _put_first(Path(request["engine"]))
        if request["do"] == "devices":
            _answer(answers, {"devices": _devices()})
            _leave(0)
        if request["do"] == "try":
            _answer(answers, _tried(request))
            _leave(0)
        server = _plan(request) if request["do"] == "plan" else load(request)
    except ImportError as error:
        # Missing: the engine itself, not a library of its own.
        missing = error.name == "xllamacpp" and not request.get("engine")
        _answer(answers, {"error": "import", "missing": missing, "text": str(error)})
        _leave(1)
    except RuntimeError as error:
        # Every failure of the engine raises the same words; the cause is in the log, which the parent reads.
        _answer(answers, {"error": "load", "text": str(error)})
        # The ordinary way out, as the engine logs from a thread of its own, and writes its last lines at the exit only.
        sys.exit(1)
    _answer(answers, {"address": server.listening_address})
    sys.stdin.read()  # until the parent closes it, or is gone
    _leave(0)


def _put_first(folder: Path) -> None:
    """Start the engine in this folder instead of the program's own (`engine/engines.py`).

    Raises:
        ImportError: it does not start, whatever it raises itself.
    """
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        import xllamacpp  # noqa: PLC0415 - a missing engine is an answer, not a crash

        found = Path(str(xllamacpp.__file__))
    except ImportError:
        raise
    except Exception as error:  # of code that nobody here has read
        raise ImportError(f"{type(error).__name__}: {error}", name="xllamacpp.chosen") from error
    if not found.is_relative_to(folder):
        raise ImportError(f"another engine was found before it: {found}", name="xllamacpp.chosen")
    sys.stderr.write(f"{ENGINE_STARTED}\n")
    sys.stderr.flush()


def _tried(request: dict[str, Any]) -> dict[str, Any]:
    """What an engine says of itself, once all that a load sets has been set.

    Raises:
        ImportError: it lacks some of that.
    """
    import xllamacpp  # noqa: PLC0415 - a missing engine is an answer, not a crash

    try:
        _parameters(request)
        return {"version": str(xllamacpp.__version__), "devices": _devices()}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        text = f"it is too old or too new for this program ({type(error).__name__}: {error})"
        raise ImportError(text, name="xllamacpp.chosen") from error


def _private_stdout() -> TextIO:
    """Keep standard output for answers alone: whatever the engine prints there joins its log instead."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _answer(answers: TextIO, value: dict[str, Any]) -> None:
    try:
        print(json.dumps(value), file=answers, flush=True)
    except BrokenPipeError:
        _leave(0)


def _leave(status: int) -> NoReturn:
    """End at once: the engine's destructor may wait for ever, and there is nothing to save."""
    sys.stderr.flush()
    os._exit(status)


def _stand_back(parent_pid: int) -> None:
    """Run behind the window, be the first to go when memory runs out, and never outlive the parent."""
    if sys.platform == "win32":
        import psutil  # noqa: PLC0415 - a POSIX child starts without it

        psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
        return  # the parent's job object ends this process with the parent (engine/child.py)
    os.nice(NICENESS)
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # some sandboxes forbid it, which is no reason not to answer
            Path("/proc/self/oom_score_adj").write_text("1000")
        # While a model loads no Python runs here, so only the kernel can end this process.
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:  # it died before the line above
        _leave(0)


def _devices() -> list[dict[str, Any]]:
    """What the engine sees: name, description, kind, free and total bytes."""
    import xllamacpp  # noqa: PLC0415 - a missing engine is an answer, not a crash

    return [
        {
            "name": device["name"],
            "description": device["description"],
            "kind": device["type"].name.removeprefix("GGML_BACKEND_DEVICE_TYPE_").lower(),
            "free": device["memory_free"],
            "total": device["memory_total"],
        }
        for device in xllamacpp.get_device_info()
    ]


def load(request: dict[str, Any], verbosity: int = LOG_VERBOSITY) -> Any:
    """Start the engine's server in this process; returns once it listens.

    Raises:
        ImportError: there is no engine, or a library that it needs is missing.
        RuntimeError: it could not be loaded; the log has the cause.
    """
    import xllamacpp  # noqa: PLC0415 - a missing engine is an answer, not a crash

    params = _parameters(request)
    params.verbosity = verbosity
    return xllamacpp.Server(params)


def _plan(request: dict[str, Any]) -> NoReturn:
    """Have the engine plan this load, for the table that it logs (engine/dry_run.py); without memory, it then aborts.

    Raises:
        RuntimeError: there is nothing to plan; the log has the cause.
    """
    import xllamacpp  # noqa: PLC0415 - a missing engine is an answer, not a crash

    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - POSIX only

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # it is meant to abort
    if "limits" in request:
        _limit(**request["limits"])
    params = _parameters(request)
    params.no_alloc = True
    params.fit_params = True  # without it nothing is logged; the first table is for what was asked
    params.verbosity = LOG_VERBOSITY
    xllamacpp.Server(params)
    _leave(0)


def _limit(memory: int, cpu_s: int) -> None:
    """Bound what a header that nobody vouches for may cost: bytes of address space from now on, and processor time.

    The drivers are asked for their devices first: that of a graphics card reserves hundreds of gigabytes of addresses,
    whatever the model is. A Mac takes note of such a limit and does not enforce it; Windows has none here.
    """
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - POSIX only

    import psutil  # noqa: PLC0415 - no other POSIX child needs it

    _devices()
    most = psutil.Process().memory_info().vms + memory
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))


def _parameters(request: dict[str, Any]) -> Any:
    """The parameters of the engine for a load.

    Every setting that decides memory, reach or privacy is set here, none is left to the engine's defaults.
    """
    import xllamacpp  # noqa: PLC0415 - a missing engine is an answer, not a crash

    params = xllamacpp.CommonParams()
    params.model.path = request["model"]
    # The slots share the context evenly; asked for is what one chat gets, alone where they have one cache together.
    params.n_parallel = request["parallel"]
    params.kv_unified = request["kv_unified"]
    params.n_ctx = request["context_length"] * (1 if request["kv_unified"] else request["parallel"])
    params.n_batch = request["batch"]
    params.n_ubatch = min(request["batch"], request["ubatch"])
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = request["threads"]
    params.n_gpu_layers = request["gpu_layers"]
    params.fit_params = False  # what was asked is what is loaded
    # Memory that the preview does not count is not taken; but for the checkpoints that the engine makes of sliding
    # windows and recurrent states, without which each turn starts anew.
    params.cache_ram_mib = request["cache_ram_mib"]
    params.ctx_shift = False
    params.swa_full = request["swa_full"]
    params.cache_type_k = xllamacpp.ggml_type[f"GGML_TYPE_{request['kv_type_k'].upper()}"]
    params.cache_type_v = xllamacpp.ggml_type[f"GGML_TYPE_{request['kv_type_v'].upper()}"]
    flash = {None: "AUTO", True: "ENABLED", False: "DISABLED"}[request["flash_attention"]]
    params.flash_attn_type = xllamacpp.llama_flash_attn_type[f"LLAMA_FLASH_ATTN_TYPE_{flash}"]
    params.load_mode = xllamacpp.llama_load_mode[f"LLAMA_LOAD_MODE_{_LOAD_MODES[request['mmap'], request['mlock']]}"]
    if request["tensor_split"]:
        shares = [float(share) for share in request["tensor_split"].split(",")]
        params.tensor_split = shares + [0.0] * (len(params.tensor_split) - len(shares))
        # Else the first device works on the processor's layers, and needs room for that (`keeps_off_first_device`).
        params.no_op_offload = not shares[0]
    params.tensor_buft_overrides = experts_on_the_processor(request["cpu_moe"])
    params.mmproj.path = request["projector"]
    params.no_mmproj = not request["projector"]
    params.mmproj_use_gpu = request["projector_on_device"]
    params.image_min_tokens = params.image_max_tokens = -1  # as the projector says

    params.hostnames = [LOOPBACK]
    params.port = request["port"]
    params.api_keys = [request["api_key"]]
    params.cors_origins = IMPOSSIBLE_ORIGIN
    params.cors_credentials = False
    params.ui = False
    params.endpoint_slots = False
    return params


def experts_on_the_processor(layers: int) -> str:
    """What `--n-cpu-moe` of llama.cpp sets: the experts of the first `layers` layers stay in the processor's memory.

    One short pattern, as the engine compiles it anew for each tensor.
    """
    if not layers:
        return ""
    digits = str(layers)
    alternatives = [_digits(1, 9) + "[0-9]" * (length - 1) for length in range(2, len(digits))]
    if len(digits) > 1:
        alternatives.append("[0-9]")
    for place, digit in enumerate(digits):  # of the same length: alike up to this place, less there, anything after it
        least = 1 if place == 0 and len(digits) > 1 else 0
        if int(digit) > least:
            rest = "[0-9]" * (len(digits) - place - 1)
            alternatives.append(f"{digits[:place]}{_digits(least, int(digit) - 1)}{rest}")
    return rf"blk\.({'|'.join(alternatives)}){_EXPERTS}=CPU"


def _digits(least: int, most: int) -> str:
    return f"[{least}-{most}]"
