"""The index of headers: it says what was kept or nothing, whatever became of its file."""

from __future__ import annotations

import contextlib
import os
import random
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from nodetool_xl_desktop.library import index
from nodetool_xl_desktop.library.index import HeaderIndex
from nodetool_xl_desktop.library.model_file import Capability, Facts, Trouble

FACTS = Facts(
    "model", "A Name", "llama", 7_000_000_000, "Q4_K_M", 8192, frozenset(Capability), "apache-2.0", "f" * 64, 4096
)
TROUBLE = Trouble("it is broken", "it ends too early", "Download it again")
ROWS = [
    (Path("/models/a.gguf"), "1:2:3", FACTS),
    (Path("/models/b\n\U0001f40d.gguf"), "4:5:6 7:8:9", TROUBLE),
    (Path(os.fsdecode(b"/models/caf\xe9.gguf")), "", Facts("other", "", "", 0, "", None, frozenset(), "", "")),
]


def kept(count: int) -> list[tuple[Path, str, Facts]]:
    return [(Path(f"/models/{number}.gguf"), f"{number}:1:1", FACTS) for number in range(count)]


def test_what_is_kept_is_found_again(tmp_path: Path) -> None:
    one = HeaderIndex(tmp_path / "cache" / "index.sqlite")
    assert one.all() == {}
    assert not (tmp_path / "cache").exists()
    one.keep(ROWS)
    one.keep([(ROWS[0][0], "other", TROUBLE)])
    expected = {path: (stamp, said) for path, stamp, said in ROWS} | {ROWS[0][0]: ("other", TROUBLE)}
    assert HeaderIndex(tmp_path / "cache" / "index.sqlite").all() == expected


def test_rows_of_another_version_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    HeaderIndex(path).keep(ROWS)
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 7")
    database.close()
    assert HeaderIndex(path).all() == {}
    HeaderIndex(path).keep(ROWS)
    assert len(HeaderIndex(path).all()) == 3


def test_what_another_process_made_while_it_was_waited_for_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    HeaderIndex(path).keep(ROWS)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        (form,) = other.execute("PRAGMA user_version").fetchone()
        other.execute("PRAGMA user_version = 0")
        other.execute("BEGIN IMMEDIATE")
        other.execute(f"PRAGMA user_version = {form}")
        waiting = threading.Thread(target=lambda: HeaderIndex(path).keep(kept(1)))
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
        other.execute("COMMIT")
    waiting.join()
    assert set(HeaderIndex(path).all()) == {row[0] for row in (*ROWS, *kept(1))}


@pytest.mark.parametrize("rounds", [40, pytest.param(1000, marks=pytest.mark.soak)])
def test_a_damaged_index_says_nothing_wrong_and_works_again(tmp_path: Path, rounds: int) -> None:
    path = tmp_path / "index.sqlite"
    rows = kept(200)
    HeaderIndex(path).keep(rows)
    sound = path.read_bytes()
    expected = {each: (stamp, said) for each, stamp, said in rows}
    for number in range(rounds):
        dice = random.Random(number)
        broken = bytearray(sound)
        if number % 4 == 0:
            broken = broken[: dice.randrange(len(broken))]
        elif number % 4 == 1:
            broken[:] = bytes(dice.randrange(256) for _ in range(500))
        else:
            for _ in range(dice.choice((1, 20, 2000))):
                broken[dice.randrange(len(broken))] = dice.randrange(256)
        path.write_bytes(bytes(broken))
        found = HeaderIndex(path).all()
        assert found.items() <= expected.items()
        HeaderIndex(path).keep(rows[:5])
        assert dict(list(expected.items())[:5]).items() <= HeaderIndex(path).all().items()


def test_where_the_disk_refuses_it_goes_on_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in place of the folder")
    inside = HeaderIndex(tmp_path / "file" / "index.sqlite")
    inside.keep(ROWS)
    assert inside.all() == {}
    (tmp_path / "index.sqlite").mkdir()
    folder = HeaderIndex(tmp_path / "index.sqlite")
    folder.keep(ROWS)
    assert folder.all() == {}


def test_rows_of_files_that_are_gone_are_dropped_once_there_are_many(tmp_path: Path) -> None:
    one = HeaderIndex(tmp_path / "index.sqlite")
    one.keep(kept(index.MOST_ROWS))
    one.forget_all_but([Path("/models/1.gguf")])
    assert len(one.all()) == index.MOST_ROWS
    one.keep([(Path("/models/more.gguf"), "", FACTS), (Path("/models/most.gguf"), "", FACTS)])
    one.forget_all_but([Path("/models/1.gguf")])
    assert list(one.all()) == [Path("/models/1.gguf")]


def test_threads_and_processes_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "index.sqlite"
    script = (
        "import sys; from pathlib import Path\n"
        "from nodetool_xl_desktop.library.index import HeaderIndex\n"
        "from nodetool_xl_desktop.library.model_file import Trouble\n"
        "for number in range(50):\n"
        "    HeaderIndex(Path(sys.argv[1])).keep([(Path(f'/{sys.argv[2]}/{number}'), 's', Trouble('a', 'b', 'c'))])\n"
    )
    others = [subprocess.Popen([sys.executable, "-c", script, str(path), name]) for name in ("one", "two")]

    def write(name: str) -> None:
        for number in range(50):
            HeaderIndex(path).keep([(Path(f"/{name}/{number}"), "s", TROUBLE)])

    threads = [threading.Thread(target=write, args=(name,)) for name in ("three", "four")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [other.wait(60) for other in others] == [0, 0]
    names = {(path.parent.name, path.name) for path in HeaderIndex(path).all()}
    assert names == {(name, str(number)) for name in ("one", "two", "three", "four") for number in range(50)}
