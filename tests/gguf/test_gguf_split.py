"""Models that come in several files."""

from __future__ import annotations

from pathlib import Path

import pytest
from gguf_writer import Typed, write_gguf, write_split_set

from nodetool_xl_desktop.gguf import (
    Malformed,
    MissingSplit,
    Truncated,
    Unreadable,
    read_header,
    read_model,
    split_paths,
)

LLAMA = {"general.architecture": "llama", "llama.block_count": 2}
TENSORS = [(f"blk.{number}.weight", (256, 8), "Q4_K") for number in range(7)]


@pytest.fixture
def parts(tmp_path: Path) -> list[Path]:
    return write_split_set(tmp_path, "big-model", LLAMA, TENSORS, 3)


@pytest.mark.parametrize("opened", [0, 1, 2])
def test_a_set_is_one_model_whichever_part_is_opened(parts, opened):
    header = read_model(parts[opened])

    assert header.path == parts[0]
    assert header.files == tuple(parts)
    assert [tensor.name for tensor in header.tensors] == [name for name, _, _ in TENSORS]
    assert header.n_params == 7 * 256 * 8
    assert header.tensor_bytes == 7 * 8 * 144
    assert header.total_size == sum(part.stat().st_size for part in parts)
    assert header.file_size == parts[0].stat().st_size
    assert (header.name, header.architecture, header.kind) == ("big-model", "llama", "model")
    assert (header.split_no, header.split_count) == (0, 3)


def test_a_part_by_itself(parts):
    part = read_header(parts[1])

    assert (part.kind, part.split_no, part.split_count) == ("part", 1, 3)
    assert not part.is_model
    assert part.files == (parts[1],)
    assert split_paths(part) == tuple(parts)


def test_a_first_part_without_tensors(tmp_path):
    told = {"split.count": Typed("u16", 2), "split.tensors.count": Typed("i32", 7)}
    first = tmp_path / "m-00001-of-00002.gguf"
    write_gguf(first, {**LLAMA, **told, "split.no": Typed("u16", 0)})
    write_gguf(tmp_path / "m-00002-of-00002.gguf", {**told, "split.no": Typed("u16", 1)}, TENSORS)

    assert read_model(first).is_model
    assert read_model(first).n_params == 7 * 256 * 8


def test_a_single_file_is_its_own_set(tmp_path):
    path = write_gguf(tmp_path / "m.gguf", LLAMA, TENSORS)

    assert split_paths(read_header(path)) == (path,)


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_missing_part_is_named(parts, missing):
    parts[missing].unlink()

    with pytest.raises(MissingSplit) as caught:
        read_model(parts[(missing + 1) % 3])
    assert caught.value.missing == (parts[missing],)
    assert parts[missing].name in caught.value.why
    assert str(parts[0].parent) in caught.value.why
    assert caught.value.hint


def test_many_missing_parts_are_counted(tmp_path):
    first, *others = write_split_set(tmp_path, "m", LLAMA, TENSORS, 7)
    for part in others:
        part.unlink()

    with pytest.raises(MissingSplit, match="and 3 more are not in") as caught:
        read_model(first)
    assert caught.value.missing == tuple(others)


def test_a_renamed_part_cannot_tell_the_others(parts):
    renamed = parts[0].rename(parts[0].with_name("mine.gguf"))

    with pytest.raises(MissingSplit, match=r"-00001-of-00003\.gguf") as caught:
        read_model(renamed)
    assert caught.value.missing == ()


def test_parts_in_the_wrong_order(parts):
    parts[2].replace(parts[1].with_name("aside"))
    parts[1].rename(parts[2])
    parts[1].with_name("aside").rename(parts[1])

    with pytest.raises(Malformed, match="part 2 of 3"):
        read_model(parts[0])


def test_a_part_that_is_cut_short_is_named(parts):
    size = parts[1].stat().st_size
    with parts[1].open("r+b") as file:
        file.truncate(size - 1)

    with pytest.raises(Truncated, match=rf"{parts[1].name}.*{size - 1:,} of {size:,} bytes"):
        read_model(parts[0])


def test_a_part_that_is_a_folder(parts):
    parts[1].unlink()
    parts[1].mkdir()

    with pytest.raises(Unreadable):
        read_model(parts[0])


@pytest.mark.parametrize(("number", "count"), [(3, 3), (0, 60_000)])
def test_numbers_that_cannot_be(tmp_path, number, count):
    told = {"split.no": Typed("u16", number), "split.count": Typed("u16", count)}

    with pytest.raises(Malformed, match="it says that it is part"):
        read_model(write_gguf(tmp_path / f"m-{number + 1:05d}-of-{count:05d}.gguf", {**LLAMA, **told}, TENSORS))


def test_a_tensor_in_two_parts(tmp_path):
    parts = write_split_set(tmp_path, "m", LLAMA, [*TENSORS, TENSORS[0]], 2)

    with pytest.raises(Malformed, match="two parts"):
        read_model(parts[0])


def test_too_few_tensors_in_all(tmp_path):
    parts = write_split_set(tmp_path, "m", {**LLAMA}, TENSORS, 2)
    told = {"split.no": 1, "split.count": 2, "split.tensors.count": 7}
    write_gguf(parts[1], told, TENSORS[3:5])

    with pytest.raises(Malformed, match="7 tensors together, and have 5"):
        read_model(parts[0])
