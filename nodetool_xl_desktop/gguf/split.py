"""Models in several files (name-00001-of-00003.gguf), and the public way to read any model."""

from __future__ import annotations

import dataclasses
from pathlib import Path

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
    first = opened if opened.split_no == 0 else _read_part(files[0], 0, len(files))
    parts = [first, *(_read_part(part, number, len(files)) for number, part in enumerate(files[1:], start=1))]
    tensors = _all_tensors(parts)
    told = first.metadata.get("split.tensors.count")
    if isinstance(told, int) and told != len(tensors):
        why = f"its parts should have {told:,} tensors together, and have {len(tensors):,}"
        raise Malformed.because(first.path, why)
    total_size = sum(part.file_size for part in parts)
    return dataclasses.replace(first, tensors=tensors, files=files, total_size=total_size)


def split_paths(header: Header) -> tuple[Path, ...]:
    """All files of the set that `header` was read from, the first part first; just its own for a single file.

    Raises `MissingSplit` where one is not there or where the file's name does not tell the others' names, and
    `Malformed` where the file contradicts itself about the set.
    """
    path, count, number = header.path, header.split_count, header.split_no
    if count == 1:
        return (path,)
    if count > MAX_SPLITS or number >= count:
        why = f"it says that it is part {number + 1:,} of {count:,}"
        raise Malformed.because(path, why)
    suffix = _suffix(number, count)
    if not path.name.endswith(suffix):
        raise MissingSplit(
            f"{file_name(path)} is part {number + 1:,} of {count:,}, and the others cannot be found",
            f"its name does not end in {suffix}, so it does not tell theirs",
            f"Give all {count:,} files their original names again, in the same folder",
        )
    stem = path.name.removesuffix(suffix)
    files = tuple(path.with_name(f"{stem}{_suffix(each, count)}") for each in range(count))
    try:
        missing = tuple(part for part in files if not part.exists())
    except OSError as error:
        raise Unreadable.because(path, error) from error
    if missing:
        raise MissingSplit.of(path, missing, count)
    return files


def _suffix(number: int, count: int) -> str:
    """How the name of a part ends (`llama_split_path`, src/llama.cpp); `number` counts from 0."""
    return f"-{number + 1:05d}-of-{count:05d}.gguf"


def _read_part(path: Path, number: int, count: int) -> Header:
    part = read_header(path)
    if (part.split_no, part.split_count) != (number, count):
        told = f"part {part.split_no + 1:,} of {part.split_count:,}"
        raise Malformed.because(path, f"by its name it is part {number + 1:,} of {count:,}, but it says {told}")
    return part


def _all_tensors(parts: list[Header]) -> tuple[TensorInfo, ...]:
    tensors: dict[str, TensorInfo] = {}
    for part in parts:
        for tensor in part.tensors:
            if tensor.name in tensors:
                why = f"the tensor {shown(tensor.name)} stands in two parts of the set"
                raise Malformed.because(part.path, why)
            tensors[tensor.name] = tensor
    return tuple(tensors.values())
