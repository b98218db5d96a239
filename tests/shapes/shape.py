"""What a shape is, and how it becomes a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gguf_writer import Tensor, write_gguf, write_split_set

from shapes import words
from shapes.quantise import FILE_TYPE, quantised

#: A tensor before its type is chosen: its name, and its lengths as ggml counts them (columns first).
Named = tuple[str, Sequence[int]]


@dataclass(frozen=True)
class Keys:
    """The metadata of a model under its architecture, as the blocks ask for it."""

    values: Mapping[str, Any]

    def __call__(self, key: str, layer: int = 0, default: Any = None) -> Any:
        """The value of a key; of a list, that of the layer."""
        value = self.values[key] if default is None else self.values.get(key, default)
        return value[layer] if isinstance(value, list) else value

    @property
    def width(self) -> int:
        return int(self("embedding_length"))

    @property
    def layers(self) -> int:
        """All blocks of the file, those that predict further tokens (nextn) included."""
        return int(self("block_count"))

    @property
    def main_layers(self) -> int:
        return self.layers - int(self("nextn_predict_layers", default=0))

    def heads(self, layer: int = 0) -> int:
        return int(self("attention.head_count", layer))

    def kv_heads(self, layer: int = 0) -> int:
        return int(self("attention.head_count_kv", layer, self.values["attention.head_count"]))

    def key_size(self) -> int:
        return int(self("attention.key_length", default=self.width // max(1, self.heads())))

    def value_size(self) -> int:
        return int(self("attention.value_length", default=self.width // max(1, self.heads())))


#: The tensors of one layer, without "blk.N.".
Block = Callable[[Keys, int], Iterable[Named]]


@dataclass(frozen=True, repr=False)
class Shape:
    """One model.

    Attributes:
        name: of the file.
        billions: of parameters, as its makers or llama.cpp tell them; the tensors are held against it.
        architecture: as llama.cpp names it.
        vocabulary: how many words the model knows.
        keys: its metadata without the architecture's name; ints, floats, or a list with a value for each layer.
        blocks: what each layer is made of.
        file_type: how it is quantised, by llama.cpp's name.
        tied: whether the output has no matrix of its own.
        outside: tensors beside the layers and the ordinary input and output.
        output_norm: the name of the last norm; "" for none.
        words: "none" writes no words (a header of a few KB); "bpe", "spm" and "wpm" write all.
        parts: how many files it is split into.
        general: keys without the architecture's name.
    """

    name: str
    billions: float
    architecture: str
    vocabulary: int
    keys: Mapping[str, Any]
    blocks: Sequence[Block]
    file_type: str = "Q4_K_M"
    tied: bool = False
    outside: Sequence[Named] = ()
    output_norm: str = "output_norm"
    words: str = "none"
    parts: int = 1
    general: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return self.name

    @property
    def context_length(self) -> int:
        """What the model was made for."""
        return int(self.keys["context_length"])

    def tensors(self) -> list[Tensor]:
        """All tensors with their types, in the order of a converted file."""
        keys, width = Keys(self.keys), int(self.keys["embedding_length"])
        named: list[Named] = [("token_embd.weight", (width, self.vocabulary)), *self.outside]
        if not self.tied:
            named.append(("output.weight", (width, self.vocabulary)))
        if self.output_norm:
            named.append((f"{self.output_norm}.weight", (width,)))
        for layer in range(keys.layers):
            for block in self.blocks:
                named += [(f"blk.{layer}.{name}", lengths) for name, lengths in block(keys, layer)]
        return quantised(named, self.file_type, keys.values)

    def metadata(self) -> dict[str, Any]:
        """The keys of the file."""
        return {
            "general.architecture": self.architecture,
            "general.name": self.name,
            "general.file_type": FILE_TYPE[self.file_type],
            "general.quantization_version": 2,
            **{f"{self.architecture}.{key}": value for key, value in self.keys.items()},
            f"{self.architecture}.vocab_size": self.vocabulary,
            **words.metadata(self.words, self.vocabulary),
            **self.general,
        }


def write(folder: Path, shape: Shape) -> Path:
    """Write the model as a sparse file; the first one of a split set."""
    if shape.parts > 1:
        return write_split_set(folder, shape.name, shape.metadata(), shape.tensors(), shape.parts)[0]
    return write_gguf(folder / f"{shape.name}.gguf", shape.metadata(), shape.tensors())
