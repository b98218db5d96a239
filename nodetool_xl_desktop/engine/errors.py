"""What can go wrong with an engine, as a value that a person can read and a program can tell apart."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from nodetool_xl_desktop.core.errors import UserFacingError


class Fault(StrEnum):
    """The kind of a failure."""

    ENGINE_MISSING = "engine missing"
    LIBRARY_MISSING = "library missing"
    FILE = "file"
    NOT_A_MODEL = "not a model"
    TRUNCATED = "truncated"
    UNKNOWN_ARCHITECTURE = "unknown architecture"
    OUT_OF_MEMORY = "out of memory"
    PORT = "port"
    ILLEGAL_INSTRUCTION = "illegal instruction"
    KILLED = "killed"
    CRASHED = "crashed"
    CONTEXT_OVERFLOW = "context overflow"
    BAD_REQUEST = "bad request"
    CONNECTION = "connection"
    UNKNOWN = "unknown"


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
    def of_import(cls, what: str, answer: Mapping[str, Any], log_tail: tuple[str, ...]) -> EngineError:
        """Word the child's answer that it could not import the engine."""
        if answer["missing"]:
            hint = "Install one: `nodetool-xl-desktop doctor` names the command for this machine."
            return cls(Fault.ENGINE_MISSING, what, "no engine is installed", hint, log_tail)
        why = f"the engine could not be started: {answer['text']}"
        hint = "Install the library that it names, or an engine built for this machine."
        return cls(Fault.LIBRARY_MISSING, what, why, hint, log_tail)
