"""Which weights the processor keeps in an order of its own, beside the mapped file.

The engine copies them into a buffer, `CPU_REPACK` in its plan. Their pages of the file stay mapped, but are not read
again: the system drops them when it needs the room, so they are counted once.

Source: `ggml_repack_get_optimal_repack_type` and `supports_op` of llama.cpp's ggml/src/ggml-cpu/repack.cpp, and which
instructions the engine was built for (xllamacpp's wheels: AVX2 without AVX-512 on x86-64, NEON on ARM).
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from functools import cache

from nodetool_xl_desktop.gguf import TensorInfo, type_name

#: By instruction set: types, and what the number of rows must divide by.
_TYPES: Mapping[str, Mapping[str, int]] = {
    "avx2": {"Q4_0": 8, "Q4_K": 8, "IQ4_NL": 8, "MXFP4": 8},
    "neon": {
        "Q4_0": 4,
        "Q4_K": 8,
        "Q5_K": 8,
        "Q6_K": 8,
        "IQ4_NL": 4,
        "MXFP4": 4,
        "Q8_0": 4,
        "Q1_0": 4,
    },
}
_MACHINES = {"x86_64": "avx2", "amd64": "avx2", "arm64": "neon", "aarch64": "neon"}
#: What is looked up, not multiplied with, is not repacked (`LLM_TENSOR_INFOS` of src/llama-arch.cpp).
_NOT_MULTIPLIED = ("token_embd.weight", "position_embd.weight", "token_types.weight", "per_layer_token_embd.weight")


@cache
def instructions() -> str:
    """The instruction set that weights are repacked for on this machine; empty where they are not."""
    return _MACHINES.get(platform.machine().lower(), "")


def is_repacked(tensor: TensorInfo, instruction_set: str | None = None) -> bool:
    """Whether a weight that is multiplied with would be copied into another order.

    Args:
        tensor: a matrix, or the matrices of experts.
        instruction_set: "avx2", "neon", or "" for none of them; None stands for this machine's.
    """
    rows = _TYPES.get(instructions() if instruction_set is None else instruction_set, {}).get(type_name(tensor.type_id))
    if rows is None or len(tensor.shape) < 2:
        return False
    experts = "_exps" in tensor.name
    return tensor.shape[1] > 1 and tensor.shape[1] % rows == 0 and len(tensor.shape) == (3 if experts else 2)


def repacked_bytes(tensors: tuple[TensorInfo, ...], instruction_set: str | None = None) -> int:
    """Bytes of all weights that stand beside the mapped file."""
    return sum(
        tensor.size
        for tensor in tensors
        if tensor.name.endswith(".weight")
        and tensor.name not in _NOT_MULTIPLIED
        and is_repacked(tensor, instruction_set)
    )
