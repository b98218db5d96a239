"""The tables of the chat store, as numbered migrations. The number that a database is at stands in its `user_version`.

A migration that was released is never changed: a new one is added at the end, and `tests/store/test_chat_schema.py`
brings a store of every earlier version up to the last. What a later feature keeps of a message or a chat belongs into
the JSON of its parts, of `about` or of `more`, not into a new table.

- `message.key` is the chat's key, and below it the number of the message in its chat: the rows of a chat lie side by
  side in the file, so that a long one is read in few pieces, and a child's key is greater than its parent's.
- `message.at` is the time of its making in milliseconds, moved on to the next free one. Being the row's number in the
  index of the search, it makes both "newest first" and a range of dates a matter of the index alone.
- `chat.key` is never used again (AUTOINCREMENT): what still writes to a chat that was removed must not meet another.
- `tail` is what of an open answer is on the disk: one row for each write, so that a write costs as much as what is new.
  It is folded into the message when the answer ends, or at the next start.
- A parent takes no children along when its row goes: SQLite follows such a chain 1,000 deep, and a chat may be longer.
- A living message has `deleted_with` NULL; else it is the key of the message whose deletion took it along.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from nodetool_xl_desktop.store import parts

#: Tells the program's database from any other one: "NTXL".
APPLICATION_ID = 0x4E54584C
#: How far a chat's key is moved up in the keys of its messages; below it is room for 16 million of them.
CHAT_SHIFT = 24

_CHATS = (
    """
    CREATE TABLE folder (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        parent TEXT REFERENCES folder(id) ON DELETE SET NULL
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE chat (
        key INTEGER PRIMARY KEY AUTOINCREMENT,
        id TEXT NOT NULL UNIQUE,
        title TEXT NOT NULL DEFAULT '',
        titled_by TEXT NOT NULL DEFAULT '',
        created_ms INTEGER NOT NULL,
        touched_ms INTEGER NOT NULL,
        pinned INTEGER NOT NULL DEFAULT 0,
        archived INTEGER NOT NULL DEFAULT 0,
        folder TEXT REFERENCES folder(id) ON DELETE SET NULL,
        leaf INTEGER REFERENCES message(key) ON DELETE SET NULL,
        deleted_ms INTEGER,
        more TEXT NOT NULL DEFAULT '{}'
    )
    """,
    "CREATE INDEX chat_shown ON chat(archived, touched_ms, key) WHERE deleted_ms IS NULL",
    "CREATE INDEX chat_trash ON chat(deleted_ms) WHERE deleted_ms IS NOT NULL",
    "CREATE INDEX chat_pinned ON chat(touched_ms, key) WHERE pinned",
    "CREATE INDEX chat_folder ON chat(folder, touched_ms, key) WHERE folder IS NOT NULL",
    "CREATE INDEX chat_leaf ON chat(leaf)",
    f"""
    CREATE TABLE message (
        key INTEGER PRIMARY KEY CHECK (key >> {CHAT_SHIFT} = chat),
        id TEXT NOT NULL UNIQUE,
        at INTEGER NOT NULL UNIQUE,
        chat INTEGER NOT NULL REFERENCES chat(key) ON DELETE CASCADE,
        parent INTEGER REFERENCES message(key) DEFERRABLE INITIALLY DEFERRED,
        role TEXT NOT NULL CHECK (role IN ('system', 'user', 'assistant', 'tool')),
        state TEXT NOT NULL,
        created_ms INTEGER NOT NULL,
        deleted_ms INTEGER,
        deleted_with INTEGER,
        model TEXT NOT NULL DEFAULT '',
        about TEXT NOT NULL DEFAULT '{{}}',
        parts TEXT NOT NULL
    )
    """,
    "CREATE INDEX message_chat ON message(chat)",
    "CREATE INDEX message_parent ON message(parent) WHERE parent IS NOT NULL",
    "CREATE INDEX message_open ON message(state) WHERE state IN ('waiting', 'streaming')",
    "CREATE INDEX message_deleted ON message(deleted_ms) WHERE deleted_ms IS NOT NULL",
    """
    CREATE TABLE tail (
        message INTEGER NOT NULL REFERENCES message(key) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        parts TEXT NOT NULL,
        PRIMARY KEY (message, number)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE tag (
        chat INTEGER NOT NULL REFERENCES chat(key) ON DELETE CASCADE,
        name TEXT NOT NULL,
        PRIMARY KEY (chat, name)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX tag_name ON tag(name, chat)",
    """
    CREATE TABLE draft (
        place TEXT PRIMARY KEY,
        parts TEXT NOT NULL,
        saved_ms INTEGER NOT NULL
    ) WITHOUT ROWID
    """,
    "CREATE TRIGGER chat_gone AFTER DELETE ON chat BEGIN DELETE FROM draft WHERE place = old.id; END",
    """
    CREATE TABLE file (
        sha256 TEXT PRIMARY KEY,
        size INTEGER NOT NULL,
        added_ms INTEGER NOT NULL,
        unused_ms INTEGER
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE file_use (
        message INTEGER NOT NULL REFERENCES message(key) ON DELETE CASCADE,
        sha256 TEXT NOT NULL,
        PRIMARY KEY (message, sha256)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX file_use_sha256 ON file_use(sha256)",
)

#: All messages into the index at once: it sorts so many bytes in memory before it writes, and not its usual million, so
#: that it is built in less time. What it then holds is brought into one piece: else the first turns of a large store
#: would do that, one of them for seconds.
_FILL = (
    f"INSERT INTO message_index(message_index, rank) VALUES ('hashsize', {64 * 2**20})",
    "INSERT INTO message_index(rowid, text, aside, facets) SELECT at, text, aside, facets FROM message_words",
    f"INSERT INTO message_index(message_index, rank) VALUES ('hashsize', {2**20})",
    "INSERT INTO message_index(message_index) VALUES ('optimize')",
)

#: The index lies over a view, so that no text is kept twice; `spoken` and `aside` are functions of `parts.py`. A facet
#: is a word that no text holds (it begins with a letter of African languages), so that a filter is one more word of the
#: query instead of a walk over every hit. What is deleted stays in it, and is left out of what is found: to delete a
#: long chat from its beginning, and to take that back, would else take seconds.
_SEARCH = (
    """
    CREATE VIEW message_words AS
        SELECT at, spoken(parts) AS text, aside(parts) AS aside,
            'ǂr' || role || ' ǂc' || chat || CASE WHEN model = '' THEN '' ELSE ' ǂm' || hex(model) END AS facets
        FROM message WHERE state NOT IN ('waiting', 'streaming')
    """,
    """
    CREATE VIRTUAL TABLE message_index USING fts5(
        text, aside, facets, content='message_words', content_rowid='at', columnsize=0,
        tokenize='unicode61 remove_diacritics 2', prefix='2 3 4'
    )
    """,
    """
    CREATE TRIGGER message_added AFTER INSERT ON message BEGIN
        INSERT INTO message_index(rowid, text, aside, facets)
            SELECT at, text, aside, facets FROM message_words WHERE at = new.at;
    END
    """,
    """
    CREATE TRIGGER message_going BEFORE DELETE ON message BEGIN
        INSERT INTO message_index(message_index, rowid, text, aside, facets)
            SELECT 'delete', at, text, aside, facets FROM message_words WHERE at = old.at;
    END
    """,
    """
    CREATE TRIGGER message_changing BEFORE UPDATE OF role, state, model, parts, chat ON message BEGIN
        INSERT INTO message_index(message_index, rowid, text, aside, facets)
            SELECT 'delete', at, text, aside, facets FROM message_words WHERE at = old.at;
    END
    """,
    """
    CREATE TRIGGER message_changed AFTER UPDATE OF role, state, model, parts, chat ON message BEGIN
        INSERT INTO message_index(rowid, text, aside, facets)
            SELECT at, text, aside, facets FROM message_words WHERE at = new.at;
    END
    """,
    """
    CREATE VIRTUAL TABLE chat_index USING fts5(
        title, content='chat', content_rowid='key', columnsize=0,
        tokenize='unicode61 remove_diacritics 2', prefix='2 3 4'
    )
    """,
    """
    CREATE TRIGGER chat_titled AFTER INSERT ON chat BEGIN
        INSERT INTO chat_index(rowid, title) VALUES (new.key, new.title);
    END
    """,
    """
    CREATE TRIGGER chat_untitled AFTER DELETE ON chat BEGIN
        INSERT INTO chat_index(chat_index, rowid, title) VALUES ('delete', old.key, old.title);
    END
    """,
    """
    CREATE TRIGGER chat_renamed AFTER UPDATE OF title ON chat BEGIN
        INSERT INTO chat_index(chat_index, rowid, title) VALUES ('delete', old.key, old.title);
        INSERT INTO chat_index(rowid, title) VALUES (new.key, new.title);
    END
    """,
    "INSERT INTO chat_index(rowid, title) SELECT key, title FROM chat",
    *_FILL,
)

_PRESETS = (
    """
    CREATE TABLE preset (
        id TEXT PRIMARY KEY,
        scope TEXT NOT NULL CHECK (scope IN ('named', 'global', 'model', 'chat')),
        subject TEXT NOT NULL DEFAULT '',
        name TEXT NOT NULL DEFAULT '',
        body TEXT NOT NULL,
        changed_ms INTEGER NOT NULL,
        UNIQUE (scope, subject, name)
    ) WITHOUT ROWID
    """,
    """
    CREATE TRIGGER chat_and_its_preset AFTER DELETE ON chat BEGIN
        DELETE FROM preset WHERE scope = 'chat' AND subject = old.id;
    END
    """,
)

#: Migration n, from version n to n + 1, is the n-th of these.
MIGRATIONS: tuple[tuple[str, ...], ...] = (_CHATS, _SEARCH, _PRESETS)
LATEST = len(MIGRATIONS)

_REBUILD = (
    "INSERT INTO message_index(message_index) VALUES ('delete-all')",
    *_FILL,
    "INSERT INTO chat_index(chat_index) VALUES ('rebuild')",
)


def version(connection: sqlite3.Connection) -> int:
    """The version that a database is at; 0 for an empty one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def add_functions(connection: sqlite3.Connection) -> None:
    """The functions that the views and triggers call. A program that lacks them can read every message and change none,
    so that the index of the search always says what the messages say.
    """
    connection.execute("PRAGMA trusted_schema = ON")  # some builds of SQLite else refuse functions in a trigger
    connection.create_function("spoken", 1, parts.spoken, deterministic=True)
    connection.create_function("aside", 1, parts.aside, deterministic=True)


def migrate(
    connection: sqlite3.Connection, to: int = LATEST, on_version: Callable[[int], None] = lambda version: None
) -> None:
    """Bring a database up, each step in a transaction of its own: killed in between, it is at the version before.

    Args:
        connection: writes to it; no transaction is open.
        to: the version to stop at.
        on_version: hears of each version that was reached.

    Raises:
        sqlite3.Error: it refused; the version before it stands.
    """
    for number in range(version(connection), to):
        connection.execute("BEGIN IMMEDIATE")
        try:
            if number == 0:
                connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            for statement in MIGRATIONS[number]:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number + 1}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        on_version(number + 1)


def rebuild_search(connection: sqlite3.Connection) -> None:
    """Build the index of the search anew from the messages."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in _REBUILD:
            connection.execute(statement)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
