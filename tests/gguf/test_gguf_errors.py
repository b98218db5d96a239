"""What `read_model` says of files that cannot be used: each kind of error, told for a person."""

from __future__ import annotations

import os
import pickle
import struct
from pathlib import Path

import pytest
from gguf_writer import VALUE_TYPES, Raw, Typed, file_size, gguf_header, write_gguf

from nodetool_xl_desktop.gguf import (
    GgufError,
    Malformed,
    NotGguf,
    Truncated,
    Unreadable,
    UnsupportedTensorType,
    UnsupportedVersion,
    parse,
    read_model,
)

LLAMA = {"general.architecture": "llama"}
TENSORS = [("a", (256, 8), "Q6_K"), ("b", (256, 512), "Q4_K")]


def refused(path: Path, kind: type[GgufError]) -> GgufError:
    """The error that reading `path` ends in: of just this kind, telling what, why and what to do."""
    with pytest.raises(GgufError) as caught:
        read_model(path)
    error = caught.value
    assert type(error) is kind, error
    assert path.name in error.what
    assert error.why
    assert error.hint
    assert str(pickle.loads(pickle.dumps(error))) == str(error)
    return error


def written(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "model.gguf"
    path.write_bytes(content)
    return path


# Unreadable


def test_no_such_file(tmp_path):
    error = refused(tmp_path / "gone.gguf", Unreadable)

    assert str(tmp_path) in error.why


def test_a_folder(tmp_path):
    assert "folder" in refused(tmp_path, Unreadable).why


def test_permission_refused_while_reading():
    def read(offset, size):
        raise PermissionError(13, "Permission denied")

    with pytest.raises(Unreadable, match="permission"):
        parse(read, 1000, Path("model.gguf"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are a thing of POSIX")
def test_a_named_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.gguf")

    refused(tmp_path / "pipe.gguf", Unreadable)


def test_a_path_that_cannot_be():
    with pytest.raises(Unreadable):
        read_model(Path("a\0b.gguf"))


def test_a_disk_that_dies_while_it_is_read():
    def read(offset, size):
        raise OSError(5, "Input/output error")

    with pytest.raises(Unreadable, match="Input/output error"):
        parse(read, 1000, Path("model.gguf"))


# NotGguf


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"tjgg\x03\0\0\0", "GGJT"),
        (b"PK\x03\x04 and so on", "zip"),
        (struct.pack("<Q", 100) + b'{"a":1}', "safetensors"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"version https something", "LFS"),
        (b"\0" * 100, "zeros"),
        (b"hello world", "68 65 6C 6C"),
        (b"x", "78"),
    ],
)
def test_other_files(tmp_path, content, told):
    assert told in refused(written(tmp_path, content), NotGguf).why


# Truncated


def test_an_empty_file(tmp_path):
    assert "empty" in refused(written(tmp_path, b""), Truncated).why


def test_a_file_that_ends_in_its_header(tmp_path):
    header = gguf_header({**LLAMA, "llama.block_count": 2}, TENSORS)
    unpadded = parse(lambda at, size: header[at : at + size].ljust(size, b"\0"), 10**9, Path("a")).header_bytes

    for length in range(1, unpadded):
        error = refused(written(tmp_path, header[:length]), Truncated)
        assert f"{length:,} bytes" in error.why


def test_the_size_of_the_file_is_part_of_what_is_read(tmp_path):
    header = gguf_header(LLAMA, TENSORS)
    # The last tensor need not be padded; a byte less and it is not whole.
    whole = file_size(header, TENSORS)
    assert whole == len(header) + 1696 + 73_728

    assert read_model(write_gguf(tmp_path / "whole.gguf", LLAMA, TENSORS)).file_size == whole
    for length in (whole - 1, len(header) + 1, len(header)):
        error = refused(write_gguf(tmp_path / "model.gguf", LLAMA, TENSORS, truncate_to=length), Truncated)
        assert error.why == f"it ends after {length:,} of {whole:,} bytes"


def test_the_starter_model_cut_short(starter_model, tmp_path):
    path = tmp_path / "model.gguf"
    with starter_model.open("rb") as file:
        path.write_bytes(file.read(2_000_000))

    assert refused(path, Truncated).why == "it ends after 2,000,000 of 98,362,432 bytes"


def test_a_longer_file_is_fine(tmp_path):
    path = write_gguf(tmp_path / "model.gguf", LLAMA, TENSORS, truncate_to=1_000_000)

    assert read_model(path).file_size == 1_000_000


def test_a_file_that_shrinks_while_it_is_read():
    header = gguf_header({**LLAMA, "tokenizer.ggml.tokens": ["token"] * 100_000}, TENSORS)

    def read(offset, size):
        return header[:700_000][offset : offset + size]

    with pytest.raises(Truncated, match=r"it ends after 700,000 bytes"):
        parse(read, file_size(header, TENSORS), Path("model.gguf"))


