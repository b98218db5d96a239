"""Which type each tensor of a quantised file has, as llama.cpp's `llama-quantize` chooses (src/llama-quant.cpp)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from gguf_writer import Tensor

from nodetool_xl_desktop.gguf import TENSOR_TYPES

#: `enum llama_ftype` of include/llama.h.
FILE_TYPE = {
    "F32": 0,
    "F16": 1,
    "Q4_0": 2,
    "Q8_0": 7,
    "Q4_K_S": 14,
    "Q4_K_M": 15,
    "Q5_K_M": 17,
    "Q6_K": 18,
    "IQ4_XS": 30,
    "BF16": 32,
    "MXFP4_MOE": 38,
}
_BASE = {"Q4_K_S": "Q4_K", "Q4_K_M": "Q4_K", "Q5_K_M": "Q5_K", "MXFP4_MOE": "MXFP4"}
#: `tensor_type_fallback`: rows that are no multiple of 256.
_NARROW = {"Q4_K": "Q5_0", "Q5_K": "Q5_1", "Q6_K": "Q8_0", "IQ4_XS": "IQ4_NL"}
_EMBEDDINGS = ("token_embd.weight", "per_layer_token_embd.weight")
_BLOCK = {storage.name: storage.block_elements for storage in TENSOR_TYPES.values()}
#: `tensor_allows_quantization`; what ends in anything but "weight" stays F32 too, and what has one dimension.
_KEPT = re.compile(
    r"_norm\.weight|ffn_gate_inp|altup|laurel|per_layer_model_proj|position_embd|token_types|ssm_conv1d"
    r"|shortconv\.conv\.weight|time_mix_(first|[wvag][012]|decay_w\d|lerp_fused)\.weight|patch_embd"
)
#: Of those, the converter leaves these in F16 (conversion/base.py), the others in F32.
_KEPT_IN_F16 = re.compile(
    r"per_layer_model_proj|laurel_[lr]\.|altup_(unembd_|)proj|altup_router\.|time_mix_[avg][12]\."
)


def quantised(named: Sequence[tuple[str, Sequence[int]]], file_type: str, keys: Mapping[str, Any]) -> list[Tensor]:
    """Give each tensor its type.

    Args:
        named: names and lengths, layer by layer: some choices count the tensors that came before.
        file_type: a key of `FILE_TYPE`.
        keys: the model's metadata, without its architecture's name.
    """
    chooser = _Chooser(named, file_type, keys)
    return [(name, tuple(lengths), chooser.type_of(name, lengths)) for name, lengths in named]


class _Chooser:
    def __init__(self, named: Sequence[tuple[str, Sequence[int]]], file_type: str, keys: Mapping[str, Any]) -> None:
        self._file_type, self._base = file_type, _BASE.get(file_type, file_type)
        self._experts = int(keys.get("expert_count", 0))
        heads, kv_heads = (keys.get(f"attention.{key}", 0) for key in ("head_count", "head_count_kv"))
        kv_heads = kv_heads[0] if isinstance(kv_heads, list) else kv_heads
        self._share = heads // kv_heads if kv_heads else 0
        self._layers = int(keys["block_count"])
        self._is_70b = self._layers == 80  # as llama.cpp tells it too
        self._tied = all(name != "output.weight" for name, _ in named)
        self._values = sum(1 for name, _ in named if _is_value(name))
        self._values_seen = 0

    def type_of(self, name: str, lengths: Sequence[int]) -> str:
        flat = all(length == 1 for length in lengths[1:])
        if flat or not name.endswith("weight") or _KEPT.search(name):
            return "F16" if _KEPT_IN_F16.search(name) else "F32"
        if self._base in ("F32", "F16", "BF16"):
            return self._base
        chosen = self._chosen(name, lengths)
        if lengths[0] % _BLOCK[chosen] and chosen in _NARROW:
            chosen = _NARROW[chosen]
        return chosen if lengths[0] % _BLOCK[chosen] == 0 else "F16"

    def _chosen(self, name: str, lengths: Sequence[int]) -> str:
        chosen = self._base
        if name == "output.weight" or (self._tied and name in _EMBEDDINGS):
            chosen = self._of_output(lengths)
        elif self._file_type == "MXFP4_MOE":
            chosen = "MXFP4" if len(lengths) > 2 else "Q8_0"
        elif _is_value(name):
            chosen = self._of_value(self._values_seen)
            self._values_seen += 1
        elif "ffn_down" in name:
            chosen = self._of_down(int(name.split(".")[1]))
        elif self._experts == 8 and "attn_k.weight" in name:
            chosen = "Q8_0"
        elif self._experts == 8 and "attn_output.weight" in name and self._base in ("Q4_K", "IQ4_XS"):
            chosen = "Q5_K"
        return chosen

    def _of_output(self, lengths: Sequence[int]) -> str:
        if self._file_type == "MXFP4_MOE" or lengths[0] % _BLOCK[self._base]:
            return "Q8_0"
        return self._base if self._base == "Q8_0" else "Q6_K"

    def _of_value(self, number: int) -> str:
        chosen = self._base
        if self._file_type == "IQ4_XS" and self._share >= 4:
            chosen = "Q5_K"
        elif self._file_type in ("Q4_K_M", "Q5_K_M") and _more_bits(number, self._values):
            chosen = "Q6_K"
        elif self._file_type == "Q4_K_S" and number < 4:
            chosen = "Q5_K"
        if self._is_70b and chosen == "Q4_K":
            chosen = "Q5_K"
        return "Q8_0" if self._experts == 8 else chosen

    def _of_down(self, layer: int) -> str:
        if self._file_type in ("Q4_K_M", "Q5_K_M") and _more_bits(layer, self._layers):
            return "Q6_K"
        if self._file_type in ("Q4_K_S", "IQ4_XS") and layer < self._layers // 8:
            return "Q5_K"
        return self._base


def _is_value(name: str) -> bool:
    """`category_is_attn_v`."""
    return any(part in name for part in ("attn_v.weight", "attn_qkv.weight", "attn_kv_b.weight"))


def _more_bits(number: int, count: int) -> bool:
    """`use_more_bits`."""
    return number < count // 8 or number >= 7 * count // 8 or (number - count // 8) % 3 == 2
