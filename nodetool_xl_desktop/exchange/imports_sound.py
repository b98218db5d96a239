"""What a chat from a file has to be before it comes into the store: whatever was written into that file, by whomever,
the program can show it, search it and export it again.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from nodetool_xl_desktop.chat.toolbox import TOOLS
from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.exchange.export import Record
from nodetool_xl_desktop.store import parts
from nodetool_xl_desktop.store.parts import Other, Part, Text
from nodetool_xl_desktop.store.records import About

#: The last moment that a calendar of four digits knows, in milliseconds since 1970.
LAST_MS = 253_402_300_799_999
#: The longest title that comes in, in letters.
LONGEST_TITLE = 1000
#: What an id of a chat or a message is made of.
_ID = re.compile(r"[0-9A-Za-z_-]{1,100}")
#: How many folders lie in one another at most.
_MOST_FOLDERS = 20
#: How deep what nobody looks into may be nested: Python reads about 1000 levels, and the database must, too.
_DEEPEST = 100
#: The largest number that a database keeps.
_LARGEST = 2**63 - 1
#: What JSON and the database hold besides lists and objects.
_PLAIN = (str, bool, type(None))


class Unsound(ValueError):
    """Something of a chat that cannot be kept; the message says what."""


def sound(record: Record) -> Record:
    """The same chat, with its title in one line of a sensible length.

    Raises:
        Unsound: the program could not work with it.
    """
    chat = record.chat
    _need(
        all(_ID.fullmatch(each) for each in (chat.id, *(message.id for message in record.messages))),
        tr("an id in it is not one"),
    )
    _need(len(record.folder) <= _MOST_FOLDERS, tr("its folders are nested too deeply"))
    _need(isinstance(chat.leaf, str | None), tr("what is shown of it ends nowhere"))
    _need_time(chat.created_ms, chat.touched_ms)
    _need_simple(chat.more)
    for message in record.messages:
        _need(isinstance(message.parent, str | None), tr("a message follows something that is no message"))
        _need_time(message.created_ms)
        _need_about(message.about)
        for part in message.parts:
            _need_part(part)
    try:
        record.tree.check()
    except ValueError as error:
        raise Unsound(tr("its messages are in no order: {error}", error=error)) from None
    title = " ".join(chat.title.split())
    # What may run is this person's choice, also whether Python may; what is allowed always would run unasked here, at
    # the word of whoever wrote the chat.
    more = {name: value for name, value in chat.more.items() if name != TOOLS}
    return replace(record, chat=replace(chat, title=title[:LONGEST_TITLE], more=more))


def _need_part(part: Part) -> None:
    if isinstance(part, Other):
        _need(part.data.get("type") != Text.kind, tr("a text in it is none"))  # the search reads all of that type
        _need_simple(part.data)
        return
    for field in fields(part):
        value = getattr(part, field.name)
        wanted = parts.TYPES[part.kind][field.name]
        _need(isinstance(value, wanted), tr("the {name} of a part is of the wrong kind", name=field.name))
        _need_simple(value)
    if shas := parts.files_in([part]):
        sha256 = shas.pop()
        _need(len(sha256) == 64 and set(sha256) <= set("0123456789abcdef"), tr("a file has no name that could be one"))


def _need_about(about: About) -> None:
    _need(isinstance(about.finish_reason, str), tr("why an answer ended is no text"))
    _need(isinstance(about.options, Mapping), tr("the options of an answer are of the wrong kind"))
    _need(isinstance(about.sampling, Mapping), tr("the sampling of an answer is of the wrong kind"))
    for values in (about.usage, about.speed):
        for field in fields(values):
            _need_number(getattr(values, field.name))
    for number in (about.last_token_s, about.pieces, about.first_token_s or 0):
        _need_number(number)
    if about.model is not None:
        _need(bool(about.model.id), tr("the model of an answer has no id"))
        for field in fields(about.model):
            value = getattr(about.model, field.name)
            _need(
                isinstance(value, int if field.name == "size" else str),
                tr("the model of an answer is of the wrong kind"),
            )
    if about.error is not None:
        for text in (about.error.what, about.error.why, about.error.hint):
            _need(isinstance(text, str), tr("why an answer failed is no text"))
    for mapping in (about.options, about.sampling, about.more):
        _need_simple(mapping)


def _need_number(value: object) -> None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    _need(is_number, tr("a figure of an answer is no number"))
    _need_simple(value)


def _need_time(*times: object) -> None:
    for time in times:
        _need(isinstance(time, int) and 0 <= time <= LAST_MS, tr("a time in it is none"))


def _need_simple(value: Any) -> None:
    """What JSON can say and the database can keep, and not too deep; without recursion, as that is what is feared."""
    todo = [(value, 0)]
    while todo:
        each, depth = todo.pop()
        _need(depth <= _DEEPEST, tr("it is nested too deeply"))
        if isinstance(each, Mapping):
            _need(all(isinstance(name, str) for name in each), tr("a name in it is no text"))
            todo += [(inner, depth + 1) for inner in each.values()]
        elif isinstance(each, list | tuple):
            todo += [(inner, depth + 1) for inner in each]
        elif isinstance(each, int) and not isinstance(each, bool):
            _need(abs(each) <= _LARGEST, tr("a number in it is too large"))
        elif isinstance(each, float):
            _need(math.isfinite(each), tr("a number in it is none"))
        else:
            _need(isinstance(each, _PLAIN), tr("it holds what no JSON holds"))


def _need(is_so: bool, why: str) -> None:
    if not is_so:
        raise Unsound(why)
