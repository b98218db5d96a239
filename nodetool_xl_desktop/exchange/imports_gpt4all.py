"""A chat of GPT4All: `gpt4all-*.chat`, written by Qt's QDataStream.

There is no description of it; this follows its source (gpt4all-chat/src/chat.cpp, chatllm.cpp, chatmodel.cpp and
chatlistmodel.cpp, formats 8 to 12, of June 2024 and later). Older files, and answers with calls of its code
interpreter (format 12), are refused by name: how those were written could not be made sure of.
"""

from __future__ import annotations

import struct
from dataclasses import replace

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.exchange.export import Record
from nodetool_xl_desktop.exchange.imports_found import made_id
from nodetool_xl_desktop.store.parts import Part, Text
from nodetool_xl_desktop.store.records import About, Chat, Message, ModelIdentity, Role, State, TitledBy

MAGIC = bytes.fromhex("F5D553CC")
_OLDEST, _NEWEST = 8, 12
_EMPTY = 0xFFFFFFFF
_ROLES: dict[str, Role] = {"Prompt: ": "user", "Response: ": "assistant", "System: ": "system"}


class _Stream:
    """What QDataStream wrote, big end first."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def _take(self, size: int) -> bytes:
        if self._at + size > len(self._data):
            raise ValueError(tr("the file is cut off"))
        self._at += size
        return self._data[self._at - size : self._at]

    def number(self, form: str) -> int:
        """By the letter of `struct`."""
        return int(struct.unpack(f">{form}", self._take(struct.calcsize(form)))[0])

    def data(self) -> bytes:
        """A QByteArray, and a QUrl."""
        size = self.number("I")
        return b"" if size == _EMPTY else self._take(size)

    def text(self) -> str:
        """A QString."""
        return self.data().decode("utf-16-be", "replace")

    def texts(self) -> list[str]:
        """A QStringList."""
        return [self.text() for _ in range(self.number("I"))]

    def skip(self, size: int) -> None:
        """Bytes that nobody needs."""
        self._take(size)

    def count(self) -> int:
        """A `qsizetype`: how many follow."""
        found = self.number("q")
        if not 0 <= found <= len(self._data):
            raise ValueError(tr("the file is damaged"))
        return found

    @property
    def is_at_end(self) -> bool:
        return self._at == len(self._data)


def read(data: bytes) -> Record:
    """The chat of one file.

    Raises:
        ValueError: it is damaged, or of a form that is not known for sure.
    """
    stream = _Stream(data)
    if stream.number("I") != int.from_bytes(MAGIC):
        raise ValueError(tr("it is no chat of GPT4All"))
    version = stream.number("i")
    if not _OLDEST <= version <= _NEWEST:
        raise ValueError(
            tr(
                "it is of GPT4All's format {version}; {oldest} to {newest} are known",
                version=version,
                oldest=_OLDEST,
                newest=_NEWEST,
            )
        )
    created_ms = stream.number("q") * 1000
    chat_id = made_id("GPT4All", stream.text(), created_ms)
    title = stream.text()
    stream.text()  # the name the chat had before
    model = stream.text()
    stream.texts()  # collections of documents
    if version < 11:
        _skip_model_state(stream, version)
    messages: list[Message] = []
    for _ in range(stream.number("i")):
        messages.append(_message(stream, version, created_ms, model))
    if not stream.is_at_end:
        raise ValueError(tr("there is more in it than is known of its format"))
    messages = _named(chat_id, messages)
    leaf = messages[-1].id if messages else None
    by = TitledBy.PERSON if title else TitledBy.NOBODY
    return Record(
        Chat(chat_id, title, by, created_ms, created_ms, leaf=leaf, more={"imported_from": "GPT4All"}), tuple(messages)
    )


def _named(chat: str, messages: list[Message]) -> list[Message]:
    """One after the other, with ids that are the same when the file is read again."""
    named: list[Message] = []
    for number, message in enumerate(messages):
        parent = named[-1].id if named else None
        named.append(replace(message, id=made_id(chat, number, message.role, message.text), parent=parent))
    return named


def _skip_model_state(stream: _Stream, version: int) -> None:
    has_state = stream.number("B")
    stream.skip(8)  # the kind of model, and the version of its state
    stream.text()
    stream.text()
    stream.skip(4)  # tokens
    if has_state:
        stream.skip(8)  # where it is, and the context
        if version < 9:
            stream.skip(stream.count() * 4)
        stream.skip(stream.count() * 4)
        stream.data()


def _message(stream: _Stream, version: int, created_ms: int, model: str) -> Message:
    if version < 12:
        stream.skip(4)  # a number that is not used any more
    name, value = stream.text(), stream.text()
    if name not in _ROLES:
        raise ValueError(tr("it has a message of an unknown kind: {name!r}", name=name))
    if version < 10:
        stream.text()  # the prompt again
    stream.text()  # what the person would rather have read
    _, stopped, *_ = (stream.number("B") for _ in range(4))
    role = _ROLES[name]
    failed = version >= 11 and role == "assistant" and bool(stream.number("B"))
    for _ in range(stream.count()):  # where in the person's documents it was read
        for _ in range(7):
            stream.text()
        stream.skip(12)
    kept: list[Part] = [Text(value)] if value else []
    if version >= 10:
        for _ in range(stream.count()):
            url, content = stream.data().decode("utf-8", "replace"), stream.data()
            kept.append(Text(f"{url.rsplit('/', 1)[-1]}:\n\n{content.decode('utf-8', 'replace')}"))
    if version >= 12 and stream.count():
        raise ValueError(tr("it has calls of the code interpreter, whose form is not known for sure"))
    state = State.FAILED if failed else State.STOPPED if stopped else State.COMPLETE
    about = About(model=ModelIdentity(model, model)) if role == "assistant" and model else About()
    return Message("", None, role, tuple(kept), state, created_ms, about)
