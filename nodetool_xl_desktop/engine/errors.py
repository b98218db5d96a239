"""What can go wrong with an engine, as a value that a person can read and a program can tell apart."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.gguf import GgufError, MissingSplit, Truncated, Unreadable, UnsupportedTensorType


class Fault(StrEnum):
    """The kind of a failure."""

    ENGINE_MISSING = "engine missing"
    LIBRARY_MISSING = "library missing"
    FILE = "file"
    NOT_A_MODEL = "not a model"
    TRUNCATED = "truncated"
    UNKNOWN_ARCHITECTURE = "unknown architecture"
    UNKNOWN_TENSOR_TYPE = "unknown tensor type"
    PROJECTOR = "projector"
    OUT_OF_MEMORY = "out of memory"
    PORT = "port"
    ILLEGAL_INSTRUCTION = "illegal instruction"
    KILLED = "killed"
    CRASHED = "crashed"
    ABORTED = "aborted"
    FROZEN = "frozen"
    EJECTED = "ejected"
    TIMEOUT = "time-out"
    BUSY = "busy"
    NO_MODEL = "no such model"
    DOWNLOAD = "download"
    CONTEXT_OVERFLOW = "context overflow"
    BAD_REQUEST = "bad request"
    CONNECTION = "connection"
    UNKNOWN = "unknown"


#: What a header that cannot be read says of the file; any other is no model.
_OF_FILES = {
    Unreadable: Fault.FILE,
    MissingSplit: Fault.FILE,
    Truncated: Fault.TRUNCATED,
    UnsupportedTensorType: Fault.UNKNOWN_TENSOR_TYPE,
}


class EngineError(UserFacingError):
    """A load or an answer that failed.

    Attributes:
        fault: the kind of the failure.
        log_tail: the last lines of the engine's log, without secrets; may be empty.
    """

    def __init__(self, fault: Fault, what: str, why: str = "", hint: str = "", log_tail: tuple[str, ...] = ()) -> None:
        super().__init__(what, why, hint)
        self.fault = fault
        self.log_tail = log_tail

    @classmethod
    def of_file(cls, what: str, error: GgufError) -> EngineError:
        """Tell what is wrong with a file as the kind of failure that the engine would report."""
        fault = next((fault for kind, fault in _OF_FILES.items() if isinstance(error, kind)), Fault.NOT_A_MODEL)
        return cls(fault, what, error.why, error.hint)

    @classmethod
    def of_start(cls, what: str, error: OSError) -> EngineError:
        """The child itself could not be started: no memory, no process, no file descriptor is left."""
        why = tr("its process could not be started: {strerror}", strerror=error.strerror or error)
        return cls(Fault.UNKNOWN, what, why, tr("Close other programs, then try again."))

    @classmethod
    def of_import(cls, what: str, answer: Mapping[str, Any], log_tail: tuple[str, ...]) -> EngineError:
        """Word the child's answer that it could not import the engine."""
        if answer["missing"]:
            hint = tr("Install one: `nodetool-xl-desktop doctor` names the command for this machine.")
            return cls(Fault.ENGINE_MISSING, what, tr("no engine is installed"), hint, log_tail)
        why = tr("the engine could not be started: {answer}", answer=answer["text"])
        hint = tr("Install the library that it names, or an engine built for this machine.")
        return cls(Fault.LIBRARY_MISSING, what, why, hint, log_tail)
