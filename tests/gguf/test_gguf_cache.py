"""Headers that are kept as long as their files stay the same."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from timeit import repeat

import pytest
from gguf_writer import write_gguf, write_split_set

from nodetool_xl_desktop.gguf import GgufError, Header, HeaderCache, MissingSplit, Unreadable

TENSORS = [(f"blk.{number}.weight", (256, 8), "Q4_K") for number in range(4)]


def written(path: Path, name: str = "A model", words: int = 0) -> Path:
    metadata = {"general.architecture": "llama", "general.name": name, "llama.block_count": 4}
    if words:
        metadata["tokenizer.ggml.tokens"] = [f"word {number}" for number in range(words)]
    return write_gguf(path, metadata, TENSORS)


def test_a_file_is_read_once(tmp_path: Path) -> None:
    cache, path = HeaderCache(), written(tmp_path / "model.gguf")
    assert cache.read(path) is cache.read(path)


def test_what_was_worked_out_stays_with_it(tmp_path: Path) -> None:
    cache, path = HeaderCache(), written(tmp_path / "model.gguf")
    calls: list[Header] = []

    def count(header: Header) -> int:
        calls.append(header)
        return len(calls)

    assert [cache.read(path).once(count) for _ in range(3)] == [1, 1, 1]


def test_a_file_that_was_written_since_is_read_again(tmp_path: Path) -> None:
    cache, path = HeaderCache(), written(tmp_path / "model.gguf", "One")
    before = cache.read(path)
    written(path, "Two")
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    assert (before.name, cache.read(path).name) == ("One", "Two")


def test_a_change_of_size_alone_is_seen(tmp_path: Path) -> None:
    cache, path = HeaderCache(), written(tmp_path / "model.gguf", "One")
    cache.read(path)
    state = path.stat()
    written(path, "Three")
    os.truncate(path, state.st_size + 32)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert cache.read(path).name == "Three"


def test_every_part_of_a_set_is_looked_at(tmp_path: Path) -> None:
    parts = write_split_set(tmp_path, "set", {"general.architecture": "llama", "llama.block_count": 2}, TENSORS, 2)
    cache = HeaderCache()
    whole = cache.read(parts[1])
    assert cache.read(parts[1]) is whole
    os.utime(parts[0], ns=(0, 1))
    again = cache.read(parts[1])
    assert again is not whole
    assert again == whole
    parts[0].unlink()
    with pytest.raises(MissingSplit):
        cache.read(parts[1])


def test_a_file_that_is_gone_is_not_remembered(tmp_path: Path) -> None:
    cache, path = HeaderCache(), written(tmp_path / "model.gguf")
    cache.read(path)
    path.unlink()
    with pytest.raises(Unreadable):
        cache.read(path)
    written(path)
    assert cache.read(path).name == "A model"


def test_what_cannot_be_read_is_told_each_time(tmp_path: Path) -> None:
    cache, path = HeaderCache(), tmp_path / "model.gguf"
    path.write_bytes(b"no model")
    for _ in range(2):
        with pytest.raises(GgufError):
            cache.read(path)


def test_the_least_recently_asked_for_goes_first(tmp_path: Path) -> None:
    cache = HeaderCache(kept=2)
    first, second, third = (written(tmp_path / f"{number}.gguf") for number in range(3))
    kept = cache.read(first)
    gone = cache.read(second)
    assert cache.read(first) is kept
    cache.read(third)
    assert cache.read(first) is kept
    assert cache.read(second) is not gone


def test_threads_may_ask_at_once(tmp_path: Path) -> None:
    cache, paths = HeaderCache(kept=2), [written(tmp_path / f"{number}.gguf", f"{number}") for number in range(4)]
    wrong: list[str] = []

    def ask(start: int) -> None:
        for turn in range(200):
            number = (start + turn) % 4
            if cache.read(paths[number]).name != str(number):
                wrong.append(str(number))

    threads = [threading.Thread(target=ask, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_known_header_is_there_within_a_millisecond(tmp_path: Path) -> None:
    cache, path = HeaderCache(), written(tmp_path / "model.gguf", words=262_144)
    cache.read(path)
    assert min(repeat(lambda: cache.read(path), number=10, repeat=10)) / 10 < 0.001
