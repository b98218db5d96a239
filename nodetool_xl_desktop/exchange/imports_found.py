"""What an import finds in a file, piece by piece, whoever wrote the file."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.exchange.export import Record
from nodetool_xl_desktop.store.presets import Preset

_NAMESPACE = uuid.UUID("6f2f6d0a-5d0e-5c1c-9a53-7f1d3b9f0c11")

#: What goes wrong where JSON is not what a reader of it expects: it says something about the file, not about us.
BROKEN = (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something of a file that did not come in.

    Attributes:
        what: the title of a chat, or what else it is.
        why: a part of a sentence.
    """

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class File:
    """A file that chats refer to, by the hash that it is said to have."""

    sha256: str
    data: bytes


Found = Record | Preset | File | Skipped


def made_id(*names: object) -> str:
    """A UUID that is the same for the same thing of the same file, so that it is known when it comes again."""
    return str(uuid.uuid5(_NAMESPACE, "\0".join(str(name) for name in names).encode("utf-8", "replace").hex()))


def why(error: Exception) -> str:
    """What broke a chat, as a part of a sentence."""
    if isinstance(error, json.JSONDecodeError):
        return tr("it is no JSON, or breaks off ({msg})", msg=error.msg)
    if isinstance(error, UnicodeDecodeError):
        return tr("it is no text")
    if isinstance(error, KeyError):
        return tr("it has no {args!r}", args=error.args[0])
    if isinstance(error, RecursionError):
        return tr("it is nested too deeply")
    if isinstance(error, TypeError | AttributeError | IndexError):  # Python's words say nothing to a person
        return tr("it is not built as its program builds it")
    return " ".join(str(error).split())[:200] or tr("it is not as it should be")
