"""The process that reads headers for a scan: a file says what it likes, and thousands of them are seconds of Python.

In a thread of the window's process those seconds would be taken from the window. It is started for a scan and ends with
it; a frozen program runs `serve` on `--scan-child`.

It reads paths from standard input, a line of JSON each, and answers each with a line: `{"said": ...}`, what the index
keeps, and `"lasts"`, whether that follows from the file's bytes alone and may be kept.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.core.units import GIB
from nodetool_xl_desktop.gguf.errors import GgufError, MissingSplit, Unreadable, file_name
from nodetool_xl_desktop.gguf.split import read_model
from nodetool_xl_desktop.library.facts import facts, to_json
from nodetool_xl_desktop.library.model_file import Trouble

#: Bytes of address space; reading any header takes less than a tenth of it.
MOST_MEMORY = GIB
#: Its first word: it could be started.
HELLO = b"{}\n"


def serve() -> None:
    """Answer until standard input ends."""
    _step_back()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the program; the end of standard input for this
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.buffer.write(HELLO)
        sys.stdout.buffer.flush()
        for line in sys.stdin.buffer:
            sys.stdout.buffer.write(json.dumps(answer(Path(json.loads(line)))).encode() + b"\n")
            sys.stdout.buffer.flush()
    os._exit(0)  # a pipe that nobody reads is not flushed once more


def answer(path: Path) -> dict[str, Any]:
    """What is said of one file, or of the set that it is the first of."""
    try:
        return {"said": to_json(facts(read_model(path))), "lasts": True}
    except GgufError as error:
        # Rights, disks and parts of a set change without the file.
        lasts = not isinstance(error, Unreadable | MissingSplit)
        return {"said": to_json(Trouble(error.what, error.why, error.hint)), "lasts": lasts}
    except (OSError, ValueError) as error:
        unreadable = Unreadable.because(path, error)
        return {"said": to_json(Trouble(unreadable.what, unreadable.why, unreadable.hint)), "lasts": False}
    except MemoryError:
        trouble = Trouble(
            tr("{path} is damaged", path=file_name(path)), tr("its header asks for more memory than any model's"), ""
        )
        return {"said": to_json(trouble), "lasts": True}


def _step_back() -> None:
    """Everything else comes first, and no file may take the memory of the machine."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - not on Windows

    with contextlib.suppress(OSError):
        os.nice(10)
    with contextlib.suppress(OSError, ValueError):  # macOS takes no limit of memory
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))


if __name__ == "__main__":
    serve()
