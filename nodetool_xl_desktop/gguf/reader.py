"""Reading one GGUF file: its header, checked, in milliseconds.

The checks are those of the engine (`gguf_init_from_reader`, ggml/src/gguf.cpp), so a file that passes here
is not refused there for its header; on top stand bounds, so that any file, a hostile one of gigabytes
included, gets its answer within a second and in less than 100 MB of memory. Arrays that are too long to
keep are stepped over undecoded.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
from pathlib import Path
from typing import BinaryIO, NamedTuple

from nodetool_xl_desktop.core.translation import mark, tr, trn
from nodetool_xl_desktop.gguf.errors import (
    Malformed,
    Truncated,
    Unreadable,
    UnsupportedVersion,
    file_name,
    shown,
)
from nodetool_xl_desktop.gguf.foreign import not_gguf
from nodetool_xl_desktop.gguf.header import MAX_KEPT_ELEMENTS, ArrayInfo, Header, Scalar, Value
from nodetool_xl_desktop.gguf.tensors import MAX_TENSORS, padded, read_tensors
from nodetool_xl_desktop.gguf.window import FIRST_CHUNK, Read, Window

#: Models have 20 to 100 keys; each costs a few microseconds.
MAX_KEYS = 16_384
#: The GGUF specification allows keys of up to 65,535 bytes; the engine does not check it.
MAX_KEY_BYTES = 65_535
#: Strings in arrays of all keys together, at 70 ns each. The largest vocabulary known has 262,144 tokens
#: and 515,000 merges.
MAX_STRINGS = 2_097_152
#: Arrays of strings that are kept: names of languages, tags, licences.
MAX_KEPT_STRINGS = 64
#: Bytes of a string that is kept. Chat templates have up to 60,000; tokenizer.huggingface.json has 35 MB.
MAX_KEPT_STRING_BYTES = 1024 * 1024
#: Bytes of memory for all values that are kept, and for all keys. A usual model needs 0.1 MB and 0.01 MB.
MAX_KEPT_BYTES = 24 * 1024 * 1024
MAX_KEPT_KEY_BYTES = 8 * 1024 * 1024

_DEFAULT_ALIGNMENT = 32


class _ScalarType(NamedTuple):
    name: str
    letter: str
    width: int


#: `enum gguf_type` (ggml/include/gguf.h) with the engine's short names (ggml/src/gguf.cpp) and the codes of
#: `struct`.
_SCALARS = {
    0: _ScalarType("u8", "B", 1),
    1: _ScalarType("i8", "b", 1),
    2: _ScalarType("u16", "H", 2),
    3: _ScalarType("i16", "h", 2),
    4: _ScalarType("u32", "I", 4),
    5: _ScalarType("i32", "i", 4),
    6: _ScalarType("f32", "f", 4),
    7: _ScalarType("bool", "?", 1),
    10: _ScalarType("u64", "Q", 8),
    11: _ScalarType("i64", "q", 8),
    12: _ScalarType("f64", "d", 8),
}
_U32_TYPE, _STRING_TYPE, _ARRAY_TYPE = 4, 8, 9
_TENSORS = mark("it says that it has {count:,} tensors; no model has more than {most:,}")
_KEYS = mark("it says that it has {count:,} keys; no model has more than {most:,}")
_LAYOUTS = {type_id: struct.Struct(f"<{scalar.letter}") for type_id, scalar in _SCALARS.items()}


def read_header(path: Path) -> Header:
    """Read the header of one file, be it a whole model or one part of a split set. Raises `GgufError`."""
    with _open(path) as file:

        def read(offset: int, size: int) -> bytes:
            file.seek(offset)
            return file.read(size)

        return parse(read, os.fstat(file.fileno()).st_size, path)


def parse(read: Read, file_size: int, path: Path, first_chunk: int = FIRST_CHUNK) -> Header:
    """Read a header through `read(offset, size)`, from wherever the bytes come.

    Args:
        read: answers exactly `size` bytes from `offset`, fewer only where the file has ended meanwhile. It
            is asked forward only, in pieces that grow from `first_chunk` to 4 MiB, each within `file_size`.
        file_size: the size of the whole file in bytes, against which the tensors are checked.
        path: names the file in errors and in the header; it is not opened.
        first_chunk: how many bytes are asked for first.

    Raises `GgufError`; what else `read` raises is passed on, save an OSError, which becomes `Unreadable`.
    """
    try:
        return _Parser(Window(read, file_size, path, first_chunk), file_size, path).header()
    except OSError as error:
        raise Unreadable.because(path, error) from error


def _open(path: Path) -> BinaryIO:
    try:
        # Looked at before it is opened, as opening a named pipe would wait for its other end.
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(mode):
            raise ValueError("it is not a regular file")
        return path.open("rb")
    except (OSError, ValueError) as error:  # ValueError: also a zero byte in the path
        raise Unreadable.because(path, error) from error


class _Parser:
    """One walk over one header."""

    def __init__(self, window: Window, file_size: int, path: Path) -> None:
        self._window = window
        self._file_size = file_size
        self._path = path
        self._budget = MAX_KEPT_BYTES
        self._key_budget = MAX_KEPT_KEY_BYTES
        self._strings = 0

    def header(self) -> Header:
        version = self._version()
        n_tensors = self._count(_TENSORS, MAX_TENSORS)
        n_keys = self._count(_KEYS, MAX_KEYS)
        alignment, metadata = self._metadata(n_keys)
        tensors = read_tensors(self._window, self._path, n_tensors, alignment)
        header_bytes = self._window.position
        # Without tensors there is no data section, and the file may end unpadded.
        data_offset = padded(header_bytes, alignment) if tensors else header_bytes
        if tensors:
            end = data_offset + tensors[-1].offset + tensors[-1].size
            if end > self._file_size:
                raise Truncated.in_data(self._path, self._file_size, end)
        header = Header(
            path=self._path,
            file_size=self._file_size,
            version=version,
            metadata=metadata,
            tensors=tensors,
            data_offset=data_offset,
            alignment=alignment,
            header_bytes=header_bytes,
            files=(self._path,),
            total_size=self._file_size,
        )
        # A later part of a split set and an importance matrix are written without one.
        if not header.architecture and header.kind not in ("part", "imatrix"):
            raise self._malformed(tr("it does not say what kind of model it is (general.architecture)"))
        return header

    def _version(self) -> int:
        # 16 bytes tell what a foreign file is; a shorter one is judged by what it has.
        head = self._window.peek(16)
        if head[:4] != b"GGUF"[: len(head)]:
            raise not_gguf(self._path, head)
        self._window.take_bytes(4)
        version = self._window.u32()
        if version in (2, 3):
            return version
        what = tr("{path} cannot be read by this program", path=file_name(self._path))
        if version != 0 and version & 0xFFFFFF == 0:  # a small number with its bytes the other way round
            why = tr("it is a big-endian file, made for another kind of processor")
            raise UnsupportedVersion(what, why, tr("Look for a build without big-endian (BE) in its name"))
        if version == 1:
            why = tr("it is in version 1 of the GGUF format, and versions 2 and 3 are supported")
            raise UnsupportedVersion(what, why, tr("Look for a newer build of this model"))
        if version == 0 or version > 99:
            raise self._malformed(tr("it says that it is in version {version:,} of the GGUF format", version=version))
        why = tr("it is in version {version} of the GGUF format, and versions 2 and 3 are supported", version=version)
        raise UnsupportedVersion(what, why, tr("Update this program and its engine"))

    def _count(self, too_many: str, most: int) -> int:
        count = self._window.u64()
        if count > most:
            raise self._malformed(tr(too_many, count=count, most=most))
        return count

    def _metadata(self, n_keys: int) -> tuple[int, dict[str, Value]]:
        metadata: dict[str, Value] = {}
        alignment = _DEFAULT_ALIGNMENT
        for _ in range(n_keys):
            key = self._key()
            if key in metadata:
                raise self._malformed(tr("the key {key} stands in it twice", key=shown(key)))
            type_id = self._window.u32()
            value = metadata[key] = self._value(key, type_id)
            if key == "general.alignment":
                if type_id != _U32_TYPE or not isinstance(value, int) or value.bit_count() != 1:
                    raise self._malformed(tr("its alignment is {shown}, not a power of two", shown=shown(str(value))))
                alignment = value
        return alignment, metadata

    def _key(self) -> str:
        length = self._window.u64()
        if not 0 < length <= MAX_KEY_BYTES:
            raise self._malformed(
                trn("a key in it has a name of {count} byte", "a key in it has a name of {count:,} bytes", length)
            )
        # 4: a character takes up to 4 bytes in memory as soon as one of them is an emoji.
        self._key_budget -= 4 * length + 64
        if self._key_budget < 0:
            raise self._malformed(tr("its keys are too long for a model"))
        return self._window.take_bytes(length).decode("utf-8", "replace")

    def _value(self, key: str, type_id: int) -> Value:
        if type_id == _STRING_TYPE:
            return self._string()
        if type_id == _ARRAY_TYPE:
            return self._array(key)
        if type_id not in _LAYOUTS:
            raise self._malformed(
                tr("the value of {key} has the unknown type {type_id:,}", key=shown(key), type_id=type_id)
            )
        value: Scalar = self._window.take(_LAYOUTS[type_id])[0]
        return value

    def _string(self) -> str | ArrayInfo:
        length = self._window.u64()
        if length > MAX_KEPT_STRING_BYTES or not self._afford(4 * length + 64):
            self._window.skip(length)
            return ArrayInfo("char", length)
        return self._window.take_bytes(length).decode("utf-8", "replace")

    def _array(self, key: str) -> tuple[Scalar, ...] | ArrayInfo:
        type_id = self._window.u32()
        length = self._window.u64()
        if type_id == _STRING_TYPE:
            return self._strings_array(key, length)
        if type_id == _ARRAY_TYPE:
            raise self._malformed(tr("the value of {key} is an array of arrays", key=shown(key)))
        if type_id not in _SCALARS:
            raise self._malformed(
                tr("the value of {key} is an array of the unknown type {type_id:,}", key=shown(key), type_id=type_id)
            )
        scalar = _SCALARS[type_id]
        # 40: what an int or a float and the reference to it take in memory.
        if length > MAX_KEPT_ELEMENTS or not self._afford(40 * length + 64):
            self._window.skip(length * scalar.width)
            return ArrayInfo(scalar.name, length)
        return self._window.take(struct.Struct(f"<{length}{scalar.letter}"))

    def _strings_array(self, key: str, length: int) -> tuple[Scalar, ...] | ArrayInfo:
        self._strings += length
        if self._strings > MAX_STRINGS:
            raise self._malformed(
                trn(
                    "{key} has {count} entry; no vocabulary has so many",
                    "{key} has {count:,} entries; no vocabulary has so many",
                    length,
                    key=shown(key),
                )
            )
        if length > MAX_KEPT_STRINGS:
            self._window.skip_strings(length)
            return ArrayInfo("str", length)
        strings = [self._string() for _ in range(length)]
        kept = tuple(item for item in strings if isinstance(item, str))
        return kept if len(kept) == length else ArrayInfo("str", length)

    def _afford(self, size: int) -> bool:
        """Take `size` bytes of memory from what may be kept; False where so much is not left."""
        if size > self._budget:
            return False
        self._budget -= size
        return True

    def _malformed(self, why: str) -> Malformed:
        return Malformed.because(self._path, why)
