"""What the header of a model file says, as values that cannot change.

A `Header` keeps the metadata as it stands in the file and answers what the rest of the program asks of it.
Keys that are missing or of an odd type are answered with None or a default, because a list of models shows
broken files too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any, Literal, TypeVar, overload

from nodetool_xl_desktop.core.translation import tr, trn
from nodetool_xl_desktop.gguf.errors import Malformed, shown
from nodetool_xl_desktop.gguf.types import FILE_TYPE_GUESSED, FILE_TYPES, type_name

#: An array of numbers is kept as a tuple up to this many elements. Per-layer values have at most 512 (the
#: engine's LLAMA_MAX_LAYERS, src/llama-hparams.h); whatever is longer belongs to the vocabulary.
MAX_KEPT_ELEMENTS = 1024

#: What a file can be; only "model" can be loaded to chat with. "part": a part of a split set without its
#: first.
Kind = Literal["model", "projector", "adapter", "imatrix", "vocabulary", "part", "other"]

_SPLIT_SUFFIX = re.compile(r"-\d{5}-of-\d{5}$")


@dataclass(frozen=True, slots=True)
class ArrayInfo:
    """Stands in the metadata for an array (or a string: `element_type` "char") that is too long to keep.

    `element_type` is the engine's short name ("str", "u32", "f32", ggml/src/gguf.cpp).
    """

    element_type: str
    length: int


Scalar = bool | int | float | str
Value = Scalar | tuple[Scalar, ...] | ArrayInfo
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor: `size` in bytes, `offset` in bytes from the start of its file's data section."""

    name: str
    shape: tuple[int, ...]
    type_id: int
    offset: int
    size: int

    @property
    def type_name(self) -> str:
        """The storage type: "Q4_K"."""
        return type_name(self.type_id)

    @property
    def n_elements(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class Header:
    """A model's header; for a split set the first part's, with the tensors of all parts.

    `path`, `file_size`, `data_offset` and `header_bytes` (all sizes in bytes) are those of one file, the
    first part of a set; `files` and `total_size` cover all parts. `header_bytes` ends before the padding,
    `data_offset` after it.
    """

    path: Path
    file_size: int
    version: int
    metadata: Mapping[str, Value] = field(hash=False, repr=False)
    tensors: tuple[TensorInfo, ...] = field(repr=False)
    data_offset: int
    alignment: int
    header_bytes: int
    files: tuple[Path, ...]
    total_size: int
    _worked_out: dict[object, Any] = field(default_factory=dict, init=False, repr=False, compare=False, hash=False)

    def once(self, work_out: Callable[[Header], T]) -> T:
        """What this function makes of this header, worked out at the first call and kept as long as the header.

        What it raises is not kept.
        """
        if work_out not in self._worked_out:
            self._worked_out[work_out] = work_out(self)
        kept: T = self._worked_out[work_out]
        return kept

    # What it is

    @property
    def architecture(self) -> str:
        """Such as "llama"; empty for a later part of a split set and an importance matrix: they have none."""
        return self._text("general.architecture") or ""

    @property
    def name(self) -> str:
        """The model's name on one line, from the metadata or else from the file's name."""
        given = " ".join((self._text("general.name") or "").split())
        # 200 characters: a name is shown in lists and titles, and may be as long as its maker liked.
        return shown(given, limit=200) or shown(_SPLIT_SUFFIX.sub("", self.path.stem), limit=200)

    @property
    def kind(self) -> Kind:
        """What the file is by its general.type, its architecture and whether it has tensors."""
        if self.split_no > 0:
            return "part"
        told = self._text("general.type")
        if self.architecture == "clip" or told == "mmproj":  # tools/mtmd: vision and audio projectors
            return "projector"
        if told == "adapter" or self.architecture == "controlvector":
            return "adapter"
        if told == "imatrix":
            return "imatrix"
        if told not in (None, "model"):
            return "other"
        return "model" if self.tensors or self.split_count > 1 else "vocabulary"

    @property
    def is_model(self) -> bool:
        """Whether it is a model to load, not a projector, an adapter, a vocabulary or the like."""
        return self.kind == "model"

    # How large it is

    @property
    def quantization(self) -> str:
        """Such as "Q4_K_M": as the file says, else the type that holds most bytes; empty without tensors."""
        told = self._int("general.file_type")
        known = FILE_TYPES.get(told & ~FILE_TYPE_GUESSED) if told is not None else None
        if known:
            return known
        sizes: Counter[str] = Counter()
        for tensor in self.tensors:
            sizes[tensor.type_name] += tensor.size
        return max(sizes, key=lambda name: sizes[name], default="")

    @property
    def n_params(self) -> int:
        """The number of parameters: the elements of all tensors."""
        return sum(tensor.n_elements for tensor in self.tensors)

    @property
    def size_label(self) -> str:
        """`n_params` as people say it: "135M", "7.2B", "671B"; empty without tensors."""
        return size_label(self.n_params)

    @property
    def tensor_bytes(self) -> int:
        """Bytes of all tensors, without padding."""
        return sum(tensor.size for tensor in self.tensors)

    @property
    def block_count(self) -> int:
        """The number of layers; 0 where the file does not say."""
        return max(self.get_int("block_count", 0), 0)

    @property
    def context_length_max(self) -> int | None:
        """The context that the model was trained for, in tokens."""
        length = self.get_int("context_length")
        return length if length is not None and length > 0 else None

    @property
    def vocab_size(self) -> int | None:
        """The number of tokens in the vocabulary."""
        told = self.get_int("vocab_size")
        if told is not None and told > 0:
            return told
        tokens = self.metadata.get("tokenizer.ggml.tokens")
        if isinstance(tokens, ArrayInfo) and tokens.element_type == "str":
            return tokens.length
        return len(tokens) if isinstance(tokens, tuple) else None

    # What it wants

    @property
    def chat_template(self) -> str | None:
        """The model's Jinja chat template."""
        return self._text("tokenizer.chat_template") or None

    # Split sets

    @property
    def split_count(self) -> int:
        """Of how many files the set consists; 1 for a single file."""
        return max(self._int("split.count") or 1, 1)

    @property
    def split_no(self) -> int:
        """Which of them this is, from 0."""
        return max(self._int("split.no") or 0, 0) if self.split_count > 1 else 0

    # Values of this architecture

    @overload
    def get_int(self, suffix: str, default: int) -> int: ...
    @overload
    def get_int(self, suffix: str, default: None = None) -> int | None: ...
    def get_int(self, suffix: str, default: int | None = None) -> int | None:
        """The number under "<architecture>.<suffix>"; `default` where there is none or something else."""
        value = self._int(f"{self.architecture}.{suffix}")
        return default if value is None else value

    def get_ints(self, suffix: str, n: int, default: int = 0) -> tuple[int, ...]:
        """One number a layer for `n` layers from "<architecture>.<suffix>", a number or an array of `n`.

        Raises `Malformed` where the engine would refuse it too (`get_key_or_arr`,
        src/llama-model-loader.cpp): an array of another length or of something else, or more layers than
        there can be.
        """
        key = f"{self.architecture}.{suffix}"
        if not 0 <= n <= MAX_KEPT_ELEMENTS:
            raise Malformed.because(
                self.path, trn("it says that it has {count} layer", "it says that it has {count:,} layers", n)
            )
        value = self.metadata.get(key)
        if isinstance(value, ArrayInfo) or (isinstance(value, tuple) and len(value) != n):
            length = value.length if isinstance(value, ArrayInfo) else len(value)
            raise Malformed.because(
                self.path,
                tr("it has {layers:,} layers, but {length:,} values of {key}", layers=n, length=length, key=shown(key)),
            )
        values = value if isinstance(value, tuple) else (default if value is None else value,) * n
        numbers = tuple(int(item) for item in values if isinstance(item, int))
        if len(numbers) != n:
            raise Malformed.because(self.path, tr("{key} should be a number", key=shown(key)))
        return numbers

    def _int(self, key: str) -> int | None:
        value = self.metadata.get(key)
        return int(value) if isinstance(value, int) else None

    def _text(self, key: str) -> str | None:
        value = self.metadata.get(key)
        return value if isinstance(value, str) else None


def size_label(n_params: int) -> str:
    """A number of parameters as people say it: "135M", "7.2B", "671B"; empty for 0."""
    if n_params <= 0:
        return ""
    for unit, letter in ((10**3, "K"), (10**6, "M"), (10**9, "B"), (10**12, "T")):
        amount = n_params / unit
        # 999.5 and more would round to "1000": the next unit says it shorter.
        if amount < 999.5 or letter == "T":
            # One decimal only where it tells sizes apart (7B from 7.2B), and never in thousands.
            text = f"{amount:.1f}" if amount < 9.95 and letter != "K" else f"{amount:.0f}"
            return f"{text.removesuffix('.0')}{letter}"
    raise AssertionError("unreachable: the last unit takes everything")
