"""Writes GGUF files for tests: any header, and a hole of the right length in place of the tensors' data.

A file is as long as a real one but takes no room on the disk, so tests can have models of any size, and the
engine plans a load from it all the same (its dry run reads the header only).

    write_gguf(path, {"general.architecture": "llama"}, [("a.weight", (256, 8), "Q4_K")])

Python values become: bool -> bool, int -> u32 (i32 where negative, u64 or i64 where larger), float -> f32,
str and bytes -> string, list and tuple -> an array of its first element's type (empty: of u32). `Typed`
forces another one.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nodetool_xl_desktop.gguf import TENSOR_TYPES

VALUE_TYPES = {
    "u8": (0, "B"),
    "i8": (1, "b"),
    "u16": (2, "H"),
    "i16": (3, "h"),
    "u32": (4, "I"),
    "i32": (5, "i"),
    "f32": (6, "f"),
    "bool": (7, "?"),
    "str": (8, ""),
    "arr": (9, ""),
    "u64": (10, "Q"),
    "i64": (11, "q"),
    "f64": (12, "d"),
}
_TYPE_IDS = {storage.name: type_id for type_id, storage in TENSOR_TYPES.items()}

#: A tensor as (name, shape, type): the type by its name ("Q4_K"), or any number.
Tensor = tuple[str, Sequence[int], str | int]
Key = str | bytes


@dataclass(frozen=True)
class Typed:
    """A value of a forced type: `Typed("u16", 3)`, and for a list the type of its elements."""

    type: str
    value: Any


@dataclass(frozen=True)
class Raw:
    """A value as it shall stand in the file, its type included: for values that are broken."""

    content: bytes


def write_gguf(
    path: Path,
    metadata: Mapping[Key, Any],
    tensors: Iterable[Tensor] = (),
    *,
    version: int = 3,
    alignment: int = 32,
    truncate_to: int | None = None,
) -> Path:
    """Write a sparse file with this header; `truncate_to` bytes of it, where given. Returns `path`."""
    tensors = list(tensors)
    header = gguf_header(metadata, tensors, version=version, alignment=alignment)
    path.write_bytes(header)
    os.truncate(path, file_size(header, tensors, alignment) if truncate_to is None else truncate_to)
    return path


def write_split_set(
    folder: Path, stem: str, metadata: Mapping[Key, Any], tensors: Sequence[Tensor], parts: int
) -> list[Path]:
    """Write a model as `parts` files, as llama.cpp's gguf-split does: the metadata in the first one only."""
    paths = []
    for number in range(parts):
        share = tensors[number * len(tensors) // parts : (number + 1) * len(tensors) // parts]
        told = {
            "split.no": Typed("u16", number),
            "split.count": Typed("u16", parts),
            "split.tensors.count": Typed("i32", len(tensors)),
        }
        path = folder / f"{stem}-{number + 1:05d}-of-{parts:05d}.gguf"
        paths.append(write_gguf(path, {**metadata, **told} if number == 0 else told, share))
    return paths


def gguf_header(
    metadata: Mapping[Key, Any],
    tensors: Sequence[Tensor] = (),
    *,
    version: int = 3,
    alignment: int = 32,
    key_count: int | None = None,
    tensor_count: int | None = None,
) -> bytes:
    """The header, padded where data follows; the counts can be told wrongly."""
    if alignment != 32 and "general.alignment" not in metadata:
        metadata = {**metadata, "general.alignment": alignment}
    counts = (
        len(tensors) if tensor_count is None else tensor_count,
        len(metadata) if key_count is None else key_count,
    )
    parts = [b"GGUF", struct.pack("<IQQ", version, *counts)]
    for key, value in metadata.items():
        parts += [_string(key), _value(value)]
    offset = 0
    for name, shape, storage in tensors:
        type_id = _TYPE_IDS[storage] if isinstance(storage, str) else storage
        parts.append(_string(name) + struct.pack(f"<I{len(shape)}Qi", len(shape), *shape, type_id))
        parts.append(struct.pack("<Q", offset))
        offset += _padded(tensor_size(shape, storage), alignment)
    header = b"".join(parts)
    return header.ljust(_padded(len(header), alignment), b"\0") if tensors else header


def file_size(header: bytes, tensors: Iterable[Tensor], alignment: int = 32) -> int:
    """The bytes of a whole file with this header and these tensors, the last one padded like the others."""
    return len(header) + sum(_padded(tensor_size(shape, storage), alignment) for _, shape, storage in tensors)


def tensor_size(shape: Sequence[int], storage: str | int) -> int:
    """The bytes of a tensor; 0 for an unknown type."""
    type_id = _TYPE_IDS[storage] if isinstance(storage, str) else storage
    elements = 1
    for length in shape:
        elements *= length
    known = TENSOR_TYPES.get(type_id)
    return elements // known.block_elements * known.block_bytes if known else 0


def _padded(size: int, alignment: int) -> int:
    return -(-size // alignment) * alignment


def _string(text: str | bytes) -> bytes:
    content = text.encode() if isinstance(text, str) else text
    return struct.pack("<Q", len(content)) + content


def _value(value: Any) -> bytes:
    if isinstance(value, Raw):
        return value.content
    type_name, plain = (value.type, value.value) if isinstance(value, Typed) else (None, value)
    if isinstance(plain, (list, tuple)):
        element = type_name or (_type_of(plain[0]) if plain else "u32")
        head = struct.pack("<IIQ", VALUE_TYPES["arr"][0], VALUE_TYPES[element][0], len(plain))
        if element == "str":
            return head + b"".join(map(_string, plain))
        return head + struct.pack(f"<{len(plain)}{VALUE_TYPES[element][1]}", *plain)
    type_id, letter = VALUE_TYPES[type_name or _type_of(plain)]
    content = struct.pack(f"<{letter}", plain) if letter else _string(plain)
    return struct.pack("<I", type_id) + content


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, float):
        return "f32"
    if isinstance(value, (str, bytes)):
        return "str"
    if not isinstance(value, int):
        raise TypeError(f"{value!r} has no type in a GGUF file")
    if value < 0:
        return "i32" if value >= -(2**31) else "i64"
    return "u32" if value < 2**32 else "u64"
