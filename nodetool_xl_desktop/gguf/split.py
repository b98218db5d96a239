"""Models in several files (name-00001-of-00003.gguf), and the public way to read any model."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from nodetool_xl_desktop.core.translation import tr
from nodetool_xl_desktop.gguf.errors import Malformed, MissingSplit, Unreadable, file_name, shown
from nodetool_xl_desktop.gguf.header import Header, TensorInfo
from nodetool_xl_desktop.gguf.reader import read_header

#: Sets of the largest models have about 200 parts. The engine takes up to 65,535, which are slow to find.
MAX_SPLITS = 4096


def read_model(path: Path) -> Header:
    """Read a model from its file, or from any part of its split set.

    For a set the header is the first part's, `path` included (it is what the engine is given), with the
    tensors of all parts in `tensors`, all of them in `files` and their bytes in `total_size`.

    Raises `GgufError`; `MissingSplit` where parts of a set are not there.
    """
    opened = read_header(path)
    files = split_paths(opened)
    if len(files) == 1:
        return opened
    first = opened if opened.split_no == 0 else read_header(files[0])
    return join_parts([first, *(read_header(part) for part in files[1:])])


def join_parts(parts: Sequence[Header]) -> Header:
    """The header of a whole set, as `read_model` has it, from those of all its parts in their order.

    Raises `Malformed` where they do not belong together.
    """
    first, count = parts[0], len(parts)
    for number, part in enumerate(parts):
        if (part.split_no, part.split_count) != (number, count):
            why = tr(
                "by its name it is part {number:,} of {count:,}, but it says part {told_number:,} of {told_count:,}",
                number=number + 1,
                count=count,
                told_number=part.split_no + 1,
                told_count=part.split_count,
            )
            raise Malformed.because(part.path, why)
    tensors = _all_tensors(parts)
    told_count = first.metadata.get("split.tensors.count")
    if isinstance(told_count, int) and told_count != len(tensors):
        why = tr(
            "its parts should have {told_count:,} tensors together, and have {count:,}",
            told_count=told_count,
            count=len(tensors),
        )
        raise Malformed.because(first.path, why)
    files = tuple(part.path for part in parts)
    total_size = sum(part.file_size for part in parts)
    return dataclasses.replace(first, tensors=tensors, files=files, total_size=total_size)


def split_paths(header: Header) -> tuple[Path, ...]:
    """All files of the set that `header` was read from, the first part first; just its own for a single file.

    Raises `MissingSplit` where one is not there or where the file's name does not tell the others' names, and
    `Malformed` where the file contradicts itself about the set.
    """
    path, count = header.path, header.split_count
    if count == 1:
        return (path,)
    files = tuple(path.with_name(name) for name in part_names(header))
    try:
        missing = tuple(part for part in files if not part.exists())
    except OSError as error:
        raise Unreadable.because(path, error) from error
    if missing:
        raise MissingSplit.of(path, missing, count)
    return files


def part_names(header: Header) -> tuple[str, ...]:
    """The names of all files of the set that `header` was read from, wherever they are; its own for a single file.

    Raises `MissingSplit` where the file's name does not tell the others', and `Malformed` where the file contradicts
    itself about the set.
    """
    path, count, number = header.path, header.split_count, header.split_no
    if count == 1:
        return (path.name,)
    if count > MAX_SPLITS or number >= count:
        why = tr("it says that it is part {number:,} of {count:,}", number=number + 1, count=count)
        raise Malformed.because(path, why)
    suffix = _suffix(number, count)
    if not path.name.endswith(suffix):
        raise MissingSplit(
            tr(
                "{path} is part {number:,} of {count:,}, and the others cannot be found",
                path=file_name(path),
                number=number + 1,
                count=count,
            ),
            tr("its name does not end in {suffix}, so it does not tell theirs", suffix=suffix),
            tr("Give all {count:,} files their original names again, in the same folder", count=count),
        )
    stem = path.name.removesuffix(suffix)
    return tuple(f"{stem}{_suffix(each, count)}" for each in range(count))


def _suffix(number: int, count: int) -> str:
    """How the name of a part ends (`llama_split_path`, src/llama.cpp); `number` counts from 0."""
    return f"-{number + 1:05d}-of-{count:05d}.gguf"


def _all_tensors(parts: Sequence[Header]) -> tuple[TensorInfo, ...]:
    tensors: dict[str, TensorInfo] = {}
    for part in parts:
        for tensor in part.tensors:
            if tensor.name in tensors:
                why = tr("the tensor {name} stands in two parts of the set", name=shown(tensor.name))
                raise Malformed.because(part.path, why)
            tensors[tensor.name] = tensor
    return tuple(tensors.values())
