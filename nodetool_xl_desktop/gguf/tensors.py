"""The second half of a header: which tensors there are, and whether their sizes and places agree.

The checks are the engine's (`gguf_init_from_reader`, ggml/src/gguf.cpp).
"""

from __future__ import annotations

import struct
from pathlib import Path

from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.gguf.errors import GgufError, Malformed, UnsupportedTensorType, file_name, shown
from nodetool_xl_desktop.gguf.header import TensorInfo
from nodetool_xl_desktop.gguf.types import REMOVED_TENSOR_TYPES, TENSOR_TYPES
from nodetool_xl_desktop.gguf.window import Window

#: The largest models have about 2,000 tensors; ones with unmerged experts (old conversions) up to 40,000.
MAX_TENSORS = 65_536
#: GGML_MAX_NAME (ggml/include/ggml.h) counts the closing zero byte.
MAX_TENSOR_NAME_BYTES = 63
#: GGML_MAX_DIMS (ggml/include/ggml.h). None at all is a single number.
MAX_DIMS = 4

_INT64_MAX = 2**63 - 1
#: Behind the number of dimensions of a tensor: the dimensions, the type, the offset.
_LAYOUTS = tuple(struct.Struct(f"<{n_dims}qiQ") for n_dims in range(MAX_DIMS + 1))


def read_tensors(window: Window, path: Path, n_tensors: int, alignment: int) -> tuple[TensorInfo, ...]:
    """Read `n_tensors` descriptions of tensors, whose data is padded to `alignment` bytes.

    Raises `Malformed` where they contradict each other, `UnsupportedTensorType`, and what `window` raises.
    """
    tensors: dict[str, TensorInfo] = {}
    offset = 0
    for _ in range(n_tensors):
        tensor = _read_tensor(window, path)
        if tensor.name in tensors:
            raise Malformed.because(path, tr("the tensor {name} stands in it twice", name=shown(tensor.name)))
        # The engine insists that tensors stand without gaps, in the order of the header.
        if tensor.offset != offset:
            why = tr(
                "the tensor {name} begins at {begin:,}, but the one before it ends at {end:,}",
                name=shown(tensor.name),
                begin=tensor.offset,
                end=offset,
            )
            raise Malformed.because(path, why)
        offset += padded(tensor.size, alignment)
        tensors[tensor.name] = tensor
    return tuple(tensors.values())


def padded(size: int, alignment: int) -> int:
    """The next multiple of `alignment`."""
    return (size + alignment - 1) // alignment * alignment


def _read_tensor(window: Window, path: Path) -> TensorInfo:
    name_length = window.u64()
    if name_length > MAX_TENSOR_NAME_BYTES:
        raise Malformed.because(
            path,
            trn(
                "a tensor in it has a name of {count} byte", "a tensor in it has a name of {count:,} bytes", name_length
            ),
        )
    name = window.take_bytes(name_length).decode("utf-8", "replace")
    n_dims = window.u32()
    if n_dims > MAX_DIMS:
        raise Malformed.because(
            path,
            trn(
                "the tensor {name} has {count} dimension",
                "the tensor {name} has {count:,} dimensions",
                n_dims,
                name=shown(name),
            ),
        )
    *shape, type_id, offset = window.take(_LAYOUTS[n_dims])
    if type_id not in TENSOR_TYPES:
        raise _unknown_type(path, name, type_id)
    size = _size(path, name, shape, type_id)
    return TensorInfo(name, tuple(shape), type_id, offset, size)


def _size(path: Path, name: str, shape: list[int], type_id: int) -> int:
    """Bytes of a tensor; blocks run along the first dimension and must fill it."""
    storage = TENSOR_TYPES[type_id]
    elements = 1
    for length in shape:
        elements *= length
        if length < 0 or elements > _INT64_MAX:
            raise Malformed.because(
                path, tr("the tensor {name} has the shape {shape}", name=shown(name), shape=tuple(shape))
            )
    row = shape[0] if shape else 1
    if row % storage.block_elements:
        why = tr(
            "the tensor {name} has rows of {row:,} elements, and {type} needs multiples of {block}",
            name=shown(name),
            row=row,
            type=storage.name,
            block=storage.block_elements,
        )
        raise Malformed.because(path, why)
    return elements // storage.block_elements * storage.block_bytes


def _unknown_type(path: Path, name: str, type_id: int) -> GgufError:
    if not 0 <= type_id < 1000:  # the engine counts its types up one by one, to 42 so far
        return Malformed.because(
            path, tr("the tensor {name} has the unknown type {type_id:,}", name=shown(name), type_id=type_id)
        )
    what = tr("{path} cannot be read by this program", path=file_name(path))
    if type_id in REMOVED_TENSOR_TYPES:
        why = tr(
            "its tensor {name} is stored as type {type_id}, which this engine does not know any more",
            name=shown(name),
            type_id=type_id,
        )
        return UnsupportedTensorType(what, why, tr("Look for a newer build of this model"))
    why = tr(
        "its tensor {name} is stored as type {type_id}, which this engine does not know",
        name=shown(name),
        type_id=type_id,
    )
    return UnsupportedTensorType(what, why, tr("Update the engine, or choose another quantization"))
