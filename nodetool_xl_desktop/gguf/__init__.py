"""What a model file says: its header, its quantisation, its parts; read in milliseconds.

`read_model(path)` is the entry for a model on disk; `parse` reads a header from anywhere, a web server
included.
"""

from __future__ import annotations

from nodetool_xl_desktop.gguf.cache import HeaderCache
from nodetool_xl_desktop.gguf.errors import (
    GgufError,
    Malformed,
    MissingSplit,
    NotGguf,
    Truncated,
    Unreadable,
    UnsupportedTensorType,
    UnsupportedVersion,
)
from nodetool_xl_desktop.gguf.header import ArrayInfo, Header, Kind, Scalar, TensorInfo, Value, size_label
from nodetool_xl_desktop.gguf.reader import parse, read_header
from nodetool_xl_desktop.gguf.split import join_parts, part_names, read_model, split_paths
from nodetool_xl_desktop.gguf.types import FILE_TYPES, TENSOR_TYPES, TensorType, type_name

__all__ = [
    "FILE_TYPES",
    "TENSOR_TYPES",
    "ArrayInfo",
    "GgufError",
    "Header",
    "HeaderCache",
    "Kind",
    "Malformed",
    "MissingSplit",
    "NotGguf",
    "Scalar",
    "TensorInfo",
    "TensorType",
    "Truncated",
    "Unreadable",
    "UnsupportedTensorType",
    "UnsupportedVersion",
    "Value",
    "join_parts",
    "parse",
    "part_names",
    "read_header",
    "read_model",
    "size_label",
    "split_paths",
    "type_name",
]
