"""Search over everything that was said: words, "phrases", the beginning of a word, by model, role, chat and date.

Hits come newest first, which the index gives without looking at all of them: a common word costs no more than a rare
one. The last word is taken for the beginning of one while it is being typed.
"""

from __future__ import annotations

import json
import re
import sqlite3
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from nodetool_xl_desktop.store import about_json, chats
from nodetool_xl_desktop.store.database import rows
from nodetool_xl_desktop.store.parts import MARK_BEGIN, MARK_END, SEPARATOR, clean, split_words
from nodetool_xl_desktop.store.records import Role

#: About how many words a snippet has.
_SNIPPET_WORDS = 16
#: The shortest beginning that is completed: single letters would be in every message.
_SHORTEST_PREFIX = 2
_PIECE = re.compile(r'"([^"]*)("|$)|(\S+)')
_MARKS = re.compile(f"[{MARK_BEGIN}{MARK_END}]")


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for.

    Attributes:
        text: words, all of which have to be there, and phrases in quotation marks.
        model: only answers of this model, by its id.
        role: only what this one said.
        chat: only in this chat, by its id.
        from_ms, before_ms: only what was said from this time on, and before that one.
        as_typed: whether the last word may be the beginning of one.
    """

    text: str
    model: str | None = None
    role: Role | None = None
    chat: str | None = None
    from_ms: int | None = None
    before_ms: int | None = None
    as_typed: bool = True


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of a message, on one line, and where in it the hits are: from and to, in letters."""

    text: str
    marks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that was found."""

    chat: str
    title: str
    message: str
    role: Role
    model: str
    created_ms: int
    snippet: Snippet


@dataclass(frozen=True, slots=True)
class Hits:
    """A piece of what was found, newest first; `after` asks for the next one, and is None at the end."""

    hits: tuple[Hit, ...]
    after: int | None


@dataclass(frozen=True, slots=True)
class TitleHit:
    """A chat whose title was found."""

    chat: str
    title: Snippet
    touched_ms: int


NOTHING = Hits((), None)

_FIND = f"""
    SELECT m.at, c.id, c.title, m.id, m.role, m.model, m.created_ms,
        snippet(message_index, 0, '{MARK_BEGIN}', '{MARK_END}', '…', {_SNIPPET_WORDS}),
        snippet(message_index, 1, '{MARK_BEGIN}', '{MARK_END}', '…', {_SNIPPET_WORDS})
    FROM message_index JOIN message m ON m.at = message_index.rowid JOIN chat c ON c.key = m.chat
    WHERE message_index MATCH ? AND message_index.rowid >= ? AND message_index.rowid < ?
        AND c.deleted_ms IS NULL AND m.deleted_ms IS NULL
    ORDER BY message_index.rowid DESC LIMIT ?
"""
_FIND_TITLES = f"""
    SELECT c.id, highlight(chat_index, 0, '{MARK_BEGIN}', '{MARK_END}'), c.touched_ms
    FROM chat_index JOIN chat c ON c.key = chat_index.rowid
    WHERE chat_index MATCH ? AND c.deleted_ms IS NULL ORDER BY c.touched_ms DESC LIMIT ?
"""
_NEWEST_OF_MODEL = """
    SELECT about FROM message_index JOIN message m ON m.at = message_index.rowid
    WHERE message_index MATCH ? ORDER BY message_index.rowid DESC LIMIT 1
"""
_FARTHEST = 2**62


def words(text: str, *, as_typed: bool) -> str:
    """The query as FTS5 reads it; empty where there is no word in it. Whatever was typed is a word, never a command."""
    found = [f'"{phrase}"' for phrase in _phrases(text)]
    typing = as_typed and found and not text[-1].isspace() and not text.endswith('"')
    if typing and len(found[-1]) - 2 >= _SHORTEST_PREFIX and not found[-1].endswith(f'{SEPARATOR}"'):
        found[-1] += " *"
    return " AND ".join(found)


def find(connection: sqlite3.Connection, query: Query, limit: int, after: int | None) -> Hits:
    """A piece of what is found.

    Args:
        query: what is searched for.
        limit: how many hits at most.
        after: of the piece before.
    """
    said = words(query.text, as_typed=query.as_typed)
    if not said:
        return NOTHING
    if facets := " AND ".join(f'"{facet}"' for facet in _facets(connection, query)):
        said = f"({{text aside}} : ({said})) AND (facets : ({facets}))"
    else:
        said = f"{{text aside}} : ({said})"
    before = min(after or _FARTHEST, _FARTHEST if query.before_ms is None else query.before_ms)
    found = rows(connection, _FIND, said, query.from_ms or 0, before, limit + 1)
    hits = tuple(
        Hit(chat, title, message, role, model, created_ms, _snippet(text if MARK_BEGIN in text else aside))
        for _, chat, title, message, role, model, created_ms, text, aside in found[:limit]
    )
    return Hits(hits, found[limit - 1][0] if len(found) > limit else None)


def find_titles(connection: sqlite3.Connection, text: str, limit: int) -> list[TitleHit]:
    """The chats whose title has these words, what was touched last first."""
    said = words(text, as_typed=True)
    found = rows(connection, _FIND_TITLES, said, limit) if said else []
    return [TitleHit(chat, _snippet(title), touched_ms) for chat, title, touched_ms in found]


def models(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    """Every model that answered, by its id and by the name that its last answer gives it, in the order of the names.

    The index knows them: they are its words. The table of messages would have to be read from end to end.
    """
    connection.execute("CREATE VIRTUAL TABLE IF NOT EXISTS temp.index_words USING fts5vocab(main, message_index, row)")
    found = rows(connection, "SELECT term FROM temp.index_words WHERE term >= 'ǂm' AND term < 'ǂn'")
    named = []
    for (facet,) in found:
        model = bytes.fromhex(facet[2:]).decode()
        about = rows(connection, _NEWEST_OF_MODEL, f'facets : "{facet}"')
        name = about_json.of_json(json.loads(about[0][0])).model if about else None
        named.append((model, (name.name if name else "") or model))
    return sorted(named, key=lambda each: (each[1].casefold(), each[0]))


def _facets(connection: sqlite3.Connection, query: Query) -> Iterator[str]:
    if query.role is not None:
        yield f"ǂr{query.role}"
    if query.chat is not None:
        yield f"ǂc{chats.key(connection, query.chat)}"
    if query.model is not None:
        yield f"ǂm{clean(query.model).encode().hex()}"


def _phrases(text: str) -> Iterator[str]:
    """Each phrase and each word; what holds no letter and no digit is none."""
    for match in _PIECE.finditer(_MARKS.sub(" ", clean(text))):
        phrase = split_words(" ".join((match[1] if match[3] is None else match[3].replace('"', " ")).split()))
        if any(unicodedata.category(letter)[0] in "LN" or unicodedata.category(letter) == "Co" for letter in phrase):
            yield phrase


def _snippet(marked: str) -> Snippet:
    """Take the marks out of a snippet; hits that touch are one."""
    line = " ".join(marked.replace(SEPARATOR, "").split())
    text: list[str] = []
    marks: list[tuple[int, int]] = []
    length = begun = 0
    for piece in re.split(f"([{MARK_BEGIN}{MARK_END}])", line):
        if piece == MARK_BEGIN:
            begun = length
        elif piece == MARK_END:
            if marks and marks[-1][1] == begun:
                marks[-1] = (marks[-1][0], length)
            else:
                marks.append((begun, length))
        else:
            text.append(piece)
            length += len(piece)
    return Snippet("".join(text), tuple(marks))
