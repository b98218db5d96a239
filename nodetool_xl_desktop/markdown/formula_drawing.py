"""LaTeX as vectors, in a process of its own: it is Python all the way, and would hold the window's thread for as long.

Ziamath takes twice as long for each fraction within a fraction, so that 30 of them would take days: each drawing has a
deadline, and where that does not help, the process ends.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import json
import os
import re
import signal
import sys
import time
import warnings
from types import FrameType
from typing import TYPE_CHECKING, Any

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.translation import tr

if TYPE_CHECKING:
    from ziamath.zmath import Latex

#: Of a drawing, in bytes: some hundred letters. Beyond that, painting it would take longer than a frame.
LARGEST = 400_000
#: In units of the letters' size.
WIDEST, HIGHEST = 400.0, 60.0
#: The colour of the ink, which is replaced by that of the text.
INK = "#010203"
#: Seconds that one drawing may take, and after which the process ends.
LONGEST_S, HARD_S = 1.5, 3.0
#: Bytes of address space.
MOST_MEMORY = units.GIB
TOO_LONG = tr("It takes too long to draw.")
_SIZE = 32.0
_LIBRARIES = ("ziamath", "ziafont", "latex2mathml")


class _TooLong(BaseException):
    """The deadline is over. No `Exception`, as the library may catch those."""


class _Deadline:
    """Ends what Python runs within it after some seconds, by looking at the clock at each call."""

    def __init__(self, seconds: float) -> None:
        self._end = time.perf_counter() + seconds

    def __enter__(self) -> None:
        sys.setprofile(self._look)

    def __exit__(self, *_error: object) -> None:
        sys.setprofile(None)

    def _look(self, frame: FrameType, event: str, _argument: object) -> None:
        # Not within what the garbage collector calls, where an error is lost, and this look with it.
        if event == "call" and time.perf_counter() > self._end and frame.f_globals["__name__"].startswith(_LIBRARIES):
            raise _TooLong


def serve() -> None:
    """Draw what standard input asks for, until it ends: a line of JSON each, `[source, inline]`.

    Answers are lines as well: `{"svg", "width", "ascent", "descent"}`, lengths for letters of one pixel; or
    `{"reason"}`, where it cannot be drawn.
    """
    _bound_memory()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the program; the end of standard input for this
    with open(os.devnull, "w", encoding="utf-8") as nothing:  # noqa: PTH123
        for line in sys.stdin.buffer:
            source, inline = json.loads(line)
            faulthandler.dump_traceback_later(HARD_S, exit=True, file=nothing)  # a hang in C, too
            answer = draw(source, inline=inline)
            faulthandler.cancel_dump_traceback_later()
            with contextlib.suppress(BrokenPipeError):
                sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n")
                sys.stdout.buffer.flush()


def _bound_memory() -> None:
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - not on Windows

    with contextlib.suppress(OSError, ValueError):  # macOS takes no limit of memory
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))


def draw(source: str, *, inline: bool) -> dict[str, Any]:
    """Draw one."""
    try:
        latex = _ziamath()
        with _Deadline(LONGEST_S):
            svg = latex(source, size=_SIZE, color=INK, inline=inline).svg()
    except _TooLong:
        return {"reason": TOO_LONG}
    except (Exception, RecursionError) as error:  # noqa: BLE001 - whatever a model wrote meets whatever it breaks there
        return {"reason": tr("It cannot be drawn: {error}", error=str(error)[:200] or type(error).__name__)}
    if len(svg) > LARGEST:
        return {"reason": tr("It is too long to draw.")}
    box = re.search(r'viewBox="([-\d.e]+) ([-\d.e]+) ([-\d.e]+) ([-\d.e]+)"', svg)
    if box is None:
        return {"reason": tr("It cannot be drawn: it has no size.")}
    _left, top, width, height = (float(each) / _SIZE for each in box.groups())
    if not (0 < width <= WIDEST and 0 < height <= HIGHEST):
        return {"reason": tr("It is too large to draw.")}
    return {"svg": svg, "width": width, "ascent": -top, "descent": height + top}


def _ziamath() -> type[Latex]:
    """The library: 0.12 s to load, and most chats have no formula."""
    if "ziamath" not in sys.modules:
        # WORKAROUND: ziamath 0.13 asks for its fonts in a way that Python 3.11 and 3.12 warn of.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            importlib.import_module("ziamath")
    from ziamath.config import config  # noqa: PLC0415
    from ziamath.zmath import Latex  # noqa: PLC0415

    config.svg2 = False  # Qt draws no symbols
    return Latex
