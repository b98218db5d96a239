"""Running Python that a model wrote, in a child that can do little and is gone afterwards."""

from __future__ import annotations

import signal
import sys
from collections.abc import Mapping
from typing import Any, ClassVar

from nodetool_xl_desktop.core import units
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.network import OffLine
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.tools.confined import Limits, Outcome, confined

#: Below the 30 s that a call may take, so that the reason is told here.
LIMITS = Limits(wall_s=20.0, cpu_s=15, memory=units.GIB, file_size=16 * units.MIB)
_BEGINNING, _END = 10_000, 5_000  # characters that are kept of what it printed
_LAST = 1_000  # of what it printed before it was ended


class RunPythonTool:
    """Runs Python 3 in a child process.

    Args:
        off_line: while it is on, nothing is run.
        limits: what the child may take.
    """

    name = "run_python"
    description = (
        "Runs a Python 3 program and returns what it prints. Each call starts anew; it has the standard library, no"
        " network, no input, and no files but those it makes itself."
    )
    parameters: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "properties": {"code": {"type": "string", "description": "The program; print() the result"}},
        "required": ["code"],
        "additionalProperties": False,
    }

    #: A small model that has to write a program goes on for as long as it may.
    forced_parameters: ClassVar[Mapping[str, Any]] = {
        **parameters,
        "properties": {"code": {"type": "string", "minLength": 1, "maxLength": 1000}},
    }

    def __init__(self, off_line: OffLine, limits: Limits = LIMITS) -> None:
        self._off_line = off_line
        self._limits = limits

    @property
    def caution(self) -> str:
        """What a person should know before they allow it."""
        wall_s, memory = self._limits.wall_s, units.memory(self._limits.memory)
        if sys.platform == "linux":
            return tr(
                "The program runs for {wall_s:g} s at most, with {memory} of memory, in a folder that is removed "
                "afterwards. It has no network and starts no other program. Where Linux has Landlock (5.13 and later), "
                "it cannot read or change your files either; where it does not, it can do with them what you can.",
                wall_s=wall_s,
                memory=memory,
            )
        return tr(
            "The program runs for {wall_s:g} s at most, with {memory} of memory, in a folder that is removed "
            "afterwards. Nothing here keeps it from your files and from the network: read it before you allow it.",
            wall_s=wall_s,
            memory=memory,
        )

    async def __call__(self, code: str) -> str:
        """What the program printed, and the value of its last line; a traceback where it failed.

        Raises:
            UserFacingError: the program works off line, no child can be started, or it went beyond a limit.
        """
        what = "The Python program was not run"
        self._off_line.check(what)
        if sys.platform == "win32":
            raise UserFacingError(what, "on Windows this program cannot bound what it takes yet")
        try:
            outcome = await confined({"do": "run", "code": _plain(code)}, self._limits, with_folder=True)
        except OSError as error:
            raise UserFacingError(what, f"no process could be started: {error.strerror or error}") from error
        said = _bounded(outcome.output.decode("utf-8", errors="replace").strip())
        why = self._why_ended(outcome)
        if why:
            told = f"What it printed last: {said[-_LAST:]}" if said else "It printed nothing"
            raise UserFacingError("The program was ended", why, told)
        return said or "(the program ended and printed nothing; use print)"

    def _why_ended(self, outcome: Outcome) -> str:
        from_here = {
            "time": f"it took longer than {self._limits.wall_s:g} s",
            "output": "it printed without end",
            "folder": (
                f"it filled its folder with more than {units.memory(self._limits.folder_size)}, or too many files"
            ),
        }
        if outcome.ended_by:
            return from_here[outcome.ended_by]
        if outcome.status >= 0:
            return ""
        number = -outcome.status
        if number in (signal.SIGXCPU, signal.SIGKILL):
            return f"it took more than {self._limits.cpu_s} s of processor time, or too much memory"
        try:
            return f"the system ended it with {signal.Signals(number).name}"
        except ValueError:
            return f"the system ended it with signal {number}"


def _plain(code: str) -> str:
    """The program without the fence that models put around code, and without halves of surrogate pairs."""
    text = code.strip("\n")
    lines = text.split("\n")
    if len(lines) > 1 and lines[0].strip().startswith("```") and lines[-1].strip() == "```":
        text = "\n".join(lines[1:-1])
    return text.encode("utf-8", errors="replace").decode("utf-8")


def _bounded(text: str) -> str:
    if len(text) <= _BEGINNING + _END:
        return text
    left_out = len(text) - _BEGINNING - _END
    return f"{text[:_BEGINNING]}\n... ({left_out:,} characters left out) ...\n{text[-_END:]}"