def test_an_array_that_ends_behind_the_file(tmp_path):
    for element in ("u64", "str"):
        array = Raw(struct.pack("<IIQ", 9, VALUE_TYPES[element][0], 2000))
        refused(written(tmp_path, gguf_header({**LLAMA, "array": array})), Truncated)


def test_an_alignment_that_puts_the_data_behind_the_file(tmp_path):
    path = written(tmp_path, gguf_header({**LLAMA, "general.alignment": 2**20}, [("a", (0,), "F32")]))

    refused(path, Truncated)


# UnsupportedVersion


@pytest.mark.parametrize(("version", "told"), [(1, "version 1"), (4, "version 4"), (0x03000000, "big-endian")])
def test_versions_that_the_engine_does_not_read(tmp_path, version, told):
    path = written(tmp_path, gguf_header(LLAMA, version=version))

    assert told in refused(path, UnsupportedVersion).why


@pytest.mark.parametrize("type_id", [4, 31, 43, 99, 999])
def test_types_of_tensors_that_the_engine_does_not_know(tmp_path, type_id):
    error = refused(written(tmp_path, gguf_header(LLAMA, [("a", (32,), type_id)])), UnsupportedTensorType)

    assert f"type {type_id}" in error.why
    assert isinstance(error, UnsupportedVersion)


# Malformed


def string(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


MALFORMED = {
    "no architecture": gguf_header({"general.name": "x"}),
    "an architecture that is a number": gguf_header({"general.architecture": 3}),
    "version 0": gguf_header(LLAMA, version=0),
    "version 1000": gguf_header(LLAMA, version=1000),
    "too many keys": gguf_header(LLAMA, key_count=2**40),
    "too many tensors": gguf_header(LLAMA, tensor_count=2**64 - 1),
    "a key without a name": gguf_header({**LLAMA, "": 1}),
    "a key with a long name": gguf_header({**LLAMA, "k" * 65_536: 1}),
    "a key twice": gguf_header({**LLAMA, "k": 1}) + string(b"k") + struct.pack("<II", 4, 1),
    "a value of an unknown type": gguf_header({**LLAMA, "k": Raw(struct.pack("<II", 13, 0))}),
    "an array of an unknown type": gguf_header({**LLAMA, "k": Raw(struct.pack("<IIQ", 9, 13, 0))}),
    "an array of arrays": gguf_header({**LLAMA, "k": Raw(struct.pack("<IIQ", 9, 9, 0))}),
    "an array that never ends": gguf_header({**LLAMA, "k": Raw(struct.pack("<IIQ", 9, 10, 2**61))}),
    "a list that never ends": gguf_header({**LLAMA, "k": Raw(struct.pack("<IIQ", 9, 8, 2**61))}),
    "a string that never ends": gguf_header({**LLAMA, "k": Raw(struct.pack("<IQ", 8, 2**63))}),
    "an alignment of 0": gguf_header({**LLAMA, "general.alignment": 0}),
    "an alignment of 33": gguf_header({**LLAMA, "general.alignment": 33}),
    "an alignment of another type": gguf_header({**LLAMA, "general.alignment": Typed("u64", 32)}),
    "a tensor with a long name": gguf_header(LLAMA, [("t" * 64, (32,), "F32")]),
    "a tensor twice": gguf_header(LLAMA, [("t", (32,), "F32"), ("t", (32,), "F32")]),
    "a tensor of 5 dimensions": gguf_header(LLAMA, [("t", (1, 1, 1, 1, 1), "F32")]),
    "a tensor of negative length": gguf_header(LLAMA, [("t", (2**64 - 32,), "F32")]),
    "a tensor of too many elements": gguf_header(LLAMA, [("t", (2**32, 2**32), "F32")]),
    "rows that are not whole blocks": gguf_header(LLAMA, [("t", (100, 256), "Q4_K")]),
    "a block in no dimensions": gguf_header(LLAMA, [("t", (), "Q4_0")]),
    "a type that cannot be": gguf_header(LLAMA, [("t", (32,), 2**31 - 1)]),
    "a gap between tensors": gguf_header(LLAMA, [("t", (9,), "F32"), ("u", (1,), "F32")]).replace(
        struct.pack("<iQ", 0, 64), struct.pack("<iQ", 0, 96)
    ),
}
# The second `k` is beyond the count of keys until the count says so.
MALFORMED["a key twice"] = MALFORMED["a key twice"][:16] + struct.pack("<Q", 3) + MALFORMED["a key twice"][24:]


@pytest.mark.parametrize("content", MALFORMED.values(), ids=MALFORMED.keys())
def test_headers_that_contradict_themselves(tmp_path, content):
    path = written(tmp_path, content)
    os.truncate(path, 10_000_000)

    refused(path, Malformed)


def test_what_the_file_says_is_printable_in_an_error(tmp_path):
    error = refused(written(tmp_path, gguf_header(LLAMA, [("a\x1b[31m\n", (1,), 99)])), UnsupportedTensorType)

    assert str(error).isprintable()
